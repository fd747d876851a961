//! Postmark's webhooks in our words: one JSON object each.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::consent::{ConsentChange, Suppression};
use crate::domain::input::normalised_email;
use crate::domain::message::MessageStatus;
use crate::domain::{IntentId, Private, Timestamp};
use crate::effects::inbound::Event;
use crate::effects::observation::{MessageFact, Observation, ObservedContact, ObservedMessage};
use crate::error::{Error, Result};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireEvent {
    record_type: String,
    #[serde(default, rename = "MessageID")]
    message_id: Option<String>,
    /// Of bounces and complaints.
    #[serde(default, rename = "ID")]
    id: Option<Value>,
    #[serde(default)]
    delivered_at: Option<String>,
    #[serde(default)]
    bounced_at: Option<String>,
    #[serde(default)]
    received_at: Option<String>,
    #[serde(default)]
    changed_at: Option<String>,
    /// Of bounces.
    #[serde(default, rename = "Type")]
    bounce_type: Option<String>,
    /// Of bounces: Postmark does not write to the address any more.
    #[serde(default)]
    inactive: Option<bool>,
    #[serde(default)]
    suppress_sending: Option<bool>,
    #[serde(default)]
    suppression_reason: Option<String>,
    /// Whom it is about, by the name that most records have for it.
    #[serde(default)]
    recipient: Option<Private<String>>,
    /// The same by the name that bounces have.
    #[serde(default)]
    email: Option<Private<String>>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    crossdock_stack: Option<String>,
    #[serde(default)]
    crossdock_intent: Option<String>,
}

impl WireEvent {
    /// What it says of the address where nobody knows the mail; that it was made active again is about no mail at all.
    /// (postmarkapp.com/developer/webhooks/subscription-change-webhook, and bounce-webhook.)
    fn of_address(&self, at: Timestamp) -> Option<ObservedContact> {
        let is_ours = self
            .metadata
            .as_ref()
            .is_some_and(|ours| ours.crossdock_stack.is_some() || ours.crossdock_intent.is_some());
        let change = match (self.record_type.as_str(), self.suppress_sending, self.suppression_reason.as_deref()) {
            ("SubscriptionChange", Some(false), _) => ConsentChange::BounceLifted,
            _ if is_ours => return None,
            ("SubscriptionChange", Some(true), Some("HardBounce")) => ConsentChange::Suppressed(Suppression::Bounced),
            ("SubscriptionChange", Some(true), Some("SpamComplaint")) => {
                ConsentChange::Suppressed(Suppression::SpamReported)
            }
            ("SubscriptionChange", Some(true), Some("ManualSuppression")) => ConsentChange::OptedOut,
            ("Bounce", ..) if fact(self) == Some(MessageFact::Status(MessageStatus::Bounced)) => {
                ConsentChange::Suppressed(Suppression::Bounced)
            }
            _ => return None,
        };
        let address = self.recipient.as_ref().or(self.email.as_ref())?;
        Some(ObservedContact::of(normalised_email(address.expose())?.into(), change, at))
    }

    fn parse(body: &[u8]) -> Result<Self> {
        let unreadable =
            |e: serde_json::Error| Error::bug("unknown_message", format!("postmark event: column {}", e.column()));
        serde_json::from_slice(body).map_err(unreadable)
    }

    /// When it happened, as Postmark writes it.
    fn time(&self) -> Option<&str> {
        let times = [&self.delivered_at, &self.bounced_at, &self.received_at, &self.changed_at];
        times.into_iter().find_map(Option::as_deref)
    }

    /// Type, message and, since a message can be opened twice, its own id or time.
    fn event_id(&self) -> Option<String> {
        let number = self.id.as_ref().and_then(Value::as_i64).map(|id| id.to_string());
        let what = number.or_else(|| self.time().map(str::to_owned)).unwrap_or_default();
        Some(format!("{}-{}-{what}", self.record_type, self.message_id.as_deref()?))
    }
}

/// The event's id, for its place in the archive.
pub fn event_id(body: &[u8]) -> Option<String> {
    WireEvent::parse(body).ok()?.event_id()
}

/// Reads a webhook that came at this time.
///
/// # Errors
/// `unknown_message` (a bug) when it is none of Postmark's.
pub fn read_event(body: &[u8], received_at: Timestamp) -> Result<Event> {
    let wire = WireEvent::parse(body)?;
    let at = wire.time().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let occurred_at = at.map_or(received_at, |at| Timestamp::from_seconds(at.unix_timestamp()));
    let vendor_id = wire.message_id.clone();
    let is_blocked =
        wire.record_type == "Bounce" && wire.inactive != Some(true) && is_block(wire.bounce_type.as_deref());
    let of_address = wire.of_address(occurred_at).map(Observation::Contact);
    let observed = fact(&wire).map(|what| {
        Observation::Message(ObservedMessage {
            vendor_at: Some(occurred_at),
            vendor_id: vendor_id.clone(),
            is_blocked,
            ..ObservedMessage::of(what)
        })
    });
    // What names no mail speaks of the address alone, and so does that it is active again.
    let is_of_address = of_address.is_some() && (vendor_id.is_none() || wire.suppress_sending == Some(false));
    let (observed, otherwise) = if is_of_address { (of_address, None) } else { (observed, of_address) };
    // An event without a message is told apart by its content.
    let event_id =
        wire.event_id().unwrap_or_else(|| crate::domain::id::digest(&["postmark", &String::from_utf8_lossy(body)]));
    let metadata = wire.metadata.unwrap_or_default();
    Ok(Event {
        event_id,
        kind: wire.record_type,
        occurred_at,
        stack: metadata.crossdock_stack,
        intent_id: metadata.crossdock_intent.filter(|_| !is_of_address).map(IntentId::from_stored),
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

/// What a webhook says of its message; `None` for those that we only record.
fn fact(wire: &WireEvent) -> Option<MessageFact> {
    match wire.record_type.as_str() {
        "Delivery" => Some(MessageFact::Status(MessageStatus::Delivered)),
        "Bounce" => bounce(wire.bounce_type.as_deref().unwrap_or_default(), wire.inactive == Some(true)),
        "SpamComplaint" => Some(MessageFact::SpamReported),
        "Open" => Some(MessageFact::Opened),
        "Click" => Some(MessageFact::Clicked),
        // Bounces and complaints are told by themselves; here is who has asked for it.
        "SubscriptionChange"
            if wire.suppress_sending == Some(true)
                && wire.suppression_reason.as_deref() == Some("ManualSuppression") =>
        {
            Some(MessageFact::OptedOut)
        }
        _ => None,
    }
}

/// Whether the recipient's server did not take a mail from Postmark, or could not be reached by it; another provider may bring
/// it. (postmarkapp.com/developer/api/bounce-api: bounce types.)
fn is_block(kind: Option<&str>) -> bool {
    matches!(kind, Some("SoftBounce" | "DnsError" | "Blocked"))
}

/// What a bounce means. Bounced says that the address is bad, and nothing more is sent there; a mail that a server, a
/// virus scanner or a policy has turned away is lost all the same, but the address is good.
fn bounce(kind: &str, is_inactive: bool) -> Option<MessageFact> {
    match kind {
        "SpamComplaint" => Some(MessageFact::SpamReported),
        "Unsubscribe" => Some(MessageFact::OptedOut),
        "HardBounce" | "BadEmailAddress" | "ManuallyDeactivated" => Some(MessageFact::Status(MessageStatus::Bounced)),
        _ if is_inactive => Some(MessageFact::Status(MessageStatus::Bounced)),
        "SoftBounce"
        | "DnsError"
        | "Blocked"
        | "SpamNotification"
        | "VirusNotification"
        | "DMARCPolicy"
        | "SMTPApiError"
        | "TemplateRenderingFailed"
        | "Unconfirmed" => Some(MessageFact::Status(MessageStatus::Dropped)),
        // Answers by machines, to a mail that has arrived.
        "AutoResponder" | "AddressChange" | "ChallengeVerification" | "Subscribe" | "OpenRelayTest" => None,
        // "Transient" is tried again; and of one that nobody has heard of, that much is sure.
        _ => Some(MessageFact::Deferred),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_746_093_600;

    fn read(event: &Value) -> Event {
        read_event(event.to_string().as_bytes(), Timestamp::from_seconds(NOW)).expect("an event")
    }

    fn said(event: &Value) -> Option<MessageFact> {
        match read(event).observed {
            Some(Observation::Message(observed)) => Some(observed.what),
            _ => None,
        }
    }

    #[test]
    fn a_delivery_is_an_event_of_the_intent_in_its_metadata() {
        let event = read(&json!({
            "RecordType": "Delivery", "MessageID": "m-1", "Recipient": "ada@example.com",
            "DeliveredAt": "2025-05-01T06:00:01.1234567-04:00", "Unheard": {"of": []},
            "Metadata": {"crossdock_stack": "s", "crossdock_order": "o-1", "crossdock_intent": "int_1", "x": "y"},
        }));
        assert_eq!(event.event_id, "Delivery-m-1-2025-05-01T06:00:01.1234567-04:00");
        assert_eq!((event.stack.as_deref(), event.intent_id), (Some("s"), Some(IntentId::from_stored("int_1"))));
        assert_eq!(event.occurred_at.seconds(), NOW + 1);
        assert_eq!(event.vendor_id.as_deref(), Some("m-1"));
    }

    #[test]
    fn each_record_says_what_became_of_the_mail() {
        let status = MessageFact::Status;
        for (record, expected) in [
            (json!({"RecordType": "Delivery"}), Some(status(MessageStatus::Delivered))),
            (json!({"RecordType": "Open"}), Some(MessageFact::Opened)),
            (json!({"RecordType": "Click"}), Some(MessageFact::Clicked)),
            (json!({"RecordType": "SpamComplaint", "Type": "SpamComplaint"}), Some(MessageFact::SpamReported)),
            (
                json!({"RecordType": "Bounce", "Type": "HardBounce", "Inactive": true}),
                Some(status(MessageStatus::Bounced)),
            ),
            (json!({"RecordType": "Bounce", "Type": "BadEmailAddress"}), Some(status(MessageStatus::Bounced))),
            (
                json!({"RecordType": "Bounce", "Type": "Unknown", "Inactive": true}),
                Some(status(MessageStatus::Bounced)),
            ),
            (
                json!({"RecordType": "Bounce", "Type": "SoftBounce", "Inactive": false}),
                Some(status(MessageStatus::Dropped)),
            ),
            (json!({"RecordType": "Bounce", "Type": "Blocked"}), Some(status(MessageStatus::Dropped))),
            (json!({"RecordType": "Bounce", "Type": "Transient"}), Some(MessageFact::Deferred)),
            (json!({"RecordType": "Bounce", "Type": "ANewOne"}), Some(MessageFact::Deferred)),
            (json!({"RecordType": "Bounce", "Type": "AutoResponder"}), None),
            (json!({"RecordType": "Bounce", "Type": "SpamComplaint"}), Some(MessageFact::SpamReported)),
            (json!({"RecordType": "Bounce", "Type": "Unsubscribe"}), Some(MessageFact::OptedOut)),
            (
                json!({"RecordType": "SubscriptionChange", "SuppressSending": true, "SuppressionReason": "ManualSuppression"}),
                Some(MessageFact::OptedOut),
            ),
            (
                json!({"RecordType": "SubscriptionChange", "SuppressSending": true, "SuppressionReason": "HardBounce"}),
                None,
            ),
            (json!({"RecordType": "SubscriptionChange", "SuppressSending": false, "SuppressionReason": null}), None),
            (json!({"RecordType": "ANewOne"}), None),
        ] {
            assert_eq!(said(&record), expected, "{record}");
        }
    }

    #[test]
    fn two_events_of_one_message_have_two_ids_and_the_same_event_has_one() {
        let open = |at: &str| json!({"RecordType": "Open", "MessageID": "m-1", "ReceivedAt": at});
        assert_ne!(read(&open("2025-05-01T10:00:00Z")).event_id, read(&open("2025-05-01T10:00:01Z")).event_id);
        let bounce = json!({"RecordType": "Bounce", "MessageID": "m-1", "ID": 42, "BouncedAt": "2025-05-01T10:00:00Z"});
        assert_eq!(read(&bounce).event_id, "Bounce-m-1-42");
        assert_eq!(event_id(bounce.to_string().as_bytes()).as_deref(), Some("Bounce-m-1-42"));
        assert!(event_id(b"{}").is_none());
    }

    #[test]
    fn what_is_no_event_is_said_to_be_none() {
        for body in ["", "{}", "[]", "{\"RecordType\":7}"] {
            assert!(read_event(body.as_bytes(), Timestamp::default()).is_err(), "{body}");
        }
    }
}
