//! What a payment provider's test list asks for: each card, each way a payment can go, refunds, webhooks that fail,
//! slow answers, currencies.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use crate::{AFTER_A_SWEEP, Deployed, SOON, confirmed_payment, expect, payment, until};

pub(crate) fn cards(deployed: &Deployed) -> Result<()> {
    for (number, (card, code)) in [
        ("pm_card_visa_chargeDeclined", "card_declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error"),
        // What nobody knows yet is a plain decline.
        ("pm_sandbox_chargeDeclinedUnknownCode", "card_declined"),
    ]
    .into_iter()
    .enumerate()
    {
        let order = format!("e2e-card-{number}");
        let declined = expect(&deployed.post("/payments", &[], &confirmed_payment(&order, card))?, 402)?;
        ensure!(declined["code"] == code && declined["user_message"].is_string(), "{card}: {declined}");
        ensure!(!declined.to_string().contains("tomorrow"), "the vendor's own words: {declined}");
        // Declines are never retried: one object, one attempt.
        ensure!(deployed.charged(&order)?.len() == 1, "{card}: one order, one payment");
    }
    Ok(())
}

pub(crate) fn three_d_secure(deployed: &Deployed) -> Result<()> {
    for (order, passes) in [("e2e-3ds-yes", true), ("e2e-3ds-no", false)] {
        let mut body = confirmed_payment(order, "pm_card_threeDSecure2Required");
        body["return_url"] = json!("https://shop.example/return");
        let created = expect(&deployed.post("/payments", &[], &body)?, 201)?;
        ensure!(created["status"] == "requires_action" && created["next_action"].is_object(), "{created}");
        let vendor_id = deployed.charged(order)?[0]["id"].clone();
        let verdict = json!({ "payment_intent": vendor_id, "success": passes });
        let sandbox = deployed.stack.sandbox();
        deployed.runtime.block_on(sandbox.admin(Method::POST, "shopper/authenticate", Some(&verdict)))?;
        if passes {
            deployed.paid_and_mailed(order, SOON)?;
        } else {
            let order = deployed.order_when(order, "the shopper has to try again", |order| {
                order["payment"]["status"] == "requires_payment_method"
            })?;
            ensure!(order["payment"]["user_message"].is_string(), "{order}");
        }
    }
    Ok(())
}

pub(crate) fn refunds(deployed: &Deployed) -> Result<()> {
    let paid = expect(&deployed.post("/payments", &[], &confirmed_payment("e2e-ref", "pm_card_visa"))?, 201)?;
    let path = format!("/payments/{}/refunds", paid["payment_id"].as_str().context("no payment_id")?);
    let refund = |key: &str, body: &Value| deployed.post(&path, &[("idempotency-key", key)], body);
    let part = json!({ "amount": { "value": 400, "currency": "EUR" } });
    ensure!(expect(&deployed.post(&path, &[], &part)?, 400)?["code"] == "idempotency_key_required");
    let one = expect(&refund("r-1", &part)?, 201)?;
    let again = refund("r-1", &part)?;
    ensure!(again.header("idempotent-replayed") == "true", "the repeat is not marked");
    ensure!(expect(&again, 201)? == one, "the repeat has another answer");
    let other = expect(&refund("r-2", &part)?, 201)?;
    ensure!(one["refund_id"] != other["refund_id"], "two keys are two refunds");
    let too_much = expect(&refund("r-3", &part)?, 422)?;
    ensure!(too_much["code"] == "refund_exceeds_payment" && too_much["refundable"] == 299, "{too_much}");
    let dollars = expect(&refund("r-4", &json!({ "amount": { "value": 1, "currency": "USD" } }))?, 422)?;
    ensure!(dollars["code"] == "currency_mismatch", "{dollars}");
    let reused = expect(&refund("r-1", &json!({}))?, 422)?;
    ensure!(reused["code"] == "idempotency_key_reused", "{reused}");
    expect(&refund("r-5", &json!({ "reason": "requested_by_customer" }))?, 201)?;
    let order = deployed.order_when("e2e-ref", "refunded, with three notices by mail", |order| {
        let mails = order["messages"].as_array().into_iter().flatten();
        order["payment"]["status"] == "refunded" && mails.filter(|mail| mail["status"] == "delivered").count() == 4
    })?;
    ensure!(order["payment"]["amount_refunded"]["value"] == 1099, "{}", order["payment"]);
    ensure!(order["refunds"].as_array().map(Vec::len) == Some(3), "{}", order["refunds"]);
    Ok(())
}

pub(crate) fn refusals_after_the_end(deployed: &Deployed) -> Result<()> {
    let open = expect(&deployed.post("/payments", &[], &payment("e2e-open"))?, 201)?;
    let path = format!("/payments/{}", open["payment_id"].as_str().context("no payment_id")?);
    let too_early = deployed.post(&format!("{path}/refunds"), &[("idempotency-key", "r")], &json!({}))?;
    ensure!(expect(&too_early, 409)?["code"] == "payment_not_refundable");
    expect(&deployed.runtime.block_on(deployed.stack.call(Method::POST, &format!("{path}/cancel"), &[], None))?, 200)?;
    let late = deployed.post(&format!("{path}/confirm"), &[], &json!({ "payment_method": "pm_card_visa" }))?;
    ensure!(expect(&late, 409)?["code"] == "payment_canceled");
    Ok(())
}

pub(crate) fn saved_card(deployed: &Deployed) -> Result<()> {
    let mut first = confirmed_payment("e2e-save", "pm_card_visa");
    first["customer"]["id"] = json!("e2e-saver");
    first["save_payment_method"] = json!(true);
    expect(&deployed.post("/payments", &[], &first)?, 201)?;
    let listed = expect(&deployed.get("/customers/e2e-saver/payment-methods?limit=1")?, 200)?;
    let saved = listed["data"][0]["payment_method"].as_str().context("nothing is saved")?.to_owned();
    ensure!(listed["data"][0]["card"]["last4"] == "4242", "{listed}");
    let mut renewal = confirmed_payment("e2e-renew", &saved);
    renewal["customer"]["id"] = json!("e2e-saver");
    renewal["off_session"] = json!(true);
    ensure!(expect(&deployed.post("/payments", &[], &renewal)?, 201)?["status"] == "succeeded");
    let mut thief = confirmed_payment("e2e-thief", &saved);
    thief["customer"]["id"] = json!("e2e-someone-else");
    thief["save_payment_method"] = json!(true);
    let refused = expect(&deployed.post("/payments", &[], &thief)?, 422)?;
    ensure!(refused["code"] == "payment_method_unusable", "{refused}");
    ensure!(expect(&deployed.get("/customers/e2e-nobody/payment-methods")?, 404)?["code"] == "customer_not_found");
    Ok(())
}

pub(crate) fn webhooks_that_fail(deployed: &Deployed) -> Result<()> {
    let sandbox = deployed.stack.sandbox();
    // A port that nobody listens at: the first deliveries fail, and the vendor tries again.
    let nowhere = json!({ "stripe": { "url": "http://127.0.0.1:9/" } });
    deployed.runtime.block_on(sandbox.admin(Method::PUT, "webhook-urls", Some(&nowhere)))?;
    let created = deployed.post("/payments", &[], &payment("e2e-hook"))?;
    let secret = expect(&created, 201)?["client_secret"].as_str().context("no client_secret")?.to_owned();
    deployed.runtime.block_on(sandbox.shopper_pays(&secret, "pm_card_visa"))?;
    std::thread::sleep(std::time::Duration::from_millis(500));
    let unheard = deployed.runtime.block_on(deployed.stack.order("e2e-hook"))?.context("no order")?;
    deployed.runtime.block_on(deployed.stack.connect_webhooks())?;
    let copies = json!({ "webhooks": [{ "vendor": "stripe", "fault": "duplicate", "copies": 5, "times": 4,
        "about": "e2e-hook" }] });
    deployed.runtime.block_on(sandbox.admin(Method::POST, "faults", Some(&copies)))?;
    ensure!(unheard["payment"]["status"] == "requires_payment_method", "it was heard of: {}", unheard["payment"]);
    let order = deployed.paid_and_mailed("e2e-hook", SOON);
    deployed.runtime.block_on(sandbox.heal_about("e2e-hook"))?;
    ensure!(order?["messages"].as_array().map(Vec::len) == Some(1), "copies of an event made more than one mail");
    Ok(())
}

pub(crate) fn slow_answer(deployed: &Deployed) -> Result<()> {
    let sandbox = deployed.stack.sandbox();
    // The webhooks come late, so that nothing tells of the charge but asking for it.
    let slow = json!({
        "calls": [{ "vendor": "stripe", "operation": "create_payment_intent", "fault": "lost_answer", "times": 2,
            "about": "e2e-slow" }],
        "webhooks": [{ "vendor": "stripe", "fault": "late", "ms": 15_000, "times": 3, "about": "e2e-slow" }],
    });
    deployed.runtime.block_on(sandbox.admin(Method::POST, "faults", Some(&slow)))?;
    let answer = deployed.post("/payments", &[], &confirmed_payment("e2e-slow", "pm_card_visa"));
    deployed.runtime.block_on(sandbox.heal_about("e2e-slow"))?;
    let processing = expect(&answer?, 202)?;
    ensure!(processing["status"] == "processing", "{processing}");
    deployed.paid_and_mailed("e2e-slow", AFTER_A_SWEEP)?;
    let charged = deployed.charged("e2e-slow")?;
    ensure!(charged.len() == 1 && charged[0]["status"] == "succeeded", "{charged:?}");
    Ok(())
}

pub(crate) fn currencies(deployed: &Deployed) -> Result<()> {
    for (currency, value, at_stripe) in
        [("EUR", 1099, 1099), ("JPY", 1099, 1099), ("KWD", 10990, 10990), ("ISK", 1000, 100_000)]
    {
        let order = format!("e2e-{currency}");
        let mut body = confirmed_payment(&order, "pm_card_visa");
        body["amount"] = json!({ "value": value, "currency": currency });
        expect(&deployed.post("/payments", &[], &body)?, 201)?;
        ensure!(deployed.charged(&order)?[0]["amount"] == at_stripe, "{currency}: {:?}", deployed.charged(&order)?);
        let order =
            deployed.order_when(&order, "its fee is known", |order| order["payment"]["settlement"].is_object())?;
        let settlement = &order["payment"]["settlement"];
        ensure!(settlement["fee"]["currency"] == "EUR" && settlement["amount"]["currency"] == "EUR", "{settlement}");
        ensure!(order["payment"]["amount"]["value"] == value, "{}", order["payment"]);
    }
    let mut fraction = confirmed_payment("e2e-fraction", "pm_card_visa");
    fraction["amount"] = json!({ "value": 10_991, "currency": "KWD" });
    let refused = expect(&deployed.post("/payments", &[], &fraction)?, 422)?;
    ensure!(refused["code"] == "amount_not_representable", "{refused}");
    Ok(())
}

pub(crate) fn commands(deployed: &Deployed) -> Result<()> {
    let url = deployed.stack.output("PaymentsQueueUrl")?.to_owned();
    let send = |id: &str, kind: &str, data: &Value| {
        let body = json!({ "v": 1, "id": id, "kind": kind, "occurred_at": "2026-11-01T10:00:00.000Z", "data": data });
        let message = json!({ "QueueUrl": url, "MessageBody": body.to_string() });
        deployed.runtime.block_on(deployed.stack.aws_json("sqs", "AmazonSQS.SendMessage", &message)).map(drop)
    };
    for _ in 0..2 {
        send("e2e-c-1", "payment.requested", &confirmed_payment("e2e-command", "pm_card_visa"))?;
    }
    let order = deployed.paid_and_mailed("e2e-command", SOON)?;
    let refund = json!({ "payment_id": order["payment"]["payment_id"] });
    send("e2e-c-2", "refund.requested", &refund)?;
    deployed.order_when("e2e-command", "refunded", |order| order["payment"]["status"] == "refunded")?;
    ensure!(deployed.charged("e2e-command")?.len() == 1, "one command, one payment");
    Ok(())
}

impl Deployed {
    /// Waits until an order is as it should be.
    fn order_when(&self, order: &str, what: &str, done: impl Fn(&Value) -> bool) -> Result<Value> {
        until(&format!("order {order}: {what}"), SOON, || {
            let found = self.runtime.block_on(self.stack.order(order))?;
            Ok(found.filter(|found| done(found)))
        })
    }
}
