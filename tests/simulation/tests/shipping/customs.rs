//! What crosses a border of the customs, and what only looks like it.

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
