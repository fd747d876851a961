//! `PUT /contacts/preferences`: what an address agrees to, with the proof.

use super::message::address;
use super::{Findings, Object, findings_incomplete, json};
use crate::domain::message::Channel;
use crate::domain::{Private, Timestamp};
use crate::error::Result;

/// Longest description of where somebody agreed, in characters.
const SOURCE_MAX_CHARS: usize = 200;

/// `PUT /contacts/preferences`, checked.
#[derive(Clone, Debug)]
pub struct Preferences {
    /// Which address it is about, as it is stored.
    pub address: Private<String>,
    /// Of which channel.
    pub channel: Channel,
    /// Whether marketing is wanted.
    pub marketing: bool,
    /// Where it was said: `checkout`, `newsletter form`.
    pub source: String,
    /// When it was said.
    pub at: Timestamp,
}

#[derive(serde::Deserialize)]
struct RawPreferences {
    channel: String,
    address: String,
    marketing: bool,
    proof: Object<RawProof>,
}

#[derive(serde::Deserialize)]
pub(super) struct RawProof {
    source: String,
    at: String,
}

/// Where and when something was said, checked at this time.
pub(super) fn proof(raw: RawProof, now: Timestamp, bad: &mut Findings) -> (String, Option<Timestamp>) {
    let source = raw.source;
    let fits = (1..=SOURCE_MAX_CHARS).contains(&source.chars().count()) && !source.chars().any(char::is_control);
    bad.unless(fits, "proof.source", "must have 1 to 200 characters");
    let at = Timestamp::parse_rfc3339(&raw.at);
    bad.unless(at.is_some(), "proof.at", "must be an RFC 3339 time");
    // A wish from the future would outweigh every later one.
    bad.unless(at.is_none_or(|at| at <= now), "proof.at", "must not be in the future");
    (source, at)
}

impl Preferences {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawPreferences = json(body)?;
        let mut bad = Findings::default();
        let channel = Channel::parse(&raw.channel);
        bad.unless(channel.is_some(), "channel", "must be email or sms");
        let to = channel.and_then(|channel| address("address", channel, &raw.address, &mut bad));
        let (source, at) = proof(raw.proof.0, now, &mut bad);
        bad.into_result()?;
        let (Some(channel), Some(to), Some(at)) = (channel, to, at) else { return Err(findings_incomplete()) };
        Ok(Self { address: to.into(), channel, marketing: raw.marketing, source, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_needs_a_proof_and_cannot_come_from_the_future() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let body = br#"{"channel": "sms", "address": "+4798765432", "marketing": true, "proof": {"source": "", "at": "2099-01-01T00:00:00Z"}}"#;
        let fields: Vec<_> = Preferences::parse(body, now).expect_err("refused").fields;
        let named: Vec<_> = fields.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(named, ["proof.source", "proof.at"]);
        let body = br#"{"channel": "sms", "address": "+4798765432", "marketing": true}"#;
        assert_eq!(Preferences::parse(body, now).expect_err("refused").fields[0].field, "proof");
    }
}
