//! Shipments: prices under one deadline, labels bought once, parcels followed until they arrive.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod buying;
mod customs;
mod pickups;
mod quoting;
mod tokens;
mod tracking;

use sandbox::Vendor;
use serde_json::Value;
use simulation::invariants::{of_type, text, violations};
use simulation::universe::Universe;

/// Longer than any parcel of the sandbox takes, and than UPS tells of one without being asked again.
const ARRIVED_WITHIN_MS: i64 = 15 * 24 * 3_600_000;

fn calls(universe: &Universe, vendor: Vendor, operation: &str) -> usize {
    universe.sandbox().calls().iter().filter(|call| call.vendor == vendor && call.operation == operation).count()
}

fn labels(universe: &Universe, vendor: Vendor) -> (usize, usize) {
    let sandbox = universe.sandbox();
    let all = sandbox.parcels(vendor).unwrap().shipments();
    (all.len(), all.iter().filter(|label| label.voided_ms.is_none()).count())
}

fn shipment(universe: &Universe) -> Value {
    of_type(&universe.aws().table().items(), "shipment").next().cloned().expect("a shipment")
}

fn status(universe: &Universe) -> String {
    text(&shipment(universe), "status").unwrap_or_default().to_owned()
}

fn intent_phase(universe: &Universe, kind: &str) -> String {
    let items = universe.aws().table().items();
    let intent = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some(kind)).expect("an intent");
    text(intent, "phase").unwrap_or_default().to_owned()
}

fn nothing_is_wrong(universe: &Universe) {
    assert_eq!(violations(universe), Vec::<String>::new());
}
