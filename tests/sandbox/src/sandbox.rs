//! All vendors together, with the faults and the webhooks in between.

mod carriers;
mod endpoint;
mod packed;
mod people;

use crate::answer::edge_error;
use crate::deliveries::{Delivery, DeliveryCounts, Outbox, Posting};
use crate::dials::{Dial, Dials};
use crate::faults::{CallFault, FaultDial, Mishap, OUTAGE_STATUS};
use crate::on_call::OnCall;
use crate::sources::Given;
use crate::{Settings, Vendor, dhl, fedex, postmark, sendgrid, stripe, twilio, ups};
use bytes::Bytes;
use endpoint::Endpoint;
use http::{HeaderMap, Method, Request, Response, header};
use std::collections::BTreeMap;

/// What a caller sees of one API call.
#[derive(Debug)]
pub enum Reply {
    /// An answer.
    Answer {
        /// What the vendor says.
        response: Response<Bytes>,
        /// How late it says it, in milliseconds. What it says was true at the time of the call.
        delay_ms: u64,
    },
    /// The connection breaks without an answer; the work may have been done or not.
    Lost {
        /// When it breaks, in milliseconds after the call.
        delay_ms: u64,
    },
    /// The connection was refused: nothing happened.
    Refused,
}

/// One API call that arrived, whatever became of it.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// Whose API.
    pub vendor: Vendor,
    /// The name on the fault dial.
    pub operation: &'static str,
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// As received.
    pub method: Method,
    /// As received.
    pub path_and_query: String,
    /// As received, credentials included.
    pub headers: HeaderMap,
    /// As received.
    pub body: Bytes,
    /// The answer's status; none when there was no answer.
    pub status: Option<u16>,
}

/// The simulated vendors of one shop.
#[derive(Debug)]
pub struct Sandbox {
    settings: Settings,
    stripe: stripe::State,
    sendgrid: sendgrid::State,
    twilio: twilio::State,
    postmark: postmark::State,
    fedex: fedex::State,
    ups: ups::State,
    dhl: dhl::State,
    faults: FaultDial,
    outbox: Outbox,
    endpoints: BTreeMap<Vendor, Endpoint>,
    calls: Vec<RecordedCall>,
    given: Given,
    /// Who people on call are told by.
    pub on_call: OnCall,
}

impl Sandbox {
    /// Vendors on which nothing has happened yet. A webhook URL that is empty or no URL registers no endpoint.
    pub fn new(settings: Settings) -> Self {
        let mut sandbox = Self {
            stripe: stripe::State::new(&settings),
            sendgrid: sendgrid::State::new(&settings),
            twilio: twilio::State::new(&settings),
            postmark: postmark::State::new(&settings),
            fedex: fedex::State::new(&settings),
            ups: ups::State::new(&settings),
            dhl: dhl::State::new(&settings),
            faults: FaultDial::new(settings.seed),
            outbox: Outbox::default(),
            endpoints: BTreeMap::new(),
            calls: Vec::new(),
            given: Given::default(),
            on_call: OnCall::default(),
            settings,
        };
        for vendor in Vendor::ALL {
            let url = match vendor {
                Vendor::Stripe => sandbox.settings.stripe_webhook_url.clone(),
                Vendor::SendGrid => sandbox.settings.sendgrid_webhook_url.clone(),
                Vendor::Twilio => sandbox.settings.twilio_webhook_url.clone(),
                Vendor::Postmark => sandbox.settings.postmark_webhook_url.clone(),
                Vendor::FedEx => sandbox.settings.fedex_webhook_url.clone(),
                Vendor::Ups => sandbox.settings.ups_webhook_url.clone(),
                Vendor::Dhl => String::new(), // it pushes nothing
            };
            sandbox.set_webhook(vendor, &url, None);
        }
        sandbox
    }

    /// One API call at `now_ms` (epoch milliseconds). The path is the vendor's own (`/v1/…`, `/v3/…`); scheme and host
    /// do not matter.
    pub fn call(&mut self, vendor: Vendor, now_ms: i64, request: Request<Bytes>) -> Reply {
        let operation = match vendor {
            Vendor::Stripe => stripe::operation(request.method(), request.uri().path()),
            Vendor::SendGrid => sendgrid::operation(request.method(), request.uri().path()),
            Vendor::Twilio => twilio::operation(request.method(), request.uri().path()),
            Vendor::Postmark => postmark::operation(request.method(), request.uri().path()),
            Vendor::FedEx => fedex::operation(request.method(), request.uri().path()),
            Vendor::Ups => ups::operation(request.method(), request.uri().path()),
            Vendor::Dhl => dhl::operation(request.method(), request.uri().path()),
        };
        let fate = self.faults.for_call(now_ms, vendor, operation, &request);
        let delay_ms = fate.delay_ms;
        let mut reply = match fate.fault {
            Some(CallFault::Refused) => Reply::Refused,
            Some(CallFault::LostRequest) => Reply::Lost { delay_ms },
            Some(CallFault::ErrorBefore { status }) => {
                if status == OUTAGE_STATUS && self.is_done_all_the_same(vendor) {
                    self.work(vendor, now_ms, &request, Mishap::None, delay_ms);
                    if vendor == Vendor::Stripe {
                        self.stripe.answer_was_lost(&request);
                    }
                }
                Reply::Answer { response: edge_error(now_ms, status), delay_ms }
            }
            Some(CallFault::LostAnswer) => {
                self.work(vendor, now_ms, &request, Mishap::None, delay_ms);
                if vendor == Vendor::Stripe {
                    self.stripe.answer_was_lost(&request);
                }
                Reply::Lost { delay_ms }
            }
            Some(CallFault::Garbled) => {
                let mut response = self.work(vendor, now_ms, &request, Mishap::None, delay_ms);
                let half = response.body().len() / 2;
                response.body_mut().truncate(half);
                Reply::Answer { response, delay_ms }
            }
            other => {
                let mishap = match other {
                    Some(CallFault::ErrorDuring { status }) => Mishap::During(status),
                    Some(CallFault::ErrorAfter { status }) => Mishap::After(status),
                    Some(CallFault::LockTimeout) => Mishap::Locked,
                    Some(CallFault::Throttled { retry_after_s }) => Mishap::Throttled(retry_after_s),
                    _ => Mishap::None,
                };
                let response = self.work(vendor, now_ms, &request, mishap, delay_ms);
                Reply::Answer { response, delay_ms }
            }
        };
        let is_packed = vendor == Vendor::FedEx && self.dials().is_turned(Dial::AnswersArePacked);
        let status = match &mut reply {
            Reply::Answer { response, .. } => {
                self.given.answered(vendor, operation, response);
                if is_packed {
                    packed::pack(response);
                }
                Some(response.status().as_u16())
            }
            Reply::Lost { .. } | Reply::Refused => None,
        };
        let (parts, body) = request.into_parts();
        self.calls.push(RecordedCall {
            vendor,
            operation,
            at_ms: now_ms,
            method: parts.method,
            path_and_query: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers: parts.headers,
            body,
            status,
        });
        reply
    }

    /// Whether a request that the edge answers with 503 has reached the vendor nevertheless.
    fn is_done_all_the_same(&mut self, vendor: Vendor) -> bool {
        match vendor {
            Vendor::Stripe => self.dials().is_turned(Dial::UnavailableYetDone),
            Vendor::SendGrid => self.dials().is_turned(Dial::UnavailableYetTaken),
            _ => false,
        }
    }

    fn work(
        &mut self,
        vendor: Vendor,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        took_ms: u64,
    ) -> Response<Bytes> {
        let dials = self.dials().clone();
        self.ups.set_dials(dials.clone());
        self.fedex.set_dials(dials.clone());
        self.sendgrid.set_dials(dials.clone());
        self.postmark.set_dials(dials);
        let response = match vendor {
            Vendor::Stripe => self.stripe.call(now_ms, request, mishap, took_ms),
            Vendor::SendGrid => self.sendgrid.call(now_ms, request, mishap, &mut self.faults),
            Vendor::Twilio => self.twilio.call(now_ms, request, mishap, &mut self.faults),
            Vendor::Postmark => self.postmark.call(now_ms, request, mishap, &mut self.faults),
            Vendor::FedEx => self.fedex.call(now_ms, request, mishap, &mut self.faults),
            Vendor::Ups => self.ups.call(now_ms, request, mishap, &mut self.faults),
            Vendor::Dhl => self.dhl.call(now_ms, request, mishap, &mut self.faults),
        };
        self.post_outgoing();
        response
    }

    /// When to call [`Self::take_due`] next, in epoch milliseconds: a webhook is due, a bank answers, a message moves
    /// on, somebody would hear of a parcel that does. Webhooks in flight don't count.
    pub fn next_delivery_at(&self) -> Option<i64> {
        let waiting = self.outbox.next_due_ms(|vendor| self.endpoints.contains_key(&vendor));
        let batch = self.sendgrid.next_batch_ms();
        let planned = [self.stripe.next_planned_ms(), self.sendgrid.next_send_ms(), self.twilio.next_planned_ms()];
        let parcels = [self.next_told_of_parcel_ms(Vendor::FedEx), self.ups.next_told_ms()];
        planned.into_iter().chain(parcels).chain([waiting, batch]).flatten().min()
    }

    /// The webhooks that are due at `now_ms`, earliest first, signed at this moment. Report each to
    /// [`Self::delivered`].
    pub fn take_due(&mut self, now_ms: i64) -> Vec<Delivery> {
        self.stripe.pass_time(now_ms);
        self.sendgrid.pass_time(now_ms, &mut self.faults);
        self.twilio.pass_time(now_ms);
        self.fedex.pass_time(now_ms);
        self.ups.pass_time(now_ms);
        self.dhl.pass_time(now_ms);
        self.post_outgoing();
        for batch in self.sendgrid.take_batches(now_ms) {
            self.post(Vendor::SendGrid, &Posting::to_endpoint(batch, now_ms, sendgrid::RETRY_WINDOW_MS));
        }
        let endpoints = &self.endpoints;
        let due = self.outbox.take_due(now_ms, |vendor| endpoints.contains_key(&vendor));
        due.into_iter()
            .filter_map(|letter| {
                let Posting { body, url, headers, sender, .. } = letter.posting;
                if sender.as_deref().is_some_and(|endpoint| !self.stripe.has_endpoint(endpoint)) {
                    // "If your endpoint has been disabled or deleted when Stripe attempts a retry, future retries of that
                    // message are prevented." (docs.stripe.com/webhooks)
                    self.outbox.forget(letter.id);
                    return None;
                }
                let target = endpoint::target(self.endpoints.get(&letter.vendor), url.as_deref())?;
                let signed = match letter.vendor {
                    Vendor::Stripe => self.stripe.webhook_headers(now_ms, &body, sender.as_deref()),
                    Vendor::SendGrid => self.sendgrid.webhook_headers(now_ms, &body),
                    Vendor::Twilio => self.twilio.webhook_headers(&target.public, &body),
                    Vendor::Postmark => self.postmark.webhook_headers(),
                    Vendor::FedEx => self.fedex.webhook_headers(&body),
                    Vendor::Ups => self.ups.webhook_headers(url.as_deref()),
                    Vendor::Dhl => Vec::new(),
                };
                let mut request = Request::new(body);
                *request.method_mut() = Method::POST;
                *request.uri_mut() = target.address;
                let headers = headers.into_iter().chain(signed);
                request.headers_mut().extend(headers.map(|(name, value)| (Some(name), value)));
                if let Some(host) = target.host {
                    request.headers_mut().insert(header::HOST, host);
                }
                Some(Delivery { id: letter.id, vendor: letter.vendor, request, attempt: letter.attempt })
            })
            .collect()
    }

    /// What became of a delivery: the receiver's status, or none when it gave no answer. Without a 2xx it is tried
    /// again until the vendor gives up.
    ///
    /// Where UPS asks the shop for a token ([`Settings::ups_webhook_token_url`]), the answer's body counts too: see
    /// [`Self::answered`].
    pub fn delivered(&mut self, id: u64, status: Option<u16>, now_ms: i64) {
        self.answered(id, status, b"", now_ms);
    }

    /// As [`Self::delivered`], with the body of the receiver's answer.
    pub fn answered(&mut self, id: u64, status: Option<u16>, body: &[u8], now_ms: i64) {
        let asked_for_token = self.outbox.url_of(id).is_some_and(|url| url == self.settings.ups_webhook_token_url);
        if asked_for_token && status.is_some_and(|status| (200..300).contains(&status)) {
            self.ups.take_webhook_token(now_ms, body);
            self.post_outgoing();
        }
        self.outbox.delivered(id, status, now_ms, self.settings.first_retry_ms);
    }

    /// Turn this to make things go wrong.
    pub fn faults(&mut self) -> &mut FaultDial {
        &mut self.faults
    }

    /// What a vendor does where nobody outside knows.
    pub fn dials(&mut self) -> &mut Dials {
        self.stripe.dials()
    }

    /// What the vendors have given so far, and [`crate::sources`] does not name. Each is told once; what nobody asks for
    /// makes the sandbox panic when it is dropped.
    pub fn unlisted(&mut self) -> Vec<String> {
        self.given.take_unlisted()
    }

    /// What Stripe has: payment intents, charges, refunds, customers, their cards, the balance.
    pub fn stripe(&self) -> &stripe::State {
        &self.stripe
    }

    /// What SendGrid has: mails.
    pub fn sendgrid(&self) -> &sendgrid::State {
        &self.sendgrid
    }

    /// What Twilio has: messages out and in, and who has opted out.
    pub fn twilio(&self) -> &twilio::State {
        &self.twilio
    }

    /// What Postmark has: mails, and the addresses that it sends nothing to.
    pub fn postmark(&self) -> &postmark::State {
        &self.postmark
    }

    /// What FedEx has: labels, parcels, collections, the tokens that it has given out.
    pub fn fedex(&self) -> &fedex::State {
        &self.fedex
    }

    /// What UPS has: labels, parcels, collections, the tokens that it has given out, subscriptions.
    pub fn ups(&self) -> &ups::State {
        &self.ups
    }

    /// What DHL Express has: labels, parcels, collections.
    pub fn dhl(&self) -> &dhl::State {
        &self.dhl
    }

    /// Every API call that arrived so far, in order.
    pub fn calls(&self) -> &[RecordedCall] {
        &self.calls
    }

    /// What became of the webhooks of one vendor so far.
    pub fn deliveries(&self, vendor: Vendor) -> DeliveryCounts {
        self.outbox.counts(vendor)
    }

    /// The key that verifies SendGrid's webhooks: base64 of DER SubjectPublicKeyInfo.
    pub fn sendgrid_public_key(&self) -> String {
        self.sendgrid.public_key()
    }

    /// Moves a webhook endpoint, `host` replacing the `Host` header. Without a valid absolute URL the endpoint is taken
    /// away: new events go nowhere, waiting ones wait. Says whether there is an endpoint now.
    ///
    /// With a `host`, the URL is where the public address `https://<host>/…` is found on this machine: Twilio signs the
    /// public one, and status callbacks to that host go there too.
    pub fn set_webhook(&mut self, vendor: Vendor, url: &str, host: Option<&str>) -> bool {
        match Endpoint::new(url, host) {
            Some(endpoint) => self.endpoints.insert(vendor, endpoint),
            None => self.endpoints.remove(&vendor),
        };
        self.endpoints.contains_key(&vendor)
    }

    /// The account's API key is replaced (SendGrid: that for transactional mail; Twilio: the key's secret; FedEx and UPS:
    /// the client's secret; DHL: the password): the old one is refused from now on.
    pub fn set_api_key(&mut self, vendor: Vendor, key: &str) {
        match vendor {
            Vendor::Stripe => self.stripe.set_api_key(key.to_owned()),
            Vendor::SendGrid => self.sendgrid.set_api_key(key.to_owned()),
            Vendor::Twilio => self.twilio.set_api_key_secret(key.to_owned()),
            Vendor::Postmark => self.postmark.set_server_token(key.to_owned()),
            Vendor::FedEx => self.fedex.set_client_secret(key.to_owned()),
            Vendor::Ups => self.ups.set_client_secret(key.to_owned()),
            Vendor::Dhl => self.dhl.set_password(key.to_owned()),
        }
    }

    /// The credentials (`user:password`) that go with Postmark's webhooks from now on, retries included.
    pub fn set_postmark_webhook_credentials(&mut self, credentials: &str) {
        self.postmark.set_webhook_credentials(credentials.to_owned());
    }

    /// Postmark refuses every mail with this error code from now on (405: no credits are left, 412: the account waits for
    /// approval); none: it takes them again.
    pub fn postmark_refuses_all(&mut self, error_code: Option<u32>) {
        self.postmark.refuse_all(error_code);
    }

    /// Twilio accepts these auth tokens from now on; the first one is the primary one and signs.
    pub fn set_twilio_auth_tokens(&mut self, tokens: &[&str]) {
        self.twilio.set_auth_tokens(tokens.iter().map(|token| (*token).to_owned()).collect());
    }

    /// Rolls Stripe's webhook secret: until `old_until_ms` every webhook carries a signature of each.
    pub fn roll_stripe_webhook_secret(&mut self, secret: &str, old_until_ms: i64) {
        self.stripe.roll_webhook_secret(secret.to_owned(), old_until_ms);
    }

    /// Puts on their way the webhooks that have come into being since the last time.
    fn post_outgoing(&mut self) {
        for event in self.stripe.take_outgoing() {
            let posting = Posting::to_endpoint(event.body, event.due_ms, stripe::RETRY_WINDOW_MS);
            self.post(Vendor::Stripe, &Posting { sender: event.endpoint, ..posting });
        }
        for callback in self.twilio.take_outgoing() {
            self.post(Vendor::Twilio, &callback);
        }
        for record in self.postmark.take_outgoing() {
            self.post(Vendor::Postmark, &record);
        }
        for push in self.fedex.take_outgoing() {
            self.post(Vendor::FedEx, &push);
        }
        for push in self.ups.take_outgoing() {
            self.post(Vendor::Ups, &push);
        }
    }

    /// Puts a webhook on its way, if it has an address or anybody is registered for it.
    fn post(&mut self, vendor: Vendor, posting: &Posting) {
        if posting.url.is_some() || self.endpoints.contains_key(&vendor) {
            self.given.posted(vendor, &posting.body);
            let fault = self.faults.for_webhook(vendor, &posting.body);
            self.outbox.put(vendor, posting, fault);
        }
    }
}

/// No test passes in which a vendor did what nobody has named a source for.
impl Drop for Sandbox {
    fn drop(&mut self) {
        let unlisted = self.unlisted();
        // The test that made it happen is to fail, unless it does already.
        assert!(unlisted.is_empty() || std::thread::panicking(), "{}", unlisted.join("\n"));
    }
}
