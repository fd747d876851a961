//! `expand[]`: an id in an answer is replaced by the object that it names.

use super::State;
use super::failure::Failure;
use super::form::Form;
use serde_json::Value;

/// How deep a path may go.
const DEPTH_MAX: usize = 4;

/// Of which object which member can be expanded, and to what.
const EXPANDABLE: [(&str, &str, &str); 11] = [
    ("charge", "balance_transaction", "balance_transaction"),
    ("charge", "customer", "customer"),
    ("charge", "payment_intent", "payment_intent"),
    ("payment_intent", "customer", "customer"),
    ("payment_intent", "latest_charge", "charge"),
    ("payment_intent", "payment_method", "payment_method"),
    ("payment_method", "customer", "customer"),
    ("refund", "balance_transaction", "balance_transaction"),
    ("refund", "charge", "charge"),
    ("refund", "failure_balance_transaction", "balance_transaction"),
    ("refund", "payment_intent", "payment_intent"),
];

/// The paths that a request wants expanded, checked against the kind of object that it is answered with. In a list
/// they start with `data`.
pub(super) fn paths(form: &Form, (kind, listed): (&str, bool)) -> Result<Vec<Vec<String>>, Failure> {
    let wanted = form.parts("expand").map(|(_, path)| path).chain(form.get("expand"));
    wanted
        .map(|path| {
            let inner = if listed { path.strip_prefix("data.") } else { Some(path) };
            let steps: Vec<String> = inner.unwrap_or_default().split('.').map(str::to_owned).collect();
            let mut kind = Some(kind);
            for step in &steps {
                kind = kind
                    .and_then(|of| EXPANDABLE.iter().find(|(k, member, _)| *k == of && member == step))
                    .map(|e| e.2);
            }
            if kind.is_none() || steps.len() > DEPTH_MAX {
                let message = format!("This property cannot be expanded ({path}).");
                return Err(Failure::invalid(None, Some("expand"), message));
            }
            Ok(steps)
        })
        .collect()
}

impl State {
    /// Expands an answer: an object, or a list of them.
    pub(super) fn expand(&self, now_ms: i64, answer: &mut Value, paths: &[Vec<String>]) {
        for path in paths {
            match answer.get_mut("data").and_then(Value::as_array_mut) {
                Some(objects) => objects.iter_mut().for_each(|object| self.expand_one(now_ms, object, path)),
                None => self.expand_one(now_ms, answer, path),
            }
        }
    }

    fn expand_one(&self, now_ms: i64, object: &mut Value, path: &[String]) {
        let Some((member, deeper)) = path.split_first() else { return };
        let Some(slot) = object.get_mut(member) else { return };
        if let Some(found) = slot.as_str().and_then(|id| self.object(now_ms, id)) {
            *slot = found;
        }
        self.expand_one(now_ms, slot, deeper);
    }

    /// Any object by its id, as the API shows it.
    fn object(&self, now_ms: i64, id: &str) -> Option<Value> {
        match id.split_once('_')?.0 {
            "pi" => Some(self.payment_intent(id)?.to_json()),
            "ch" => Some(self.charge(id)?.to_json()),
            "re" => Some(self.refund(id)?.to_json()),
            "cus" => Some(self.customer(id)?.to_json()),
            "pm" => Some(self.payment_method(id)?.to_json()),
            "txn" => Some(self.balance_transaction(id)?.to_json(now_ms / 1000)),
            _ => None,
        }
    }
}
