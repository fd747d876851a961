//! Collections at the shop.

use super::State;
use super::failure::Failure;
use crate::parcels::checks::{Rule, Shape, hold, text};
use crate::parcels::places::country;
use crate::parcels::{Moment, NotUndone, Pickup};
use serde_json::{Value, json};

const RULES: &[Rule] = &[
    ("associatedAccountNumber.value", Shape::Text(1, 9)),
    ("originDetail.pickupLocation.contact.personName?", Shape::Text(1, 70)),
    ("originDetail.pickupLocation.contact.phoneNumber", Shape::Text(1, 15)),
    ("originDetail.pickupLocation.address.streetLines[]", Shape::Text(1, 35)),
    ("originDetail.pickupLocation.address.city", Shape::Text(1, 35)),
    ("originDetail.pickupLocation.address.countryCode", Shape::Text(2, 2)),
    ("originDetail.readyDateTimestamp", Shape::Text(19, 25)),
    ("originDetail.customerCloseTime", Shape::Text(8, 8)),
    ("carrierCode", Shape::OneOf(&["FDXE", "FDXG"])),
];

const CANCEL_RULES: &[Rule] = &[
    ("associatedAccountNumber.value", Shape::Text(1, 9)),
    ("pickupConfirmationCode", Shape::Text(1, 25)),
    ("scheduledDate", Shape::Text(10, 10)),
];

/// The depot that collects.
const LOCATION: &str = "NQAA";

impl State {
    pub(super) fn pickup(&mut self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        hold(body, RULES)?;
        self.check_account(text(body, "/associatedAccountNumber/value"))?;
        let address = &body["originDetail"]["pickupLocation"]["address"];
        let served = country(text(address, "/countryCode")).ok_or_else(|| {
            Failure::invalid("PICKUP.COUNTRY.NOTSERVED", "This country or territory is not currently served by FedEx.")
        })?;
        if !served.takes_postcode(text(address, "/postalCode")) {
            return Err(Failure::invalid("PICKUP.POSTALCODE.MISSING", "Please enter a valid postal code."));
        }
        let ready = Moment::of_text(text(body, "/originDetail/readyDateTimestamp"))
            .ok_or_else(|| Failure::invalid("READYDATETIMESTAMP.INVALID", "The ready time is no time."))?;
        let close = format!("{}T{}Z", ready.date(), text(body, "/originDetail/customerCloseTime"));
        let close = Moment::of_text(&close)
            .ok_or_else(|| Failure::invalid("CUSTOMERCLOSETIME.INVALID", "The close time is no time."))?;
        if ready.ms() < now_ms {
            let message = "The pickup date requested is a previous day or time. Please modify your request.";
            return Err(Failure::invalid("PICKUP.REQUESTED.PREVIOUS.DAY", message));
        }
        if close <= ready {
            let message = "The close time must be after the ready time.";
            return Err(Failure::invalid("CUSTOMERCLOSETIME.INVALID", message));
        }
        let number = self.ids.digits("fedex pickup", 6);
        self.parcels.order_pickup(Pickup {
            number: number.clone(),
            ready_ms: ready.ms(),
            ordered_ms: now_ms,
            cancelled_ms: None,
        });
        Ok(json!({ "pickupConfirmationCode": number, "message": "Courier dispatched", "location": LOCATION }))
    }

    pub(super) fn cancel_pickup(&mut self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        hold(body, CANCEL_RULES)?;
        self.check_account(text(body, "/associatedAccountNumber/value"))?;
        let (number, day) = (text(body, "/pickupConfirmationCode"), text(body, "/scheduledDate"));
        let fits = |pickup: &Pickup| pickup.number == number && Moment::new(pickup.ready_ms).date() == day;
        match self.parcels.cancel_pickups(now_ms, fits) {
            Ok(()) => Ok(json!({
                "pickupConfirmationCode": number,
                "cancelConfirmationMessage": "Requested pickup has been cancelled successfully.",
            })),
            Err(NotUndone::Already | NotUndone::TooLate) => {
                let message = "The pickup was cancelled before, or is over.";
                Err(Failure::invalid("PICKUP.NUMBER.EXPIRED", message))
            }
            Err(NotUndone::Unknown) => {
                let message = "The pickup confirmation number is not valid for this date.";
                Err(Failure::invalid("PICKUP.NUMBER.INVALID", message))
            }
        }
    }
}
