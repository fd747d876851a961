//! Without a guard something breaks, and what is printed then shows it again. All guards are `cargo simulate mutations`'s.

#![allow(clippy::print_stdout, reason = "it prints its counts")]

use crossdock::guard::{Guard, without};
use simulation::cases;
use simulation::schedule::replay::Replay;

/// Guards that are missed in a case, each of another kind: a key, a claim, a breaker, an object of somebody else's, an
/// attempt that failed, and what callers are told.
const GUARDS: [Guard; 8] = [
    Guard::RefFree,
    Guard::ClaimLimit,
    Guard::ProbeLease,
    Guard::OwnObject,
    Guard::EachFailureTold,
    Guard::KeyForGood,
    Guard::FinalAnswer,
    Guard::NewestAttempt,
];
/// One that a schedule misses soon.
const IN_SCHEDULES: Guard = Guard::RefundReservation;
/// Seeds among which one shows it.
const SEEDS: u64 = 40;

fn is_missed(guard: Guard) -> bool {
    let _missing = without(guard);
    cases::ALL.iter().any(|(_, case)| !case().is_empty())
}

#[test]
fn without_a_guard_something_breaks() {
    let missed: Vec<Guard> = GUARDS.into_iter().filter(|guard| is_missed(*guard)).collect();
    println!("mutations: {} guards taken away, {} missed", GUARDS.len(), missed.len());
    assert_eq!(missed, GUARDS);
}

#[test]
fn the_command_that_is_printed_shows_the_same_violation_again() {
    let mut tried = (1..=SEEDS).map(|seed| Replay { seed, without: Some(IN_SCHEDULES) });
    let (replay, violation) = tried
        .find_map(|replay| replay.play().violations.first().cloned().map(|violation| (replay, violation)))
        .expect("a seed shows it");
    let printed = replay.to_string();
    println!("mutations: `{printed}` shows {violation}");
    let again = Replay::parse(&printed).expect("the command is understood");
    assert_eq!(again, replay);
    assert!(again.shows(&violation), "{printed}");
    assert!(!Replay { without: None, ..again }.shows(&violation), "the guard is not what is missed");
}
