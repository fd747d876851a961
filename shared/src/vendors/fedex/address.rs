//! What FedEx says of an address. (POST /address/v1/addresses/resolve.)

use serde::{Deserialize, Serialize};

use super::wire;
use crate::domain::Private;
use crate::domain::shipping::{Address, AddressCheck, Classification};
use crate::vendors::lenient::{list, maybe, text};

/// Suggestions that are taken over.
const SUGGESTIONS_MAX: usize = 10;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    addresses_to_validate: [ToValidate<'a>; 1],
}

#[derive(Debug, Serialize)]
struct ToValidate<'a> {
    address: wire::Address<'a>,
}

pub(super) fn request(address: &Address) -> Request<'_> {
    // Whether it is residential is what we ask.
    let address = wire::Address { residential: None, ..wire::Address::of(address) };
    Request { addresses_to_validate: [ToValidate { address }] }
}

#[derive(Deserialize)]
struct Answered {
    output: Output,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(default, deserialize_with = "list")]
    resolved_addresses: Vec<Resolved>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resolved {
    #[serde(default, deserialize_with = "text")]
    classification: Option<String>,
    #[serde(default, deserialize_with = "list")]
    street_lines_token: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    city: Option<String>,
    #[serde(default, deserialize_with = "text")]
    state_or_province_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    postal_code: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    postal_code_token: Option<Token>,
    #[serde(default, deserialize_with = "text")]
    country_code: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default, deserialize_with = "text")]
    value: Option<String>,
}

/// What FedEx found out: booleans in its document, texts in its answers.
#[derive(Deserialize)]
struct Attributes {
    #[serde(default, rename = "Resolved", deserialize_with = "maybe")]
    resolved: Option<Flag>,
    #[serde(default, rename = "Matched", deserialize_with = "maybe")]
    matched: Option<Flag>,
    /// The postal service delivers there; in the United States only.
    #[serde(default, rename = "DPV", deserialize_with = "maybe")]
    delivered: Option<Flag>,
    #[serde(default, rename = "SuiteRequiredButMissing", deserialize_with = "maybe")]
    suite_missing: Option<Flag>,
    #[serde(default, rename = "InvalidSuiteNumber", deserialize_with = "maybe")]
    suite_invalid: Option<Flag>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Told(bool),
    Written(String),
}

impl Flag {
    fn is_set(flag: Option<&Self>) -> bool {
        match flag {
            Some(Self::Told(told)) => *told,
            Some(Self::Written(text)) => text.eq_ignore_ascii_case("true"),
            None => false,
        }
    }
}

impl Attributes {
    /// Parcels get there: FedEx knows it, and misses nothing of it.
    fn is_valid(&self, country: &str) -> bool {
        let set = Flag::is_set;
        let is_known = set(self.resolved.as_ref()) || set(self.matched.as_ref());
        let is_delivered = country != "US" || self.delivered.is_none() || set(self.delivered.as_ref());
        is_known && is_delivered && !set(self.suite_missing.as_ref()) && !set(self.suite_invalid.as_ref())
    }
}

/// `None` when FedEx says nothing of it.
pub(super) fn read(body: &[u8], asked: &Address) -> Option<AddressCheck> {
    let answered: Answered = serde_json::from_slice(body).ok()?;
    let resolved = answered.output.resolved_addresses;
    let first = resolved.first()?;
    let valid = first.attributes.as_ref().is_some_and(|attributes| attributes.is_valid(&asked.country));
    let classification = match first.classification.as_deref() {
        Some("BUSINESS") => Classification::Business,
        Some("RESIDENTIAL") => Classification::Residential,
        Some("MIXED") => Classification::Mixed,
        _ => Classification::Unknown,
    };
    let suggestions = resolved.iter().filter_map(|resolved| suggestion(resolved, &asked.country)?.sound());
    Some(AddressCheck { valid, classification, suggestions: suggestions.take(SUGGESTIONS_MAX).collect() })
}

/// How FedEx would write it, if it says that much.
fn suggestion(resolved: &Resolved, country: &str) -> Option<Address> {
    let street_lines: Vec<_> =
        resolved.street_lines_token.iter().filter(|line| !line.trim().is_empty()).cloned().map(Private::new).collect();
    let token = resolved.postal_code_token.as_ref().and_then(|token| token.value.clone());
    let residential = match resolved.classification.as_deref() {
        Some("RESIDENTIAL") => Some(true),
        Some("BUSINESS") => Some(false),
        _ => None,
    };
    (!street_lines.is_empty()).then_some(Address {
        street_lines,
        city: resolved.city.clone()?.into(),
        state: resolved.state_or_province_code.clone(),
        postal_code: token.or_else(|| resolved.postal_code.clone()).map(Private::new),
        country: resolved.country_code.clone().unwrap_or_else(|| country.to_owned()),
        residential,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::wire::sample;
    use super::*;

    fn resolved(attributes: &Value) -> Value {
        json!({"output": {"resolvedAddresses": [{
            "classification": "BUSINESS", "streetLinesToken": ["7372 PARKRIDGE BLVD", "APT 286"], "city": "IRVING",
            "stateOrProvinceCode": "TX", "postalCodeToken": {"changed": true, "value": "75063-8659"}, "countryCode": "US",
            "attributes": attributes,
        }]}})
    }

    fn check(answer: &Value) -> Option<AddressCheck> {
        read(answer.to_string().as_bytes(), &sample::domestic().shipper.address)
    }

    #[test]
    fn an_address_is_valid_when_fedex_knows_it_and_misses_nothing() {
        let valid = |attributes: Value| check(&resolved(&attributes)).map(|check| check.valid);
        assert_eq!(valid(json!({"Resolved": "true", "DPV": "true"})), Some(true));
        assert_eq!(valid(json!({"Resolved": true, "Matched": true})), Some(true));
        assert_eq!(valid(json!({"Resolved": "true", "DPV": "false"})), Some(false));
        assert_eq!(valid(json!({"Resolved": "true", "DPV": "true", "SuiteRequiredButMissing": "true"})), Some(false));
        assert_eq!(valid(json!({"Resolved": "true", "DPV": "true", "InvalidSuiteNumber": true})), Some(false));
        assert_eq!(valid(json!({"Resolved": "false"})), Some(false));
        assert_eq!(valid(json!("none")), Some(false));
        assert_eq!(check(&json!({"output": {"resolvedAddresses": []}})), None);
    }

    #[test]
    fn the_way_fedex_writes_it_is_suggested() {
        let check = check(&resolved(&json!({"Resolved": "true"}))).expect("a check");
        assert_eq!(check.classification, Classification::Business);
        let address = &check.suggestions[0];
        assert_eq!(address.street_lines[1].expose(), "APT 286");
        assert_eq!(address.postal_code.as_ref().map(|code| code.expose().as_str()), Some("75063-8659"));
        assert_eq!((address.residential, address.country.as_str()), (Some(false), "US"));
    }

    #[test]
    fn nobodys_name_is_sent() {
        let sent = json!(request(&sample::domestic().shipper.address));
        let address = json!({
            "streetLines": ["10 Main St"], "city": "Irving", "stateOrProvinceCode": "TX", "postalCode": "75063",
            "countryCode": "US",
        });
        assert_eq!(sent, json!({"addressesToValidate": [{"address": address}]}));
    }
}
