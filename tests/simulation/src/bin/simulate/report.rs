//! The report of many seeds: on the terminal, and as JSON and markdown for whoever publishes it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use simulation::schedule::Stats;
use simulation::schedule::replay::Replay;

/// Where reports go, from the workspace's root.
const FOLDER: &str = "target/simulate";

/// A seed that broke something.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) violations: Vec<String>,
}

/// What many seeds came to.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    from: u64,
    threads: usize,
    seconds: f64,
    seeds_per_second: f64,
    requests_per_seed: f64,
    /// Of CPU, all of the run counted: vendors, checks, and the seeds that are looked at closely. None where it is not known.
    us_per_request: Option<f64>,
    stats: Stats,
    pub(crate) failures: Vec<Failure>,
}

impl Report {
    #[allow(clippy::cast_precision_loss, reason = "numbers of seeds and requests")]
    pub(crate) fn new(
        from: u64,
        stats: Stats,
        failures: Vec<Failure>,
        took: Duration,
        worked: Option<Duration>,
        threads: usize,
    ) -> Self {
        let seconds = took.as_secs_f64();
        let (seeds, requests) = (stats.seeds as f64, stats.requests as f64);
        Self {
            from,
            threads,
            seconds,
            seeds_per_second: seeds / seconds.max(0.001),
            requests_per_seed: requests / seeds.max(1.0),
            us_per_request: worked.map(|worked| worked.as_secs_f64() * 1e6 / requests.max(1.0)),
            stats,
            failures,
        }
    }

    /// Everything in one line, for who looks at the end of a log.
    fn summary(&self) -> String {
        let cpu = self.us_per_request.map_or_else(String::new, |us| format!(", {us:.0} µs of CPU a request"));
        format!(
            "{} schedules from seed {}: {} violations, {:.0} s on {} threads, {:.1} schedules a second, {:.0} requests a schedule{cpu}",
            self.stats.seeds,
            self.from,
            self.failures.len(),
            self.seconds,
            self.threads,
            self.seeds_per_second,
            self.requests_per_seed
        )
    }

    pub(crate) fn show(&self) {
        println!("{}", self.markdown());
        println!("{}", self.summary());
    }

    /// Writes both forms; where that cannot be done, what was shown has to do.
    pub(crate) fn write(&self) {
        let folder = Path::new(FOLDER);
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(folder.join("report.json"), json))
            .and_then(|()| std::fs::write(folder.join("report.md"), self.markdown()));
        if let Err(error) = written {
            eprintln!("the report was not written to {FOLDER}: {error}");
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "hours for a reader")]
    fn markdown(&self) -> String {
        let stats = &self.stats;
        let mut text = String::new();
        let hours = stats.simulated_ms as f64 / 3_600_000.0;
        let _ = writeln!(text, "# {} random schedules, {} violations\n", stats.seeds, self.failures.len());
        let _ = writeln!(
            text,
            "Seeds from {}, {} threads, {:.0} s: {:.1} schedules a second, {hours:.0} simulated hours.\n",
            self.from, self.threads, self.seconds, self.seeds_per_second
        );
        let _ = writeln!(
            text,
            "{} orders, {} invocations ({} died), {} requests.\n",
            stats.orders, stats.invocations, stats.crashes, stats.requests
        );
        let unknown = stats.intents.get("UNKNOWN").copied().unwrap_or(0);
        let _ = writeln!(text, "Intents of unknown outcome at rest: {unknown}.");
        let _ = writeln!(
            text,
            "Mails sent once more because nothing was heard of the first for ten minutes: {}.\n",
            stats.mails_repeated
        );
        for (title, numbers) in [
            ("At the vendors", &stats.effects),
            ("Intents at rest", &stats.intents),
            ("Given up, for a person to look at", &stats.given_up),
            ("What went wrong", &stats.mishaps),
            ("Requests of", &stats.requests_of),
            ("Runs that asked the embedded database", &stats.asked_database),
        ] {
            let _ = writeln!(text, "| {title} | |\n|---|---|");
            for (name, number) in numbers {
                let _ = writeln!(text, "| {name} | {number} |");
            }
            let _ = writeln!(text);
        }
        for failure in &self.failures {
            let _ = writeln!(text, "* seed {}: {}", failure.seed, failure.violations.join("; "));
            let _ = writeln!(text, "  `{}`", Replay { seed: failure.seed, without: None });
        }
        text
    }
}
