//! Where a parcel was seen (GET /api/track/v1/details/{inquiryNumber}).

use serde::Deserialize;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::status::status;
use crate::domain::Timestamp;
use crate::domain::shipping::{Scan, Tracking};
use crate::vendors::carrier::Refusal;
use crate::vendors::lenient::{self, cut};

/// Characters of a scan's description that are kept.
const DESCRIPTION_CHARS: usize = 200;

const DIGITS: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day][hour][minute][second]");

/// Where to ask. In English, since the descriptions are for the shop.
pub(super) fn path(number: &str) -> String {
    format!("/api/track/v1/details/{}?locale=en_US&returnSignature=false", super::segment(number))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrackEnvelope {
    track_response: TrackResponse,
}

#[derive(Deserialize)]
struct TrackResponse {
    #[serde(default, deserialize_with = "lenient::list")]
    shipment: Vec<Shipment>,
}

#[derive(Deserialize)]
struct Shipment {
    #[serde(default, deserialize_with = "lenient::list")]
    package: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default, deserialize_with = "lenient::text")]
    tracking_number: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    activity: Vec<Activity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    #[serde(default, deserialize_with = "lenient::text")]
    date: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    time: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    gmt_date: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    gmt_time: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    gmt_offset: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    location: Option<Location>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Location {
    address: Place,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    #[serde(default, deserialize_with = "lenient::text")]
    city: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    country_code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    country: Option<String>,
}

/// What a scan says. The three digits have one name in answers and another in events.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(default, rename = "type", deserialize_with = "lenient::text")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    description: Option<String>,
    #[serde(default, rename = "statusCode", alias = "descriptionCode", deserialize_with = "lenient::text")]
    digits: Option<String>,
}

/// The times of a scan as UPS writes them: `20240423`, `131519`, `-04:00`.
pub(super) struct Times<'a> {
    pub(super) gmt: (Option<&'a str>, Option<&'a str>),
    pub(super) local: (Option<&'a str>, Option<&'a str>),
    pub(super) offset: Option<&'a str>,
}

impl Times<'_> {
    /// The instant: in UTC where that is told, else from the local time and its offset.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        let at = |(date, time): (Option<&str>, Option<&str>)| {
            // A time before ten o'clock comes without its zero.
            PrimitiveDateTime::parse(&format!("{}{:0>6}", date?, time?), DIGITS).ok()
        };
        let utc = at(self.gmt).map(PrimitiveDateTime::assume_utc);
        let instant = utc.or_else(|| Some(at(self.local)?.assume_offset(lenient::offset(self.offset?)?)))?;
        Some(Timestamp::from_seconds(instant.unix_timestamp()))
    }
}

/// A scan in our words.
pub(super) fn scan(at: Timestamp, said: &Status, place: Option<&Place>) -> Scan {
    let code = said.code.as_deref().unwrap_or_default();
    let kind = said.kind.as_deref().unwrap_or_default();
    let parts = |place: &Place| {
        let country = place.country_code.clone().or_else(|| place.country.clone());
        let parts: Vec<String> = [place.city.clone(), country].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    Scan {
        at,
        status: status(kind, code, said.digits.as_deref()),
        code: if code.is_empty() { kind.to_owned() } else { code.to_owned() },
        description: cut(said.description.as_deref().unwrap_or_default(), DESCRIPTION_CHARS),
        place: place.and_then(parts),
        parcel: None,
        sends_back: false,
    }
}

/// What the answer tells of the parcel. UPS also answers when it knows nothing of the number.
pub(super) fn read(body: &[u8], number: &str) -> Option<Result<Tracking, Refusal>> {
    let answer: TrackEnvelope = serde_json::from_slice(body).ok()?;
    let mut packages: Vec<Package> =
        answer.track_response.shipment.into_iter().flat_map(|shipment| shipment.package).collect();
    if packages.is_empty() {
        return Some(Err(Refusal::NotFound));
    }
    let is_own = |package: &Package| package.tracking_number.as_deref() == Some(number);
    // One without a number can only be the one that was asked for; one with another is an answer to somebody else's question.
    let nameless = |package: &Package| package.tracking_number.is_none();
    let own = packages.iter().position(is_own).or_else(|| packages.iter().position(nameless))?;
    let mut scans: Vec<Scan> = packages.swap_remove(own).activity.iter().filter_map(Activity::scan).collect();
    // The newest comes first; scans of one second stay in their order.
    scans.reverse();
    Some(Ok(Tracking::of(number, scans)))
}

impl Activity {
    fn scan(&self) -> Option<Scan> {
        let times = Times {
            gmt: (self.gmt_date.as_deref(), self.gmt_time.as_deref()),
            local: (self.date.as_deref(), self.time.as_deref()),
            offset: self.gmt_offset.as_deref(),
        };
        let place = self.location.as_ref().map(|location| &location.address);
        Some(scan(times.instant()?, self.status.as_ref()?, place))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::shipping::ShipmentStatus;

    fn tracked(packages: &serde_json::Value) -> Option<Result<Tracking, Refusal>> {
        let body = json!({ "trackResponse": { "shipment": { "package": packages } } });
        read(body.to_string().as_bytes(), "1Z1")
    }

    #[test]
    fn scans_are_told_oldest_first_with_their_place_and_no_street() {
        let address = json!({ "addressLine1": "100 Main St", "city": "Wayne", "countryCode": "US", "country": "US" });
        let tracking = tracked(&json!([{ "trackingNumber": "1Z0", "activity": [] }, {
            "trackingNumber": "1Z1",
            "activity": [
                {
                    "gmtDate": "20240423", "gmtTime": "135004", "location": { "address": address },
                    "status": { "type": "D", "code": "FS", "description": "Delivered", "statusCode": "011" },
                },
                { "gmtDate": "20240423", "gmtTime": 74700, "status": { "type": "I", "code": "DP" } },
                { "status": { "type": "I", "code": "XX" } },
                "odd",
                { "date": "20240422", "time": "233000", "gmtOffset": "-05:00", "status": { "type": "M", "code": "MP" } },
            ],
        }]));
        let tracking = tracking.and_then(Result::ok).expect("a parcel");
        let seen: Vec<_> = tracking.scans.iter().map(|scan| (scan.code.as_str(), scan.at.to_rfc3339())).collect();
        assert_eq!(
            seen,
            [
                ("MP", "2024-04-23T04:30:00.000Z".to_owned()),
                ("DP", "2024-04-23T07:47:00.000Z".to_owned()),
                ("FS", "2024-04-23T13:50:04.000Z".to_owned()),
            ]
        );
        let latest = tracking.latest().expect("a status");
        assert_eq!((latest.status, latest.place.as_deref()), (Some(ShipmentStatus::Delivered), Some("Wayne, US")));
    }

    #[test]
    fn a_number_of_which_nothing_is_known_is_not_an_unreadable_answer() {
        let warned =
            json!({ "trackResponse": { "shipment": [{ "warnings": [{ "code": "TW0001", "message": "…" }] }] } });
        assert_eq!(read(warned.to_string().as_bytes(), "1Z1"), Some(Err(Refusal::NotFound)));
        let unseen = tracked(&json!({ "trackingNumber": "1Z1" })).and_then(Result::ok);
        assert_eq!(unseen.expect("a parcel").scans, []);
        assert_eq!(read(b"<html>", "1Z1"), None);
    }

    #[test]
    fn what_is_told_of_another_number_is_not_this_one_s() {
        let told = |number: serde_json::Value| tracked(&json!({ "trackingNumber": number, "activity": [] }));
        assert_eq!(told(json!("1Z2")), None);
        assert!(matches!(told(json!("1Z1")), Some(Ok(_))) && matches!(told(json!(null)), Some(Ok(_))));
    }
}
