//! Many seeds, one thread a core.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::schedule::Stats;
use simulation::schedule::replay::Replay;

use crate::report::{Failure, Report};

/// Failing seeds after which the others are not looked at any more.
const FAILURES_MAX: usize = 20;
/// How often progress is shown, in seeds.
const PROGRESS_EVERY: u64 = 500;

/// Runs seeds and reports; whether all is well.
pub(crate) fn run(from: u64, count: u64) -> bool {
    let began = Instant::now();
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let sum = Mutex::new((Stats::default(), Vec::<Failure>::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let played = Replay { seed, without: None }.play();
                    let Ok(mut sum) = sum.lock() else { return };
                    sum.0.add(&played.stats);
                    if !played.violations.is_empty() {
                        eprintln!("seed {seed}: {}", played.violations[0]);
                        sum.1.push(Failure { seed, violations: played.violations });
                        if sum.1.len() >= FAILURES_MAX {
                            return;
                        }
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done.is_multiple_of(PROGRESS_EVERY) {
                        let rate = u128::from(done) * 1_000 / began.elapsed().as_millis().max(1);
                        eprintln!("{done} of {count} seeds, {rate} a second, {} violations", sum.1.len());
                    }
                }
            });
        }
    });
    let Ok((stats, mut failures)) = sum.into_inner() else { return false };
    failures.sort_by_key(|failure| failure.seed);
    let report = Report::new(from, stats, failures, began.elapsed(), threads);
    report.show();
    report.write();
    report.failures.is_empty()
}
