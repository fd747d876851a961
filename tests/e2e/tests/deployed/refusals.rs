//! What is refused at the edges.

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::{Deployed, expect, payment};

pub(crate) fn signatures(deployed: &Deployed) -> Result<()> {
    let health = deployed.runtime.block_on(deployed.stack.health())?;
    ensure!(expect(&health, 200)?["status"] == "ok", "{}", health.json());
    let unsigned = deployed.stack.call_unsigned(Method::GET, "/orders/e2e-1", &[], Bytes::new());
    let unsigned = deployed.runtime.block_on(unsigned)?;
    expect(&unsigned, 403).map(drop)
}

pub(crate) fn bad_input(deployed: &Deployed) -> Result<()> {
    let mut body = payment("e2e bad");
    body["amount"] = json!({ "value": -1, "currency": "EURO" });
    let refused = deployed.post("/payments", &[], &body)?;
    ensure!(refused.header("content-type") == "application/problem+json", "{}", refused.header("content-type"));
    let refused = expect(&refused, 400)?;
    let fields: Vec<&str> =
        refused["errors"].as_array().into_iter().flatten().filter_map(|e| e["field"].as_str()).collect();
    ensure!(fields == ["order_id", "amount.currency", "amount.value"], "{refused}");
    ensure!(refused["code"] == "invalid_input" && refused["correlation_id"].is_string(), "{refused}");
    Ok(())
}

pub(crate) fn unknown_ids(deployed: &Deployed) -> Result<()> {
    ensure!(expect(&deployed.get("/payments/pay_nothing")?, 404)?["code"] == "payment_not_found", "another code");
    ensure!(expect(&deployed.get("/orders/no-such-order")?, 404)?["code"] == "order_not_found", "another code");
    Ok(())
}

pub(crate) fn forged_webhooks(deployed: &Deployed) -> Result<()> {
    let before = deployed.runtime.block_on(deployed.stack.queue("InboundEventsQueueUrl"))?;
    let body = Bytes::from_static(br#"{"id":"evt_forged","type":"payment_intent.succeeded"}"#);
    let signature = format!("t=1714265330,v1={}", "0".repeat(64));
    let headers = [("stripe-signature", signature.as_str())];
    let forged = deployed.stack.webhook("Stripe", &headers, body.clone());
    expect(&deployed.runtime.block_on(forged)?, 400)?;
    let unsigned = deployed.stack.webhook("SendGrid", &[], body);
    expect(&deployed.runtime.block_on(unsigned)?, 400)?;
    let after = deployed.runtime.block_on(deployed.stack.queue("InboundEventsQueueUrl"))?;
    ensure!(after.visible <= before.visible, "a forged event was queued");
    Ok(())
}
