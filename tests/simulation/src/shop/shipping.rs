//! Flows of shipments: a label whose parcel arrives, answers that are lost, and a carrier that is down.

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};

use super::{Flow, RETRIES_MAX, RETRY_AFTER_MS, confirmed_payment, create};
use crate::invariants::text;
use crate::universe::Universe;

/// A parcel that is bought now has arrived by then, its last look is over, and nobody subscribes to it again.
const ARRIVED_WITHIN_MS: i64 = 15 * 24 * 3_600_000;

/// How often a flow looks whether its label is there.
const LOOK_EVERY_MS: i64 = 60_000;

/// Two addresses in one country, and a parcel.
pub fn consignment() -> Value {
    json!({
        "shipper": {
            "name": "Ann Clerk", "company": "Shop", "phone": "+12125550100",
            "address": {
                "street_lines": ["10 Main St"], "city": "Irving", "state": "TX", "postal_code": "75063", "country": "US",
            },
        },
        "recipient": {
            "name": "Ada Lovelace", "phone": "+12125550123", "email": "ada@example.com",
            "address": {
                "street_lines": ["12 Ontario St"], "city": "Timonium", "state": "MD", "postal_code": "21093",
                "country": "US",
            },
        },
        "packages": [{
            "weight": { "value": 2.5, "unit": "lb" },
            "dimensions": { "length": 10, "width": 8, "height": 4, "unit": "in" },
        }],
    })
}

/// The same from Berlin to Paris, which all three carriers serve.
pub fn within_europe() -> Value {
    let mut body = consignment();
    body["shipper"]["address"] = json!({
        "street_lines": ["Friedrichstr. 1"], "city": "Berlin", "postal_code": "10117", "country": "DE",
    });
    body["recipient"]["address"] = json!({
        "street_lines": ["1 rue de Rivoli"], "city": "Paris", "postal_code": "75001", "country": "FR",
    });
    body["packages"] = json!([{ "weight": { "value": 1.2, "unit": "kg" } }]);
    body
}

/// A request for a label of this carrier's.
pub fn shipment(order: &str, carrier: &str, service: &str) -> Value {
    let mut body = consignment();
    body["order_id"] = json!(order);
    body["carrier"] = json!(carrier);
    body["service"] = json!(service);
    body
}

fn body(flow: Flow) -> Value {
    match flow {
        Flow::FedexAnswerLost | Flow::LabelFallsBack => {
            let mut body = shipment("o-1", "fedex", "FEDEX_GROUND");
            body["allow_fallback"] = json!(flow == Flow::LabelFallsBack);
            body
        }
        _ => shipment("o-1", "ups", "03"),
    }
}

pub(super) async fn run(flow: Flow, universe: &mut Universe) {
    // The order is paid before: what is swept is the shipment's own part.
    create(universe, &confirmed_payment("o-1", "pm_card_visa")).await;
    universe.run_until_quiet(super::REST_WITHIN_MS).await;
    universe.own_part_from = universe.invocations.len();
    // A 503 that is not the carrier's own would say nothing of what was done.
    let down = CallFault::Refused;
    match flow {
        Flow::UpsAnswerLost => universe.sandbox().faults().next_calls(Vendor::Ups, "ship", 1, CallFault::LostAnswer),
        Flow::FedexAnswerLost => {
            universe.sandbox().faults().next_calls(Vendor::FedEx, "ship", 1, CallFault::LostAnswer);
        }
        Flow::LabelFallsBack => universe.sandbox().faults().every_call(Vendor::FedEx, "ship", down),
        Flow::LabelDeferred => universe.sandbox().faults().next_calls(Vendor::Ups, "ship", 2, down),
        _ => {}
    }
    for _ in 0..RETRIES_MAX {
        let asked = universe.call("POST", "/shipments", Some("s-1"), Some(&body(flow))).await;
        if matches!(asked.status(), 201 | 202) {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
    }
    while !is_label_known(universe) && !universe.is_quiet() {
        universe.run_until_quiet(LOOK_EVERY_MS).await;
    }
    universe.effect_known_at = Some(universe.invocations.len());
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
}

/// Whether the label is bought, and written down.
fn is_label_known(universe: &Universe) -> bool {
    let items = universe.aws().table().shared_items();
    items.iter().any(|item| text(item, "type") == Some("shipment") && text(item, "vendor_id").is_some())
}

/// What is wrong at rest, besides the invariants: one label that is billed, whose parcel has arrived; a mail of the label
/// and two SMS of the last mile, each of which arrived.
pub(super) async fn unmet(_flow: Flow, universe: &mut Universe) -> Vec<String> {
    let billed: usize = Vendor::CARRIERS
        .into_iter()
        .filter_map(|carrier| {
            let sandbox = universe.sandbox();
            let parcels = sandbox.parcels(carrier)?;
            Some(parcels.shipments().iter().filter(|shipment| shipment.voided_ms.is_none()).count())
        })
        .sum();
    let order = super::order(universe, "o-1").await;
    let status = order.pointer("/shipments/0/status").and_then(Value::as_str).unwrap_or("none").to_owned();
    let messages: Vec<&Value> = order["messages"].as_array().into_iter().flatten().collect();
    let told = |kind: &str| messages.iter().filter(|m| m["kind"] == kind && m["status"] == "delivered").count();
    let (labels, steps) = (told("shipping_notification"), told("delivery_notification"));
    if billed == 1 && status == "delivered" && labels == 1 && steps == 2 {
        return vec![];
    }
    vec![format!("{billed} labels are billed, the shipment is {status}, {labels} mails, {steps} SMS")]
}
