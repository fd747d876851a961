//! Request bodies that the tests begin with.

use serde_json::{Value, json};

use super::{CreateShipment, QuoteRates};
use crate::domain::Timestamp;
use crate::error::Result;

/// 2026-05-04T10:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_777_888_800);

/// Two places and a parcel.
pub(super) fn quote() -> Value {
    json!({
        "shipper": {"address": {"postal_code": "10115", "country": "DE"}},
        "recipient": {"address": {"postal_code": "75008", "country": "FR"}},
        "packages": [{"weight": {"value": 2.5, "unit": "kg"}}],
    })
}

/// What a label needs.
pub(super) fn label() -> Value {
    let party = |name: &str, phone: &str| {
        json!({"name": name, "phone": phone, "address": {"street_lines": ["Hauptstr. 1"], "city": "Berlin",
            "postal_code": "10115", "country": "DE"}})
    };
    json!({
        "order_id": "o-1",
        "carrier": "ups",
        "service": "11",
        "shipper": party("Shop", "+491711234567"),
        "recipient": party("Ada Lovelace", "+491711234568"),
        "packages": [{"weight": {"value": 2.5, "unit": "kg"}}],
    })
}

/// One line of a declaration.
pub(super) fn item() -> Value {
    json!({"description": "Books", "quantity": 2, "unit_value": {"value": 1099, "currency": "EUR"},
        "unit_weight": {"value": 400, "unit": "g"}, "origin_country": "DE"})
}

/// A quote across a customs border.
pub(super) fn abroad() -> Value {
    let mut body = quote();
    body["recipient"]["address"] = json!({"postal_code": "10001", "state": "NY", "country": "US"});
    body["customs"] = json!({"items": [item()]});
    body
}

pub(super) fn quoted(body: &Value) -> Result<QuoteRates> {
    QuoteRates::parse(body.to_string().as_bytes(), NOW)
}

pub(super) fn bought(body: &Value) -> Result<CreateShipment> {
    CreateShipment::parse(body.to_string().as_bytes(), NOW)
}

/// The bad fields.
pub(super) fn named<T>(parsed: Result<T>) -> Vec<String> {
    parsed.err().map(|error| error.fields.into_iter().map(|f| f.field).collect()).unwrap_or_default()
}

/// The bad fields of a body with something else at one place.
pub(super) fn with<T>(parse: fn(&Value) -> Result<T>, mut body: Value, path: &str, value: Value) -> Vec<String> {
    let (parent, name) = path.rsplit_once('/').expect("a path");
    let place = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match name.parse::<usize>() {
        Ok(n) => place[n] = value,
        Err(_) => place[name] = value,
    }
    named(parse(&body))
}
