//! Refunds: what can be given back, what becomes of it, who is told.

use crate::caller::{Answer, PAYMENT, START_MS, get, pay, post, take_events, types};
use sandbox::{CallFault, Sandbox, Settings, Vendor};
use serde_json::Value;

const MINUTE_MS: i64 = 60_000;

/// A sandbox with a payment of 10.99 EUR by this card, whose events have been delivered.
fn paid_with(card: &str) -> (Sandbox, Answer) {
    let mut sandbox = Sandbox::new(Settings::default());
    let paid = pay(&mut sandbox, START_MS, "payment", card);
    assert_eq!(paid.text("/status"), "succeeded");
    take_events(&mut sandbox, START_MS + 1000);
    (sandbox, paid)
}

fn refund(sandbox: &mut Sandbox, key: Option<&str>, form: &str) -> Answer {
    post(sandbox, START_MS + 2000, "/v1/refunds", key, form)
}

#[test]
fn a_refund_without_an_amount_gives_all_back_and_tells_of_the_refund_and_the_charge() {
    let (mut sandbox, paid) = paid_with("pm_card_visa");
    let form = format!("payment_intent={}&reason=requested_by_customer&metadata[order]=o-1", paid.text("/id"));
    let made = refund(&mut sandbox, Some("r1"), &form);
    assert_eq!((made.status, made.text("/status"), &made.json["amount"]), (200, "succeeded", &1099.into()));
    assert_eq!((made.text("/charge"), made.text("/metadata/order")), (paid.text("/latest_charge"), "o-1"));
    let events = take_events(&mut sandbox, START_MS + 3000);
    assert_eq!(types(&events), ["refund.created", "charge.refunded"]);
    assert_eq!(
        (&events[0]["data"]["object"]["id"], &events[0]["request"]["idempotency_key"]),
        (&made.json["id"], &"r1".into())
    );
    let charge = &events[1]["data"]["object"];
    assert_eq!((charge["object"].as_str(), &charge["refunded"]), (Some("charge"), &true.into()));
    assert_eq!(get(&mut sandbox, START_MS, &format!("/v1/refunds/{}", made.text("/id"))).bytes, made.bytes);
}

#[test]
fn a_charge_is_refunded_only_when_all_of_it_went_back() {
    let (mut sandbox, paid) = paid_with("pm_card_visa");
    let charge = paid.text("/latest_charge");
    for (amount, so_far, full) in [(1000, 1000, false), (99, 1099, true)] {
        assert_eq!(refund(&mut sandbox, None, &format!("charge={charge}&amount={amount}")).status, 200);
        let events = take_events(&mut sandbox, START_MS + 3000);
        let told = &events[1]["data"]["object"];
        assert_eq!((&told["amount_refunded"], &told["refunded"]), (&so_far.into(), &full.into()));
        let read = get(&mut sandbox, START_MS, &format!("/v1/charges/{charge}"));
        assert_eq!((&read.json["amount_refunded"], &read.json["refunded"]), (&so_far.into(), &full.into()));
    }
}

#[test]
fn more_than_is_left_is_refused_and_a_charge_is_refunded_once() {
    let (mut sandbox, paid) = paid_with("pm_card_visa");
    let by_intent = format!("payment_intent={}", paid.text("/id"));
    let too_much = refund(&mut sandbox, None, &format!("{by_intent}&amount=1100"));
    assert_eq!((too_much.status, too_much.text("/error/param")), (400, "amount"));
    assert_eq!(too_much.text("/error/message"), "Refund amount (11.00 EUR) is greater than charge amount (10.99 EUR)");
    refund(&mut sandbox, None, &format!("{by_intent}&amount=600"));
    let too_much = refund(&mut sandbox, None, &format!("{by_intent}&amount=500"));
    assert_eq!((too_much.status, too_much.text("/error/param")), (400, "amount"));
    assert!(too_much.text("/error/message").contains("greater than unrefunded amount on charge (4.99 EUR)"));
    refund(&mut sandbox, None, &by_intent);
    for again in [by_intent.clone(), format!("{by_intent}&amount=1")] {
        let again = refund(&mut sandbox, None, &again);
        assert_eq!((again.status, again.text("/error/code")), (400, "charge_already_refunded"));
    }
    assert_eq!(sandbox.stripe().refunds().len(), 2);
}

#[test]
fn what_took_no_money_cannot_be_refunded() {
    let mut sandbox = Sandbox::new(Settings::default());
    let open = post(&mut sandbox, START_MS, "/v1/payment_intents", None, PAYMENT);
    let declined = pay(&mut sandbox, START_MS, "k1", "pm_card_visa_chargeDeclined");
    let waiting = pay(&mut sandbox, START_MS, "k2", "pm_sandbox_processing");
    for form in [
        format!("payment_intent={}", open.text("/id")),
        format!("payment_intent={}", declined.text("/error/payment_intent/id")),
        format!("charge={}", declined.text("/error/charge")),
        format!("payment_intent={}", waiting.text("/id")),
    ] {
        let refused = refund(&mut sandbox, None, &form);
        assert_eq!((refused.status, refused.text("/error/type")), (400, "invalid_request_error"), "{form}");
        assert!(refused.text("/error/message").contains("does not have a successful charge to refund"));
    }
}

#[test]
fn refunds_that_make_no_sense_are_refused_and_not_remembered() {
    let (mut sandbox, paid) = paid_with("pm_card_visa");
    let id = paid.text("/id");
    for (form, param) in [
        (String::new(), "payment_intent"),
        (format!("payment_intent={id}&charge={}", paid.text("/latest_charge")), "payment_intent"),
        ("payment_intent=pi_nobody".to_owned(), "payment_intent"),
        ("charge=ch_nobody".to_owned(), "charge"),
        (format!("payment_intent={id}&amount=0"), "amount"),
        (format!("payment_intent={id}&amount=-1"), "amount"),
        (format!("payment_intent={id}&amount=1.5"), "amount"),
        (format!("payment_intent={id}&reason=regret"), "reason"),
        (format!("payment_intent={id}&reverse_transfer=true"), "reverse_transfer"),
    ] {
        let refused = refund(&mut sandbox, Some("r1"), &form);
        assert_eq!((refused.status, refused.text("/error/param")), (400, param), "{form}");
    }
    assert_eq!(refund(&mut sandbox, Some("r1"), &format!("payment_intent={id}")).status, 200);
    assert_eq!(get(&mut sandbox, START_MS, "/v1/refunds/re_nobody").status, 404);
}

#[test]
fn a_refund_to_a_slow_bank_is_pending_and_succeeds_later() {
    let (mut sandbox, paid) = paid_with("pm_card_pendingRefund");
    let made = refund(&mut sandbox, None, &format!("payment_intent={}", paid.text("/id")));
    assert_eq!(made.text("/status"), "pending");
    assert_eq!(types(&take_events(&mut sandbox, START_MS + 3000)), ["refund.created", "charge.refunded"]);
    let at_ms = sandbox.next_delivery_at().unwrap();
    assert_eq!(at_ms, START_MS + 2000 + MINUTE_MS);
    assert!(take_events(&mut sandbox, at_ms).is_empty(), "the webhook leaves a little later");
    let events = take_events(&mut sandbox, at_ms + 1000);
    assert_eq!(
        (types(&events), &events[0]["data"]["object"]["status"]),
        (vec!["charge.refund.updated", "refund.updated"], &"succeeded".into())
    );
    assert_eq!(events[0]["request"], serde_json::json!({ "id": null, "idempotency_key": null }));
    assert_eq!(sandbox.next_delivery_at(), None);
}

#[test]
fn a_refund_can_succeed_at_first_and_fail_later_and_then_the_money_is_there_again() {
    let (mut sandbox, paid) = paid_with("pm_card_refundFail");
    let by_intent = format!("payment_intent={}", paid.text("/id"));
    let made = refund(&mut sandbox, None, &by_intent);
    assert_eq!(made.text("/status"), "succeeded");
    take_events(&mut sandbox, START_MS + 3000);
    let read = get(&mut sandbox, START_MS + 2 * MINUTE_MS, &format!("/v1/refunds/{}", made.text("/id")));
    assert_eq!((read.text("/status"), read.text("/failure_reason")), ("failed", "expired_or_canceled_card"));
    let events = take_events(&mut sandbox, START_MS + 2 * MINUTE_MS);
    assert_eq!(types(&events), ["charge.refund.updated", "refund.updated", "refund.failed"]);
    assert_eq!(sandbox.stripe().charges()[0].amount_refunded, 0);
    assert_eq!(refund(&mut sandbox, None, &by_intent).status, 200, "it can be tried again");
}

#[test]
fn the_bank_can_be_made_to_answer_before_its_time_and_answers_once() {
    let (mut sandbox, paid) = paid_with("pm_card_pendingRefund");
    let made = refund(&mut sandbox, None, &format!("payment_intent={}", paid.text("/id")));
    let failed = sandbox.bank_answers_refund(START_MS + 3000, made.text("/id"), false).unwrap();
    assert_eq!(failed["status"], "failed");
    assert!(sandbox.bank_answers_refund(START_MS + 3000, made.text("/id"), true).is_err());
    take_events(&mut sandbox, START_MS + 2 * MINUTE_MS);
    assert_eq!(sandbox.stripe().refunds()[0].status, "failed");
}

#[test]
fn a_refund_by_hand_has_no_metadata_and_names_no_request() {
    let (mut sandbox, paid) = paid_with("pm_card_visa");
    let made = sandbox.merchant_refunds(START_MS + 2000, paid.text("/id"), Some(100)).unwrap();
    assert_eq!((&made["amount"], &made["metadata"]), (&100.into(), &serde_json::json!({})));
    let events = take_events(&mut sandbox, START_MS + 3000);
    assert_eq!(types(&events), ["refund.created", "charge.refunded"]);
    assert!(events.iter().all(|event| event["request"]["id"].is_null()));
    let rest = sandbox.merchant_refunds(START_MS + 2000, paid.text("/id"), None).unwrap();
    assert_eq!(rest["amount"], 999);
    let error = sandbox.merchant_refunds(START_MS + 2000, paid.text("/id"), None).unwrap_err();
    assert_eq!(error["error"]["code"], "charge_already_refunded");
}

#[test]
fn refunds_are_listed_by_payment_charge_and_time_newest_first() {
    let (mut sandbox, paid) = paid_with("pm_card_visa");
    let other = pay(&mut sandbox, START_MS, "other", "pm_card_visa");
    let ids: Vec<String> = (1..=3)
        .map(|i| {
            let form = format!("payment_intent={}&amount=10", paid.text("/id"));
            post(&mut sandbox, START_MS + i * 10_000, "/v1/refunds", None, &form).text("/id").to_owned()
        })
        .collect();
    refund(&mut sandbox, None, &format!("payment_intent={}", other.text("/id")));
    let mut list = |query: &str| {
        let page = get(&mut sandbox, START_MS, &format!("/v1/refunds?{query}"));
        let data: Vec<String> = page.json["data"]
            .as_array()
            .map(|refunds| refunds.iter().map(|refund| refund["id"].as_str().unwrap().to_owned()).collect())
            .unwrap_or_default();
        (page.status, data, page.json["has_more"] == true)
    };
    let by_intent = format!("payment_intent={}", paid.text("/id"));
    assert_eq!(list(&format!("{by_intent}&limit=2")), (200, vec![ids[2].clone(), ids[1].clone()], true));
    let second = format!("{by_intent}&limit=2&starting_after={}", ids[1]);
    assert_eq!(list(&second), (200, vec![ids[0].clone()], false));
    assert_eq!(list(&format!("charge={}", paid.text("/latest_charge"))).1.len(), 3);
    assert_eq!(list(&format!("created[gte]={}", START_MS / 1000 + 20)).1, [ids[2].clone(), ids[1].clone()]);
    assert_eq!(list("limit=100").1.len(), 4);
    assert_eq!(list("payment_intent=pi_nobody").0, 400);
    assert_eq!(list("amount=10").0, 400);
}

#[test]
fn a_key_gives_one_refund_whatever_happens_to_the_answers() {
    for (fault, status, made) in [
        (Some(CallFault::ErrorAfter { status: 500 }), 500, 1),
        (Some(CallFault::ErrorDuring { status: 500 }), 500, 0),
        (Some(CallFault::LostAnswer), 200, 1),
        (None, 200, 1),
    ] {
        let (mut sandbox, paid) = paid_with("pm_card_visa");
        let form = format!("payment_intent={}&amount=100", paid.text("/id"));
        if let Some(fault) = fault {
            sandbox.faults().next_calls(Vendor::Stripe, "create_refund", 1, fault);
        }
        let request = crate::caller::stripe_request("POST", "/v1/refunds", Some("r1"), &form);
        sandbox.call(Vendor::Stripe, START_MS + 2000, request);
        let again = refund(&mut sandbox, Some("r1"), &form);
        assert_eq!((again.status, again.header("idempotent-replayed")), (status, "true"), "{fault:?}");
        assert_eq!(sandbox.stripe().refunds().len(), made, "{fault:?}");
        let other = refund(&mut sandbox, Some("r1"), &format!("payment_intent={}&amount=200", paid.text("/id")));
        assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    }
}

#[test]
fn a_refusal_by_the_state_of_the_charge_is_remembered() {
    let (mut sandbox, paid) = paid_with("pm_card_refundFail");
    let form = format!("payment_intent={}", paid.text("/id"));
    refund(&mut sandbox, Some("r1"), &form);
    assert_eq!(refund(&mut sandbox, Some("r2"), &form).text("/error/code"), "charge_already_refunded");
    take_events(&mut sandbox, START_MS + 2 * MINUTE_MS); // the first one has failed
    let again = post(&mut sandbox, START_MS + 3 * MINUTE_MS, "/v1/refunds", Some("r2"), &form);
    assert_eq!((again.status, again.header("idempotent-replayed")), (400, "true"));
    assert_eq!(sandbox.stripe().refunds().iter().filter(|r| r.status != "failed").count(), 0);
    assert_eq!(sandbox.stripe().charges()[0].to_json()["refunded"], Value::Bool(false));
}

#[test]
fn an_endpoint_of_an_older_version_hears_of_the_charge_only() {
    for (version, created, settled) in [
        ("2024-09-30.acacia", vec!["charge.refunded"], vec!["charge.refund.updated"]),
        (
            "2024-10-28.acacia",
            vec!["refund.created", "charge.refunded"],
            vec!["charge.refund.updated", "refund.updated", "refund.failed"],
        ),
    ] {
        let (mut sandbox, paid) = paid_with("pm_card_visa");
        sandbox.set_stripe_endpoint_version(version);
        sandbox.merchant_refunds(START_MS + 2000, paid.text("/id"), None).unwrap();
        let events = take_events(&mut sandbox, START_MS + 3000);
        assert_eq!(types(&events), created, "{version}");
        assert!(events.iter().all(|event| event["api_version"] == version));
        let refund = sandbox.stripe().refunds()[0].id.clone();
        sandbox.bank_answers_refund(START_MS + 4000, &refund, false).unwrap();
        assert_eq!(types(&take_events(&mut sandbox, START_MS + 5000)), settled, "{version}");
    }
}
