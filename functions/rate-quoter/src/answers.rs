//! What a storefront is told.

use crossdock::domain::Timestamp;
use crossdock::domain::shipping::{Address, AddressCheck, Scan, Tracking};
use crossdock::effects::Reason;
use crossdock::lambda::http::Answer;
use crossdock::shipping::{Quote, Quoted};
use serde_json::{Value, json};

/// The prices, and who says nothing new and why.
pub(crate) fn quoted(quoted: &Quoted, now: Timestamp) -> Answer {
    let errors: Vec<Value> = quoted
        .errors
        .iter()
        .map(|(carrier, reason)| json!({ "carrier": carrier, "code": reason, "detail": why(reason) }))
        .collect();
    let quotes: Vec<Value> = quoted.quotes.iter().map(|quote| shown(quote, now)).collect();
    Answer::new(200, json!({ "quotes": quotes, "errors": errors }))
}

fn shown(quote: &Quote, now: Timestamp) -> Value {
    let rate = &quote.rate;
    let mut shown = json!({
        "carrier": rate.carrier,
        "service": rate.service,
        "name": rate.name,
        "price": rate.price,
        "stale": quote.quote_id.is_none(),
    });
    if let Some(days) = rate.transit_days {
        shown["transit_days"] = json!(days);
    }
    if let Some(day) = rate.delivery_date {
        shown["delivery_date"] = json!(day);
    }
    match (&quote.quote_id, quote.expires_at()) {
        (Some(id), Some(until)) => {
            shown["quote_id"] = json!(id);
            shown["expires_at"] = json!(until.to_rfc3339());
        }
        _ => shown["age_s"] = json!(now.since(quote.asked_at).as_secs()),
    }
    shown
}

/// What a person may read of a reason.
fn why(reason: &Reason) -> &'static str {
    match reason {
        Reason::Deadline => "The carrier did not answer in time.",
        Reason::HeldBack | Reason::VendorUnavailable => "The carrier cannot be asked at the moment.",
        Reason::VendorUnreadable => "The carrier's answer cannot be read.",
        Reason::Throttled => "The carrier takes no more requests at the moment.",
        Reason::VendorCredentials => "The carrier does not accept our account.",
        Reason::CarrierAddress => "The carrier does not accept one of the addresses.",
        Reason::CarrierParcel => "The carrier does not take such parcels.",
        Reason::CarrierCustoms => "The carrier needs other customs data.",
        Reason::CarrierTime => "The carrier does not take parcels on this day.",
        Reason::CarrierService => "The carrier does not serve this lane.",
        _ => "The carrier refuses this request.",
    }
}

/// What a carrier says of an address.
pub(crate) fn checked(check: &AddressCheck) -> Answer {
    let suggestions: Vec<Value> = check.suggestions.iter().map(address).collect();
    Answer::new(
        200,
        json!({ "valid": check.valid, "classification": check.classification, "suggestions": suggestions }),
    )
}

fn address(address: &Address) -> Value {
    json!(address)
}

/// Where a parcel was seen.
pub(crate) fn tracked(tracking: &Tracking) -> Answer {
    let events: Vec<Value> = tracking.scans.iter().map(scan).collect();
    let mut shown = json!({ "events": events });
    if let Some(status) = tracking.latest().and_then(|scan| scan.status) {
        shown["status"] = json!(status);
    }
    Answer::new(200, shown)
}

fn scan(scan: &Scan) -> Value {
    let mut shown = json!({ "at": scan.at.to_rfc3339(), "code": scan.code, "description": scan.description });
    if let Some(status) = scan.status {
        shown["status"] = json!(status);
    }
    if let Some(place) = &scan.place {
        shown["place"] = json!(place);
    }
    shown
}
