//! Logs and metrics. Everything is one JSON line on standard output, which Lambda carries to CloudWatch.

#[cfg(feature = "mutations")]
pub mod captured;
mod emf;
pub mod fields;
pub mod metrics;

use tracing_subscriber::filter::LevelFilter;

/// Starts JSON logging at the given level (`error`, `warn`, `info`, `debug`, `trace`; anything else counts as `info`), and
/// metrics in the namespace of this stage. Called once, in `main`.
pub fn init(level: &str, stage: &str) {
    emf::of_stage(stage);
    let level: LevelFilter = level.to_ascii_lowercase().parse().unwrap_or(LevelFilter::INFO);
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .without_time()
        .with_writer(std::io::stdout);
    // A second init keeps the first; there is nothing to recover.
    let _ = logs.try_init();
}
