//! What was promised, beside what was measured. A target that could not be measured says so.

use std::fmt::Write as _;

use serde::Serialize;

use crate::contenders::Role;
use crate::deadline::{Ends, Waited};
use crate::events::Workload;
use crate::race::{Round, Runs};
use crate::report::Results;
use crate::statistics::median;

/// The competitor that has AWS's SDK and nothing more for AWS.
const BOTO3: &str = "python-boto3";
/// Our init beside that of an empty Rust function, at most.
const INIT_TO_EMPTY_MAX: f64 = 1.5;
/// boto3's init beside ours, at least.
const BOTO3_INIT_MIN: f64 = 90.0;
/// Powertools' and Stripe's init beside ours, at least.
const POWERTOOLS_INIT_MIN: f64 = 150.0;
/// Our CPU time of an invocation beside that of the AWS call alone, at most.
const CPU_TO_BARE_MAX: f64 = 1.25;
/// Python's CPU time of an invocation beside ours, at least.
const PYTHON_CPU_MIN: f64 = 7.0;
/// Peak memory on typical events, MiB.
const MEMORY_MAX_MIB: f64 = 10.0;
/// A function's zip, bytes.
const ZIP_MAX_BYTES: u64 = 2_800_000;
/// Signature and envelope of a Stripe event of 3.5 kB, microseconds.
const VERIFICATION_MAX_MICROS: f64 = 10.0;

/// A quote beside its slowest carrier, at most.
const QUOTE_TO_SLOWEST_MAX: f64 = 1.05;
/// How far from its deadline a quote may end that waits for somebody, milliseconds.
const DEADLINE_OFF_MAX_MS: f64 = 5.0;

/// One promise.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// What was promised.
    pub promise: String,
    /// What was measured; a dash where nothing was.
    pub measured: String,
    /// Whether it is kept; none where nothing was measured.
    pub met: Option<bool>,
}

/// All of them, in the design's order.
pub fn all(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for workload in Workload::ALL {
        let name = workload.name();
        let find = |id: &str| results.race.iter().find(|runs| runs.name == format!("{name}/{id}"));
        let init = |round: &Round| round.init_ms;
        let cpu = |round: &Round| round.cpu_ms;
        let ratio = |a: &str, b: &str, measure: fn(&Round) -> f64| find(a)?.ratio(find(b)?, measure);
        // A variant's init was judged with the workload whose function it is.
        if !workload.is_variant() {
            targets.push(at_most(
                format!("{name}: init without warming ≤ {INIT_TO_EMPTY_MAX} × an empty Rust function"),
                ratio("crossdock-unwarmed", "empty", init),
                INIT_TO_EMPTY_MAX,
                "×",
            ));
            for peer in peers(workload) {
                let least = if *peer == BOTO3 { BOTO3_INIT_MIN } else { POWERTOOLS_INIT_MIN };
                targets.push(at_least(
                    format!("{name}: init of {peer} ≥ {least} × ours without warming"),
                    ratio(peer, "crossdock-unwarmed", init),
                    least,
                ));
            }
        }
        if workload == Workload::Webhook {
            let measured = ratio("crossdock", "bare", cpu);
            let promise = format!("{name}: CPU per invocation ≤ {CPU_TO_BARE_MAX} × a bare handler's");
            targets.push(at_most(promise, measured, CPU_TO_BARE_MAX, "×"));
        }
        for peer in peers(workload) {
            let promise = format!("{name}: CPU per invocation of {peer} ≥ {PYTHON_CPU_MIN} × ours");
            targets.push(at_least(promise, ratio(peer, "crossdock", cpu), PYTHON_CPU_MIN));
        }
        let memory = find("crossdock").and_then(|runs| runs.spread(|round| round.memory_mib)).map(|of| of.median);
        let promise = format!("{name}: peak memory ≤ {MEMORY_MAX_MIB} MiB");
        targets.push(at_most(promise, memory, MEMORY_MAX_MIB, " MiB"));
    }
    targets.extend(of_quotes(&results.deadline));
    targets.push(zip(results));
    let verification = results.verification.iter().find(|one| one.label == "Crossdock: signature + envelope");
    targets.push(at_most(
        format!("Stripe verification + envelope < {VERIFICATION_MAX_MICROS} µs at 3.5 kB"),
        verification.map(|one| one.micros.median),
        VERIFICATION_MAX_MICROS,
        " µs",
    ));
    targets
}

/// The promises about quotes.
pub fn of_quotes(all: &[Waited]) -> Vec<Target> {
    let of = |waited: &Waited| {
        let median = median(&waited.took_ms);
        match waited.ends {
            Ends::AfterTheSlowest => {
                let most = waited.end_ms * QUOTE_TO_SLOWEST_MAX + waited.aws_ms;
                let promise =
                    format!("a quote ≤ {QUOTE_TO_SLOWEST_MAX} × its slowest carrier + one wait for AWS ({most:.0} ms)");
                at_most(promise, median, most, " ms")
            }
            Ends::AtTheDeadline => {
                let promise = format!("a quote ends at its deadline ({} ms) ± {DEADLINE_OFF_MAX_MS} ms", waited.end_ms);
                let met = median.map(|median| (median - waited.end_ms).abs() <= DEADLINE_OFF_MAX_MS);
                Target { met, ..at_most(promise, median, f64::INFINITY, " ms") }
            }
        }
    };
    all.iter().map(of).collect()
}

/// The table, as Markdown.
pub fn table(targets: &[Target]) -> String {
    let mut text = String::from("| promised | measured | |\n|---|---|---|\n");
    for target in targets {
        let verdict = match target.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        let _ = writeln!(text, "| {} | {} | {verdict} |", target.promise, target.measured);
    }
    text
}

/// Whom a workload's promises are about: there is no Powertools and no vendor's SDK for carriers.
const fn peers(workload: Workload) -> &'static [&'static str] {
    match workload {
        Workload::Rates => &[BOTO3],
        _ => &[BOTO3, "python-powertools"],
    }
}

fn zip(results: &Results) -> Target {
    let largest = results.zips.iter().max_by_key(|(_, bytes)| **bytes);
    let measured = largest.map_or_else(dash, |(name, bytes)| format!("{bytes} bytes ({name}, the largest)"));
    Target {
        promise: format!("zip ≤ {ZIP_MAX_BYTES} bytes for every function"),
        measured,
        met: largest.map(|(_, bytes)| *bytes <= ZIP_MAX_BYTES),
    }
}

fn at_most(promise: String, measured: Option<f64>, most: f64, unit: &str) -> Target {
    let text = measured.map_or_else(dash, |value| format!("{value:.2}{unit}"));
    Target { promise, measured: text, met: measured.map(|value| value <= most) }
}

fn at_least(promise: String, measured: Option<f64>, least: f64) -> Target {
    let text = measured.map_or_else(dash, |value| format!("{value:.1}×"));
    Target { promise, measured: text, met: measured.map(|value| value >= least) }
}

fn dash() -> String {
    "–".to_owned()
}

/// The contenders whose numbers are ours as shipped.
pub fn is_ours(runs: &Runs) -> bool {
    runs.role == Role::Ours
}
