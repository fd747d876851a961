//! The alarms in template.yaml watch metrics that somebody writes, of their own stage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;

use contract::workspace_root;
use crossdock::telemetry::metrics::{Metric, Reader};

/// The namespace and the metric of each alarm that is not about one of AWS's own metrics.
fn watched() -> Vec<(String, String)> {
    let template = fs::read_to_string(workspace_root().join("template.yaml")).unwrap();
    let value = |line: &str, name: &str| line.trim().strip_prefix(name).map(|value| value.trim().to_owned());
    let lines: Vec<&str> = template.lines().collect();
    let pairs =
        lines.windows(2).filter_map(|pair| Some((value(pair[0], "Namespace:")?, value(pair[1], "MetricName:")?)));
    pairs.filter(|(namespace, _)| !namespace.starts_with("AWS/")).collect()
}

#[test]
fn an_alarm_of_one_stage_is_silent_about_the_others_in_its_account() {
    for (namespace, metric) in watched() {
        assert_eq!(namespace, "!Sub Crossdock/${Stage}", "the alarm on {metric}");
    }
}

#[test]
fn every_alarm_on_a_metric_of_ours_watches_one_that_is_written() {
    let watched = watched();
    assert!(!watched.is_empty(), "no alarm was found");
    for (_, metric) in watched {
        let spec = Metric::ALL.iter().map(|metric| metric.spec()).find(|spec| spec.name == metric);
        let spec = spec.unwrap_or_else(|| panic!("nobody writes {metric}"));
        assert!(spec.readers.contains(&Reader::Alarm), "the list does not say that an alarm reads {metric}");
    }
}
