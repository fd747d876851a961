//! What somebody wanted, and what became of it: a wish ends fulfilled, too late, or with a person.

use std::collections::BTreeSet;
use std::sync::Arc;

use sandbox::Dial;
use serde_json::Value;

use super::{of_type, text};
use crate::universe::Universe;

/// How long before a text was sent its recipient's wishes may have been read, in milliseconds: a lease, and the call.
const READ_BEFORE_MS: i64 = 60_000;

/// P(d): whoever wrote STOP, under whichever way of writing their number, gets no text until they write START. What Twilio
/// blocks by itself is none of our doing; of its own words it knows eleven.
pub(super) fn the_opted_out_are_not_written_to(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    for sent in universe.sandbox().twilio().messages() {
        let ways = ways_to_write(&sent.to);
        let whose =
            |contact: &&Value| text(contact, "address").is_some_and(|address| ways.iter().any(|way| way == address));
        let mut ids: BTreeSet<&str> =
            of_type(items, "contact").filter(whose).filter_map(|c| text(c, "contact_id")).collect();
        let named = |contact: &Value| {
            contact["also"]
                .as_array()
                .is_some_and(|also| also.iter().any(|id| ids.contains(id.as_str().unwrap_or_default())))
        };
        let others: Vec<&str> =
            of_type(items, "contact").filter(|c| named(c)).filter_map(|c| text(c, "contact_id")).collect();
        ids.extend(others);
        let known = |row: &&Value| row["received_at"].as_i64().is_some_and(|at| at + READ_BEFORE_MS < sent.created_ms);
        let theirs = |row: &&Value| text(row, "pk").is_some_and(|pk| ids.contains(pk.trim_start_matches("CONTACT#")));
        let about_all = |row: &&Value| matches!(text(row, "change"), Some("suppressed" | "lifted"));
        let said = of_type(items, "consent").filter(theirs).filter(about_all).filter(known);
        let newest = said.max_by_key(|row| row["at"].as_i64());
        if newest.is_some_and(|row| text(row, "change") == Some("suppressed")) {
            wrong.push(format!("P(d): {} was sent to somebody who had answered STOP", sent.sid));
        }
    }
}

/// The ways in which the number of one phone is written, as the numbering plans of Argentina, Brazil and Italy have it.
fn ways_to_write(number: &str) -> Vec<String> {
    let mut ways = vec![number.to_owned()];
    for (long, short) in [("+549", "+54"), ("+390", "+39")] {
        match (number.strip_prefix(long), number.strip_prefix(short)) {
            (Some(rest), _) => ways.push(format!("{short}{rest}")),
            (None, Some(rest)) => ways.push(format!("{long}{rest}")),
            (None, None) => {}
        }
    }
    match number.strip_prefix("+55").and_then(|rest| rest.split_at_checked(2)) {
        Some((area, local)) if local.len() == 9 && local.starts_with('9') => {
            ways.push(format!("+55{area}{}", &local[1..]));
        }
        Some((area, local)) if local.len() == 8 => ways.push(format!("+55{area}9{local}")),
        _ => {}
    }
    ways
}

/// P(a): what was canceled before anything was sent is never charged. P(b): a cancel that was asked for ends canceled, succeeded
/// before it, or with a person and an alarm.
pub(super) fn cancels_are_kept(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    for payment in of_type(items, "payment") {
        let id = text(payment, "payment_id").unwrap_or_default();
        let Some(asked) = universe.watch.cancels.get(id) else { continue };
        let charged_ms = charges(universe, items, payment);
        let first_sent_ms = sent(universe, payment);
        let was_sent = asked.may_be_under_way || first_sent_ms.is_some_and(|at_ms| at_ms <= asked.at_ms);
        if !was_sent && !charged_ms.is_empty() {
            wrong.push(format!("P(a): {id} was charged, and nothing was sent when its cancel was asked for"));
        }
        // Before it, or while somebody who asked for it was still waiting for what it comes to.
        let wrong_by_ms = 2 * universe.watch.clocks_wrong_by_ms;
        let in_time = charged_ms
            .iter()
            .any(|at_ms| *at_ms <= asked.at_ms + wrong_by_ms || universe.told.hears_of_charge(id, *at_ms, wrong_by_ms));
        let status = text(payment, "status").unwrap_or_default();
        let is_kept = match status {
            "canceled" | "failed" => charged_ms.is_empty(),
            "succeeded" => in_time || is_told(items, payment),
            _ => waits_for_a_person(items, id) || was_given_up_by_hand(items, payment),
        };
        if !is_kept {
            wrong.push(format!("P(b): {id} was to be canceled, and is {status} with {} charges", charged_ms.len()));
        }
    }
}

/// P(c): an order that turned out to be paid has no other payment that is open, and that nobody wants canceled.
pub(super) fn paid_orders_are_paid_once(items: &[Arc<Value>], wrong: &mut Vec<String>) {
    for paid in of_type(items, "payment").filter(|payment| is_told(items, payment)) {
        let others = of_type(items, "payment").filter(|other| {
            other["order_id"] == paid["order_id"] && other["ordinal"].as_i64() > paid["ordinal"].as_i64()
        });
        for other in others {
            let (id, status) =
                (text(other, "payment_id").unwrap_or_default(), text(other, "status").unwrap_or_default());
            if !matches!(status, "canceled" | "failed" | "succeeded") && !waits_for_a_person(items, id) {
                wrong.push(format!("P(c): {id} is {status}, and an earlier payment of its order was charged"));
            }
        }
    }
}

/// Whether a person has decided that this payment is not canceled: then it is as if nobody had asked.
fn was_given_up_by_hand(items: &[Arc<Value>], payment: &Value) -> bool {
    let its_cancels = of_type(items, "intent").filter(|intent| {
        text(intent, "kind") == Some("payment.cancel") && intent["data"]["payment_id"] == payment["payment_id"]
    });
    let ids: Vec<&str> = its_cancels.filter_map(|intent| text(intent, "intent_id")).collect();
    let decided = |audit: &Value| {
        text(audit, "action") == Some("manual.resolve") && text(audit, "target").is_some_and(|of| ids.contains(&of))
    };
    payment["cancel_requested"] != Value::Bool(true) && of_type(items, "audit").any(decided)
}

/// When this payment was charged, in Unix milliseconds. Where Stripe forgets a key, a repeat makes a second object that nobody
/// here can prevent: of this very one a person was told, who decides what becomes of it.
fn charges(universe: &Universe, items: &[Arc<Value>], payment: &Value) -> Vec<i64> {
    let mut sandbox = universe.sandbox();
    let forgets = sandbox.dials().is_turned(Dial::LostAnswersForgetTheirKey);
    let is_told = |id: &str| of_type(items, "doubt").any(|doubt| text(doubt, "vendor_id") == Some(id));
    let own = sandbox
        .stripe()
        .payment_intents()
        .iter()
        .filter(|there| there.metadata.get("crossdock_intent").map(String::as_str) == text(payment, "intent_id"))
        .filter(|there| !(forgets && is_told(&there.id)));
    own.flat_map(|there| sandbox.stripe().succeeded_charges(&there.id).map(|charge| charge.created_s * 1_000)).collect()
}

/// When the request that creates it was sent first, unless Stripe said that it had too much to do.
fn sent(universe: &Universe, payment: &Value) -> Option<i64> {
    let intent = text(payment, "intent_id")?.as_bytes();
    let sandbox = universe.sandbox();
    let carries = |body: &[u8]| body.windows(intent.len()).any(|part| part == intent);
    let mut calls = sandbox
        .calls()
        .iter()
        .filter(|call| call.operation == "create_payment_intent" && call.status != Some(429) && carries(&call.body));
    calls.next().map(|call| call.at_ms)
}

/// Whether the order's timeline has what the alarm is raised with.
fn is_told(items: &[Arc<Value>], payment: &Value) -> bool {
    let told = |item: &Value| {
        text(item, "event") == Some("payment.charged_unexpectedly") && item["object"] == payment["payment_id"]
    };
    items.iter().any(|item| told(item))
}

fn waits_for_a_person(items: &[Arc<Value>], payment_id: &str) -> bool {
    let is_its = |intent: &&Value| intent.pointer("/data/payment_id").and_then(Value::as_str) == Some(payment_id);
    of_type(items, "intent").filter(is_its).any(|intent| text(intent, "phase") == Some("MANUAL"))
}
