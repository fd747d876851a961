//! FedEx's words that several of its operations share.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::currency;
use crate::domain::Money;
use crate::domain::shipping::parcel::{centimetres, inches, tenths_of_kilograms, tenths_of_pounds};
use crate::domain::shipping::{self, Consignment, Customs, CustomsItem, Parcel, Territory};
use crate::vendors::lenient::{decimal, text};

/// Somebody else's packaging than FedEx's.
pub(super) const PACKAGING: &str = "YOUR_PACKAGING";
/// The parcels go with the daily pickup, or one that is scheduled by itself.
pub(super) const PICKUP: &str = "USE_SCHEDULED_PICKUP";
/// Pieces, as the customs count.
const PIECES: &str = "PCS";
/// Pieces of one commodity that FedEx counts; its quantity has no such limit.
const PIECES_MAX: u32 = 9_999;
/// Characters of a line, a name and a city. (FedEx ship specification: streetLines, companyName, city.)
pub(super) const LINE_CHARS: usize = 35;
/// Street lines that FedEx reads.
const STREET_LINES_MAX: usize = 3;

/// An error or an alert.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    #[serde(default, deserialize_with = "text")]
    pub(super) code: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct AccountNumber {
    pub(super) value: String,
}

impl AccountNumber {
    pub(super) fn of(number: &str) -> Self {
        Self { value: number.to_owned() }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) street_lines: Vec<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) city: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_or_province_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postal_code: Option<&'a str>,
    pub(super) country_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) residential: Option<bool>,
}

impl<'a> Address<'a> {
    pub(super) fn of(address: &'a shipping::Address) -> Self {
        let lines = address.street_lines.iter().map(|line| line.expose().trim());
        Self {
            street_lines: lines.filter(|line| !line.is_empty()).take(STREET_LINES_MAX).collect(),
            city: address.city.expose(),
            state_or_province_code: state(address),
            postal_code: address.postal_code.as_ref().map(|code| code.expose().as_str()),
            country_code: Territory::of(address).code,
            residential: address.residential,
        }
    }

    /// Without its street lines, which a quote does not need.
    pub(super) fn area_of(address: &'a shipping::Address) -> Self {
        Self { street_lines: Vec::new(), ..Self::of(address) }
    }
}

/// Characters of a state's code; a longer one costs the whole request. (FedEx ship specification: "Max length is 2"; the
/// library FedexRest, issue 42.)
const STATE_CHARS: usize = 2;

/// The state, where FedEx needs one: in the United States, Canada, Puerto Rico and India (Odoo's delivery_fedex). It writes
/// Quebec its own way (karrioapi/karrio, pull request 637).
fn state(address: &shipping::Address) -> Option<&str> {
    match (Territory::of(address).code, address.state.as_deref()) {
        ("PR", _) => Some("PR"),
        ("CA", Some("QC")) => Some("PQ"),
        ("US" | "CA" | "IN", Some(state)) if state.len() == STATE_CHARS => Some(state),
        _ => None,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact<'a> {
    person_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_address: Option<&'a str>,
    /// Digits only: FedEx counts 10 to 15 of them.
    phone_number: &'a str,
}

impl<'a> Contact<'a> {
    pub(super) fn of(party: &'a shipping::Party) -> Self {
        Self { email_address: party.email.as_ref().map(|email| email.expose().as_str()), ..Self::without_mail(party) }
    }

    /// A pickup's contact has no mail address.
    pub(super) fn without_mail(party: &'a shipping::Party) -> Self {
        Self {
            person_name: party.name.expose(),
            company_name: party.company.as_ref().map(|company| company.expose().as_str()),
            email_address: None,
            phone_number: party.phone.as_ref().map_or("", |phone| phone.expose().trim_start_matches('+')),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Party<'a> {
    pub(super) contact: Contact<'a>,
    pub(super) address: Address<'a>,
}

impl<'a> Party<'a> {
    pub(super) fn of(party: &'a shipping::Party) -> Self {
        Self { contact: Contact::of(party), address: Address::of(&party.address) }
    }
}

/// What weights and lengths are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Units {
    /// Pounds and inches.
    Imperial,
    /// Kilograms and centimetres.
    Metric,
}

impl Units {
    /// The shipper's own. With a customs declaration metric ones everywhere: its commodities are weighed in kilograms only,
    /// and parcels and commodities must agree.
    pub(super) fn of(consignment: &Consignment) -> Self {
        match consignment.customs {
            None => Self::in_country(Territory::of(&consignment.shipper.address).code),
            Some(_) => Self::Metric,
        }
    }

    pub(super) fn in_country(country: &str) -> Self {
        if country == "US" { Self::Imperial } else { Self::Metric }
    }

    /// Tenths of a unit, rounded up.
    fn tenths(self, mg: u64) -> u64 {
        match self {
            Self::Imperial => tenths_of_pounds(mg),
            Self::Metric => tenths_of_kilograms(mg),
        }
    }

    const fn of_weight(self) -> &'static str {
        match self {
            Self::Imperial => "LB",
            Self::Metric => "KG",
        }
    }
}

/// A decimal number as it is meant, never a float's idea of it.
pub(super) type Decimal = Box<RawValue>;

pub(super) fn number(units: u64, decimals: usize) -> Decimal {
    RawValue::from_string(decimal(units, decimals)).unwrap_or_default()
}

#[derive(Debug, Serialize)]
pub(super) struct Weight {
    units: &'static str,
    value: Decimal,
}

impl Weight {
    pub(super) fn of(mg: u64, units: Units) -> Self {
        Self { units: units.of_weight(), value: number(units.tenths(mg), 1) }
    }

    /// Of goods, to the gram: many of them, rounded up one by one, would be heavier than the parcel that they are in.
    fn net(grams: u64) -> Self {
        Self { units: Units::Metric.of_weight(), value: number(grams, 3) }
    }
}

/// The weight of all parcels, as they are told one by one.
pub(super) fn total_weight(parcels: &[Parcel], units: Units) -> Decimal {
    number(parcels.iter().map(|parcel| units.tenths(parcel.weight_mg())).sum(), 1)
}

#[derive(Debug, Serialize)]
pub(super) struct Dimensions {
    length: u64,
    width: u64,
    height: u64,
    units: &'static str,
}

impl Dimensions {
    pub(super) fn of(parcel: &Parcel, units: Units) -> Option<Self> {
        let size = parcel.dimensions?;
        let (rounded, units): (fn(u64) -> u64, _) = match units {
            Units::Imperial => (inches, "IN"),
            Units::Metric => (centimetres, "CM"),
        };
        let [length, width, height] = size.sides_um().map(rounded);
        Some(Self { length, width, height, units })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Amount {
    amount: Decimal,
    currency: &'static str,
}

impl Amount {
    pub(super) fn of(money: Money) -> Self {
        let exponent = usize::from(money.currency.exponent());
        Self { amount: number(money.value.unsigned_abs(), exponent), currency: currency::code(money.currency) }
    }
}

/// One line of a declaration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commodity<'a> {
    description: &'a str,
    country_of_manufacture: &'a str,
    quantity: u32,
    quantity_units: &'static str,
    number_of_pieces: u32,
    weight: Weight,
    unit_price: Amount,
    customs_value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    harmonized_code: Option<&'a str>,
}

impl<'a> Commodity<'a> {
    pub(super) fn all(customs: &'a Customs) -> Vec<Self> {
        customs.items.iter().map(Self::of).collect()
    }

    fn of(item: &'a CustomsItem) -> Self {
        let value = item.unit_value.value.saturating_mul(i64::from(item.quantity));
        Self {
            description: &item.description,
            country_of_manufacture: &item.origin_country,
            quantity: item.quantity,
            quantity_units: PIECES,
            number_of_pieces: item.quantity.min(PIECES_MAX),
            weight: Weight::net(item.net_g()),
            unit_price: Amount::of(item.unit_value),
            customs_value: Amount::of(Money { value, ..item.unit_value }),
            harmonized_code: item.hs_code.as_deref(),
        }
    }
}

/// Parties, parcels and a declaration to write requests of.
#[cfg(test)]
pub(super) mod sample {
    use crate::domain::Money;
    use crate::domain::money::Currency;
    use crate::domain::shipping::{
        Address, Consignment, Customs, CustomsItem, Day, Dimensions, Incoterm, Parcel, Party,
    };

    pub(in crate::vendors::fedex) const ACCOUNT: &str = "740561073";

    fn party(name: &str, street: &str, city: &str, state: Option<&str>, postal_code: &str, country: &str) -> Party {
        Party {
            name: name.to_owned().into(),
            company: None,
            phone: Some("+19015550100".to_owned().into()),
            email: None,
            address: Address {
                street_lines: vec![street.to_owned().into()],
                city: city.to_owned().into(),
                state: state.map(str::to_owned),
                postal_code: Some(postal_code.to_owned().into()),
                country: country.to_owned(),
                residential: Some(true),
            },
        }
    }

    pub(in crate::vendors::fedex) fn domestic() -> Consignment {
        let dimensions = Dimensions::of_um([255_000, 200_000, 100_000]);
        Consignment {
            shipper: party("Shop", "10 Main St", "Irving", Some("TX"), "75063", "US"),
            recipient: party("Ada", "1 Elm St", "Memphis", Some("TN"), "38116", "US"),
            parcels: vec![
                Parcel { weight_g: 454, weight_mg: None, dimensions },
                Parcel { weight_g: 1_000, weight_mg: None, dimensions: None },
            ],
            ship_date: Day::parse("2025-05-02").expect("a day"),
            ship_at: None,
            customs: None,
        }
    }

    pub(in crate::vendors::fedex) fn abroad() -> Consignment {
        let unit_value = Money { value: 1_999, currency: Currency::parse("USD").expect("a currency") };
        let item = CustomsItem {
            description: "Cotton shirts".to_owned(),
            quantity: 3,
            unit_value,
            unit_weight_g: 210,
            unit_weight_mg: None,
            origin_country: "PT".to_owned(),
            hs_code: Some("620520".to_owned()),
        };
        Consignment {
            recipient: party("Ola", "Storgata 1", "Oslo", None, "0155", "NO"),
            customs: Some(Customs { items: vec![item], incoterm: Incoterm::Dap, invoice: Some("o-1".to_owned()) }),
            ..domestic()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn weights_and_lengths_are_rounded_up_in_the_shippers_units() {
        let (home, abroad) = (sample::domestic(), sample::abroad());
        let weight = |consignment: &Consignment| {
            let units = Units::of(consignment);
            let parcel = &consignment.parcels[0];
            json!([
                Weight::of(parcel.weight_mg(), units),
                Dimensions::of(parcel, units),
                total_weight(&consignment.parcels, units)
            ])
        };
        assert_eq!(
            weight(&home),
            json!([{"units": "LB", "value": 1.1}, {"length": 11, "width": 8, "height": 4, "units": "IN"}, 3.4])
        );
        assert_eq!(
            weight(&abroad),
            json!([{"units": "KG", "value": 0.5}, {"length": 26, "width": 20, "height": 10, "units": "CM"}, 1.5])
        );
        let mut of_norway = sample::domestic();
        of_norway.shipper.address.country = "NO".to_owned();
        assert_eq!(Units::of(&of_norway), Units::Metric);
    }

    #[test]
    fn a_line_of_the_declaration_has_the_value_and_the_weight_of_all_its_pieces() {
        let consignment = sample::abroad();
        let lines = Commodity::all(consignment.customs.as_ref().expect("customs"));
        assert_eq!(
            json!(lines),
            json!([{
                "description": "Cotton shirts", "countryOfManufacture": "PT", "quantity": 3, "quantityUnits": "PCS",
                "numberOfPieces": 3, "weight": {"units": "KG", "value": 0.63}, "harmonizedCode": "620520",
                "unitPrice": {"amount": 19.99, "currency": "USD"}, "customsValue": {"amount": 59.97, "currency": "USD"},
            }])
        );
    }

    #[test]
    fn goods_are_not_heavier_than_their_parcel_and_not_more_pieces_than_fedex_counts() {
        let mut customs = sample::abroad().customs.expect("customs");
        (customs.items[0].quantity, customs.items[0].unit_weight_g) = (1, 10);
        customs.items = vec![customs.items[0].clone(); 40];
        let lines = json!(Commodity::all(&customs));
        let weights = lines.as_array().expect("lines").iter().map(|line| line["weight"]["value"].as_f64());
        assert!(weights.map(|weight| weight.expect("a weight")).sum::<f64>() < 0.401, "400 g of goods: {lines}");
        customs.items.truncate(1);
        customs.items[0].quantity = 12_000;
        let lines = json!(Commodity::all(&customs));
        assert_eq!((&lines[0]["quantity"], &lines[0]["numberOfPieces"]), (&json!(12_000), &json!(9_999)));
    }
}
