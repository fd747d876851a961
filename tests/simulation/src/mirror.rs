//! What the table holds, followed write by write: so that looking at all of it costs nothing, and every single change
//! can be judged, not only what is left of it later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock::effects::intent::MANUAL_PARTITION;
use serde_json::Value;

use crate::stored::Stored;

/// pk and sk.
pub(crate) type ItemKey = (String, String);

/// One item's change, in plain JSON.
#[derive(Clone, Debug)]
pub struct Change {
    /// When, in Unix milliseconds.
    pub at_ms: i64,
    /// The item as it was; none for a new one.
    pub before: Option<Arc<Value>>,
    /// The item as it is; none for a deleted one.
    pub after: Option<Arc<Value>>,
}

/// The items, those of the due index by time, and the changes that nobody has taken yet.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) items: BTreeMap<ItemKey, Stored>,
    pub(crate) due: BTreeSet<(i64, ItemKey)>,
    pub(crate) changes: Vec<Change>,
}

impl Mirror {
    /// Takes note of an item as it is now.
    pub(crate) fn set(&mut self, key: ItemKey, after: Option<Stored>, at_ms: i64) {
        let before = self.items.remove(&key).map(|stored| stored.plain);
        let now = after.as_ref().map(|stored| Arc::clone(&stored.plain));
        if let Some(due) = before.as_deref().and_then(due_of) {
            self.due.remove(&(due, key.clone()));
        }
        if let Some(stored) = after {
            if let Some(due) = due_of(&stored.plain) {
                self.due.insert((due, key.clone()));
            }
            self.items.insert(key, stored);
        }
        if before != now {
            self.changes.push(Change { at_ms, before, after: now });
        }
    }

    /// The earliest `due` in the due index, in Unix milliseconds.
    pub(crate) fn first_due_ms(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }
}

/// An item's place in the due index, if it is there.
fn due_of(item: &Value) -> Option<i64> {
    // What waits for a person is in the index too, and what a rotation has left to do: no sweeper looks at either.
    let is_swept = |partition: &&str| *partition != MANUAL_PARTITION && !partition.starts_with("DUE#KEYS#");
    let shard = item.get("due_pk").and_then(Value::as_str).filter(is_swept);
    shard.and(item.get("due")).and_then(Value::as_i64)
}
