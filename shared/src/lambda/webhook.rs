//! A webhook as it comes out of the queue of inbound events: the receivers' message read again, or one from the archive
//! that somebody has replayed.

use serde::{Deserialize, Serialize};

use super::batch::Record;
use super::receiver::{Message, decoded};
use crate::aws::queue::Outgoing;
use crate::domain::{Correlation, Timestamp};
use crate::effects::archive::Delivery;
use crate::effects::inbound::Event;
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::telemetry::metrics::Metric;
use crate::vendors::webhooks::{Order, ReceivedWebhook, parser};

/// What a receiver put into the queue: one webhook, or one part of it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The vendor that sent it.
    pub vendor: Vendor,
    /// The bytes, as they were signed.
    pub bytes: Vec<u8>,
    /// How they were received.
    pub delivery: Delivery,
    /// Set when it comes from the archive, not from the vendor.
    pub replay: Option<Replay>,
}

/// A replay: which object of the archive, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Part of the seen mark: without it the mark of the first time would swallow the event. The same nonce again is
    /// swallowed, so that a replay that was interrupted can be repeated.
    pub nonce: String,
    /// Where it is archived.
    pub archive_key: String,
    /// Only this event of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Only events of this type, in the vendor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Webhook {
    /// Reads a record; `None` for messages of our own, which have no type. Who acts on it asks [`InboundQueues::read`] first
    /// whether it came over the right queue.
    ///
    /// [`InboundQueues::read`]: super::InboundQueues::read
    ///
    /// # Errors
    /// `unknown_message` (a bug) when it is none that a receiver or a replay wrote.
    pub fn of(record: &Record) -> Result<Option<Self>> {
        let attribute = |name: &str| record.attributes.get(name).map(String::as_str);
        let vendor = match attribute("type") {
            None => return Ok(None),
            Some(name) => named(name)?,
        };
        let unreadable =
            |what: &str, e: &serde_json::Error| Error::bug("unknown_message", format!("{what}: column {}", e.column()));
        let delivery = serde_json::from_str(attribute("delivery").unwrap_or_default());
        let replay = attribute("replay").map(serde_json::from_str).transpose();
        Ok(Some(Self {
            vendor,
            bytes: decoded(&record.body, attribute("encoding"))?,
            delivery: delivery.map_err(|e| unreadable("delivery", &e))?,
            replay: replay.map_err(|e| unreadable("replay", &e))?,
        }))
    }

    /// Counts how long after the vendor's time of what it tells the webhook came. Twilio's callbacks bear no time.
    pub fn count_lag(&self, told: Option<Timestamp>, now: Timestamp) {
        if let (None, Some(told)) = (&self.replay, told)
            && self.vendor != Vendor::Twilio
        {
            Metric::WebhookLagSeconds.record(now, self.delivery.received_at.since(told).as_secs_f64(), &[]);
        }
    }

    /// Counts how long it took from the receipt until everything is applied.
    pub fn count_processed(&self, now: Timestamp) {
        if self.replay.is_none() {
            Metric::WebhookProcessingSeconds.record(now, now.since(self.delivery.received_at).as_secs_f64(), &[]);
        }
    }

    /// Reads an object of the archive.
    ///
    /// # Errors
    /// `unknown_message` (a bug) when it is none of ours.
    pub fn archived(key: &str, bytes: Vec<u8>, delivery: Delivery, replay: Option<Replay>) -> Result<Self> {
        let vendor = named(key.split('/').next().unwrap_or_default())?;
        Ok(Self { vendor, bytes, delivery, replay })
    }

    /// The message that brings it into the queue once more.
    ///
    /// # Errors
    /// `delivery` (a bug) when it cannot be written, which a webhook that was received once can.
    pub fn again(&self, correlation: &Correlation) -> Result<Outgoing> {
        let message = Message::verbatim(&self.bytes, usize::MAX).ok_or_else(|| Error::bug("delivery", "too large"))?;
        let mut outgoing = message.outgoing(self.vendor, correlation, &self.delivery)?;
        if let Some(replay) = &self.replay {
            let text = serde_json::to_string(replay)
                .map_err(|e| Error::bug("delivery", "it cannot be written").caused_by(e))?;
            outgoing.attributes.push(("replay".to_owned(), text));
        }
        Ok(outgoing)
    }

    /// Where it is, or is to be, archived.
    pub fn archive_key(&self) -> String {
        if let Some(replay) = &self.replay {
            return replay.archive_key.clone();
        }
        let event_id = (parser(self.vendor).event_id)(&self.bytes);
        self.delivery.key(self.vendor, event_id.as_deref())
    }

    /// What a record is read in one line with; `None` for messages of our own, which have no type.
    pub fn group(record: &Record) -> Option<String> {
        let name = record.attributes.get("type")?;
        Some(match Vendor::parse(name).map(|vendor| parser(vendor).order) {
            Some(Order::ByObject(object_id)) => {
                object_id(record.body.as_bytes()).unwrap_or_else(|| record.message_id.clone())
            }
            Some(Order::OfVendor) | None => name.clone(),
        })
    }

    /// Its events, each on its own; of a replay only those that are meant, under ids of the replay's.
    ///
    /// # Errors
    /// `unknown_message` (a bug) when it cannot be read at all.
    pub fn events(&self, now: Timestamp) -> Result<Vec<Result<Event>>> {
        let told = ReceivedWebhook { bytes: &self.bytes, delivery: &self.delivery, now };
        let events = (parser(self.vendor).read)(&told)?;
        let archive_key = self.archive_key();
        let kept = events.into_iter().filter_map(|event| match event {
            Ok(event) => self.meant(event, &archive_key).map(Ok),
            // Who replays one event does not mean its unreadable neighbours.
            Err(unreadable) => self.replay.is_none().then_some(Err(unreadable)),
        });
        Ok(kept.collect())
    }

    fn meant(&self, mut event: Event, archive_key: &str) -> Option<Event> {
        event.archive_key = Some(archive_key.to_owned());
        let Some(replay) = &self.replay else { return Some(event) };
        let is_meant = replay.event_id.as_ref().is_none_or(|id| *id == event.event_id)
            && replay.kind.as_ref().is_none_or(|kind| *kind == event.kind);
        event.event_id = format!("{}~{}", event.event_id, replay.nonce);
        is_meant.then_some(event)
    }
}

fn named(vendor: &str) -> Result<Vendor> {
    Vendor::parse(vendor).ok_or_else(|| Error::bug("unknown_message", "a message of an unknown type"))
}
