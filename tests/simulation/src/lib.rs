//! AWS in one process.
//!
//! The real AWS SDK is given [`Aws::http_client`] as its transport, and nothing leaves the process: DynamoDB is a table
//! of ours that an embedded emulator checks ([`Table`]), SQS, Secrets Manager and S3 are models of ours ([`Sqs`],
//! [`Secrets`], [`S3`]). Time is tokio's paused clock ([`SimClock`]), randomness comes from one seed, so a run that
//! fails is replayed from its seed.
//!
//! ```text
//! shipping code ─ AWS SDK ─ http_client ─ Probe ─┬─ Table     reads and writes of ours, compared with dynoxide
//!                                                ├─ Sqs       queues, visibility, redrive
//!                                                ├─ Secrets   versions
//!               └ signed PUTs over world's Http ─┴─ S3        objects
//! ```
//!
//! A [`Probe`] stands where requests leave one invocation, those to vendors included. It counts them, makes them take
//! simulated time, makes them fail ([`Fault`]), and ends the invocation at one of them ([`CrashAt`]):
//! [`run_until_crash`] drops the handler there, as a killed process would.
//!
//! Everything must run inside a tokio runtime of the current-thread kind, started with its clock paused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "test code: a model that is used wrongly has to fail the test at once, and here is where time is made"
)]

mod answer;
mod aws;
pub mod cases;
mod clock;
mod count;
mod crash;
mod dynamo;
mod dynamo_protocol;
mod expression;
pub mod invariants;
mod invocation;
mod mirror;
mod plan;
mod probe;
mod reads;
mod s3;
pub mod schedule;
mod sdk;
mod seams;
mod secrets;
pub mod shop;
mod sqs;
mod sqs_limits;
mod sqs_protocol;
mod stored;
pub mod sweep;
pub mod told;
pub mod universe;
mod watch;
mod writes;

pub use aws::Aws;
pub use clock::SimClock;
pub use crash::{CrashAt, Outcome, When, run_until_crash};
pub use dynamo::{TABLE_NAME, Table};
pub use mirror::Change;
pub use plan::{Fault, Latency, Plan};
pub use probe::{Call, Probe, Request};
pub use s3::{S3, Stored};
pub use secrets::Secrets;
pub use sqs::{Attribute, Message, QueueSettings, Redrive, Sqs};
pub use watch::Watch;
