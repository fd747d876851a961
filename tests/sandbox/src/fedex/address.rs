//! Whether an address is one: by its postcode, and by words in its street.

use super::failure::Failure;
use crate::parcels::checks::{Rule, Shape, hold, list, text};
use crate::parcels::places::country;
use serde_json::{Value, json};

const RULES: &[Rule] = &[
    ("addressesToValidate[].address.streetLines[]", Shape::Text(1, 100)),
    ("addressesToValidate[].address.city?", Shape::Text(0, 60)),
    ("addressesToValidate[].address.countryCode", Shape::Text(2, 2)),
];

/// Addresses in one request.
const ADDRESSES_MAX: usize = 100;

/// A street with `Nowhere` in it does not exist; one with `Office` or `Suite` in it is a business.
pub(super) fn resolve(body: &Value) -> Result<Value, Failure> {
    hold(body, RULES)?;
    let asked = list(body, "/addressesToValidate");
    if asked.len() > ADDRESSES_MAX {
        let message = "At most 100 addresses can be asked for at once.";
        return Err(Failure::invalid("ADDRESSESTOVALIDATE.EXCEEDED", message));
    }
    let resolved = asked.iter().map(|one| {
        let address = &one["address"];
        let lines: Vec<&str> = list(address, "/streetLines").iter().filter_map(Value::as_str).collect();
        let street = lines.join(" ");
        let code = text(address, "/countryCode");
        let (served, postcode) = (country(code), text(address, "/postalCode"));
        let found = served.is_some_and(|country| country.takes_postcode(postcode)) && !street.contains("Nowhere");
        let business = ["Office", "Suite"].iter().any(|word| street.contains(word));
        let (classification, message) = match (found, business) {
            (false, _) => (
                "UNKNOWN",
                json!([{
                    "code": "STANDARDIZED.ADDRESS.NOTFOUND",
                    "message": "Standardized address is not found.",
                }]),
            ),
            (true, true) => ("BUSINESS", json!([])),
            (true, false) => ("RESIDENTIAL", json!([])),
        };
        json!({
            "streetLinesToken": lines.iter().map(|line| line.to_uppercase()).collect::<Vec<_>>(),
            "city": text(address, "/city").to_uppercase(),
            "stateOrProvinceCode": text(address, "/stateOrProvinceCode"),
            "countryCode": code,
            "customerMessage": message,
            "postalCodeToken": { "changed": false, "value": postcode },
            "parsedPostalCode": { "base": postcode, "addOn": "", "deliveryPoint": "" },
            "classification": classification,
            "postOfficeBox": false,
            "normalizedStatusNameDPV": found,
            "standardizedStatusNameMatchSource": "Postal",
            "resolutionMethodName": if found { "USPS_VALIDATE" } else { "GENERIC_VALIDATE" },
            "attributes": {
                "CountrySupported": served.is_some(),
                "ValidlyFormed": true,
                "Matched": found,
                "Resolved": found,
                "DPV": found,
                "AddressType": if found { "STANDARDIZED" } else { "RAW" },
                "AddressPrecision": if found { "STREET_ADDRESS" } else { "UNKNOWN" },
                "MultipleMatches": false,
            },
        })
    });
    Ok(json!({ "resolvedAddresses": resolved.collect::<Value>() }))
}
