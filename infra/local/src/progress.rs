//! What a person sees while waiting: one line per step, with a spinner while it runs and its duration when done.
//! Where the output is no terminal, plain lines.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// To standard output, for a person.
    Shown,
    /// Nowhere: a test has its own report.
    Silent,
}

impl Progress {
    /// Runs `work` as one visible step. An error gets the step's name as context.
    pub async fn step<T>(self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let since = Instant::now();
        let spinner = self.spinner(name);
        let result = work.await;
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let mark = if result.is_ok() { "✓" } else { "✗" };
        self.line(format_args!("{mark} {name:<46} {:>6.1} s", since.elapsed().as_secs_f64()));
        result.with_context(|| format!("{name}: failed"))
    }

    /// Prints one line.
    pub fn line(self, text: impl Display) {
        if self == Self::Shown {
            println!("{text}");
        }
    }

    fn spinner(self, name: &str) -> Option<ProgressBar> {
        if self == Self::Silent {
            return None;
        }
        if !std::io::stdout().is_terminal() {
            println!("  {name} …");
            return None;
        }
        let style = ProgressStyle::with_template("{spinner} {msg:<46} {elapsed:>6}").ok()?;
        let spinner = ProgressBar::new_spinner().with_style(style).with_message(name.to_owned());
        spinner.enable_steady_tick(TICK);
        Some(spinner)
    }
}
