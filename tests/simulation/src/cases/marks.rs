//! What bears our mark at Stripe and is not what we know, and attempts that failed.

use sandbox::{CallFault, Dial, Reply, Settings, Vendor};
use serde_json::{Value, json};

use super::in_a_run;
use crate::invariants::{of_type, text, violations};
use crate::shop::{confirmed_payment, payment, shopper_pays};
use crate::universe::{STACK_ID, Universe};

/// Somebody with the shop's key does something at Stripe that the shop did not ask for.
pub fn at_stripe(universe: &Universe, path: &str, form: &str) -> Value {
    let now_ms = universe.now_ms();
    let request = http::Request::post(format!("https://api.stripe.com{path}"))
        .header("authorization", format!("Bearer {}", Settings::default().stripe_api_key))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(bytes::Bytes::copy_from_slice(form.as_bytes()))
        .unwrap();
    match universe.sandbox().call(Vendor::Stripe, now_ms, request) {
        Reply::Answer { response, .. } => serde_json::from_slice(response.body()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Another payment intent that bears the mark of the one payment here, paid at once.
pub fn another_payment(universe: &Universe, amount: i64, currency: &str) -> String {
    let items = universe.aws().table().items();
    let intent = text(of_type(&items, "payment").next().unwrap(), "intent_id").unwrap().to_owned();
    let form = format!(
        "amount={amount}&currency={currency}&payment_method=pm_card_visa&confirm=true\
         &metadata[crossdock_stack]={STACK_ID}&metadata[crossdock_intent]={intent}"
    );
    at_stripe(universe, "/v1/payment_intents", &form)["id"].as_str().unwrap().to_owned()
}

/// Somebody pays something else that bears our mark, and then the shopper pays.
pub fn another_payment_pays_nothing_of_ours() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        for (amount, currency) in [(1099, "eur"), (50, "eur"), (1099, "usd")] {
            let mut universe = Universe::new(1);
            let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
            universe.run_until_quiet(600_000).await;
            another_payment(&universe, amount, currency);
            universe.run_until_quiet(600_000).await;
            let items = universe.aws().table().items();
            let status = text(of_type(&items, "payment").next().unwrap(), "status").unwrap().to_owned();
            if status != "requires_payment_method" {
                wrong.push(format!("E: another payment of {amount} {currency} made ours {status}"));
            }
            shopper_pays(&universe, &created);
            universe.run_until_quiet(3_600_000).await;
            wrong.extend(violations(&universe));
        }
        wrong
    })
}

/// The first card is declined in the second in which the payment was made, and so is the next one, later.
pub fn each_failed_attempt_is_told() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let body = confirmed_payment("o-1", "pm_card_visa_chargeDeclined");
        let declined = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        universe.run_until_quiet(600_000).await;
        let path = format!("/payments/{}/confirm", declined.body()["payment_id"].as_str().unwrap());
        for card in ["pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_visa"] {
            universe.call("POST", &path, None, Some(&json!({ "payment_method": card }))).await;
            universe.run_until_quiet(600_000).await;
        }
        let mut wrong = violations(&universe);
        // In the browser: made, and declined before the second is over.
        let mut universe = Universe::new(1);
        universe.sleep_ms(u64::try_from(1_000 - universe.now_ms() % 1_000).unwrap()).await;
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        let secret = created.body()["client_secret"].as_str().unwrap().to_owned();
        let now_ms = universe.now_ms();
        let _ = universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa_chargeDeclined");
        universe.run_until_quiet(600_000).await;
        wrong.extend(violations(&universe));
        wrong
    })
}

/// A card is declined in the browser, and before anybody hears of it the shop confirms with one whose bank asks, or is at it,
/// all within one second: looked at, the payment shows nothing of the decline any more.
pub fn a_failed_attempt_is_told_though_another_one_follows_at_once() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        for card in ["pm_card_threeDSecure2Required", "pm_card_visa"] {
            let mut universe = Universe::new(1);
            let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
            universe.run_until_quiet(600_000).await;
            universe.sleep_ms(u64::try_from(1_000 - universe.now_ms() % 1_000).unwrap()).await;
            let secret = created.body()["client_secret"].as_str().unwrap().to_owned();
            let now_ms = universe.now_ms();
            let _ = universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa_chargeDeclined");
            let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
            universe.call("POST", &path, None, Some(&json!({ "payment_method": card }))).await;
            universe.run_until_quiet(600_000).await;
            let items = universe.aws().table().items();
            let told = of_type(&items, "intent").filter(|intent| intent.to_string().contains("payment.failed")).count();
            if told != 1 {
                wrong.push(format!("F: {told} failed attempts are told before {card}"));
            }
            wrong.extend(violations(&universe));
        }
        wrong
    })
}

/// Stripe makes a refund, its answer is lost, and so is the key: the repeat makes another one. One is ours, and of the other a
/// person is told.
pub fn a_refund_that_was_made_twice_is_told() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().dials().turn(Dial::LostAnswersForgetTheirKey);
        let body = confirmed_payment("o-1", "pm_card_visa");
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        universe.run_until_quiet(600_000).await;
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_refund", 1, CallFault::LostAnswer);
        let path = format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap());
        let part = json!({ "amount": { "value": 300, "currency": "EUR" } });
        universe.call("POST", &path, Some("r-1"), Some(&part)).await;
        universe.run_until_quiet(3_600_000).await;
        let made = universe.sandbox().stripe().refunds().len();
        let told = of_type(&universe.aws().table().items(), "doubt").count();
        let mut wrong = violations(&universe);
        if (made, told) != (2, 1) {
            wrong.push(format!("E: {made} refunds were made, and of {told} somebody was told"));
        }
        wrong
    })
}
