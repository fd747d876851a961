//! `POST /contacts/lookup` and `POST /contacts/lift`: what is known of an address, and taking back why it is not written to.

use super::message::address;
use super::preferences::{RawProof, proof};
use super::{Findings, Object, findings_incomplete, json};
use crate::domain::message::Channel;
use crate::domain::{Private, Timestamp};
use crate::error::Result;

/// `POST /contacts/lookup`, checked.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Which address it is about, as it is stored.
    pub address: Private<String>,
    /// Of which channel.
    pub channel: Channel,
}

/// `POST /contacts/lift`, checked.
#[derive(Clone, Debug)]
pub struct Lift {
    /// Which address it is about, as it is stored.
    pub address: Private<String>,
    /// Of which channel.
    pub channel: Channel,
    /// Where it was said that the address is good again, or that mail is wanted.
    pub source: String,
    /// When it was said.
    pub at: Timestamp,
}

#[derive(serde::Deserialize)]
struct RawLookup {
    channel: String,
    address: String,
}

#[derive(serde::Deserialize)]
struct RawLift {
    channel: String,
    address: String,
    proof: Object<RawProof>,
}

fn place(channel: &str, of: &str, bad: &mut Findings) -> Option<(Channel, String)> {
    let channel = Channel::parse(channel);
    bad.unless(channel.is_some(), "channel", "must be email or sms");
    let channel = channel?;
    Some((channel, address("address", channel, of, bad)?))
}

impl Lookup {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawLookup = json(body)?;
        let mut bad = Findings::default();
        let place = place(&raw.channel, &raw.address, &mut bad);
        bad.into_result()?;
        let (channel, address) = place.ok_or_else(findings_incomplete)?;
        Ok(Self { address: address.into(), channel })
    }
}

impl Lift {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawLift = json(body)?;
        let mut bad = Findings::default();
        let place = place(&raw.channel, &raw.address, &mut bad);
        let (source, at) = proof(raw.proof.0, now, &mut bad);
        bad.into_result()?;
        let (Some((channel, address)), Some(at)) = (place, at) else { return Err(findings_incomplete()) };
        Ok(Self { address: address.into(), channel, source, at })
    }
}
