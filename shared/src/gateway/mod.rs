//! The gateway: the one way to call a vendor. It knows each vendor's limits, holds calls back while a breaker is open
//! or a quota used up, keeps the deadline, classifies the answer by the vendor's own rule, and writes the one log line
//! and metric of every call.
//!
//! In a request path and in a worker alike, retrying is the work list's decision; nothing here calls twice, except with
//! a key that was read anew after one was refused.
//!
//! Reading order: this file, policy.rs (the table of limits), admission.rs (who may call; admission/verdict.rs: what a call
//! says of its vendor), breaker.rs and quota.rs (the two kinds of item that say so), token.rs (calls that need a token
//! first), usage.rs (how much of the quotas was used), encoding.rs (answers that are compressed though nobody asked for it).

mod admission;
pub mod breaker;
mod encoding;
mod keyring;
mod permit;
pub mod policy;
pub mod quota;
mod token;
mod usage;

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;

use self::admission::{Admission, Credential, Health, Pass};
use crate::aws::Table;
use crate::domain::{Correlation, Timestamp};
use crate::error::Result;
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;
use crate::world::{HttpError, HttpRequest, HttpResponse, World};

pub use admission::{Held, force, read as breakers};
pub use keyring::Keyring;
pub use permit::Permit;
pub use policy::{Lane, OperationClass, Policy, Vendor};
pub use token::{ReadToken, TokenRule};
pub use usage::quotas_used;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The vendor has done it.
    Done,
    /// The vendor has refused it, and will refuse it again.
    Refused,
    /// The vendor wants us to slow down. It was certainly not done.
    Throttled {
        /// What the vendor said in Retry-After.
        after: Option<Duration>,
    },
    /// It was certainly not done, and may work later.
    Transient,
    /// It was probably not done, but this is no proof. The same request may be sent again if the vendor deduplicates it.
    Unavailable {
        /// What the vendor said in Retry-After.
        after: Option<Duration>,
    },
    /// It may have been done.
    Unknown,
    /// The vendor does not accept our key; an operator must act. It was certainly not done.
    Credentials,
    /// We did not call, because a breaker is open or a quota is used up. It was certainly not done.
    Held {
        /// How long to wait.
        after: Duration,
    },
}

impl Class {
    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Throttled { .. } => "throttled",
            Self::Transient => "transient",
            Self::Unavailable { .. } => "unavailable",
            Self::Unknown => "unknown",
            Self::Credentials => "credentials",
            Self::Held { .. } => "held",
        }
    }
}

/// A vendor's rule that turns status, headers and body into a class. The default of each is `Unknown`.
pub type Classify = fn(StatusCode, &HeaderMap, &[u8]) -> Class;

/// One call to make.
#[derive(Debug)]
pub struct Call<'a> {
    /// The vendor, whose limits apply.
    pub vendor: Vendor,
    /// The operation's name in logs and metrics.
    pub operation: &'static str,
    /// The class of operations, which decides the breaker.
    pub class: OperationClass,
    /// Until when it may be sent, and whether a call of the quota is granted already.
    pub permit: &'a Permit,
    /// How many calls of this intent were answered before; for the log.
    pub attempt: u32,
    /// The correlation id, for the log.
    pub correlation: &'a Correlation,
}

/// The result of a call.
#[derive(Debug)]
pub struct Reply {
    /// What the answer means.
    pub class: Class,
    /// The answer, if there was one.
    pub response: Option<HttpResponse>,
}

impl Reply {
    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.response.as_ref().map(HttpResponse::status)
    }
}

/// What an instance remembers of its vendors: breakers and quotas as last seen, tokens. Clones share it.
#[derive(Clone, Default)]
pub struct Memory {
    admission: admission::Memory,
    tokens: token::Memory,
}

/// The gateway. One per process.
#[derive(Clone)]
pub struct Gateway {
    world: World,
    table: Table,
    admission: Admission,
    tokens: token::Memory,
}

impl Gateway {
    /// A gateway to the given world. Breakers, quotas and tokens are in the table; what was seen of them is in the memory,
    /// which all gateways of a process share.
    pub fn new(world: World, table: Table, memory: Memory) -> Self {
        let admission = Admission::new(table.clone(), world.clone(), memory.admission);
        Self { world, table, admission, tokens: memory.tokens }
    }

    /// The world it calls into, for time and jitter.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Whether it is useless to ask for a call of any of these classes, as far as this instance knows. Asks nobody.
    pub fn looks_shut(&self, vendor: Vendor, classes: &[OperationClass]) -> bool {
        self.admission.looks_shut(vendor, classes)
    }

    /// Asks for one call of the vendor's quota, and for its breakers, ahead of the call: beside something else that
    /// takes as long.
    pub async fn permit(&self, vendor: Vendor, lane: Lane, call_by: Timestamp) -> Permit {
        let (granted, ()) = futures_util::join!(self.admission.grant(vendor, lane), self.admission.refresh(vendor));
        Permit::asked(call_by, lane, granted)
    }

    /// The same for up to so many that share one call, of which the vendor counts each: how many there is room for.
    pub async fn permits(&self, vendor: Vendor, lane: Lane, call_by: Timestamp, wanted: usize) -> (Permit, usize) {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let asked = self.admission.grant_many(vendor, lane, wanted);
        let (granted, ()) = futures_util::join!(asked, self.admission.refresh(vendor));
        let count = granted.as_ref().map_or(0, |count| *count as usize);
        (Permit::asked(call_by, lane, granted.map(drop)), count)
    }

    /// Makes one call with the current key; when that is refused, or was refused before, once more with the key read
    /// anew, since keys are rotated while we run. `build` makes the request with a key; `None` when it cannot.
    pub async fn call<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        keyring: &Keyring<T>,
        build: &(dyn Fn(&T) -> Result<HttpRequest> + Sync),
        classify: Classify,
    ) -> Reply {
        let refused = || Reply { class: Class::Credentials, response: None };
        let unusable = |error: &crate::error::Error| {
            tracing::error!(
                { fields::VENDOR } = call.vendor.as_str(),
                error = %error.chain(),
                "no usable key: put one into the vendor's secret"
            );
        };
        let Ok((keys, version)) = keyring.versioned().await.inspect_err(&unusable) else { return refused() };
        let Ok(request) = build(&keys).inspect_err(&unusable) else { return refused() };
        let (reply, held) = self.call_with(call, keyring.credential(&version), request, classify).await;
        let unauthorized = reply.status() == Some(StatusCode::UNAUTHORIZED);
        if !unauthorized && held != Some("key_refused") {
            return reply;
        }
        let Ok(Some((keys, newer))) = keyring.reread(&version).await.inspect_err(&unusable) else {
            if unauthorized {
                self.admission.key_refused(call.vendor, keyring.credential(&version)).await;
            }
            return reply;
        };
        let Ok(request) = build(&keys).inspect_err(&unusable) else { return reply };
        if newer == version && held.is_some() {
            return reply;
        }
        let (again, held) = self.call_with(call, keyring.credential(&newer), request, classify).await;
        if again.status() == Some(StatusCode::UNAUTHORIZED) {
            self.admission.key_refused(call.vendor, keyring.credential(&newer)).await;
        }
        // The first answer stands when the second call was not made.
        if held.is_some() { reply } else { again }
    }

    /// Asks for admission and makes the call. On the heap, since there would be a copy of it in each function's crate.
    fn call_with<'a>(
        &'a self,
        call: &'a Call<'_>,
        credential: Credential<'a>,
        request: HttpRequest,
        classify: Classify,
    ) -> BoxFuture<'a, (Reply, Option<&'static str>)> {
        Box::pin(async move {
            let pass = match self.admitted(call, credential).await {
                Ok(pass) => pass,
                Err(held) => return (self.held(call, &held), Some(held.why)),
            };
            (self.sent(call, pass, request, &classify, call.vendor.policy().timeout).await, None)
        })
    }

    /// What a call comes to that was not admitted.
    fn held(&self, call: &Call<'_>, held: &Held) -> Reply {
        let after = held.until.since(self.world.now());
        let reply = Reply { class: Class::Held { after }, response: None };
        self.report(call, &reply, Duration::ZERO);
        reply
    }

    /// Makes a call that was admitted, waits so long at most, and tells the breaker how it went. The clock is read
    /// immediately before the request is handed over: past the permit's time nothing is sent.
    async fn sent(
        &self,
        call: &Call<'_>,
        pass: Pass,
        request: HttpRequest,
        classify: &(dyn Fn(StatusCode, &HeaderMap, &[u8]) -> Class + Sync),
        longest: Duration,
    ) -> Reply {
        let started = self.world.now();
        let time_left = call.permit.call_by().since(started).min(longest);
        if time_left.is_zero() {
            tracing::warn!({ fields::VENDOR } = call.vendor.as_str(), "a call came too late to be made");
            self.admission.give_back(call.vendor, pass).await;
            return Reply { class: Class::Transient, response: None };
        }
        let result = self.world.http.send(encoding::asking_for_plain(request), time_left).await;
        let took = self.world.now().since(started);
        let reply = match result {
            Ok(response) => {
                let response = encoding::plain(response);
                let class = classify(response.status(), response.headers(), response.body());
                Reply { class, response: Some(response) }
            }
            Err(HttpError::NotSent(why)) => {
                tracing::warn!(
                    { fields::VENDOR } = call.vendor.as_str(),
                    reason = why,
                    "the vendor could not be reached"
                );
                Reply { class: Class::Transient, response: None }
            }
            Err(HttpError::NoAnswer(why)) => {
                tracing::warn!({ fields::VENDOR } = call.vendor.as_str(), reason = why, "the vendor did not answer");
                Reply { class: Class::Unknown, response: None }
            }
        };
        self.report(call, &reply, took);
        self.admission.record(call, pass, health(call.operation, &reply)).await;
        reply
    }

    async fn admitted(&self, call: &Call<'_>, credential: Credential<'_>) -> std::result::Result<Pass, Held> {
        // The breakers first: a call that they hold back must not use up the quota.
        let pass = self.admission.pass(call.vendor, call.class, credential).await?;
        let granted = match call.permit.take() {
            Some(granted) => granted,
            None => self.admission.grant(call.vendor, call.permit.lane()).await,
        };
        if let Err(held) = granted {
            self.admission.give_back(call.vendor, pass).await;
            return Err(held);
        }
        Ok(pass)
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
        if !matches!(reply.class, Class::Held { .. }) {
            measure(call.vendor, reply, took, self.world.now());
        }
    }
}

/// Counts a call that was made, or tried.
fn measure(vendor: Vendor, reply: &Reply, took: Duration, now: Timestamp) {
    Metric::VendorCallMs.record(now, took.as_secs_f64() * 1_000.0, &[vendor.as_str()]);
    let failure = match (&reply.class, reply.status().map(|status| status.as_u16())) {
        (Class::Throttled { .. }, _) | (_, Some(429)) => Some("throttled"),
        // It was sent, and nothing came back in time.
        (Class::Unknown, None) => Some("timeout"),
        (_, None | Some(500..)) | (Class::Transient | Class::Unavailable { .. }, _) => Some("failed"),
        _ => None,
    };
    if let Some(failure) = failure {
        Metric::VendorCallsFailed.count(now, &[vendor.as_str(), failure]);
    }
}

/// What a reply says about its vendor's health. A vendor that declines or refuses works.
fn health(operation: &str, reply: &Reply) -> Health {
    let status = reply.status().map(|status| status.as_u16());
    match status {
        None | Some(500..) => Health::Bad,
        // A token service's way to say too many (FedEx).
        Some(403) if operation == token::OPERATION => Health::Unsaid,
        // A token service's word for a wrong key (RFC 6749, section 5.2).
        Some(400) if operation == token::OPERATION => Health::KeyRefused,
        Some(401) => Health::KeyRefused,
        Some(429) => Health::Unsaid,
        Some(403) => Health::Forbidden,
        // It does not let our account do this, or there is nothing of the kind where our configuration says.
        Some(_) if reply.class == Class::Credentials => Health::Forbidden,
        // An answer that nobody can read is not the vendor's, and nor is a page of somebody in between.
        Some(200..300) if reply.class == Class::Unknown => Health::Bad,
        Some(400..500) if reply.response.as_ref().is_some_and(is_page) => Health::Bad,
        Some(_) => Health::Good,
    }
}

/// Whether an answer is a page for people: no vendor's API answers with one, but what stands in front of it does, or
/// another server where our configuration has the wrong address.
pub fn is_page(response: &HttpResponse) -> bool {
    let kind = response.headers().get(http::header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    kind.to_ascii_lowercase().starts_with(b"text/html") || is_html(response.body())
}

/// The same by the body alone.
pub fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, class: Class, body: &'static str) -> Health {
        let response = http::Response::builder().status(status).body(body.into()).ok();
        health("ship", &Reply { class, response })
    }

    #[test]
    fn what_our_configuration_has_wrong_is_no_sign_of_a_vendor_that_works() {
        assert_eq!(said(400, Class::Refused, "{}"), Health::Good);
        assert_eq!(said(404, Class::Credentials, r#"{"errors":[{"code":"NOT.FOUND.ERROR"}]}"#), Health::Forbidden);
        assert_eq!(said(400, Class::Credentials, r#"{"detail":"8003: Account not allowed"}"#), Health::Forbidden);
        assert_eq!(said(401, Class::Credentials, ""), Health::KeyRefused);
        assert_eq!(said(400, Class::Unknown, " <!DOCTYPE html>"), Health::Bad);
        assert_eq!(said(429, Class::Throttled { after: None }, "<html>"), Health::Unsaid);
    }
}
