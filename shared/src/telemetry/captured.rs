//! What was written on this thread, for simulations: how often, and the lines themselves where somebody asked for them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::emf;
use super::metrics::Metric;
use crate::domain::Timestamp;

thread_local! {
    static COUNTED: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
    static LINES: RefCell<Option<(String, Vec<Value>)>> = const { RefCell::new(None) };
}

pub(super) fn see(metrics: &[(Metric, f64)], now: Timestamp, of: &[&str]) {
    COUNTED.with_borrow_mut(|counted| {
        for (metric, _) in metrics {
            *counted.entry(metric.spec().name).or_default() += 1;
        }
    });
    LINES.with_borrow_mut(|kept| {
        if let Some((namespace, lines)) = kept {
            lines.extend(emf::line(namespace, metrics, now, of));
        }
    });
}

/// How often a metric was written on this thread.
pub fn written(metric: Metric) -> u64 {
    COUNTED.with_borrow(|counted| counted.get(metric.spec().name).copied().unwrap_or_default())
}

/// Keeps the lines that are written on this thread from now on, as a function of this stage would write them.
pub fn begin(stage: &str) {
    LINES.with_borrow_mut(|kept| *kept = Some((format!("Crossdock/{stage}"), Vec::new())));
}

/// Takes the lines that were kept since the last time.
pub fn take() -> Vec<Value> {
    LINES.with_borrow_mut(|kept| kept.as_mut().map(|(_, lines)| std::mem::take(lines)).unwrap_or_default())
}
