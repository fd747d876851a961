//! What bears our mark at the vendor, and what its shoppers tried: known here, or a person was told.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{of_type, text};
use crate::universe::{STACK_ID, Universe};

/// E: each object at Stripe that bears our mark is known to us, or somebody is told of it.
pub(super) fn objects_are_known(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let sandbox = universe.sandbox();
    let stripe = sandbox.stripe();
    let is_ours = |metadata: &std::collections::BTreeMap<String, String>| {
        metadata.contains_key("crossdock_intent")
            && metadata.get("crossdock_stack").is_some_and(|stack| stack == STACK_ID)
    };
    let payments = stripe.payment_intents().iter().map(|payment| (payment.id.as_str(), &payment.metadata));
    let refunds = stripe.refunds().iter().map(|refund| (refund.id.as_str(), &refund.metadata));
    let customers = stripe.customers().iter().map(|customer| (customer.id.as_str(), &customer.metadata));
    let known: BTreeSet<&str> = items.iter().filter_map(|item| text(item, "pk")?.strip_prefix("REF#stripe#")).collect();
    let doubted: BTreeSet<&str> = of_type(items, "doubt").filter_map(|doubt| text(doubt, "vendor_id")).collect();
    let marked = payments.chain(refunds).chain(customers).filter(|(_, metadata)| is_ours(metadata));
    for (id, _) in marked {
        if !known.contains(id) && !doubted.contains(id) {
            wrong.push(format!("E: {id} bears our mark, is not known to us, and nobody was told"));
        }
    }
}

/// F: each attempt to pay that failed is published, under an id of its own.
pub(super) fn failures_are_told_once(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let sandbox = universe.sandbox();
    for payment in of_type(items, "payment") {
        let (Some(id), Some(vendor_id)) = (text(payment, "payment_id"), text(payment, "vendor_id")) else { continue };
        let attempts = sandbox.stripe().failed_attempts().iter().filter(|attempt| attempt.payment_intent == vendor_id);
        let failed: BTreeSet<String> = attempts
            .map(|attempt| attempt.charge.clone().unwrap_or_else(|| format!("{}/{}", attempt.at_s, attempt.code)))
            .collect();
        let told: BTreeSet<&str> = of_type(items, "intent")
            .filter(|intent| {
                intent.pointer("/data/event/type").is_some_and(|kind| kind == "crossdock.payment.failed.v1")
            })
            .filter(|intent| intent.pointer("/data/event/data/payment_id").is_some_and(|of| of == id))
            .filter_map(|intent| intent.pointer("/data/event_id").and_then(Value::as_str))
            .collect();
        if failed.len() != told.len() {
            wrong.push(format!("F: {} attempts to pay {id} failed, and {} are told", failed.len(), told.len()));
        }
    }
}
