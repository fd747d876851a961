//! Alarms: each one of template.yaml is driven to ALARM and back, by the metric lines that the shipping functions wrote in a
//! simulation, or, where only AWS can know it, by series of AWS's own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod aws;
mod drivers;
mod outcomes;
mod page;
mod scenarios;

use std::collections::BTreeSet;

use contract::cloudwatch::{Alarms, Dials, MINUTE_MS, Series, State, Template};
use crossdock::telemetry::captured;
use simulation::universe::Universe;

/// The stage whose namespace the lines bear; the model resolves the template for the same.
const STAGE: &str = "test";

/// What a simulation wrote, as CloudWatch has it.
fn recorded() -> Series {
    let mut series = Series::default();
    for line in captured::take() {
        series.read(&line).unwrap_or_else(|refused| panic!("{refused:?}"));
    }
    series
}

/// A deployment whose metric lines are kept.
fn universe() -> Universe {
    captured::begin(STAGE);
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    universe
}

/// Lets so many minutes pass, with everything that happens in them and a tick of the sweeper in each.
async fn minutes(universe: &mut Universe, count: usize) {
    for _ in 0..count {
        let end_ms = universe.now_ms() + MINUTE_MS;
        universe.run_until_quiet(MINUTE_MS).await;
        let left_ms = u64::try_from(end_ms - universe.now_ms()).unwrap_or(0);
        universe.sleep_ms(left_ms).await;
        universe.sweep().await;
    }
}

/// What some alarms did over the time of these series, and until nothing of it is in their windows any more.
fn judged(template: &Template, series: &Series, dials: Dials, some: &dyn Fn(&str) -> bool) -> Vec<(String, State)> {
    let mut alarms: Alarms = template.alarms(dials);
    alarms.metric.retain(|alarm| some(&alarm.logical));
    let Some((first_ms, last_ms)) = series.span_ms() else { return Vec::new() };
    let longest_ms =
        alarms.metric.iter().map(|alarm| alarm.period_ms * i64::try_from(alarm.evaluation_periods).unwrap());
    let tail_ms = longest_ms.max().unwrap_or(0) + 5 * MINUTE_MS;
    let mut changes = Vec::new();
    let mut now_ms = first_ms + 1;
    while now_ms <= last_ms + tail_ms {
        changes.extend(alarms.evaluate(series, now_ms));
        now_ms += MINUTE_MS;
    }
    changes
}

/// The alarms that went to ALARM and out of it again.
fn driven(changes: &[(String, State)]) -> BTreeSet<String> {
    let (mut open, mut driven) = (BTreeSet::new(), BTreeSet::new());
    for (alarm, state) in changes {
        if *state == State::Alarm {
            open.insert(alarm.clone());
        } else if open.remove(alarm) {
            driven.insert(alarm.clone());
        }
    }
    driven
}
