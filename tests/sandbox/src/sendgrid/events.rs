//! What happens to a mail after it was accepted, and how SendGrid tells it.

use super::mail::Mail;
use crate::ids::Ids;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// How long after its start each step of a mail happens, in milliseconds.
const PROCESSED_AFTER_MS: i64 = 500;
const FINISHED_AFTER_MS: i64 = 1000;
const DEFERRAL_MS: i64 = 600_000;

/// How long an event waits for others before the batch is posted, in milliseconds.
pub(super) const BATCH_WINDOW_MS: i64 = 1000;

/// How many events one batch holds at most.
pub(super) const BATCH_MAX: usize = 1000;

/// An event that has happened or will.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at_ms: i64,
    pub(super) body: Value,
}

/// What becomes of a mail for one recipient. The part of the address before `@` (or `+`) decides: `bounce`, `blocked`,
/// `drop`, `defer` and `silent` (no event at all); every other is delivered.
pub(super) fn course(ids: &mut Ids, mail: &Mail, recipient: &str) -> Vec<Event> {
    let name = recipient.split(['@', '+']).next().unwrap_or_default();
    let delivered = json!({ "response": "250 2.0.0 OK" });
    let steps = match name {
        "silent" => vec![],
        "drop" => vec![("dropped", FINISHED_AFTER_MS, json!({ "reason": "Bounced Address", "status": "5.0.0" }))],
        "bounce" => vec![
            ("processed", PROCESSED_AFTER_MS, json!({})),
            (
                "bounce",
                FINISHED_AFTER_MS,
                json!({ "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 The email account does not exist" }),
            ),
        ],
        "blocked" => vec![
            ("processed", PROCESSED_AFTER_MS, json!({})),
            (
                "bounce",
                FINISHED_AFTER_MS,
                json!({ "type": "blocked", "status": "4.7.1", "reason": "451 4.7.1 Try again later" }),
            ),
        ],
        "defer" => vec![
            ("processed", PROCESSED_AFTER_MS, json!({})),
            ("deferred", FINISHED_AFTER_MS, json!({ "response": "451 4.3.0 Temporary failure", "attempt": "1" })),
            ("delivered", FINISHED_AFTER_MS + DEFERRAL_MS, delivered),
        ],
        _ => vec![("processed", PROCESSED_AFTER_MS, json!({})), ("delivered", FINISHED_AFTER_MS, delivered)],
    };
    steps
        .into_iter()
        .map(|(kind, after_ms, extra)| event(ids, mail, recipient, kind, mail.send_ms + after_ms, extra))
        .collect()
}

/// One event about one recipient of a mail. Custom args are members of the event itself.
pub(super) fn event(ids: &mut Ids, mail: &Mail, recipient: &str, kind: &str, at_ms: i64, extra: Value) -> Event {
    let mut body: Map<String, Value> =
        mail.custom_args.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    if let Value::Object(extra) = extra {
        body.extend(extra);
    }
    match mail.categories.as_slice() {
        [] => {}
        [one] => drop(body.insert("category".to_owned(), one.clone().into())),
        several => drop(body.insert("category".to_owned(), several.to_vec().into())),
    }
    let own = [
        ("email", recipient.to_owned().into()),
        ("event", kind.to_owned().into()),
        ("sg_event_id", ids.next("sg_event_id", 22).into()),
        ("sg_message_id", format!("{}.recvd-5c9d8f7b6-sandbox-1.0", mail.message_id).into()),
        ("smtp-id", format!("<{}@geopod-ismtpd-sandbox>", mail.message_id).into()),
        ("timestamp", (at_ms / 1000).into()),
    ];
    body.extend(own.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    Event { at_ms, body: Value::Object(body) }
}

/// A batch as it is posted: an array, elements and end followed by CRLF. The last CRLF is part of what is signed.
pub(super) fn batch(events: &[Event]) -> Bytes {
    let elements: Vec<String> = events.iter().map(|event| event.body.to_string()).collect();
    format!("[{}]\r\n", elements.join(",\r\n")).into()
}
