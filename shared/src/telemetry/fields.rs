//! The names of log fields, and metrics in CloudWatch's embedded format. Dimensions are vendor, operation and outcome
//! only, never ids: each new value is a new metric that costs money.

use std::io::Write as _;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::domain::Timestamp;

/// The vendor that was called.
pub const VENDOR: &str = "vendor.name";
/// The vendor's operation.
pub const OPERATION: &str = "vendor.operation";
/// The vendor's HTTP status; 0 when there was no answer.
pub const STATUS: &str = "vendor.status";
/// The class of the answer: see `gateway::Class`.
pub const CLASS: &str = "vendor.class";
/// How long the call took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// How many calls of this intent were answered before.
pub const ATTEMPT: &str = "attempt";
/// The correlation id: the same in all log lines of one request.
pub const CORRELATION: &str = "correlation_id";

/// The CloudWatch namespace of all our metrics: `Crossdock/<Stage>`, so that alarms of one stage ignore the others in
/// the same account. The alarms in template.yaml use the same namespace.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Sets the namespace for this process. A second call changes nothing.
pub(super) fn of_stage(stage: &str) {
    NAMESPACE.get_or_init(|| format!("Crossdock/{stage}"));
}

/// Writes metrics `(name, value, unit)` with their dimensions as one embedded-format line on standard output. A line
/// that cannot be written is dropped: a request never fails because of telemetry.
pub fn metric(now: Timestamp, dimensions: &[(&str, &str)], metrics: &[(&str, f64, &str)]) {
    write(now, dimensions, metrics, false);
}

/// The same for one metric that an alarm watches: once with its dimensions, and once without, so that one alarm sees
/// every vendor.
pub fn alert(now: Timestamp, name: &str, value: f64, unit: &str, dimensions: &[(&str, &str)]) {
    write(now, dimensions, &[(name, value, unit)], true);
}

/// How often a metric was written on this thread. Simulations use it to check that an alarm would be raised.
#[cfg(feature = "mutations")]
pub fn written(name: &str) -> u64 {
    seen::of(name)
}

#[cfg(feature = "mutations")]
mod seen {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    thread_local! {
        static WRITTEN: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(super) fn count(name: &str) {
        WRITTEN.with_borrow_mut(|written| *written.entry(name.to_owned()).or_default() += 1);
    }

    pub(super) fn of(name: &str) -> u64 {
        WRITTEN.with_borrow(|written| written.get(name).copied().unwrap_or_default())
    }
}

fn write(now: Timestamp, dimensions: &[(&str, &str)], metrics: &[(&str, f64, &str)], in_all: bool) {
    #[cfg(feature = "mutations")]
    for (name, ..) in metrics {
        seen::count(name);
    }
    // Metrics follow the logs: where none were started, as in tests, nothing is written.
    let Some(namespace) = NAMESPACE.get() else { return };
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let sets = if in_all { json!([names, []]) } else { json!([names]) };
    let declared: Vec<Value> = metrics.iter().map(|(name, _, unit)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.ms(),
            "CloudWatchMetrics": [{ "Namespace": namespace, "Dimensions": sets, "Metrics": declared }],
        }),
    );
    line.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    line.extend(metrics.iter().map(|(name, value, _)| ((*name).to_owned(), json!(value))));
    // One write for the whole line: standard output would look for its end in each piece.
    let Ok(mut line) = serde_json::to_vec(&line) else { return };
    line.push(b'\n');
    let _ = std::io::stdout().write_all(&line);
}

/// Counts one occurrence.
pub fn count(now: Timestamp, name: &str, dimensions: &[(&str, &str)]) {
    metric(now, dimensions, &[(name, 1.0, "Count")]);
}
