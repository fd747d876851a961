//! Collections at the shop.

use super::failure::Failure;
use super::rates::parcels;
use super::{Query, State, ahead, held, parameter, service_area};
use crate::parcels::checks::{Rule, Shape, list, text};
use crate::parcels::places::country;
use crate::parcels::{Moment, NotUndone, Pickup};
use serde_json::{Value, json};

const KNOWN: &[&str] = &[
    "accounts",
    "closeTime",
    "customerDetails",
    "location",
    "locationType",
    "plannedPickupDateAndTime",
    "remark",
    "shipmentDetails",
    "specialInstructions",
];

const RULES: &[Rule] = &[
    ("plannedPickupDateAndTime", Shape::Text(1, 29)),
    ("closeTime?", Shape::Text(1, 5)),
    ("accounts[].typeCode", Shape::OneOf(&["shipper", "payer", "duties-taxes"])),
    ("accounts[].number", Shape::Text(1, 12)),
    ("customerDetails.shipperDetails.postalAddress.postalCode", Shape::Text(0, 12)),
    ("customerDetails.shipperDetails.postalAddress.cityName", Shape::Text(1, 45)),
    ("customerDetails.shipperDetails.postalAddress.countryCode", Shape::Text(2, 2)),
    ("customerDetails.shipperDetails.postalAddress.addressLine1", Shape::Text(1, 45)),
    ("customerDetails.shipperDetails.contactInformation.phone", Shape::Text(1, 70)),
    ("customerDetails.shipperDetails.contactInformation.companyName", Shape::Text(1, 100)),
    ("customerDetails.shipperDetails.contactInformation.fullName", Shape::Text(1, 255)),
    ("shipmentDetails[].productCode", Shape::Text(1, 6)),
    ("shipmentDetails[].isCustomsDeclarable", Shape::Flag),
    ("shipmentDetails[].unitOfMeasurement", Shape::OneOf(&["metric", "imperial"])),
    ("shipmentDetails[].packages[].weight", Shape::Number),
];

impl State {
    pub(super) fn pickup(&mut self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        held(body, KNOWN, RULES)?;
        let planned = ahead(now_ms, "PickupTimeStamp", text(body, "/plannedPickupDateAndTime"))?;
        self.check_accounts(list(body, "/accounts"))?;
        let address = &body["customerDetails"]["shipperDetails"]["postalAddress"];
        let (code, postcode) = (text(address, "/countryCode"), text(address, "/postalCode"));
        if country(code).is_none_or(|country| !country.takes_postcode(postcode)) {
            let message = format!("420505: The origin location is invalid: postcode {postcode}, country {code}.");
            return Err(Failure::invalid(message));
        }
        for shipment in list(body, "/shipmentDetails") {
            parcels(list(shipment, "/packages"), text(shipment, "/unitOfMeasurement"))?;
        }
        let number = self.collect(now_ms, planned, text(address, "/cityName"));
        Ok(json!({ "dispatchConfirmationNumbers": [number], "readyByTime": planned.clock().get(..5) }))
    }

    /// Orders a collection and gives its number.
    pub(super) fn collect(&mut self, now_ms: i64, ready: Moment, city: &str) -> String {
        let day = ready.compact_date();
        let number = format!("{}{}{}", service_area(city), &day[2..], self.ids.digits("dhl pickup", 6));
        self.parcels.order_pickup(Pickup {
            number: number.clone(),
            ready_ms: ready.ms(),
            ordered_ms: now_ms,
            cancelled_ms: None,
        });
        number
    }

    pub(super) fn cancel_pickup(&mut self, now_ms: i64, number: &str, query: &Query) -> Result<Value, Failure> {
        let missing: Vec<&str> =
            ["requestorName", "reason"].into_iter().filter(|name| parameter(query, name).is_empty()).collect();
        if !missing.is_empty() {
            return Err(Failure::missing_parameters(&missing.join(", ")));
        }
        match self.parcels.cancel_pickups(now_ms, |pickup| pickup.number == number) {
            Ok(()) => Ok(Value::Null),
            Err(NotUndone::Already | NotUndone::TooLate) => {
                Err(Failure::invalid(format!("8005: The pickup {number} has been cancelled before.")))
            }
            Err(NotUndone::Unknown) => Err(Failure::not_found(format!("No pickup found for {number}"))),
        }
    }
}
