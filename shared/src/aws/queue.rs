//! The queues: messages out. Lambda delivers incoming messages; only the operator's program reads a queue itself.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use futures_util::future::join_all;

use super::client::{Clients, failure};
use crate::domain::Timestamp;
use crate::error::{Error, Result};

/// Messages of one SendMessageBatch (an SQS limit).
const BATCH_MAX: usize = 10;
/// Bytes of one SendMessageBatch, bodies and attributes together (an SQS limit: 1 MiB).
const BATCH_MAX_BYTES: usize = 1_048_576;
/// Longest delay of a message (an SQS limit).
pub const DELAY_MAX: Duration = Duration::from_secs(900);

/// Seconds that a receive by hand waits for a message. Less than [`super::client`]'s time for one try.
const RECEIVE_WAIT_SECONDS: i32 = 1;

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// At most 1 MiB of characters that XML allows (an SQS limit).
    pub body: String,
    /// String attributes.
    pub attributes: Vec<(String, String)>,
    /// How long it stays invisible, at most [`DELAY_MAX`].
    pub delay: Duration,
}

impl Outgoing {
    /// A message without attributes, visible at once.
    pub fn plain(body: String) -> Self {
        Self { body, attributes: Vec::new(), delay: Duration::ZERO }
    }
}

/// A message as it was received by hand.
#[derive(Clone, Debug)]
pub struct Received {
    /// SQS's id of it.
    pub id: String,
    /// Of this receive: for deleting and releasing it.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// Its String attributes.
    pub attributes: HashMap<String, String>,
    /// When it was first sent, or moved here.
    pub sent_at: Timestamp,
}

/// The way to the queues; they are named by URL.
#[derive(Clone, Debug)]
pub struct Queues {
    client: aws_sdk_sqs::Client,
}

impl Queues {
    /// All queues that the role may send to.
    pub fn new(clients: &Clients) -> Self {
        Self { client: clients.sqs() }
    }

    /// Sends one message. When this returns without an error, the message is durable.
    pub async fn send(&self, url: &str, message: Outgoing) -> Result<()> {
        self.client
            .send_message()
            .queue_url(url)
            .set_message_attributes(attributes(&message)?)
            .set_delay_seconds(delay(&message))
            .message_body(message.body)
            .send()
            .await
            .map_err(|e| failure("SendMessage", e))?;
        Ok(())
    }

    /// Sends any number of messages, as many in a call as SQS allows. The calls run side by side, so they cost one
    /// wait.
    ///
    /// # Errors
    /// The first failure. Some messages may have been sent.
    pub async fn send_all(&self, url: &str, messages: Vec<Outgoing>) -> Result<()> {
        let calls = batches(messages).into_iter().map(|batch| self.send_batch(url, batch));
        join_all(calls).await.into_iter().collect()
    }

    async fn send_batch(&self, url: &str, messages: Vec<Outgoing>) -> Result<()> {
        let mut entries = Vec::with_capacity(messages.len());
        for (index, message) in messages.into_iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .set_message_attributes(attributes(&message)?)
                .set_delay_seconds(delay(&message))
                .message_body(message.body)
                .build()
                .map_err(|e| Error::bug("queue_message", "it cannot be built").caused_by(e))?;
            entries.push(entry);
        }
        let answer = self
            .client
            .send_message_batch()
            .queue_url(url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|e| failure("SendMessageBatch", e))?;
        match answer.failed.first() {
            None => Ok(()),
            Some(failed) if failed.sender_fault => Err(Error::bug("queue_message", &failed.code)),
            Some(failed) => Err(Error::transient("aws_unavailable", format!("SendMessageBatch: {}", failed.code))),
        }
    }

    /// Receives up to ten messages and hides them for `hidden`.
    pub async fn receive(&self, url: &str, hidden: Duration) -> Result<Vec<Received>> {
        let answer = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX))
            // Waiting makes SQS ask all of its servers, so that "none" is true.
            .wait_time_seconds(RECEIVE_WAIT_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|e| failure("ReceiveMessage", e))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(received).collect())
    }

    /// Deletes a received message.
    pub async fn delete(&self, url: &str, receipt: &str) -> Result<()> {
        let answer = self.client.delete_message().queue_url(url).receipt_handle(receipt).send().await;
        answer.map(drop).map_err(|e| failure("DeleteMessage", e))
    }

    /// Makes a received message visible again at once.
    pub async fn release(&self, url: &str, receipt: &str) -> Result<()> {
        let request = self.client.change_message_visibility().queue_url(url).receipt_handle(receipt);
        let answer = request.visibility_timeout(0).send().await;
        answer.map(drop).map_err(|e| failure("ChangeMessageVisibility", e))
    }

    /// How many messages wait in the queue, roughly.
    pub async fn visible(&self, url: &str) -> Result<usize> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(name.clone())
            .send()
            .await
            .map_err(|e| failure("GetQueueAttributes", e))?;
        let number = answer.attributes.and_then(|mut attributes| attributes.remove(&name));
        Ok(number.and_then(|text| text.parse().ok()).unwrap_or(0))
    }
}

/// Cuts messages into calls that keep to both limits. One that is too large by itself gets a call of its own, which
/// SQS then refuses.
fn batches(messages: Vec<Outgoing>) -> Vec<Vec<Outgoing>> {
    let mut batches: Vec<Vec<Outgoing>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let size = size(&message);
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_MAX && bytes + size <= BATCH_MAX_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

/// A message as SQS counts it: the body, and of each attribute name, type and value.
fn size(message: &Outgoing) -> usize {
    let attributes = message.attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len());
    message.body.len() + attributes.sum::<usize>()
}

fn received(message: aws_sdk_sqs::types::Message) -> Received {
    let sent = message.attributes.as_ref().and_then(|names| names.get(&MessageSystemAttributeName::SentTimestamp));
    let text = |(name, value): (String, MessageAttributeValue)| Some((name, value.string_value?));
    Received {
        sent_at: Timestamp::from_ms(sent.and_then(|text| text.parse().ok()).unwrap_or(0)),
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: message.message_attributes.unwrap_or_default().into_iter().filter_map(text).collect(),
    }
}

fn attributes(message: &Outgoing) -> Result<Option<HashMap<String, MessageAttributeValue>>> {
    if message.attributes.is_empty() {
        return Ok(None);
    }
    message
        .attributes
        .iter()
        .map(|(name, value)| {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            Ok((name.clone(), value.map_err(|e| Error::bug("queue_message", "it cannot be built").caused_by(e))?))
        })
        .collect::<Result<_>>()
        .map(Some)
}

fn delay(message: &Outgoing) -> Option<i32> {
    let seconds = message.delay.min(DELAY_MAX).as_secs();
    (seconds > 0).then(|| i32::try_from(seconds).unwrap_or(0))
}
