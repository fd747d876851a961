//! What all of DHL's requests have in common: parties, parcels, times. Weights are kilograms, lengths centimetres.

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::domain::Money;
use crate::domain::shipping::parcel::centimetres;
use crate::domain::shipping::territory::CANARIES;
use crate::domain::shipping::{Address, Consignment, Incoterm, Parcel, Party, Territory};
use crate::vendors::lenient::{cut, decimal};

/// Characters of fields, by the specification.
pub(super) const CITY_CHARS: usize = 45;
pub(super) const LINE_CHARS: usize = 45;
const POSTAL_CHARS: usize = 12;
const STATE_CHARS: std::ops::RangeInclusive<usize> = 2..=35;
const EMAIL_CHARS: usize = 70;

/// Codes of DHL's own, by code of ISO 3166-1; those that it does not have at all are another country's there. (MyDHL API
/// specification, reference data of the kind country.)
const OWN_CODES: [(&str, &str); 7] =
    [("AX", "FI"), ("BL", "XY"), ("BQ", "XB"), ("CW", "XC"), ("IM", "GB"), ("SJ", "NO"), ("SX", "XM")];
/// DHL's code of the Canary Islands, and of one of the islands of `BQ`.
const CANARY_ISLANDS: &str = "IC";
const ST_EUSTATIUS: &str = "XE";

/// DHL's own form: the word GMT, then the offset.
const TIME: &[BorrowedFormatItem<'_>] = format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second] GMT[offset_hour sign:mandatory]:[offset_minute]"
);

/// A time as DHL wants it; `None` for one that no calendar has.
pub(super) fn time(at: OffsetDateTime) -> Option<String> {
    at.format(TIME).ok()
}

/// A decimal number, written as it is: nothing passes through a float.
pub(super) fn number(units: u64, exponent: usize) -> Box<RawValue> {
    RawValue::from_string(decimal(units, exponent)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// An amount as a number.
pub(super) fn amount(money: Money) -> Box<RawValue> {
    number(u64::try_from(money.value).unwrap_or(0), money.currency.exponent().into())
}

/// A weight in kilograms.
pub(super) fn kilograms(grams: u64) -> Box<RawValue> {
    number(grams, 3)
}

/// Grams, rounded up: DHL takes three decimals of a kilogram.
pub(super) const fn grams(mg: u64) -> u64 {
    mg.div_ceil(1_000)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostalAddress {
    postal_code: String,
    city_name: String,
    country_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    province_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_line1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_line3: Option<String>,
}

/// DHL's code of the country.
pub(super) fn country_code(address: &Address) -> &str {
    let place = Territory::of(address);
    let city = address.city.expose().to_lowercase();
    match place {
        Territory { area: CANARIES, .. } => CANARY_ISLANDS,
        Territory { code: "BQ", .. } if city.contains("eustatius") || city.contains("oranjestad") => ST_EUSTATIUS,
        Territory { code, .. } => own_code(code),
    }
}

/// The same of a country of which no more is known.
fn own_code(code: &str) -> &str {
    OWN_CODES.iter().find(|(iso, _)| *iso == code).map_or(code, |(_, own)| own)
}

impl PostalAddress {
    pub(super) fn of(address: &Address) -> Self {
        let mut lines =
            address.street_lines.iter().map(|line| cut(line.expose(), LINE_CHARS)).filter(|line| !line.is_empty());
        let state = address.state.clone().filter(|state| STATE_CHARS.contains(&state.chars().count()));
        Self {
            postal_code: address.postal_code.as_ref().map(|code| cut(code.expose(), POSTAL_CHARS)).unwrap_or_default(),
            city_name: cut(address.city.expose(), CITY_CHARS),
            country_code: country_code(address).to_owned(),
            province_code: state,
            address_line1: lines.next(),
            address_line2: lines.next(),
            address_line3: lines.next(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    phone: String,
    company_name: String,
    full_name: String,
}

/// A party with its address, as a label and a pickup want it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Customer {
    postal_address: PostalAddress,
    contact_information: Contact,
}

impl Customer {
    /// `None` without a telephone number, which DHL demands.
    pub(super) fn of(party: &Party) -> Option<Self> {
        let phone = party.phone.as_ref()?.expose().trim().to_owned();
        let email = party.email.as_ref().map(|email| email.expose().clone());
        let contact_information = Contact {
            email: email.filter(|email| (1..=EMAIL_CHARS).contains(&email.chars().count())),
            phone,
            company_name: party.company.as_ref().unwrap_or(&party.name).expose().clone(),
            full_name: party.name.expose().clone(),
        };
        Some(Self { postal_address: PostalAddress::of(&party.address), contact_information })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account<'a> {
    type_code: &'static str,
    number: &'a str,
}

impl<'a> Account<'a> {
    /// The account that pays for the carrying.
    pub(super) const fn shipper(number: &'a str) -> Self {
        Self { type_code: "shipper", number }
    }

    /// The accounts that pay for this: for the carrying, and for duties and taxes where the shipper pays them.
    pub(super) fn all(consignment: &Consignment, number: &'a str) -> Vec<Self> {
        let duties = pays_duties(consignment).then_some(Self { type_code: "duties-taxes", number });
        std::iter::once(Self::shipper(number)).chain(duties).collect()
    }
}

/// The service by which the shipper pays duties and taxes.
const DUTIES_PAID: &str = "DD";

/// A service besides the carrying.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddedService {
    service_code: &'static str,
}

impl AddedService {
    /// What is bought with this.
    pub(super) fn all(consignment: &Consignment) -> Vec<Self> {
        pays_duties(consignment).then_some(Self { service_code: DUTIES_PAID }).into_iter().collect()
    }
}

/// Whether the shipper pays duties and taxes.
pub(super) fn pays_duties(consignment: &Consignment) -> bool {
    consignment.customs.as_ref().is_some_and(|customs| customs.incoterm == Incoterm::Ddp)
}

#[derive(Serialize)]
pub(super) struct Package {
    weight: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Size>,
}

#[derive(Serialize)]
struct Size {
    length: u64,
    width: u64,
    height: u64,
}

impl Package {
    pub(super) fn of(parcel: &Parcel) -> Self {
        let size = |size: crate::domain::shipping::Dimensions| {
            let [length, width, height] = size.sides_um().map(centimetres);
            Size { length, width, height }
        };
        Self { weight: kilograms(grams(parcel.weight_mg())), dimensions: parcel.dimensions.map(size) }
    }

    /// One of which only the weight is known.
    pub(super) fn weighing(grams: u64) -> Self {
        Self { weight: kilograms(grams), dimensions: None }
    }
}

#[cfg(test)]
mod tests {
    use time::UtcOffset;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::money::Currency;

    #[test]
    fn a_time_has_the_word_gmt_before_its_offset() {
        let at = Timestamp::from_seconds(1_746_093_600);
        let there = OffsetDateTime::from_unix_timestamp(at.seconds()).expect("a time");
        assert_eq!(time(there).as_deref(), Some("2025-05-01T10:00:00 GMT+00:00"));
        let offset = UtcOffset::from_hms(-3, -30, 0).expect("an offset");
        assert_eq!(time(there.to_offset(offset)).as_deref(), Some("2025-05-01T06:30:00 GMT-03:30"));
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        let euros = Currency::parse("EUR").expect("a currency");
        assert_eq!(amount(Money { value: 9_007_199_254_740_993, currency: euros }).get(), "90071992547409.93");
        assert_eq!(kilograms(1).get(), "0.001");
        let json = serde_json::to_string(&Package::weighing(2_500)).expect("JSON");
        assert_eq!(json, r#"{"weight":2.500}"#);
    }
}
