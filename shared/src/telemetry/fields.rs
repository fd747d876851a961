//! The names of log fields, once, and metrics in CloudWatch's embedded format. Dimensions are vendor, operation and
//! outcome only, never ids: each new value is a new metric that costs money.

use std::io::Write as _;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::domain::Timestamp;

/// Which vendor.
pub const VENDOR: &str = "vendor.name";
/// Which of the vendor's operations.
pub const OPERATION: &str = "vendor.operation";
/// The vendor's HTTP status; 0 when there was no answer.
pub const STATUS: &str = "vendor.status";
/// What the answer means.
pub const CLASS: &str = "vendor.class";
/// How long it took.
pub const DURATION_MS: &str = "duration_ms";
/// Answered calls before.
pub const ATTEMPT: &str = "attempt";
/// Ties lines together.
pub const CORRELATION: &str = "correlation_id";

/// The CloudWatch namespace of all our metrics: `Crossdock/<Stage>`, so that what happens in one stage wakes nobody who
/// watches another in the same account. template.yaml's alarms name the same.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Says whose metrics these are. A second call changes nothing.
pub(super) fn of_stage(stage: &str) {
    NAMESPACE.get_or_init(|| format!("Crossdock/{stage}"));
}

/// Writes metrics `(name, value, unit)` with their dimensions as one embedded-format line on standard output.
/// A line that cannot be written is dropped: telemetry never costs a request.
pub fn metric(now: Timestamp, dimensions: &[(&str, &str)], metrics: &[(&str, f64, &str)]) {
    write(now, dimensions, metrics, false);
}

/// The same for one metric that an alarm watches: once with its dimensions, and once without, so that one alarm sees
/// every vendor.
pub fn alert(now: Timestamp, name: &str, value: f64, unit: &str, dimensions: &[(&str, &str)]) {
    write(now, dimensions, &[(name, value, unit)], true);
}

/// How often a metric was written on this thread: for simulations, which ask whether somebody would be told.
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
