//! SendGrid: sending mail, and the event webhook.
//!
//! Simulated:
//! * POST /v3/mail/send with its checks and two API keys; up to 1,000 personalizations, each with its own events; what a
//!   mail becomes is decided by the recipient's address or the dial (see [`crate::Course`]); opens, clicks, complaints
//!   and unsubscribes on demand;
//! * mail that waits for its time, batches, and pausing, canceling and resuming them;
//! * templates and versions: create, fetch, list; dynamic ones are filled in;
//! * statistics of what has happened;
//! * API keys that are made, listed and deleted with a key that may do that.
//!
//! There is no idempotency: the same request twice is two mails, as at the vendor. Who unsubscribes from everything, or calls a mail spam, is on
//! a list, and what does not bypass it is dropped. Not simulated: the list of bounces (an address that bounced is tried again), and conditions and loops in templates.

mod api_keys;
mod checks;
mod events;
mod mail;
mod outcome;
mod route;
mod scheduled;
mod signature;
mod stats;
mod templates;

pub use api_keys::MadeKey;
pub use mail::{ApiKey, Disposition, Mail};
pub use templates::{Template, Version};

use crate::answer::{answer, header_text, set};
use crate::dials::Dials;
use crate::faults::Mishap;
use crate::ids::Ids;
use crate::{Course, FaultDial, Settings, Vendor};
use api_keys::Caller;
use bytes::Bytes;
use events::{BATCH_MAX, BATCH_WINDOW_MS, Event};
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use outcome::{Done, Refusal, after, before};
use route::Route;
use scheduled::Stop;
use serde_json::{Map, Value};
use signature::Key;
use stats::Fact;
use std::collections::{BTreeMap, BTreeSet};

/// How long a webhook is tried, in milliseconds (24 h).
pub(crate) const RETRY_WINDOW_MS: i64 = 24 * 3_600_000;

/// Everything that SendGrid knows about the account.
#[derive(Debug)]
pub struct State {
    api_key: String,
    marketing_api_key: String,
    admin_api_key: String,
    made_keys: Vec<MadeKey>,
    /// Of the keys that the account has from the start: those that were deleted.
    revoked: BTreeSet<String>,
    mails: Vec<Mail>,
    /// Mails that have not gone out, by where they stand among all.
    scheduled: Vec<usize>,
    /// What has been said about each batch, if anything.
    batches: BTreeMap<String, Option<Stop>>,
    templates: Vec<Template>,
    facts: Vec<Fact>,
    /// Who has unsubscribed from everything, and who has called a mail spam: addresses in lower case.
    unsubscribed: BTreeSet<String>,
    reporters: BTreeSet<String>,
    /// Not yet in a batch.
    events: Vec<Event>,
    key: Key,
    ids: Ids,
    dials: Dials,
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    Route::of(method, path).operation()
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            api_key: settings.sendgrid_api_key.clone(),
            marketing_api_key: settings.sendgrid_marketing_api_key.clone(),
            admin_api_key: settings.sendgrid_admin_api_key.clone(),
            made_keys: Vec::new(),
            revoked: BTreeSet::new(),
            mails: Vec::new(),
            scheduled: Vec::new(),
            batches: BTreeMap::new(),
            templates: Vec::new(),
            facts: Vec::new(),
            unsubscribed: BTreeSet::new(),
            reporters: BTreeSet::new(),
            events: Vec::new(),
            key: Key::from_seed(settings.seed),
            ids: Ids::new(settings.seed),
            dials: Dials::default(),
        }
    }

    pub(crate) fn set_dials(&mut self, dials: Dials) {
        self.dials = dials;
    }

    /// All accepted mails, oldest first, also those that wait or were canceled. Two with the same custom args are one mail
    /// too many.
    pub fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// All templates, oldest first.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The key that verifies the event webhook: base64 of DER SubjectPublicKeyInfo.
    pub fn public_key(&self) -> String {
        self.key.public()
    }

    /// From now on this is the API key for transactional mail.
    pub(crate) fn set_api_key(&mut self, key: String) {
        self.api_key = key;
    }

    /// One API call.
    pub(crate) fn call(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Response<Bytes> {
        self.pass_time(now_ms, dial);
        let outcome = self.work(now_ms, request, mishap, dial);
        let (status, body, message_id) = match outcome {
            Ok(done) => (done.status, done.body.map(|body| body.to_string()), done.message_id),
            Err(refusal) => (refusal.status, Some(refusal.to_json().to_string()), None),
        };
        let mut response = answer(now_ms, status, "application/json", body.unwrap_or_default());
        if let Some(message_id) = message_id {
            set(&mut response, HeaderName::from_static("x-message-id"), &message_id);
        }
        if let (429, Mishap::Throttled(seconds)) = (status, mishap) {
            set(&mut response, header::RETRY_AFTER, &seconds.to_string());
        }
        response
    }

    fn work(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Result<Done, Refusal> {
        let caller = self.key_of(request).ok_or_else(Refusal::unauthorized)?;
        let api_key = caller.sends();
        let route = Route::of(request.method(), request.uri().path());
        match route {
            Route::Unknown => return Err(Refusal::not_found()),
            Route::WrongMethod => return Err(Refusal::new(405, "method not allowed")),
            _ if !caller.may(route) => return Err(Refusal::new(403, "access forbidden")),
            _ => {}
        }
        if matches!(mishap, Mishap::Throttled(_) | Mishap::Locked) {
            return Err(Refusal::new(429, "too many requests"));
        }
        if request.body().len() > checks::BODY_MAX_BYTES {
            return Err(Refusal::new(413, "Request entity too large"));
        }
        let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
        if route.takes_json() && !kind.starts_with("application/json") {
            return Err(Refusal::new(415, "Content-Type should be application/json."));
        }
        if route == Route::MailSend {
            let has_batch = |id: &str| self.batches.contains_key(id);
            let accepted = mail::read(now_ms, request.body(), api_key, &self.templates, has_batch)
                .map_err(|complaints| Refusal { status: 400, complaints })?;
            before(mishap)?;
            if accepted.only_checked {
                return Ok(Done::empty(200));
            }
            let message_id = self.accept(now_ms, accepted.mails, dial);
            after(mishap)?;
            return Ok(Done { message_id: Some(message_id), ..Done::empty(202) });
        }
        let body: Map<String, Value> = if route.takes_json() {
            serde_json::from_slice(request.body()).map_err(|_| Refusal::new(400, "Bad Request"))?
        } else {
            Map::new()
        };
        before(mishap)?;
        let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        let done = match route {
            Route::CreateBatch => Ok(self.create_batch()),
            Route::Batch(id) => self.retrieve_batch(id),
            Route::StopBatch => self.stop_batch(now_ms, &body),
            Route::ListStops(only) => Ok(self.list_stops(only)),
            Route::UpdateStop(id) => self.update_stop(id, &body),
            Route::ResumeBatch(id) => self.resume_batch(now_ms, id),
            Route::CreateTemplate => self.create_template(now_ms, &body),
            Route::ListTemplates => self.list_templates(&query),
            Route::Template(id) => self.retrieve_template(id),
            Route::CreateVersion(id) => self.create_version(now_ms, id, &body),
            Route::Stats => self.stats(now_ms, &query),
            Route::CreateKey => self.create_key(&body),
            Route::ListKeys => Ok(self.list_keys()),
            Route::Key(id) => self.delete_key(id),
            Route::Scopes => Ok(Self::scopes_of(&caller)),
            Route::MailSend | Route::WrongMethod | Route::Unknown => Err(Refusal::not_found()),
        }?;
        self.pass_time(now_ms, dial); // what was resumed goes out at once
        after(mishap)?;
        Ok(done)
    }

    fn key_of(&self, request: &Request<Bytes>) -> Option<Caller> {
        self.caller(header_text(request, header::AUTHORIZATION)?.strip_prefix("Bearer ")?)
    }

    fn accept(&mut self, now_ms: i64, mails: Vec<Mail>, dial: &mut FaultDial) -> String {
        let message_id = self.ids.next("message_id", 22);
        for mut mail in mails {
            mail.message_id.clone_from(&message_id);
            let position = self.mails.len();
            self.mails.push(mail);
            self.scheduled.push(position);
        }
        self.pass_time(now_ms, dial);
        message_id
    }

    /// A mail goes out: everything that becomes of it is decided now.
    fn send(&mut self, position: usize, dial: &mut FaultDial) {
        let Some(mail) = self.mails.get(position) else { return };
        let mut made = Vec::new();
        for recipient in &mail.to {
            let listed = recipient.to_ascii_lowercase();
            let is_unsubscribed = self.unsubscribed.contains(&listed) && !mail.reaches_unsubscribed;
            let course = if is_unsubscribed || (self.reporters.contains(&listed) && !mail.reaches_reporters) {
                Course::Dropped
            } else {
                dial.for_message(Vendor::SendGrid).unwrap_or_else(|| Course::of_mailbox(recipient))
            };
            self.facts.push(Fact { at_ms: mail.send_ms, metric: "requests", copy: String::new() });
            made.extend(events::course(&mut self.ids, mail, recipient, course, mail.send_ms));
        }
        self.tell(made);
    }

    /// Events that have happened or will.
    fn tell(&mut self, events: Vec<Event>) {
        for event in events {
            if let Some(metric) = stats::metric(&event.body) {
                let copy = format!("{}/{}", event.body["sg_message_id"], event.body["email"]);
                self.facts.push(Fact { at_ms: event.at_ms, metric, copy });
            }
            self.events.push(event);
        }
    }

    /// Something that a recipient does with every copy of a message. False when there is no such message.
    pub(crate) fn recipient_acts(&mut self, now_ms: i64, message_id: &str, kind: &str, extra: &Value) -> bool {
        let sent = |mail: &&Mail| mail.message_id == message_id && mail.disposition == Disposition::Sent;
        let mut made = Vec::new();
        for mail in self.mails.iter().filter(sent) {
            let extra = if kind.starts_with("group_") { events::of_group(mail) } else { extra.clone() };
            let mut act = |to: &String| events::event(&mut self.ids, mail, to, kind, now_ms, extra.clone());
            made.extend(mail.to.iter().map(&mut act));
            let listed = mail.to.iter().map(|to| to.to_ascii_lowercase());
            match kind {
                "unsubscribe" => self.unsubscribed.extend(listed),
                "spamreport" => self.reporters.extend(listed),
                _ => {}
            }
        }
        let known = !made.is_empty();
        self.tell(made);
        known
    }

    /// When the next batch is posted: a while after its first event, so that it collects others.
    pub(crate) fn next_batch_ms(&self) -> Option<i64> {
        self.events.iter().map(|event| event.at_ms + BATCH_WINDOW_MS).min()
    }

    /// The batches that are to be posted now. Everything that has happened by now goes along.
    pub(crate) fn take_batches(&mut self, now_ms: i64) -> Vec<Bytes> {
        if self.next_batch_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return Vec::new();
        }
        let (mut happened, later) =
            std::mem::take(&mut self.events).into_iter().partition::<Vec<_>, _>(|e| e.at_ms <= now_ms);
        self.events = later;
        happened.sort_by_key(|event| event.at_ms);
        happened.chunks(BATCH_MAX).map(events::batch).collect()
    }

    /// The headers of one delivery, with the time and a signature of this try.
    pub(crate) fn webhook_headers(&self, now_ms: i64, body: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
        let timestamp = (now_ms / 1000).to_string();
        let signature = self.key.sign(&timestamp, body);
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8")),
            (header::USER_AGENT, HeaderValue::from_static("SendGrid Event API")),
        ];
        let signed = [
            ("x-twilio-email-event-webhook-signature", signature),
            ("x-twilio-email-event-webhook-timestamp", timestamp),
        ];
        headers.extend(
            signed
                .into_iter()
                .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))),
        );
        headers
    }
}
