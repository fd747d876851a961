//! Logs and metrics. Everything is one JSON line on standard output, which Lambda carries to CloudWatch.

pub mod fields;

use tracing_subscriber::EnvFilter;

/// Starts JSON logging at the given level (`info`, or any filter of tracing-subscriber). Called once, in `main`.
pub fn init(level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .without_time()
        .with_writer(std::io::stdout);
    // A second init keeps the first; there is nothing to recover.
    let _ = logs.try_init();
}
