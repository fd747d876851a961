//! What all functions share: HTTP in and out, SQS batches, receivers, configuration and wiring. The only place, with
//! the functions' main.rs, that names the Lambda crates.

pub mod batch;
mod config;
pub mod http;
mod problem;
pub mod receiver;
pub mod schedule;
mod system;

pub use config::Env;
pub use lambda_runtime::Error as RuntimeError;
pub use system::System;
