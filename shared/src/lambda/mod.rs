//! What all functions share: HTTP in and out, SQS batches, receivers, configuration and wiring. The only place, with
//! the functions' main.rs, that names the Lambda crates.

pub mod batch;
mod config;
pub mod http;
mod inbound;
mod measure;
mod problem;
pub mod receiver;
pub mod schedule;
pub mod sns;
mod system;
mod webhook;

pub use config::Env;
pub use inbound::{Inbound, InboundQueues};
pub use lambda_runtime::Error as RuntimeError;
pub use system::System;
pub use webhook::{Replay, Webhook};

/// Deadlines before this (9 September 2001) are ignored. `cargo lambda watch` sends 600,000 where Lambda sends
/// milliseconds since 1970; with that deadline nothing would ever be started.
const DEADLINE_MIN_MS: i64 = 1_000_000_000_000;

/// When Lambda ends the invocation, if it says so.
fn deadline(context: &lambda_runtime::Context) -> Option<crate::domain::Timestamp> {
    let ms = i64::try_from(context.deadline).ok().filter(|ms| *ms >= DEADLINE_MIN_MS);
    ms.map(crate::domain::Timestamp::from_ms)
}
