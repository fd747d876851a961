//! What must hold at every single change of the table.

use std::collections::BTreeMap;

use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use serde_json::Value;

use crate::Change;
use crate::invariants::text;

/// The alarm of more that goes back of a payment than was left of it.
const BEYOND: Metric = Metric::RefundsBeyondThePayment;
/// Claims without a settle, at most: the fifth gives up.
const CLAIMS_MAX: u64 = 5;

/// Sees every change of the table and judges it:
/// * I3: a terminal status never changes, an open one never goes back in the vendor's time;
/// * an intent's phase only makes the moves of the work list, nobody starts before it is due, nobody takes over before
///   a lease is over;
/// * nobody tries for ever, and a vendor's id names one thing of ours;
/// * no more of a payment is promised back than was paid, unless somebody is told.
#[derive(Debug)]
pub struct Watch {
    /// How wrong clocks may be in this run, in milliseconds.
    pub clocks_wrong_by_ms: i64,
    /// How often somebody had been told, when this run began, that more goes back of a payment than was left.
    told_before: u64,
    pub(crate) violations: Vec<String>,
    /// When each message was first known to be at its provider: its intent, and Unix milliseconds.
    pub(crate) accepted_ms: BTreeMap<String, i64>,
    /// The claims of each intent that may call: when it was taken, and until when its lease was, in Unix milliseconds.
    pub(crate) calls: BTreeMap<String, Vec<Call>>,
    /// The first moment at which each payment was to be canceled, or was.
    pub(crate) cancels: BTreeMap<String, Asked>,
    /// The phase of each intent, as it is now.
    phases: BTreeMap<String, String>,
    /// Moves of statuses and phases, for a trace: Unix milliseconds and a line.
    pub(crate) moves: Vec<(i64, String)>,
}

/// A cancel that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at_ms: i64,
    /// Whether somebody was at the create just then, or had been and not come back.
    pub(crate) may_be_under_way: bool,
}

/// A claim that may call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) claimed_ms: i64,
    pub(crate) lease_until_ms: i64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            clocks_wrong_by_ms: 0,
            told_before: written(BEYOND),
            violations: Vec::new(),
            accepted_ms: BTreeMap::new(),
            calls: BTreeMap::new(),
            cancels: BTreeMap::new(),
            phases: BTreeMap::new(),
            moves: Vec::new(),
        }
    }
}

impl Watch {
    /// Judges one change.
    pub fn see(&mut self, change: &Change) {
        let Some(after) = change.after.as_deref() else { return };
        let nothing = Value::Null;
        let before = change.before.as_deref().unwrap_or(&nothing);
        match text(after, "type") {
            Some("intent") => self.see_intent(change.at_ms, before, after),
            Some("payment" | "refund" | "message" | "customer" | "shipment") => {
                self.see_object(change.at_ms, before, after);
            }
            _ if text(after, "sk") == Some("REF") => self.see_reference(before, after),
            _ => {}
        }
    }

    fn see_reference(&mut self, before: &Value, after: &Value) {
        if let (Some(was), Some(is)) = (text(before, "object"), text(after, "object"))
            && was != is
        {
            let id = text(after, "pk").unwrap_or_default();
            self.violations.push(format!("W: {id} named {was} and now names {is}"));
        }
    }

    fn see_object(&mut self, at_ms: i64, before: &Value, after: &Value) {
        if text(after, "type") == Some("message") && after["vendor_id"].is_string() {
            let intent = text(after, "intent_id").unwrap_or_default().to_owned();
            self.accepted_ms.entry(intent).or_insert(at_ms);
        }
        let is_beyond =
            text(after, "status") == Some("succeeded") && after["refundable"].as_i64().is_some_and(|left| left < 0);
        if is_beyond && written(BEYOND) <= self.told_before {
            self.violations.push(format!("I8: {} has {} left to refund", name(after), after["refundable"]));
        }
        if text(after, "type") == Some("payment") {
            self.see_cancel(at_ms, after);
        }
        let (Some(was), Some(is)) = (text(before, "status"), text(after, "status")) else { return };
        if was != is {
            self.moves.push((at_ms, format!("{}: {was} → {is}", name(after))));
        }
        // A refund that succeeded can still come back from the bank.
        let terminal = |status: &str| match text(after, "type") {
            Some("refund") => matches!(status, "failed" | "canceled"),
            Some("shipment") => matches!(status, "delivered" | "returned" | "voided"),
            _ => matches!(status, "succeeded" | "canceled" | "delivered" | "bounced" | "dropped"),
        };
        // What only we took for over may turn out not to be.
        let only_we_said_so =
            matches!(text(after, "type"), Some("payment" | "refund")) && before["vendor_at"].is_null();
        // FedEx has no code for what is back: a push that says "delivered" may come before the one that says to whom.
        let was_the_shippers = (was, is) == ("delivered", "returned") && after["sent_back"] == true;
        if terminal(was) && is != was && !only_we_said_so && !was_the_shippers {
            self.violations.push(format!("I3: {} was {was} and became {is}", name(after)));
        }
        let vendor_s = |item: &Value| item.get("vendor_at").and_then(Value::as_i64).map(|ms| ms / 1_000);
        let went_back = match (vendor_s(before), vendor_s(after)) {
            (Some(before), Some(after)) => after < before,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if went_back && !terminal(is) {
            self.violations.push(format!("I3: {} went back in the vendor's time, from {was} to {is}", name(after)));
        }
    }

    fn see_cancel(&mut self, at_ms: i64, payment: &Value) {
        let is_off = payment["cancel_requested"] == Value::Bool(true) || text(payment, "status") == Some("canceled");
        let (Some(id), Some(create)) = (text(payment, "payment_id"), text(payment, "intent_id")) else { return };
        if is_off && !self.cancels.contains_key(id) {
            let phase = self.phases.get(create).map(String::as_str);
            let may_be_under_way = matches!(phase, Some("CALLING" | "RESOLVING" | "UNKNOWN"));
            self.cancels.insert(id.to_owned(), Asked { at_ms, may_be_under_way });
        }
    }

    fn see_intent(&mut self, at_ms: i64, before: &Value, after: &Value) {
        let what = || format!("{} {}", text(after, "kind").unwrap_or_default(), name(after));
        let is = text(after, "phase").unwrap_or_default();
        if let Some(id) = text(after, "intent_id") {
            self.phases.insert(id.to_owned(), is.to_owned());
        }
        if is == "CALLING" && after["epoch"] != before["epoch"] {
            let intent = text(after, "intent_id").unwrap_or_default().to_owned();
            let lease_until_ms = after["lease_until"].as_i64().unwrap_or(0);
            self.calls.entry(intent).or_default().push(Call { claimed_ms: at_ms, lease_until_ms });
        }
        let Some(was) = text(before, "phase") else {
            self.moves.push((at_ms, format!("{}: {is}", what())));
            return;
        };
        let taken = after["epoch"] != before["epoch"] && after["owner"] != before["owner"];
        if was != is || taken {
            self.moves.push((at_ms, format!("{}: {was} → {is}", what())));
        }
        let allowed = match was {
            "READY" => matches!(is, "READY" | "CALLING" | "RESOLVING" | "REFUSED" | "DONE"),
            "CALLING" => is != "CALLING" || !taken,
            "UNKNOWN" => matches!(is, "UNKNOWN" | "RESOLVING" | "DONE"),
            // Who asks about a call and is turned away knows no more than before. A look at a fee, at a status or at a parcel
            // is a read, and who subscribes twice has one subscription.
            "RESOLVING" if is == "READY" => {
                after["generation"] != before["generation"]
                    || matches!(
                        text(after, "kind"),
                        Some("payment.settlement" | "sms.status" | "shipment.track" | "shipment.subscribe")
                    )
            }
            "RESOLVING" => is != "CALLING",
            // A person moves it on in one write of their own; no worker takes it.
            "MANUAL" => matches!(is, "MANUAL" | "DONE") || after["epoch"] != before["epoch"] && !taken,
            _ => is == was,
        };
        if !allowed {
            self.violations.push(format!("W: {} went from {was} to {is}", what()));
        }
        if after["claims"].as_u64().is_some_and(|claims| claims > CLAIMS_MAX) {
            self.violations.push(format!("W: {} was claimed {} times without a settle", what(), after["claims"]));
        }
        let now_ms = at_ms + self.clocks_wrong_by_ms;
        let due_ms = before["due"].as_i64().unwrap_or(0);
        // What waits only because we held it back may be claimed for a shopper who asks again.
        let was_held_back = was == "READY" && before["held_until"] == before["due"];
        if matches!(is, "CALLING" | "RESOLVING") && taken && due_ms > now_ms && !was_held_back {
            let why = if matches!(was, "CALLING" | "RESOLVING") { "its lease was over" } else { "it was due" };
            self.violations.push(format!("W: {} was taken {} ms before {why}", what(), due_ms - at_ms));
        }
    }
}

fn name(item: &Value) -> String {
    let of = |field| text(item, field).map(str::to_owned);
    let id = of("refund_id").or_else(|| of("intent_id").filter(|_| text(item, "type") == Some("intent")));
    let id = id.or_else(|| of("payment_id")).or_else(|| of("message_id")).or_else(|| of("shipment_id"));
    let id = id.or_else(|| of("customer_id"));
    let order = of("order_id").map(|order| format!(" of {order}"));
    format!("{} {}{}", text(item, "type").unwrap_or_default(), id.unwrap_or_default(), order.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crossdock::domain::Timestamp;
    use serde_json::json;

    use super::Watch;
    use crate::Change;

    #[test]
    fn less_than_nothing_is_left_of_a_payment_only_where_somebody_was_told() {
        let left =
            |left: i64| json!({ "type": "payment", "payment_id": "pay_1", "status": "succeeded", "refundable": left });
        for (is_told, wrong) in [(false, 1), (true, 0)] {
            let mut watch = Watch::default();
            if is_told {
                super::BEYOND.count(Timestamp::from_ms(0), &[]);
            }
            watch.see(&Change { at_ms: 0, before: Some(left(5).into()), after: Some(left(-1).into()) });
            assert_eq!(watch.violations.len(), wrong, "{:?}", watch.violations);
        }
    }
}
