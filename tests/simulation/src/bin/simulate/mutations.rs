//! Is the simulation blind? Each guard of the shipped code is taken away, alone, and something must break.

use std::time::Instant;

use crossdock::guard::{Guard, without};
use simulation::cases;
use simulation::invariants::DIFFERENT;
use simulation::schedule::replay::Replay;
use simulation::shop::Flow;
use simulation::sweep::sweep;

use crate::cores::on_each_core;

/// Seeds that are looked at before the sweeps of crashes, which take some seconds.
const SEEDS_FIRST: u64 = 12;
/// Flows in which a crash shows what chance needs long for: an event that is the only one to tell, and one that is
/// there before its object.
const SWEPT: [Flow; 2] = [Flow::PaidInTheBrowser, Flow::RefundedBeforeKnown];

/// What noticed that a guard was missing.
struct Noticed {
    by: String,
    violation: String,
}

/// Goes through the guards; whether each is missed.
pub(crate) fn run(most: u64, only: &[String]) -> bool {
    let began = Instant::now();
    let is_wanted = |guard: &&Guard| only.is_empty() || only.iter().any(|name| *name == format!("{guard:?}"));
    let wanted: Vec<Guard> = Guard::ALL.iter().filter(is_wanted).copied().collect();
    if let Some(noticed) = first_case() {
        println!("with every guard in place, {} already finds {}", noticed.by, noticed.violation);
        return false;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let expected = wanted.len();
    let mut found = on_each_core(wanted, |guard| (guard, look(guard, most)));
    found.sort_by_key(|(guard, _)| *guard);
    println!("| without | noticed by | what broke |\n|---|---|---|");
    for (guard, noticed) in &found {
        match noticed {
            Some(noticed) => {
                let violation: String = noticed.violation.replace('|', "/").chars().take(120).collect();
                println!("| {guard:?} | {} | {violation} |", noticed.by);
            }
            None => println!("| {guard:?} | **nothing in {most} seeds, or nothing that can be shown again** | |"),
        }
    }
    let missed = found.iter().filter(|(_, noticed)| noticed.is_some()).count();
    println!("\n{missed} of {} guards are missed, {:.0} s", found.len(), began.elapsed().as_secs_f64());
    missed == expected
}

/// A guard is missed when a promise breaks, not when what is left of a write is none that DynamoDB takes.
#[expect(clippy::ptr_arg, reason = "what the items of a list of violations are found with")]
fn breaks_a_promise(violation: &String) -> bool {
    !violation.contains(DIFFERENT)
}

/// The first case in which something breaks.
fn first_case() -> Option<Noticed> {
    cases::ALL.iter().find_map(|(name, case)| {
        let wrong = std::panic::catch_unwind(case).unwrap_or_else(|_| vec!["panic".to_owned()]);
        Some(Noticed { by: format!("case: {name}"), violation: wrong.into_iter().find(breaks_a_promise)? })
    })
}

/// The first flow in which some crash breaks something.
fn first_sweep() -> Option<Noticed> {
    SWEPT.into_iter().find_map(|flow| {
        let wrong = std::panic::catch_unwind(|| sweep(flow, 1).failures).unwrap_or_else(|_| vec!["panic".to_owned()]);
        Some(Noticed { by: format!("crashes in {flow:?}"), violation: wrong.into_iter().find(breaks_a_promise)? })
    })
}

/// The first thing that breaks.
fn look(guard: Guard, most: u64) -> Option<Noticed> {
    let _missing = without(guard);
    if let Some(noticed) = first_case() {
        return Some(noticed);
    }
    for seed in 1..=most {
        if seed == SEEDS_FIRST
            && let Some(noticed) = first_sweep()
        {
            return Some(noticed);
        }
        let replay = Replay { seed, without: Some(guard) };
        if let Some(violation) = replay.play().violations.into_iter().find(breaks_a_promise) {
            // What is printed has to show the same when somebody types it.
            let printed = replay.to_string();
            let shows_it = Replay::parse(&printed).is_some_and(|again| again.shows(&violation));
            return shows_it.then_some(Noticed { by: format!("`{printed}`"), violation });
        }
    }
    None
}
