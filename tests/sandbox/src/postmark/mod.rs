//! Postmark: sending mail one by one or in batches, and its webhooks.
//!
//! Simulated: POST /email and /email/batch with their checks; the webhooks Delivery, Bounce, SpamComplaint, Open, Click
//! and SubscriptionChange with the mail's metadata, protected by Basic credentials; addresses that a hard bounce, a
//! complaint or an unsubscribe has made inactive, to which nothing is sent any more. What a mail becomes is decided by
//! the recipient's address or the dial (see [`crate::Course`]). There is no idempotency.
//!
//! Not simulated: templates, attachments' contents, the lists of messages and bounces, sender signatures.

mod checks;
mod events;

use crate::answer::{answer, header_text, set};
use crate::deliveries::Posting;
use crate::dials::{Dial, Dials};
use crate::faults::Mishap;
use crate::ids::Ids;
use crate::{Course, FaultDial, Settings, Vendor};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use checks::Refusal;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The token with which anybody may check a mail without sending it.
const TEST_TOKEN: &str = "POSTMARK_API_TEST";

/// The largest mail and the largest batch, in bytes (10 MB and 50 MB).
const MAIL_MAX_BYTES: usize = 10 * 1024 * 1024;
const BATCH_MAX_BYTES: usize = 50 * 1024 * 1024;

/// Mails in one batch.
const BATCH_MAX: usize = 500;

/// A mail that was accepted.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// A UUID; the webhooks name it.
    pub message_id: String,
    /// When it was accepted, epoch milliseconds.
    pub submitted_ms: i64,
    /// The sender's address.
    pub from: String,
    /// All recipients that it goes to: to, cc and bcc without the inactive ones.
    pub to: Vec<String>,
    /// May be empty.
    pub subject: String,
    /// May be empty when there is a text.
    pub html_body: String,
    /// May be empty when there is HTML.
    pub text_body: String,
    /// The caller's label; may be empty.
    pub tag: String,
    /// `outbound` unless the caller named another.
    pub message_stream: String,
    /// The caller's own keys and values; they come back in every webhook.
    pub metadata: BTreeMap<String, String>,
    /// Headers that the caller sets.
    pub headers: BTreeMap<String, String>,
}

/// Everything that Postmark knows about the server.
#[derive(Debug)]
pub struct State {
    server_token: String,
    /// `user:password`, which go with every webhook.
    webhook_credentials: String,
    mails: Vec<Mail>,
    /// Addresses in lower case, with the time (epoch milliseconds) since which nothing is sent to them.
    inactive: BTreeMap<String, i64>,
    /// Message and recipient.
    opened: BTreeSet<(String, String)>,
    /// The error code with which everything is refused for now.
    refuses_all: Option<u32>,
    dials: Dials,
    last_bounce: u64,
    outgoing: Vec<Posting>,
    ids: Ids,
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match (method.as_str(), path) {
        ("POST", "/email") => "email",
        ("POST", "/email/batch") => "email_batch",
        _ => "unknown",
    }
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            server_token: settings.postmark_server_token.clone(),
            webhook_credentials: settings.postmark_webhook_credentials.clone(),
            mails: Vec::new(),
            inactive: BTreeMap::new(),
            opened: BTreeSet::new(),
            refuses_all: None,
            dials: Dials::default(),
            last_bounce: 0,
            outgoing: Vec::new(),
            ids: Ids::new(settings.seed),
        }
    }

    /// All accepted mails, oldest first. Two with the same metadata are one mail too many.
    pub fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// Whether nothing is sent to this address any more, at `now_ms` (epoch milliseconds).
    pub fn is_inactive(&self, now_ms: i64, address: &str) -> bool {
        self.inactive.get(&address.to_ascii_lowercase()).is_some_and(|since_ms| *since_ms <= now_ms)
    }

    pub(crate) fn set_server_token(&mut self, token: String) {
        self.server_token = token;
    }

    pub(crate) fn set_webhook_credentials(&mut self, credentials: String) {
        self.webhook_credentials = credentials;
    }

    pub(crate) fn set_dials(&mut self, dials: Dials) {
        self.dials = dials;
    }

    pub(crate) fn refuse_all(&mut self, error_code: Option<u32>) {
        self.refuses_all = error_code;
    }

    /// The shopkeeper makes an address active again. False when it is active.
    pub(crate) fn reactivate(&mut self, now_ms: i64, address: &str) -> bool {
        let inactive = self.is_inactive(now_ms, address);
        if inactive {
            self.change_subscription(None, address, None, now_ms);
        }
        inactive
    }

    /// The webhooks that have come into being since the last time.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.outgoing)
    }

    /// The headers of one delivery.
    pub(crate) fn webhook_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let basic = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(&self.webhook_credentials)));
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::USER_AGENT, HeaderValue::from_static("Postmark")),
        ];
        headers.extend(basic.map(|basic| (header::AUTHORIZATION, basic)));
        headers
    }

    /// One API call.
    pub(crate) fn call(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Response<Bytes> {
        let (status, body) = match self.work(now_ms, request, mishap, dial) {
            Ok(body) => (200, body),
            Err((status, refusal)) => (status, result_of_refusal(&refusal)),
        };
        let mut response = answer(now_ms, status, "application/json; charset=utf-8", body.to_string());
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
    ) -> Result<Value, (u16, Refusal)> {
        let token = header_text(request, "x-postmark-server-token");
        let only_checked = token == Some(TEST_TOKEN);
        if !only_checked && token != Some(self.server_token.as_str()) {
            return Err((401, Refusal::new(10, "No Account or Server API tokens were supplied in the HTTP headers.")));
        }
        let operation = operation(request.method(), request.uri().path());
        if operation == "unknown" {
            return Err((404, Refusal::new(404, "Not found.")));
        }
        let batch = operation == "email_batch";
        if matches!(mishap, Mishap::Throttled(_) | Mishap::Locked) {
            return Err((429, Refusal::new(429, "Rate Limit Exceeded")));
        }
        if request.body().len() > if batch { BATCH_MAX_BYTES } else { MAIL_MAX_BYTES } {
            return Err((413, Refusal::new(413, "The request is too large.")));
        }
        let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err((422, Refusal::new(409, "The request must be of the type application/json.")));
        }
        let body: Value =
            serde_json::from_slice(request.body()).map_err(|_| (422, Refusal::new(402, "Invalid JSON")))?;
        let failed = |status| (status, Refusal::new(0, "Internal server error"));
        if let Mishap::During(status) = mishap {
            return Err(failed(status));
        }
        let answered = if batch {
            let mails = body.as_array().ok_or_else(|| (422, Refusal::new(403, "A batch is a list of mails.")))?;
            if mails.len() > BATCH_MAX {
                return Err((422, Refusal::new(410, "Too many batch messages: at most 500.")));
            }
            let results = mails.iter().map(|mail| match self.take(now_ms, mail, only_checked, dial) {
                Ok(result) => result,
                Err(refusal) => result_of_refusal(&refusal),
            });
            results.collect()
        } else {
            self.take(now_ms, &body, only_checked, dial).map_err(|refusal| (422, refusal))?
        };
        match mishap {
            Mishap::After(status) => Err(failed(status)),
            _ => Ok(answered),
        }
    }

    /// Takes one mail and says what Postmark says of it.
    fn take(&mut self, now_ms: i64, mail: &Value, only_checked: bool, dial: &mut FaultDial) -> Result<Value, Refusal> {
        if let Some(code) = self.refuses_all {
            return Err(Refusal::new(code, "This server may not send at the moment."));
        }
        let mut mail = checks::read(now_ms, mail)?;
        let everybody = mail.to.join(", ");
        let (inactive, active): (Vec<String>, Vec<String>) =
            mail.to.iter().cloned().partition(|address| self.is_inactive(now_ms, address));
        if active.is_empty() {
            let message = format!(
                "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {}.",
                inactive.join(", ")
            );
            return Err(Refusal::new(406, message));
        }
        mail.to = active;
        mail.message_id = self.ids.uuid("postmark message");
        let mut result = json!({
            "To": everybody,
            "SubmittedAt": events::submitted_at(now_ms),
            "MessageID": mail.message_id,
            "ErrorCode": 0,
            "Message": if only_checked { "Test job accepted" } else { "OK" },
        });
        if self.dials.is_turned(Dial::TakenWithoutCode)
            && let Some(members) = result.as_object_mut()
        {
            members.remove("ErrorCode");
            members.insert("Message".to_owned(), "Accepted; delivery may be late.".into());
        }
        if !only_checked {
            for recipient in &mail.to {
                let course = dial.for_message(Vendor::Postmark).unwrap_or_else(|| Course::of_mailbox(recipient));
                self.plan(&mail, recipient, course);
            }
            self.mails.push(mail);
        }
        Ok(result)
    }
}

fn result_of_refusal(refusal: &Refusal) -> Value {
    json!({ "ErrorCode": refusal.code, "Message": refusal.message })
}
