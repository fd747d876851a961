//! All vendors together, with the faults and the webhooks in between.

use crate::answer::edge_error;
use crate::deliveries::{Delivery, DeliveryCounts, Outbox};
use crate::faults::{CallFault, FaultDial, Mishap};
use crate::{Settings, Vendor, sendgrid, stripe};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use serde_json::{Value, json};
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

#[derive(Debug)]
struct Endpoint {
    url: Uri,
    host: Option<HeaderValue>,
}

/// The simulated vendors of one shop.
#[derive(Debug)]
pub struct Sandbox {
    settings: Settings,
    stripe: stripe::State,
    sendgrid: sendgrid::State,
    faults: FaultDial,
    outbox: Outbox,
    endpoints: BTreeMap<Vendor, Endpoint>,
    calls: Vec<RecordedCall>,
}

impl Sandbox {
    /// Vendors on which nothing has happened yet. A webhook URL that is empty or no URL registers no endpoint.
    pub fn new(settings: Settings) -> Self {
        let mut sandbox = Self {
            stripe: stripe::State::new(&settings),
            sendgrid: sendgrid::State::new(&settings),
            faults: FaultDial::new(settings.seed),
            outbox: Outbox::default(),
            endpoints: BTreeMap::new(),
            calls: Vec::new(),
            settings,
        };
        let (stripe, sendgrid) =
            (sandbox.settings.stripe_webhook_url.clone(), sandbox.settings.sendgrid_webhook_url.clone());
        sandbox.set_webhook(Vendor::Stripe, &stripe, None);
        sandbox.set_webhook(Vendor::SendGrid, &sendgrid, None);
        sandbox
    }

    /// One API call at `now_ms` (epoch milliseconds). The path is the vendor's own: `/v1/…` or `/v3/…`; scheme and host
    /// do not matter.
    pub fn call(&mut self, vendor: Vendor, now_ms: i64, request: Request<Bytes>) -> Reply {
        let operation = match vendor {
            Vendor::Stripe => stripe::operation(request.method(), request.uri().path()),
            Vendor::SendGrid => sendgrid::operation(request.method(), request.uri().path()),
        };
        let fate = self.faults.for_call(vendor, operation);
        let delay_ms = fate.delay_ms;
        let reply = match fate.fault {
            Some(CallFault::Refused) => Reply::Refused,
            Some(CallFault::LostRequest) => Reply::Lost { delay_ms },
            Some(CallFault::ErrorBefore { status }) => Reply::Answer { response: edge_error(now_ms, status), delay_ms },
            Some(CallFault::LostAnswer) => {
                self.work(vendor, now_ms, &request, Mishap::None, delay_ms);
                Reply::Lost { delay_ms }
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
        let status = match &reply {
            Reply::Answer { response, .. } => Some(response.status().as_u16()),
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

    fn work(
        &mut self,
        vendor: Vendor,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        took_ms: u64,
    ) -> Response<Bytes> {
        let response = match vendor {
            Vendor::Stripe => self.stripe.call(now_ms, request, mishap, took_ms),
            Vendor::SendGrid => self.sendgrid.call(now_ms, request, mishap),
        };
        self.post_stripe_events();
        response
    }

    /// When to call [`Self::take_due`] next, in epoch milliseconds: a webhook is due, or a bank answers. Webhooks in
    /// flight don't count.
    pub fn next_delivery_at(&self) -> Option<i64> {
        let waiting = self.outbox.next_due_ms(|vendor| self.endpoints.contains_key(&vendor));
        let batch = self.sendgrid.next_batch_ms();
        let planned = self.stripe.next_planned_ms();
        waiting.into_iter().chain(batch).chain(planned).min()
    }

    /// The webhooks that are due at `now_ms`, earliest first, signed at this moment. Report each to
    /// [`Self::delivered`].
    pub fn take_due(&mut self, now_ms: i64) -> Vec<Delivery> {
        self.stripe.pass_time(now_ms);
        self.post_stripe_events();
        for batch in self.sendgrid.take_batches(now_ms) {
            self.post(Vendor::SendGrid, &batch, now_ms);
        }
        let endpoints = &self.endpoints;
        let due = self.outbox.take_due(now_ms, |vendor| endpoints.contains_key(&vendor));
        due.into_iter()
            .filter_map(|letter| {
                let endpoint = self.endpoints.get(&letter.vendor)?;
                let headers = match letter.vendor {
                    Vendor::Stripe => self.stripe.webhook_headers(now_ms, &letter.body),
                    Vendor::SendGrid => self.sendgrid.webhook_headers(now_ms, &letter.body),
                };
                let mut request = Request::new(letter.body);
                *request.method_mut() = Method::POST;
                *request.uri_mut() = endpoint.url.clone();
                request.headers_mut().extend(headers.into_iter().map(|(name, value)| (Some(name), value)));
                if let Some(host) = &endpoint.host {
                    request.headers_mut().insert(header::HOST, host.clone());
                }
                Some(Delivery { id: letter.id, vendor: letter.vendor, request, attempt: letter.attempt })
            })
            .collect()
    }

    /// What became of a delivery: the receiver's status, or none when it gave no answer. Without a 2xx it is tried
    /// again at growing gaps, until the vendor gives up.
    pub fn delivered(&mut self, id: u64, status: Option<u16>, now_ms: i64) {
        self.outbox.delivered(id, status, now_ms, self.settings.first_retry_ms, |vendor| match vendor {
            Vendor::Stripe => stripe::RETRY_WINDOW_MS,
            Vendor::SendGrid => sendgrid::RETRY_WINDOW_MS,
        });
    }

    /// Turn this to make things go wrong.
    pub fn faults(&mut self) -> &mut FaultDial {
        &mut self.faults
    }

    /// What Stripe has: payment intents, charges, refunds, customers, their cards, the balance.
    pub fn stripe(&self) -> &stripe::State {
        &self.stripe
    }

    /// What SendGrid has: mails.
    pub fn sendgrid(&self) -> &sendgrid::State {
        &self.sendgrid
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
    pub fn set_webhook(&mut self, vendor: Vendor, url: &str, host: Option<&str>) -> bool {
        let url = url.parse::<Uri>().ok().filter(|url| url.scheme().is_some() && url.host().is_some());
        let host = host.and_then(|host| HeaderValue::from_str(host).ok());
        match url {
            Some(url) => self.endpoints.insert(vendor, Endpoint { url, host }),
            None => self.endpoints.remove(&vendor),
        };
        self.endpoints.contains_key(&vendor)
    }

    /// The account's API key is replaced: the old one is refused from now on.
    pub fn set_api_key(&mut self, vendor: Vendor, key: &str) {
        match vendor {
            Vendor::Stripe => self.stripe.set_api_key(key.to_owned()),
            Vendor::SendGrid => self.sendgrid.set_api_key(key.to_owned()),
        }
    }

    /// Rolls Stripe's webhook secret: until `old_until_ms` every webhook carries a signature of each.
    pub fn roll_stripe_webhook_secret(&mut self, secret: &str, old_until_ms: i64) {
        self.stripe.roll_webhook_secret(secret.to_owned(), old_until_ms);
    }

    /// The shopper's browser confirms a payment with its client secret. Returns the payment intent, or Stripe's error
    /// body.
    pub fn shopper_confirms(&mut self, now_ms: i64, client_secret: &str, payment_method: &str) -> Result<Value, Value> {
        let outcome = self.stripe.shopper_confirms(now_ms, client_secret, payment_method);
        self.post_stripe_events();
        outcome
    }

    /// The shopper passes or fails the bank's check of a payment intent (`pi_…`) that requires action. Returns the
    /// payment intent, or Stripe's error body.
    pub fn shopper_authenticates(&mut self, now_ms: i64, payment_intent: &str, success: bool) -> Result<Value, Value> {
        let outcome = self.stripe.shopper_authenticates(now_ms, payment_intent, success);
        self.post_stripe_events();
        outcome
    }

    /// The bank answers at last for a payment intent that is `processing`. Returns the payment intent, or Stripe's
    /// error body.
    pub fn bank_answers(&mut self, now_ms: i64, payment_intent: &str, charged: bool) -> Result<Value, Value> {
        let outcome = self.stripe.bank_answers(now_ms, payment_intent, charged);
        self.post_stripe_events();
        outcome
    }

    /// The bank answers at last for a refund (`re_…`): the money arrived, or it came back, even if it seemed to have
    /// arrived. Returns the refund, or Stripe's error body.
    pub fn bank_answers_refund(&mut self, now_ms: i64, refund: &str, arrived: bool) -> Result<Value, Value> {
        let outcome = self.stripe.bank_answers_refund(now_ms, refund, arrived);
        self.post_stripe_events();
        outcome
    }

    /// Somebody refunds a payment (`pi_…`) by hand in the dashboard: `amount` in smallest units, none for all that is
    /// left. Returns the refund, or Stripe's error body.
    pub fn merchant_refunds(&mut self, now_ms: i64, payment_intent: &str, amount: Option<u64>) -> Result<Value, Value> {
        let outcome = self.stripe.merchant_refunds(now_ms, payment_intent, amount);
        self.post_stripe_events();
        outcome
    }

    /// Stripe sends an event of its second generation, which has no object in it.
    pub fn stripe_sends_thin_event(&mut self, now_ms: i64, kind: &str) {
        self.stripe.emit_thin(now_ms, kind);
        self.post_stripe_events();
    }

    /// The recipients of a message (its `X-Message-Id`) open it. False when there is no such message.
    pub fn recipient_opens(&mut self, now_ms: i64, message_id: &str) -> bool {
        let extra = json!({ "useragent": "Mozilla/5.0", "ip": "192.0.2.1" });
        self.recipient_acts(now_ms, message_id, "open", &extra)
    }

    /// The recipients of a message follow a link in it. False when there is no such message.
    pub fn recipient_clicks(&mut self, now_ms: i64, message_id: &str, url: &str) -> bool {
        let extra = json!({ "useragent": "Mozilla/5.0", "ip": "192.0.2.1", "url": url });
        self.recipient_acts(now_ms, message_id, "click", &extra)
    }

    /// The recipients of a message call it spam. False when there is no such message.
    pub fn recipient_reports_spam(&mut self, now_ms: i64, message_id: &str) -> bool {
        self.recipient_acts(now_ms, message_id, "spamreport", &json!({}))
    }

    fn recipient_acts(&mut self, now_ms: i64, message_id: &str, kind: &str, extra: &Value) -> bool {
        self.sendgrid.recipient_acts(now_ms, message_id, kind, extra)
    }

    fn post_stripe_events(&mut self) {
        for outgoing in self.stripe.take_outgoing() {
            self.post(Vendor::Stripe, &outgoing.body, outgoing.due_ms);
        }
    }

    /// Puts a webhook on its way, if anybody is registered for it.
    fn post(&mut self, vendor: Vendor, body: &Bytes, due_ms: i64) {
        if self.endpoints.contains_key(&vendor) {
            let fault = self.faults.for_webhook(vendor);
            self.outbox.put(vendor, body, due_ms, fault);
        }
    }
}
