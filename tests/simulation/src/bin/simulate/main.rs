//! `cargo simulate`: thousands of random runs of the whole system, each decided by its seed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![allow(clippy::disallowed_methods, reason = "it measures how long the runs take")]

mod cores;
mod crashes;
mod mutations;
mod report;
mod seeds;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use simulation::schedule::replay::{Asked, Replay};
use simulation::schedule::shrink::shrink;
use simulation::schedule::{Played, Schedule, play};

/// The system's own takes a quarter of the time of a run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Thousands of random runs of the whole system in one process: shipping code, real AWS SDK, simulated everything else.
#[derive(Debug, Parser)]
#[command(name = "cargo simulate")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// The first of them, from a hash: that of a commit makes each commit try other seeds.
    #[arg(long, value_name = "HEX", conflicts_with = "from", value_parser = seeds::base)]
    from_hash: Option<u64>,
    /// Runs every seed that ever failed instead (tests/simulation/seeds-that-failed.txt).
    #[arg(long, conflicts_with_all = ["seeds", "from", "from_hash", "seed"])]
    failed: bool,
    #[command(flatten)]
    asked: Asked,
    /// With --seed: shows what happens, request by request.
    #[arg(long)]
    trace: bool,
    /// With --seed: leaves the run as it is, and does not make it smaller.
    #[arg(long)]
    whole: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every single crash in every flow, and every pair of crashes in those of money, messages and labels.
    Crashes {
        /// All but what `cargo test` runs.
        #[arg(long)]
        beside_tests: bool,
        /// Only these flows, by name.
        flows: Vec<String>,
    },
    /// Takes each guard away, alone, and looks for what breaks: a guard that nobody misses makes it fail.
    Mutations {
        /// Seeds to look at for each guard, at most.
        #[arg(long, default_value_t = 400)]
        most: u64,
        /// Only these guards, by name.
        guards: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let all_is_well = match (arguments.command, arguments.asked.replay()) {
        (Some(Command::Crashes { beside_tests, flows }), _) => crashes::run(&flows, beside_tests),
        (Some(Command::Mutations { most, guards }), _) => mutations::run(most, &guards),
        (None, Some(replay)) => one(&replay, arguments.trace, arguments.whole),
        (None, None) if arguments.failed => seeds::run_failed(),
        (None, None) => seeds::run(arguments.from_hash.unwrap_or(arguments.from), arguments.seeds),
    };
    if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One seed, looked at closely.
fn one(replay: &Replay, trace: bool, whole: bool) -> bool {
    let _missing = replay.take_guard();
    let schedule = Schedule { traced: trace, ..replay.schedule() };
    let whole_run = play(&schedule);
    if whole_run.violations.is_empty() || whole {
        show(&whole_run, trace);
        return whole_run.violations.is_empty();
    }
    let seed = replay.seed;
    println!("seed {seed}: {} orders, {} mishaps; looking for less …", whole_run.orders.len(), whole_run.fired.len());
    let (_, played) = shrink(&schedule);
    show(&played, trace);
    false
}

fn show(played: &Played, trace: bool) {
    if trace {
        played.trace.iter().for_each(|line| println!("{line}"));
    }
    println!("orders {:?}", played.orders);
    for (_, kind, request) in &played.fired {
        println!("mishap {kind:?}{}", if *request == 0 { String::new() } else { format!(" at a request {request}") });
    }
    for violation in &played.violations {
        println!("VIOLATED {violation}");
    }
    if played.violations.is_empty() {
        println!("nothing is wrong: {} invocations, {} requests", played.stats.invocations, played.stats.requests);
    }
}
