//! Reads answered from what the table was followed to: most requests of a run are reads, and the embedded database takes
//! ten times as long. Only the shapes that the shipping code sends; any other goes to the database.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Table;
use crate::answer::Answer;
use crate::dynamo::SHOWN_BY_DUE;
use crate::mirror::Mirror;
use crate::stored::Stored;

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

#[derive(Deserialize)]
struct Named {
    pk: Text,
    sk: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    #[serde(rename = "TableName")]
    _table: String,
    key: Named,
    #[serde(rename = "ConsistentRead")]
    _consistent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BatchGet {
    request_items: std::collections::BTreeMap<String, Keys>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Keys {
    keys: Vec<Named>,
    #[serde(rename = "ConsistentRead")]
    _consistent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Query {
    #[serde(rename = "TableName")]
    _table: String,
    index_name: Option<String>,
    key_condition_expression: String,
    expression_attribute_values: QueryValues,
    limit: usize,
    #[serde(rename = "ConsistentRead")]
    _consistent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryValues {
    #[serde(rename = ":pk")]
    pk: Text,
    #[serde(rename = ":prefix")]
    prefix: Option<Text>,
    #[serde(rename = ":until")]
    until: Option<Number>,
}

#[derive(Deserialize)]
struct Number {
    #[serde(rename = "N")]
    number: String,
}

impl Table {
    /// The same read answered in both ways: from here (`None`: not known here) and by the database.
    pub fn both_answers(&self, operation: &str, body: &[u8]) -> (Option<Value>, Value) {
        let parsed = |answer: Answer| serde_json::from_slice(&answer.body).expect("an answer is JSON");
        (self.read(operation, body).map(parsed), parsed(self.run_operation(operation, body)))
    }

    /// The answer to a read, when it is one of those known here.
    pub(crate) fn read(&self, operation: &str, body: &[u8]) -> Option<Answer> {
        let mirror = self.mirror.lock().unwrap();
        match operation {
            "GetItem" => {
                let get: Get = serde_json::from_slice(body).ok()?;
                let found = mirror.items.get(&(get.key.pk.text, get.key.sk.text));
                Some(raw(found.map_or_else(|| "{}".to_owned(), |stored| format!("{{\"Item\":{}}}", stored.wire))))
            }
            "BatchGetItem" => {
                let batch: BatchGet = serde_json::from_slice(body).ok()?;
                let (table, wanted) = batch.request_items.into_iter().next()?;
                let found = wanted.keys.into_iter().filter_map(|key| mirror.items.get(&(key.pk.text, key.sk.text)));
                let found: Vec<&str> = found.map(|stored| &*stored.wire).collect();
                let found = found.join(",");
                Some(raw(format!("{{\"Responses\":{{\"{table}\":[{found}]}},\"UnprocessedKeys\":{{}}}}")))
            }
            "Query" => query(&mirror, &serde_json::from_slice(body).ok()?),
            _ => None,
        }
    }
}

fn query(mirror: &Mirror, query: &Query) -> Option<Answer> {
    let pk = &query.expression_attribute_values.pk.text;
    let found: Vec<&Stored> = match (query.index_name.as_deref(), query.key_condition_expression.as_str()) {
        (None, "pk = :pk AND begins_with(sk, :prefix)") => {
            let prefix = &query.expression_attribute_values.prefix.as_ref()?.text;
            assert!(!prefix.is_empty(), "DynamoDB refuses an empty value for a key: ValidationException");
            let from = mirror.items.range((pk.clone(), prefix.clone())..);
            from.take_while(|((of, sk), _)| of == pk && sk.starts_with(prefix.as_str())).map(|(_, item)| item).collect()
        }
        (Some("by-due"), "due_pk = :pk AND due <= :until") => {
            let until: i64 = query.expression_attribute_values.until.as_ref()?.number.parse().ok()?;
            let due = mirror.due.range(..(until + 1, Default::default()));
            let stored = due.filter_map(|(_, key)| mirror.items.get(key));
            stored.filter(|stored| stored.text("due_pk") == Some(pk)).collect()
        }
        (Some("by-due"), "due_pk = :pk") => {
            let of_it = mirror.items.values().filter(|stored| stored.text("due_pk") == Some(pk));
            let mut placed: Vec<(i64, &Stored)> =
                of_it.map(|stored| (stored.plain["due"].as_i64().unwrap_or(0), stored)).collect();
            placed.sort_by_key(|(due, _)| *due);
            placed.into_iter().map(|(_, stored)| stored).collect()
        }
        (Some("by-order"), "order_pk = :pk") => {
            let of_order = mirror.items.values().filter(|stored| stored.text("order_pk") == Some(pk));
            let mut placed: Vec<(&str, &Stored)> =
                of_order.filter_map(|stored| Some((stored.text("order_sk")?, stored))).collect();
            placed.sort_by_key(|(place, _)| *place);
            placed.into_iter().map(|(_, stored)| stored).collect()
        }
        _ => return None,
    };
    // A page that is cut has a key to go on from.
    if found.len() >= query.limit {
        return None;
    }
    let shows_some = query.index_name.as_deref() == Some("by-due");
    let wires: Vec<Arc<str>> = found
        .iter()
        .map(|stored| if shows_some { projected(&stored.wire) } else { Arc::clone(&stored.wire) })
        .collect();
    let count = wires.len();
    Some(raw(format!("{{\"Items\":[{}],\"Count\":{count},\"ScannedCount\":{count}}}", wires.join(","))))
}

/// What the index by due shows of an item.
fn projected(wire: &str) -> Arc<str> {
    let item: std::collections::BTreeMap<&str, &RawValue> = serde_json::from_str(wire).expect("an item is an object");
    let is_shown = |name: &&str| ["pk", "sk", "due_pk", "due"].contains(name) || SHOWN_BY_DUE.contains(name);
    let shown = item.into_iter().filter(|(name, _)| is_shown(name));
    let shown: Vec<String> = shown.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", shown.join(",")).into()
}

fn raw(body: String) -> Answer {
    Answer { status: 200, body: body.into_bytes(), query_error: None }
}
