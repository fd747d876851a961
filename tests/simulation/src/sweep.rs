//! The single-crash sweep: each flow is run once to count its requests, and then once for each of them and each of
//! the two moments, with a crash there.

use std::time::Duration;

use crate::shop::Flow;
use crate::universe::{Invocation, Universe};
use crate::{Plan, When, invariants};

/// What a sweep of one flow came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Invocations of the flow's own part, in the run without a crash.
    pub invocations: usize,
    /// Requests of that run: crash points are twice as many.
    pub requests: usize,
    /// Runs made, the first included.
    pub runs: usize,
    /// What was wrong, with the crash that showed it.
    pub failures: Vec<String>,
}

/// Runs a flow with a plan for one invocation; gives the invocations of its own part, the number of the first, and
/// what is wrong at rest.
fn run(flow: Flow, seed: u64, plan: Option<(usize, Plan)>) -> (Vec<Invocation>, usize, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut universe = Universe::new(seed);
        universe.plans.extend(plan);
        let mut wrong = match tokio::time::timeout(Duration::from_secs(48 * 3_600), flow.run(&mut universe)).await {
            Ok(()) => Vec::new(),
            Err(_) => vec!["the run did not come to rest".to_owned()],
        };
        wrong.extend(invariants::violations(&universe));
        wrong.extend(flow.unmet(&mut universe).await);
        let from = universe.own_part_from.min(universe.invocations.len());
        (universe.invocations[from..].to_vec(), from, wrong)
    })
}

/// Sweeps one flow.
pub fn sweep(flow: Flow, seed: u64) -> Swept {
    let (invocations, from, wrong) = run(flow, seed, None);
    let mut swept = Swept { invocations: invocations.len(), runs: 1, ..Swept::default() };
    swept.failures.extend(wrong.into_iter().map(|wrong| format!("{flow:?} without a crash: {wrong}")));
    if !swept.failures.is_empty() {
        return swept;
    }
    for (number, invocation) in (from..).zip(&invocations) {
        swept.requests += invocation.requests;
        for n in 1..=invocation.requests {
            for when in [When::Before, When::After] {
                let (_, _, wrong) = run(flow, seed, Some((number, Plan::crash(n, when))));
                swept.runs += 1;
                let place = format!("{flow:?}, {:?} (invocation {number}), request {n}, {when:?}", invocation.function);
                swept.failures.extend(wrong.into_iter().map(|wrong| format!("{place}: {wrong}")));
            }
        }
    }
    swept
}
