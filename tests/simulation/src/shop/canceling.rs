//! Flows that end with a cancel, while something stands in its way.

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};

use super::{Flow, REST_WITHIN_MS, RETRY_AFTER_MS, confirmed_payment, payment};
use crate::invariants::{of_type, text};
use crate::universe::{Response, Universe};

/// How often the shop asks for the cancel: once more than invocations can die.
const CANCELS: usize = 3;

pub(super) async fn run(flow: Flow, universe: &mut Universe) {
    let next = |universe: &Universe, operation: &str, times: u32, fault: CallFault| {
        universe.sandbox().faults().next_calls(Vendor::Stripe, operation, times, fault);
    };
    match flow {
        Flow::DeferredThenCanceled => universe.sandbox().faults().outage(Vendor::Stripe, true),
        Flow::LostThenCanceled => next(universe, "create_payment_intent", 2, CallFault::LostRequest),
        Flow::ChargedThenCanceled => next(universe, "create_payment_intent", 2, CallFault::LostAnswer),
        _ => {}
    }
    let body = if is_charged_at_once(flow) { confirmed_payment("o-1", "pm_card_visa") } else { payment("o-1") };
    // Once, or once more when it died: whoever cancels has stopped waiting.
    let created = again(universe, "/payments", Some(&body)).await;
    let Some(id) = created.body()["payment_id"].as_str().map(str::to_owned) else {
        universe.sandbox().faults().outage(Vendor::Stripe, false);
        return universe.run_until_quiet(REST_WITHIN_MS).await;
    };
    match flow {
        Flow::ConfirmThenCanceled => {
            universe.sandbox().faults().every_call(
                Vendor::Stripe,
                "confirm",
                CallFault::Throttled { retry_after_s: 60 },
            );
            let confirm = json!({ "payment_method": "pm_card_visa" });
            again(universe, &format!("/payments/{id}/confirm"), Some(&confirm)).await;
        }
        Flow::CancelStoredError => next(universe, "cancel", 1, CallFault::ErrorDuring { status: 500 }),
        _ => {}
    }
    let path = format!("/payments/{id}/cancel");
    for _ in 0..CANCELS {
        // An answer is an answer: what is left to do is not the shop's.
        if matches!(universe.call("POST", &path, None, None).await.status(), 200 | 202 | 409) {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
    }
    if flow == Flow::DeferredThenCanceled {
        universe.run_until_quiet(120_000).await;
        universe.sandbox().faults().outage(Vendor::Stripe, false);
    }
    universe.sandbox().faults().clear();
    universe.run_until_quiet(REST_WITHIN_MS).await;
}

async fn again(universe: &mut Universe, path: &str, body: Option<&Value>) -> Response {
    let key = Some("checkout-1");
    let response = universe.call("POST", path, key, body).await;
    if matches!(response, Response::Answer { .. }) {
        return response;
    }
    universe.sleep_ms(RETRY_AFTER_MS).await;
    universe.call("POST", path, key, body).await
}

const fn is_charged_at_once(flow: Flow) -> bool {
    matches!(flow, Flow::DeferredThenCanceled | Flow::LostThenCanceled | Flow::ChargedThenCanceled)
}

/// What is wrong at rest, besides the invariants.
pub(super) fn unmet(flow: Flow, universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().items();
    // A request that died before it wrote anything has made no payment, or no cancel.
    let asked = of_type(&items, "payment").find(|payment| payment["cancel_requested"] == json!(true));
    let Some(payment) = asked else { return Vec::new() };
    let status = text(payment, "status").unwrap_or_default().to_owned();
    let charges = universe.sandbox().stripe().charges().iter().filter(|charge| charge.succeeded).count();
    let charged = status == "succeeded" && charges == 1;
    let canceled = status == "canceled" && charges == 0;
    let is_met = match flow {
        // The request may die before it reaches Stripe, and its repeat may come through.
        Flow::LostThenCanceled | Flow::ChargedThenCanceled => charged || canceled,
        _ => canceled,
    };
    if is_met { Vec::new() } else { vec![format!("the payment is {status} with {charges} charges")] }
}
