//! Track Alert's events: one JSON object each, told unasked. (developer.ups.com, Track Alert: TrackingEventRequest.)

use serde::Deserialize;

use super::track::{Place, Status, Times, scan};
use crate::domain::Timestamp;
use crate::domain::id::digest;
use crate::error::{Error, Result};
use crate::vendors::carrier::Push;
use crate::vendors::lenient;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEvent {
    tracking_number: String,
    activity_status: Status,
    #[serde(default, deserialize_with = "lenient::maybe")]
    activity_location: Option<Place>,
    #[serde(default, deserialize_with = "lenient::text")]
    local_activity_date: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    local_activity_time: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    gmt_activity_date: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    gmt_activity_time: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    gmt_offset: Option<String>,
}

impl WireEvent {
    fn parse(body: &[u8]) -> Result<Self> {
        let unreadable =
            |e: serde_json::Error| Error::bug("unknown_message", format!("ups event: column {}", e.column()));
        serde_json::from_slice(body).map_err(unreadable)
    }

    /// What names the scan, since UPS gives it no id: the same scan, told twice, has one id.
    fn event_id(&self) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        digest(&[
            "ups scan",
            &self.tracking_number,
            &text(&self.activity_status.kind),
            &text(&self.activity_status.code),
            &text(&self.gmt_activity_date),
            &text(&self.gmt_activity_time),
            // The times in GMT may be blank.
            &text(&self.local_activity_date),
            &text(&self.local_activity_time),
        ])
    }
}

/// The event's id, for its place in the archive.
pub fn event_id(body: &[u8]) -> Option<String> {
    Some(WireEvent::parse(body).ok()?.event_id())
}

/// The parcel's number, by which the events of one parcel are kept in order.
pub fn object_id(body: &[u8]) -> Option<String> {
    Some(WireEvent::parse(body).ok()?.tracking_number)
}

/// Reads an event that came at this time, which counts where UPS tells none.
///
/// # Errors
/// `unknown_message` (a bug) when it is none of UPS's.
pub fn read_event(body: &[u8], received_at: Timestamp) -> Result<Push> {
    let event = WireEvent::parse(body)?;
    let times = Times {
        gmt: (event.gmt_activity_date.as_deref(), event.gmt_activity_time.as_deref()),
        local: (event.local_activity_date.as_deref(), event.local_activity_time.as_deref()),
        offset: event.gmt_offset.as_deref(),
    };
    let at = times.instant().unwrap_or(received_at);
    let scan = scan(at, &event.activity_status, event.activity_location.as_ref());
    Ok(Push { event_id: event.event_id(), scan, tracking_number: event.tracking_number })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::shipping::ShipmentStatus;

    fn delivered() -> Value {
        json!({
            "trackingNumber": "1Z204W4R0308071865", "localActivityDate": "20240423", "localActivityTime": "095004",
            "activityLocation": { "city": "CHARLOTTE", "stateProvince": "NC", "postalCode": "28209", "country": "US" },
            "activityStatus": { "type": "D", "code": "FS", "description": "Delivered", "descriptionCode": "011" },
            "gmtActivityDate": "20240423", "gmtActivityTime": "135004", "gmtOffset": "-04.00", "receivedBy": "John",
            "unheard": { "of": [] },
        })
    }

    fn read(event: &Value) -> Push {
        read_event(event.to_string().as_bytes(), Timestamp::from_seconds(7)).expect("an event")
    }

    #[test]
    fn an_event_is_a_scan_of_its_parcel() {
        let push = read(&delivered());
        assert_eq!(push.tracking_number, "1Z204W4R0308071865");
        assert_eq!(push.scan.status, Some(ShipmentStatus::Delivered));
        assert_eq!(push.scan.at.to_rfc3339(), "2024-04-23T13:50:04.000Z");
        assert_eq!(push.scan.place.as_deref(), Some("CHARLOTTE, US"));
        assert!(!format!("{push:?}").contains("John"));
    }

    #[test]
    fn a_scan_told_twice_has_one_id_and_every_other_scan_another() {
        let id = |name: &str, value: Value| {
            let mut event = delivered();
            if let Some(said) = event["activityStatus"].get(name) {
                assert!(said.is_string());
                event["activityStatus"][name] = value;
            } else {
                event[name] = value;
            }
            read(&event).event_id
        };
        let same = read(&delivered()).event_id;
        assert_eq!(id("receivedBy", json!("Ann")), same);
        assert_eq!(event_id(delivered().to_string().as_bytes()).as_ref(), Some(&same));
        for (name, value) in [
            ("trackingNumber", "1Z"),
            ("type", "I"),
            ("code", "KB"),
            ("gmtActivityDate", "20240424"),
            ("gmtActivityTime", ""),
            ("localActivityDate", "20240424"),
            ("localActivityTime", "095005"),
        ] {
            assert_ne!(id(name, json!(value)), same, "{name}");
        }
    }

    #[test]
    fn what_is_missing_or_blank_costs_only_itself() {
        let bare = json!({ "trackingNumber": "1Z1", "activityStatus": { "type": "X" }, "activityLocation": "",
            "gmtActivityDate": "", "gmtActivityTime": null, "localActivityDate": "20240423", "localActivityTime": "095004" });
        let push = read(&bare);
        assert_eq!((push.scan.at.seconds(), push.scan.place), (7, None));
        assert_eq!((push.scan.code.as_str(), push.scan.status), ("X", Some(ShipmentStatus::Exception)));
        let mut local = bare;
        local["gmtOffset"] = json!("-04.00");
        assert_eq!(read(&local).scan.at.to_rfc3339(), "2024-04-23T13:50:04.000Z");
    }

    #[test]
    fn what_is_no_event_is_said_to_be_none() {
        for body in ["", "{}", "[]", r#"{"trackingNumber":"1Z1"}"#, r#"{"trackingNumber":7,"activityStatus":{}}"#] {
            assert!(read_event(body.as_bytes(), Timestamp::default()).is_err(), "{body}");
        }
    }
}
