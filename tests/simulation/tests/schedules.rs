//! A few random schedules; thousands are `cargo simulate`'s.

#![allow(clippy::print_stdout, reason = "it prints its counts")]

use simulation::cases;
use simulation::schedule::shrink::shrink;
use simulation::schedule::{Mishap, Schedule, play};

/// Seeds that are run with the tests.
const SEEDS: u64 = 20;

#[test]
fn whatever_goes_wrong_each_effect_happens_once_and_nothing_is_lost() {
    let wrong: Vec<String> = (1..=SEEDS)
        .flat_map(|seed| {
            let played = play(&Schedule { reads_logs: seed % 4 == 0, compares: seed % 4 == 2, ..Schedule::of(seed) });
            played.violations.into_iter().map(move |violation| format!("seed {seed}: {violation}"))
        })
        .collect();
    println!("schedules: {SEEDS} seeds, {} violations", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_answers_all_that_a_schedule_asks_of_it() {
    for seed in 1..=SEEDS {
        let played = play(&Schedule { seed, ..Schedule::default() });
        let asked = played.stats.asked_database;
        assert!(asked.is_empty(), "seed {seed} is compared from then on, at twice the time: {asked:?}");
    }
}

#[test]
fn one_seed_makes_the_same_run_every_time() {
    let schedule = Schedule { seed: 3, traced: true, ..Schedule::default() };
    let (first, second) = (play(&schedule), play(&schedule));
    assert!(!first.trace.is_empty());
    let difference = first.trace.iter().zip(&second.trace).find(|(first, second)| first != second);
    assert_eq!(difference, None);
    assert_eq!((first.trace.len(), first.fired), (second.trace.len(), second.fired));
}

#[test]
fn a_run_whose_log_was_read_changes_nothing_in_those_after_it() {
    let all = || [3, 1193, 1862].map(|seed| play(&Schedule { seed, traced: true, ..Schedule::default() }).trace);
    let before = all();
    play(&Schedule { seed: 1856, reads_logs: true, ..Schedule::default() });
    for (before, after) in before.iter().zip(&all()) {
        assert_eq!(before.iter().zip(after).find(|(before, after)| before != after), None);
    }
}

#[test]
fn what_is_left_out_of_a_schedule_does_not_happen() {
    let mut schedule = Schedule { seed: 3, ..Schedule::default() };
    let whole = play(&schedule);
    let kind = whole.fired[0].1;
    schedule.without.kinds.insert(kind);
    schedule.without.orders.insert(0);
    let smaller = play(&schedule);
    assert!(smaller.fired.iter().all(|(_, happened, _)| *happened != kind));
    assert!(whole.orders.contains(&0) && !smaller.orders.contains(&0));
    assert!(whole.fired.iter().any(|(_, happened, _)| *happened != Mishap::Crash));
}

#[test]
fn a_schedule_in_which_nothing_is_wrong_is_not_made_smaller() {
    let schedule = Schedule { seed: 5, ..Schedule::default() };
    let (smallest, played) = shrink(&schedule);
    assert_eq!((played.violations, smallest.without.orders.len()), (Vec::new(), 0));
}

#[test]
fn what_hardly_ever_happens_by_chance_goes_well_too() {
    for (name, case) in cases::ALL {
        assert_eq!(case(), Vec::<String>::new(), "{name}");
    }
}
