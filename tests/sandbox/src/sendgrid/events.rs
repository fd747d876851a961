//! What happens to a mail after it was accepted, and how SendGrid tells it.

use super::mail::Mail;
use crate::Course;
use crate::ids::Ids;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// How long after its start each step of a mail happens, in milliseconds.
const PROCESSED_AFTER_MS: i64 = 500;
const FINISHED_AFTER_MS: i64 = 1000;
const DEFERRAL_MS: i64 = 600_000;
const REACTION_AFTER_MS: i64 = 60_000;

/// The unsubscribe group of a mail that names none.
const DEFAULT_GROUP_ID: i64 = 1;

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

/// What becomes of a mail for one recipient. It starts at `start_ms` (epoch milliseconds).
pub(super) fn course(ids: &mut Ids, mail: &Mail, recipient: &str, course: Course, start_ms: i64) -> Vec<Event> {
    let processed = ("processed", PROCESSED_AFTER_MS, json!({}));
    let delivered = ("delivered", FINISHED_AFTER_MS, json!({ "response": "250 2.0.0 OK" }));
    let then = |kind, extra| vec![processed.clone(), delivered.clone(), (kind, REACTION_AFTER_MS, extra)];
    let steps = match course {
        Course::Silent => vec![],
        Course::Dropped | Course::Failed { .. } => {
            vec![("dropped", FINISHED_AFTER_MS, json!({ "reason": "Bounced Address", "status": "5.0.0" }))]
        }
        Course::Bounced | Course::Undelivered { .. } => {
            let reason = "550 5.1.1 The email account does not exist";
            let extra = json!({ "type": "bounce", "status": "5.1.1", "reason": reason });
            vec![processed, ("bounce", FINISHED_AFTER_MS, extra)]
        }
        Course::Blocked => {
            let extra = json!({ "type": "blocked", "status": "4.7.1", "reason": "451 4.7.1 Try again later" });
            vec![processed, ("bounce", FINISHED_AFTER_MS, extra)]
        }
        Course::Deferred | Course::DeliveredAfterAll { .. } => {
            let extra = json!({ "response": "451 4.3.0 Temporary failure", "attempt": "1" });
            let late = (delivered.0, delivered.1 + DEFERRAL_MS, delivered.2);
            vec![processed, ("deferred", FINISHED_AFTER_MS, extra), late]
        }
        Course::SpamReported => then("spamreport", json!({})),
        Course::Unsubscribed => then("unsubscribe", json!({})),
        Course::GroupUnsubscribed => then("group_unsubscribe", of_group(mail)),
        Course::GroupResubscribed => then("group_resubscribe", of_group(mail)),
        Course::Delivered => vec![processed, delivered],
    };
    steps
        .into_iter()
        .map(|(kind, after_ms, extra)| event(ids, mail, recipient, kind, start_ms + after_ms, extra))
        .collect()
}

/// What an event about an unsubscribe group has besides.
pub(super) fn of_group(mail: &Mail) -> Value {
    json!({
        "asm_group_id": mail.asm_group_id.unwrap_or(DEFAULT_GROUP_ID),
        "useragent": "Mozilla/5.0",
        "ip": "192.0.2.1",
    })
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
        ("sg_message_id", format!("{}.recvd-5c9d8f7b6-sandbox-1.{}", mail.message_id, mail.personalization).into()),
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
