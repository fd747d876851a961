//! A small CloudWatch: it reads metric lines as CloudWatch reads them from a log, and evaluates alarms as they stand in
//! template.yaml. The emulator does neither.
//!
//! ```text
//! metric lines ─ emf ─┐
//! AWS's own series ───┴─ Series ─ statistics, math ─ Alarm ─ state at each minute
//! ```
//!
//! What it does, it does by AWS's documentation, which each file names. Where that says nothing there is a dial, and tests turn it
//! both ways ([`Dials`]). It evaluates once a minute, as CloudWatch does for periods of a minute and longer.

mod alarm;
mod emf;
mod math;
mod template;

pub use alarm::{Alarm, Composite, Missing, Source, State};
pub use emf::Refused;
pub use math::{Expression, Values};
pub use template::{Alarms, Template};

use std::collections::BTreeMap;

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;

/// What AWS does not document.
#[derive(Clone, Copy, Debug)]
pub struct Dials {
    /// Whether `FILL(m, 0)` fills a series that has no value at all in the time that is looked at. The documentation speaks of
    /// "missing values" of a series only.
    pub fills_what_was_never_there: bool,
    /// How many values more than its evaluation periods an alarm retrieves: "a higher number of data points", and no more is said.
    pub extra_periods: usize,
}

impl Default for Dials {
    fn default() -> Self {
        Self { fills_what_was_never_there: false, extra_periods: 2 }
    }
}

/// What names a series: namespace, name, and exactly these dimensions. One value more or less is another series: "CloudWatch
/// treats each unique combination of dimensions as a separate metric".
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The namespace.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
}

/// Every value that came, by series.
#[derive(Clone, Debug, Default)]
pub struct Series(BTreeMap<Name, Vec<(i64, f64)>>);

impl Series {
    /// Adds one value at a time in Unix milliseconds.
    pub fn put(&mut self, name: Name, at_ms: i64, value: f64) {
        let values = self.0.entry(name).or_default();
        // By time: lines come nearly in order.
        let place = values.partition_point(|(at, _)| *at <= at_ms);
        values.insert(place, (at_ms, value));
    }

    /// The time of the first value and of the last.
    pub fn span_ms(&self) -> Option<(i64, i64)> {
        let first = self.0.values().filter_map(|values| values.first()).map(|(at, _)| *at).min()?;
        let last = self.0.values().filter_map(|values| values.last()).map(|(at, _)| *at).max()?;
        Some((first, last))
    }

    /// The names of all series.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.0.keys()
    }

    /// A statistic of the values from a time to before another; `None` where there are none.
    ///
    /// Percentiles are of the values themselves, by nearest rank: CloudWatch interpolates in its own way, so no test should
    /// depend on less than a value's distance. <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html>
    ///
    /// # Panics
    /// When the statistic is none that the model knows.
    pub fn statistic(&self, name: &Name, statistic: &str, from_ms: i64, to_ms: i64) -> Option<f64> {
        let all = self.0.get(name)?;
        let place = |ms: i64| all.partition_point(|(at, _)| *at < ms);
        let mut values: Vec<f64> = all[place(from_ms)..place(to_ms)].iter().map(|(_, value)| *value).collect();
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "counts in tests")]
        let count = values.len() as f64;
        let sum: f64 = values.iter().sum();
        Some(match statistic {
            "SampleCount" => count,
            "Sum" => sum,
            "Average" => sum / count,
            "Minimum" => values[0],
            "Maximum" => values[values.len() - 1],
            other => {
                let percent = other.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
                let percent = percent.unwrap_or_else(|| panic!("the model knows no statistic {other}"));
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
                let rank = (percent / 100.0 * count).ceil() as usize;
                values[rank.clamp(1, values.len()) - 1]
            }
        })
    }
}
