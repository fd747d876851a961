//! Tracking, by number and by reference: what FedEx calls what happened.

use super::State;
use super::failure::Failure;
use crate::parcels::checks::{Rule, Shape, hold, list, text};
use crate::parcels::{Moment, Place, Scan, Scanned, Shipment};
use serde_json::{Value, json};

/// Numbers in one request.
const NUMBERS_MAX: usize = 30;

const RULES: &[Rule] =
    &[("includeDetailedScans", Shape::Flag), ("trackingInfo[].trackingNumberInfo.trackingNumber", Shape::Text(1, 40))];

const REFERENCE_RULES: &[Rule] = &[
    ("referencesInformation.value", Shape::Text(1, 40)),
    ("referencesInformation.shipDateBegin", Shape::Text(10, 10)),
    ("referencesInformation.shipDateEndDate", Shape::Text(10, 10)),
];

/// FedEx's words for a scan.
struct Words {
    /// The code of the event.
    event: &'static str,
    /// The code of the status that it makes, in the list of events.
    status: &'static str,
    text: &'static str,
    status_text: &'static str,
    exception: &'static str,
}

const fn words(event: &'static str, status: &'static str, text: &'static str, status_text: &'static str) -> Words {
    Words { event, status, text, status_text, exception: "" }
}

fn words_of(scan: Scan) -> Words {
    match scan {
        Scan::Created => words("OC", "IN", "Shipment information sent to FedEx", "Label created"),
        Scan::PickedUp => words("PU", "PU", "Picked up", "Picked up"),
        Scan::InTransit => words("AR", "IT", "Arrived at FedEx location", "In transit"),
        Scan::Exception => Words {
            exception: "08",
            ..words("DE", "DE", "Delivery exception: customer not available or business closed", "Delivery exception")
        },
        Scan::OutForDelivery => words("OD", "IT", "On FedEx vehicle for delivery", "On FedEx vehicle for delivery"),
        // What was sent back is delivered to the shipper; FedEx has no code of its own for it.
        Scan::Delivered | Scan::Returned => words("DL", "DL", "Delivered", "Delivered"),
        Scan::SentBack => words("RS", "RS", "Returning package to shipper", "Returning to shipper"),
        Scan::Unknown => words("ZQ", "ZQ", "Package entered the hovercraft", "On the hovercraft"),
    }
}

const CANCELLED: Words = words("CA", "CA", "Shipment cancelled by sender", "Shipment cancelled by sender");

impl State {
    pub(super) fn track(&self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        hold(body, RULES)?;
        let asked = list(body, "/trackingInfo");
        if asked.len() > NUMBERS_MAX {
            let message = "At most 30 tracking numbers can be asked for at once.";
            return Err(Failure::invalid("TRACKING.TRACKINGNUMBERS.EXCEEDED", message));
        }
        let detailed = body["includeDetailedScans"] == true;
        let results = asked.iter().map(|one| {
            let number = text(one, "/trackingNumberInfo/trackingNumber");
            let known = self.parcels.shipment(number).filter(|shipment| self.parcels.is_shown(now_ms, shipment));
            let result = known.map_or_else(|| not_found(number), |shipment| result(shipment, number, detailed));
            json!({ "trackingNumber": number, "trackResults": [result] })
        });
        Ok(json!({ "completeTrackResults": results.collect::<Value>() }))
    }

    pub(super) fn track_reference(&self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        hold(body, REFERENCE_RULES)?;
        let asked = &body["referencesInformation"];
        let date = |name: &str| {
            let invalid = || Failure::invalid("TRACKING.SHIPDATE.INVALID", "The ship date is no date.");
            Moment::of_date(text(asked, name)).map(Moment::date).ok_or_else(invalid)
        };
        let (first, last) = (date("/shipDateBegin")?, date("/shipDateEndDate")?);
        let by_own_reference = ["", "CUSTOMER_REFERENCE"].contains(&text(asked, "/type"));
        let account = text(asked, "/accountNumber");
        let ours = account.is_empty() || account == self.account_number;
        if account.is_empty() && text(asked, "/destinationPostalCode").is_empty() {
            let message = "The account number, or the destination's country and postal code, is required.";
            return Err(Failure::invalid("TRACKING.REFERENCE.ACCOUNT.OR.DESTINATION.REQUIRED", message));
        }
        let found: Vec<&Shipment> = self
            .parcels
            .bought_for(text(asked, "/value"))
            .into_iter()
            .filter(|shipment| by_own_reference && ours && self.parcels.is_shown(now_ms, shipment))
            .filter(|shipment| (first.clone()..=last.clone()).contains(&Moment::new(shipment.bought_ms).date()))
            .collect();
        if found.is_empty() {
            let message = "Reference number cannot be found. Please correct the reference number and try again.";
            return Err(Failure::invalid("TRACKING.REFERENCENUMBER.NOTFOUND", message));
        }
        let detailed = body["includeDetailedScans"] == true;
        let results = found.into_iter().map(|shipment| {
            let number = &shipment.tracking_number;
            json!({ "trackingNumber": number, "trackResults": [result(shipment, number, detailed)] })
        });
        Ok(json!({ "completeTrackResults": results.collect::<Value>() }))
    }
}

fn not_found(number: &str) -> Value {
    json!({
        "trackingNumberInfo": { "trackingNumber": number, "trackingNumberUniqueId": "" },
        "error": {
            "code": "TRACKING.TRACKINGNUMBER.NOTFOUND",
            "message": "Tracking number cannot be found. Please correct the tracking number and try again.",
        },
    })
}

/// All that FedEx tells of one number.
pub(super) fn result(shipment: &Shipment, number: &str, detailed: bool) -> Value {
    let last = shipment.last_scan();
    let words = if shipment.voided_ms.is_some() { CANCELLED } else { words_of(last.scan) };
    let shown = if detailed { shipment.scans.len() } else { 1 };
    let events = shipment.scans.iter().rev().take(shown).map(|scanned| scan_event(shipment, *scanned));
    let piece = shipment.pieces.iter().position(|piece| piece.tracking_number == number).unwrap_or_default();
    let references = shipment.pieces.get(piece).map(|piece| piece.references.clone()).unwrap_or_default();
    let ground = shipment.service == "FEDEX_GROUND";
    let mut result = json!({
        "trackingNumberInfo": {
            "trackingNumber": number,
            "trackingNumberUniqueId": format!("{}~{number}~FX", Moment::new(shipment.bought_ms).compact_date()),
            "carrierCode": if ground { "FDXG" } else { "FDXE" },
        },
        "additionalTrackingInfo": {
            "hasAssociatedShipments": shipment.pieces.len() > 1,
            "packageIdentifiers": [{ "type": "CUSTOMER_REFERENCE", "value": references, "trackingNumberUniqueId": "" }],
        },
        "serviceDetail": { "type": shipment.service },
        "latestStatusDetail": {
            "code": words.event,
            // As the status that the parcel has now, the last van has a code of its own.
            "derivedCode": if last.scan == Scan::OutForDelivery { words.event } else { words.status },
            "statusByLocale": words.status_text,
            "description": words.text,
            "scanLocation": address(where_is(shipment, last.scan)),
        },
        "scanEvents": events.collect::<Value>(),
        "dateAndTimes": times(shipment),
        "packageDetails": { "sequenceNumber": (piece + 1).to_string(), "count": shipment.pieces.len().to_string() },
        "shipperInformation": { "address": address(&shipment.from) },
        "recipientInformation": { "address": address(&shipment.to) },
    });
    if last.scan == Scan::Delivered {
        result["deliveryDetails"] = json!({
            "receivedByName": shipment.to.name,
            "actualDeliveryAddress": address(&shipment.to),
            "deliveryAttempts": "0",
        });
    }
    result
}

pub(super) fn scan_event(shipment: &Shipment, scanned: Scanned) -> Value {
    let words = words_of(scanned.scan);
    json!({
        "date": format!("{}+00:00", Moment::new(scanned.at_ms).date_and_clock()),
        "eventType": words.event,
        "eventDescription": words.text,
        "derivedStatusCode": words.status,
        "derivedStatus": words.status_text,
        "exceptionCode": words.exception,
        "exceptionDescription": if words.exception.is_empty() { "" } else { words.text },
        "scanLocation": address(where_is(shipment, scanned.scan)),
    })
}

fn where_is(shipment: &Shipment, scan: Scan) -> &Place {
    match scan {
        Scan::Created | Scan::PickedUp | Scan::InTransit | Scan::Returned | Scan::Unknown => &shipment.from,
        Scan::Exception | Scan::SentBack | Scan::OutForDelivery | Scan::Delivered => &shipment.to,
    }
}

fn address(place: &Place) -> Value {
    json!({
        "city": place.city,
        "stateOrProvinceCode": place.province,
        "postalCode": place.postcode,
        "countryCode": place.country,
        "residential": false,
    })
}

fn times(shipment: &Shipment) -> Value {
    let kinds = shipment.scans.iter().filter_map(|scanned| {
        let kind = match scanned.scan {
            Scan::Created => "SHIP",
            Scan::PickedUp => "ACTUAL_PICKUP",
            Scan::Delivered => "ACTUAL_DELIVERY",
            _ => return None,
        };
        Some(json!({ "type": kind, "dateTime": format!("{}+00:00", Moment::new(scanned.at_ms).date_and_clock()) }))
    });
    kinds.collect::<Value>()
}
