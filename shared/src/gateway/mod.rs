//! The gateway: the one way to call a vendor. It knows each vendor's limits, keeps the deadline, classifies the
//! answer by the vendor's own rule, and writes the one log line and metric of every call.
//!
//! In a request path and in a worker alike, retrying is the work list's decision; nothing here calls twice.

mod keyring;
pub mod policy;

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::domain::{Correlation, Timestamp};
use crate::telemetry::fields;
use crate::world::{HttpError, HttpRequest, HttpResponse, World};

pub use keyring::Keyring;
pub use policy::{Policy, Vendor};

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The vendor did it.
    Done,
    /// The vendor's final no.
    Refused,
    /// Too fast; certainly not done.
    Throttled {
        /// What the vendor said in Retry-After.
        after: Option<Duration>,
    },
    /// Certainly not done; later may work.
    Transient,
    /// It may have been done.
    Unknown,
    /// Our key is not accepted; an operator must act. Certainly not done.
    Credentials,
}

impl Class {
    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Throttled { .. } => "throttled",
            Self::Transient => "transient",
            Self::Unknown => "unknown",
            Self::Credentials => "credentials",
        }
    }
}

/// A vendor's rule that turns status, headers and body into a class. The default of each is `Unknown`.
pub type Classify = fn(StatusCode, &HeaderMap, &[u8]) -> Class;

/// One call to make.
#[derive(Debug)]
pub struct Call<'a> {
    /// Whose limits apply.
    pub vendor: Vendor,
    /// The operation's name in logs and metrics.
    pub operation: &'static str,
    /// Nothing is sent at or after this time, and an answer is not waited for beyond it.
    pub call_by: Timestamp,
    /// Answered calls before this one, for the log.
    pub attempt: u32,
    /// For the log.
    pub correlation: &'a Correlation,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// What it means.
    pub class: Class,
    /// The answer, if there was one.
    pub response: Option<HttpResponse>,
}

/// The gateway. One per process.
#[derive(Clone)]
pub struct Gateway {
    world: World,
}

impl Gateway {
    /// A gateway to the given world.
    pub fn new(world: World) -> Self {
        Self { world }
    }

    /// The world it calls into, for time and jitter.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Makes one call. The clock is read immediately before the request is handed over: past `call_by` nothing is
    /// sent.
    pub async fn call(&self, call: Call<'_>, request: HttpRequest, classify: Classify) -> Reply {
        let started = self.world.now();
        let time_left = call.call_by.since(started).min(call.vendor.policy().timeout);
        let result = if time_left.is_zero() {
            Err(HttpError::NotSent("deadline passed".to_owned()))
        } else {
            self.world.http.send(request, time_left).await
        };
        let took = self.world.now().since(started);
        let reply = match result {
            Ok(response) => {
                let class = classify(response.status(), response.headers(), response.body());
                Reply { class, response: Some(response) }
            }
            Err(HttpError::NotSent(why)) => {
                tracing::warn!(vendor.name = call.vendor.as_str(), reason = why, "the vendor could not be reached");
                Reply { class: Class::Transient, response: None }
            }
            Err(HttpError::NoAnswer(why)) => {
                tracing::warn!(vendor.name = call.vendor.as_str(), reason = why, "the vendor did not answer");
                Reply { class: Class::Unknown, response: None }
            }
        };
        self.report(&call, &reply, took);
        reply
    }

    fn report(&self, call: &Call<'_>, reply: &Reply, took: Duration) {
        let status = reply.response.as_ref().map_or(0, |response| response.status().as_u16());
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            { fields::VENDOR } = call.vendor.as_str(),
            { fields::OPERATION } = call.operation,
            { fields::STATUS } = status,
            { fields::CLASS } = reply.class.as_str(),
            { fields::DURATION_MS } = duration_ms,
            { fields::ATTEMPT } = call.attempt,
            { fields::CORRELATION } = call.correlation.as_str(),
            "vendor called"
        );
        let dimensions =
            [("vendor", call.vendor.as_str()), ("operation", call.operation), ("outcome", reply.class.as_str())];
        let now = self.world.now();
        fields::metric(
            now,
            &dimensions,
            &[("vendor_calls", 1.0, "Count"), ("vendor_call_ms", took.as_secs_f64() * 1000.0, "Milliseconds")],
        );
    }
}

/// Reads `Retry-After` in seconds (RFC 9110 allows a date too; vendors here send seconds).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(policy::RETRY_AFTER_MAX.as_secs())))
}

/// When the vendor gave this answer, by its own Date header; `now` where it has none.
pub fn said_at(response: &HttpResponse, now: Timestamp) -> Timestamp {
    let date = response.headers().get(http::header::DATE).and_then(|value| value.to_str().ok());
    let at = date.and_then(|text| httpdate::parse_http_date(text).ok());
    let since_epoch = at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since_epoch.map_or(now, |since| Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0)))
}
