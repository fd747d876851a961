//! Pickups: one van.

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::universe::{Response, Universe};

fn pickup(carrier: &str) -> Value {
    json!({
        "carrier": carrier,
        "address": {
            "street_lines": ["10 Main St"], "city": "Irving", "state": "TX", "postal_code": "75063", "country": "US",
        },
        "contact": { "name": "Ann Clerk", "company": "Shop", "phone": "+12125550100" },
        "ready_at": "2024-04-29T10:00:00-05:00",
        "close_at": "2024-04-29T17:00:00-05:00",
        "packages": [{ "weight": { "value": 2.5, "unit": "lb" } }],
    })
}

fn vans(universe: &Universe, vendor: Vendor) -> usize {
    universe.sandbox().parcels(vendor).unwrap().pickups().len()
}

#[tokio::test(start_paused = true)]
async fn a_pickup_is_ordered_once_for_each_key() {
    for (carrier, vendor) in [("fedex", Vendor::FedEx), ("ups", Vendor::Ups), ("dhl", Vendor::Dhl)] {
        let mut universe = Universe::new(1);
        let ordered = universe.call("POST", "/pickups", Some("k-1"), Some(&pickup(carrier))).await;
        assert_eq!(
            (ordered.status(), ordered.body()["status"].clone()),
            (201, json!("scheduled")),
            "{}",
            ordered.body()
        );
        assert!(ordered.body()["confirmation"].as_str().is_some_and(|number| !number.is_empty()));
        let again = universe.call("POST", "/pickups", Some("k-1"), Some(&pickup(carrier))).await;
        assert!(matches!(again, Response::Answer { status: 201, replayed: true, .. }));
        assert_eq!(vans(&universe, vendor), 1, "{carrier}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_repeat_of_a_refused_pickup_is_the_same_refusal() {
    let mut universe = Universe::new(1);
    let mut body = pickup("ups");
    // UPS sends no van there.
    body["address"] = json!({ "street_lines": ["Calle 1"], "city": "La Paz", "country": "BO" });
    let first = universe.call("POST", "/pickups", Some("k-1"), Some(&body)).await;
    let again = universe.call("POST", "/pickups", Some("k-1"), Some(&body)).await;
    assert_eq!(first.status(), 422, "{}", first.body());
    for told in ["code", "detail", "pickup_id"] {
        assert_eq!((again.status(), &again.body()[told]), (422, &first.body()[told]), "{told}");
    }
    assert_eq!(vans(&universe, Vendor::Ups), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pickup_whose_answer_was_lost_is_left_to_a_person_and_not_ordered_again() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::Ups, "pickup", 1, CallFault::LostAnswer);
    let ordered = universe.call("POST", "/pickups", Some("k-1"), Some(&pickup("ups"))).await;
    assert_eq!((ordered.status(), ordered.body()["status"].clone()), (202, json!("processing")));
    universe.run_until_quiet(24 * 3_600_000).await;
    assert_eq!((crate::intent_phase(&universe, "pickup.create").as_str(), vans(&universe, Vendor::Ups)), ("MANUAL", 1));
}

#[tokio::test(start_paused = true)]
async fn a_pickup_in_the_past_or_without_a_key_is_refused() {
    let mut universe = Universe::new(1);
    let mut late = pickup("ups");
    late["ready_at"] = json!("2024-04-01T10:00:00-05:00");
    late["close_at"] = json!("2024-04-01T17:00:00-05:00");
    let refused = universe.call("POST", "/pickups", Some("k-1"), Some(&late)).await;
    assert_eq!((refused.status(), refused.body()["code"].clone()), (400, json!("invalid_input")));
    let keyless = universe.call("POST", "/pickups", None, Some(&pickup("ups"))).await;
    assert_eq!(keyless.status(), 400);
    assert_eq!(vans(&universe, Vendor::Ups), 0);
}
