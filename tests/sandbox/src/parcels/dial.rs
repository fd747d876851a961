//! What the fault dial decides about parcels and prices.

use super::ParcelCourse;
use crate::faults::spend;
use crate::{FaultDial, Vendor};
use serde::{Deserialize, Serialize};

/// What is odd about the first price of an answer to a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddRate {
    /// It has no price.
    MissingPrice,
    /// It has fields, and a service, that nobody has heard of.
    UnknownFields,
    /// A number stands as a text, or a text as a number.
    OtherType,
}

/// A course for the parcels of one carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelRule {
    /// Whose parcels.
    pub vendor: Vendor,
    /// What becomes of them.
    pub course: ParcelCourse,
    /// For how many shipments; none: until the dial is cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

/// Odd prices of one carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRule {
    /// Whose prices.
    pub vendor: Vendor,
    /// What is odd.
    pub odd: OddRate,
    /// For how many answers; none: until the dial is cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

/// The rules for parcels and prices.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    parcels: Vec<ParcelRule>,
    rates: Vec<RateRule>,
}

impl FaultDial {
    /// The next `times` shipments that this carrier sells take this course.
    pub fn next_parcels(&mut self, vendor: Vendor, times: u32, course: ParcelCourse) {
        self.add_parcel_rule(ParcelRule { vendor, course, times: Some(times) });
    }

    /// Every shipment that this carrier sells takes this course, until [`Self::clear`].
    pub fn every_parcel(&mut self, vendor: Vendor, course: ParcelCourse) {
        self.add_parcel_rule(ParcelRule { vendor, course, times: None });
    }

    /// The next `times` answers of this carrier with prices have an odd one.
    pub fn next_rates(&mut self, vendor: Vendor, times: u32, odd: OddRate) {
        self.add_rate_rule(RateRule { vendor, odd, times: Some(times) });
    }

    /// Adds a rule for parcels.
    pub fn add_parcel_rule(&mut self, rule: ParcelRule) {
        self.carriers.parcels.push(rule);
    }

    /// Adds a rule for prices.
    pub fn add_rate_rule(&mut self, rule: RateRule) {
        self.carriers.rates.push(rule);
    }

    pub(crate) fn for_parcel(&mut self, vendor: Vendor) -> ParcelCourse {
        let rules = &mut self.carriers.parcels;
        let mut fitting = rules.iter_mut().filter(|rule| rule.vendor == vendor);
        let ruled = fitting.find_map(|rule| spend(&mut rule.times).then_some(rule.course));
        rules.retain(|rule| rule.times != Some(0));
        ruled.unwrap_or_default()
    }

    pub(crate) fn for_rates(&mut self, vendor: Vendor) -> Option<OddRate> {
        let rules = &mut self.carriers.rates;
        let mut fitting = rules.iter_mut().filter(|rule| rule.vendor == vendor);
        let ruled = fitting.find_map(|rule| spend(&mut rule.times).then_some(rule.odd));
        rules.retain(|rule| rule.times != Some(0));
        ruled
    }
}
