//! Twilio's callbacks in our words: what became of a message of ours, and what people answer.

use std::collections::BTreeMap;

use super::classify::RECIPIENT_OPTED_OUT;
use super::wire::called_back;
use crate::domain::message::MessageStatus;
use crate::domain::sms::Keyword;
use crate::domain::{Timestamp, normalised_phone};
use crate::effects::inbound::Event;
use crate::effects::observation::{MessageFact, Observation, ObservedContact, ObservedMessage};
use crate::error::{Error, Result};

/// A form's fields; of one that is given twice, the last.
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn of(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The message's id, by its name or by the one from before.
    fn sid(&self) -> Option<&str> {
        self.get("MessageSid").or_else(|| self.get("SmsSid"))
    }

    fn status(&self) -> Option<&str> {
        self.get("MessageStatus").or_else(|| self.get("SmsStatus"))
    }
}

/// The event's id, for its place in the archive: each status of a message is told once.
pub fn event_id(form: &[u8]) -> Option<String> {
    let fields = Fields::of(form);
    Some(format!("{}-{}", fields.sid()?, fields.status()?))
}

/// The message that a callback is about: its callbacks are applied one after the other.
pub fn object_id(form: &[u8]) -> Option<String> {
    Fields::of(form).sid().map(str::to_owned)
}

/// Reads a callback, told to this URL at this time; Twilio's own time is not in it. Fields that we do not know are no
/// matter.
///
/// # Errors
/// `unknown_message` (a bug) when it names no message or no status.
pub fn read_event(url: &str, form: &[u8], received_at: Timestamp) -> Result<Event> {
    let missing = |what: &str| Error::bug("unknown_message", format!("twilio callback without {what}"));
    let fields = Fields::of(form);
    let sid = fields.sid().ok_or_else(|| missing("MessageSid"))?;
    let status = fields.status().ok_or_else(|| missing("MessageStatus"))?;
    let (stack, intent_id) = called_back(url);
    let error_code = fields.get("ErrorCode").and_then(|code| code.parse().ok());
    let (kind, observed) = if matches!(status, "receiving" | "received") {
        let asked = asked(&fields);
        let kind = asked.map_or("received", |asked| asked.as_str());
        (kind, asked.and_then(|asked| wish(&fields, asked, received_at)).map(Observation::Contact))
    } else {
        let observed = fact(status, error_code).map(|what| {
            Observation::Message(ObservedMessage {
                vendor_at: Some(received_at),
                vendor_id: Some(sid.to_owned()),
                error_code,
                ..ObservedMessage::of(what)
            })
        });
        (status, observed)
    };
    Ok(Event {
        event_id: format!("{sid}-{status}"),
        kind: kind.to_owned(),
        occurred_at: received_at,
        stack,
        intent_id,
        order_id: None,
        vendor_id: Some(sid.to_owned()),
        part_of: None,
        refunded: None,
        refunded_by_us: None,
        introduces: false,
        otherwise: None,
        observed,
        archive_key: None,
    })
}

/// What a status says of its message; `None` for those that we only record.
///
/// A message that did not arrive is not sent again, though some codes (30003 out of reach, 30008 unknown) might go away:
/// the carrier has tried for as long as the message was valid, "unknown" may have arrived, and another SMS hours later is
/// worth less than the mail that goes out instead.
pub(super) fn fact(status: &str, error_code: Option<u32>) -> Option<MessageFact> {
    Some(match status {
        "undelivered" | "failed" if error_code == Some(RECIPIENT_OPTED_OUT) => MessageFact::OptedOut,
        // Of a message to several, part is on its way.
        "accepted" | "scheduled" | "queued" | "sending" | "sent" | "partially_delivered" => {
            MessageFact::Status(MessageStatus::Sent)
        }
        "delivered" | "read" => MessageFact::Status(MessageStatus::Delivered),
        "undelivered" => MessageFact::Status(MessageStatus::Bounced),
        "failed" | "canceled" => MessageFact::Status(MessageStatus::Dropped),
        _ => return None,
    })
}

/// What an inbound message asks for. `OptOutType` is there where Advanced Opt-Out is on, and knows the words of every
/// language that the account was set up for; else the text itself has to be one of the words.
fn asked(fields: &Fields) -> Option<Keyword> {
    match fields.get("OptOutType").map(str::to_ascii_uppercase).as_deref() {
        Some("STOP") => Some(Keyword::Stop),
        Some("START") => Some(Keyword::Start),
        Some("HELP") => Some(Keyword::Help),
        _ => fields.get("Body").and_then(Keyword::read),
    }
}

/// Who wants it; `None` for a question that changes nothing, and for senders that are no phone (WhatsApp and others).
fn wish(fields: &Fields, asked: Keyword, at: Timestamp) -> Option<ObservedContact> {
    let change = asked.consent_change()?;
    let address = fields.get("From").and_then(normalised_phone)?;
    let message_id = fields.sid().map(str::to_owned);
    Some(ObservedContact { address: address.into(), contact_id: None, also: Vec::new(), change, at, message_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::IntentId;
    use crate::domain::consent::{ConsentChange, Suppression};

    const URL: &str = "https://x.example/?stack=123%2Feu-north-1%2Fcrossdock&intent=int_1";

    fn at() -> Timestamp {
        Timestamp::from_seconds(1_746_093_600)
    }

    fn read(url: &str, form: &str) -> Event {
        read_event(url, form.as_bytes(), at()).expect("a callback")
    }

    fn status(form: &str) -> Option<MessageFact> {
        match read(URL, form).observed {
            Some(Observation::Message(observed)) => Some(observed.what),
            _ => None,
        }
    }

    fn asked(form: &str) -> Option<(ConsentChange, String)> {
        let event = read("https://x.example/", &format!("MessageSid=SM2&SmsStatus=received&To=%2B15005550006&{form}"));
        match event.observed {
            Some(Observation::Contact(observed)) => Some((observed.change, observed.address.expose().clone())),
            _ => None,
        }
    }

    #[test]
    fn a_callback_is_an_event_of_the_intent_that_its_url_names() {
        let event = read(URL, "MessageSid=SM1&MessageStatus=delivered&To=%2B4798765432&Unheard=of");
        assert_eq!(event.event_id, "SM1-delivered");
        assert_eq!((event.kind.as_str(), event.vendor_id.as_deref()), ("delivered", Some("SM1")));
        assert_eq!(event.stack.as_deref(), Some("123/eu-north-1/crossdock"));
        assert_eq!(event.intent_id, Some(IntentId::from_stored("int_1")));
        assert_eq!(event.occurred_at, at());
        assert_eq!(event_id(b"SmsSid=SM1&SmsStatus=delivered").as_deref(), Some("SM1-delivered"));
        assert_eq!(object_id(b"SmsSid=SM1").as_deref(), Some("SM1"));
    }

    #[test]
    fn each_status_says_what_became_of_the_message() {
        let table = [
            ("accepted", Some(MessageFact::Status(MessageStatus::Sent))),
            ("scheduled", Some(MessageFact::Status(MessageStatus::Sent))),
            ("queued", Some(MessageFact::Status(MessageStatus::Sent))),
            ("sending", Some(MessageFact::Status(MessageStatus::Sent))),
            ("sent", Some(MessageFact::Status(MessageStatus::Sent))),
            ("partially_delivered", Some(MessageFact::Status(MessageStatus::Sent))),
            ("delivered", Some(MessageFact::Status(MessageStatus::Delivered))),
            ("read", Some(MessageFact::Status(MessageStatus::Delivered))),
            ("undelivered", Some(MessageFact::Status(MessageStatus::Bounced))),
            ("undelivered&ErrorCode=30003", Some(MessageFact::Status(MessageStatus::Bounced))),
            ("undelivered&ErrorCode=30008", Some(MessageFact::Status(MessageStatus::Bounced))),
            ("undelivered&ErrorCode=21610", Some(MessageFact::OptedOut)),
            ("failed", Some(MessageFact::Status(MessageStatus::Dropped))),
            ("failed&ErrorCode=21610", Some(MessageFact::OptedOut)),
            ("failed&ErrorCode=none", Some(MessageFact::Status(MessageStatus::Dropped))),
            ("canceled", Some(MessageFact::Status(MessageStatus::Dropped))),
            ("a_new_one", None),
        ];
        for (said, expected) in table {
            assert_eq!(status(&format!("MessageSid=SM1&MessageStatus={said}")), expected, "{said}");
        }
    }

    #[test]
    fn stop_and_start_are_the_senders_wishes_and_help_and_other_words_change_nothing() {
        let ada = "+4798765432".to_owned();
        let (stopped, lifted) = (ConsentChange::Suppressed(Suppression::Stopped), ConsentChange::Lifted);
        let from = "From=%2B47+987+65+432";
        assert_eq!(asked(&format!("{from}&Body=Stop")), Some((stopped, ada.clone())));
        assert_eq!(asked(&format!("{from}&Body=unstop")), Some((lifted, ada.clone())));
        assert_eq!(asked(&format!("{from}&Body=HELP")), None);
        assert_eq!(asked(&format!("{from}&Body=Please+stop+by")), None);
        assert_eq!(asked(&format!("{from}&Body=AVSLUTT&OptOutType=STOP")), Some((stopped, ada.clone())));
        assert_eq!(asked(&format!("{from}&Body=JA&OptOutType=START")), Some((lifted, ada)));
        assert_eq!(asked(&format!("{from}&Body=STOP&OptOutType=HELP")), None);
        assert_eq!(asked("From=whatsapp%3A%2B4798765432&Body=STOP"), None);
        let help = read("https://x.example/", "MessageSid=SM2&SmsStatus=received&Body=INFO&From=%2B4798765432");
        assert_eq!(help.kind, "help");
    }

    #[test]
    fn a_callback_without_a_message_or_a_status_is_said_to_be_none() {
        for form in ["", "MessageSid=SM1", "MessageStatus=sent", "MessageSid=&MessageStatus=sent", "{\"a\":1}"] {
            assert!(read_event(URL, form.as_bytes(), at()).is_err(), "{form}");
            assert!(event_id(form.as_bytes()).is_none(), "{form}");
        }
    }
}
