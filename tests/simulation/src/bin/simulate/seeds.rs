//! Many seeds, one thread a core: some in a row, those that a text names, or all that ever failed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use simulation::schedule::Stats;
use simulation::schedule::replay::Replay;

use crate::cores::{cores, on_each_core};
use crate::report::{Failure, Report};

/// Failing seeds after which the others are not looked at any more.
const FAILURES_MAX: usize = 20;
/// How often progress is shown, in seeds.
const PROGRESS_EVERY: u64 = 250;
/// Hex digits of a hash that make its first seed: 48 bits, so that no seed is too long to type.
const DIGITS: usize = 12;
/// Every seed that ever showed something: its number, and what it was.
const FAILED: &str = include_str!("../../../seeds-that-failed.txt");

/// The first seed of a hash, a commit's for one.
pub(crate) fn base(hash: &str) -> Result<u64, String> {
    let digits = hash.get(..DIGITS.min(hash.len())).unwrap_or_default();
    let is_hash = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err(format!("{hash:?} is no hexadecimal number"));
    }
    u64::from_str_radix(digits, 16).map_err(|error| error.to_string())
}

/// The seeds of the list, each with what it showed. A line that is not understood is one that nobody would miss: an error.
fn listed() -> Result<Vec<(u64, &'static str)>, String> {
    let lines = FAILED.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parsed = lines.map(|line| {
        let (seed, what) = line.split_once(' ').ok_or_else(|| format!("{line:?} does not say what it showed"))?;
        Ok((seed.parse().map_err(|_| format!("{line:?} begins with no seed"))?, what.trim()))
    });
    parsed.collect()
}

/// Runs what is in the list; whether all is well.
pub(crate) fn run_failed() -> bool {
    let listed = match listed() {
        Ok(listed) => listed,
        Err(error) => {
            eprintln!("seeds-that-failed.txt: {error}");
            return false;
        }
    };
    let (began, count) = (Instant::now(), listed.len());
    let played = on_each_core(listed, |(seed, what)| (seed, what, Replay { seed, without: None }.play()));
    let mut wrong: Vec<_> = played.iter().filter(|(_, _, played)| !played.violations.is_empty()).collect();
    wrong.sort_by_key(|(seed, ..)| *seed);
    for (seed, what, played) in &wrong {
        println!("seed {seed} (once: {what}): {}", played.violations.join("; "));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{count} seeds that failed once: {} fail, {seconds:.1} s", wrong.len());
    wrong.is_empty() && played.len() == count && count > 0
}

/// Runs seeds and reports; whether all is well.
pub(crate) fn run(from: u64, count: u64) -> bool {
    let began = Instant::now();
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let sum = Mutex::new((Stats::default(), Vec::<Failure>::new()));
    let threads = cores();
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
    let took = began.elapsed();
    let Ok((stats, mut failures)) = sum.into_inner() else { return false };
    failures.sort_by_key(|failure| failure.seed);
    let report = Report::new(from, stats, failures, took, cpu_time(), threads);
    report.show();
    report.write();
    report.failures.is_empty()
}

/// What all threads of this process have worked so far; `None` where the system does not say it as Linux does.
fn cpu_time() -> Option<Duration> {
    /// Of a second; the same on every architecture of Linux (man 5 proc, man 3 sysconf).
    const TICKS: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which may have any character: state is the third field, utime and stime are 14 and 15.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 1_000 / TICKS))
}
