//! FedEx's webhooks (Advanced Integrated Visibility) in our words: the body has the shape of a track answer.

use super::track::{OfShipment, all};
use crate::domain::id::digest;
use crate::domain::shipping::Scan;
use crate::error::{Error, Result};
use crate::vendors::carrier::Push;

/// Reads a webhook: each scan of each parcel. What cannot be read of it is left out; a webhook brings the whole history
/// again with the next scan, and every scan has one id however often it comes.
///
/// # Errors
/// `unknown_message` (a bug) when it is none of FedEx's.
pub fn read_pushes(body: &[u8]) -> Result<Vec<Push>> {
    let told = all(body).ok_or_else(|| Error::bug("unknown_message", "a fedex webhook that is no JSON object"))?;
    let pushes = told.into_iter().filter(|(number, _)| !number.is_empty());
    Ok(pushes
        .flat_map(|(number, shipment): (String, OfShipment)| {
            let scans = shipment.tracking(&number).scans.into_iter();
            scans.map(move |scan| Push { event_id: event_id(&number, &scan), tracking_number: number.clone(), scan })
        })
        .collect())
}

/// FedEx gives none: number, time and kind name a scan.
fn event_id(number: &str, scan: &Scan) -> String {
    digest(&["fedex", number, &scan.at.to_rfc3339(), &scan.code])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::shipping::ShipmentStatus;

    fn results() -> Value {
        json!([{"trackingNumber": "122816215025810", "trackResults": [{"scanEvents": [
            {"date": "2025-05-03T09:30:00-05:00", "eventType": "OD", "eventDescription": "On FedEx vehicle for delivery"},
            {"date": "2025-05-02T23:00:00-05:00", "eventType": "PU", "eventDescription": "Picked up"},
        ]}]}])
    }

    fn read(body: &Value) -> Vec<Push> {
        read_pushes(body.to_string().as_bytes()).expect("a webhook")
    }

    #[test]
    fn each_scan_is_told_once_under_one_id_with_and_without_an_output_around_it() {
        let pushes = read(&json!({"completeTrackResults": results()}));
        assert_eq!(pushes, read(&json!({"output": {"completeTrackResults": results()}, "unheard": 1})));
        assert_eq!(pushes.len(), 2);
        assert_eq!(pushes[0].tracking_number, "122816215025810");
        assert_eq!(pushes[1].scan.status, Some(ShipmentStatus::OutForDelivery));
        assert_ne!(pushes[0].event_id, pushes[1].event_id);
    }

    #[test]
    fn a_scan_without_a_number_is_left_out_and_what_is_no_object_is_no_webhook() {
        let mut nameless = results();
        nameless[0]["trackingNumber"] = json!(null);
        assert_eq!(read(&json!({"completeTrackResults": nameless})), []);
        assert_eq!(read(&json!({})), []);
        for none in [&b""[..], b"<html>", b"7"] {
            assert!(read_pushes(none).is_err(), "{none:?}");
        }
    }
}
