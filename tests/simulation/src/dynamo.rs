//! The table: an embedded DynamoDB, and what a test may read past it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dynoxide::{AttributeValue, Database, Item};
use serde_json::{Map, Value, json};

use crate::SimClock;
use crate::dynamo_protocol::Tokens;
use crate::mirror::{Change, ItemKey, Mirror, Stored};

/// Name of the one table.
pub const TABLE_NAME: &str = "crossdock";

/// The table with its three indexes, as the template makes it. Expired items stay readable until
/// [`Table::delete_expired`], as in AWS, where the deletion comes up to days after the time.
pub struct Table {
    pub(crate) database: Database,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) clock: SimClock,
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) mirror: Mutex<Mirror>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("reads", &self.reads()).field("writes", &self.writes()).finish_non_exhaustive()
    }
}

impl Table {
    pub(crate) fn new(clock: SimClock) -> Self {
        let database = Database::memory_with_clock(Arc::new(clock)).expect("a database in memory opens");
        let schema = serde_json::from_value(schema()).expect("the schema is a CreateTable request");
        database.create_table(schema).expect("the table is created");
        let ttl = json!({ "TableName": TABLE_NAME, "TimeToLiveSpecification": { "AttributeName": "expires", "Enabled": true } });
        let ttl = serde_json::from_value(ttl).expect("an UpdateTimeToLive request");
        database.update_time_to_live(ttl).expect("time to live is set");
        let (reads, writes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { database, tokens: Mutex::default(), clock, reads, writes, mirror: Mutex::default() }
    }

    /// Every item as plain JSON (strings, numbers, lists, objects; binary as base64), ordered by pk and sk. Not counted
    /// as a read.
    pub fn items(&self) -> Vec<Value> {
        self.mirror.lock().unwrap().items.values().map(|item| Value::clone(&item.plain)).collect()
    }

    /// The same without copying.
    pub fn shared_items(&self) -> Vec<Arc<Value>> {
        self.mirror.lock().unwrap().items.values().map(|item| Arc::clone(&item.plain)).collect()
    }

    /// The earliest time in the due index, in Unix milliseconds; none when nothing is due, now or later.
    pub fn first_due_ms(&self) -> Option<i64> {
        self.mirror.lock().unwrap().first_due_ms()
    }

    /// Every change since this was last asked, in order.
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.mirror.lock().unwrap().changes)
    }

    /// Takes note of what a write left under these keys.
    pub(crate) fn follow(&self, keys: Vec<ItemKey>) {
        let at_ms = self.clock.now_ms();
        for (pk, sk) in keys {
            let item = self.stored(&pk, &sk).map(|item| {
                let wire = serde_json::to_string(&item).expect("an item serializes").into();
                Stored { plain: Arc::new(plain_item(item)), wire }
            });
            self.mirror.lock().unwrap().set((pk, sk), item, at_ms);
        }
    }

    /// The item under `pk` and `sk` as plain JSON. Not counted as a read.
    pub fn item(&self, pk: &str, sk: &str) -> Option<Value> {
        self.stored(pk, sk).map(plain_item)
    }

    fn stored(&self, pk: &str, sk: &str) -> Option<Item> {
        let key = HashMap::from([
            ("pk".to_owned(), AttributeValue::S(pk.to_owned())),
            ("sk".to_owned(), AttributeValue::S(sk.to_owned())),
        ]);
        let request = dynoxide::actions::get_item::GetItemRequest {
            table_name: TABLE_NAME.to_owned(),
            key,
            ..Default::default()
        };
        self.database.get_item(request).expect("a read succeeds").item
    }

    /// Puts an item of texts, past all functions.
    pub fn put(&self, pk: &str, sk: &str, texts: &[(&str, &str)]) {
        let own = [("pk", pk), ("sk", sk)];
        let item: HashMap<String, AttributeValue> = own
            .iter()
            .chain(texts)
            .map(|(name, text)| ((*name).to_owned(), AttributeValue::S((*text).to_owned())))
            .collect();
        let request = dynoxide::actions::put_item::PutItemRequest {
            table_name: TABLE_NAME.to_owned(),
            item,
            ..Default::default()
        };
        self.database.put_item(request).expect("a put succeeds");
        self.follow(vec![(pk.to_owned(), sk.to_owned())]);
    }

    /// Deletes every item whose `expires` (seconds) is over, as AWS does some time later. Gives their number.
    pub fn delete_expired(&self) -> usize {
        let deleted = self.database.sweep_ttl().expect("a sweep succeeds");
        if deleted > 0 {
            let keys = self.mirror.lock().unwrap().items.keys().cloned().collect();
            self.follow(keys);
        }
        deleted
    }

    /// Reading requests that arrived.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Writing requests that arrived, refused ones included; a transaction is one.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

fn schema() -> Value {
    let key = |hash: &str, range: &str| {
        json!([
            { "AttributeName": hash, "KeyType": "HASH" },
            { "AttributeName": range, "KeyType": "RANGE" },
        ])
    };
    let types = [
        ("pk", "S"),
        ("sk", "S"),
        ("order_pk", "S"),
        ("order_sk", "S"),
        ("due_pk", "S"),
        ("due", "N"),
        ("person_pk", "S"),
        ("person_sk", "S"),
    ];
    let types: Vec<Value> =
        types.iter().map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind })).collect();
    let due_projection = json!({
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["kind", "phase", "correlation_id", "intent_id", "give_up_at"],
    });
    json!({
        "TableName": TABLE_NAME,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": key("pk", "sk"),
        "AttributeDefinitions": types,
        "GlobalSecondaryIndexes": [
            { "IndexName": "by-order", "KeySchema": key("order_pk", "order_sk"), "Projection": { "ProjectionType": "ALL" } },
            { "IndexName": "by-due", "KeySchema": key("due_pk", "due"), "Projection": due_projection },
            { "IndexName": "by-person", "KeySchema": key("person_pk", "person_sk"), "Projection": { "ProjectionType": "ALL" } },
        ],
    })
}

fn plain_item(item: Item) -> Value {
    Value::Object(item.into_iter().map(|(name, value)| (name, plain(value))).collect::<Map<_, _>>())
}

fn plain(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::N(number) => plain_number(&number),
        AttributeValue::B(bytes) => Value::String(STANDARD.encode(bytes)),
        AttributeValue::BOOL(flag) => Value::Bool(flag),
        AttributeValue::NULL(_) => Value::Null,
        AttributeValue::SS(texts) => texts.into_iter().map(Value::String).collect(),
        AttributeValue::NS(numbers) => numbers.iter().map(|number| plain_number(number)).collect(),
        AttributeValue::BS(list) => list.iter().map(|bytes| Value::String(STANDARD.encode(bytes))).collect(),
        AttributeValue::L(list) => list.into_iter().map(plain).collect(),
        AttributeValue::M(map) => plain_item(map),
    }
}

/// A number as JSON; what JSON cannot hold stays text.
fn plain_number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
