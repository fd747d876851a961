//! Logs and metrics. Everything is one JSON line on standard output, which Lambda carries to CloudWatch.

#[cfg(feature = "mutations")]
pub mod captured;
mod emf;
pub mod fields;
mod inert;
pub mod metrics;

use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use inert::Inert;

/// Starts JSON logging at the given level (`error`, `warn`, `info`; anything else counts as `info`), and metrics in the
/// namespace of this stage. Called once, in `main`.
pub fn init(level: &str, stage: &str) {
    emf::of_stage(stage);
    // A second init keeps the first; there is nothing to recover.
    let _ = logs(level, std::io::stdout).try_init();
    std::panic::set_hook(Box::new(|panic| {
        // Only where it was: its text may quote what somebody sent.
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a panic");
    }));
}

/// Log lines at this level, as functions write them: one line of JSON each, whatever is in it.
pub fn logs<W>(level: &str, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level: LevelFilter = level.to_ascii_lowercase().parse().unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        // Below it the AWS SDK and the HTTP client write whole requests, with addresses and keys.
        .with_max_level(level.min(LevelFilter::INFO))
        .without_time()
        .with_writer(Inert(writer))
        .finish()
}
