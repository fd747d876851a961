//! A webhook as it comes out of the queue of inbound events: the receivers' message, read again.

use super::batch::Record;
use super::receiver::decoded;
use crate::effects::archive::Delivery;
use crate::error::{Error, Result};
use crate::gateway::Vendor;

/// What a receiver put into the queue: one webhook, or one part of it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Whose.
    pub vendor: Vendor,
    /// The bytes, as they were signed.
    pub bytes: Vec<u8>,
    /// How they came.
    pub delivery: Delivery,
}

impl Webhook {
    /// Reads a record; `None` for messages of our own, which have no type.
    ///
    /// # Errors
    /// `unknown_message` (a bug) when it is none that a receiver wrote.
    pub fn of(record: &Record) -> Result<Option<Self>> {
        let attribute = |name: &str| record.attributes.get(name).map(String::as_str);
        let vendor = match attribute("type") {
            None => return Ok(None),
            Some("stripe") => Vendor::Stripe,
            Some("sendgrid") => Vendor::SendGrid,
            Some(_) => return Err(Error::bug("unknown_message", "a message of an unknown type")),
        };
        let delivery = serde_json::from_str(attribute("delivery").unwrap_or_default())
            .map_err(|e| Error::bug("unknown_message", format!("delivery: column {}", e.column())))?;
        let bytes = decoded(&record.body, attribute("encoding"))?;
        Ok(Some(Self { vendor, bytes, delivery }))
    }
}
