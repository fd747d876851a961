//! The timeline: everything that happened to one order, in time order, in words that a person can read.

use serde::{Deserialize, Serialize};

use super::{Private, Timestamp, timestamp::rfc3339};

/// One row of an order's timeline. `event` is past tense and dotted (`payment.succeeded`); `detail` is a short
/// text without personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When we learned of it.
    pub at: Timestamp,
    /// What happened.
    pub event: String,
    /// The object it happened to (`pay_…`, `msg_…`).
    pub object: String,
    /// More about it, where there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Who said so: a vendor's name, or `crossdock`.
    pub source: String,
    /// Who asked for it: the ARN of an API's caller, or a command's sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Private<String>>,
}

/// A timeline row as the API shows it.
#[derive(Debug, Serialize)]
pub struct TimelineView<'a> {
    #[serde(with = "rfc3339")]
    at: Timestamp,
    event: &'a str,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<&'a str>,
}

impl TimelineEntry {
    /// The row as the API shows it.
    pub fn view(&self) -> TimelineView<'_> {
        TimelineView {
            at: self.at,
            event: &self.event,
            object: &self.object,
            detail: self.detail.as_deref(),
            source: &self.source,
            asked_by: self.asked_by.as_ref().map(|caller| caller.expose().as_str()),
        }
    }
}
