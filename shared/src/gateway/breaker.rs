//! A circuit breaker: one item that all instances share, and its rules. It opens after failures. While it is open, it
//! allows one test call (a probe) at a time. Two successful probes close it. Each transition raises the epoch, and counters are
//! added only under the current epoch. So a late result from before a transition changes nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{OperationClass, Vendor};
use crate::aws::{Key, Write};
use crate::domain::Timestamp;
use crate::error::Result;
use crate::guard::{Guard, condition};

/// So many failures in a row open it, in the order in which they reached the table. Our own choice.
const FAILURES_IN_A_ROW: u32 = 5;
/// It also opens if more than half of the calls in the last minute fail, and there were at least so many calls. A vendor that
/// fails every other call never fails five times in a row.
const CALLS_TO_JUDGE: u32 = 10;
/// Length of a bucket. Calls in the present bucket and the one before count: between half a minute and a minute.
const BUCKET: Duration = Duration::from_secs(30);
/// How long it is open before the first probe. Doubles each time that it opens again soon after closing.
const OPEN: Duration = Duration::from_secs(60);
/// The longest time between two probes.
const OPEN_MAX: Duration = Duration::from_secs(600);
/// If it opens again within this time after closing, [`OPEN`] doubles once more.
const SOON: Duration = Duration::from_secs(600);
/// If the key was refused, the next probe comes after this time: an operator has to act first.
const KEY_PROBE: Duration = Duration::from_secs(300);
/// So many successful probes in a row close it.
const SUCCESSES_TO_CLOSE: u32 = 2;
/// After so many different forbidden requests the operation class, or the key for marketing, counts as not permitted. One object
/// that we may not touch is no reason to stop all calls.
const FORBIDDEN_MAX: usize = 3;
/// The attribute that lists them. (An older version had a counter with the name `forbidden`.)
const FORBIDDEN_REQUESTS: &str = "forbidden_requests";
/// A probe's lease lasts for the vendor's timeout plus this: clocks differ, and writing the result takes time.
const PROBE_MARGIN: Duration = Duration::from_secs(5);

/// What one breaker guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    /// Whether the vendor accepts our key. It stops every call with that key.
    Key,
    /// The same for SendGrid's marketing key. While it is refused or has no permissions, mails of orders are still sent.
    MarketingKey,
    /// Whether operations of one class work.
    Class(OperationClass),
    /// Whether the key has this permission. A missing one stops only the calls that need it.
    Right(Right),
}

/// A permission of a key, where a vendor has keys with some permissions only (Stripe's restricted keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To make, change and read payments.
    Payments,
    /// To make and list refunds.
    Refunds,
    /// To make and list customers.
    Customers,
    /// To list what customers have saved.
    PaymentMethods,
    /// To read charges with what they cost.
    Fees,
}

/// Whether calls pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Calls pass.
    #[default]
    Closed,
    /// Only probes pass.
    Open,
}

/// A manual override. Until it ends, the results of calls change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forced {
    /// The state in which it is held.
    pub state: State,
    /// When the override ends.
    pub until: Timestamp,
}

/// A breaker as it is stored. Without an item it is closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    /// Whether calls pass.
    #[serde(default)]
    pub state: State,
    /// Grows with each transition.
    #[serde(default)]
    pub epoch: u64,
    /// Failures in a row.
    #[serde(default)]
    pub fails: u32,
    /// The present bucket: Unix time ÷ 30 s.
    #[serde(default)]
    bucket: i64,
    /// Calls in the present bucket.
    #[serde(default)]
    calls: u32,
    /// Failures among them.
    #[serde(default)]
    failed: u32,
    /// Calls in the bucket before.
    #[serde(default)]
    calls_before: u32,
    /// Failures among those.
    #[serde(default)]
    failed_before: u32,
    /// The requests that were forbidden (403) since the last success. A request that is tried again counts once.
    #[serde(default, rename = "forbidden_requests")]
    forbidden: Vec<String>,
    /// Open: when the next probe may be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_probe_at: Option<Timestamp>,
    /// Open: who makes the probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe_owner: Option<String>,
    /// Open: until when the probe's lease holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe_until: Option<Timestamp>,
    /// Open: probes in a row that succeeded.
    #[serde(default)]
    successes: u32,
    /// How often it has opened soon after closing, plus the failed probes. Decides how long it stays open.
    #[serde(default)]
    reopened: u32,
    /// When it last opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When it last closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Why it opened: `failures`, `key_refused`, `forbidden`, `operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The version of the secret whose key was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_version: Option<String>,
    /// An operator's manual override.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<Forced>,
}

/// The state of a breaker at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Calls pass.
    Closed,
    /// No call passes before the given time.
    Shut {
        /// When it makes sense to ask again.
        until: Timestamp,
    },
    /// One probe may pass: the instance that takes the lease makes it.
    Probing,
}

/// Calls that are counted here and not yet added to the item.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) bucket: i64,
    pub(super) calls: u32,
    pub(super) failed: u32,
}

impl Switch {
    /// Every switch of every vendor.
    pub const ALL: [Self; 9] = [
        Self::Key,
        Self::MarketingKey,
        Self::Class(OperationClass::Effect),
        Self::Class(OperationClass::Read),
        Self::Right(Right::Payments),
        Self::Right(Right::Refunds),
        Self::Right(Right::Customers),
        Self::Right(Right::PaymentMethods),
        Self::Right(Right::Fees),
    ];

    /// Every switch of a vendor.
    pub fn of(vendor: Vendor) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |switch| match switch {
            Self::MarketingKey => vendor == Vendor::SendGrid,
            Self::Right(_) => vendor.has_restricted_keys(),
            Self::Key | Self::Class(_) => true,
        })
    }

    /// Whether it is about a key, not about operations.
    pub const fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::MarketingKey)
    }

    /// The name in keys, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::MarketingKey => "marketing_key",
            Self::Class(class) => class.as_str(),
            Self::Right(Right::Payments) => "right_payments",
            Self::Right(Right::Refunds) => "right_refunds",
            Self::Right(Right::Customers) => "right_customers",
            Self::Right(Right::PaymentMethods) => "right_payment_methods",
            Self::Right(Right::Fees) => "right_fees",
        }
    }

    /// The switch of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|switch| switch.as_str() == name)
    }

    /// The key of its item.
    pub fn key(self, vendor: Vendor) -> Key {
        let key = format!("BREAKER#{}#{}", vendor.as_str(), self.as_str());
        Key::new(key.clone(), key)
    }
}

impl Tally {
    /// Counts a call. Calls that were not added to the item before their bucket ended are forgotten.
    pub(super) fn count(&mut self, now: Timestamp, failed: bool) {
        let bucket = bucket(now);
        if self.bucket != bucket {
            *self = Self { bucket, ..Self::default() };
        }
        self.calls += 1;
        self.failed += u32::from(failed);
    }
}

impl Breaker {
    /// Its state now.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.forced.filter(|forced| forced.until > now), self.state) {
            (Some(Forced { state: State::Open, until }), _) => Standing::Shut { until },
            (Some(Forced { state: State::Closed, .. }), _) | (None, State::Closed) => Standing::Closed,
            (None, State::Open) => {
                let probing = self.probe_until.filter(|until| *until > now);
                match self.next_probe_at.filter(|at| *at > now).max(probing) {
                    Some(until) => Standing::Shut { until },
                    None => Standing::Probing,
                }
            }
        }
    }

    /// Whether there were failures. Only then successes have to be counted, too.
    pub(super) fn has_failures(&self, now: Timestamp) -> bool {
        let recent = bucket(now) - self.bucket;
        self.fails > 0
            || !self.forbidden.is_empty()
            || (recent == 0 && self.failed > 0)
            || (recent <= 1 && self.failed_before + self.failed > 0)
    }

    /// Whether it is open, or will soon open, because requests were forbidden. Only successful calls with the same key change that.
    pub(super) fn is_about_forbidden(&self) -> bool {
        !self.forbidden.is_empty() || self.state == State::Open && self.cause.as_deref() == Some(FORBIDDEN)
    }

    /// Whether the counted failures are enough to open it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let (calls, failed) = match bucket(now) - self.bucket {
            0 => (self.calls + self.calls_before, self.failed + self.failed_before),
            1 => (self.calls, self.failed),
            _ => (0, 0),
        };
        self.fails >= FAILURES_IN_A_ROW || (calls >= CALLS_TO_JUDGE && failed * 2 > calls)
    }

    /// Whether this forbidden request is already counted.
    pub(super) fn has_forbidden(&self, request: &str) -> bool {
        self.forbidden.iter().any(|forbidden| forbidden == request)
    }

    /// Whether so many requests were forbidden that the whole class counts as not permitted.
    pub(super) fn is_forbidden(&self) -> bool {
        self.forbidden.len() >= FORBIDDEN_MAX
    }

    /// Adds calls to the counters. A success resets the failures in a row and the forbidden requests.
    pub(super) fn counted(&self, key: Key, tally: &Tally, failed: bool) -> Result<Write> {
        let write = self.begun(self.while_closed(key)?)?;
        let write = if failed { write.add("fails", 1) } else { write.set("fails", &0)?.remove(FORBIDDEN_REQUESTS) };
        if self.bucket == tally.bucket && self.epoch_is_written() {
            let write = write.add("calls", i64::from(tally.calls)).add("failed", i64::from(tally.failed));
            return write.when("#bucket = :bucket").bind(":bucket", &tally.bucket);
        }
        let before = if self.bucket + 1 == tally.bucket { (self.calls, self.failed) } else { (0, 0) };
        let write = write
            .set("bucket", &tally.bucket)?
            .set("calls", &tally.calls)?
            .set("failed", &tally.failed)?
            .set("calls_before", &before.0)?
            .set("failed_before", &before.1)?;
        write.when("attribute_not_exists(#bucket) OR #bucket = :bucket").bind(":bucket", &self.bucket)
    }

    /// Counts one more forbidden request, unless another was counted meanwhile.
    pub(super) fn forbidden(&self, key: Key, request: &str) -> Result<Write> {
        let requests: Vec<&str> = self.forbidden.iter().map(String::as_str).chain([request]).collect();
        let write = self.begun(self.while_closed(key)?)?.set(FORBIDDEN_REQUESTS, &requests)?;
        if self.forbidden.is_empty() {
            return Ok(write.when("attribute_not_exists(#forbidden_requests)"));
        }
        write.when("#forbidden_requests = :counted").bind(":counted", &self.forbidden)
    }

    /// Opens it. If several instances try, one succeeds.
    pub(super) fn opened(&self, key: Key, cause: &str, version: Option<&str>, now: Timestamp) -> Result<Write> {
        let soon = self.closed_at.is_some_and(|at| now.since(at) < SOON);
        let reopened = if soon { self.reopened + 1 } else { 0 };
        self.while_closed(key)?
            .set("state", &State::Open)?
            .set("epoch", &(self.epoch + 1))?
            .set("opened_at", &now)?
            .set("cause", &cause)?
            .set("secret_version", &version)?
            .set("reopened", &reopened)?
            .set("successes", &0)?
            .set("next_probe_at", &now.plus(stays_open(cause, reopened)))
    }

    /// Takes the lease of the next probe. If several instances try, one gets it and makes the call.
    pub(super) fn probe_taken(&self, key: Key, owner: &str, timeout: Duration, now: Timestamp) -> Result<Write> {
        Write::update(key)
            .set("probe_owner", &owner)?
            .set("probe_until", &now.plus(timeout + PROBE_MARGIN))?
            .when("#state = :open AND #epoch = :epoch AND #next_probe_at <= :now")
            .when(&condition(Guard::ProbeLease, "attribute_not_exists(#probe_until) OR #probe_until <= :now"))
            .bind(":open", &State::Open)?
            .bind(":epoch", &self.epoch)?
            .bind(":now", &now)
    }

    /// Gives the lease back. Written alone, it means that no call was made, and the next instance may probe.
    pub(super) fn probe_ended(&self, key: Key, owner: &str) -> Result<Write> {
        Write::update(key)
            .remove("probe_owner")
            .remove("probe_until")
            .when("#state = :open AND #epoch = :epoch AND #probe_owner = :owner")
            .bind(":open", &State::Open)?
            .bind(":epoch", &self.epoch)?
            .bind(":owner", &owner)
    }

    /// The result of a probe. The second success in a row closes the breaker; a failure keeps it open for longer.
    pub(super) fn probed(&self, key: Key, owner: &str, succeeded: bool, now: Timestamp) -> Result<Write> {
        let write = self.probe_ended(key, owner)?;
        if !succeeded {
            let reopened = self.reopened + 1;
            let wait = stays_open(self.cause.as_deref().unwrap_or_default(), reopened);
            return write.set("reopened", &reopened)?.set("successes", &0)?.set("next_probe_at", &now.plus(wait));
        }
        if self.successes + 1 < SUCCESSES_TO_CLOSE && self.cause.as_deref() == Some(FAILURES) {
            return write.add("successes", 1).set("next_probe_at", &now);
        }
        self.closing(write, now)
    }

    /// Closes it because the secret has a new version: the refused key is no longer used.
    pub(super) fn closed(&self, key: Key, now: Timestamp) -> Result<Write> {
        let write = Write::update(key)
            .remove("probe_owner")
            .remove("probe_until")
            .when("#state = :open AND #epoch = :epoch")
            .bind(":open", &State::Open)?
            .bind(":epoch", &self.epoch)?;
        self.closing(write, now)
    }

    fn closing(&self, write: Write, now: Timestamp) -> Result<Write> {
        let write = write
            .set("state", &State::Closed)?
            .set("epoch", &(self.epoch + 1))?
            .set("closed_at", &now)?
            .remove("next_probe_at")
            .remove("cause")
            .remove("secret_version")
            .remove(FORBIDDEN_REQUESTS);
        ["fails", "calls", "failed", "calls_before", "failed_before", "successes"]
            .into_iter()
            .try_fold(write, |write, counter| write.set(counter, &0))
    }

    /// A write that succeeds only if the breaker is closed and has had no transition since it was read.
    fn while_closed(&self, key: Key) -> Result<Write> {
        let write = Write::update(key).set("type", &"breaker")?;
        if self.epoch_is_written() {
            return write
                .when(&condition(Guard::BreakerEpoch, "#state = :closed AND #epoch = :epoch"))
                .bind(":closed", &State::Closed)?
                .bind(":epoch", &self.epoch);
        }
        Ok(write.when("attribute_not_exists(#epoch)"))
    }

    /// The first write creates the item.
    fn begun(&self, write: Write) -> Result<Write> {
        if self.epoch_is_written() { Ok(write) } else { write.set("state", &State::Closed)?.set("epoch", &1) }
    }

    const fn epoch_is_written(&self) -> bool {
        self.epoch > 0
    }
}

/// The cause: failures of calls.
pub(super) const FAILURES: &str = "failures";
/// The cause: the key was refused.
pub(super) const KEY_REFUSED: &str = "key_refused";
/// The cause: our key lacks the permission for an operation class, or the marketing key has none.
pub(super) const FORBIDDEN: &str = "forbidden";

/// How long it stays open after it has opened again so many times.
fn stays_open(cause: &str, reopened: u32) -> Duration {
    if cause == FAILURES { OPEN.saturating_mul(1 << reopened.min(10)).min(OPEN_MAX) } else { KEY_PROBE }
}

fn bucket(now: Timestamp) -> i64 {
    now.seconds().div_euclid(i64::try_from(BUCKET.as_secs()).unwrap_or(30))
}
