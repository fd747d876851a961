//! Giving a label back. (PUT /ship/v1/shipments/cancel.)

use serde::{Deserialize, Serialize};

use super::classify::code;
use super::wire::{AccountNumber, Said};
use crate::vendors::carrier::{CarrierAnswer, Refusal};
use crate::vendors::lenient::{list, maybe};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancel<'a> {
    account_number: AccountNumber,
    tracking_number: &'a str,
    deletion_control: &'static str,
}

impl<'a> Cancel<'a> {
    pub(super) fn of(tracking_number: &'a str, account: &str) -> Self {
        Self { account_number: AccountNumber::of(account), tracking_number, deletion_control: "DELETE_ALL_PACKAGES" }
    }
}

/// What the answer to a void comes to, an HTTP 200 that says no included. What was voided before is voided.
pub(super) fn canceled(body: &[u8]) -> CarrierAnswer<()> {
    #[derive(Deserialize)]
    struct Canceled {
        #[serde(default, deserialize_with = "maybe")]
        output: Option<Told>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        #[serde(default, deserialize_with = "maybe")]
        cancelled_shipment: Option<bool>,
        #[serde(default, deserialize_with = "list")]
        alerts: Vec<Said>,
    }
    let told = serde_json::from_slice::<Canceled>(body).ok().and_then(|canceled| canceled.output);
    let code = match told {
        Some(Told { cancelled_shipment: Some(true), .. }) => return CarrierAnswer::Done(()),
        Some(told) => told.alerts.into_iter().find_map(|alert| alert.code),
        None => code(body),
    };
    let Some(code) = code else { return CarrierAnswer::Unknown };
    let says = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if says(&["DELETED", "ALREADY.CANCEL", "ALREADYCANCEL", "PREVIOUSLY.CANCEL"]) {
        CarrierAnswer::Done(())
    } else if says(&["CLOSED", "TRANSIT", "TENDERED", "PICKEDUP", "DELIVERED", "CANNOT.BE.CANCEL"]) {
        CarrierAnswer::Refused(Refusal::TooLate)
    } else if says(&["NOTFOUND", "NOT.FOUND", "TRACKINGNUMBER", "TRACKINGID"]) {
        CarrierAnswer::Refused(Refusal::NotFound)
    } else {
        CarrierAnswer::Refused(Refusal::Other)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_voided_before_is_voided_and_what_is_under_way_is_not() {
        let alert = |code: &str| json!({"output": {"cancelledShipment": false, "alerts": [{"code": code, "alertType": "WARNING"}]}});
        let error = |code: &str| json!({"errors": [{"code": code, "message": "…"}]});
        for (said, expected) in [
            (json!({"output": {"cancelledShipment": true, "cancelledHistory": true}}), CarrierAnswer::Done(())),
            (alert("SHIPMENT.ALREADY.CANCELLED"), CarrierAnswer::Done(())),
            (error("CANCELSHIPMENT.TRACKINGNUMBER.DELETED"), CarrierAnswer::Done(())),
            (alert("SHIPMENT.IN.TRANSIT"), CarrierAnswer::Refused(Refusal::TooLate)),
            (error("TRACKINGIDS.TRACKINGNUMBER.CLOSED"), CarrierAnswer::Refused(Refusal::TooLate)),
            (error("TRACKINGNUMBER.ENTERED.INVALID"), CarrierAnswer::Refused(Refusal::NotFound)),
            (error("TRACKING.TRACKINGNUMBER.NOTFOUND"), CarrierAnswer::Refused(Refusal::NotFound)),
            (error("SHIPMENT.USER.UNAUTHORIZED"), CarrierAnswer::Refused(Refusal::Other)),
            (json!({"output": {"cancelledShipment": false}}), CarrierAnswer::Unknown),
            (json!({"output": {}}), CarrierAnswer::Unknown),
            (json!({}), CarrierAnswer::Unknown),
        ] {
            assert_eq!(canceled(said.to_string().as_bytes()), expected, "{said}");
        }
    }
}
