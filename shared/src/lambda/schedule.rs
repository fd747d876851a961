//! Functions on a schedule.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::error::Result;

/// A function that runs on a schedule.
pub trait Scheduled {
    /// One run.
    fn tick(&self) -> impl Future<Output = Result<()>> + Send;
}

/// Runs it until Lambda ends the process. A failed run is logged; the schedule starts the next one.
pub async fn run<S: Scheduled + Sync>(scheduled: S) -> std::result::Result<(), lambda_runtime::Error> {
    let scheduled = &scheduled;
    lambda_runtime::run(service_fn(move |_: LambdaEvent<Value>| async move {
        scheduled.tick().await.map_err(|error| {
            tracing::error!(error = %error.chain(), "a scheduled run failed");
            lambda_runtime::Diagnostic { error_type: error.code.to_owned(), error_message: error.detail }
        })
    }))
    .await
}
