//! Simulated time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

/// The time of the simulation: a start in Unix milliseconds, plus what tokio's paused clock has advanced since.
///
/// A clone shows the same time. [`SimClock::skewed`] gives the clock of an instance that is fast or slow.
#[derive(Clone, Copy, Debug)]
pub struct SimClock {
    start_ms: i64,
    offset_ms: i64,
    origin: Instant,
}

impl SimClock {
    /// A clock that shows `start_ms` (Unix milliseconds) now. Call it inside the runtime.
    pub fn new(start_ms: i64) -> Self {
        Self { start_ms, offset_ms: 0, origin: Instant::now() }
    }

    /// The same time as an instance sees it whose clock is `offset_ms` fast (negative: slow). Replaces, does not add to,
    /// an offset given before.
    #[must_use]
    pub fn skewed(self, offset_ms: i64) -> Self {
        Self { offset_ms, ..self }
    }

    /// Unix milliseconds now.
    pub fn now_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.origin.elapsed().as_millis()).expect("a run is shorter than the universe");
        self.start_ms + self.offset_ms + elapsed
    }

    /// Waits for `ms` of simulated time. When every task waits, tokio moves its clock to the next timer at once.
    pub async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// For the SDK's `time_source`.
impl TimeSource for SimClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.now_ms()).unwrap_or(0))
    }
}

/// For the table: time to live.
impl dynoxide::storage_backend::Clock for SimClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.now_ms() / 1000).unwrap_or(0)
    }

    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 need 41 of the 52 bits")]
    fn now_unix_secs_f64(&self) -> f64 {
        self.now_ms() as f64 / 1000.0
    }
}
