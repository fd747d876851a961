//! Which trials run at the same time, and what each took.
//!
//! Most of a trial is waiting: for the sweeper's minute, for a backoff, for a webhook. So several run side by side on the
//! stack that they share. Each has orders, customers and addresses of its own, and the faults that it asks the simulated
//! vendors for are bound to them (`about`), so that no other trial sees them. What cannot be bound in that way, a switch
//! that is held open for everybody or a count of everything, has the stack [alone](Needs::Alone).

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Result;

/// So many trials run side by side, unless `--test-threads` says otherwise. Four wait most of the time, and one is the
/// drill; more of them only make the one process of the emulator slower for all.
pub(crate) const TRIALS_AT_ONCE: usize = 5;
/// How often it is said what runs, so that nobody takes a wait for a standstill.
const SAY_EVERY: Duration = Duration::from_mins(1);
/// So many of the slowest are shown.
const SHOWN: usize = 12;

/// What a trial needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The shared stack, beside others: all that it makes, counts and breaks is its own.
    Beside,
    /// The shared stack for itself: it turns something for everybody, or looks at something that everybody fills. Named
    /// first, so that it does not wait for those who wait.
    Alone,
    /// A stack of its own, which it starts.
    OwnStack,
}

/// Keeps those apart who would disturb each other.
#[derive(Default)]
pub(crate) struct SideBySide {
    stack: RwLock<()>,
    running: Mutex<Vec<&'static str>>,
    took: Mutex<Vec<Took>>,
}

struct Took {
    name: &'static str,
    needs: Needs,
    /// For those who had the stack before it.
    waited: Duration,
    ran: Duration,
}

impl SideBySide {
    /// Runs a trial when nothing disturbs it.
    pub(crate) fn run(&self, name: &'static str, needs: Needs, trial: impl FnOnce() -> Result<()>) -> Result<()> {
        let asked = Instant::now();
        // A trial that panicked has released the stack like any other that failed.
        let beside = (needs == Needs::Beside).then(|| self.stack.read().unwrap_or_else(PoisonError::into_inner));
        let alone = (needs == Needs::Alone).then(|| self.stack.write().unwrap_or_else(PoisonError::into_inner));
        let (waited, begun) = (asked.elapsed(), Instant::now());
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        let outcome = trial();
        drop((beside, alone));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).retain(|running| *running != name);
        let took = Took { name, needs, waited, ran: begun.elapsed() };
        self.took.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        outcome
    }

    /// Says what runs, again and again, until the process ends.
    pub(crate) fn say_what_runs(self: &Arc<Self>) {
        let (seen, begun) = (Arc::downgrade(self), Instant::now());
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(SAY_EVERY);
                let Some(seen) = seen.upgrade() else { return };
                let running = seen.running.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
                println!("  after {} min, running: {running}", begun.elapsed().as_secs() / 60);
            }
        });
    }

    /// The slowest trials, a line each.
    pub(crate) fn slowest(&self) -> String {
        let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        took.sort_by_key(|trial| std::cmp::Reverse(trial.ran));
        let sum: Duration = took.iter().map(|trial| trial.ran).sum();
        let mut lines = vec![format!("slowest of {} trials, {} s one after the other:", took.len(), sum.as_secs())];
        lines.extend(took.iter().take(SHOWN).map(|trial| {
            let apart = match trial.needs {
                Needs::Beside => String::new(),
                Needs::Alone => format!(" (alone, after {:.0} s)", trial.waited.as_secs_f64()),
                Needs::OwnStack => " (own stack)".to_owned(),
            };
            format!("{:>7.1} s  {}{apart}", trial.ran.as_secs_f64(), trial.name)
        }));
        lines.join("\n")
    }
}
