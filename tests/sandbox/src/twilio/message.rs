//! Messages, as the API shows them.

use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// The version in every path.
pub(super) const API_VERSION: &str = "2010-04-01";

/// The price of one segment, in hundred-thousandths of a dollar: $0.0075, as in the examples of the specification.
const SEGMENT_PRICE: usize = 750;

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A messaging service has it and has not chosen a sender yet.
    Accepted,
    /// Waits for its turn.
    Queued,
    /// On its way to the carrier.
    Sending,
    /// The carrier has it.
    Sent,
    /// The carrier says that it arrived.
    Delivered,
    /// The carrier says that it did not.
    Undelivered,
    /// It never left.
    Failed,
    /// Came in from somebody's phone.
    Received,
}

impl Status {
    /// As in JSON and callbacks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Received => "received",
        }
    }
}

/// One SMS, out or in.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `SM` and 32 hexadecimal digits.
    pub sid: String,
    /// The recipient's number.
    pub to: String,
    /// The sender's number; none while a messaging service has not chosen one.
    pub from: Option<String>,
    /// The messaging service, if the caller named it.
    pub messaging_service_sid: Option<String>,
    /// The text.
    pub body: String,
    /// How far it has come.
    pub status: Status,
    /// Twilio's code when it failed or was not delivered.
    pub error_code: Option<u32>,
    /// Epoch milliseconds.
    pub created_ms: i64,
    /// When it left (or came in), epoch milliseconds.
    pub sent_ms: Option<i64>,
    /// When the status changed last, epoch milliseconds.
    pub updated_ms: i64,
    /// Where its status is told, as the caller gave it, fragment included.
    pub status_callback: Option<String>,
    /// How long it may wait in the queue, in seconds.
    pub validity_period_s: i64,
    /// SMS that it takes.
    pub segments: usize,
}

impl Message {
    /// As the API shows it.
    pub(super) fn to_json(&self, account_sid: &str) -> Value {
        let uri = format!("/{API_VERSION}/Accounts/{account_sid}/Messages/{}", self.sid);
        // A messaging service does not know the number of segments before it has a sender.
        let segments = if self.from.is_some() { self.segments } else { 0 };
        let price = self.sent_ms.map(|_| {
            let price = self.segments * SEGMENT_PRICE;
            format!("-{}.{:05}", price / 100_000, price % 100_000)
        });
        json!({
            "account_sid": account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created_ms),
            "date_sent": self.sent_ms.map(rfc2822),
            "date_updated": rfc2822(self.updated_ms),
            "direction": if self.status == Status::Received { "inbound" } else { "outbound-api" },
            "error_code": self.error_code,
            "error_message": self.error_code.map(describe),
            "from": self.from,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": "0",
            "num_segments": segments.to_string(),
            "price": price,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status.name(),
            "subresource_uris": { "media": format!("{uri}/Media.json") },
            "to": self.to,
            "uri": format!("{uri}.json"),
        })
    }
}

/// A time in GMT as Twilio writes it, to the second.
fn rfc2822(at_ms: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).unwrap_or_default());
    httpdate::fmt_http_date(at).replace("GMT", "+0000")
}

/// The text that goes with an error code. Callers must not rely on it, says the specification.
fn describe(code: u32) -> &'static str {
    match code {
        21610 => "Attempt to send to unsubscribed recipient",
        30001 => "Queue overflow",
        30003 => "Unreachable destination handset",
        30004 => "Message blocked",
        30005 => "Unknown destination handset",
        30006 => "Landline or unreachable carrier",
        30007 => "Carrier violation",
        30036 => "Validity Period Expired",
        _ => "Unknown error",
    }
}
