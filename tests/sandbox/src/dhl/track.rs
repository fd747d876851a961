//! Tracking, by number and by reference: what DHL calls what happened. Oldest first, as nowhere else.

use super::failure::Failure;
use super::ship::REFERENCE_TYPES;
use super::{Query, State, area, by_name, parameter};
use crate::parcels::tariff::kilograms_number;
use crate::parcels::{Moment, Place, Scan, Scanned, Shipment};
use serde_json::{Value, json};

/// Numbers in one request.
const NUMBERS_MAX: usize = 200;

const VIEWS: [&str; 7] = [
    "",
    "all-checkpoints",
    "all-checkpoints-with-remarks",
    "last-checkpoint",
    "shipment-details-only",
    "advance-shipment",
    "bbx-children",
];

impl State {
    /// One shipment, or those that the query names.
    pub(super) fn track(&self, now_ms: i64, number: Option<&str>, query: &Query) -> Result<Value, Failure> {
        let view = parameter(query, "trackingView");
        if !VIEWS.contains(&view) {
            return Err(Failure::invalid("Parameters not having correct format: trackingView"));
        }
        let level = parameter(query, "levelOfDetail");
        if !["", "shipment", "piece", "all"].contains(&level) {
            return Err(Failure::invalid("Parameters not having correct format: levelOfDetail"));
        }
        let mut numbers: Vec<&str> = number.into_iter().collect();
        for (name, value) in query {
            if ["shipmentTrackingNumber", "pieceTrackingNumber"].contains(&name.as_str()) {
                numbers.extend(value.split(','));
            }
        }
        if numbers.len() > NUMBERS_MAX {
            return Err(Failure::invalid(
                "Parameters not having correct format: shipmentTrackingNumber (maxItems=200)",
            ));
        }
        let reference = parameter(query, "shipmentReference");
        let found: Vec<&Shipment> = if !numbers.is_empty() {
            numbers.iter().filter_map(|number| self.parcels.shipment(number)).collect()
        } else if reference.is_empty() {
            return Err(Failure::missing_parameters("shipmentTrackingNumber"));
        } else {
            self.with_reference(reference, query)?
        };
        let found = found.into_iter().filter(|shipment| self.parcels.is_shown(now_ms, shipment));
        let shown: Vec<Value> = found.map(|shipment| tracked(shipment, view, level)).collect();
        if shown.is_empty() {
            let asked = if numbers.is_empty() {
                format!("ReferenceID | {reference}")
            } else {
                format!("ShipmentID | {}", numbers.join(","))
            };
            return Err(Failure::not_found(format!("No Shipments Found for {asked}")));
        }
        Ok(json!({ "shipments": shown }))
    }

    fn with_reference(&self, reference: &str, query: &Query) -> Result<Vec<&Shipment>, Failure> {
        let account = parameter(query, "shipperAccountNumber");
        if account.is_empty() {
            return Err(Failure::missing_parameters("shipperAccountNumber"));
        }
        let kind = parameter(query, "shipmentReferenceType");
        if !kind.is_empty() && !REFERENCE_TYPES.contains(&kind) {
            return Err(Failure::invalid("Parameters not having correct format: shipmentReferenceType"));
        }
        let date = |name: &str, otherwise: &str| match parameter(query, name) {
            "" => Ok(otherwise.to_owned()),
            text => Moment::of_date(text)
                .map(Moment::date)
                .ok_or_else(|| Failure::invalid(format!("Parameters not having correct format: {name}"))),
        };
        let range = date("dateRangeFrom", "0000-00-00")?..=date("dateRangeTo", "9999-99-99")?;
        let ours = account == self.account_number && ["", "CU"].contains(&kind);
        let found = self.parcels.bought_for(reference).into_iter().filter(|_| ours);
        Ok(found.filter(|shipment| range.contains(&Moment::new(shipment.bought_ms).date())).collect())
    }
}

fn tracked(shipment: &Shipment, view: &str, level: &str) -> Value {
    // That a label was made is no checkpoint.
    let mut events: Vec<Value> = shipment
        .scans
        .iter()
        .filter(|scanned| scanned.scan != Scan::Created)
        .map(|scanned| event(shipment, *scanned))
        .collect();
    match view {
        "last-checkpoint" => drop(events.drain(..events.len().saturating_sub(1))),
        "shipment-details-only" => events.clear(),
        _ => {}
    }
    let grams: i64 = shipment.pieces.iter().map(|piece| piece.weight_g).sum();
    let number = &shipment.tracking_number;
    let references = shipment.pieces.first().map(|piece| piece.references.clone()).unwrap_or_default();
    let references = references.iter().map(|value| json!({ "value": value, "typeCode": "CU" }));
    let mut tracked = json!({
        "shipmentTrackingNumber": number,
        "status": "Success",
        "shipmentTimestamp": Moment::new(shipment.bought_ms).date_and_clock(),
        "productCode": shipment.service,
        "description": "Goods",
        "shipperDetails": party(&shipment.from),
        "receiverDetails": party(&shipment.to),
        "totalWeight": kilograms_number(grams),
        "unitOfMeasurements": "metric",
        "shipperReferences": references.collect::<Value>(),
        "events": events,
        "numberOfPieces": shipment.pieces.len(),
    });
    if ["piece", "all"].contains(&level) {
        let pieces = shipment.pieces.iter().enumerate().map(|(i, piece)| {
            json!({
                "number": i + 1,
                "typeCode": "Y",
                "shipmentTrackingNumber": number,
                "trackingNumber": piece.tracking_number,
                "weight": kilograms_number(piece.weight_g),
                "unitOfMeasurements": "metric",
                "events": events,
            })
        });
        tracked["pieces"] = pieces.collect::<Value>();
    }
    tracked
}

fn event(shipment: &Shipment, scanned: Scanned) -> Value {
    let (code, text) = match scanned.scan {
        Scan::Created => ("SA", "Shipment information received"),
        Scan::PickedUp => ("PU", "Shipment picked up"),
        Scan::InTransit => ("PL", "Processed"),
        Scan::Exception => ("NH", "Delivery attempted; recipient not home"),
        Scan::OutForDelivery => ("WC", "Shipment is out with courier for delivery"),
        Scan::Delivered => ("OK", "Delivered"),
        Scan::SentBack => ("OH", "Shipment on hold"),
        Scan::Returned => ("RT", "Returned to shipper"),
        Scan::Unknown => ("ZQ", "On the hovercraft"),
    };
    let place = match scanned.scan {
        Scan::Created | Scan::PickedUp | Scan::InTransit | Scan::Returned | Scan::Unknown => &shipment.from,
        Scan::Exception | Scan::SentBack | Scan::OutForDelivery | Scan::Delivered => &shipment.to,
    };
    let at = Moment::new(scanned.at_ms);
    let mut event = json!({
        "date": at.date(),
        "time": at.clock(),
        "GMTOffset": "+00:00",
        "typeCode": code,
        "description": text,
        "serviceArea": area(&place.city, &place.country),
    });
    if scanned.scan == Scan::Delivered {
        event["signedBy"] = shipment.to.name.as_str().into();
    }
    event
}

fn party(place: &Place) -> Value {
    json!({
        "name": "",
        "postalAddress": by_name(&[
            ("cityName", &place.city),
            ("postalCode", &place.postcode),
            ("provinceCode", &place.province),
            ("countryCode", &place.country),
        ]),
        "serviceArea": area(&place.city, &place.country),
    })
}
