//! A failing run made small: orders and mishaps are left out as long as the same thing is still wrong.

use std::time::{Duration, Instant};

use super::{Played, Schedule, play};

/// What a person waits for a smaller failure.
const EFFORT: Duration = Duration::from_secs(60);

/// The smallest run found that breaks the same invariant (`I1`, `I2` …), and how it went.
pub fn shrink(schedule: &Schedule) -> (Schedule, Played) {
    let began = Instant::now();
    let mut best = schedule.clone();
    let mut went = play(&best);
    let Some(broken) = went.violations.first().map(|violation| rule(violation).to_owned()) else {
        return (best, went);
    };
    let try_without = |best: &mut Schedule, went: &mut Played, smaller: Schedule| {
        let played = play(&smaller);
        if played.violations.iter().any(|violation| rule(violation) == broken) {
            (*best, *went) = (smaller, played);
        }
    };
    // Twice: what one thing left out makes needless is left out in the second round.
    for _ in 0..2 {
        for order in went.orders.clone() {
            if began.elapsed() < EFFORT {
                let mut smaller = best.clone();
                smaller.without.orders.insert(order);
                try_without(&mut best, &mut went, smaller);
            }
        }
        let mut kinds: Vec<_> = went.fired.iter().map(|(_, kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            if began.elapsed() < EFFORT {
                let mut smaller = best.clone();
                smaller.without.kinds.insert(kind);
                try_without(&mut best, &mut went, smaller);
            }
        }
        for fired in went.fired.clone() {
            if began.elapsed() < EFFORT {
                let mut smaller = best.clone();
                smaller.without.single.insert(fired);
                try_without(&mut best, &mut went, smaller);
            }
        }
    }
    best.traced = true;
    went = play(&best);
    (best, went)
}

/// The name of the broken rule: what is before the colon.
pub(super) fn rule(violation: &str) -> &str {
    violation.split_once(':').map_or(violation, |(rule, _)| rule)
}
