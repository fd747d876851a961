//! DynamoDB's JSON protocol over the embedded database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dynoxide::DynoxideError;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Table;
use crate::answer::Answer;
use crate::mirror::ItemKey;
use crate::stored::Stored;
use crate::writes::{self, Write};

/// How long DynamoDB remembers the token of a transaction, in milliseconds (API reference, TransactWriteItems).
const TOKEN_MEMORY_MS: i64 = 600_000;

/// Mark at the beginning of a message by which the database's parsers say that a request is invalid, not unreadable.
const INVALID_MARK: &str = "VALIDATION";

/// Transactions done, by the token of their request. The database has such a memory too, but in real time.
pub(crate) type Tokens = HashMap<String, Done>;

#[derive(Debug)]
pub(crate) struct Done {
    at_ms: i64,
    body: Vec<u8>,
    answer: Answer,
}

impl Table {
    /// Answers one request. `partial`: see [`crate::Fault::Partial`].
    pub(crate) fn answer(&self, operation: &str, body: &[u8], partial: bool) -> Answer {
        let count = if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems") {
            &self.writes
        } else {
            &self.reads
        };
        count.fetch_add(1, Ordering::Relaxed);
        match operation {
            "Query" if partial && names_index(body) => {
                Answer::ok(&json!({ "Items": [], "Count": 0, "ScannedCount": 0 }))
            }
            "BatchGetItem" if partial => self.half_of_batch(body),
            _ => self.read(operation, body).unwrap_or_else(|| self.write_or_ask(operation, body)),
        }
    }

    /// Does a write, or asks the database what is not known here. Where it is there it decides, and ours has to agree.
    fn write_or_ask(&self, operation: &str, body: &[u8]) -> Answer {
        let token = token_of(operation, body);
        if let Some(known) = token.and_then(|token| self.known_transaction(token, body)) {
            return known;
        }
        let ours = writes::write(&self.mirror.lock().unwrap(), operation, body);
        let answer = match ours {
            Some(ours) if !self.is_compared() => {
                self.follow(ours.changes);
                ours.answer
            }
            ours => {
                let answer = self.run_operation(operation, body);
                let keys = if answer.status == 200 { written_keys(operation, body) } else { Vec::new() };
                let left: Vec<_> = keys.into_iter().map(|key| (key.clone(), self.in_database(&key))).collect();
                if let Some(ours) = ours {
                    self.compare_write(operation, body, &ours, &answer, &left);
                }
                self.follow(left);
                answer
            }
        };
        if let Some(token) = token.filter(|_| answer.status == 200) {
            let done = Done { at_ms: self.clock.now_ms(), body: body.to_vec(), answer: answer.clone() };
            self.tokens.lock().unwrap().insert(token.to_owned(), done);
        }
        answer
    }

    /// Panics where our way to do a write does not come to what the database's does. A worker lives on after a panic, so
    /// it is written down first.
    fn compare_write(
        &self,
        operation: &str,
        body: &[u8],
        ours: &Write,
        theirs: &Answer,
        left: &[(ItemKey, Option<Stored>)],
    ) {
        let answers = |answer: &Answer| (answer.status, parse(&answer.body));
        let items = |items: &[(ItemKey, Option<Stored>)]| -> BTreeMap<ItemKey, Option<Arc<Value>>> {
            items.iter().map(|(key, item)| (key.clone(), item.as_ref().map(|item| Arc::clone(&item.plain)))).collect()
        };
        let request = || String::from_utf8_lossy(body).into_owned();
        if answers(&ours.answer) != answers(theirs) || items(&ours.changes) != items(left) {
            self.differences.lock().unwrap().push(format!("{operation} {}", request()));
        }
        assert_eq!(answers(&ours.answer), answers(theirs), "the answer to {operation} {}", request());
        assert_eq!(items(&ours.changes), items(left), "what is left by {operation} {}", request());
    }

    pub(crate) fn run_operation(&self, operation: &str, body: &[u8]) -> Answer {
        if !self.is_compared() {
            self.unknown.get_or_init(|| shape(operation, body));
        }
        let db = self.database();
        match operation {
            "PutItem" => run(body, |request| db.put_item(request)),
            "UpdateItem" => run(body, |request| db.update_item(request)),
            "DeleteItem" => run(body, |request| db.delete_item(request)),
            "GetItem" => run(body, |request| db.get_item(request)),
            "Query" => run(body, |request| db.query(request)),
            "Scan" => run(body, |request| db.scan(request)),
            "BatchGetItem" => run(body, |request| db.batch_get_item(request)),
            "TransactGetItems" => run(body, |request| db.transact_get_items(request)),
            "DescribeTable" => run(body, |request| db.describe_table(request)),
            "TransactWriteItems" => self.transact(body),
            _ => panic!("the table has no operation {operation}"),
        }
    }

    /// The answer to a transaction whose token is known: it is not done again.
    fn known_transaction(&self, token: &str, body: &[u8]) -> Option<Answer> {
        let tokens = self.tokens.lock().unwrap();
        let done = tokens.get(token).filter(|done| self.clock.now_ms() - done.at_ms < TOKEN_MEMORY_MS)?;
        Some(if same_items(&done.body, body) {
            done.answer.clone()
        } else {
            let shape = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException";
            Answer::error(400, shape, "The token was used for another request")
        })
    }

    fn transact(&self, body: &[u8]) -> Answer {
        run(body, |mut request: TransactWriteItemsRequest| {
            request.client_request_token = None;
            self.database().transact_write_items(request)
        })
    }

    /// Reads the first half of the keys of each table and gives the others back as unprocessed.
    fn half_of_batch(&self, body: &[u8]) -> Answer {
        let mut request: Value = parse(body);
        let mut left_over = serde_json::Map::new();
        for (table, wanted) in request["RequestItems"].as_object_mut().expect("a batch names its tables") {
            let mut rest = wanted.clone();
            let keys = wanted["Keys"].as_array_mut().expect("a batch names its keys");
            rest["Keys"] = Value::Array(keys.split_off(keys.len() / 2));
            left_over.insert(table.clone(), rest);
        }
        let tables = request["RequestItems"].as_object_mut().expect("the same tables");
        tables.retain(|_, wanted| wanted["Keys"].as_array().is_some_and(|keys| !keys.is_empty()));
        let mut reply = if tables.is_empty() {
            json!({ "Responses": {} })
        } else {
            let request = request.to_string();
            let ask = || self.run_operation("BatchGetItem", request.as_bytes());
            let answer = self.read("BatchGetItem", request.as_bytes()).unwrap_or_else(ask);
            if answer.status != 200 {
                return answer;
            }
            parse(&answer.body)
        };
        reply["UnprocessedKeys"] = Value::Object(left_over);
        Answer::ok(&reply)
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(body: &[u8], operation: impl FnOnce(Q) -> dynoxide::Result<A>) -> Answer {
    let result = serde_json::from_slice(body).map_err(|e| unreadable(&e.to_string())).and_then(operation);
    match result {
        Ok(answer) => Answer::ok(&answer),
        Err(error) => Answer { status: error.status_code(), body: error.to_json().into_bytes(), query_error: None },
    }
}

fn unreadable(message: &str) -> DynoxideError {
    if message.starts_with(INVALID_MARK) || message.contains("missing field") || message.contains("Supplied Attribute")
    {
        let text =
            message.split_once(':').filter(|(mark, _)| mark.starts_with(INVALID_MARK)).map_or(message, |(_, m)| m);
        DynoxideError::ValidationException(text.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON from the SDK or the database")
}

/// The keys that a write names.
fn written_keys(operation: &str, body: &[u8]) -> Vec<ItemKey> {
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
    #[serde(rename_all = "PascalCase")]
    struct Written {
        #[serde(alias = "Item")]
        key: Named,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Transaction {
        transact_items: Vec<HashMap<String, Written>>,
    }
    let writes: Vec<Written> = match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => serde_json::from_slice(body).into_iter().collect(),
        "TransactWriteItems" => {
            let transaction: Result<Transaction, _> = serde_json::from_slice(body);
            let items = transaction.into_iter().flat_map(|transaction| transaction.transact_items);
            let written = items.flatten().filter(|(kind, _)| kind != "ConditionCheck");
            written.map(|(_, write)| write).collect()
        }
        _ => Vec::new(),
    };
    writes.into_iter().map(|Written { key: Named { pk, sk } }| (pk.text, sk.text)).collect()
}

/// What kind of request it is, without what it is about.
fn shape(operation: &str, body: &[u8]) -> String {
    const EXPRESSIONS: [&str; 4] = ["IndexName", "KeyConditionExpression", "UpdateExpression", "ConditionExpression"];
    let request = parse(body);
    let texts = EXPRESSIONS.iter().filter_map(|name| request[*name].as_str());
    texts.fold(operation.to_owned(), |shape, text| format!("{shape} {text}"))
}

fn names_index(body: &[u8]) -> bool {
    parse(body)["IndexName"].is_string()
}

/// A transaction's token, which the SDK writes behind its items. In an item this text would have escaped quotes, or an
/// object behind it.
fn token_of<'a>(operation: &str, body: &'a [u8]) -> Option<&'a str> {
    const MARK: &str = "\"ClientRequestToken\":\"";
    if operation != "TransactWriteItems" {
        return None;
    }
    let (_, rest) = std::str::from_utf8(body).ok()?.rsplit_once(MARK)?;
    rest.split_once('"').map(|(token, _)| token)
}

/// Whether two transactions write the same. The bytes of a retry are equal; a request built anew may order its maps
/// otherwise.
fn same_items(a: &[u8], b: &[u8]) -> bool {
    a == b || parse(a)["TransactItems"] == parse(b)["TransactItems"]
}
