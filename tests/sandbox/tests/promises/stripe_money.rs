//! Amounts, fees, exchange, and what `expand[]` shows of them.

use crate::caller::{Answer, START_MS, get, pay, post};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn charge(sandbox: &mut Sandbox, amount: u64, currency: &str) -> Answer {
    let form = format!(
        "amount={amount}&currency={currency}&payment_method_types[]=card&payment_method=pm_card_visa&confirm=true&\
        expand[]=latest_charge.balance_transaction"
    );
    post(sandbox, START_MS, "/v1/payment_intents", None, &form)
}

fn movement(paid: &Answer, member: &str) -> Value {
    paid.json["latest_charge"]["balance_transaction"][member].clone()
}

#[test]
fn a_charge_in_the_accounts_currency_costs_its_fee() {
    let mut sandbox = sandbox();
    let paid = charge(&mut sandbox, 1099, "eur");
    let numbers = ["amount", "fee", "net"].map(|member| movement(&paid, member));
    assert_eq!(numbers, [json!(1099), json!(16 + 25), json!(1058)]); // 1.5 % is 16.485
    assert_eq!((movement(&paid, "currency"), movement(&paid, "exchange_rate")), (json!("eur"), json!(null)));
    assert_eq!(
        (movement(&paid, "type"), &movement(&paid, "source")),
        (json!("charge"), &paid.json["latest_charge"]["id"])
    );
    assert_eq!(movement(&paid, "fee_details")[0]["amount"], 41);
}

#[test]
fn other_currencies_are_exchanged_at_fixed_rates_whatever_their_decimals() {
    for (amount, currency, settled, rate) in [
        (1000, "jpy", 610, 0.0061),
        (10_000, "kwd", 2850, 2.85),
        (1000, "usd", 875, 0.875),
        (10_000, "isk", 69, 0.0069),
    ] {
        let paid = charge(&mut sandbox(), amount, currency);
        assert_eq!(movement(&paid, "amount"), settled, "{currency}");
        assert_eq!((movement(&paid, "currency"), movement(&paid, "exchange_rate")), (json!("eur"), json!(rate)));
    }
    let settings = Settings { stripe_settlement_currency: "jpy".to_owned(), ..Settings::default() };
    let paid = charge(&mut Sandbox::new(settings), 1000, "eur");
    assert_eq!((movement(&paid, "amount"), movement(&paid, "currency")), (json!(1639), json!("jpy")));
}

#[test]
fn amounts_that_the_currency_cannot_carry_are_refused() {
    for (amount, currency, code) in [
        (49, "eur", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "eur", "amount_too_large"),
        (10_005, "kwd", "parameter_invalid_integer"),
        (10_050, "isk", "parameter_invalid_integer"),
    ] {
        let refused = charge(&mut sandbox(), amount, currency);
        assert_eq!((refused.status, refused.text("/error/param")), (400, "amount"), "{amount} {currency}");
        assert_eq!(refused.text("/error/code"), code);
    }
    let mut sandbox = sandbox();
    let paid = charge(&mut sandbox, 10_000, "kwd");
    let refund = format!("payment_intent={}&amount=1005", paid.text("/id"));
    assert_eq!(post(&mut sandbox, START_MS, "/v1/refunds", None, &refund).text("/error/param"), "amount");
}

#[test]
fn refunds_leave_the_balance_without_a_fee_and_failed_ones_come_back() {
    let mut sandbox = sandbox();
    let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_refundFail");
    let form = format!("payment_intent={}&amount=500&expand[]=balance_transaction", paid.text("/id"));
    let refund = post(&mut sandbox, START_MS, "/v1/refunds", None, &form);
    let of_refund = &refund.json["balance_transaction"];
    assert_eq!((&of_refund["amount"], &of_refund["fee"], &of_refund["net"]), (&json!(-500), &json!(0), &json!(-500)));
    assert_eq!((of_refund["type"].as_str(), &of_refund["source"]), (Some("refund"), &refund.json["id"]));
    let path = format!("/v1/refunds/{}?expand[]=failure_balance_transaction", refund.text("/id"));
    let failed = get(&mut sandbox, START_MS + 120_000, &path);
    assert_eq!(failed.json["failure_balance_transaction"]["amount"], 500);
    assert_eq!(
        sandbox.stripe().balance_transactions().iter().map(sandbox::stripe::BalanceTransaction::net).sum::<i64>(),
        1058
    );
}

#[test]
fn a_movement_is_pending_at_first_and_available_after_two_days() {
    let mut sandbox = sandbox();
    let paid = charge(&mut sandbox, 1099, "eur");
    let path = format!("/v1/balance_transactions/{}", paid.text("/latest_charge/balance_transaction/id"));
    assert_eq!(get(&mut sandbox, START_MS, &path).text("/status"), "pending");
    assert_eq!(get(&mut sandbox, START_MS + 2 * 86_400_000, &path).text("/status"), "available");
    assert_eq!(get(&mut sandbox, START_MS, "/v1/balance_transactions/txn_nobody").status, 404);
}

#[test]
fn a_failed_charge_moves_nothing() {
    let mut sandbox = sandbox();
    let declined = pay(&mut sandbox, START_MS, "k1", "pm_card_visa_chargeDeclined");
    let charge = get(&mut sandbox, START_MS, &format!("/v1/charges/{}", declined.text("/error/charge")));
    assert_eq!((charge.text("/status"), &charge.json["balance_transaction"]), ("failed", &json!(null)));
    assert!(sandbox.stripe().balance_transactions().is_empty());
}

#[test]
fn ids_are_expanded_in_objects_and_in_lists_and_only_where_stripe_does() {
    let mut sandbox = sandbox();
    let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let (intent, charge) = (paid.text("/id"), paid.text("/latest_charge"));
    let read = get(
        &mut sandbox,
        START_MS,
        &format!("/v1/charges/{charge}?expand[]=balance_transaction&expand[]=payment_intent"),
    );
    assert_eq!(
        (read.text("/balance_transaction/object"), read.text("/payment_intent/id")),
        ("balance_transaction", intent)
    );
    let read = get(
        &mut sandbox,
        START_MS,
        &format!("/v1/payment_intents/{intent}?expand[0]=payment_method&expand[1]=customer"),
    );
    assert_eq!((read.text("/payment_method/card/last4"), &read.json["customer"]), ("4242", &json!(null)));
    let read = get(&mut sandbox, START_MS, "/v1/payment_intents?expand[]=data.latest_charge.balance_transaction");
    assert_eq!(read.json["data"][0]["latest_charge"]["balance_transaction"]["net"], 1058);
    for path in [
        format!("/v1/payment_intents/{intent}?expand[]=amount"),
        format!(
            "/v1/payment_intents/{intent}?expand[]=latest_charge.payment_intent.latest_charge.payment_intent.customer"
        ),
        "/v1/payment_intents?expand[]=latest_charge".to_owned(),
    ] {
        let refused = get(&mut sandbox, START_MS, &path);
        assert_eq!((refused.status, refused.text("/error/param")), (400, "expand"), "{path}");
    }
    let form = "amount=1099&currency=eur&expand[]=colour";
    assert_eq!(post(&mut sandbox, START_MS, "/v1/payment_intents", None, form).status, 400);
    assert_eq!(sandbox.stripe().payment_intents().len(), 1);
}
