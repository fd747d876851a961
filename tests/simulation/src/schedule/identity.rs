//! What a piece of work is about, as a number that does not depend on what else happens in the run: so that what goes
//! wrong with it stays the same when something else is left out.

use std::collections::BTreeMap;

use bytes::Bytes;
use lambda_http::Body;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

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
        Job::Event(function, event) => format!("{function:?} {}", of_body(event)),
        Job::Batch(function, _, messages) => format!("{function:?} {}", of_messages(messages)),
        Job::Tick => "tick".to_owned(),
        Job::Report => "report".to_owned(),
        Job::Rotate(asked) => format!("rotate {asked:?}"),
        Job::KeepDeadLetters => "keep dead letters".to_owned(),
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

/// What names a message or an event, wherever it is in it; each as it is written.
#[derive(Default, Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    intent_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    waiting: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    kind: Option<IgnoredAny>,
    #[serde(borrow, default, rename = "type")]
    of_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    crossdock_intent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "activityStatus")]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
}

/// What Stripe says of our own in an event's object.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    object: Object,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    crossdock_order: Option<Value>,
    crossdock_intent: Option<Value>,
}

/// A nudge's intent, an event's type with the order in its object, a command's id, a scan's code.
fn of_body(body: &[u8]) -> String {
    // Of a batch its first event.
    let one: Named<'_> = if body.first() == Some(&b'[') {
        let batch: Vec<Named<'_>> = serde_json::from_slice(body).unwrap_or_default();
        batch.into_iter().next().unwrap_or_default()
    } else {
        serde_json::from_slice(body).unwrap_or_default()
    };
    let parsed = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let within = |raw: Option<&RawValue>, path: &str| parsed(raw)?.pointer(path).map(Value::to_string);
    let text = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
    let data: Data = one.data.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let Metadata { crossdock_order, crossdock_intent } = data.object.metadata;
    let parts = [
        text(one.intent_id),
        text(one.waiting),
        text(one.id.filter(|_| one.kind.is_some())),
        text(one.of_type),
        text(one.event),
        text(one.crossdock_intent),
        crossdock_order.map(|order| order.to_string()),
        crossdock_intent.map(|intent| intent.to_string()),
        within(one.status, "/code"),
        within(one.output, "/completeTrackResults/0/trackResults/0/scanEvents/0/eventType"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
}
