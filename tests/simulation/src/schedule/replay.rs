//! One run to make again: what a report prints, a terminal understands, and the mutations prove.

use std::fmt;

use clap::{Args, Parser as _};
use crossdock::guard::{Guard, Without, without};

use super::shrink::rule;
use super::{Played, Schedule, play};

/// One run to make again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The seed that decides it.
    pub seed: u64,
    /// A guard of the shipped code that is taken away.
    pub without: Option<Guard>,
}

/// How it is asked for on the command line.
#[derive(Args, Debug)]
pub struct Asked {
    /// One seed only: says what is wrong, made as small as possible.
    #[arg(long)]
    seed: Option<u64>,
    /// With --seed: takes a guard of the shipped code away, by name.
    #[arg(long, requires = "seed", value_parser = guard)]
    without: Option<Guard>,
}

impl Asked {
    /// The run, if one is asked for.
    pub fn replay(&self) -> Option<Replay> {
        self.seed.map(|seed| Replay { seed, without: self.without })
    }
}

fn guard(name: &str) -> Result<Guard, String> {
    let found = Guard::ALL.iter().find(|guard| format!("{guard:?}") == name);
    found.copied().ok_or_else(|| format!("there is no guard {name}; there are {:?}", Guard::ALL))
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo simulate --seed {} --trace", self.seed)?;
        self.without.map_or(Ok(()), |guard| write!(f, " --without {guard:?}"))
    }
}

impl Replay {
    /// Reads what it prints; `None` when `cargo simulate` would not understand it.
    pub fn parse(command: &str) -> Option<Self> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            asked: Asked,
            #[arg(long)]
            trace: bool,
        }
        let words = command.split_whitespace().skip_while(|word| *word == "cargo");
        Line::try_parse_from(words).ok().filter(|line| line.trace)?.asked.replay()
    }

    /// The schedule that it runs.
    pub fn schedule(&self) -> Schedule {
        Schedule::of(self.seed)
    }

    /// Takes the guard away on this thread, if there is one, until the value is dropped.
    #[must_use]
    pub fn take_guard(&self) -> Option<Without> {
        self.without.map(without)
    }

    /// Runs it. A panic is a violation like any other.
    pub fn play(&self) -> Played {
        let _missing = self.take_guard();
        let schedule = self.schedule();
        std::panic::catch_unwind(|| play(&schedule)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let violations = vec![format!("panic: {}", text.unwrap_or("without a word"))];
            Played { violations, ..Played::default() }
        })
    }

    /// Whether it shows this violation: the same rule, as another run may name another object first.
    pub fn shows(&self, violation: &str) -> bool {
        self.play().violations.iter().any(|found| rule(found) == rule(violation))
    }
}
