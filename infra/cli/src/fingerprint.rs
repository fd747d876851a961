//! Why a message is dead, as far as the table and the message itself can tell. Messages that died of the same cause have
//! the same fingerprint.

use std::fmt;

use anyhow::Result;
use crossdock::aws::queue::Received;
use crossdock::domain::Timestamp;
use crossdock::domain::command::Command;
use crossdock::effects::waiting::Requeued;
use crossdock::effects::{Intent, Nudge, Phase, WorkList};
use crossdock::lambda::Webhook;
use crossdock::lambda::batch::Record;
use serde_json::Value;

/// Refusals whose cause is a secret or a role.
const OF_CREDENTIALS: [&str; 3] = ["vendor_credentials", "wrong_key", "secret_unusable"];

/// What kind of cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Its intent is already done or refused: sending it back changes nothing.
    Settled,
    /// The vendor refused, or the outcome could not be found out. The intent waits for a person (`crossdock manual`).
    Refusal,
    /// A key, secret or role is wrong.
    Credential,
    /// It cannot be read. If you send it back, it comes here again, until code is deployed that can read it.
    Poison,
    /// The intent or object that it names is not in the table.
    Data,
    /// It can be read and is not done yet: our own code or configuration failed.
    Code,
}

/// A cause, and what it was about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint {
    cause: Cause,
    about: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self.cause {
            Cause::Settled => "settled",
            Cause::Refusal => "refusal",
            Cause::Credential => "credential",
            Cause::Poison => "poison",
            Cause::Data => "data",
            Cause::Code => "code",
        };
        write!(f, "{cause}/{}", self.about)
    }
}

impl Fingerprint {
    /// Reads a message and its intent in the table.
    pub(crate) async fn of(list: &WorkList, message: &Received, now: Timestamp) -> Result<Self> {
        let is = |cause, about: String| Ok(Self { cause, about });
        let Ok(webhook) = Webhook::of(&Record::of_received(message)) else {
            return is(Cause::Poison, "message".to_owned());
        };
        if let Some(webhook) = webhook {
            let vendor = webhook.vendor.as_str();
            let Ok(Ok(events)) = webhook.events(now).map(|events| events.into_iter().collect::<Result<Vec<_>, _>>())
            else {
                return is(Cause::Poison, vendor.to_owned());
            };
            let mut applied = 0;
            for event in &events {
                applied += usize::from(list.recorded(webhook.vendor, &event.event_id).await?.is_some());
            }
            let about = match events.as_slice() {
                [only] => format!("{vendor}.{}", only.kind),
                _ => format!("{vendor}.batch"),
            };
            return is(if applied == events.len() { Cause::Settled } else { Cause::Code }, about);
        }
        if let Ok(ids) = Nudge::parse_all(&message.body) {
            // Of many, one that is not settled says why.
            let mut found = Self { cause: Cause::Data, about: "unknown_intent".to_owned() };
            for id in ids {
                match list.intent(&id).await {
                    Ok(Some(intent)) => found = Self::of_intent(&intent),
                    Ok(None) => {}
                    // Its function cannot read it either, which is why the message is here.
                    Err(error) if error.code == "corrupt_item" => {
                        found = Self { cause: Cause::Poison, about: "intent".to_owned() };
                    }
                    Err(error) => return Err(error.into()),
                }
                if found.cause != Cause::Settled {
                    break;
                }
            }
            return Ok(found);
        }
        if Requeued::parse(&message.body).is_some() {
            return is(Cause::Code, "waiting_event".to_owned());
        }
        match Command::parse(&message.body) {
            Ok(Some(_)) => return is(Cause::Code, "command".to_owned()),
            // It asks for something that cannot be.
            Err(error) if error.is_rejected() => return is(Cause::Data, format!("command.{}", error.code)),
            Err(_) => return is(Cause::Poison, "command".to_owned()),
            Ok(None) => {}
        }
        match serde_json::from_str::<Value>(&message.body) {
            Ok(event) if event["specversion"] == "1.0" => {
                is(Cause::Code, event["type"].as_str().unwrap_or("event").to_owned())
            }
            _ => is(Cause::Poison, "message".to_owned()),
        }
    }

    fn of_intent(intent: &Intent) -> Self {
        let kind = intent.kind.as_str();
        let why = intent.refusal.as_ref().map_or("unknown", |reason| reason.as_str());
        match intent.phase {
            Phase::Done | Phase::Refused => Self { cause: Cause::Settled, about: kind.to_owned() },
            Phase::Manual if OF_CREDENTIALS.contains(&why) => {
                Self { cause: Cause::Credential, about: format!("{kind}.{why}") }
            }
            Phase::Manual => Self { cause: Cause::Refusal, about: format!("{kind}.{why}") },
            Phase::Ready | Phase::Calling | Phase::Unknown | Phase::Resolving => {
                Self { cause: Cause::Code, about: kind.to_owned() }
            }
        }
    }
}

/// What a message is about, without what it says: the intent or the events.
pub(crate) fn subject(message: &Received, now: Timestamp) -> String {
    if let Ok(Some(webhook)) = Webhook::of(&Record::of_received(message)) {
        let events = webhook.events(now).unwrap_or_default();
        let ids: Vec<String> = events.into_iter().flatten().map(|event| event.event_id).collect();
        return ids.join(" ");
    }
    match Nudge::parse_all(&message.body).as_deref() {
        Ok([id]) => id.to_string(),
        Ok([id, more @ ..]) => format!("{id} and {} more", more.len()),
        _ => "-".to_owned(),
    }
}
