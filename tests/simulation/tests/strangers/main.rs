//! What strangers can write, send and call: none of it reaches other people's mails, a log's next line, or what costs money.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    clippy::needless_pass_by_value, // of `json!`
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod callers;
mod events;
mod floods;
mod logs;
mod names;
mod pumping;
#[path = "../webhooks/signing.rs"]
#[expect(dead_code, reason = "not everything that others sign is signed here")]
mod signing;

use serde_json::Value;
use simulation::universe::Universe;

/// More than enough for whatever is due.
pub(crate) const A_WHILE_MS: i64 = 4 * 3_600_000;

/// The bodies of the mails that the mail providers were asked to send.
pub(crate) fn mails_asked_for(universe: &Universe) -> Vec<Value> {
    let sandbox = universe.sandbox();
    let calls = sandbox.calls().iter().filter(|call| matches!(call.operation, "mail_send" | "send_email"));
    calls.map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
}
