//! SQS's JSON protocol: the sender's side, and what somebody needs who receives by hand.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::sqs_limits::{Refusal, check, check_batch};
use crate::{Attribute, Sqs};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessageBatch {
    queue_url: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) message_body: String,
    #[serde(default)]
    pub(crate) delay_seconds: u32,
    #[serde(default)]
    pub(crate) message_attributes: BTreeMap<String, WireAttribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WireAttribute {
    pub(crate) data_type: String,
    pub(crate) string_value: Option<String>,
    /// base64
    pub(crate) binary_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: String,
    max_number_of_messages: usize,
    visibility_timeout: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u32,
}

impl Sqs {
    /// Answers one request. `partial`: see [`crate::Fault::Partial`].
    pub(crate) fn answer(&self, operation: &str, body: &[u8], partial: bool) -> Answer {
        let result = match operation {
            "SendMessage" => self.send_message(read(body)),
            "SendMessageBatch" => self.send_batch(read(body), partial),
            "GetQueueAttributes" => self.attributes(&read(body)),
            "ReceiveMessage" => self.receive_some(&read(body)),
            "ChangeMessageVisibility" => self.hide(&read(body)),
            _ => panic!("SQS is modelled without {operation}"),
        };
        match result {
            Ok(answer) => Answer::ok(&answer),
            Err(refusal) => refusal.into_answer(),
        }
    }

    fn send_message(&self, request: SendMessage) -> Result<Value, Refusal> {
        let queue = self.known(&request.queue_url)?;
        let id = self.accept(&queue, request.entry)?;
        Ok(json!({ "MessageId": id }))
    }

    fn send_batch(&self, request: SendMessageBatch, partial: bool) -> Result<Value, Refusal> {
        let queue = self.known(&request.queue_url)?;
        check_batch(&request.entries)?;
        let keep = if partial { request.entries.len() / 2 } else { request.entries.len() };
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (i, entry) in request.entries.into_iter().enumerate() {
            let entry_id = entry.id.clone();
            if i >= keep {
                failed.push(json!({ "Id": entry_id, "Code": "InternalError", "SenderFault": false }));
                continue;
            }
            match self.accept(&queue, entry) {
                Ok(id) => successful.push(json!({ "Id": entry_id, "MessageId": id })),
                Err(why) => failed.push(json!({
                    "Id": entry_id, "Code": why.query_code, "Message": why.message, "SenderFault": true,
                })),
            }
        }
        Ok(json!({ "Successful": successful, "Failed": failed }))
    }

    fn attributes(&self, request: &GetQueueAttributes) -> Result<Value, Refusal> {
        let queue = self.known(&request.queue_url)?;
        let settings = self.settings(&queue);
        let all = [
            ("ApproximateNumberOfMessages", self.visible(&queue).to_string()),
            ("ApproximateNumberOfMessagesNotVisible", self.in_flight(&queue).to_string()),
            ("ApproximateNumberOfMessagesDelayed", self.delayed(&queue).to_string()),
            ("VisibilityTimeout", settings.visibility_timeout_s.to_string()),
        ];
        let wanted = |name: &str| request.attribute_names.iter().any(|wanted| wanted == name || wanted == "All");
        let attributes: BTreeMap<&str, String> = all.into_iter().filter(|(name, _)| wanted(name)).collect();
        Ok(json!({ "Attributes": attributes }))
    }

    fn receive_some(&self, request: &ReceiveMessage) -> Result<Value, Refusal> {
        let queue = self.known(&request.queue_url)?;
        let received = self.receive(&queue, request.max_number_of_messages);
        let messages = received.into_iter().map(|message| {
            self.change_visibility(&queue, &message.receipt_handle, request.visibility_timeout);
            let attributes: BTreeMap<_, _> = message
                .attributes
                .iter()
                .map(|(name, a)| (name, json!({ "DataType": a.data_type, "StringValue": a.value })))
                .collect();
            json!({
                "MessageId": message.id,
                "ReceiptHandle": message.receipt_handle,
                "Body": message.body,
                "Attributes": { "SentTimestamp": message.sent_at_ms.to_string() },
                "MessageAttributes": attributes,
            })
        });
        Ok(json!({ "Messages": messages.collect::<Vec<_>>() }))
    }

    fn hide(&self, request: &ChangeVisibility) -> Result<Value, Refusal> {
        let queue = self.known(&request.queue_url)?;
        self.change_visibility(&queue, &request.receipt_handle, request.visibility_timeout);
        Ok(json!({}))
    }

    fn known(&self, url: &str) -> Result<String, Refusal> {
        self.name_of(url).ok_or_else(|| {
            let code = "AWS.SimpleQueueService.NonExistentQueue";
            Refusal::new("QueueDoesNotExist", code, "The specified queue does not exist.")
        })
    }

    fn accept(&self, queue: &str, entry: Entry) -> Result<String, Refusal> {
        check(&entry)?;
        let attributes = entry.message_attributes.into_iter().map(|(name, wire)| (name, wire.into_attribute()));
        Ok(self.send(queue, &entry.message_body, attributes.collect(), entry.delay_seconds))
    }
}

impl WireAttribute {
    fn into_attribute(self) -> Attribute {
        Attribute { data_type: self.data_type, value: self.string_value.or(self.binary_value).unwrap_or_default() }
    }

    pub(crate) fn value(&self) -> &str {
        self.string_value.as_deref().or(self.binary_value.as_deref()).unwrap_or_default()
    }
}

fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> T {
    serde_json::from_slice(body).expect("a request of the SDK")
}
