//! What happened, in lines that a person can read; and what the functions logged, to look for secrets in.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use super::chance::Fired;
use crate::Probe;
use crate::universe::Function;

/// Lines with their times, if anybody wants them.
#[derive(Default)]
pub(super) struct Lines {
    wanted: bool,
    started_ms: i64,
    written: Vec<(i64, String)>,
}

impl Lines {
    pub(super) const fn new(wanted: bool, started_ms: i64) -> Self {
        Self { wanted, started_ms, written: Vec::new() }
    }

    pub(super) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(super) fn write(&mut self, at_ms: i64, line: String) {
        self.written.push((at_ms, line));
    }

    /// The requests of an invocation, with what was done to them.
    pub(super) fn requests(&mut self, number: usize, function: Function, probe: &Probe, fired: &[Fired]) {
        for (n, request) in (1..).zip(probe.requests()) {
            let mishaps = fired.iter().filter(|(_, _, at)| *at == n);
            let mishaps = mishaps.fold(String::new(), |all, (_, kind, _)| all + &format!("  ← {kind:?}"));
            let at_ms = probe.started_ms() + i64::try_from(request.start.as_millis()).unwrap_or(0);
            let unanswered = if request.end.is_none() { " (no answer)" } else { "" };
            self.written.push((at_ms, format!("#{number} {function:?} {n}. {}{unanswered}{mishaps}", request.name)));
        }
    }

    /// All lines in the order of time, with those of the table between them.
    pub(super) fn finish(self, moves: &[(i64, String)]) -> Vec<String> {
        if !self.wanted {
            return Vec::new();
        }
        let mut lines = self.written;
        lines.extend(moves.iter().map(|(at_ms, line)| (*at_ms, format!("    {line}"))));
        lines.sort_by_key(|(at_ms, _)| *at_ms);
        let since = |at_ms: i64| {
            let ms = at_ms - self.started_ms;
            format!("{:3}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
        };
        lines.into_iter().map(|(at_ms, line)| format!("{} {line}", since(at_ms))).collect()
    }
}

/// What the functions of this thread log, kept in memory.
pub(super) struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

#[derive(Clone)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What no line may hold, in any run: keys, signing secrets, client secrets, addresses, names.
const SECRETS: [&str; 8] =
    ["sk_test", "whsec_", "SG.sandbox", "a key of tests", "_secret_", "@example.com", "Lovelace", "Bearer "];

impl Log {
    /// Keeps all that this thread logs from now on, our own code in every detail.
    pub(super) fn start() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        // Metrics are no log lines: they go to standard output by themselves, and only where a stage was named.
        let ours = tracing_subscriber::filter::Targets::new()
            .with_default(tracing::Level::INFO)
            .with_target("crossdock", tracing::Level::TRACE);
        let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(Kept(Arc::clone(&text)));
        let guard = {
            use tracing_subscriber::Layer as _;
            use tracing_subscriber::layer::SubscriberExt as _;
            tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.with_filter(ours)))
        };
        Self { text, _guard: guard }
    }

    /// I6: nothing secret in a line.
    pub(super) fn violations(&self) -> Vec<String> {
        let text = self.text.lock().unwrap();
        let text = String::from_utf8_lossy(&text);
        let mut found: Vec<String> = Vec::new();
        for line in text.lines() {
            for secret in SECRETS.iter().filter(|secret| line.contains(**secret)) {
                found.push(format!(
                    "I6: {secret:?} in a line of the log: {}",
                    line.chars().take(400).collect::<String>()
                ));
            }
        }
        if text.is_empty() {
            found.push("I6: nothing was logged at all".to_owned());
        }
        found.truncate(5);
        found
    }
}
