//! SendGrid: sending mail, and the event webhook.
//!
//! Simulated: POST /v3/mail/send with its checks, the events of each mail, opens and clicks on demand. There is no
//! idempotency: the same request twice is two mails, as at the vendor. Not simulated: templates, statistics,
//! suppressions, scheduled sends that are stopped.

mod events;
mod mail;
mod signature;

pub use mail::Mail;

use crate::Settings;
use crate::answer::{answer, header_text, set};
use crate::faults::Mishap;
use crate::ids::Ids;
use bytes::Bytes;
use events::{BATCH_MAX, BATCH_WINDOW_MS, Event};
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use mail::Complaint;
use serde_json::{Value, json};
use signature::Key;

/// How long a webhook is tried, in milliseconds (24 h).
pub(crate) const RETRY_WINDOW_MS: i64 = 24 * 3_600_000;

/// Everything that SendGrid knows about the account.
#[derive(Debug)]
pub struct State {
    api_key: String,
    mails: Vec<Mail>,
    /// Not yet in a batch.
    events: Vec<Event>,
    key: Key,
    ids: Ids,
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    if *method == Method::POST && path == "/v3/mail/send" { "mail_send" } else { "unknown" }
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            api_key: settings.sendgrid_api_key.clone(),
            mails: Vec::new(),
            events: Vec::new(),
            key: Key::from_seed(settings.seed),
            ids: Ids::new(settings.seed),
        }
    }

    /// All accepted mails, oldest first. Two with the same custom args are one mail too many.
    pub fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// The key that verifies the event webhook: base64 of DER SubjectPublicKeyInfo.
    pub fn public_key(&self) -> String {
        self.key.public()
    }

    /// From now on only this API key is accepted.
    pub(crate) fn set_api_key(&mut self, key: String) {
        self.api_key = key;
    }

    /// One API call.
    pub(crate) fn call(&mut self, now_ms: i64, request: &Request<Bytes>, mishap: Mishap) -> Response<Bytes> {
        let refuse = |status, complaints: &[Complaint]| {
            let errors: Vec<Value> = complaints.iter().map(Complaint::to_json).collect();
            answer(now_ms, status, "application/json", json!({ "errors": errors }).to_string())
        };
        let refuse_for = |status, message: &str| refuse(status, &[Complaint::new(None, message)]);
        let bearer = header_text(request, header::AUTHORIZATION).and_then(|given| given.strip_prefix("Bearer "));
        if bearer != Some(self.api_key.as_str()) {
            return refuse_for(401, "The provided authorization grant is invalid, expired, or revoked");
        }
        if request.uri().path() != "/v3/mail/send" {
            return refuse_for(404, "not found");
        }
        if *request.method() != Method::POST {
            return refuse_for(405, "method not allowed");
        }
        if let Mishap::Throttled(seconds) = mishap {
            let mut response = refuse_for(429, "too many requests");
            set(&mut response, header::RETRY_AFTER, &seconds.to_string());
            return response;
        }
        if mishap == Mishap::Locked {
            return refuse_for(429, "too many requests");
        }
        if request.body().len() > mail::BODY_MAX_BYTES {
            return refuse_for(413, "Request entity too large");
        }
        if !header_text(request, header::CONTENT_TYPE).unwrap_or_default().starts_with("application/json") {
            return refuse_for(415, "Content-Type should be application/json.");
        }
        let accepted = match mail::read(now_ms, request.body()) {
            Ok(accepted) => accepted,
            Err(complaints) => return refuse(400, &complaints),
        };
        if let Mishap::During(status) = mishap {
            return refuse_for(status, "Internal server error");
        }
        if accepted.only_checked {
            return answer(now_ms, 200, "application/json", Bytes::new());
        }
        let message_id = self.send(accepted.mails);
        if let Mishap::After(status) = mishap {
            return refuse_for(status, "Internal server error");
        }
        let mut response = answer(now_ms, 202, "text/plain; charset=utf-8", Bytes::new());
        set(&mut response, HeaderName::from_static("x-message-id"), &message_id);
        response
    }

    fn send(&mut self, mails: Vec<Mail>) -> String {
        let message_id = self.ids.next("message_id", 22);
        for mut mail in mails {
            mail.message_id.clone_from(&message_id);
            for recipient in &mail.to {
                self.events.extend(events::course(&mut self.ids, &mail, recipient));
            }
            self.mails.push(mail);
        }
        message_id
    }

    /// Something that a recipient does with every copy of a message. False when there is no such message.
    pub(crate) fn recipient_acts(&mut self, now_ms: i64, message_id: &str, kind: &str, extra: &Value) -> bool {
        let mails = self.mails.iter().filter(|mail| mail.message_id == message_id);
        let made: Vec<Event> = mails
            .flat_map(|mail| mail.to.iter().map(move |recipient| (mail, recipient)))
            .map(|(mail, to)| events::event(&mut self.ids, mail, to, kind, now_ms, extra.clone()))
            .collect();
        let known = !made.is_empty();
        self.events.extend(made);
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
