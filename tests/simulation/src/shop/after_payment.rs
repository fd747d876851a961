//! The flows beyond a first payment: 3-D Secure, refunds, saved cards, commands.

use std::collections::BTreeMap;

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};

use super::{Flow, REST_WITHIN_MS, RETRIES_MAX, RETRY_AFTER_MS, confirmed_payment, create, order};
use crate::universe::{Response, Universe};

/// What a flow leaves: the payment's status, its refunded amount, the refunds' statuses, delivered mails.
struct Expected {
    payment: &'static str,
    refunded: i64,
    refunds: &'static [&'static str],
    mails: usize,
}

/// Runs a flow to rest.
pub(super) async fn run(flow: Flow, universe: &mut Universe) {
    match flow {
        Flow::ThreeDSecure => three_d_secure(universe).await,
        Flow::SavedCard | Flow::CustomerAnswerLost => saved_card(flow, universe).await,
        Flow::CustomerDeleted => customer_deleted(universe).await,
        Flow::Commanded => commanded(universe).await,
        Flow::RefundedBeforeKnown => refunded_before_known(universe).await,
        _ => refunded(flow, universe).await,
    }
    universe.run_until_quiet(REST_WITHIN_MS).await;
}

async fn three_d_secure(universe: &mut Universe) {
    let mut body = confirmed_payment("o-1", "pm_card_threeDSecure2Required");
    body["return_url"] = json!("https://shop.example/return");
    // The shopper comes back to a checkout that died.
    for _ in 0..2 {
        create(universe, &body).await;
        universe.run_until_quiet(REST_WITHIN_MS).await;
        let now_ms = universe.now_ms();
        let waiting: Vec<String> = {
            let sandbox = universe.sandbox();
            let all = sandbox.stripe().payment_intents().iter();
            all.filter(|p| p.status.name() == "requires_action").map(|p| p.id.clone()).collect()
        };
        for id in waiting {
            let _ = universe.sandbox().shopper_authenticates(now_ms, &id, true);
        }
        universe.run_until_quiet(REST_WITHIN_MS).await;
    }
}

async fn saved_card(flow: Flow, universe: &mut Universe) {
    if flow == Flow::CustomerAnswerLost {
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_customer", 1, CallFault::LostAnswer);
    }
    let mut body = confirmed_payment("o-1", "pm_card_visa");
    body["save_payment_method"] = json!(true);
    let mut saving = create(universe, &body).await;
    universe.run_until_quiet(REST_WITHIN_MS).await;
    if !matches!(saving.status(), 200 | 201) {
        saving = create(universe, &body).await;
        universe.run_until_quiet(REST_WITHIN_MS).await;
    }
    debug_assert!(matches!(saving.status(), 200 | 201 | 502), "{}", saving.body());
    let path = "/customers/c-1/payment-methods";
    let listed = match universe.call("GET", path, None, None).await {
        Response::Died => universe.call("GET", path, None, None).await,
        answer @ Response::Answer { .. } => answer,
    };
    let saved = listed.body().pointer("/data/0/payment_method").and_then(Value::as_str).map(str::to_owned);
    let Some(saved) = saved else { return };
    let mut later = confirmed_payment("o-2", &saved);
    later["off_session"] = json!(true);
    repeat(universe, "/payments", "renewal-1", &later).await;
}

/// A customer with a saved card is deleted in the dashboard, and pays once more before and after we hear of it.
async fn customer_deleted(universe: &mut Universe) {
    let mut body = confirmed_payment("o-0", "pm_card_visa");
    body["save_payment_method"] = json!(true);
    repeat(universe, "/payments", "first", &body).await;
    universe.run_until_quiet(REST_WITHIN_MS).await;
    universe.own_part_from = universe.invocations.len();
    let now_ms = universe.now_ms();
    let id = universe.sandbox().stripe().customers().first().map(|customer| customer.id.clone());
    if let Some(id) = id {
        universe.sandbox().merchant_deletes_customer(now_ms, &id).unwrap();
    }
    body["order_id"] = json!("o-1");
    create(universe, &body).await;
    universe.run_until_quiet(REST_WITHIN_MS).await;
    // A shopper whose checkout died asks again.
    create(universe, &body).await;
}

/// The answers are lost and the payment's webhooks late: the first that comes is that of the refund.
async fn refunded_before_known(universe: &mut Universe) {
    use sandbox::WebhookFault;
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
    universe.sandbox().faults().next_webhooks(Vendor::Stripe, 3, WebhookFault::Late { ms: 90_000 });
    let body = confirmed_payment("o-1", "pm_card_visa");
    universe.call("POST", "/payments", Some("checkout-1"), Some(&body)).await;
    let now_ms = universe.now_ms();
    let payment = universe.sandbox().stripe().payment_intents().first().map(|payment| payment.id.clone());
    if let Some(payment) = &payment {
        universe.sandbox().merchant_refunds(now_ms, payment, Some(300)).unwrap();
    }
    universe.run_until_quiet(REST_WITHIN_MS).await;
    if payment.is_none() {
        // The request died before Stripe heard of it. The shopper asks again, and the clerk refunds afterwards.
        create(universe, &body).await;
        universe.run_until_quiet(REST_WITHIN_MS).await;
        let now_ms = universe.now_ms();
        let payment = universe.sandbox().stripe().payment_intents()[0].id.clone();
        universe.sandbox().merchant_refunds(now_ms, &payment, Some(300)).unwrap();
    }
}

async fn commanded(universe: &mut Universe) {
    let payment = command("c-pay", "payment.requested", &confirmed_payment("o-1", "pm_card_visa"));
    // At least once: the same command, twice.
    for _ in 0..2 {
        universe.aws().sqs().send("payments", &payment, BTreeMap::new(), 0);
    }
    universe.run_until_quiet(REST_WITHIN_MS).await;
    let order = order(universe, "o-1").await;
    let data = json!({ "payment_id": order.pointer("/payment/payment_id"), "reason": "duplicate" });
    for _ in 0..2 {
        universe.aws().sqs().send("payments", &command("c-ref", "refund.requested", &data), BTreeMap::new(), 0);
    }
}

fn command(id: &str, kind: &str, data: &Value) -> String {
    json!({ "v": 1, "id": id, "kind": kind, "occurred_at": "2024-04-28T01:02:10.000Z", "data": data }).to_string()
}

async fn refunded(flow: Flow, universe: &mut Universe) {
    let card = if flow == Flow::RefundFailsLater { "pm_card_refundFail" } else { "pm_card_visa" };
    let paid = create(universe, &confirmed_payment("o-1", card)).await;
    universe.run_until_quiet(REST_WITHIN_MS).await;
    universe.own_part_from = universe.invocations.len();
    let body = paid.body();
    let path = format!("/payments/{}/refunds", body["payment_id"].as_str().unwrap_or_default());
    if flow == Flow::RefundToldByCharge {
        universe.sandbox().set_stripe_endpoint_version("2024-09-30.acacia");
    }
    let half = json!({ "amount": { "value": 400, "currency": "EUR" }, "reason": "requested_by_customer" });
    let faults = |universe: &Universe, fault| {
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_refund", 1, fault);
    };
    match flow {
        Flow::RefundAnswerLost => faults(universe, CallFault::LostAnswer),
        Flow::RefundStoredError => faults(universe, CallFault::ErrorAfter { status: 500 }),
        Flow::RefundDeferred => universe.sandbox().faults().outage(Vendor::Stripe, true),
        _ => {}
    }
    match flow {
        Flow::RefundedInParts => {
            for key in ["r-1", "r-1", "r-2", "r-2"] {
                repeat(universe, &path, key, &half).await;
            }
        }
        Flow::RefundedAtTheVendor | Flow::RefundToldByCharge => {
            let now_ms = universe.now_ms();
            let payment = universe.sandbox().stripe().payment_intents()[0].id.clone();
            universe.sandbox().merchant_refunds(now_ms, &payment, Some(300)).unwrap();
        }
        Flow::RefundDeferred => {
            repeat(universe, &path, "r-1", &json!({})).await;
            universe.run_until_quiet(600_000).await;
            universe.sandbox().faults().outage(Vendor::Stripe, false);
        }
        _ => {
            repeat(universe, &path, "r-1", &json!({})).await;
        }
    }
}

/// Asks until there is a final answer: same key, same body, a while later.
async fn repeat(universe: &mut Universe, path: &str, key: &str, body: &Value) -> Response {
    let mut response = universe.call("POST", path, Some(key), Some(body)).await;
    for _ in 0..RETRIES_MAX {
        if !matches!(response.status(), 202 | 502 | 503) {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
        response = universe.call("POST", path, Some(key), Some(body)).await;
    }
    response
}

/// What is wrong with the order at rest, besides the invariants.
pub(super) async fn unmet(flow: Flow, universe: &mut Universe) -> Vec<String> {
    let expected = match flow {
        Flow::ThreeDSecure | Flow::SavedCard | Flow::CustomerAnswerLost | Flow::CustomerDeleted => {
            Expected { payment: "succeeded", refunded: 0, refunds: &[], mails: 1 }
        }
        Flow::RefundedInParts => {
            Expected { payment: "partially_refunded", refunded: 800, refunds: &["succeeded"; 2], mails: 3 }
        }
        // The notice went out when the refund had succeeded.
        Flow::RefundFailsLater => Expected { payment: "succeeded", refunded: 0, refunds: &["failed"], mails: 2 },
        Flow::RefundedAtTheVendor | Flow::RefundedBeforeKnown | Flow::RefundToldByCharge => {
            Expected { payment: "partially_refunded", refunded: 300, refunds: &["succeeded"], mails: 2 }
        }
        _ => Expected { payment: "refunded", refunded: 1099, refunds: &["succeeded"], mails: 2 },
    };
    let mut wrong = differences(&order(universe, "o-1").await, &expected);
    if matches!(flow, Flow::SavedCard | Flow::CustomerAnswerLost) {
        wrong.extend(differences(&order(universe, "o-2").await, &expected));
        let customers = universe.sandbox().stripe().customers().len();
        if customers != 1 {
            wrong.push(format!("{customers} customers at the vendor"));
        }
    }
    wrong
}

fn differences(order: &Value, expected: &Expected) -> Vec<String> {
    let statuses = |of: &str| -> Vec<String> {
        let all = order[of].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(|one| one["status"].as_str()).map(str::to_owned).collect()
    };
    let delivered = statuses("messages").iter().filter(|status| *status == "delivered").count();
    let (payment, refunded) = (&order["payment"]["status"], &order["payment"]["amount_refunded"]["value"]);
    let mut wrong = Vec::new();
    if *payment != expected.payment || *refunded != expected.refunded {
        wrong.push(format!("the payment is {payment} with {refunded} refunded"));
    }
    if statuses("refunds") != expected.refunds {
        wrong.push(format!("the refunds are {:?}", statuses("refunds")));
    }
    if delivered != expected.mails {
        wrong.push(format!("{delivered} mails are delivered: {:?}", statuses("messages")));
    }
    if order["payment"]["settlement"]["fee"]["value"].as_i64().is_none() {
        wrong.push("the fee is not known".to_owned());
    }
    wrong
}
