//! Requests of one instance for the same quota at the same moment are combined into one write.

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::Held;
use crate::domain::Timestamp;
use crate::world::Clock;

/// How long a call that was taken for another request may be used: that request may be gone.
const GRANT_KEPT: Duration = Duration::from_secs(2);

/// The requests that wait for one quota.
#[derive(Default)]
pub(super) struct Coalesced {
    waiting: AtomicU32,
    served: tokio::sync::Mutex<Served>,
}

/// One of them; it counts until its request is served or dropped.
struct Requester<'a>(&'a AtomicU32);

impl<'a> Requester<'a> {
    fn of(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Requester<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls that the first request took for the others.
#[derive(Default)]
struct Served {
    calls: u32,
    at: Timestamp,
}

impl Coalesced {
    /// One call. `take` asks the store for as many as wait, at a time; it gives how many it got, at least one.
    pub(super) async fn call(
        &self,
        clock: &dyn Clock,
        take: impl AsyncFnOnce(u32, Timestamp) -> Result<u32, Held>,
    ) -> Result<(), Held> {
        let _requester = Requester::of(&self.waiting);
        // Whoever asks at the same moment joins the first one.
        let mut has_yielded = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        let mut served = self.served.lock().await;
        let now = clock.now();
        if served.calls > 0 && now.since(served.at) < GRANT_KEPT {
            served.calls -= 1;
            return Ok(());
        }
        let calls = take(self.waiting.load(Ordering::Relaxed), now).await?;
        *served = Served { calls: calls.saturating_sub(1), at: now };
        Ok(())
    }
}
