//! Two versions at once: what a newer one writes while this one still runs. More attributes on items, more fields in
//! messages, kinds and message versions that this one does not know.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::stage::Stage;
use crate::Message;
use crate::invariants::text;
use crate::sqs::Attribute;
use crate::universe::QUEUES;

/// What this version has never heard of: an attribute of an item, a field of a message.
const UNKNOWN: &str = "of_tomorrow";
/// How often the newer version gets round to the items that there are by then.
const ROUNDS: usize = 3;
/// The items that are changed for as long as they live: here a newer version may keep something.
const CHANGING: [&str; 6] = ["intent", "payment", "refund", "message", "customer", "shipment"];

/// The key of an item.
pub(super) type Place = (String, String);

/// The newer version adds an attribute to every item that changes.
pub(super) async fn add_attributes(stage: Rc<Stage>) {
    let mut rng = stage.chance.stream("attributes", 0);
    for _ in 0..ROUNDS {
        stage.sleep_ms(rng.u64(0..90_000)).await;
        let marked = stage.with(|universe| {
            let table = universe.aws().table();
            let changing = |item: &Value| text(item, "type").is_some_and(|kind| CHANGING.contains(&kind));
            let items: Vec<_> = table.shared_items().into_iter().filter(|item| changing(item)).collect();
            let places: Vec<Place> = items.iter().filter_map(|item| place(item)).collect();
            for (pk, sk) in &places {
                table.set_attributes(pk, sk, &[(UNKNOWN, &json!({ "M": { "kept": { "BOOL": true } } }))]);
            }
            places
        });
        stage.note(|| format!("a newer version adds an attribute to {} items", marked.len()));
        stage.marked.borrow_mut().extend(marked);
    }
}

fn place(item: &Value) -> Option<Place> {
    Some((text(item, "pk")?.to_owned(), text(item, "sk")?.to_owned()))
}

/// V: what the newer version added is still there.
pub(super) fn attributes_that_were_lost(stage: &Stage) -> Vec<String> {
    let marked = stage.marked.borrow();
    stage.with(|universe| {
        let table = universe.aws().table();
        let found = marked.iter().filter_map(|(pk, sk)| table.item(pk, sk));
        let lost = found.filter(|item| item.get(UNKNOWN).is_none());
        lost.map(|item| format!("V: {} lost an attribute that a newer version wrote", item["pk"])).collect()
    })
}

/// The same messages as a newer version sends them: nudges and events that are matched again have a field more, and
/// every message has an attribute more.
pub(super) fn with_more_fields(messages: &[Message]) -> Vec<Message> {
    let more = |message: &Message| {
        let mut message = message.clone();
        if let Ok(Value::Object(mut body)) = serde_json::from_str(&message.body)
            && (body.contains_key("intent_id") || body.contains_key("waiting"))
        {
            body.insert(UNKNOWN.to_owned(), json!({ "n": 1 }));
            message.body = Value::Object(body).to_string();
        }
        message.attributes.insert(UNKNOWN.to_owned(), Attribute::string("1"));
        message
    };
    messages.iter().map(more).collect()
}

/// The newer version puts an intent of a kind into the list that only its own workers know, and nudges every queue.
/// Nobody here may touch it.
pub(super) async fn leave_a_kind(stage: Rc<Stage>) {
    let mut rng = stage.chance.stream("kind", 0);
    stage.sleep_ms(rng.u64(0..300_000)).await;
    let number = |n: i64| json!({ "N": n.to_string() });
    let word = |text: &str| json!({ "S": text });
    let (id, now_ms) = ("int_00000000000000000000TOMRRW", stage.now_ms());
    let item = json!({
        "pk": word(&format!("INTENT#{id}")), "sk": word("INTENT"), "type": word("intent"), "intent_id": word(id),
        "kind": word("parcel.book"), "data": { "M": { "do": word("parcel") } }, "phase": word("READY"),
        "due": number(now_ms), "due_pk": word("DUE#3"), "epoch": number(0), "claims": number(0), "attempt": number(0),
        "generation": number(0), "give_up_at": number(now_ms + 86_400_000), "correlation_id": word("tomorrow-2"),
        "created_at": number(now_ms),
    });
    let nudge = json!({ "v": 1, "intent_id": id, "correlation_id": "tomorrow-2" }).to_string();
    let pk = format!("INTENT#{id}");
    let before = stage.with(|universe| {
        universe.aws().table().put_written(&item);
        for (queue, ..) in QUEUES {
            universe.aws().sqs().send(queue, &nudge, BTreeMap::new(), 0);
        }
        universe.may_die.push(nudge);
        universe.aws().table().item(&pk, "INTENT")
    });
    stage.news.notify_one();
    // Long enough for some ticks and a second delivery; then the newer version does it.
    stage.sleep_ms(rng.u64(60_000..300_000)).await;
    let mut after = stage.with(|universe| universe.aws().table().item(&pk, "INTENT"));
    // Adding attributes is the newer version's doing too.
    after.as_mut().and_then(Value::as_object_mut).map(|item| item.remove(UNKNOWN));
    if before != after {
        stage.complain("V: somebody worked on an intent of a kind that they do not know".to_owned());
    }
    stage.with(|universe| universe.aws().table().remove(&pk, "INTENT"));
}

/// Messages of versions that do not exist yet come to every queue: they end in its dead-letter queue, each of them.
pub(super) async fn send_messages(stage: Rc<Stage>) {
    let mut rng = stage.chance.stream("tomorrow", 0);
    for (number, (queue, ..)) in QUEUES.into_iter().enumerate() {
        stage.sleep_ms(rng.u64(0..120_000)).await;
        let body = match rng.usize(0..3) {
            0 => json!({ "v": 2, "intent_id": format!("int_{number}"), "correlation_id": "tomorrow-1" }),
            1 => {
                json!({ "v": 2, "id": "c", "kind": "payment.requested", "occurred_at": "2024-04-28T00:00:00.000Z", "data": {} })
            }
            _ => {
                json!({ "v": 1, "id": "c", "kind": "of.tomorrow", "occurred_at": "2024-04-28T00:00:00.000Z", "data": {} })
            }
        };
        let body = body.to_string();
        stage.with(|universe| {
            universe.aws().sqs().send(queue, &body, BTreeMap::new(), 0);
            universe.expected_dead.push((format!("{queue}-dlq"), body));
        });
        stage.news.notify_one();
    }
}
