//! Shipments: prices of three carriers, a label, and the way to the door.

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{DONE_WITHIN, Order, expect};

/// After a lost answer the carrier is asked ten seconds later, and a cold function asks: a minute, and more where others
/// compile.
const FOUND_WITHIN: std::time::Duration = std::time::Duration::from_mins(5);

/// From the shop in Berlin to Ada in Paris, a parcel of a kilogram.
fn consignment() -> Value {
    json!({
        "shipper": {
            "name": "Ann Clerk", "company": "The Example Shop", "phone": "+493012345678",
            "address": {
                "street_lines": ["Friedrichstr. 1"], "city": "Berlin", "postal_code": "10117", "country": "DE",
            },
        },
        "recipient": {
            "name": "Ada Example", "phone": crate::phone::awake("65432"), "email": "ada@shopper.example",
            "address": {
                "street_lines": ["1 rue de Rivoli"], "city": "Paris", "postal_code": "75001", "country": "FR",
            },
        },
        "packages": [{ "weight": { "value": 1.2, "unit": "kg" } }],
    })
}

impl Order<'_> {
    /// Three carriers are asked at once; the cheapest that tells of its scans carries it, and Ada hears of each step.
    pub(super) async fn is_shipped(&self) -> Result<Value> {
        let quoted = self.stack.call(Method::POST, "/rates", &[], Some(&consignment())).await?;
        expect(&quoted, StatusCode::OK, "POST /rates")?;
        let quoted = quoted.json();
        ensure!(quoted["errors"] == json!([]), "a carrier did not answer: {}", quoted["errors"]);
        let mut quotes = quoted["quotes"].as_array().into_iter().flatten();
        let cheapest = quotes.find(|quote| quote["carrier"] != "dhl").context("nobody carries it")?;
        let mut body = consignment();
        body["order_id"] = json!(self.id);
        body["quote_id"] = cheapest["quote_id"].clone();
        let bought = self.stack.call(Method::POST, "/shipments", &[], Some(&body)).await?;
        expect(&bought, StatusCode::CREATED, "POST /shipments by a quote")?;
        let bought = bought.json();
        ensure!(bought["label_url"].is_string(), "there is no label to print: {bought}");
        let mut order = self.travels(&bought).await?;
        order["quotes"] = quoted["quotes"].clone();
        Ok(order)
    }

    /// The carrier makes the label, and its answer is lost. Whoever asks again finds it, and nobody buys another.
    pub(super) async fn is_labelled_once(&self) -> Result<Value> {
        let sandbox = self.stack.sandbox();
        let lost = json!({ "vendor": "ups", "operation": "ship", "fault": "lost_answer", "times": 1 });
        sandbox.admin(Method::POST, "faults", Some(&json!({ "calls": [lost] }))).await?;
        let mut body = consignment();
        for (name, value) in [("order_id", json!(self.id)), ("carrier", json!("ups")), ("service", json!("11"))] {
            body[name] = value;
        }
        let asked = self.stack.call(Method::POST, "/shipments", &[], Some(&body)).await?;
        expect(&asked, StatusCode::ACCEPTED, "POST /shipments whose answer is lost")?;
        let found = self.until("labelled", FOUND_WITHIN, |order| order["shipments"][0]["status"] == "label_created");
        let order = self.while_sweeping(found).await?;
        let state = sandbox.admin(Method::GET, "state", None).await?;
        let number = &order["shipments"][0]["tracking_number"];
        let labels = state["ups"]["shipments"].as_array().into_iter().flatten();
        let reference = |label: &Value| label["pieces"][0]["references"].clone();
        let ours = labels.clone().find(|label| label["tracking_number"] == *number).map(reference);
        let bought = labels.filter(|label| Some(reference(label)) == ours).count();
        ensure!(bought == 1, "{bought} labels were bought for the order, not one");
        self.travels(&order["shipments"][0]).await
    }

    /// The parcel goes its way, scan by scan.
    async fn travels(&self, shipment: &Value) -> Result<Value> {
        let scan = json!({ "carrier": shipment["carrier"], "tracking_number": shipment["tracking_number"] });
        // UPS tells of a parcel once it was asked to, which the worker does after the label.
        self.until("announced by mail", DONE_WITHIN, |order| {
            order["messages"].as_array().is_some_and(|all| all.iter().any(|m| m["status"] == "delivered"))
        })
        .await?;
        for status in ["picked_up", "in_transit", "in_transit", "out_for_delivery", "delivered"] {
            self.stack.sandbox().admin(Method::POST, "parcel/scan", Some(&scan)).await?;
            self.until(status, DONE_WITHIN, |order| order["shipments"][0]["status"] == status).await?;
        }
        self.until("delivered and announced", DONE_WITHIN, |order| {
            let messages = order["messages"].as_array().into_iter().flatten();
            messages.filter(|message| message["status"] == "delivered").count() == 3
        })
        .await
    }
}

/// What carriers asked for an order's parcel, the cheapest first; nothing for an order without.
pub(super) fn quotes(order: &Value) -> String {
    let quotes = order["quotes"].as_array().into_iter().flatten().map(|quote| {
        let text = |name: &str| quote[name].as_str().unwrap_or_default();
        format!("  {:5}  {:>10}  {}\n", text("carrier"), timeline::amount(&quote["price"]), text("name"))
    });
    let quotes: String = quotes.collect();
    if quotes.is_empty() { quotes } else { format!("Quoted\n{quotes}\n") }
}
