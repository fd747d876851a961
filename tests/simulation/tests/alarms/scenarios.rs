//! What goes wrong, and is put right again: the shipping functions write the lines.

use crossdock::domain::Timestamp;
use crossdock::gateway::{Gateway, Lane, Memory, Vendor};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sandbox::{CallFault, Vendor as There, WebhookFault};
use serde_json::json;
use sha2::Sha256;
use simulation::Probe;
use simulation::shop::confirmed_payment;
use simulation::universe::{Function, Universe};

use super::drivers::assert_drives;
use super::{minutes, recorded, universe};

/// Orders that are paid at once.
async fn orders(universe: &mut Universe, name: &str, count: usize, card: &str) {
    for n in 0..count {
        let order = format!("{name}-{n}");
        universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, card))).await;
        universe.sleep_ms(500).await;
    }
}

/// Stripe is down for ten minutes.
#[tokio::test(start_paused = true)]
async fn stripe_is_down() {
    let mut universe = universe();
    minutes(&mut universe, 10).await;
    universe.sandbox().faults().outage(There::Stripe, true);
    orders(&mut universe, "down", 12, "pm_card_visa").await;
    minutes(&mut universe, 10).await;
    universe.sandbox().faults().outage(There::Stripe, false);
    minutes(&mut universe, 40).await;
    assert_drives("stripe_is_down", &recorded());
}

/// A confirm of which nobody finds out what it did, and that a person decides on.
#[tokio::test(start_paused = true)]
async fn nobody_knows() {
    let mut universe = universe();
    minutes(&mut universe, 10).await;
    let body = simulation::shop::payment("o-1");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    universe.sandbox().faults().every_webhook(There::Stripe, WebhookFault::Dropped);
    universe.sandbox().faults().every_call(There::Stripe, "*", CallFault::LostAnswer);
    universe.call("POST", &path, None, Some(&json!({ "payment_method": "pm_card_visa" }))).await;
    minutes(&mut universe, 40).await;
    universe.sandbox().faults().clear();
    let system = universe.system(Function::PaymentWorker, &Probe::new());
    let list = system.work_list().unwrap();
    let operator = crossdock::effects::audit::Operator { who: "ada".to_owned(), why: None };
    let items = universe.aws().table().items();
    let waits = simulation::invariants::of_type(&items, "intent")
        .find(|intent| intent["phase"] == "MANUAL")
        .expect("nothing waits for a person");
    let id = crossdock::domain::IntentId::from_stored(waits["intent_id"].as_str().unwrap());
    let found = list.intent(&id).await.unwrap().unwrap();
    list.retry(&found, &operator).await.unwrap();
    minutes(&mut universe, 30).await;
    assert_drives("nobody_knows", &recorded());
}

/// Somebody refunds at Stripe's dashboard what we had promised already.
#[tokio::test(start_paused = true)]
async fn refunded_beyond() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let created =
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    minutes(&mut universe, 5).await;
    let path = format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap());
    let id = universe.sandbox().stripe().payment_intents()[0].id.clone();
    universe.sandbox().faults().outage(There::Stripe, true);
    let part = json!({ "amount": { "value": 800, "currency": "EUR" } });
    assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&part)).await.status(), 202);
    let now_ms = universe.now_ms();
    universe.sandbox().merchant_refunds(now_ms, &id, Some(600)).unwrap();
    minutes(&mut universe, 3).await;
    universe.sandbox().faults().outage(There::Stripe, false);
    minutes(&mut universe, 30).await;
    assert_drives("refunded_beyond", &recorded());
}

/// Whoever canceled was answered 202, and the charge is known before the cancel.
#[tokio::test(start_paused = true)]
async fn charged_unexpectedly() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.sandbox().faults().next_calls(There::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
    universe.sandbox().faults().next_webhooks(There::Stripe, 1, WebhookFault::Duplicate { copies: 0 });
    universe.sandbox().faults().every_webhook(There::Stripe, WebhookFault::Late { ms: 3_600_000 });
    let created =
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
    assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
    minutes(&mut universe, 90).await;
    assert_drives("charged_unexpectedly", &recorded());
}

/// Calls of a carrier's, near what it allows in an hour.
#[tokio::test(start_paused = true)]
async fn quota_in_use() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let system = universe.system(Function::RateQuoter, &Probe::new());
    let gateway = Gateway::new(system.world().clone(), system.work_list().unwrap().table().clone(), Memory::default());
    for _ in 0..30 {
        // The burst first, and then at the rate: 500 an hour.
        for _ in 0..16 {
            let call_by = Timestamp::from_ms(universe.now_ms() + 5_000);
            let _ = gateway.permit(Vendor::Ups, Lane::Interactive, call_by).await;
        }
        minutes(&mut universe, 1).await;
    }
    minutes(&mut universe, 90).await;
    assert_drives("quota_in_use", &recorded());
}

/// The endpoint's secret as the sandbox's account begins.
const SECRET: &str = "whsec_sandbox";

/// The header of an event that Stripe signs. (docs.stripe.com/webhooks#verify-manually)
fn signed(t: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{t}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("t={t},v1={hex}")
}

/// An event of our payment with another amount.
#[tokio::test(start_paused = true)]
async fn in_doubt() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.call("POST", "/payments", Some("k-1"), Some(&simulation::shop::payment("o-1"))).await;
    minutes(&mut universe, 2).await;
    let mut object = universe.sandbox().stripe().payment_intents()[0].to_json();
    object["status"] = json!("succeeded");
    object["amount"] = json!(1);
    object["amount_received"] = json!(1);
    let t = universe.now_ms() / 1_000;
    let event = json!({
        "id": "evt_1", "object": "event", "api_version": "2024-10-28.acacia", "created": t, "livemode": false,
        "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null },
        "type": "payment_intent.succeeded", "data": { "object": object },
    });
    let body = event.to_string();
    let request = http::Request::post("https://webhook.sim/").header("Stripe-Signature", signed(t, &body));
    universe.call_raw(Function::StripeWebhook, request.body(body.into()).unwrap(), "/").await;
    minutes(&mut universe, 15).await;
    assert_drives("in_doubt", &recorded());
}
