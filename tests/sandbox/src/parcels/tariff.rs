//! What a parcel costs and how long it takes: made up, but the same each time.

use super::places::{Country, Distance};
use serde::Serialize;
use serde_json::{Number, Value};

/// Cubic millimetres that count as one gram: the 5000 cm³ per kilogram of parcels by air.
const VOLUME_PER_GRAM: i64 = 5000;

/// What a way across customs costs, in per cent of a way without.
const ACROSS_CUSTOMS_PERCENT: i64 = 250;

/// What a way across another border costs, in per cent of a domestic one.
const ACROSS_BORDER_PERCENT: i64 = 160;

/// Grams in a pound and millimetres in an inch.
const POUND_G: f64 = 453.592_37;
const INCH_MM: f64 = 25.4;

/// How many of a currency's smallest units a hundred euro cents are worth here.
const RATES: [(&str, i64); 15] = [
    ("AED", 400),
    ("AUD", 165),
    ("CAD", 150),
    ("CHF", 95),
    ("CZK", 2500),
    ("DKK", 745),
    ("EUR", 100),
    ("GBP", 85),
    ("HKD", 850),
    ("JPY", 160),
    ("MXN", 2000),
    ("NOK", 1150),
    ("PLN", 430),
    ("SEK", 1120),
    ("SGD", 145),
];

/// The same for what is not in the list.
const DOLLARS: i64 = 110;

/// Digits after the point in most currencies.
const MINOR_DIGITS: usize = 2;

/// An amount in the smallest units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Money {
    /// Cents, or yen.
    pub minor: i64,
    /// ISO 4217.
    pub currency: &'static str,
}

impl Money {
    /// As a decimal text: `12.34`, or `1234` where a currency has no smaller unit.
    pub fn decimal(self) -> String {
        if self.currency == "JPY" {
            return self.minor.to_string();
        }
        let unit = 10_i64.pow(u32::try_from(MINOR_DIGITS).unwrap_or_default());
        format!("{}.{:0MINOR_DIGITS$}", self.minor / unit, self.minor % unit)
    }

    /// As a JSON number.
    pub(crate) fn number(self) -> Value {
        self.decimal().parse::<f64>().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
    }

    /// One share of `parts`, rounded down; the first has what is left over.
    pub(crate) fn share(self, index: usize, parts: usize) -> Self {
        let parts = i64::try_from(parts.max(1)).unwrap_or(1);
        let rest = if index == 0 { self.minor % parts } else { 0 };
        Self { minor: self.minor / parts + rest, ..self }
    }
}

/// A parcel that is to be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) weight_g: i64,
    /// Length, width and height.
    pub(crate) size_mm: Option<[i64; 3]>,
}

impl Parcel {
    /// A parcel of so many kilograms (or pounds) and centimetres (or inches).
    pub(crate) fn new(weight: f64, pounds: bool, size: Option<[f64; 3]>, inches: bool) -> Self {
        let grams = weight * if pounds { POUND_G } else { 1000.0 };
        let unit_mm = if inches { INCH_MM } else { 10.0 };
        Self { weight_g: whole(grams), size_mm: size.map(|sides| sides.map(|side| whole(side * unit_mm))) }
    }

    /// What counts for the price: its weight, or its volume.
    pub(crate) fn billed_g(&self) -> i64 {
        let volume = self
            .size_mm
            .map_or(0, |[length, width, height]| length.saturating_mul(width).saturating_mul(height) / VOLUME_PER_GRAM);
        self.weight_g.max(volume)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of a float to an integer saturates, and no parcel is so large"
)]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// The lightest number of kilograms that is not less, as a decimal with one digit.
pub(crate) fn kilograms(grams: i64) -> String {
    let tenths = (grams + 99) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Kilograms as a JSON number, to the gram.
pub(crate) fn kilograms_number(grams: i64) -> Value {
    format!("{}.{:03}", grams / 1000, grams % 1000).parse::<f64>().map_or(Value::Null, Value::from)
}

/// A service that a carrier sells, for one distance.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) distances: &'static [Distance],
    /// The only country that it starts in; none: any.
    pub(crate) only_from: Option<&'static str>,
    /// Business days.
    pub(crate) days: i64,
    /// Euro cents for a shipment, and for each kilogram that is begun.
    pub(crate) base: i64,
    pub(crate) per_kg: i64,
}

impl Service {
    pub(crate) fn goes(&self, from: &Country, to: &Country) -> bool {
        self.distances.contains(&from.distance_to(to)) && self.only_from.is_none_or(|only| only == from.code)
    }

    /// What these parcels cost, in the currency of the country that they start in.
    pub(crate) fn price(&self, from: &Country, to: &Country, parcels: &[Parcel]) -> Money {
        let kilograms: i64 = parcels.iter().map(|parcel| (parcel.billed_g() + 999) / 1000).sum();
        let percent = match from.distance_to(to) {
            Distance::Domestic => 100,
            Distance::Union => ACROSS_BORDER_PERCENT,
            Distance::World => ACROSS_CUSTOMS_PERCENT,
        };
        let cents = (self.base + self.per_kg * kilograms) * percent / 100;
        let rate = RATES.iter().find(|(currency, _)| *currency == from.currency).map_or(DOLLARS, |(_, rate)| *rate);
        Money { minor: cents * rate / 100, currency: from.currency }
    }
}
