//! Telling a message's status to whoever asked for it, and how often that is tried.

use super::State;
use super::message::{API_VERSION, Message, Status};
use super::signature::signature;
use crate::deliveries::{Failures, Patience, Posting};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::{HeaderName, HeaderValue, header};

/// Retries when the URL does not say otherwise, and the most that it may ask for.
const RETRIES: u32 = 1;
const RETRIES_MAX: u32 = 5;

/// The gap between two tries, in milliseconds. All of them together have 15 s, so they follow soon.
const RETRY_GAP_MS: i64 = 1000;

/// Without a word in the URL only a connection that fails is tried again.
const DEFAULT_PATIENCE: Patience = Patience::Times {
    retries: RETRIES,
    gap_ms: RETRY_GAP_MS,
    after: Failures { no_answer: true, client_error: false, server_error: false },
};

impl State {
    /// Posts the status that a message has now, if its caller wants to know.
    pub(super) fn tell_status(&mut self, message: usize, at_ms: i64) {
        let Some(message) = self.messages.get(message) else { return };
        let Some(callback) = message.status_callback.clone() else { return };
        let body = self.status_form(message, at_ms);
        let (url, fragment) = callback.split_once('#').unwrap_or((&callback, ""));
        let headers = self.token_header();
        self.outgoing.push(Posting {
            sender: None,
            body,
            due_ms: at_ms,
            url: Some(url.to_owned()),
            headers,
            patience: patience(fragment),
        });
    }

    fn status_form(&self, message: &Message, at_ms: i64) -> Bytes {
        let mut form = Serializer::new(String::new());
        if let Some(code) = message.error_code {
            form.append_pair("ErrorCode", &code.to_string());
        }
        if matches!(message.status, Status::Delivered | Status::Undelivered) {
            form.append_pair("RawDlrDoneDate", &receipt_date(at_ms));
        }
        for name in ["SmsSid", "MessageSid"] {
            form.append_pair(name, &message.sid);
        }
        for name in ["SmsStatus", "MessageStatus"] {
            form.append_pair(name, message.status.name());
        }
        form.append_pair("To", &message.to);
        if let Some(from) = &message.from {
            form.append_pair("From", from);
        }
        if let Some(service) = &message.messaging_service_sid {
            form.append_pair("MessagingServiceSid", service);
        }
        form.append_pair("AccountSid", &self.account_sid);
        form.append_pair("ApiVersion", API_VERSION);
        form.finish().into()
    }

    /// Posts a form to the URL that is registered for the account's numbers.
    pub(super) fn post_to_endpoint(&mut self, at_ms: i64, body: Bytes) {
        let headers = self.token_header();
        self.outgoing.push(Posting {
            sender: None,
            body,
            due_ms: at_ms,
            url: None,
            headers,
            patience: DEFAULT_PATIENCE,
        });
    }

    /// The same for all tries of one callback, by which a receiver may know a repeat.
    fn token_header(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let value = HeaderValue::from_str(&self.ids.uuid("twilio callback"));
        value.map(|value| (HeaderName::from_static("i-twilio-idempotency-token"), value)).into_iter().collect()
    }

    /// The headers of one delivery to this URL, signed with the primary token.
    pub(crate) fn webhook_headers(&self, url: &str, body: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
        let token = self.auth_tokens.first().map_or("", String::as_str);
        let signed = HeaderValue::from_str(&signature(token, url, body));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8");
        let mut headers =
            vec![(header::CONTENT_TYPE, form), (header::USER_AGENT, HeaderValue::from_static("TwilioProxy/1.1"))];
        headers.extend(signed.map(|signed| (HeaderName::from_static("x-twilio-signature"), signed)));
        headers
    }
}

/// The retries that a URL's fragment asks for, such as `rc=3&rp=5xx,rt,ct`: how many, and after what. Whether the
/// connection or only the answer failed is not told apart here.
fn patience(fragment: &str) -> Patience {
    let value = |name: &str| fragment.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let retries = value("rc").and_then(|count| count.parse().ok()).unwrap_or(RETRIES).min(RETRIES_MAX);
    let policies: Vec<&str> = value("rp").unwrap_or("ct").split(',').collect();
    let any_of = |names: &[&str]| names.iter().any(|name| policies.contains(name));
    let after = Failures {
        no_answer: any_of(&["ct", "rt", "all"]),
        client_error: any_of(&["4xx", "all"]),
        server_error: any_of(&["5xx", "all"]),
    };
    Patience::Times { retries, gap_ms: RETRY_GAP_MS, after }
}

/// The carrier's time as receipts have it: `YYMMDDhhmm`.
fn receipt_date(at_ms: i64) -> String {
    let format = time::macros::format_description!("[year repr:last_two][month][day][hour][minute]");
    let at = time::OffsetDateTime::from_unix_timestamp(at_ms / 1000).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    at.format(format).unwrap_or_default()
}
