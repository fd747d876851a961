//! FedEx's codes of events and statuses. (FedEx Web Services Developer Guide 2015, "Tracking and Visibility Services", and
//! the table "Tracking Status Codes" of the REST API's guide; both are quoted in public code.)

use crate::domain::shipping::ShipmentStatus;

/// The code of a shipment that was voided.
pub(super) const VOIDED: &str = "CA";
/// The code of one that is sent back. It is on its way, not back: there is no code for that, but its delivery is the
/// shipper's.
pub(super) const SENT_BACK: &str = "RS";

/// What FedEx's codes of events and statuses mean to us; `None` for those that we do not know or that move nothing.
pub(super) fn status(code: &str) -> Option<ShipmentStatus> {
    Some(match code {
        // Told to FedEx; the parcel is still with the shipper.
        "OC" | "IN" => ShipmentStatus::LabelCreated,
        "PU" | "PX" | "DO" => ShipmentStatus::PickedUp,
        "AA" | "AC" | "AF" | "AO" | "AR" | "AX" | "CC" | "CP" | "CU" | "DP" | "EA" | "EO" | "FD" | "IT" | "IX"
        | "LO" | "OF" | "OX" | "PF" | "PL" | "PM" | "SF" | "SP" | "TP" | "TR" => ShipmentStatus::InTransit,
        "OD" | "ED" | "AD" => ShipmentStatus::OutForDelivery,
        // Delays, failed deliveries, held for the recipient to fetch it, on its way back: somebody may have to do something.
        "CD" | "DD" | "DE" | "DY" | "HL" | "HP" | "PD" | "SE" | SENT_BACK => ShipmentStatus::Exception,
        "DL" => ShipmentStatus::Delivered,
        VOIDED => ShipmentStatus::Voided,
        // A vehicle before the pickup (AP, DR, DS, EP), wishes of the recipient (CH, RC, RM, RR), links to return labels (LP,
        // RD, RG, RP): news, no movement.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_status_and_an_unknown_one_none() {
        use ShipmentStatus::{Delivered, Exception, InTransit, LabelCreated, OutForDelivery, PickedUp, Voided};
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
            ("RS", Some(Exception)),
            ("HL", Some(Exception)),
            ("HP", Some(Exception)),
            ("DR", None),
            ("RC", None),
            ("CA", Some(Voided)),
            ("QQ", None),
            ("", None),
        ] {
            assert_eq!(status(code), expected, "{code}");
        }
    }
}
