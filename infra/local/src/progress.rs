//! What a person sees while waiting: one line per step, with a spinner while it runs and its duration when done.
//! Where the output is no terminal, plain lines.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Where progress goes. Steps may run side by side.
#[derive(Clone, Debug)]
pub struct Progress {
    shown: Option<MultiProgress>,
}

impl Progress {
    /// To standard output, for a person.
    pub fn shown() -> Self {
        Self { shown: Some(MultiProgress::with_draw_target(ProgressDrawTarget::stdout())) }
    }

    /// Nowhere: a test has its own report.
    pub fn silent() -> Self {
        Self { shown: None }
    }

    /// Runs `work` as one visible step. An error gets the step's name as context.
    pub async fn step<T>(&self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
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

    /// Prints one line, above whatever spins.
    pub fn line(&self, text: impl Display) {
        if let Some(shown) = &self.shown {
            shown.suspend(|| println!("{text}"));
        }
    }

    fn spinner(&self, name: &str) -> Option<ProgressBar> {
        let shown = self.shown.as_ref()?;
        if !std::io::stdout().is_terminal() {
            self.line(format_args!("  {name} …"));
            return None;
        }
        let style = ProgressStyle::with_template("{spinner} {msg:<46} {elapsed:>6}").ok()?;
        let spinner = shown.add(ProgressBar::new_spinner().with_style(style).with_message(name.to_owned()));
        spinner.enable_steady_tick(TICK);
        Some(spinner)
    }
}
