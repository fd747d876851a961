//! What SQS refuses to take, with the limits that AWS enforces.

use std::collections::BTreeSet;

use crate::answer::Answer;
use crate::sqs_protocol::{Entry, WireAttribute};

/// Bytes of one message with its attributes, and of one batch: 1 MiB since August 2025 (SQS quotas).
const SIZE_MAX: usize = 1_048_576;
/// Entries of a batch (API reference, SendMessageBatch).
const ENTRIES_MAX: usize = 10;
/// Attributes of a message (API reference, message attributes).
const ATTRIBUTES_MAX: usize = 10;
/// Seconds of delay, 15 minutes (API reference, SendMessage).
const DELAY_MAX_S: u32 = 900;

/// Why SQS refuses: the shape of the JSON protocol, the code of the older one, and a text.
pub(crate) struct Refusal {
    shape: &'static str,
    pub(crate) query_code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(shape: &'static str, query_code: &'static str, message: impl Into<String>) -> Self {
        Self { shape, query_code, message: message.into() }
    }

    fn invalid_value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValueException", "InvalidParameterValue", message)
    }

    pub(crate) fn into_answer(self) -> Answer {
        let mut answer = Answer::error(400, &format!("com.amazonaws.sqs#{}", self.shape), &self.message);
        answer.query_error = Some(self.query_code.to_owned());
        answer
    }
}

impl Entry {
    /// What counts against the limit: body, and name, type and value of every attribute.
    fn size(&self) -> usize {
        let attributes = self.message_attributes.iter();
        let attributes: usize = attributes.map(|(name, a)| name.len() + a.data_type.len() + a.value().len()).sum();
        self.message_body.len() + attributes
    }
}

/// What AWS checks of one message.
pub(crate) fn check(entry: &Entry) -> Result<(), Refusal> {
    if entry.message_body.is_empty() {
        let message = "The request must contain the parameter MessageBody.";
        return Err(Refusal::new("MissingRequiredParameterException", "MissingParameter", message));
    }
    if entry.size() > SIZE_MAX {
        let message = format!("One or more parameters are invalid. Message must be shorter than {SIZE_MAX} bytes.");
        return Err(Refusal::invalid_value(message));
    }
    if entry.delay_seconds > DELAY_MAX_S {
        return Err(Refusal::invalid_value(format!("DelaySeconds must be >= 0 and <= {DELAY_MAX_S}.")));
    }
    if entry.message_attributes.len() > ATTRIBUTES_MAX {
        return Err(Refusal::invalid_value("Number of message attributes exceeds the allowed maximum of 10."));
    }
    if let Some((name, _)) = entry.message_attributes.iter().find(|(_, attribute)| attribute.value().is_empty()) {
        return Err(Refusal::invalid_value(format!("Message attribute '{name}' must contain a non-empty value.")));
    }
    let values = entry.message_attributes.values().map(WireAttribute::value);
    if !values.chain([entry.message_body.as_str()]).all(|text| text.chars().all(is_allowed)) {
        let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(Refusal::new("InvalidMessageContents", "InvalidMessageContents", message));
    }
    Ok(())
}

/// What AWS checks of a batch as a whole, before its entries.
pub(crate) fn check_batch(entries: &[Entry]) -> Result<(), Refusal> {
    if entries.is_empty() {
        let code = "AWS.SimpleQueueService.EmptyBatchRequest";
        return Err(Refusal::new("EmptyBatchRequest", code, "There should be at least one entry."));
    }
    if entries.len() > ENTRIES_MAX {
        let code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        return Err(Refusal::new(
            "TooManyEntriesInBatchRequest",
            code,
            "Maximum number of entries per request are 10.",
        ));
    }
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    if ids.len() < entries.len() {
        let code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
        return Err(Refusal::new("BatchEntryIdsNotDistinct", code, "Two or more entries have the same Id."));
    }
    if !ids.iter().all(|id| is_entry_id(id)) {
        let code = "AWS.SimpleQueueService.InvalidBatchEntryId";
        return Err(Refusal::new(
            "InvalidBatchEntryId",
            code,
            "An Id has 1 to 80 letters, digits, hyphens and underscores.",
        ));
    }
    if entries.iter().map(Entry::size).sum::<usize>() > SIZE_MAX {
        let code = "AWS.SimpleQueueService.BatchRequestTooLong";
        let message = format!("Batch requests cannot be longer than {SIZE_MAX} bytes.");
        return Err(Refusal::new("BatchRequestTooLong", code, message));
    }
    Ok(())
}

fn is_entry_id(id: &str) -> bool {
    (1..=80).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The characters that XML 1.0 allows, which is what SQS takes. Surrogates cannot occur in a Rust string.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..)
}
