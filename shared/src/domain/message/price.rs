//! What a message is estimated to cost. Prices are below a cent, so they are counted in millionths of a US dollar: whole
//! numbers that can be added up, as all money here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Channel, Content, WayToStop, sms_text};
use crate::domain::OrderId;
use crate::domain::sms::segments;
use crate::error::{Error, Result};

/// What one message is estimated to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Into how many segments an SMS is cut; each is paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<usize>,
    /// Millionths of a US dollar.
    pub micros: u64,
}

/// What the providers ask for, in millionths of a US dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// A mail.
    mail: u64,
    /// A segment of an SMS, by the beginning of the number it goes to: `+1` → 7,500; the empty one is for everywhere
    /// else.
    segment: BTreeMap<String, u64>,
}

impl Prices {
    /// SendGrid's price of a mail beyond those that the month's fee includes.
    pub const MAIL: &str = "850";
    /// 0.75 cents to the United States, and the dear end of two to ten cents elsewhere (Twilio): an estimate that is
    /// too high holds a budget, one that is too low breaks it.
    pub const SMS: &str = "+1=7500,*=100000";

    /// Reads the price of a mail, and `+1=7500,+44=40000,*=100000`: beginnings of numbers, `*` for all others.
    ///
    /// # Errors
    /// `configuration` (misconfigured) when one is not of that form, or says nothing of all others.
    pub fn parse(mail: &str, sms: &str) -> Result<Self> {
        let wrong = |what: &str| Error::misconfigured("configuration", format!("prices: {what}"));
        let micros = |text: &str| text.parse().map_err(|_| wrong("one is not a whole number of micro-dollars"));
        let mut segment = BTreeMap::new();
        for entry in sms.split(',') {
            let (prefix, price) = entry.trim().split_once('=').ok_or_else(|| wrong("an entry is not prefix=price"))?;
            let digits = prefix.strip_prefix('+').filter(|digits| !digits.is_empty());
            if prefix != "*" && !digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
                return Err(wrong("a prefix is neither + and digits nor *"));
            }
            segment.insert(prefix.trim_start_matches('*').to_owned(), micros(price)?);
        }
        if !segment.contains_key("") {
            return Err(wrong("there is none for all other numbers (*)"));
        }
        Ok(Self { mail: micros(mail)?, segment })
    }

    /// What this message to this address is estimated to cost. Each segment of an SMS has the price of the longest
    /// beginning of its number that is known.
    pub fn estimate(&self, content: &Content, order: Option<&OrderId>, shop: &str, to: &str) -> Estimate {
        match content.channel() {
            Channel::Email => self.of_mail(),
            Channel::Sms => self.of_segments(segments(&sms_text(content, order, shop, WayToStop::Reply)).count, to),
        }
    }

    /// What a mail is estimated to cost.
    pub const fn of_mail(&self) -> Estimate {
        Estimate { segments: None, micros: self.mail }
    }

    /// What an SMS of so many segments is estimated to cost.
    pub fn of_segments(&self, count: usize, number: &str) -> Estimate {
        let known = |length: usize| number.get(..length).and_then(|prefix| self.segment.get(prefix));
        let price = (0..=number.len()).rev().find_map(known).copied().unwrap_or(0);
        Estimate { segments: Some(count), micros: price.saturating_mul(count.try_into().unwrap_or(u64::MAX)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(sms: &str) -> Prices {
        Prices::parse(Prices::MAIL, sms).expect("prices")
    }

    #[test]
    fn a_segment_has_the_price_of_the_longest_known_beginning_of_its_number() {
        let prices = prices("+1=7500, +1876=60000,+44=40000,*=100000");
        let micros = |number: &str, count| prices.of_segments(count, number).micros;
        assert_eq!(micros("+14155552671", 1), 7_500);
        assert_eq!(micros("+18765551234", 1), 60_000);
        assert_eq!(micros("+447911123456", 2), 80_000);
        assert_eq!(micros("+4798765432", 1), 100_000);
        assert_eq!(micros("", 1), 100_000);
    }

    #[test]
    fn a_mail_has_one_price_and_an_sms_that_of_its_segments() {
        let prices = prices(Prices::SMS);
        let mail = prices.estimate(&Content::Welcome {}, None, "Shop", "ada@example.com");
        assert_eq!((mail.segments, mail.micros), (None, 850));
        let long = Content::OrderStatus { text: "a".repeat(160).into() };
        let sms = prices.estimate(&long, None, "Shop", "+14155552671");
        assert_eq!((sms.segments, sms.micros), (Some(2), 15_000), "the shop's name is part of the text");
    }

    #[test]
    fn prices_that_cannot_be_read_or_leave_somebody_out_stop_the_start() {
        for text in ["", "+1", "+1=0.0075,*=1", "1=7500,*=1", "+=1,*=1", "+1=7500", "*=-1", "**=1"] {
            assert!(Prices::parse(Prices::MAIL, text).is_err(), "{text}");
        }
        assert!(Prices::parse("0.00085", Prices::SMS).is_err());
    }
}
