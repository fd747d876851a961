//! Where a parcel goes to, in the words of its carrier: borders of the customs, countries and states.

use sandbox::Vendor;
use serde_json::{Value, json};
use simulation::universe::Universe;

use crate::labels;

fn to_the_canaries(carrier: &str, service: &str) -> Value {
    json!({
        "order_id": "o-1", "carrier": carrier, "service": service,
        "shipper": {"name": "Ann Smith", "company": "Shop GmbH", "phone": "+491711234567", "address": {
            "street_lines": ["Hauptstr. 1"], "city": "Berlin", "postal_code": "10115", "country": "DE"}},
        "recipient": {"name": "Ada Lovelace", "phone": "+34928123456", "address": {
            "street_lines": ["Calle Mayor de Triana 5"], "city": "Las Palmas", "postal_code": "35002", "country": "ES"}},
        "packages": [{"weight": {"value": 1.2, "unit": "kg"}}],
        "customs": {"items": [{"description": "Cotton shirts", "quantity": 1,
            "unit_value": {"value": 4900, "currency": "EUR"}, "unit_weight": {"value": 400, "unit": "g"},
            "origin_country": "PT", "hs_code": "620520"}], "incoterm": "DAP", "invoice": "R-2026-17"},
    })
}

#[tokio::test(start_paused = true)]
async fn a_state_that_fedex_has_no_code_for_is_not_told() {
    let mut universe = Universe::new(1);
    let mut body = to_the_canaries("fedex", "FEDEX_INTERNATIONAL_PRIORITY");
    for name in ["carrier", "service"] {
        body.as_object_mut().unwrap().remove(name);
    }
    body["carriers"] = json!(["fedex"]);
    body["shipper"]["address"] = json!({"city": "Memphis", "state": "TN", "postal_code": "38116", "country": "US"});
    body["recipient"]["address"] = json!({"city": "Sydney", "state": "NSW", "postal_code": "2000", "country": "AU"});
    let quoted = universe.call("POST", "/rates", None, Some(&body)).await;
    assert_eq!(quoted.status(), 200, "{}", quoted.body());
    assert_eq!((&quoted.body()["errors"], quoted.body()["quotes"].as_array().unwrap().len()), (&json!([]), 2));
}

#[tokio::test(start_paused = true)]
async fn a_parcel_to_the_canary_islands_is_declared() {
    for (carrier, vendor, service) in [("ups", Vendor::Ups, "65"), ("dhl", Vendor::Dhl, "P")] {
        let mut universe = Universe::new(1);
        let mut undeclared = to_the_canaries(carrier, service);
        undeclared["customs"] = json!(null);
        let refused = universe.call("POST", "/shipments", None, Some(&undeclared)).await;
        assert_eq!((refused.status(), &refused.body()["errors"][0]["field"]), (400, &json!("customs")));
        let body = to_the_canaries(carrier, service);
        let bought = universe.call("POST", "/shipments", None, Some(&body)).await;
        assert_eq!(bought.status(), 201, "{carrier}: {}", bought.body());
        assert_eq!(labels(&universe, vendor), (1, 1));
        let sandbox = universe.sandbox();
        assert_eq!(sandbox.parcels(vendor).unwrap().shipments()[0].to.country, "IC");
    }
}
