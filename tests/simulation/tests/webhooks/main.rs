//! What a vendor's webhook may do, and what it may not: forged, late, doubled, out of order, too large, of somebody
//! else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod another;
mod archive;
mod customers_told;
mod events;
mod limits;
mod mail_events;
mod order;
mod postmark;
mod queues;
mod receivers;
mod refunds_told;
mod signatures;
mod signing;
mod twilio;

use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::universe::{Response, Universe};

/// The answer is a problem document with this status and code.
#[track_caller]
pub(crate) fn assert_refused(response: &Response, status: u16, code: &str) {
    let Response::Answer { media_type, body, .. } = response else { panic!("no answer: {response:?}") };
    assert_eq!((response.status(), &body["code"]), (status, &Value::from(code)), "{body}");
    assert_eq!(media_type, "application/problem+json");
}

/// What waits in the queue of inbound events.
pub(crate) fn queued(universe: &Universe) -> Vec<simulation::Message> {
    universe.aws().sqs().messages("inbound-events")
}

/// Asks for a payment, and gives its id, the vendor's id and the client secret.
pub(crate) async fn pending_payment(universe: &mut Universe) -> (String, String, String) {
    let response = universe.call("POST", "/payments", Some("k-1"), Some(&simulation::shop::payment("o-1"))).await;
    assert_eq!(response.status(), 201, "{response:?}");
    let body = response.body();
    let vendor_id = universe.sandbox().stripe().payment_intents()[0].id.clone();
    (body["payment_id"].as_str().unwrap().to_owned(), vendor_id, body["client_secret"].as_str().unwrap().to_owned())
}

/// An event about the payment as Stripe has it, of this kind and with this status.
pub(crate) fn event(universe: &Universe, id: &str, kind: &str, status: &str, created_s: i64) -> Value {
    let mut object = universe.sandbox().stripe().payment_intents()[0].to_json();
    object["status"] = json!(status);
    if status == "succeeded" {
        object["amount_received"] = object["amount"].clone();
    }
    json!({
        "id": id, "object": "event", "api_version": "2024-10-28.acacia", "created": created_s, "livemode": false,
        "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null },
        "type": kind, "data": { "object": object },
    })
}

/// The status of the one payment in the table.
pub(crate) fn payment_status(universe: &Universe) -> String {
    let items = universe.aws().table().items();
    let payment = of_type(&items, "payment").next().unwrap();
    text(payment, "status").unwrap().to_owned()
}

/// Lets the events' queue be worked, and whatever follows from it, for at most an hour.
pub(crate) async fn settle(universe: &mut Universe) {
    universe.run_until_quiet(3_600_000).await;
}

/// Nothing ended in a dead-letter queue.
#[track_caller]
pub(crate) fn assert_no_dead_letters(universe: &Universe) {
    for queue in universe.aws().sqs().queues().iter().filter(|queue| queue.ends_with("-dlq")) {
        assert!(universe.aws().sqs().messages(queue).is_empty(), "a message in {queue}");
    }
}

/// The vendor's own webhooks go nowhere, so that only what the test posts is heard.
pub(crate) fn silence(universe: &Universe) {
    for vendor in sandbox::Vendor::ALL {
        universe.sandbox().set_webhook(vendor, "", None);
    }
}
