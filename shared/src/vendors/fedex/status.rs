//! FedEx's codes of events and statuses. (FedEx Web Services, Tracking service, appendix "Status and event codes".)

use crate::domain::shipping::ShipmentStatus;

/// The code of a shipment that was voided.
pub(super) const VOIDED: &str = "CA";

/// What FedEx's codes of events and statuses mean to us; `None` for those that we do not know or that move nothing.
pub(super) fn status(code: &str) -> Option<ShipmentStatus> {
    Some(match code {
        // Told to FedEx; the parcel is still with the shipper.
        "OC" | "IN" => ShipmentStatus::LabelCreated,
        "PU" | "PX" | "DO" => ShipmentStatus::PickedUp,
        "AA" | "AC" | "AF" | "AO" | "AR" | "AX" | "CC" | "CP" | "CU" | "DP" | "DR" | "DS" | "EA" | "EO" | "FD"
        | "HL" | "IT" | "IX" | "LO" | "OF" | "OX" | "PF" | "PL" | "PM" | "SF" | "SP" | "TP" | "TR" => {
            ShipmentStatus::InTransit
        }
        "OD" | "ED" | "AD" => ShipmentStatus::OutForDelivery,
        "CD" | "DD" | "DE" | "DY" | "PD" | "SE" => ShipmentStatus::Exception,
        "DL" => ShipmentStatus::Delivered,
        "RS" => ShipmentStatus::Returned,
        VOIDED => ShipmentStatus::Voided,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_status_and_an_unknown_one_none() {
        use ShipmentStatus::{
            Delivered, Exception, InTransit, LabelCreated, OutForDelivery, PickedUp, Returned, Voided,
        };
        for (code, expected) in [
            ("OC", Some(LabelCreated)),
            ("PU", Some(PickedUp)),
            ("IT", Some(InTransit)),
            ("AR", Some(InTransit)),
            ("DP", Some(InTransit)),
            ("CC", Some(InTransit)),
            ("OD", Some(OutForDelivery)),
            ("DL", Some(Delivered)),
            ("DE", Some(Exception)),
            ("SE", Some(Exception)),
            ("RS", Some(Returned)),
            ("CA", Some(Voided)),
            ("QQ", None),
            ("", None),
        ] {
            assert_eq!(status(code), expected, "{code}");
        }
    }
}
