//! What DHL says of an address (GET /address-validate): whether it comes to that postal code and city. It knows no
//! streets.

use form_urlencoded::Serializer;
use serde::Deserialize;

use super::wire::country_code;
use crate::domain::shipping::{Address, AddressCheck, Classification};
use crate::vendors::lenient::{self, cut};

/// Suggestions that are passed on.
const SUGGESTIONS_MAX: usize = 10;
/// Characters of fields, by the specification.
const CITY_CHARS: usize = 45;
const POSTAL_CHARS: usize = 12;

/// Where to ask. What is near is told, too, so that it can be suggested.
pub(super) fn path(address: &Address) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("type", "delivery").append_pair("countryCode", country_code(address));
    if let Some(code) = &address.postal_code {
        query.append_pair("postalCode", &cut(code.expose(), POSTAL_CHARS));
    }
    query.append_pair("cityName", &cut(address.city.expose(), CITY_CHARS)).append_pair("strictValidation", "false");
    format!("/address-validate?{}", query.finish())
}

#[derive(Deserialize)]
struct AddressResponse {
    #[serde(default, deserialize_with = "lenient::list")]
    address: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    country_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    postal_code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    city_name: Option<String>,
}

/// What the answer says.
pub(super) fn read(body: &[u8], asked: &Address) -> Option<AddressCheck> {
    let answer: AddressResponse = serde_json::from_slice(body).ok()?;
    let code = asked.postal_code.as_ref().map_or("", |code| code.expose().as_str());
    let asked_of = country_code(asked);
    let is_it = |place: &Place| {
        let same = |theirs: &Option<String>, ours: &str| theirs.as_deref().is_none_or(|theirs| is_same(theirs, ours));
        place.country_code == asked_of && same(&place.postal_code, code) && same(&place.city_name, asked.city.expose())
    };
    let valid = answer.address.iter().any(is_it);
    let others = answer.address.into_iter().filter(|place| !is_it(place));
    let suggestion = |place: Place| Address {
        city: place.city_name.map_or_else(|| asked.city.clone(), Into::into),
        postal_code: place.postal_code.map(Into::into),
        // Its own codes are nobody else's.
        country: if place.country_code == asked_of { asked.country.clone() } else { place.country_code },
        ..asked.clone()
    };
    Some(AddressCheck {
        valid,
        classification: Classification::Unknown,
        suggestions: others.map(suggestion).filter_map(Address::sound).take(SUGGESTIONS_MAX).collect(),
    })
}

/// Whether two texts differ only in capitals and what is no letter or digit.
fn is_same(a: &str, b: &str) -> bool {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prague() -> Address {
        Address {
            street_lines: vec!["V Parku 2308/10".to_owned().into()],
            city: "Prague".to_owned().into(),
            state: None,
            postal_code: Some("148 00".to_owned().into()),
            country: "CZ".to_owned(),
            residential: None,
        }
    }

    #[test]
    fn an_address_is_valid_where_dhl_comes_to_its_postal_code_and_city() {
        let body = br#"{"warnings":[],"address":[{"countryCode":"CZ","postalCode":"14800","cityName":"PRAGUE"},
            {"countryCode":"CZ","postalCode":14801,"cityName":"PRAGUE"}, "odd"]}"#;
        let check = read(body, &prague()).expect("an answer");
        assert!(check.valid);
        assert_eq!(check.suggestions.len(), 1);
        assert_eq!(check.suggestions[0].postal_code.as_ref().map(|code| code.expose().as_str()), Some("14801"));
        assert_eq!(check.suggestions[0].street_lines, prague().street_lines);
        let elsewhere = br#"{"address":[{"countryCode":"CZ","postalCode":"14800","cityName":"BRNO"}]}"#;
        assert!(!read(elsewhere, &prague()).expect("an answer").valid);
        assert!(!read(b"{}", &prague()).expect("an answer").valid);
        assert_eq!(read(b"<html>", &prague()), None);
    }
}
