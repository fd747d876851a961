//! SendGrid's events in our words, and their batches in pieces that fit a queue.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::campaign::part_id;
use crate::domain::consent::{ConsentChange, Suppression};
use crate::domain::input::normalised_email;
use crate::domain::message::MessageStatus;
use crate::domain::{IntentId, Private, Timestamp};
use crate::effects::inbound::Event;
use crate::effects::observation::{MessageFact, Observation, ObservedContact, ObservedMessage};
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
    #[serde(default)]
    crossdock_campaign: Option<String>,
    /// Whom it was sent to.
    #[serde(default)]
    email: Option<Private<String>>,
    /// Of opens: a program loaded the picture ahead of its reader.
    #[serde(default)]
    sg_machine_open: Option<Value>,
}

impl WireEvent {
    /// Late bounces have no ids of ours, or empty ones. (github.com/symfony/symfony/pull/59376,
    /// github.com/sendgrid/docs/issues/5177.)
    fn without_what_is_empty(mut self) -> Self {
        let Self { sg_event_id, sg_message_id, crossdock_stack, crossdock_intent, crossdock_campaign, .. } = &mut self;
        for id in [sg_event_id, sg_message_id, crossdock_stack, crossdock_intent, crossdock_campaign] {
            id.take_if(|id| id.is_empty());
        }
        self
    }

    fn is_by_machine(&self) -> bool {
        self.sg_machine_open.as_ref().is_some_and(|said| *said == Value::Bool(true) || said == "true")
    }

    /// Whether its server did not take the mail this time: refused, or deferred for more than three days. The mail has ended
    /// with it, and SendGrid goes on sending to the address. (SendGrid's glossary on blocks and on throttling.)
    fn is_block(&self) -> bool {
        self.event == "bounce" && matches!(self.bounce_type.as_deref(), Some("blocked" | "expired"))
    }

    /// What it says of the address where nobody knows the mail. That an address does not exist is so whoever wrote to it.
    fn of_address(&self, at: Timestamp) -> Option<Observation> {
        let is_ours = self.crossdock_stack.is_some() || self.crossdock_intent.is_some();
        if self.event != "bounce" || self.is_block() || is_ours {
            return None;
        }
        let address = normalised_email(self.email.as_ref()?.expose())?;
        let change = ConsentChange::Suppressed(Suppression::Bounced);
        Some(Observation::Contact(ObservedContact::of(address.into(), change, at)))
    }
}

/// Cuts a verified batch after elements. Put one after the other the slices are the batch again, byte for byte, so
/// whoever has them all can verify the signature once more.
///
/// # Errors
/// 400 `malformed_json` when it is no JSON array.
pub fn slices(batch: &Verified<Bytes>) -> Result<Vec<&str>> {
    let malformed = || Error::rejected(400, "malformed_json", "The body is not a JSON array of events.");
    let text = std::str::from_utf8(batch.get()).map_err(|_| malformed())?;
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| malformed())?;
    let mut slices = Vec::new();
    let (mut from, mut events) = (0, 0);
    for element in elements.iter().map(|element| element.get()) {
        // Elements are borrowed from the text, so their addresses say where they are.
        let start = element.as_ptr().addr() - text.as_ptr().addr();
        if events == SLICE_EVENTS_MAX || (events > 0 && start + element.len() + 1 - from > SLICE_BYTES_MAX) {
            // Between two elements there is one comma, and blanks.
            let cut = text[..start].rfind(',').map_or(start, |comma| comma + 1);
            slices.push(&text[from..cut]);
            (from, events) = (cut, 0);
        }
        events += 1;
    }
    if events > 0 {
        slices.push(&text[from..]);
    }
    Ok(slices)
}

/// Reads a slice, the `number`-th of `of`: each element on its own, so that a bad one never costs the rest.
///
/// # Errors
/// `unknown_message` (a bug) when it is no such slice of a JSON array.
pub fn read_events(slice: &[u8], number: usize, of: usize, received_at: Timestamp) -> Result<Vec<Result<Event>>> {
    let unreadable = |what: &str| Error::bug("unknown_message", format!("sendgrid slice: {what}"));
    let text = std::str::from_utf8(slice).map_err(|_| unreadable("not UTF-8"))?.trim();
    let text = if number == 1 { text.strip_prefix('[') } else { Some(text) };
    let end = if number == of { ']' } else { ',' };
    let text = text.and_then(|text| text.strip_suffix(end)).ok_or_else(|| unreadable("not cut from an array"))?;
    let array = format!("[{text}]");
    let elements: Vec<&RawValue> =
        serde_json::from_str(&array).map_err(|e| unreadable(&format!("column {}", e.column())))?;
    Ok(elements.iter().map(|element| read_event(element.get(), received_at)).collect())
}

fn read_event(element: &str, received_at: Timestamp) -> Result<Event> {
    let wire: WireEvent = serde_json::from_str(element)
        .map_err(|e| Error::bug("unknown_message", format!("sendgrid event: column {}", e.column())))?;
    let wire = wire.without_what_is_empty();
    let seconds = wire.timestamp.as_ref().and_then(Value::as_i64);
    let occurred_at = seconds.map_or(received_at, Timestamp::from_seconds);
    // What stands before the first dot is the id that the send was answered with.
    let message_id = wire.sg_message_id.as_deref().and_then(|id| id.split('.').next());
    let vendor_id = message_id.map(|id| match (&wire.crossdock_campaign, &wire.crossdock_intent) {
        // The mails of a campaign were answered with one id.
        (Some(_), Some(intent)) => part_id(id, intent),
        _ => id.to_owned(),
    });
    // An event without an id is told apart by its content.
    let event_id = wire.sg_event_id.clone().unwrap_or_else(|| crate::domain::id::digest(&["sendgrid", element]));
    let what = fact(&wire);
    let observed = what.map(|what| {
        Observation::Message(ObservedMessage {
            vendor_at: Some(occurred_at),
            vendor_id: vendor_id.clone(),
            is_blocked: wire.is_block(),
            by_machine: wire.is_by_machine(),
            ..ObservedMessage::of(what)
        })
    });
    let otherwise = wire.of_address(occurred_at);
    Ok(Event {
        event_id,
        kind: wire.event,
        occurred_at,
        stack: wire.crossdock_stack,
        intent_id: wire.crossdock_intent.map(IntentId::from_stored),
        order_id: None,
        vendor_id,
        part_of: None,
        refunded: None,
        refunded_by_us: None,
        introduces: false,
        otherwise,
        observed,
        archive_key: None,
    })
}

/// What an event says of its message, or of its recipient's wishes; `None` for types that we only record.
fn fact(wire: &WireEvent) -> Option<MessageFact> {
    match wire.event.as_str() {
        "processed" => Some(MessageFact::Status(MessageStatus::Sent)),
        "delivered" => Some(MessageFact::Status(MessageStatus::Delivered)),
        "dropped" => Some(MessageFact::Status(MessageStatus::Dropped)),
        "bounce" if wire.is_block() => Some(MessageFact::Status(MessageStatus::Dropped)),
        "bounce" => Some(MessageFact::Status(MessageStatus::Bounced)),
        "deferred" => Some(MessageFact::Deferred),
        "open" => Some(MessageFact::Opened),
        "click" => Some(MessageFact::Clicked),
        "spamreport" | "spam_report" => Some(MessageFact::SpamReported),
        "unsubscribe" | "group_unsubscribe" => Some(MessageFact::OptedOut),
        "group_resubscribe" => Some(MessageFact::OptedIn),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(body: &str) -> Verified<Bytes> {
        Verified::vouch(Bytes::from(body.to_owned()), "a key")
    }

    /// Elements that are no events, so that it shows when one is cut.
    fn element(n: usize) -> String {
        format!(r#"{{"event":"open","sg_event_id":"{n}","x":[1, 2],"y":"a,b]"}}"#)
    }

    #[test]
    fn the_slices_of_a_batch_are_its_bytes_and_each_element_is_in_one_of_them() {
        for (between, around) in [(",", ["[", "]"]), (" ,\r\n ", [" [ ", " ]\r\n"]), (",\n", ["\n[", "]"])] {
            for count in [1, 49, 50, 51, 120] {
                let elements: Vec<String> = (0..count).map(element).collect();
                let body = format!("{}{}{}", around[0], elements.join(between), around[1]);
                let batch = batch(&body);
                let cut = slices(&batch).expect("an array");
                assert_eq!(cut.concat(), body);
                assert_eq!(cut.len(), count.div_ceil(SLICE_EVENTS_MAX));
                let read = |(n, slice): (usize, &&str)| {
                    read_events(slice.as_bytes(), n + 1, cut.len(), Timestamp::default()).expect("a slice")
                };
                let ids = cut.iter().enumerate().flat_map(read).map(|event| event.expect("good").event_id);
                assert!(ids.eq((0..count).map(|n| n.to_string())), "{body}");
            }
        }
    }

    #[test]
    fn a_slice_stays_below_its_byte_limit() {
        let big = format!(r#"{{"event":"open","x":"{}"}}"#, "x".repeat(30_000));
        let batch = batch(&format!("[{big},{big},{big}]"));
        let cut = slices(&batch).expect("an array");
        assert_eq!(cut.len(), 2);
        assert!(cut.iter().all(|slice| slice.len() <= SLICE_BYTES_MAX));
    }

    #[test]
    fn an_empty_batch_makes_no_message_and_no_array_is_refused() {
        assert!(slices(&batch("[]")).expect("an array").is_empty());
        assert!(slices(&batch("{}")).expect_err("refused").is_rejected());
    }

    #[test]
    fn what_is_no_slice_of_an_array_is_said_to_be_none() {
        for (text, number, of) in
            [("{}", 1, 1), ("[1]", 1, 2), ("1]", 1, 1), ("[1,", 2, 2), ("\u{fe}", 1, 1), ("", 1, 1)]
        {
            assert!(read_events(text.as_bytes(), number, of, Timestamp::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn one_bad_element_never_costs_its_neighbours() {
        let events = read_events(
            br#"[{"event":"delivered","sg_message_id":"m1.filter"},{"event":7},{"event":"open"}]"#,
            1,
            1,
            Timestamp::default(),
        );
        let events = events.expect("an array");
        let good: Vec<bool> = events.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true]);
        assert_eq!(events[0].as_ref().expect("good").vendor_id.as_deref(), Some("m1"));
    }

    #[test]
    fn a_block_ends_its_mail_and_says_nothing_of_the_address() {
        let body = br#"[{"event":"bounce","type":"blocked"},{"event":"bounce","type":"expired"},
            {"event":"bounce","type":"bounce"},{"event":"bounce"},{"event":"deferred"}]"#;
        let events = read_events(body, 1, 1, Timestamp::default()).expect("an array");
        let facts: Vec<(MessageFact, bool)> = events
            .into_iter()
            .filter_map(|event| match event.expect("good").observed {
                Some(Observation::Message(observed)) => Some((observed.what, observed.is_blocked)),
                _ => None,
            })
            .collect();
        let (dropped, bounced) =
            (MessageFact::Status(MessageStatus::Dropped), MessageFact::Status(MessageStatus::Bounced));
        let expected =
            [(dropped, true), (dropped, true), (bounced, false), (bounced, false), (MessageFact::Deferred, false)];
        assert_eq!(facts, expected);
    }

    #[test]
    fn a_bounce_without_our_ids_speaks_of_its_address_and_no_other_event_does() {
        let of_address = |event: &str| {
            let events = read_events(format!("[{event}]").as_bytes(), 1, 1, Timestamp::default()).expect("an array");
            let event = events.into_iter().next().expect("one").expect("good");
            (event.stack, event.intent_id, event.vendor_id, event.otherwise.is_some())
        };
        let empty = r#""email":"ada@example.com","sg_message_id":"","crossdock_stack":"","crossdock_intent":"""#;
        for bounce in [
            r#"{"event":"bounce","type":"bounce","email":"ada@example.com"}"#.to_owned(),
            r#"{"event":"bounce","email":"ada@example.com"}"#.to_owned(),
            format!(r#"{{"event":"bounce","type":"bounce",{empty}}}"#),
        ] {
            assert_eq!(of_address(&bounce), (None, None, None, true), "{bounce}");
        }
        for other in [
            r#"{"event":"bounce","type":"blocked","email":"ada@example.com"}"#,
            r#"{"event":"bounce","type":"expired","email":"ada@example.com"}"#,
            r#"{"event":"bounce","type":"bounce","email":"nobody"}"#,
            r#"{"event":"bounce","type":"bounce"}"#,
            r#"{"event":"bounce","type":"bounce","email":"ada@example.com","crossdock_stack":"another"}"#,
            r#"{"event":"dropped","email":"ada@example.com"}"#,
        ] {
            assert!(!of_address(other).3, "{other}");
        }
    }

    #[test]
    fn an_open_by_a_machine_is_told_apart() {
        let by_machine = |event: &str| {
            let events = read_events(format!("[{event}]").as_bytes(), 1, 1, Timestamp::default()).expect("an array");
            match events.into_iter().next().expect("one").expect("good").observed {
                Some(Observation::Message(observed)) => Some((observed.what, observed.by_machine)),
                _ => None,
            }
        };
        assert_eq!(by_machine(r#"{"event":"open","sg_machine_open":true}"#), Some((MessageFact::Opened, true)));
        assert_eq!(by_machine(r#"{"event":"open","sg_machine_open":false}"#), Some((MessageFact::Opened, false)));
        assert_eq!(by_machine(r#"{"event":"open"}"#), Some((MessageFact::Opened, false)));
    }
}
