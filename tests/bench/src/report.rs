//! What is written down: tables for people, JSON for programs, plots for infra/docs/performance.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::callgrind::Instructions;
use crate::contenders::Role;
use crate::deadline::{self, Waited};
use crate::events::Workload;
use crate::race::{Amount, Durable, Round, Runs};
use crate::statistics::{Spread, median};
use crate::targets::{self, Target};
use crate::verification::Verification;

/// Below this a difference is called none: the same program differs by as much from one minute to the next.
const NO_DIFFERENCE_BELOW: f64 = 1.3;

/// Everything of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// What it ran on, and with what.
    pub circumstances: BTreeMap<String, String>,
    /// How much was done.
    pub amount: Amount,
    /// The race.
    pub race: Vec<Runs>,
    /// Cold to the first durable write over TLS.
    pub durable: Vec<Durable>,
    /// Quotes of slow, broken and silent carriers.
    pub deadline: Vec<Waited>,
    /// Instructions.
    pub instructions: Vec<Instructions>,
    /// Signatures.
    pub verification: Vec<Verification>,
    /// Zip of each of our functions, bytes.
    pub zips: BTreeMap<String, u64>,
    /// What was left out: what, and why.
    pub left_out: BTreeMap<String, String>,
    /// The promises.
    pub targets: Vec<Target>,
}

impl Results {
    /// Compares with what was promised.
    pub fn judge(&mut self) {
        self.targets = targets::all(self);
    }

    /// The tables, as Markdown.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for workload in Workload::ALL {
            self.race_table(&mut text, workload);
        }
        self.durable_table(&mut text);
        text.push_str(&deadline::table(&self.deadline));
        self.counted_tables(&mut text);
        let _ = writeln!(text, "\n### Targets\n\n{}", targets::table(&self.targets));
        for (what, why) in &self.left_out {
            let _ = writeln!(text, "Left out: {what}: {why}.");
        }
        for (what, value) in &self.circumstances {
            let _ = writeln!(text, "{what}: {value}  ");
        }
        text
    }

    fn race_table(&self, text: &mut String, workload: Workload) {
        let of_workload: Vec<&Runs> = self.race.iter().filter(|runs| runs.workload == workload).collect();
        let Some(ours) = of_workload.iter().find(|runs| targets::is_ours(runs)) else { return };
        let init_of_ours = of_workload.iter().find(|runs| runs.role == Role::Unwarmed).unwrap_or(ours);
        let _ = write!(
            text,
            "\n### {}: {} rounds, median [p10–p90] (ratio to ours)\n\n\
             | | init ms | first answer ms | warm ms | warm ms, calls taking as long as real ones | CPU ms | peak MiB | zip kB | calls |\n\
             |---|---|---|---|---|---|---|---|---|\n",
            workload.name(),
            self.amount.rounds,
        );
        for runs in &of_workload {
            let cell = |measure: fn(&Round) -> f64, ours: &Runs| cell(runs, ours, measure);
            let zip = runs.zip_bytes.map_or_else(|| "–".to_owned(), |bytes| (bytes / 1000).to_string());
            let calls = runs.calls.values().fold(0.0, |all, count| all + count);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {zip} | {calls:.0} |",
                runs.label,
                cell(|round| round.init_ms, init_of_ours),
                cell(Round::cold_ms, ours),
                cell(|round| round.warm_ms, ours),
                cell(|round| round.delayed_ms, ours),
                cell(|round| round.cpu_ms, ours),
                cell(|round| round.memory_mib, ours),
            );
        }
        for runs in &of_workload {
            let calls: Vec<String> = runs.calls.iter().map(|(name, count)| format!("{count} × {name}")).collect();
            let _ = writeln!(text, "\n{} calls: {}", runs.label, calls.join(", "));
        }
    }

    fn durable_table(&self, text: &mut String) {
        let Some(ours) = self.durable.first() else { return };
        text.push_str("\n### Cold start to the first durable write, over TLS (stripe-webhook)\n\n");
        text.push_str("| | ms, median [p10–p90] | ratio to ours |\n|---|---|---|\n");
        for durable in &self.durable {
            let Some(spread) = Spread::of(&durable.rounds_ms) else { continue };
            let ratios: Vec<f64> = durable.rounds_ms.iter().zip(&ours.rounds_ms).map(|(it, ours)| it / ours).collect();
            let ratio = median(&ratios).unwrap_or(f64::NAN);
            let _ = writeln!(text, "| {} | {} | {ratio:.1} |", durable.label, shown(&spread));
        }
    }

    fn counted_tables(&self, text: &mut String) {
        if !self.instructions.is_empty() {
            text.push_str(
                "\n### Instructions (callgrind)\n\n| | init, thousand | per invocation, thousand |\n|---|---|---|\n",
            );
            for counted in &self.instructions {
                let (init, invocation) = (counted.init / 1000, counted.invocation / 1000);
                let _ = writeln!(text, "| {} | {init} | {invocation} |", counted.label);
            }
        }
        text.push_str("\n### Stripe signatures at 3.5 kB\n\n| | µs, median [p10–p90] | events a second on one CPU |\n|---|---|---|\n");
        for one in &self.verification {
            let _ = writeln!(text, "| {} | {} | {:.0} |", one.label, shown(&one.micros), one.per_second);
        }
        text.push_str("\n### Zip of each function, bytes\n\n| function | bytes |\n|---|---|\n");
        for (name, bytes) in &self.zips {
            let _ = writeln!(text, "| {name} | {bytes} |");
        }
    }

    /// Writes `latest.json`, `latest.md` and the plots below `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("latest.json"), serde_json::to_string_pretty(self)? + "\n")?;
        std::fs::write(folder.join("latest.md"), self.text())?;
        for (name, svg) in crate::plot::all(self) {
            std::fs::write(folder.join(name), svg)?;
        }
        Ok(())
    }
}

fn cell(runs: &Runs, ours: &Runs, measure: fn(&Round) -> f64) -> String {
    let Some(spread) = runs.spread(measure) else { return "–".to_owned() };
    if runs.name == ours.name {
        return shown(&spread);
    }
    let ratio = runs.ratio(ours, measure).unwrap_or(f64::NAN);
    let no_difference = (1.0 / NO_DIFFERENCE_BELOW..NO_DIFFERENCE_BELOW).contains(&ratio);
    let ratio = if no_difference { "≈".to_owned() } else { format!("{}×", digits(ratio)) };
    format!("{} ({ratio})", shown(&spread))
}

fn shown(spread: &Spread) -> String {
    format!("{} [{}–{}]", digits(spread.median), digits(spread.p10), digits(spread.p90))
}

/// Three significant digits, as far as they are worth it.
pub(crate) fn digits(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
