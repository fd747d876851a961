//! Collections at the shop.

use super::failure::Failure;
use super::{State, response};
use crate::parcels::checks::{Rule, Shape, hold, text};
use crate::parcels::places::country;
use crate::parcels::{Moment, NotUndone, Pickup};
use serde_json::{Value, json};

const RULES: &[Rule] = &[
    ("PickupCreationRequest.Request", Shape::Object),
    ("PickupCreationRequest.RatePickupIndicator", Shape::OneOf(&["Y", "N"])),
    ("PickupCreationRequest.Shipper.Account.AccountNumber", Shape::Text(6, 10)),
    ("PickupCreationRequest.Shipper.Account.AccountCountryCode", Shape::Text(2, 2)),
    ("PickupCreationRequest.PickupDateInfo.CloseTime", Shape::Text(3, 4)),
    ("PickupCreationRequest.PickupDateInfo.ReadyTime", Shape::Text(3, 4)),
    ("PickupCreationRequest.PickupDateInfo.PickupDate", Shape::Text(8, 8)),
    ("PickupCreationRequest.PickupAddress.CompanyName", Shape::Text(1, 27)),
    ("PickupCreationRequest.PickupAddress.ContactName", Shape::Text(1, 22)),
    ("PickupCreationRequest.PickupAddress.AddressLine[]", Shape::Text(1, 73)),
    ("PickupCreationRequest.PickupAddress.City", Shape::Text(1, 50)),
    ("PickupCreationRequest.PickupAddress.CountryCode", Shape::Text(2, 2)),
    ("PickupCreationRequest.PickupAddress.ResidentialIndicator", Shape::OneOf(&["Y", "N"])),
    ("PickupCreationRequest.PickupAddress.Phone.Number", Shape::Text(1, 25)),
    ("PickupCreationRequest.AlternateAddressIndicator", Shape::OneOf(&["Y", "N"])),
    ("PickupCreationRequest.PickupPiece[].ServiceCode", Shape::Text(3, 3)),
    ("PickupCreationRequest.PickupPiece[].Quantity", Shape::NumberText),
    ("PickupCreationRequest.PickupPiece[].DestinationCountryCode", Shape::Text(2, 2)),
    ("PickupCreationRequest.PickupPiece[].ContainerCode", Shape::OneOf(&["01", "02", "03"])),
    ("PickupCreationRequest.PaymentMethod", Shape::OneOf(&["00", "01", "02", "03", "04", "05", "07"])),
];

impl State {
    pub(super) fn pickup(&mut self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        hold(body, RULES)?;
        let request = &body["PickupCreationRequest"];
        self.check_account(text(request, "/Shipper/Account/AccountNumber"))?;
        let address = &request["PickupAddress"];
        let served = country(text(address, "/CountryCode"))
            .ok_or_else(|| Failure::invalid("9510103", "Missing or invalid pickup country"))?;
        if !served.takes_postcode(text(address, "/PostalCode")) {
            return Err(Failure::invalid("9510114", "Missing or invalid pickup postal code"));
        }
        let date = text(request, "/PickupDateInfo/PickupDate");
        let time = |name: &str| {
            let invalid = || Failure::invalid("9510115", format!("Missing or invalid {name}"));
            let clock = format!("{:0>4}", text(&request["PickupDateInfo"], &format!("/{name}")));
            Moment::of_compact(date, &clock).ok_or_else(invalid)
        };
        let (ready, close) = (time("ReadyTime")?, time("CloseTime")?);
        if ready.compact_date() < Moment::new(now_ms).compact_date() || close.ms() <= now_ms {
            return Err(Failure::invalid("9510116", "The pickup date is in the past"));
        }
        if close <= ready {
            return Err(Failure::invalid("9510117", "The close time is not after the ready time"));
        }
        let number = format!("29{}", self.ids.digits("ups pickup", 9));
        self.parcels.order_pickup(Pickup {
            number: number.clone(),
            ready_ms: ready.ms(),
            ordered_ms: now_ms,
            cancelled_ms: None,
        });
        Ok(json!({
            "PickupCreationResponse": {
                "Response": response(request),
                "PRN": number,
                "RateStatus": { "Code": "01", "Description": "Rate available" },
            },
        }))
    }

    /// By account the next one is cancelled, by confirmation the one that it names.
    pub(super) fn cancel_pickup(&mut self, now_ms: i64, by: &str, number: Option<&str>) -> Result<Value, Failure> {
        let number = match (by, number) {
            ("01", _) => {
                let waiting = self.parcels.pickups().iter().find(|pickup| pickup.cancelled_ms.is_none());
                waiting.map(|pickup| pickup.number.clone()).unwrap_or_default()
            }
            ("02", Some(number)) if !number.is_empty() => number.to_owned(),
            ("02", _) => return Err(Failure::invalid("9500524", "The PRN is required")),
            _ => return Err(Failure::invalid("9500511", "Missing or invalid cancel by option")),
        };
        match self.parcels.cancel_pickups(now_ms, |pickup| pickup.number == number) {
            Ok(()) => Ok(json!({
                "PickupCancelResponse": { "Response": response(&Value::Null), "PickupType": "01" },
            })),
            Err(NotUndone::Already | NotUndone::TooLate) => {
                Err(Failure::invalid("9510107", "The pickup was already canceled"))
            }
            Err(NotUndone::Unknown) => Err(Failure::invalid("9510113", "Pickup not found")),
        }
    }
}
