//! Services that remember: DynamoDB by an embedded emulator, queues that keep their messages, and the sandbox as the
//! vendors. What a request would be billed as is counted on the way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use dynoxide::Database;
use sandbox::{Delivery, Sandbox, Settings, Vendor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::canned;
use crate::environment::{TABLE, WEBHOOK_SECRET};
use crate::server::{Answer, Backend, Call, Service};

/// SQS bills a request for each 64 KB of its payload (aws.amazon.com/sqs/pricing).
const SQS_CHUNK_BYTES: u64 = 65_536;

/// What was billed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bill {
    /// DynamoDB's write request units, indexes and transactions included.
    pub write_units: f64,
    /// DynamoDB's read request units.
    pub read_units: f64,
    /// Requests to SQS that send.
    pub queue_requests: u64,
    /// Objects put to S3.
    pub puts: u64,
    /// Bytes that went to DynamoDB, as JSON.
    pub table_bytes: u64,
    /// Requests, by what they are.
    pub requests: BTreeMap<String, u64>,
}

impl Bill {
    /// Adds another bill.
    pub fn add(&mut self, other: Self) {
        self.write_units += other.write_units;
        self.read_units += other.read_units;
        self.queue_requests += other.queue_requests;
        self.puts += other.puts;
        self.table_bytes += other.table_bytes;
        for (what, count) in other.requests {
            *self.requests.entry(what).or_default() += count;
        }
    }
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its body.
    pub body: String,
    /// `MessageAttributes` as they were sent.
    pub attributes: Value,
}

/// The whole of AWS and the vendors of one shop.
pub struct Live {
    table: Database,
    queues: Mutex<HashMap<String, VecDeque<Message>>>,
    sandbox: Mutex<Sandbox>,
    bill: Mutex<Bill>,
}

impl Live {
    /// An empty table, empty queues, vendors on which nothing has happened.
    ///
    /// # Errors
    /// When the emulator refuses the table.
    pub fn new() -> Result<Self> {
        let table = Database::memory().map_err(|e| anyhow!("{e}"))?;
        table.create_table(serde_json::from_value(schema())?).map_err(|e| anyhow!("{e}"))?;
        let settings = Settings { stripe_webhook_secret: WEBHOOK_SECRET.to_owned(), ..Settings::default() };
        Ok(Self {
            table,
            queues: Mutex::default(),
            sandbox: Mutex::new(Sandbox::new(settings)),
            bill: Mutex::default(),
        })
    }

    /// Takes what waits in a queue, at most this many messages.
    pub fn receive(&self, queue: &str, most: usize) -> Vec<Message> {
        let mut queues = lock(&self.queues);
        let waiting = queues.entry(queue.to_owned()).or_default();
        let count = waiting.len().min(most);
        waiting.drain(..count).collect()
    }

    /// The webhooks that are due within the next `ahead_ms` milliseconds: nobody waits here for a vendor to post.
    pub fn deliveries(&self, ahead_ms: i64) -> Vec<Delivery> {
        lock(&self.sandbox).take_due(now_ms() + ahead_ms)
    }

    /// Tells the vendor what became of a webhook.
    pub fn delivered(&self, id: u64, status: u16) {
        lock(&self.sandbox).delivered(id, Some(status), now_ms());
    }

    /// How many mails SendGrid has taken.
    pub fn mails(&self) -> usize {
        lock(&self.sandbox).sendgrid().mails().len()
    }

    /// What was billed since the last time.
    pub fn take_bill(&self) -> Bill {
        std::mem::take(&mut *lock(&self.bill))
    }

    fn dynamodb(&self, operation: &str, body: &[u8]) -> Answer {
        match self.on_table(operation, body) {
            Ok((answer, capacity)) => {
                self.charge(operation, capacity.as_ref());
                answer
            }
            // The function will say that AWS is broken; the text is for whoever reads a trace.
            Err(error) => Answer::new(500, error.to_string()),
        }
    }

    /// Answers one operation, with what it consumed.
    fn on_table(&self, operation: &str, body: &[u8]) -> Result<(Answer, Option<Value>)> {
        let mut request: Value = serde_json::from_slice(body)?;
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        let db = &self.table;
        match operation {
            "PutItem" => run(request, |request| db.put_item(request)),
            "UpdateItem" => run(request, |request| db.update_item(request)),
            "DeleteItem" => run(request, |request| db.delete_item(request)),
            "GetItem" => run(request, |request| db.get_item(request)),
            "Query" => run(request, |request| db.query(request)),
            "BatchGetItem" => run(request, |request| db.batch_get_item(request)),
            "TransactGetItems" => run(request, |request| db.transact_get_items(request)),
            "TransactWriteItems" => run(request, |request| db.transact_write_items(request)),
            other => Err(anyhow!("the table has no {other}")),
        }
    }

    fn charge(&self, operation: &str, capacity: Option<&Value>) {
        let units = |entry: &Value| entry["CapacityUnits"].as_f64().unwrap_or(0.0);
        let units = match capacity {
            Some(Value::Array(tables)) => tables.iter().map(units).sum(),
            Some(entry) => units(entry),
            None => 0.0,
        };
        let mut bill = lock(&self.bill);
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" => bill.write_units += units,
            _ => bill.read_units += units,
        }
    }

    fn sqs(&self, operation: &str, body: &Bytes) -> Answer {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let url = request["QueueUrl"].as_str().unwrap_or_default();
        let queue = url.rsplit('/').next().unwrap_or_default().to_owned();
        let entries = match operation {
            "SendMessage" => vec![request.clone()],
            "SendMessageBatch" => request["Entries"].as_array().cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        let messages = entries.into_iter().map(|mut entry| Message {
            body: entry["MessageBody"].as_str().unwrap_or_default().to_owned(),
            attributes: entry["MessageAttributes"].take(),
        });
        lock(&self.queues).entry(queue).or_default().extend(messages);
        lock(&self.bill).queue_requests += (body.len() as u64).div_ceil(SQS_CHUNK_BYTES);
        canned::sqs(operation, body)
    }

    fn vendor(&self, vendor: Vendor, call: &Call) -> Answer {
        let (parts, body) = (&call.request, call.request.body().clone());
        let mut request = http::Request::new(body);
        *request.method_mut() = parts.method().clone();
        *request.uri_mut() = parts.uri().clone();
        *request.headers_mut() = parts.headers().clone();
        match lock(&self.sandbox).call(vendor, now_ms(), request) {
            sandbox::Reply::Answer { response, .. } => {
                let (parts, body) = response.into_parts();
                Answer { status: parts.status.as_u16(), headers: parts.headers, body, after: None }
            }
            sandbox::Reply::Lost { .. } | sandbox::Reply::Refused => Answer::new(503, "no faults are dialled"),
        }
    }
}

impl Backend for Live {
    fn answer(&self, call: &Call) -> Answer {
        let body = call.request.body();
        let name = match call.service {
            // Paths of vendors hold ids.
            service if service.is_vendor() => service.name().to_owned(),
            service => format!("{} {}", service.name(), call.operation),
        };
        {
            let mut bill = lock(&self.bill);
            *bill.requests.entry(name).or_default() += 1;
            if call.service == Service::DynamoDb {
                bill.table_bytes += body.len() as u64;
            }
        }
        match call.service {
            Service::Sqs => self.sqs(&call.operation, body),
            Service::DynamoDb => self.dynamodb(&call.operation, body),
            // Only the sandbox knows the key that its SendGrid signs with; it is the same for every sandbox of a seed.
            Service::Secrets => canned::secret(body),
            // Nothing in the flow reads an object.
            Service::S3 => {
                lock(&self.bill).puts += 1;
                Answer::new(200, "")
            }
            Service::Stripe => self.vendor(Vendor::Stripe, call),
            Service::SendGrid => self.vendor(Vendor::SendGrid, call),
            Service::Fedex => self.vendor(Vendor::FedEx, call),
            Service::Ups => self.vendor(Vendor::Ups, call),
            Service::Dhl => self.vendor(Vendor::Dhl, call),
        }
    }
}

/// The answer, which does not say what was consumed, for nobody asked; and what was.
fn run<Q: DeserializeOwned, A: Serialize>(
    request: Value,
    operation: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> Result<(Answer, Option<Value>)> {
    let request = serde_json::from_value(request).context("a request that the emulator does not read")?;
    let (status, mut answer) = match operation(request) {
        Ok(answer) => (200, serde_json::to_value(answer)?),
        Err(refusal) => (refusal.status_code(), serde_json::from_str(&refusal.to_json())?),
    };
    let capacity = answer.as_object_mut().and_then(|answer| answer.remove("ConsumedCapacity"));
    Ok((canned::aws_json(status, &answer, "1.0"), capacity))
}

/// The table of template.yaml.
fn schema() -> Value {
    let keys = |hash: &str, range: &str| json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }]);
    let index = |name: &str, hash: &str, range: &str, projection: Value| json!({ "IndexName": name, "KeySchema": keys(hash, range), "Projection": projection });
    let everything = || json!({ "ProjectionType": "ALL" });
    let little = json!({
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["kind", "phase", "correlation_id", "intent_id", "give_up_at"],
    });
    let text = ["pk", "sk", "order_pk", "order_sk", "due_pk", "person_pk", "person_sk"];
    let mut attributes: Vec<Value> =
        text.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" })).collect();
    attributes.push(json!({ "AttributeName": "due", "AttributeType": "N" }));
    json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": keys("pk", "sk"),
        "AttributeDefinitions": attributes,
        "GlobalSecondaryIndexes": [
            index("by-order", "order_pk", "order_sk", everything()),
            index("by-due", "due_pk", "due", little),
            index("by-person", "person_pk", "person_sk", everything()),
        ],
    })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
