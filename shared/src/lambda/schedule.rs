//! Functions on a schedule.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::measure;
use crate::error::{Error, Result};
use crate::world::World;

/// A function that runs on a schedule.
pub trait Scheduled {
    /// The function's name, in metrics.
    const NAME: &str;

    /// One run.
    fn tick(&self) -> impl Future<Output = Result<()>> + Send;
}

/// Runs it until Lambda ends the process. A failed run is logged; the schedule starts the next one.
pub async fn run<S: Scheduled + Sync>(scheduled: S, world: &World) -> std::result::Result<(), lambda_runtime::Error> {
    let scheduled = &scheduled;
    lambda_runtime::run(service_fn(move |_: LambdaEvent<Value>| async move {
        // On the heap: a sweep is many futures inside each other, and the compiler follows only so many.
        Box::pin(ticked(scheduled, world)).await.map_err(|error| lambda_runtime::Diagnostic {
            error_type: error.code.to_owned(),
            error_message: error.detail,
        })
    }))
    .await
}

/// One run, counted.
///
/// # Errors
/// What the run fails of, a panic included.
pub async fn ticked<S: Scheduled>(scheduled: &S, world: &World) -> Result<()> {
    let done = AssertUnwindSafe(scheduled.tick()).catch_unwind().await;
    let done = done.unwrap_or_else(|_| Err(Error::bug(measure::PANIC, "a handler panicked")));
    measure::handled(1, world.now());
    if let Err(error) = &done {
        measure::failed(S::NAME, error, world.now());
        tracing::error!(error = %error.chain(), "a scheduled run failed");
    }
    done
}
