//! What a piece of work is about, as a number that does not depend on what else happens in the run: so that what goes
//! wrong with it stays the same when something else is left out.

use std::collections::BTreeMap;

use bytes::Bytes;
use lambda_http::Body;
use serde_json::Value;

use super::chance::mix;
use crate::Message;
use crate::invocation::Job;

/// Names one piece of work.
pub(super) type Identity = u64;

/// How often each piece of work has come up: the second time is another.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<Identity, u64>);

impl Seen {
    /// The identity of this time.
    pub(super) fn next(&mut self, work: &str) -> Identity {
        let first = mix(0, work.as_bytes());
        let times = self.0.entry(first).or_default();
        *times += 1;
        mix(first, &times.to_le_bytes())
    }
}

/// What a job is about.
pub(super) fn of_job(job: &Job) -> String {
    match job {
        Job::Request(function, request, path) if path == "/" => {
            let body = match request.body() {
                Body::Binary(bytes) => of_body(bytes),
                _ => String::new(),
            };
            format!("{function:?} {body}")
        }
        Job::Request(_, request, path) => {
            let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
            format!("{} {path} {key}", request.method())
        }
        Job::Batch(function, messages) => format!("{function:?} {}", of_messages(messages)),
        Job::Tick => "tick".to_owned(),
        Job::Report => "report".to_owned(),
    }
}

/// What a batch is about.
pub(super) fn of_messages(messages: &[Message]) -> String {
    messages.iter().map(|message| of_body(message.body.as_bytes())).collect::<Vec<_>>().join(" ")
}

/// What a webhook is about.
pub(super) fn of_webhook(body: &Bytes) -> String {
    of_body(body)
}

/// A nudge's intent, an event's type with the order in its object, a command's id, a scan's code.
fn of_body(body: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let one = parsed.get(0).unwrap_or(&parsed);
    let parts = [
        one.get("intent_id"),
        one.get("waiting"),
        one.get("id").filter(|_| one.get("kind").is_some()),
        one.get("type"),
        one.get("event"),
        one.get("crossdock_intent"),
        one.pointer("/data/object/metadata/crossdock_order"),
        one.pointer("/data/object/metadata/crossdock_intent"),
        one.pointer("/activityStatus/code"),
        one.pointer("/output/completeTrackResults/0/trackResults/0/scanEvents/0/eventType"),
    ];
    parts.into_iter().flatten().map(Value::to_string).collect::<Vec<_>>().join("/")
}
