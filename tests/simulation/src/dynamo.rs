//! The table: what the shipping code asks of it, it answers by itself; an embedded DynamoDB answers the rest, and checks it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use dynoxide::Database;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use serde_json::{Value, json};

use crate::SimClock;
use crate::dynamo_protocol::Tokens;
use crate::mirror::{Change, ItemKey, Mirror};
use crate::stored::Stored;

/// Name of the one table.
pub const TABLE_NAME: &str = "crossdock";

/// What the index by due shows besides keys, as in template.yaml.
pub(crate) const SHOWN_BY_DUE: [&str; 5] = ["kind", "phase", "correlation_id", "intent_id", "give_up_at"];

/// The table with its three indexes, as the template makes it. Expired items stay readable until
/// [`Table::delete_expired`], as in AWS, where the deletion comes up to days after the time.
///
/// Until the first request that it cannot answer, it is alone. From then on, or from [`Table::compare`] on, the embedded
/// database has the same items and decides; where an answer or an item of ours differs, the run fails.
pub struct Table {
    database: OnceLock<Database>,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) clock: SimClock,
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) mirror: Mutex<Mirror>,
    /// Requests that the database answers otherwise.
    pub(crate) differences: Mutex<Vec<String>>,
    /// The first request that only the database could answer.
    pub(crate) unknown: OnceLock<String>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("reads", &self.reads()).field("writes", &self.writes()).finish_non_exhaustive()
    }
}

impl Table {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self {
            database: OnceLock::new(),
            tokens: Mutex::default(),
            clock,
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            mirror: Mutex::default(),
            differences: Mutex::default(),
            unknown: OnceLock::new(),
        }
    }

    /// Compares every answer and every item with the embedded database's from now on.
    pub fn compare(&self) {
        self.database();
    }

    /// Whether the embedded database is there.
    pub(crate) fn is_compared(&self) -> bool {
        self.database.get().is_some()
    }

    /// The embedded database, with what the table holds.
    pub(crate) fn database(&self) -> &Database {
        self.database.get_or_init(|| {
            let database = empty_database(self.clock);
            for item in self.mirror.lock().unwrap().items.values() {
                put(&database, &item.wire);
            }
            database
        })
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

    /// Takes note of what a write left.
    pub(crate) fn follow(&self, changes: Vec<(ItemKey, Option<Stored>)>) {
        let at_ms = self.clock.now_ms();
        let mut mirror = self.mirror.lock().unwrap();
        for (key, item) in changes {
            mirror.set(key, item, at_ms);
        }
    }

    /// The item under `pk` and `sk` as plain JSON. Not counted as a read.
    pub fn item(&self, pk: &str, sk: &str) -> Option<Value> {
        let mirror = self.mirror.lock().unwrap();
        mirror.items.get(&(pk.to_owned(), sk.to_owned())).map(|item| Value::clone(&item.plain))
    }

    /// What the embedded database has under a key.
    pub(crate) fn in_database(&self, (pk, sk): &ItemKey) -> Option<Stored> {
        let key = serde_json::from_value(json!({ "pk": { "S": pk }, "sk": { "S": sk } })).expect("a key");
        let request = GetItemRequest { table_name: TABLE_NAME.to_owned(), key, ..Default::default() };
        let item = self.database().get_item(request).expect("a read succeeds").item;
        item.map(|item| Stored::parse(&serde_json::to_string(&item).expect("an item serializes")))
    }

    /// Puts an item of texts, past all functions.
    pub fn put(&self, pk: &str, sk: &str, texts: &[(&str, &str)]) {
        let own = [("pk", pk), ("sk", sk)];
        let item: serde_json::Map<String, Value> =
            own.iter().chain(texts).map(|(name, text)| ((*name).to_owned(), json!({ "S": text }))).collect();
        self.put_written(&Value::Object(item));
    }

    /// Puts an item as DynamoDB writes it, past all functions.
    pub fn put_written(&self, item: &Value) {
        let item = Stored::parse(&item.to_string());
        let of = |name: &str| item.plain[name].as_str().expect("an item has a key").to_owned();
        self.set((of("pk"), of("sk")), item);
    }

    /// Deletes an item, past all functions.
    pub fn remove(&self, pk: &str, sk: &str) {
        if self.is_compared() {
            let request = json!({ "TableName": TABLE_NAME, "Key": { "pk": { "S": pk }, "sk": { "S": sk } } });
            let request = serde_json::from_value(request).expect("a DeleteItem request");
            self.database().delete_item(request).expect("a delete succeeds");
        }
        self.follow(vec![((pk.to_owned(), sk.to_owned()), None)]);
    }

    /// Changes single attributes of an item, past all functions: values as DynamoDB writes them.
    pub fn set_attributes(&self, pk: &str, sk: &str, values: &[(&str, &Value)]) {
        let key = (pk.to_owned(), sk.to_owned());
        let Some(before) = self.mirror.lock().unwrap().items.get(&key).cloned() else { return };
        let mut attributes = before.attributes.as_ref().clone();
        attributes.extend(values.iter().map(|(name, value)| ((*name).into(), value.to_string().into())));
        self.set(key, Stored::of(attributes, Some(&before)));
    }

    fn set(&self, key: ItemKey, item: Stored) {
        if self.is_compared() {
            put(self.database(), &item.wire);
        }
        self.follow(vec![(key, Some(item))]);
    }

    /// Deletes every item whose `expires` (seconds) is over, as AWS does some time later. Gives their number.
    pub fn delete_expired(&self) -> usize {
        let now_s = self.clock.now_ms() / 1_000;
        let is_over = |item: &Stored| item.plain["expires"].as_i64().is_some_and(|at_s| at_s < now_s);
        let mirror = self.mirror.lock().unwrap();
        let expired = mirror.items.iter().filter(|(_, item)| is_over(item));
        let expired: Vec<_> = expired.map(|(key, _)| (key.clone(), None)).collect();
        drop(mirror);
        let deleted = expired.len();
        if self.is_compared() {
            assert_eq!(deleted, self.database().sweep_ttl().expect("a sweep succeeds"), "other items have expired");
        }
        self.follow(expired);
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

fn empty_database(clock: SimClock) -> Database {
    let database = Database::memory_with_clock(Arc::new(clock)).expect("a database in memory opens");
    let schema = serde_json::from_value(schema()).expect("the schema is a CreateTable request");
    database.create_table(schema).expect("the table is created");
    let ttl =
        json!({ "TableName": TABLE_NAME, "TimeToLiveSpecification": { "AttributeName": "expires", "Enabled": true } });
    let ttl = serde_json::from_value(ttl).expect("an UpdateTimeToLive request");
    database.update_time_to_live(ttl).expect("time to live is set");
    database
}

fn put(database: &Database, wire: &str) {
    let item = serde_json::from_str(wire).expect("an item is read back");
    let request = PutItemRequest { table_name: TABLE_NAME.to_owned(), item, ..Default::default() };
    database.put_item(request).expect("a put succeeds");
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
        "NonKeyAttributes": SHOWN_BY_DUE,
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
