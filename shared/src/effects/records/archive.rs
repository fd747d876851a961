//! The webhook archive: every verified webhook, byte for byte as it came, with what its verification needs. Found by
//! time through its key, by event through the event's record, by order through the index by order.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::aws::Objects;
use crate::aws::queue::Received;
use crate::domain::{Timestamp, id};
use crate::error::{Error, Result};
use crate::gateway::Vendor;

/// Characters of an event's id that are part of the key; the hash behind it tells apart what is cut.
const EVENT_ID_MAX_CHARS: usize = 100;

/// What most vendors' webhooks are; nobody reads it but people who look into the bucket.
const JSON: &str = "application/json";
/// What the keys of dead letters begin with; no vendor has this name.
const DEAD_LETTERS: &str = "dead-letters";

const HOUR: Duration = Duration::from_secs(3_600);

/// How a webhook came: with its bytes, all that is needed to verify it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// When its receiver took it.
    pub received_at: Timestamp,
    /// The short id of the key that verified it; never the key.
    pub verified_by: String,
    /// The header fields that its signature needs, names in lower case, values as they came.
    pub headers: BTreeMap<String, String>,
    /// The URL that it was sent to, where the signature covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which part of it this is, where it was cut.
    pub part: Part,
}

/// A part of a webhook that was cut: all parts in order, one after the other, are its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Counted from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: 1 };
}

impl Delivery {
    /// The id of this delivery, common to its parts: of the signature and what it signs beside the bytes.
    pub fn id(&self) -> String {
        let fields = self.headers.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        id::digest(&fields.collect::<Vec<_>>())
    }

    /// The key of the object that holds it: `stripe/2026/01/31/09/2026-01-31T090000.123Z-<delivery>-0001-evt_1`. The hour
    /// is when it was received, so a span of time is a few prefixes. The same message always has the same key, and
    /// another delivery of the same event another one. No personal data: event ids are the vendor's.
    pub fn key(&self, vendor: Vendor, event_id: Option<&str>) -> String {
        let at = self.received_at.to_rfc3339().replace(':', "");
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
        let event_id: String = event_id.unwrap_or_default().chars().take(EVENT_ID_MAX_CHARS).map(safe).collect();
        let key = format!("{}{at}-{}-{:04}", hour(vendor, self.received_at), self.id(), self.part.number);
        if event_id.is_empty() { key } else { format!("{key}-{event_id}") }
    }
}

/// What the keys of one hour begin with: `stripe/2026/01/31/09/`.
pub fn hour(vendor: Vendor, at: Timestamp) -> String {
    let at = at.to_rfc3339();
    let (day, time) = at.split_once('T').unwrap_or((&at, "00"));
    format!("{}/{}/{}/", vendor.as_str(), day.replace('-', "/"), time.get(..2).unwrap_or("00"))
}

/// The archive of one stack.
#[derive(Clone)]
pub struct Archive {
    objects: Objects,
}

impl Archive {
    /// The archive in this bucket.
    pub fn new(objects: Objects) -> Self {
        Self { objects }
    }

    /// Keeps the bytes of a delivery, or of a part of one, under its key. Doing it again changes nothing: the key holds
    /// the hash of the signature, so the same key has the same bytes.
    ///
    /// # Errors
    /// Whatever the store says; nothing may be applied then.
    pub async fn keep(&self, key: &str, bytes: Bytes, delivery: &Delivery) -> Result<()> {
        let note = serde_json::to_string(delivery)
            .map_err(|e| Error::bug("archive_note", "the note of a delivery cannot be written").caused_by(e))?;
        self.objects.put(key, bytes, JSON, &note).await
    }

    /// Keeps a dead letter that is no webhook, or cannot be read as one: the whole message, under the queue's name and the
    /// message's id. Doing it again changes nothing.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn keep_dead_letter(&self, queue: &str, message: &Received) -> Result<()> {
        let whole = serde_json::json!({
            "message_id": message.id,
            "sent_at": message.sent_at,
            "attributes": message.attributes,
            "body": message.body,
        });
        let id: String = message.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        self.objects.put(&format!("{DEAD_LETTERS}/{queue}/{id}.json"), whole.to_string().into(), JSON, "").await
    }

    /// Reads what is kept under a key.
    ///
    /// # Errors
    /// What the store says; `archive_note` (a bug) when it is nothing that we kept.
    pub async fn read(&self, key: &str) -> Result<(Bytes, Delivery)> {
        let object = self.objects.get(key).await?;
        let delivery = serde_json::from_str(&object.note);
        Ok((object.bytes, delivery.map_err(|e| Error::bug("archive_note", format!("{key}: column {}", e.column())))?))
    }

    /// The keys of what was received from a vendor between two times, both included, in order of time. It asks once for
    /// each hour.
    pub async fn received(&self, vendor: Vendor, from: Timestamp, to: Timestamp) -> Result<Vec<String>> {
        let stamp = |at: Timestamp| at.to_rfc3339().replace(':', "");
        let (first, last) = (stamp(from), stamp(to));
        let mut keys = Vec::new();
        let mut hour = from;
        while self::hour(vendor, hour) <= self::hour(vendor, to) {
            let prefix = self::hour(vendor, hour);
            let found = self.objects.list(&prefix).await?;
            let is_within = |key: &String| {
                let at = key.get(prefix.len()..prefix.len() + first.len()).unwrap_or_default();
                first.as_str() <= at && at <= last.as_str()
            };
            keys.extend(found.into_iter().filter(is_within));
            hour = hour.plus(HOUR);
        }
        Ok(keys)
    }

    /// Opens the connection; failing is no matter.
    pub async fn warm(&self) {
        self.objects.warm().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            received_at: Timestamp::from_ms(1_714_265_330_045),
            verified_by: "ABCDEFGH".to_owned(),
            headers: BTreeMap::from([("stripe-signature".to_owned(), "t=1,v1=00".to_owned())]),
            url: None,
            part: Part::WHOLE,
        }
    }

    #[test]
    fn a_key_begins_with_the_vendor_and_the_hour_and_holds_the_event() {
        let key = delivery().key(Vendor::Stripe, Some("evt_1"));
        assert!(key.starts_with("stripe/2024/04/28/00/2024-04-28T004850.045Z-"), "{key}");
        assert!(key.ends_with("-0001-evt_1"), "{key}");
        assert!(key.starts_with(&hour(Vendor::Stripe, delivery().received_at)), "{key}");
    }

    #[test]
    fn the_same_delivery_has_one_key_and_another_signature_or_part_another() {
        let key = |change: fn(&mut Delivery)| {
            let mut delivery = delivery();
            change(&mut delivery);
            delivery.key(Vendor::Stripe, Some("evt_1"))
        };
        assert_eq!(key(|_| ()), key(|_| ()));
        assert_ne!(key(|_| ()), key(|d| *d.headers.values_mut().next().expect("one") = "t=2,v1=00".to_owned()));
        assert_ne!(key(|_| ()), key(|d| d.part = Part { number: 2, of: 2 }));
    }

    #[test]
    fn what_a_vendor_puts_into_an_id_never_leaves_its_place_in_the_key() {
        let key = delivery().key(Vendor::Stripe, Some("../../x?y#z ä"));
        assert!(key.ends_with("-______x_y_z__"), "{key}");
        let long = delivery().key(Vendor::Stripe, Some(&"x".repeat(2_000)));
        assert!(long.len() < 300, "{}", long.len());
    }

    #[test]
    fn a_delivery_as_a_note_is_read_again_as_it_was() {
        let note = serde_json::to_string(&delivery()).expect("JSON");
        assert_eq!(serde_json::from_str::<Delivery>(&note).expect("a delivery"), delivery());
    }
}
