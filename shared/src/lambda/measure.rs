//! What every function counts of its work: how much there was, and what of it failed.

use std::time::Duration;

use crate::aws::unreachable_store;
use crate::domain::Timestamp;
use crate::error::Error;
use crate::telemetry::metrics::{Metric, together};

/// The code of a panic that was caught.
pub(super) const PANIC: &str = "panic";
/// Longer than this, and a shopper goes away. (Seed 000.)
const SLOW: Duration = Duration::from_secs(5);

/// A request that was answered. Where the shop waits for its answer, how long it took: not vendors, browsers that unsubscribe, or
/// probes.
pub(super) fn request(function: &str, failed: bool, took: Duration, now: Timestamp) {
    let mut all = vec![(Metric::Handled, 1.0)];
    if !function.ends_with("-webhook") && !matches!(function, "unsubscriber" | "health" | "health-ready") {
        all.extend([(Metric::RequestsAnswered, 1.0), (Metric::RequestSeconds, took.as_secs_f64())]);
        all.extend((took > SLOW).then_some((Metric::RequestsSlow, 1.0)));
    }
    together(now, &all);
    if failed {
        Metric::Failures.count(now, &[function]);
    }
}

/// Records of a batch, or a tick, that were worked.
pub(super) fn handled(count: usize, now: Timestamp) {
    if let Ok(count) = u32::try_from(count)
        && count > 0
    {
        Metric::Handled.record(now, count.into(), &[]);
    }
}

/// A record or a tick that failed.
pub(super) fn failed(function: &str, error: &Error, now: Timestamp) {
    Metric::Failures.count(now, &[function]);
    reason(function, error, now);
}

/// What something failed of, where that is a case of its own.
pub(super) fn reason(function: &str, error: &Error, now: Timestamp) {
    if error.code == PANIC {
        Metric::Panics.count(now, &[]);
        tracing::error!(function, "a handler panicked");
    }
    if let Some(store) = unreachable_store(error) {
        Metric::StoreUnreachable.count(now, &[store]);
    }
}
