//! What UPS's scans mean. (developer.ups.com, Tracking API codes: "Status/Description Codes", "Package Activity Types"
//! and "Manifest Codes". The texts of 000 to 069 stand in four public lists of the same wording; more of them in the table
//! that is quoted in UPS-API/api-documentation, issue 7.)

use crate::domain::shipping::ShipmentStatus;

/// The status of a scan: by the three digits that describe it where they are known, and by its type otherwise. `None`
/// for what moves nothing: updates of the delivery day, claims, codes of freight.
pub(super) fn status(kind: &str, code: &str, described: Option<&str>) -> Option<ShipmentStatus> {
    if kind == "U" {
        return None;
    }
    described.and_then(by_description).or_else(|| by_type(kind, code))
}

fn by_description(code: &str) -> Option<ShipmentStatus> {
    use ShipmentStatus::{Delivered, Exception, InTransit, LabelCreated, OutForDelivery, PickedUp, Returned, Voided};
    Some(match code.trim().parse::<u16>().ok()? {
        // Told to UPS; on its way to UPS by somebody else.
        3 | 44 | 45 | 80 | 157 => LabelCreated,
        7 => Voided,
        // Picked up, dropped off, "we have your package".
        38 | 160 | 167..=169 => PickedUp,
        // On the way, in clearance, cleared, with a partner that goes on with it.
        5 | 10 | 12 | 14 | 25 | 39 | 57 | 71 | 73 | 74 | 84 | 87 | 92 | 134 | 137 | 138 | 158 | 159 | 164 | 165 => {
            InTransit
        }
        // On the last vehicle, which 72 ("loaded on delivery vehicle") says as well.
        6 | 21 | 72 | 78 | 89 | 91 | 146 | 162 => OutForDelivery,
        11 | 26 => Delivered,
        34 | 67 | 81 => Returned,
        // Delays, attempts, refusals, damages, what is held in a warehouse, at the customs or for the recipient to fetch
        // it, what is on its way back (33, 35 to 37: the last vehicle of 37 is the one to the shipper): most arrive in the
        // end, and somebody may have to do something.
        13
        | 16
        | 17
        | 19
        | 22..=24
        | 29
        | 30
        | 32
        | 33
        | 35
        | 36
        | 37
        | 40
        | 46
        | 47
        | 48..=53
        | 58..=62
        | 64
        | 66
        | 68
        | 69
        | 76
        | 83
        | 85
        | 86
        | 90
        | 93
        | 118
        | 123..=126
        | 132
        | 139
        | 144
        | 145
        | 147
        | 149
        | 161 => Exception,
        _ => return None,
    })
}

fn by_type(kind: &str, code: &str) -> Option<ShipmentStatus> {
    Some(match kind {
        "M" => ShipmentStatus::LabelCreated,
        "MV" => ShipmentStatus::Voided,
        "P" => ShipmentStatus::PickedUp,
        "I" if code == "OT" => ShipmentStatus::OutForDelivery,
        "O" => ShipmentStatus::OutForDelivery,
        "I" => ShipmentStatus::InTransit,
        "D" => ShipmentStatus::Delivered,
        "RS" => ShipmentStatus::Returned,
        "X" => ShipmentStatus::Exception,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::ShipmentStatus::{
        Delivered, Exception, InTransit, LabelCreated, OutForDelivery, PickedUp, Returned, Voided,
    };

    #[test]
    fn a_scan_is_what_its_description_says_and_its_type_where_that_is_unheard_of() {
        for (kind, code, described, expected) in [
            ("M", "MP", Some("003"), Some(LabelCreated)),
            ("MV", "VP", Some("007"), Some(Voided)),
            ("I", "VS", Some("038"), Some(PickedUp)),
            ("I", "OT", Some("021"), Some(OutForDelivery)),
            ("I", "OT", None, Some(OutForDelivery)),
            ("I", "XD", Some("005"), Some(InTransit)),
            ("I", "XD", Some("999"), Some(InTransit)),
            ("D", "FS", Some("011"), Some(Delivered)),
            ("D", "FS", None, Some(Delivered)),
            ("D", "KE", Some("034"), Some(Returned)),
            ("D", "2Q", Some("161"), Some(Exception)),
            ("X", "RS", Some("035"), Some(Exception)),
            ("X", "RS", Some("036"), Some(Exception)),
            ("I", "OT", Some("037"), Some(Exception)),
            ("X", "48", Some("047"), Some(Exception)),
            ("I", "WH", Some("016"), Some(Exception)),
            ("I", "LM", Some("044"), Some(LabelCreated)),
            ("M", "MP", Some("045"), Some(LabelCreated)),
            ("I", "VP", Some("043"), Some(InTransit)),
            ("X", "48", None, Some(Exception)),
            ("RS", "", None, Some(Returned)),
            ("P", "", None, Some(PickedUp)),
            ("O", "", None, Some(OutForDelivery)),
            ("U", "9E", Some("154"), None),
            ("U", "9E", Some("011"), None),
            ("W", "WH", None, None),
            ("NA", "", Some("0"), None),
            ("", "", None, None),
        ] {
            assert_eq!(status(kind, code, described), expected, "{kind} {code} {described:?}");
        }
    }
}
