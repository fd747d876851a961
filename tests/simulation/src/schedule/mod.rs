//! Random schedules: some orders, some workers side by side, and everything that can go wrong, decided by one seed.
//!
//! [`play`] runs one: first with mishaps, until the shops are done; then without, until nothing is due any more. Then
//! the invariants must hold, and every order that a customer still wants can be paid.

mod basket;
mod chance;
mod identity;
mod lambda;
mod limits;
mod orders;
mod parcel;
pub mod replay;
mod shopper;
pub mod shrink;
mod stage;
mod tomorrow;
mod trace;

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock::domain::fewer_due_shards;

use crate::invariants;
use crate::universe::Universe;

pub use chance::{Fired, Mishap, Without};
pub use stage::Stats;

use stage::Stage;

/// The longest that a run may take to come to rest once nothing goes wrong any more, in simulated time: UPS is asked once
/// more to tell of a parcel after 13 days, and an event that matches nothing is looked at for up to two weeks.
const REST_WITHIN: Duration = Duration::from_secs(20 * 86_400);

/// One run to make.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "switches that have nothing to do with each other")]
pub struct Schedule {
    /// Decides everything.
    pub seed: u64,
    /// What is left out of it, to find out what matters.
    pub without: Without,
    /// Whether to write down what happens.
    pub traced: bool,
    /// Whether to read what the functions log.
    pub reads_logs: bool,
    /// Whether to compare every write with the embedded database's.
    pub compares: bool,
    /// Whether to hold every answer of the API against its contract.
    pub validates: bool,
}

/// Shards of the due index in most runs: more than one, so that a tick still puts together what it finds in several.
pub(crate) const FEW_SHARDS: u8 = 2;

/// One seed in so many also has its log read, one its writes compared, and one its answers held against the API's contract:
/// all of it takes time.
const LOOKED_AT_CLOSELY: u64 = 16;

impl Schedule {
    /// The schedule of a seed, whole.
    pub fn of(seed: u64) -> Self {
        let turn = seed % LOOKED_AT_CLOSELY;
        let (compares, validates) = (turn == LOOKED_AT_CLOSELY / 2, turn == LOOKED_AT_CLOSELY / 4);
        Self { seed, reads_logs: turn == 0, compares, validates, ..Self::default() }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// What is wrong.
    pub violations: Vec<String>,
    /// The mishaps that happened, in order of their invocations.
    pub fired: Vec<Fired>,
    /// Orders that took part, by number.
    pub orders: Vec<usize>,
    /// What there was to count.
    pub stats: Stats,
    /// What happened, one line each, if it was to be written down.
    pub trace: Vec<String>,
}

/// Runs a schedule from beginning to end. Uses this thread's random numbers, so one thread runs one at a time.
pub fn play(schedule: &Schedule) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let log = schedule.reads_logs.then(trace::Log::start);
    // Where it is looked at closely, all is as it is deployed.
    let is_looked_at = schedule.reads_logs || schedule.compares;
    let _fewer = (!is_looked_at).then(|| fewer_due_shards(FEW_SHARDS));
    runtime.block_on(async {
        let stage = Stage::new(schedule);
        let actors = orders::actors(&stage);
        let mut violations = Vec::new();
        lambda::run(&stage, actors).await;
        stage.calm_down();
        if tokio::time::timeout(REST_WITHIN, lambda::run(&stage, Vec::new())).await.is_err() {
            violations.push("I2: the run did not come to rest".to_owned());
        }
        let actors = orders::those_who_come_back(&stage);
        if tokio::time::timeout(REST_WITHIN, lambda::run(&stage, actors)).await.is_err() {
            violations.push("I2: the run did not come to rest again".to_owned());
        }
        let actors = orders::those_who_were_told_to_wait(&stage);
        if tokio::time::timeout(REST_WITHIN, lambda::run(&stage, actors)).await.is_err() {
            violations.push("I2: the run did not come to rest a third time".to_owned());
        }
        stage.with(|universe| universe.told.at_rest());
        violations.extend(stage.take_complaints());
        violations.extend(tomorrow::attributes_that_were_lost(&stage));
        violations.extend(stage.with(|universe| invariants::violations(universe)));
        violations.extend(stage.with(|universe| what_has_no_source(universe)));
        violations.extend(log.iter().flat_map(trace::Log::violations));
        let mut played = stage.played();
        violations.sort();
        violations.dedup();
        played.violations = violations;
        played
    })
}

/// S: what a simulated vendor did, and nobody has said where that is known from.
fn what_has_no_source(universe: &Universe) -> Vec<String> {
    universe.sandbox().unlisted().into_iter().map(|what| format!("S: {what}")).collect()
}

/// The same numbers of two runs, added.
fn add<K: Ord + Clone>(sum: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, count) in more {
        *sum.entry(key.clone()).or_default() += count;
    }
}
