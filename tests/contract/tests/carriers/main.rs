//! The carriers' adapters from outside: what leaves the process for them, against the carriers' own specifications, and
//! what their answers come to.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a skipped check says so; tests fail by panicking, and make time themselves"
)]

mod answers;
mod carriers;
mod examples;
mod parcels;
mod sent;
mod weights;
