//! The life of a payment intent.

use crate::caller::{Answer, PAYMENT, START_MS, get, pay, post, take_events, types};
use sandbox::stripe::Status;
use sandbox::{Sandbox, Settings};
use serde_json::Value;

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn confirm(sandbox: &mut Sandbox, id: &str, form: &str) -> Answer {
    post(sandbox, START_MS, &format!("/v1/payment_intents/{id}/confirm"), None, form)
}

fn cancel(sandbox: &mut Sandbox, id: &str, form: &str) -> Answer {
    post(sandbox, START_MS, &format!("/v1/payment_intents/{id}/cancel"), None, form)
}

/// The types of the Stripe events so far, in order of delivery.
fn event_types(sandbox: &mut Sandbox) -> Vec<String> {
    let events = take_events(sandbox, START_MS + 50_000);
    assert!(events.iter().all(|event| event["api_version"] == "2024-10-28.acacia"));
    types(&events).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_good_card_is_charged_once_and_told() {
    let mut sandbox = sandbox();
    let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    assert_eq!((paid.status, paid.text("/status")), (200, "succeeded"));
    assert_eq!(paid.json["amount_received"], 1099);
    let charge = &sandbox.stripe().charges()[0];
    assert_eq!((charge.id.as_str(), charge.succeeded, charge.amount), (paid.text("/latest_charge"), true, 1099));
    assert_eq!(charge.metadata["crossdock_order"], "o-1");
    assert_eq!(event_types(&mut sandbox), ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]);
}

#[test]
fn an_event_names_the_request_that_caused_it() {
    let mut sandbox = sandbox();
    let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let due = sandbox.take_due(START_MS + 60_000);
    let event: Value = serde_json::from_slice(due[2].request.body()).unwrap();
    assert_eq!(event["request"]["id"], paid.header("request-id"));
    assert_eq!(event["request"]["idempotency_key"], "k1");
    assert_eq!(event["data"]["object"]["id"], paid.text("/id"));
}

#[test]
fn each_bad_card_is_declined_with_its_code_and_the_intent_stays_open() {
    for (card, code, decline_code) in [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_sandbox_chargeDeclinedUnknownCode", "card_declined", "a_code_of_tomorrow"),
    ] {
        let mut sandbox = sandbox();
        let declined = pay(&mut sandbox, START_MS, "k1", card);
        assert_eq!((declined.status, declined.text("/error/type")), (402, "card_error"), "{card}");
        assert_eq!((declined.text("/error/code"), declined.text("/error/decline_code")), (code, decline_code));
        assert_eq!(declined.text("/error/payment_intent/status"), "requires_payment_method");
        assert_eq!(declined.text("/error/payment_intent/last_payment_error/decline_code"), decline_code);
        assert!(declined.text("/error/payment_intent/client_secret").starts_with("pi_"));
        let types = event_types(&mut sandbox);
        assert_eq!(types, ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]);
    }
}

#[test]
fn after_a_decline_the_same_intent_can_be_paid_with_another_card() {
    let mut sandbox = sandbox();
    let declined = pay(&mut sandbox, START_MS, "k1", "pm_card_visa_chargeDeclined");
    let id = declined.text("/error/payment_intent/id").to_owned();
    let paid = confirm(&mut sandbox, &id, "payment_method=pm_card_visa");
    assert_eq!((paid.status, paid.text("/status")), (200, "succeeded"));
    assert_eq!(paid.json["last_payment_error"], Value::Null);
    assert_eq!((sandbox.stripe().charges().len(), sandbox.stripe().succeeded_charges(&id).count()), (2, 1));
}

#[test]
fn without_confirm_an_intent_waits_for_its_card_or_its_confirmation() {
    let mut sandbox = sandbox();
    let form = format!("{PAYMENT}&payment_method=pm_card_visa");
    let made = post(&mut sandbox, START_MS, "/v1/payment_intents", None, &form);
    assert_eq!(made.text("/status"), "requires_confirmation");
    assert_eq!(confirm(&mut sandbox, made.text("/id"), "").text("/status"), "succeeded");
    let made = post(&mut sandbox, START_MS, "/v1/payment_intents", None, PAYMENT);
    assert_eq!(confirm(&mut sandbox, made.text("/id"), "").status, 400);
    assert_eq!(get(&mut sandbox, START_MS, &format!("/v1/payment_intents/{}", made.text("/id"))).bytes, made.bytes);
}

#[test]
fn a_bank_that_asks_for_the_shopper_gets_an_answer_either_way() {
    let three_d_secure = "pm_card_threeDSecure2Required";
    for (passed, status) in [(true, Status::Succeeded), (false, Status::RequiresPaymentMethod)] {
        let mut sandbox = sandbox();
        let asked = pay(&mut sandbox, START_MS, "k1", three_d_secure);
        let id = asked.text("/id");
        assert_eq!((asked.status, asked.text("/status")), (200, "requires_action"));
        assert_eq!(asked.text("/next_action/type"), "use_stripe_sdk");
        sandbox.shopper_authenticates(START_MS + 1000, id, passed).unwrap();
        assert_eq!(sandbox.stripe().payment_intent(id).unwrap().status, status);
        assert_eq!(sandbox.stripe().succeeded_charges(id).count(), usize::from(passed));
        let types = event_types(&mut sandbox);
        let last = if passed { "payment_intent.succeeded" } else { "payment_intent.payment_failed" };
        assert_eq!((types[1].as_str(), types.last().unwrap().as_str()), ("payment_intent.requires_action", last));
        assert!(sandbox.shopper_authenticates(START_MS + 2000, id, true).is_err());
    }
}

#[test]
fn with_a_way_back_the_shopper_is_sent_to_the_bank() {
    let form =
        format!("{PAYMENT}&payment_method=pm_card_threeDSecure2Required&confirm=true&return_url=https://a.example/");
    let asked = post(&mut sandbox(), START_MS, "/v1/payment_intents", None, &form);
    assert_eq!(asked.text("/next_action/redirect_to_url/return_url"), "https://a.example/");
}

#[test]
fn when_nobody_is_there_to_authenticate_the_card_is_declined() {
    let form = format!("{PAYMENT}&payment_method=pm_card_authenticationRequired&confirm=true&off_session=true");
    let declined = post(&mut sandbox(), START_MS, "/v1/payment_intents", None, &form);
    assert_eq!((declined.status, declined.text("/error/code")), (402, "authentication_required"));
}

#[test]
fn a_shopper_pays_with_the_client_secret_alone() {
    let mut sandbox = sandbox();
    let made = post(&mut sandbox, START_MS, "/v1/payment_intents", None, PAYMENT);
    let secret = made.text("/client_secret");
    let declined = sandbox.shopper_confirms(START_MS, secret, "pm_card_visa_chargeDeclined").unwrap_err();
    assert_eq!(declined["error"]["code"], "card_declined");
    assert_eq!(sandbox.shopper_confirms(START_MS, secret, "pm_card_visa").unwrap()["status"], "succeeded");
    assert!(sandbox.shopper_confirms(START_MS, "pi_x_secret_y", "pm_card_visa").is_err());
    assert!(event_types(&mut sandbox).contains(&"payment_intent.succeeded".to_owned()));
}

#[test]
fn a_slow_bank_leaves_the_intent_processing_until_it_answers() {
    let mut sandbox = sandbox();
    let waiting = pay(&mut sandbox, START_MS, "k1", "pm_sandbox_processing");
    assert_eq!(waiting.text("/status"), "processing");
    sandbox.bank_answers(START_MS + 1000, waiting.text("/id"), true).unwrap();
    assert_eq!(
        event_types(&mut sandbox),
        ["payment_intent.created", "payment_intent.processing", "charge.succeeded", "payment_intent.succeeded"]
    );
}

#[test]
fn a_bank_can_answer_by_itself_after_a_while_either_way() {
    for (card, last, status) in [
        ("pm_sandbox_processingThenSucceeds", "payment_intent.succeeded", Status::Succeeded),
        ("pm_sandbox_processingThenDeclined", "payment_intent.payment_failed", Status::RequiresPaymentMethod),
    ] {
        let mut sandbox = sandbox();
        let waiting = pay(&mut sandbox, START_MS, "k1", card);
        assert_eq!(waiting.text("/status"), "processing");
        assert_eq!(types(&take_events(&mut sandbox, START_MS + 1000)).last(), Some(&"payment_intent.processing"));
        let at_ms = sandbox.next_delivery_at().unwrap();
        assert_eq!(at_ms, START_MS + 60_000);
        let events = take_events(&mut sandbox, at_ms + 1000);
        assert_eq!((types(&events).last(), &events[1]["created"]), (Some(&last), &(at_ms / 1000).into()));
        assert_eq!(sandbox.stripe().payment_intent(waiting.text("/id")).unwrap().status, status);
        assert_eq!(sandbox.next_delivery_at(), None);
    }
}

#[test]
fn a_canceled_payment_stays_canceled_when_the_bank_answers_late() {
    let mut sandbox = sandbox();
    let waiting = pay(&mut sandbox, START_MS, "k1", "pm_sandbox_processingThenSucceeds");
    assert_eq!(cancel(&mut sandbox, waiting.text("/id"), "").text("/status"), "canceled");
    take_events(&mut sandbox, START_MS + 120_000);
    assert_eq!(sandbox.stripe().payment_intents()[0].status, Status::Canceled);
    assert!(sandbox.stripe().charges().is_empty());
}

#[test]
fn final_intents_cannot_be_confirmed_or_canceled() {
    let mut sandbox = sandbox();
    let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let made = post(&mut sandbox, START_MS, "/v1/payment_intents", None, PAYMENT);
    let canceled = cancel(&mut sandbox, made.text("/id"), "cancellation_reason=abandoned");
    assert_eq!((canceled.status, canceled.text("/status")), (200, "canceled"));
    for id in [paid.text("/id"), made.text("/id")] {
        let refused = confirm(&mut sandbox, id, "payment_method=pm_card_visa");
        assert_eq!((refused.status, refused.text("/error/code")), (400, "payment_intent_unexpected_state"));
        assert_eq!(refused.text("/error/payment_intent/id"), id);
        let refused = cancel(&mut sandbox, id, "");
        assert_eq!((refused.status, refused.text("/error/code")), (400, "payment_intent_unexpected_state"));
    }
    assert!(event_types(&mut sandbox).contains(&"payment_intent.canceled".to_owned()));
}
