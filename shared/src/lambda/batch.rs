//! SQS batches, the same for every worker. Records are worked side by side, those of one object one after the other. A
//! failure or a panic affects only its own record.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use lambda_runtime::{LambdaEvent, service_fn};

use super::measure;
use crate::aws::queue::Received;
use crate::domain::{Private, Timestamp};
use crate::effects::nudge::{BULK, LANE};
use crate::effects::{CALL_TIME_MIN, Lease, TAIL_TIME, owner};
use crate::error::{Error, Result};
use crate::gateway::Lane;
use crate::world::World;

/// Time for a batch if Lambda gives no deadline: the shortest of the workers' timeouts.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(25);

/// One record of a batch.
#[derive(Clone, Debug)]
pub struct Record {
    /// SQS's id of the message.
    pub message_id: String,
    /// The body.
    pub body: String,
    /// The message's String attributes.
    pub attributes: HashMap<String, String>,
    /// The ARN of the queue that it came from: Lambda says it, and no sender can.
    pub queue_arn: String,
    /// Who sent it, as IAM knows them: SQS says it, and no sender can.
    pub sender: Option<Private<String>>,
    /// How often it was received.
    pub receives: u32,
    /// Lambda's id of the invocation.
    pub request_id: String,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
}

impl Record {
    /// A message that somebody received by hand, as a function would have been given it, but for queue and invocation.
    pub fn of_received(message: &Received) -> Self {
        Self {
            message_id: message.id.clone(),
            body: message.body.clone(),
            attributes: message.attributes.clone(),
            queue_arn: String::new(),
            sender: None,
            receives: 1,
            request_id: String::new(),
            deadline: Timestamp::default(),
        }
    }

    /// The lease for the intent that this record claims; `None` if there is too little time left for a call.
    pub fn lease(&self, vendor_timeout: std::time::Duration, now: Timestamp) -> Option<Lease> {
        let call_by = now.plus(vendor_timeout).min(self.deadline.minus(TAIL_TIME));
        // The receive count is part of the owner: a redelivery to the same instance is another claim.
        let owner = owner(&self.request_id, &format!("{}/{}", self.message_id, self.receives));
        let is_bulk = self.attributes.get(LANE).is_some_and(|lane| lane == BULK);
        let lane = if is_bulk { Lane::Bulk } else { Lane::Background };
        (call_by.since(now) >= CALL_TIME_MIN).then_some(Lease { owner, call_by, lane, asked_by: None })
    }
}

/// A function fed by a queue.
pub trait Worker {
    /// The function's name, in metrics.
    const NAME: &str;

    /// Prepares a record; all records of the batch are prepared side by side. If this fails, the record is not worked
    /// and goes back to its queue.
    fn prepare(&self, record: &Record) -> impl Future<Output = Result<()>> + Send {
        let _ = record;
        std::future::ready(Ok(()))
    }

    /// Works one record. After an error it goes back to its queue, and after too many errors to the dead-letter queue.
    fn handle(&self, record: &Record) -> impl Future<Output = Result<()>> + Send;

    /// Whether this record may be worked together with others of which that is said: in as many requests as one alone.
    fn is_shared(&self, record: &Record) -> bool {
        let _ = record;
        false
    }

    /// Works several such records at once. After an error each is worked alone, so that none suffers for another.
    fn handle_shared(&self, records: &[Record]) -> impl Future<Output = Result<()>> + Send {
        let _ = records;
        std::future::ready(Ok(()))
    }

    /// Records of one group are worked one after the other, in the order in which they came.
    fn group(&self, record: &Record) -> String {
        record.message_id.clone()
    }
}

/// Runs a worker until Lambda ends the process.
pub async fn run<W: Worker + Sync>(worker: W, world: World) -> std::result::Result<(), lambda_runtime::Error> {
    let (worker, world) = (&worker, &world);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let deadline = super::deadline(&event.context).unwrap_or_else(|| world.now().plus(DEADLINE_DEFAULT));
        Ok::<_, lambda_runtime::Error>(respond(worker, event.payload, &event.context.request_id, deadline, world).await)
    }))
    .await
}

/// Works one batch and lists its failed records.
pub async fn respond<W: Worker>(
    worker: &W,
    event: SqsEvent,
    request_id: &str,
    deadline: Timestamp,
    world: &World,
) -> SqsBatchResponse {
    let records: Vec<Record> = event.records.into_iter().map(|message| record(message, request_id, deadline)).collect();
    let count = records.len();
    let prepared = join_all(records.iter().map(|record| caught(worker.prepare(record)))).await;
    let mut failed = Vec::new();
    let mut groups: Vec<(String, Vec<Record>)> = Vec::new();
    let mut shared: Vec<Record> = Vec::new();
    for (record, prepared) in records.into_iter().zip(prepared) {
        if let Err(error) = prepared {
            report::<W>(&error, &record, world);
            failed.push(record.message_id);
            continue;
        }
        if worker.is_shared(&record) {
            shared.push(record);
            continue;
        }
        let group = worker.group(&record);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, records)) => records.push(record),
            None => groups.push((group, vec![record])),
        }
    }
    let worked = join_all(groups.into_iter().map(|(_, records)| work_group(worker, records, world)));
    let (worked, of_shared) = futures_util::join!(Box::pin(worked), Box::pin(work_shared(worker, shared, world)));
    measure::handled(count, world.now());
    let mut response = SqsBatchResponse::default();
    let failed = failed.into_iter().chain(worked.into_iter().flatten()).chain(of_shared);
    response.batch_item_failures = failed.map(failure).collect();
    response
}

/// Turns a panic into an error of this record.
async fn caught(work: impl Future<Output = Result<()>>) -> Result<()> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Error::bug(measure::PANIC, "a handler panicked")))
}

/// Works a group in order. After a failure the other records of the group are still worked: each event carries its own
/// time, so order is restored later.
async fn work_group<W: Worker>(worker: &W, records: Vec<Record>, world: &World) -> Vec<String> {
    let mut failed = Vec::new();
    for record in records {
        if let Err(error) = caught(worker.handle(&record)).await {
            report::<W>(&error, &record, world);
            failed.push(record.message_id);
        }
    }
    failed
}

/// Works several records at once, and each alone where that fails.
async fn work_shared<W: Worker>(worker: &W, records: Vec<Record>, world: &World) -> Vec<String> {
    if records.len() > 1 {
        match caught(worker.handle_shared(&records)).await {
            Ok(()) => return Vec::new(),
            Err(error) => tracing::warn!(error = %error, "records failed together, and are worked one by one"),
        }
    }
    let alone = records.into_iter().map(|record| work_group(worker, vec![record], world));
    join_all(alone).await.into_iter().flatten().collect()
}

fn report<W: Worker>(error: &Error, record: &Record, world: &World) {
    measure::failed(W::NAME, error, world.now());
    tracing::error!(
        message.id = record.message_id,
        message.receives = record.receives,
        code = error.code,
        error = %error.chain(),
        "a record failed and goes back to its queue"
    );
}

fn record(message: SqsMessage, request_id: &str, deadline: Timestamp) -> Record {
    let text = |value: aws_lambda_events::event::sqs::SqsMessageAttribute| value.string_value;
    Record {
        message_id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        queue_arn: message.event_source_arn.unwrap_or_default(),
        sender: message.attributes.get("SenderId").cloned().map(Private::new),
        receives: message.attributes.get("ApproximateReceiveCount").and_then(|n| n.parse().ok()).unwrap_or(1),
        attributes: message
            .message_attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, text(value)?)))
            .collect(),
        request_id: request_id.to_owned(),
        deadline,
    }
}

fn failure(message_id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}
