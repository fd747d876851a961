//! What the canned table has: mails that wait to be sent. Whatever intent is claimed is one, its message and contact are
//! there, and their items have the attributes of real ones.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// How long before now a mail was asked for, milliseconds.
const ASKED_AGO_MS: u64 = 300;
/// A day in milliseconds: all times ahead are days away, so that nothing of a mail is over.
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// The only recipient.
const CONTACT: &str = "con_4G7Q2M1B8ZR5T0V9XC3NAK6WEY";

/// The item at a key, both in DynamoDB's JSON; none where no mail's item would be.
pub(crate) fn item(key: &Value) -> Option<Value> {
    let (kind, id) = key["pk"]["S"].as_str()?.split_once('#')?;
    let content = match kind {
        "INTENT" => intent(id),
        "MESSAGE" => message(id),
        "CONTACT" => contact(),
        _ => return None,
    };
    let mut item = typed(&content)["M"].take();
    item["pk"] = key["pk"].clone();
    item["sk"] = key["sk"].clone();
    Some(item)
}

/// An intent that was just claimed for the first time.
fn intent(id: &str) -> Value {
    let now = now_ms();
    let asked = now - ASKED_AGO_MS;
    json!({
        "type": "intent",
        "intent_id": id,
        "kind": "mail.send",
        "data": { "do": "message", "message_id": id.replacen("int_", "msg_", 1), "contact_id": CONTACT },
        "phase": "CALLING",
        "due": now + DAY_MS,
        "due_pk": "DUE#7",
        "owner": "own_2X8S5B7Q0ND4KJ1FZ6CTRAV3MG",
        "epoch": 1,
        "lease_until": now + DAY_MS,
        "claims": 1,
        "attempt": 0,
        "first_called_at": now,
        "called_until": now + DAY_MS,
        "generation": 0,
        "give_up_at": now + DAY_MS,
        "order_id": "bench-order-1",
        "correlation_id": "sample-order-1",
        "created_at": asked,
        "order_pk": "ORDER#bench-order-1",
        "order_sk": format!("{asked}#{id}"),
        "person_pk": format!("PERSON#{CONTACT}"),
        "person_sk": format!("{asked}#{id}"),
    })
}

/// An order's confirmation that nobody has sent yet.
fn message(id: &str) -> Value {
    let now = now_ms();
    let asked = now - ASKED_AGO_MS;
    json!({
        "type": "message",
        "message_id": id,
        "kind": "order_confirmation",
        "channel": "email",
        "contact_id": CONTACT,
        "order_id": "bench-order-1",
        "content": { "template": "order_confirmation", "amount": { "value": 1099, "currency": "EUR" } },
        "status": "queued",
        "version": 1,
        "intent_id": id.replacen("msg_", "int_", 1),
        "correlation_id": "sample-order-1",
        "created_at": asked,
        "updated_at": asked,
        "order_pk": "ORDER#bench-order-1",
        "order_sk": format!("{asked}#{id}"),
        "person_pk": format!("PERSON#{CONTACT}"),
        "person_sk": format!("{asked}#{id}"),
        "expires": (now + 35 * DAY_MS) / 1_000,
    })
}

fn contact() -> Value {
    json!({
        "type": "contact",
        "contact_id": CONTACT,
        "address": "ada@example.com",
        "name": "Ada Lovelace",
        "marketing": false,
        "person_pk": format!("PERSON#{CONTACT}"),
        "person_sk": "CONTACT",
        "expires": (now_ms() + 400 * DAY_MS) / 1_000,
    })
}

/// JSON as DynamoDB writes it, every value under its type.
fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => json!({ "L": values.iter().map(typed).collect::<Vec<_>>() }),
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), typed(value))).collect();
            json!({ "M": fields })
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
