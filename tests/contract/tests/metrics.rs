//! The list of metrics, shared/src/telemetry/metrics.rs: what it costs, that it keeps its own rules, and that nobody goes around it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and this one says what the metrics cost"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use contract::workspace_root;
use crossdock::gateway::Vendor;
use crossdock::telemetry::metrics::{Metric, PRICE_USD_A_MONTH, Reader, Unit};
use walkdir::WalkDir;

/// More than this many series, and somebody has to say what may go.
const SERIES_MAX: usize = 200;

fn sources(folder: &str) -> Vec<(String, String)> {
    let root = workspace_root();
    WalkDir::new(root.join(folder))
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (relative(&path, &root), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap().to_string_lossy().into_owned()
}

#[test]
fn all_metrics_together_are_at_most_so_many_series() {
    let series: usize = Metric::ALL.iter().map(|metric| metric.spec().series()).sum();
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let usd = series as f64 * PRICE_USD_A_MONTH;
    println!("{} metrics, {series} series, at most ${usd:.2} a month", Metric::ALL.len());
    assert!(series <= SERIES_MAX, "{series} series, ${usd:.2} a month");
}

#[test]
fn a_metric_has_one_name_two_dimensions_at_most_and_what_an_alarm_reads_is_there_without_any() {
    let mut names = BTreeSet::new();
    for metric in Metric::ALL {
        let spec = metric.spec();
        assert!(names.insert(spec.name), "{} is there twice", spec.name);
        assert!(spec.dimensions.len() <= 2, "{}", spec.name);
        assert!(spec.dimensions.iter().all(|d| d.values.len() <= 8 || d.name == "function"), "{}", spec.name);
        let is_in_all = spec.also_in_all || spec.dimensions.is_empty();
        assert!(is_in_all || !spec.readers.contains(&Reader::Alarm), "{} is read without dimensions", spec.name);
        let suffix = match spec.unit {
            Unit::Count => None,
            Unit::Seconds => Some("_seconds"),
            Unit::Milliseconds => Some("_ms"),
            Unit::Percent => Some("_percent"),
            Unit::None => Some(if spec.name.ends_with("_micros") { "_micros" } else { "_minor_units" }),
        };
        assert!(suffix.is_none_or(|suffix| spec.name.ends_with(suffix)), "{} does not say its unit", spec.name);
        assert!(metric.meaning().trim().ends_with('.'), "{} is not explained", spec.name);
    }
}

#[test]
fn dimensions_know_every_vendor_and_every_function() {
    let values = |metric: Metric| -> BTreeSet<String> {
        metric.spec().dimensions[0].values.iter().map(|value| (*value).to_owned()).collect()
    };
    let vendors: BTreeSet<String> = Vendor::ALL.iter().map(|vendor| vendor.as_str().to_owned()).collect();
    assert_eq!(values(Metric::VendorCallMs), vendors);
    let folders = fs::read_dir(workspace_root().join("functions")).unwrap();
    let functions: BTreeSet<String> =
        folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(values(Metric::Failures), functions);
}

#[test]
fn nobody_writes_a_metric_but_by_the_list() {
    for (path, source) in ["shared/src", "functions"].into_iter().flat_map(sources) {
        let is_the_list = path.starts_with("shared/src/telemetry/");
        for mark in ["CloudWatchMetrics", "\"_aws\"", "PutMetricData", "put_metric_data"] {
            assert!(is_the_list || !source.contains(mark), "{path} writes a metric around the list: {mark}");
        }
    }
}
