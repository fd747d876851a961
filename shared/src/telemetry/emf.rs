//! Metrics in CloudWatch's embedded format: one JSON line on standard output, which CloudWatch reads from the log.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write as _;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::metrics::Metric;
use crate::domain::Timestamp;

/// The CloudWatch namespace of all our metrics: `Crossdock/<Stage>`, so that alarms of one stage ignore the others in
/// the same account. The alarms in template.yaml use the same namespace.
static NAMESPACE: OnceLock<String> = OnceLock::new();

/// Sets the namespace for this process. A second call changes nothing.
pub(super) fn of_stage(stage: &str) {
    NAMESPACE.get_or_init(|| format!("Crossdock/{stage}"));
}

/// Writes one value of each of some metrics that have the same dimensions, as one line. One that cannot be written is dropped: a
/// request never fails because of telemetry.
pub(super) fn write(metrics: &[(Metric, f64)], now: Timestamp, of: &[&str]) {
    #[cfg(feature = "mutations")]
    super::captured::see(metrics, now, of);
    // Metrics follow the logs: where none were started, as in tests, nothing is written.
    let Some(namespace) = NAMESPACE.get() else { return };
    let Some(line) = line(namespace, metrics, now, of) else { return };
    // One write for the whole line: standard output would look for its end in each piece.
    let Ok(mut line) = serde_json::to_vec(&line) else { return };
    line.push(b'\n');
    let _ = std::io::stdout().write_all(&line);
}

/// The line; `None` when nobody would read it.
pub(super) fn line(namespace: &str, metrics: &[(Metric, f64)], now: Timestamp, of: &[&str]) -> Option<Value> {
    let spec = metrics.first()?.0.spec();
    let folded: Option<Vec<(&str, &str)>> = (spec.dimensions.len() == of.len())
        .then(|| spec.dimensions.iter().zip(of).map(|(d, value)| Some((d.name, d.folded(value)?))).collect())
        .flatten();
    let mut sets = Vec::new();
    if let Some(folded) = &folded {
        sets.push(folded.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
    if spec.also_in_all && !spec.dimensions.is_empty() {
        sets.push(Vec::new());
    }
    if sets.is_empty() {
        return None;
    }
    let declared = metrics.iter().map(|(metric, _)| metric.spec());
    let declared: Vec<Value> = declared.map(|spec| json!({ "Name": spec.name, "Unit": spec.unit.as_str() })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.ms(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": sets,
                "Metrics": declared,
            }],
        }),
    );
    line.extend(folded.into_iter().flatten().map(|(name, value)| (name.to_owned(), json!(value))));
    line.extend(metrics.iter().map(|(metric, value)| (metric.spec().name.to_owned(), json!(value))));
    Some(Value::Object(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_dimensions_and_what_an_alarm_reads_has_none_too() {
        let at = Timestamp::from_ms(1_700_000_000_000);
        let line = |metric, of: &[&str]| line("Crossdock/test", &[(metric, 1.0)], at, of);
        let denied = line(Metric::QuotaDenied, &["ups"]).expect("a line");
        assert_eq!(denied["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        let declared = &denied["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Dimensions"], json!([["vendor"], []]));
        assert_eq!(declared["Metrics"], json!([{ "Name": "quota_denied", "Unit": "Count" }]));
        assert_eq!((&denied["vendor"], &denied["quota_denied"]), (&json!("ups"), &json!(1.0)));
        let panics = line(Metric::Panics, &[]).expect("a line");
        assert_eq!(panics["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
    }

    #[test]
    fn what_no_list_names_is_folded_or_not_written_and_never_a_series_of_its_own() {
        let at = Timestamp::from_ms(0);
        let failed = line("n", &[(Metric::SmsFailed, 1.0)], at, &["pi_123"]).expect("a line");
        assert_eq!(failed["reason"], "other");
        assert_eq!(line("n", &[(Metric::RevenueMinorUnits, 5.0)], at, &["jpy"]), None);
        let failed = line("n", &[(Metric::Failures, 1.0)], at, &["a function of next year"]).expect("a line");
        assert_eq!(failed["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        assert!(failed.get("function").is_none());
    }
}
