//! What was measured, and what a carrier is told: the same, or the next step up, never two steps.

use crossdock::domain::Timestamp;
use crossdock::domain::input::QuoteRates;
use crossdock::domain::shipping::Consignment;
use crossdock::vendors::carrier::CarrierApi as _;
use serde_json::{Value, json};

use crate::carriers::{Carriers, NOW};

/// A consignment as a shop asks for it.
fn measured(country: &str, weight: &Value, side: &Value) -> Consignment {
    let at = |city: &str| json!({"address": {"city": city, "postal_code": "10115", "state": "TN", "country": country}});
    let mut parcel = json!({ "weight": weight });
    if !side.is_null() {
        parcel["dimensions"] = json!({"length": side["value"], "width": 1, "height": 1, "unit": side["unit"]});
    }
    let body = json!({"shipper": at("Berlin"), "recipient": at("Bonn"), "packages": [parcel]});
    QuoteRates::parse(body.to_string().as_bytes(), Timestamp::from_seconds(NOW)).unwrap().consignment
}

/// What UPS and DHL are told: weight and longest side.
async fn told(consignment: &Consignment) -> [(String, String); 2] {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    carriers.ups.rates(consignment, None, carriers.context()).await;
    let body = carriers.last_body();
    let parcel = &body["RateRequest"]["Shipment"]["Package"][0];
    let by_ups = (text(&parcel["PackageWeight"]["Weight"]), text(&parcel["Dimensions"]["Length"]));
    carriers.dhl.rates(consignment, None, carriers.context()).await;
    let body = carriers.last_body();
    let parcel = &body["packages"][0];
    [by_ups, (text(&parcel["weight"]), text(&parcel["dimensions"]["length"]))]
}

#[tokio::test(start_paused = true)]
async fn what_was_measured_is_what_a_carrier_is_told() {
    for (country, weight, side, ups, dhl) in [
        ("US", json!({"value": 1, "unit": "lb"}), json!({"value": 12, "unit": "in"}), ("1.0", "12"), ("0.454", "31")),
        (
            "US",
            json!({"value": 150, "unit": "lb"}),
            json!({"value": 108, "unit": "in"}),
            ("150.0", "108"),
            ("68.039", "275"),
        ),
        ("US", json!({"value": 16, "unit": "oz"}), json!({"value": 1, "unit": "in"}), ("1.0", "1"), ("0.454", "3")),
        (
            "US",
            json!({"value": 1.001, "unit": "lb"}),
            json!({"value": 12.001, "unit": "in"}),
            ("1.1", "13"),
            ("0.455", "31"),
        ),
        ("DE", json!({"value": 2.5, "unit": "kg"}), json!({"value": 30, "unit": "cm"}), ("2.5", "30"), ("2.5", "30")),
        ("DE", json!({"value": 1, "unit": "g"}), json!({"value": 30.05, "unit": "cm"}), ("0.1", "31"), ("0.001", "31")),
    ] {
        let told = told(&measured(country, &weight, &side)).await;
        let told = told.each_ref().map(|(weight, side)| (weight.as_str(), side.as_str()));
        assert_eq!(told, [ups, dhl], "{weight} {side}");
    }
}
