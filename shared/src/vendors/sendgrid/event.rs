//! SendGrid's events in our words, and their batches in pieces that fit a queue.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::message::MessageStatus;
use crate::domain::{IntentId, Timestamp};
use crate::effects::inbound::Event;
use crate::effects::observation::{MessageNews, MessageSeen, Observation};
use crate::error::{Error, Result};
use crate::vendors::Verified;

/// Events in one queue message: one worker record costs at most so many.
const SLICE_EVENTS_MAX: usize = 50;
/// Bytes in one queue message: 16 of them fill the 1 MiB that one SQS batch may have.
const SLICE_BYTES_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
struct WireEvent {
    event: String,
    #[serde(default)]
    timestamp: Option<Value>,
    #[serde(default)]
    sg_event_id: Option<String>,
    #[serde(default)]
    sg_message_id: Option<String>,
    #[serde(default, rename = "type")]
    bounce_type: Option<String>,
    #[serde(default)]
    crossdock_stack: Option<String>,
    #[serde(default)]
    crossdock_intent: Option<String>,
}

/// Cuts a verified batch at element boundaries into JSON arrays, each element byte for byte as it was signed.
///
/// # Errors
/// 400 `malformed_json` when it is no JSON array.
pub fn slices(batch: &Verified<Bytes>) -> Result<Vec<String>> {
    let malformed = || Error::rejected(400, "malformed_json", "The body is not a JSON array of events.");
    let text = std::str::from_utf8(batch.get()).map_err(|_| malformed())?;
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| malformed())?;
    let mut slices = Vec::new();
    let mut slice = String::new();
    let mut events = 0;
    for element in elements.iter().map(|element| element.get()) {
        if events == SLICE_EVENTS_MAX || (events > 0 && slice.len() + element.len() + 2 > SLICE_BYTES_MAX) {
            slice.push(']');
            slices.push(std::mem::take(&mut slice));
            events = 0;
        }
        slice.push(if events == 0 { '[' } else { ',' });
        slice.push_str(element);
        events += 1;
    }
    if events > 0 {
        slice.push(']');
        slices.push(slice);
    }
    Ok(slices)
}

/// Reads a slice: each element on its own, so that a bad one never costs the rest.
///
/// # Errors
/// `unknown_message` (a bug) when it is no JSON array.
pub fn read_events(slice: &[u8], received_at: Timestamp) -> Result<Vec<Result<Event>>> {
    let elements: Vec<&RawValue> = serde_json::from_slice(slice)
        .map_err(|e| Error::bug("unknown_message", format!("sendgrid slice: column {}", e.column())))?;
    Ok(elements.iter().map(|element| read_event(element.get(), received_at)).collect())
}

fn read_event(element: &str, received_at: Timestamp) -> Result<Event> {
    let wire: WireEvent = serde_json::from_str(element)
        .map_err(|e| Error::bug("unknown_message", format!("sendgrid event: column {}", e.column())))?;
    let seconds = wire.timestamp.as_ref().and_then(Value::as_i64);
    let occurred_at = seconds.map_or(received_at, Timestamp::from_seconds);
    // What stands before the first dot is the id that the send was answered with.
    let vendor_id = wire.sg_message_id.as_deref().and_then(|id| id.split('.').next()).map(str::to_owned);
    // An event without an id is told apart by its content.
    let event_id = wire.sg_event_id.clone().unwrap_or_else(|| crate::domain::id::digest(&["sendgrid", element]));
    let what = news(&wire);
    let seen = what.map(|what| {
        Observation::Message(MessageSeen { what, vendor_at: Some(occurred_at), vendor_id: vendor_id.clone() })
    });
    Ok(Event {
        event_id,
        kind: wire.event,
        occurred_at,
        stack: wire.crossdock_stack,
        intent_id: wire.crossdock_intent.map(IntentId::from_stored),
        vendor_id,
        part_of: None,
        seen,
    })
}

/// What an event says of its message; `None` for those that say nothing of it (unsubscribes speak of a person).
fn news(wire: &WireEvent) -> Option<MessageNews> {
    match wire.event.as_str() {
        "processed" => Some(MessageNews::Status(MessageStatus::Sent)),
        "delivered" => Some(MessageNews::Status(MessageStatus::Delivered)),
        "dropped" => Some(MessageNews::Status(MessageStatus::Dropped)),
        // A block is temporary: the server refused this time.
        "bounce" if wire.bounce_type.as_deref() == Some("blocked") => Some(MessageNews::Deferred),
        "bounce" => Some(MessageNews::Status(MessageStatus::Bounced)),
        "deferred" => Some(MessageNews::Deferred),
        "open" => Some(MessageNews::Opened),
        "click" => Some(MessageNews::Clicked),
        "spamreport" | "spam_report" => Some(MessageNews::SpamReported),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(body: &str) -> Verified<Bytes> {
        Verified::vouch(Bytes::from(body.to_owned()))
    }

    #[test]
    fn a_batch_is_cut_at_element_boundaries_and_nothing_is_lost() {
        let element = |n: usize| format!(r#"{{"event":"open","n":{n}}}"#);
        let elements: Vec<String> = (0..120).map(element).collect();
        let body = format!("[{}]\r\n", elements.join(",\r\n"));
        let cut = slices(&batch(&body)).expect("an array");
        assert_eq!(cut.len(), 3);
        let joined: Vec<String> = cut
            .iter()
            .flat_map(|slice| serde_json::from_str::<Vec<Box<RawValue>>>(slice).expect("an array"))
            .map(|e| e.get().to_owned())
            .collect();
        assert_eq!(joined, elements);
    }

    #[test]
    fn a_slice_stays_below_its_byte_limit() {
        let big = format!(r#"{{"event":"open","x":"{}"}}"#, "x".repeat(30_000));
        let cut = slices(&batch(&format!("[{big},{big},{big}]"))).expect("an array");
        assert_eq!(cut.len(), 2);
        assert!(cut.iter().all(|slice| slice.len() <= SLICE_BYTES_MAX));
    }

    #[test]
    fn an_empty_batch_makes_no_message_and_no_array_is_refused() {
        assert!(slices(&batch("[]")).expect("an array").is_empty());
        assert!(slices(&batch("{}")).expect_err("refused").is_rejected());
    }

    #[test]
    fn one_bad_element_never_costs_its_neighbours() {
        let events = read_events(
            br#"[{"event":"delivered","sg_message_id":"m1.filter"},{"event":7},{"event":"open"}]"#,
            Timestamp::default(),
        );
        let events = events.expect("an array");
        let good: Vec<bool> = events.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true]);
        assert_eq!(events[0].as_ref().expect("good").vendor_id.as_deref(), Some("m1"));
    }

    #[test]
    fn a_blocked_bounce_is_not_a_bounce() {
        let body = br#"[{"event":"bounce","type":"blocked"},{"event":"bounce","type":"bounce"}]"#;
        let events = read_events(body, Timestamp::default()).expect("an array");
        let news: Vec<MessageNews> = events
            .into_iter()
            .filter_map(|event| match event.expect("good").seen {
                Some(Observation::Message(seen)) => Some(seen.what),
                _ => None,
            })
            .collect();
        assert_eq!(news, [MessageNews::Deferred, MessageNews::Status(MessageStatus::Bounced)]);
    }
}
