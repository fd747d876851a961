//! The alarms in template.yaml watch metrics that somebody writes, of their own stage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;

use contract::workspace_root;
use crossdock::telemetry::metrics::{Metric, Reader};

/// The namespace and the metric of each alarm that is not about one of AWS's own metrics, and whether it names dimensions.
fn watched() -> Vec<(String, String, bool)> {
    let template = fs::read_to_string(workspace_root().join("template.yaml")).unwrap();
    let value = |line: &str, name: &str| line.trim().strip_prefix(name).map(|value| value.trim().to_owned());
    let lines: Vec<&str> = template.lines().collect();
    let found = lines.windows(3).filter_map(|three| {
        let (namespace, metric) = (value(three[0], "Namespace:")?, value(three[1], "MetricName:")?);
        Some((namespace, metric, value(three[2], "Dimensions:").is_some()))
    });
    found.filter(|(namespace, ..)| !namespace.starts_with("AWS/")).collect()
}

#[test]
fn an_alarm_of_one_stage_is_silent_about_the_others_in_its_account() {
    for (namespace, metric, _) in watched() {
        assert_eq!(namespace, "!Sub Crossdock/${Stage}", "the alarm on {metric}");
    }
}

#[test]
fn every_alarm_on_a_metric_of_ours_watches_one_that_is_written() {
    let watched = watched();
    assert!(!watched.is_empty(), "no alarm was found");
    for (_, metric, has_dimensions) in watched {
        let spec = Metric::ALL.iter().map(|metric| metric.spec()).find(|spec| spec.name == metric);
        let spec = spec.unwrap_or_else(|| panic!("nobody writes {metric}"));
        let reader = if has_dimensions { Reader::AlarmOfEach } else { Reader::Alarm };
        assert!(spec.readers.contains(&reader), "the list does not say that an alarm reads {metric} ({reader:?})");
        let is_written = has_dimensions || spec.dimensions.is_empty() || spec.also_in_all;
        assert!(is_written, "{metric} is not written without dimensions, and an alarm cannot sum");
    }
}
