//! Whether DHL delivers to, or collects at, a place.

use super::failure::Failure;
use super::{Query, parameter, service_area};
use crate::parcels::places::country;
use serde_json::{Value, json};

/// A city with `Nowhere` in it does not exist.
pub(super) fn validate(query: &Query) -> Result<Value, Failure> {
    let missing: Vec<&str> =
        ["type", "countryCode"].into_iter().filter(|name| parameter(query, name).is_empty()).collect();
    if !missing.is_empty() {
        return Err(Failure::missing_parameters(&missing.join(", ")));
    }
    if !["pickup", "delivery"].contains(&parameter(query, "type")) {
        return Err(Failure::invalid("Parameters not having correct format: type"));
    }
    for (name, most) in [("countryCode", 2), ("postalCode", 12), ("cityName", 45), ("countyName", 45)] {
        if parameter(query, name).chars().count() > most {
            return Err(Failure::invalid(format!("Parameters not having correct format: {name} (maxLength={most})")));
        }
    }
    let (code, postcode, city) =
        (parameter(query, "countryCode"), parameter(query, "postalCode"), parameter(query, "cityName"));
    if postcode.is_empty() && city.is_empty() {
        return Err(Failure::missing_parameters("postalCode or cityName"));
    }
    let served = country(code).filter(|country| postcode.is_empty() || country.takes_postcode(postcode));
    if served.is_none() || city.contains("Nowhere") {
        let message = format!("420505: The location is invalid: postcode {postcode}, city {city}, country {code}.");
        return Err(Failure::invalid(message));
    }
    Ok(json!({
        "warnings": [],
        "address": [{
            "countryCode": code,
            "postalCode": postcode,
            "cityName": city.to_uppercase(),
            "serviceArea": {
                "code": service_area(city),
                "description": format!("{}-{code}", city.to_uppercase()),
                "GMTOffset": "+00:00",
            },
        }],
    }))
}
