//! Payments that come to a good end.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use crate::{AFTER_A_SWEEP, Deployed, SOON, confirmed_payment, expect, payment};

pub(crate) fn made_in_the_browser(deployed: &Deployed) -> Result<()> {
    let created = expect(&deployed.post("/payments", &[("idempotency-key", "e2e-1")], &payment("e2e-1"))?, 201)?;
    ensure!(created["status"] == "requires_payment_method", "{created}");
    let secret = created["client_secret"].as_str().context("no client_secret")?;
    deployed.runtime.block_on(deployed.stack.sandbox().shopper_pays(secret, "pm_card_visa"))?;
    let order = deployed.paid_and_mailed("e2e-1", SOON)?;
    ensure!(order["payment"].get("client_secret").is_none(), "an order must not show the client secret");
    let charged = deployed.charged("e2e-1")?;
    ensure!(charged.len() == 1 && charged[0]["status"] == "succeeded", "{charged:?}");
    let url = deployed.stack.output("DomainEventsQueueUrl")?.to_owned();
    let mut seen = Vec::new();
    super::until("payment.requested and payment.succeeded are published", SOON, || {
        let body = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600 });
        let received = deployed.runtime.block_on(deployed.stack.aws_json("sqs", "AmazonSQS.ReceiveMessage", &body))?;
        for message in received["Messages"].as_array().into_iter().flatten() {
            let event: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
            ensure!(event["specversion"] == "1.0" && event["source"] == "crossdock/local", "{event}");
            if event["data"]["order_id"] == "e2e-1" {
                seen.push(event["type"].as_str().unwrap_or_default().to_owned());
            }
        }
        let both = ["crossdock.payment.requested.v1", "crossdock.payment.succeeded.v1"];
        Ok(both.iter().all(|kind| seen.iter().any(|seen| seen == kind)).then_some(()))
    })
}

pub(crate) fn declined_then_paid(deployed: &Deployed) -> Result<()> {
    let body = confirmed_payment("e2e-2", "pm_card_visa_chargeDeclinedInsufficientFunds");
    let declined = deployed.post("/payments", &[], &body)?;
    ensure!(declined.header("content-type") == "application/problem+json", "{}", declined.header("content-type"));
    let declined = expect(&declined, 402)?;
    ensure!(declined["code"] == "insufficient_funds" && declined["user_message"].is_string(), "{declined}");
    let id = declined["payment_id"].as_str().context("no payment_id")?;
    let body = json!({ "payment_method": "pm_card_visa" });
    let confirmed = expect(&deployed.post(&format!("/payments/{id}/confirm"), &[], &body)?, 200)?;
    ensure!(confirmed["status"] == "succeeded", "{confirmed}");
    deployed.paid_and_mailed("e2e-2", SOON)?;
    ensure!(deployed.charged("e2e-2")?.len() == 1, "one order, one payment");
    Ok(())
}

pub(crate) fn submitted_three_times(deployed: &Deployed) -> Result<()> {
    let body = confirmed_payment("e2e-3", "pm_card_visa");
    let key = [("idempotency-key", "e2e-3")];
    let first = expect(&deployed.post("/payments", &key, &body)?, 201)?;
    let second = deployed.post("/payments", &key, &body)?;
    ensure!(second.header("idempotent-replayed") == "true", "the repeat is not marked");
    ensure!(expect(&second, 201)? == first, "the repeat has another answer");
    let mut other = body.clone();
    other["amount"]["value"] = json!(2);
    let reused = expect(&deployed.post("/payments", &key, &other)?, 422)?;
    ensure!(reused["code"] == "idempotency_key_reused", "{reused}");
    let another_key = expect(&deployed.post("/payments", &[("idempotency-key", "e2e-3b")], &body)?, 409)?;
    ensure!(another_key["code"] == "order_already_has_payment", "{another_key}");
    ensure!(another_key["payment_id"] == first["payment_id"], "{another_key}");
    ensure!(deployed.charged("e2e-3")?.len() == 1, "one order, one payment");
    deployed.paid_and_mailed("e2e-3", SOON).map(drop)
}

pub(crate) fn deferred(deployed: &Deployed) -> Result<()> {
    let sandbox = deployed.stack.sandbox();
    deployed.runtime.block_on(sandbox.outage_about("stripe", "e2e-deferred"))?;
    let answer = deployed.post("/payments", &[], &confirmed_payment("e2e-deferred", "pm_card_visa"));
    deployed.runtime.block_on(sandbox.heal_about("e2e-deferred"))?;
    let deferred = expect(&answer?, 202)?;
    ensure!(deferred["status"] == "deferred", "{deferred}");
    // Nobody calls the sweeper: its schedule in the template does.
    deployed.paid_and_mailed("e2e-deferred", AFTER_A_SWEEP)?;
    let charged = deployed.charged("e2e-deferred")?;
    ensure!(charged.len() == 1 && charged[0]["status"] == "succeeded", "{charged:?}");
    deployed.dead_letter_queues_are_empty()
}

pub(crate) fn canceled(deployed: &Deployed) -> Result<()> {
    let created = expect(&deployed.post("/payments", &[], &payment("e2e-5"))?, 201)?;
    let id = created["payment_id"].as_str().context("no payment_id")?;
    let cancel = format!("/payments/{id}/cancel");
    let canceled = deployed.runtime.block_on(deployed.stack.call(Method::POST, &cancel, &[], None))?;
    ensure!(expect(&canceled, 200)?["status"] == "canceled", "{}", canceled.json());
    ensure!(deployed.charged("e2e-5")?[0]["status"] == "canceled", "it is not canceled at the vendor");
    let late = json!({ "payment_method": "pm_card_visa" });
    let refused = expect(&deployed.post(&format!("/payments/{id}/confirm"), &[], &late)?, 409)?;
    ensure!(refused["code"] == "payment_canceled", "{refused}");
    Ok(())
}
