//! What the modelled AWS promises to the code that runs on it, seen through the real SDK.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod crash;
mod instance;
mod ours;
mod queues;
mod reads;
mod secrets;
mod table;
