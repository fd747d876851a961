//! A function that hears what comes over SNS, and once more what it could not tell: Lambda puts an event whose invocation failed into
//! a queue (the OnFailure destination), which feeds the same function. A schedule makes it look around.
//!
//! (docs.aws.amazon.com/lambda/latest/dg/with-sns.html; …/invocation-async-retain-records.html)

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::alerts::Delivery;
use crate::domain::Timestamp;
use crate::error::{Error, Result};
use crate::telemetry::metrics::Metric;
use crate::world::World;

/// A function that hears.
pub trait Listener {
    /// Hears one message. `owner` names the invocation, and the message in it. After an error it comes again.
    fn hear(&self, delivery: &Delivery, owner: &str) -> impl Future<Output = Result<()>> + Send;

    /// Looks around, when the schedule says so.
    fn look(&self, owner: &str) -> impl Future<Output = Result<()>> + Send;
}

/// Runs it until Lambda ends the process.
pub async fn run<L: Listener + Sync>(listener: L, world: World) -> std::result::Result<(), lambda_runtime::Error> {
    let (listener, world) = (&listener, &world);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        Box::pin(respond(listener, event.payload, &event.context.request_id, world)).await.map_err(|error| {
            tracing::error!(error = %error.chain(), "the invocation failed");
            lambda_runtime::Diagnostic { error_type: error.code.to_owned(), error_message: error.detail }
        })
    }))
    .await
}

/// One event to its answer: the failed messages of a queue's batch, nothing otherwise.
///
/// # Errors
/// A message of SNS could not be told, or looking around failed. Lambda then keeps the event in the queue.
pub async fn respond<L: Listener>(listener: &L, event: Value, request_id: &str, world: &World) -> Result<Value> {
    let records = event.get("Records").and_then(Value::as_array);
    let Some(records) = records else {
        return caught(listener.look(request_id)).await.map(|()| Value::Null);
    };
    if records.iter().all(|record| record.get("EventSource").is_some_and(|source| source == "aws:sns")) {
        hear_all(listener, records, request_id, world).await?;
        return Ok(Value::Null);
    }
    let mut failed = Vec::new();
    for record in records {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Err(error) = hear_again(listener, text("body"), request_id, world).await {
            tracing::error!(error = %error.chain(), message.id = text("messageId"), "a message could not be told again");
            failed.push(json!({ "itemIdentifier": text("messageId") }));
        }
    }
    Ok(json!({ "batchItemFailures": failed }))
}

/// What Lambda has put into the queue: the event is in `requestPayload`. What is none of it can never be told, and is dropped with a
/// line in the log.
async fn hear_again<L: Listener>(listener: &L, body: &str, request_id: &str, world: &World) -> Result<()> {
    let envelope: Value = serde_json::from_str(body).unwrap_or_default();
    let Some(records) = envelope.pointer("/requestPayload/Records").and_then(Value::as_array) else {
        if envelope.get("requestPayload").is_none() {
            tracing::error!("a message in the queue of alerts is none of Lambda's, and is dropped");
        }
        // A look around that failed: the next one has come long ago.
        return Ok(());
    };
    hear_all(listener, records, request_id, world).await
}

/// All messages are heard, whatever becomes of one.
async fn hear_all<L: Listener>(listener: &L, records: &[Value], request_id: &str, world: &World) -> Result<()> {
    let mut first_failure = Ok(());
    for record in records {
        let delivery = delivery(record, world.now());
        let owner = format!("{request_id}/{}", delivery.message_id);
        let heard = caught(listener.hear(&delivery, &owner)).await;
        if heard.is_err() {
            Metric::AlertsUndelivered.count(world.now(), &[]);
        }
        first_failure = first_failure.and(heard);
    }
    first_failure
}

fn delivery(record: &Value, now: Timestamp) -> Delivery {
    let text = |name: &str| record.pointer(&format!("/Sns/{name}")).and_then(Value::as_str);
    Delivery {
        message_id: text("MessageId").unwrap_or_default().to_owned(),
        topic_arn: text("TopicArn").unwrap_or_default().to_owned(),
        subject: text("Subject").map(str::to_owned),
        message: text("Message").unwrap_or_default().to_owned(),
        sent_at: text("Timestamp").and_then(Timestamp::parse_rfc3339).unwrap_or(now),
    }
}

/// Turns a panic into an error.
async fn caught(work: impl Future<Output = Result<()>>) -> Result<()> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Error::bug("panic", "a handler panicked")))
}
