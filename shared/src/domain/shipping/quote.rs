//! What carriers ask for carrying something.

use serde::{Deserialize, Serialize};

use super::{Address, Carrier, Consignment, Day, Parcel};
use crate::domain::Money;
use crate::domain::id::digest;

/// One service of a carrier at its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The carrier that offers it.
    pub carrier: Carrier,
    /// The carrier's own code of the service (`FEDEX_GROUND`, `03`, `P`): what a label is bought with.
    pub service: String,
    /// What people call it.
    pub name: String,
    /// Everything included: what the shop pays with its account.
    pub price: Money,
    /// Working days on the way, when the carrier says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_days: Option<u16>,
    /// The day it arrives, when the carrier says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_date: Option<Day>,
}

/// What a price depends on, as 26 characters: where it goes from and to, the parcels, the day, and what is declared; not
/// who sends or gets it, nor in which street. A postal code names the place, and the city does so only where there is
/// none: a quote at the checkout has no city yet, and the label that is bought of it has one. Two consignments that differ
/// in letter case, blanks or names alone have the same.
pub fn consignment_hash(consignment: &Consignment) -> String {
    let parcels: String = consignment.parcels.iter().map(parcel).collect();
    let declared = consignment.customs.as_ref().map(|customs| {
        let total = customs.total().map(|total| format!("{} {}", total.value, total.currency));
        format!("{:?} {}", customs.incoterm, total.unwrap_or_default())
    });
    let (from, to) = (place(&consignment.shipper.address), place(&consignment.recipient.address));
    let mut parts: Vec<&str> = from.iter().chain(&to).map(String::as_str).collect();
    let day = consignment.ship_date.to_string();
    parts.extend([parcels.as_str(), day.as_str(), declared.as_deref().unwrap_or_default()]);
    digest(&parts)
}

/// The place, without the street.
fn place(address: &Address) -> [String; 5] {
    let residential = address.residential.map_or("", |residential| if residential { "home" } else { "company" });
    let postal_code = address.postal_code.as_ref().map(|code| normalised(code.expose())).unwrap_or_default();
    let city = if postal_code.is_empty() { normalised(address.city.expose()) } else { String::new() };
    [
        postal_code,
        city,
        address.state.as_deref().map(normalised).unwrap_or_default(),
        normalised(&address.country),
        residential.to_owned(),
    ]
}

/// Upper case, with one blank where there are some.
fn normalised(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

fn parcel(parcel: &Parcel) -> String {
    let size = parcel.dimensions.map(|size| size.sides_um().map(|side| side.to_string()).join("x"));
    format!("{}mg {};", parcel.weight_mg(), size.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::{Customs, CustomsItem, Dimensions, Incoterm, Party};
    use crate::domain::{Currency, Private};

    fn party(name: &str, street: &str, city: &str, postal_code: &str) -> Party {
        let address = Address {
            street_lines: vec![Private::new(street.to_owned())],
            city: Private::new(city.to_owned()),
            state: None,
            postal_code: Some(Private::new(postal_code.to_owned())),
            country: "DE".to_owned(),
            residential: None,
        };
        Party { name: Private::new(name.to_owned()), company: None, phone: None, email: None, address }
    }

    fn consignment() -> Consignment {
        Consignment {
            shipper: party("Shop", "Hauptstrasse 1", "Berlin", "10115"),
            recipient: party("Ada", "Am Markt 2", "Bad Homburg", "61348"),
            parcels: vec![Parcel { weight_g: 2_500, weight_mg: None, dimensions: None }],
            ship_date: Day::parse("2026-05-04").expect("a day"),
            ship_at: None,
            customs: None,
        }
    }

    #[test]
    fn a_price_does_not_depend_on_names_streets_letter_case_and_blanks() {
        let mut other = consignment();
        other.recipient = party("Grace", "Am Bahnhof 7", "", "61348 ");
        other.recipient.phone = Some(Private::new("+491711234567".to_owned()));
        assert_eq!(consignment_hash(&other), consignment_hash(&consignment()));
        assert_eq!(consignment_hash(&other).len(), 26);
    }

    #[test]
    fn a_price_depends_on_the_city_only_where_there_is_no_postal_code() {
        let hash_in = |city: &str, postal_code: Option<&str>| {
            let mut to = consignment();
            to.recipient.address.city = Private::new(city.to_owned());
            to.recipient.address.postal_code = postal_code.map(|code| Private::new(code.to_owned()));
            consignment_hash(&to)
        };
        assert_eq!(hash_in("", Some("61348")), hash_in("Bad Homburg", Some("61348")));
        assert_eq!(hash_in("Hong  kong", None), hash_in("HONG KONG", None));
        assert_ne!(hash_in("Hong Kong", None), hash_in("Macau", None));
    }

    #[test]
    fn a_price_depends_on_place_parcels_day_and_what_is_declared() {
        let item = CustomsItem {
            description: "Books".to_owned(),
            quantity: 2,
            unit_value: Money { value: 1099, currency: Currency::parse("EUR").expect("a currency") },
            unit_weight_g: 400,
            unit_weight_mg: None,
            origin_country: "DE".to_owned(),
            hs_code: None,
        };
        let customs = |incoterm, quantity| {
            let items = vec![CustomsItem { quantity, ..item.clone() }];
            Some(Customs { items, incoterm, invoice: None })
        };
        let size = Dimensions::of_um([300_000, 200_000, 100_000]).expect("a size");
        let changes: [&dyn Fn(&mut Consignment); 12] = [
            &|_| {},
            // Less than a gram, and the next tenth of a pound.
            &|c| c.parcels[0].weight_mg = Some(2_499_500),
            &|c| c.recipient.address.postal_code = Some(Private::new("61349".to_owned())),
            &|c| c.recipient.address.state = Some("HE".to_owned()),
            &|c| c.shipper.address.country = "AT".to_owned(),
            &|c| c.recipient.address.residential = Some(true),
            &|c| c.recipient.address.residential = Some(false),
            &|c| c.parcels[0].dimensions = Some(size),
            &|c| c.parcels.push(c.parcels[0]),
            &|c| c.ship_date = Day::parse("2026-05-05").expect("a day"),
            &|c| c.customs = customs(Incoterm::Dap, 2),
            &|c| c.customs = customs(Incoterm::Ddp, 3),
        ];
        let hashes: std::collections::BTreeSet<String> = changes
            .iter()
            .map(|change| {
                let mut changed = consignment();
                change(&mut changed);
                consignment_hash(&changed)
            })
            .collect();
        assert_eq!(hashes.len(), changes.len());
    }
}
