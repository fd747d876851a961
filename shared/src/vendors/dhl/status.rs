//! What DHL Express's checkpoints mean. (DHL's list of Express event codes, with which MyDHL's `typeCode` agrees; it stands
//! in three public repositories with the same wording, in DiamondLightSource/SynchWeb with the most codes.)

use crate::domain::shipping::ShipmentStatus;

/// The status of a checkpoint; `None` for one that moves nothing, and for one that we do not know.
pub(super) fn status(code: &str) -> Option<ShipmentStatus> {
    Some(match code {
        // Shipment information received.
        "SD" => ShipmentStatus::LabelCreated,
        // Shipment picked up, shipment accepted.
        "PU" | "SA" => ShipmentStatus::PickedUp,
        // Departed and arrived facility, arrived at the delivery facility, processed, checked in, loaded, unloaded, lifted,
        // weighed, inspected, handed over, in bond, entry submitted, in clearance, cleared, released by the broker,
        // transferred, forwarded, forwarded to somebody who tells no more.
        "DF" | "AF" | "AR" | "PL" | "CI" | "LV" | "UV" | "CU" | "RW" | "SI" | "HN" | "BL" | "ES" | "IC" | "CR"
        | "BR" | "TR" | "FD" | "TP" => ShipmentStatus::InTransit,
        "WC" => ShipmentStatus::OutForDelivery,
        // Delivered; delivered, with damages.
        "OK" | "DD" => ShipmentStatus::Delivered,
        "RT" => ShipmentStatus::Returned,
        // Bad address, closed on arrival, awaiting collection, clearance delays, moved, destroyed, held for payment,
        // miscoded, missed, mis-sorted, not delivered, not home, on hold, partial delivery, refused, stopped, damaged, denied,
        // held in inventory, on a wrong route, not arrived, delayed in transport, intercepted.
        "BA" | "CA" | "CC" | "CD" | "UD" | "CM" | "DS" | "HP" | "MC" | "MD" | "MS" | "ND" | "NH" | "OH" | "PD"
        | "RD" | "SS" | "DM" | "DP" | "HI" | "IR" | "NA" | "TD" | "ST" => ShipmentStatus::Exception,
        // Agreed delivery, broker notified, closed shipment, duty invoice, image available, payment, response received,
        // service changed, movement scheduled, trace begun and ended, out of inventory: news, no movement.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::ShipmentStatus::{
        Delivered, Exception, InTransit, LabelCreated, OutForDelivery, PickedUp, Returned,
    };

    #[test]
    fn a_checkpoint_moves_the_shipment_or_nothing() {
        for (code, expected) in [
            ("PU", Some(PickedUp)),
            ("SA", Some(PickedUp)),
            ("PL", Some(InTransit)),
            ("DF", Some(InTransit)),
            ("AF", Some(InTransit)),
            ("CR", Some(InTransit)),
            ("WC", Some(OutForDelivery)),
            ("OK", Some(Delivered)),
            ("DD", Some(Delivered)),
            ("RT", Some(Returned)),
            ("OH", Some(Exception)),
            ("NH", Some(Exception)),
            ("UD", Some(Exception)),
            ("SD", Some(LabelCreated)),
            ("LV", Some(InTransit)),
            ("TD", Some(Exception)),
            ("DM", Some(Exception)),
            ("RR", None),
            ("SC", None),
            ("ANEWONE", None),
            ("", None),
        ] {
            assert_eq!(status(code), expected, "{code}");
        }
    }
}
