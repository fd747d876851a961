//! What must hold of labels: each that is billed is ours, printed and followed, and a shipment has one.

use std::sync::Arc;

use crossdock::domain::id::digest;
use sandbox::{Scan, Vendor};
use serde_json::Value;

use super::{of_type, text};
use crate::universe::{STACK_ID, Universe};

/// I1, I4: what a carrier bills is a shipment of ours, and its label can be printed; a shipment stands where its carrier
/// has seen it.
pub(super) fn agree(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let objects = universe.aws().s3().objects();
    let sandbox = universe.sandbox();
    let number_of = |shipment: &Value| text(shipment, "vendor_id").map(str::to_owned);
    for carrier in Vendor::CARRIERS {
        let Some(parcels) = sandbox.parcels(carrier) else { continue };
        for label in parcels.shipments().iter().filter(|label| label.voided_ms.is_none()) {
            let ours = of_type(items, "shipment").find(|ours| number_of(ours).as_ref() == Some(&label.tracking_number));
            match ours {
                // What DHL was not handed it does not bill, and its API has no way to say that it will not come.
                None if carrier == Vendor::Dhl => {}
                None if of_type(items, "shipment").any(|ours| {
                    let is_it = references(items, ours).iter().any(|reference| label.has_reference(reference));
                    is_it && text(ours, "status") == Some("manual")
                }) => {}
                None => {
                    wrong.push(format!("I1: {} bills {}, and nobody knows it", carrier.name(), label.tracking_number));
                }
                Some(ours) => {
                    let status = text(ours, "status").unwrap_or_default();
                    let seen = label.scans.iter().rev().find_map(|scanned| shown(scanned.scan));
                    if seen != Some(status) {
                        wrong.push(format!("I4: {} is {seen:?} there and {status} here", label.tracking_number));
                    }
                }
            }
        }
    }
    for shipment in of_type(items, "shipment").filter(|shipment| number_of(shipment).is_some()) {
        let labels: Vec<Value> = serde_json::from_str(text(shipment, "labels").unwrap_or("[]")).unwrap_or_default();
        let keys: Vec<&str> = labels.iter().filter_map(|label| text(label, "key")).collect();
        let printable = |key: &&str| objects.get(*key).is_some_and(|object| !object.bytes.is_empty());
        if keys.is_empty() || !keys.iter().all(printable) {
            wrong.push(format!("I4: a label of {:?} cannot be printed", text(shipment, "shipment_id")));
        }
    }
}

/// I1, I2: a shipment has one label that is billed; none where the carrier refused, or a person looks.
pub(super) fn one_each(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let sandbox = universe.sandbox();
    for shipment in of_type(items, "shipment") {
        let references = references(items, shipment);
        let (id, status) = (text(shipment, "shipment_id").unwrap_or_default(), text(shipment, "status"));
        let billed: usize = Vendor::CARRIERS
            .into_iter()
            .filter_map(|carrier| {
                let labels = sandbox.parcels(carrier)?.shipments().iter().filter(|label| label.voided_ms.is_none());
                let ours = labels.filter(|label| references.iter().any(|reference| label.has_reference(reference)));
                let number = text(shipment, "vendor_id");
                Some(ours.filter(|l| carrier != Vendor::Dhl || number == Some(l.tracking_number.as_str())).count())
            })
            .sum();
        match (billed, status.unwrap_or_default()) {
            (0, "failed" | "manual") => {}
            (1, status) if !matches!(status, "processing" | "deferred") => {}
            (_, status) => wrong.push(format!("I1: shipment {id} is {status} with {billed} labels that are billed")),
        }
    }
}

/// What carriers know the purchases of a shipment by: one reference for each generation of its intent.
fn references(items: &[Arc<Value>], shipment: &Value) -> Vec<String> {
    let id = text(shipment, "intent_id").unwrap_or_default();
    let intent = of_type(items, "intent").find(|intent| text(intent, "intent_id") == Some(id));
    let generation = intent.and_then(|intent| intent["generation"].as_u64()).unwrap_or(0);
    (0..=generation).map(|generation| format!("CD-{}", digest(&[STACK_ID, id, &generation.to_string()]))).collect()
}

/// The status that a scan leads to; none for a code that nobody knows.
const fn shown(scan: Scan) -> Option<&'static str> {
    match scan {
        Scan::Created => Some("label_created"),
        Scan::PickedUp => Some("picked_up"),
        Scan::InTransit => Some("in_transit"),
        Scan::Exception | Scan::SentBack => Some("exception"),
        Scan::OutForDelivery => Some("out_for_delivery"),
        Scan::Delivered => Some("delivered"),
        Scan::Returned => Some("returned"),
        Scan::Unknown => None,
    }
}
