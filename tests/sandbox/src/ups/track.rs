//! Tracking, by number and by reference: what UPS calls what happened.

use super::State;
use super::failure::Failure;
use crate::answer::header_text;
use crate::parcels::tariff::kilograms;
use crate::parcels::{Moment, Place, Scan, Shipment};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long tracking knows a parcel, in milliseconds (120 days).
const KEPT_MS: i64 = 120 * 86_400_000;

/// How far back a search by reference looks unless it says otherwise, in milliseconds (14 days).
const SEARCHED_MS: i64 = 14 * 86_400_000;

/// UPS's words for a scan.
pub(super) struct Words {
    /// Of the activity.
    pub(super) kind: &'static str,
    pub(super) code: &'static str,
    /// Three digits.
    pub(super) status: &'static str,
    pub(super) text: &'static str,
}

const fn words(kind: &'static str, code: &'static str, status: &'static str, text: &'static str) -> Words {
    Words { kind, code, status, text }
}

pub(super) fn words_of(scan: Scan) -> Words {
    match scan {
        Scan::Created => words("M", "MP", "003", "Shipper created a label, UPS has not received the package yet. "),
        Scan::PickedUp => words("P", "PU", "038", "Pickup Scan "),
        Scan::InTransit => words("I", "AR", "005", "Arrived at Facility"),
        Scan::Exception => {
            words("X", "48", "022", "The receiver was not available at the time of the delivery attempt.")
        }
        Scan::OutForDelivery => words("I", "OT", "021", "Out For Delivery Today"),
        Scan::Delivered => words("D", "FS", "011", "DELIVERED "),
        Scan::SentBack => words("X", "RS", "037", "Out for delivery to the shipper"),
        Scan::Returned => words("RS", "RS", "034", "Returned to Shipper"),
        Scan::Unknown => words("Q", "ZQ", "999", "On the hovercraft"),
    }
}

pub(super) const VOIDED: Words = words("MV", "VP", "007", "Shipment Information Voided");

impl State {
    pub(super) fn track(&self, now_ms: i64, request: &Request<Bytes>, number: &str) -> Result<Value, Failure> {
        identified(request)?;
        let plausible = (7..=34).contains(&number.len()) && number.chars().all(|c| c.is_ascii_alphanumeric());
        if !plausible {
            return Err(Failure::invalid("TV1003", "Invalid inquiry number"));
        }
        let known = self.parcels.shipment(number).filter(|shipment| self.is_tracked(now_ms, shipment));
        let shipment = known.ok_or_else(Failure::no_tracking)?;
        Ok(json!({ "trackResponse": { "shipment": [tracked(shipment, number, Some(number))] } }))
    }

    pub(super) fn track_reference(
        &self,
        now_ms: i64,
        request: &Request<Bytes>,
        reference: &str,
    ) -> Result<Value, Failure> {
        identified(request)?;
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let date = |name: &str, otherwise_ms: i64| match query.get(name) {
            None => Ok(Moment::new(otherwise_ms).compact_date()),
            Some(date) => Moment::of_compact(&date.replace('-', ""), "0000")
                .map(Moment::compact_date)
                .ok_or_else(|| Failure::invalid("TV1004", format!("Invalid {name}"))),
        };
        let (first, last) = (date("fromPickUpDate", now_ms - SEARCHED_MS)?, date("toPickUpDate", now_ms)?);
        // A reference in a path may be percent-encoded.
        let pair = format!("r={}", reference.replace('+', "%2B"));
        let reference = form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
        let reference = reference.unwrap_or_default();
        let found: Vec<Value> = self
            .parcels
            .bought_for(&reference)
            .into_iter()
            .filter(|shipment| self.is_tracked(now_ms, shipment))
            .filter(|shipment| (first.clone()..=last.clone()).contains(&Moment::new(shipment.bought_ms).compact_date()))
            .map(|shipment| tracked(shipment, &reference, None))
            .collect();
        if found.is_empty() {
            return Err(Failure::no_tracking());
        }
        Ok(json!({ "trackResponse": { "shipment": found } }))
    }

    fn is_tracked(&self, now_ms: i64, shipment: &Shipment) -> bool {
        self.parcels.is_shown(now_ms, shipment) && now_ms < shipment.bought_ms + KEPT_MS
    }
}

/// Tracking wants to know who asks.
fn identified(request: &Request<Bytes>) -> Result<(), Failure> {
    for name in ["transId", "transactionSrc"] {
        if header_text(request, name).is_none_or(str::is_empty) {
            return Err(Failure::invalid("TV0001", format!("Missing {name}")));
        }
    }
    Ok(())
}

/// A shipment with one of its pieces, or all.
fn tracked(shipment: &Shipment, inquiry: &str, number: Option<&str>) -> Value {
    let pieces = shipment.pieces.iter().filter(|piece| number.is_none_or(|number| number == piece.tracking_number));
    let voided_ms = shipment.voided_ms;
    let mut activity: Vec<Value> = shipment
        .scans
        .iter()
        .map(|scanned| happened(shipment, scanned.at_ms, scanned.scan, &words_of(scanned.scan)))
        .collect();
    activity.extend(voided_ms.map(|at_ms| happened(shipment, at_ms, Scan::Created, &VOIDED)));
    activity.reverse();
    let current = activity.first().map(|newest| newest["status"].clone()).unwrap_or_default();
    let packages = pieces.map(|piece| {
        let references = piece.references.iter().map(|value| json!({ "type": "SHIPMENT", "number": value }));
        let mut package = json!({
            "trackingNumber": piece.tracking_number,
            "currentStatus": current,
            "activity": activity,
            "packageCount": shipment.pieces.len(),
            "referenceNumber": references.collect::<Value>(),
            "packageAddress": [
                { "type": "ORIGIN", "address": address(&shipment.from) },
                { "type": "DESTINATION", "name": "", "attentionName": "", "address": address(&shipment.to) },
            ],
            "service": { "code": shipment.service, "levelCode": shipment.service, "description": "UPS" },
            "weight": { "unitOfMeasurement": "KGS", "weight": kilograms(piece.weight_g) },
        });
        let last = shipment.last_scan();
        if last.scan == Scan::Delivered {
            let at = Moment::new(last.at_ms);
            package["deliveryDate"] = json!([{ "type": "DEL", "date": at.compact_date() }]);
            package["deliveryTime"] = json!({ "type": "DEL", "endTime": at.compact_time() });
            package["deliveryInformation"] = json!({ "location": "Front Door", "receivedBy": shipment.to.name });
        }
        package
    });
    json!({ "inquiryNumber": inquiry, "package": packages.collect::<Value>() })
}

fn happened(shipment: &Shipment, at_ms: i64, scan: Scan, words: &Words) -> Value {
    let at = Moment::new(at_ms);
    json!({
        "status": {
            "type": words.kind,
            "code": words.code,
            "statusCode": words.status,
            "description": words.text,
        },
        "date": at.compact_date(),
        "time": at.compact_time(),
        "gmtDate": at.compact_date(),
        "gmtTime": at.clock(),
        "gmtOffset": "+00:00",
        "location": { "address": address(where_is(shipment, scan)), "slic": "5790" },
    })
}

pub(super) fn where_is(shipment: &Shipment, scan: Scan) -> &Place {
    match scan {
        Scan::Created | Scan::PickedUp | Scan::InTransit | Scan::Returned | Scan::Unknown => &shipment.from,
        Scan::Exception | Scan::SentBack | Scan::OutForDelivery | Scan::Delivered => &shipment.to,
    }
}

fn address(place: &Place) -> Value {
    json!({
        "city": place.city,
        "stateProvince": place.province,
        "postalCode": place.postcode,
        "countryCode": place.country,
        "country": place.country,
    })
}
