//! Shipments over the deployed stack: three carriers, their labels, and what they tell of them.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use serde_json::{Value, json};

use crate::{Deployed, SOON, expect, until};

/// From Berlin to Paris, which all three serve.
fn consignment() -> Value {
    json!({
        "shipper": {
            "name": "Ann Clerk", "company": "Shop", "phone": "+493012345678",
            "address": { "street_lines": ["Friedrichstr. 1"], "city": "Berlin", "postal_code": "10117", "country": "DE" },
        },
        "recipient": {
            "name": "Ada Lovelace", "phone": local::phone::awake("65432"), "email": "ada@example.com",
            "address": { "street_lines": ["1 rue de Rivoli"], "city": "Paris", "postal_code": "75001", "country": "FR" },
        },
        "packages": [{ "weight": { "value": 1.2, "unit": "kg" } }],
    })
}

fn admin(deployed: &Deployed, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
    deployed.runtime.block_on(deployed.stack.sandbox().admin(method, path, body))
}

/// The cheapest quote of a carrier.
fn quoted(deployed: &Deployed, carrier: &str) -> Result<Value> {
    let answer = expect(&deployed.post("/rates", &[], &consignment())?, 200)?;
    ensure!(answer["errors"] == json!([]), "a carrier did not answer: {answer}");
    let mut quotes = answer["quotes"].as_array().into_iter().flatten();
    quotes
        .find(|quote| quote["carrier"] == carrier)
        .cloned()
        .with_context(|| format!("{carrier} asks nothing: {answer}"))
}

fn bought(deployed: &Deployed, order: &str, carrier: &str) -> Result<Value> {
    let quote = quoted(deployed, carrier)?;
    let mut body = consignment();
    body["order_id"] = json!(order);
    body["quote_id"] = quote["quote_id"].clone();
    let shipment = expect(&deployed.post("/shipments", &[], &body)?, 201)?;
    ensure!(shipment["price_quoted"] == quote["price"], "{shipment} was not bought at {quote}");
    ensure!(shipment["label_url"].as_str().is_some_and(|url| url.contains("X-Amz-Signature")), "no label: {shipment}");
    let again = deployed.post("/shipments", &[], &body)?;
    expect(&again, 201)?;
    let state = admin(deployed, Method::GET, "state", None)?;
    let labels = state[carrier]["shipments"].as_array().into_iter().flatten();
    let ours = labels.filter(|label| label["tracking_number"] == shipment["tracking_number"]).count();
    ensure!(ours == 1, "{ours} labels of {carrier}");
    Ok(shipment)
}

pub(crate) fn quoted_bought_and_followed(deployed: &Deployed) -> Result<()> {
    for carrier in ["fedex", "ups"] {
        let order = format!("e2e-parcel-{carrier}");
        let shipment = bought(deployed, &order, carrier)?;
        let number = &shipment["tracking_number"];
        let stands = |status: &str| {
            until(&format!("{order} {status}"), SOON, || {
                let found = expect(&deployed.get(&format!("/orders/{order}"))?, 200)?;
                Ok((found["shipments"][0]["status"] == status).then_some(found))
            })
        };
        until("its label announced", SOON, || {
            let found = expect(&deployed.get(&format!("/orders/{order}"))?, 200)?;
            let mut messages = found["messages"].as_array().into_iter().flatten();
            Ok(messages.any(|message| message["status"] == "delivered").then_some(()))
        })?;
        // Across a border it is seen on its way twice.
        let scan = json!({ "carrier": carrier, "tracking_number": number });
        for status in ["picked_up", "in_transit", "in_transit", "out_for_delivery", "delivered"] {
            admin(deployed, Method::POST, "parcel/scan", Some(&scan))?;
            stands(status)?;
        }
        until("delivered, and each step told", SOON, || {
            let found = expect(&deployed.get(&format!("/orders/{order}"))?, 200)?;
            let messages = found["messages"].as_array().into_iter().flatten();
            Ok((messages.filter(|message| message["status"] == "delivered").count() == 3).then_some(()))
        })?;
        let path = format!("/tracking/{carrier}/{}", number.as_str().unwrap_or_default());
        let seen = expect(&deployed.get(&path)?, 200)?;
        ensure!(seen["status"] == "delivered", "the carrier says {seen}");
    }
    bought(deployed, "e2e-parcel-dhl", "dhl").map(drop)
}

pub(crate) fn found_after_a_lost_answer(deployed: &Deployed) -> Result<()> {
    // The order's id stands in no label: the name of who gets the parcel does.
    let lost = json!({ "vendor": "ups", "operation": "ship", "fault": "lost_answer", "times": 1,
        "about": "Lost Lovelace" });
    admin(deployed, Method::POST, "faults", Some(&json!({ "calls": [lost] })))?;
    let mut body = consignment();
    for (name, value) in [("order_id", "e2e-parcel-lost"), ("carrier", "ups"), ("service", "11")] {
        body[name] = json!(value);
    }
    body["recipient"]["name"] = json!("Lost Lovelace");
    let asked = expect(&deployed.post("/shipments", &[], &body)?, 202)?;
    ensure!(asked["status"] == "processing", "nobody knows yet: {asked}");
    let path = format!("/shipments/{}", asked["shipment_id"].as_str().context("no shipment_id")?);
    until("the label found", crate::AFTER_A_SWEEP, || {
        let shipment = expect(&deployed.get(&path)?, 200)?;
        Ok((shipment["status"] == "label_created" && shipment["label_url"].is_string()).then_some(()))
    })
}

/// Tomorrow in UTC, as `2026-01-31`.
fn tomorrow() -> String {
    time::OffsetDateTime::now_utc().date().next_day().unwrap_or(time::Date::MAX).to_string()
}

pub(crate) fn addresses_and_pickups(deployed: &Deployed) -> Result<()> {
    let recipient = consignment()["recipient"]["address"].clone();
    for carrier in ["fedex", "dhl"] {
        let body = json!({ "carrier": carrier, "address": recipient });
        let checked = expect(&deployed.post("/addresses/validate", &[], &body)?, 200)?;
        ensure!(checked["valid"] == true, "{carrier}: {checked}");
    }
    let tomorrow = tomorrow();
    let pickup = json!({
        "carrier": "ups",
        "address": consignment()["shipper"]["address"],
        "contact": { "name": "Ann Clerk", "company": "Shop", "phone": "+493012345678" },
        "ready_at": format!("{tomorrow}T10:00:00+01:00"),
        "close_at": format!("{tomorrow}T17:00:00+01:00"),
        "packages": [{ "weight": { "value": 1.2, "unit": "kg" } }],
    });
    let key = [("idempotency-key", "e2e-pickup")];
    let ordered = expect(&deployed.post("/pickups", &key, &pickup)?, 201)?;
    ensure!(ordered["status"] == "scheduled", "{ordered}");
    let again = expect(&deployed.post("/pickups", &key, &pickup)?, 201)?;
    ensure!(again["confirmation"] == ordered["confirmation"], "another van: {again}");
    Ok(())
}
