//! Whether an address is one: by its postcode, and by words in its street.

use super::failure::Failure;
use super::response;
use crate::parcels::checks::{Rule, Shape, hold, list, text};
use crate::parcels::places::country;
use serde_json::{Value, json};

const RULES: &[Rule] = &[
    ("XAVRequest.AddressKeyFormat.CountryCode", Shape::Text(2, 2)),
    ("XAVRequest.AddressKeyFormat.PoliticalDivision2?", Shape::Text(1, 30)),
    ("XAVRequest.AddressKeyFormat.PoliticalDivision1?", Shape::Text(1, 30)),
    ("XAVRequest.AddressKeyFormat.PostcodePrimaryLow?", Shape::Text(1, 10)),
];

/// The countries whose streets UPS knows.
const COUNTRIES: [&str; 2] = ["US", "PR"];

/// A street with `Nowhere` in it does not exist, one with `Twin` in it exists twice; one with `Office` or `Suite` in it is a
/// business.
pub(super) fn validate(option: &str, body: &Value) -> Result<Value, Failure> {
    let (validates, classifies) = match option {
        "1" => (true, false),
        "2" => (false, true),
        "3" => (true, true),
        _ => return Err(Failure::invalid("20006", "Invalid request action.")),
    };
    hold(body, RULES)?;
    let address = &body["XAVRequest"]["AddressKeyFormat"];
    let code = text(address, "/CountryCode");
    if !COUNTRIES.contains(&code) {
        return Err(Failure::invalid("264002", "Country code is invalid or missing."));
    }
    let lines: Vec<&str> = list(address, "/AddressLine").iter().filter_map(Value::as_str).collect();
    let street = lines.join(" ");
    let postcode = text(address, "/PostcodePrimaryLow");
    let exists = country(code).is_some_and(|country| country.takes_postcode(postcode)) && !street.contains("Nowhere");
    let business = ["Office", "Suite"].iter().any(|word| street.contains(word));
    let classification = match (exists, business) {
        (false, _) => json!({ "Code": "0", "Description": "UnClassified" }),
        (true, true) => json!({ "Code": "1", "Description": "Commercial" }),
        (true, false) => json!({ "Code": "2", "Description": "Residential" }),
    };
    let mut answer = json!({ "Response": response(&body["XAVRequest"]) });
    if classifies {
        answer["AddressClassification"] = classification.clone();
    }
    if validates && exists {
        let twins = street.contains("Twin");
        answer[if twins { "AmbiguousAddressIndicator" } else { "ValidAddressIndicator" }] = "".into();
        let candidates = (0..if twins { 2 } else { 1 }).map(|i| {
            let mut candidate = json!({
                "AddressKeyFormat": {
                    "AddressLine": lines.iter().map(|line| line.to_uppercase()).collect::<Vec<_>>(),
                    "PoliticalDivision2": text(address, "/PoliticalDivision2").to_uppercase(),
                    "PoliticalDivision1": text(address, "/PoliticalDivision1"),
                    "PostcodePrimaryLow": postcode.get(..5).unwrap_or(postcode),
                    "PostcodeExtendedLow": format!("{:04}", 1001 + i),
                    "CountryCode": code,
                },
            });
            if classifies {
                candidate["AddressClassification"] = classification.clone();
            }
            candidate
        });
        answer["Candidate"] = candidates.collect::<Value>();
    } else if !exists {
        answer["NoCandidatesIndicator"] = "".into();
    }
    Ok(json!({ "XAVResponse": answer }))
}
