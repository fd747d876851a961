//! How fast and how small the functions are, beside the least that a Rust function can be and beside what a user would
//! write instead.
//!
//! ```text
//! runner ── RuntimeApi ──▶ function (a real process, as Lambda starts it)
//!              ▲                │ AWS calls, vendor calls
//!              └ times, CPU,    ▼
//!                memory       Server: canned answers (race) or a real table, queues and the sandbox (load)
//! ```
//!
//! * [`runtime_api`] plays Lambda to one function and takes the times; [`function`] starts it and reads what the
//!   kernel counted.
//! * [`server`] is AWS and the vendors on one port, plain or TLS; [`canned`] says always the same, [`live`] keeps what
//!   it is told.
//! * [`race`] runs everybody in turn, [`contenders`] says who that is, [`installed`] makes what they need.
//! * [`deadline`] asks for prices while carriers are slow, broken or silent.
//! * [`targets`] compares with what was promised; [`report`], [`plot`] write it down.
//!
//! Nothing here judges: a missed target is a line in a table, not a failed test. The machine that it runs on is not
//! AWS, so what counts are ratios within one run, and counted things: instructions, bytes, calls.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program outside of the system: it reads clocks, opens sockets and prints"
)]

pub mod callgrind;
pub mod canned;
mod carriers;
pub mod certificate;
pub mod contenders;
pub mod deadline;
pub mod environment;
pub mod events;
pub mod function;
pub mod http_server;
pub mod installed;
pub mod live;
pub mod load;
pub mod package;
pub mod plot;
pub mod prices;
pub mod race;
pub mod report;
pub mod runtime_api;
pub mod server;
pub mod statistics;
mod stored;
pub mod targets;
pub mod verification;
