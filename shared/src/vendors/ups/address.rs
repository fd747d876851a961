//! What UPS says of an address (POST /api/addressvalidation/{version}/{requestoption}). It knows those of the United
//! States and Puerto Rico.

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire;
use crate::domain::shipping::{Address, AddressCheck, Classification};
use crate::vendors::lenient::{self, cut};

/// Suggestions that are passed on, and asked for.
const SUGGESTIONS_MAX: usize = 10;
/// Characters of a city and of a state's name here.
const NAME_CHARS: usize = 30;

/// Where to ask: whether it exists, and what it is.
pub(super) fn path() -> String {
    format!("/api/addressvalidation/v2/3?maximumcandidatelistsize={SUGGESTIONS_MAX}")
}

/// The question.
pub(super) fn request(address: &Address) -> Value {
    let lines: Vec<&str> = address.street_lines.iter().map(|line| line.expose().as_str()).collect();
    let postal = address.postal_code.as_ref().map(|code| code.expose().as_str());
    let (low, extended) = postal.map_or((None, None), |code| match code.split_once('-') {
        Some((low, extended)) => (Some(low), Some(extended)),
        None => (Some(code), None),
    });
    wire::sparse(json!({ "XAVRequest": { "AddressKeyFormat": {
        "AddressLine": lines,
        "PoliticalDivision2": cut(address.city.expose(), NAME_CHARS),
        "PoliticalDivision1": address.state,
        "PostcodePrimaryLow": low.filter(|low| !low.is_empty()),
        "PostcodeExtendedLow": extended.filter(|extended| !extended.is_empty()),
        "CountryCode": wire::country_code(address),
    } } }))
}

#[derive(Deserialize)]
struct AddressResponse {
    #[serde(rename = "XAVResponse")]
    response: XavResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct XavResponse {
    /// Its presence says it; there is nothing in it.
    #[serde(default)]
    valid_address_indicator: Option<Value>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    address_classification: Option<wire::Coded>,
    #[serde(default, deserialize_with = "lenient::list")]
    candidate: Vec<Candidate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Candidate {
    address_key_format: KeyFormat,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFormat {
    #[serde(default, deserialize_with = "lenient::list")]
    address_line: Vec<String>,
    political_division2: String,
    #[serde(default, deserialize_with = "lenient::text")]
    political_division1: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    postcode_primary_low: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    postcode_extended_low: Option<String>,
    country_code: String,
}

impl KeyFormat {
    fn address(self, classification: Classification) -> Address {
        let extended = self.postcode_extended_low.map(|extended| format!("-{extended}")).unwrap_or_default();
        Address {
            street_lines: self.address_line.into_iter().map(Into::into).collect(),
            city: self.political_division2.into(),
            state: self.political_division1,
            postal_code: self.postcode_primary_low.map(|low| format!("{low}{extended}").into()),
            country: self.country_code,
            residential: match classification {
                Classification::Business => Some(false),
                Classification::Residential => Some(true),
                Classification::Mixed | Classification::Unknown => None,
            },
        }
    }
}

/// What the answer says.
pub(super) fn read(body: &[u8]) -> Option<AddressCheck> {
    let answer = serde_json::from_slice::<AddressResponse>(body).ok()?.response;
    let code = answer.address_classification.and_then(|classification| classification.code);
    let classification = match code.as_deref() {
        Some("1") => Classification::Business,
        Some("2") => Classification::Residential,
        _ => Classification::Unknown,
    };
    let candidates = answer.candidate.into_iter().map(|candidate| candidate.address_key_format.address(classification));
    Some(AddressCheck {
        valid: answer.valid_address_indicator.is_some(),
        classification,
        suggestions: candidates.filter_map(Address::sound).take(SUGGESTIONS_MAX).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_valid_when_ups_says_so_and_its_own_spelling_is_suggested() {
        let body = json!({ "XAVResponse": {
            "Response": { "ResponseStatus": { "Code": "1", "Description": "Success" } },
            "ValidAddressIndicator": "",
            "AddressClassification": { "Code": "2", "Description": "Residential" },
            "Candidate": { "AddressKeyFormat": {
                "AddressLine": "26601 ALISO CREEK RD", "PoliticalDivision2": "ALISO VIEJO", "PoliticalDivision1": "CA",
                "PostcodePrimaryLow": "92656", "PostcodeExtendedLow": 4800, "CountryCode": "US",
            } },
        } });
        let check = read(body.to_string().as_bytes()).expect("an answer");
        assert!(check.valid);
        assert_eq!(check.classification, Classification::Residential);
        let [suggestion] = &check.suggestions[..] else { panic!("one suggestion") };
        assert_eq!(suggestion.street_lines[0].expose(), "26601 ALISO CREEK RD");
        assert_eq!(suggestion.postal_code.as_ref().map(|code| code.expose().as_str()), Some("92656-4800"));
        assert_eq!(suggestion.residential, Some(true));

        let none = json!({ "XAVResponse": { "NoCandidatesIndicator": "" } });
        let check = read(none.to_string().as_bytes()).expect("an answer");
        assert_eq!(check, AddressCheck { valid: false, classification: Classification::Unknown, suggestions: vec![] });
        assert_eq!(read(b"{}"), None);
    }
}
