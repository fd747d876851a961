//! Where a shipment was seen (GET /shipments/{n}/tracking), and whether one was bought under a reference (GET /tracking).

use form_urlencoded::Serializer;
use serde::Deserialize;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, PrimitiveDateTime, UtcOffset};

use super::ship::REFERENCE_TYPE;
use super::status::status;
use crate::domain::Timestamp;
use crate::domain::shipping::{Day, Scan, Tracking};
use crate::vendors::carrier::{Found, LabelOrder, Refusal};
use crate::vendors::lenient::{self, cut};

/// Characters of a checkpoint's description that are kept.
const DESCRIPTION_CHARS: usize = 200;
/// A label is looked for in its first day; clocks and time zones make it two, to both sides.
const SEARCHED_DAYS: Duration = Duration::days(2);

const AT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// Where to ask for one shipment, each checkpoint with its offset from UTC.
pub(super) fn path(number: &str) -> String {
    let number = super::encoded(number);
    format!(
        "/shipments/{number}/tracking?trackingView=all-checkpoints&levelOfDetail=shipment&requestGMTOffsetPerEvent=true"
    )
}

/// Where to ask for all parcels of one shipment.
pub(super) fn all_path(number: &str) -> String {
    let number = super::encoded(number);
    format!("/shipments/{number}/tracking?trackingView=all-checkpoints&levelOfDetail=all&requestGMTOffsetPerEvent=true")
}

/// Where to ask for what was bought under a reference, from a little before today to a little after its day.
pub(super) fn search_path(order: &LabelOrder<'_>, today: Day, account: &str) -> String {
    let day = |day: Day, by: Duration| day.date().saturating_add(by).to_string();
    let last = today.max(order.consignment.ship_date);
    let query = Serializer::new(String::new())
        .append_pair("shipmentReference", order.reference)
        .append_pair("shipmentReferenceType", REFERENCE_TYPE)
        .append_pair("shipperAccountNumber", account)
        .append_pair("dateRangeFrom", &day(today, -SEARCHED_DAYS))
        .append_pair("dateRangeTo", &day(last, SEARCHED_DAYS))
        .append_pair("trackingView", "shipment-details-only")
        .append_pair("levelOfDetail", "shipment")
        .finish();
    format!("/tracking?{query}")
}

#[derive(Deserialize)]
struct TrackResponse {
    #[serde(deserialize_with = "lenient::list")]
    shipments: Vec<Shipment>,
}

#[derive(Deserialize)]
struct Shipment {
    #[serde(default, rename = "shipmentTrackingNumber", deserialize_with = "lenient::text")]
    number: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    events: Vec<Event>,
    #[serde(default, deserialize_with = "lenient::list")]
    pieces: Vec<Piece>,
}

/// One of the shipment's parcels.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    tracking_number: String,
    #[serde(default, deserialize_with = "lenient::list")]
    events: Vec<Event>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    date: String,
    time: String,
    #[serde(default, rename = "GMTOffset", deserialize_with = "lenient::text")]
    offset: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    type_code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    description: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    service_area: Vec<ServiceArea>,
}

#[derive(Clone, Deserialize)]
struct ServiceArea {
    #[serde(default, deserialize_with = "lenient::text")]
    description: Option<String>,
}

impl Event {
    /// `None` for one without a time or a code. A time without an offset is taken for UTC: that is wrong by hours, but
    /// keeps the checkpoints of one place in their order.
    fn scan(self) -> Option<Scan> {
        let local = PrimitiveDateTime::parse(&format!("{}T{}", self.date, self.time), AT).ok()?;
        let offset = self.offset.as_deref().and_then(lenient::offset).unwrap_or(UtcOffset::UTC);
        let code = self.type_code?;
        Some(Scan {
            at: Timestamp::from_seconds(local.assume_offset(offset).unix_timestamp()),
            status: status(&code),
            description: cut(self.description.as_deref().unwrap_or_default(), DESCRIPTION_CHARS),
            place: self.service_area.into_iter().find_map(|area| area.description),
            parcel: None,
            sends_back: false,
            code,
        })
    }
}

/// What the answer tells of the shipment, oldest first; there may be none of that number in it.
pub(super) fn read(body: &[u8], number: &str) -> Option<Result<Tracking, Refusal>> {
    let answer: TrackResponse = serde_json::from_slice(body).ok()?;
    let own = |shipment: &Shipment| shipment.number.as_deref().is_none_or(|told| told == number);
    let Some(shipment) = answer.shipments.into_iter().find(own) else { return Some(Err(Refusal::NotFound)) };
    Some(Ok(Tracking::of(number, shipment.events.into_iter().filter_map(Event::scan).collect())))
}

/// What the answer tells of each of the shipment's parcels; of one that it does not name, what it tells of them all.
pub(super) fn read_all(body: &[u8], number: &str, parcels: &[String]) -> Option<Result<Vec<Tracking>, Refusal>> {
    let answer: TrackResponse = serde_json::from_slice(body).ok()?;
    let own = |shipment: &Shipment| shipment.number.as_deref().is_none_or(|told| told == number);
    let Some(shipment) = answer.shipments.into_iter().find(own) else { return Some(Err(Refusal::NotFound)) };
    let tracking = |parcel: &String| {
        let piece = shipment.pieces.iter().find(|piece| piece.tracking_number == *parcel && !piece.events.is_empty());
        let events = piece.map_or(&shipment.events, |piece| &piece.events).iter().cloned();
        Tracking::of(parcel, events.filter_map(Event::scan).collect())
    };
    Some(Ok(parcels.iter().map(tracking).collect()))
}

/// What was bought under the reference. DHL gives no label a second time.
pub(super) fn read_search(body: &[u8]) -> Option<Found> {
    let answer: TrackResponse = serde_json::from_slice(body).ok()?;
    if answer.shipments.is_empty() {
        return Some(Found::Nothing);
    }
    let number = answer.shipments.into_iter().find_map(|shipment| shipment.number)?;
    Some(Found::WithoutLabel { tracking_number: number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::ShipmentStatus;

    #[test]
    fn checkpoints_are_told_oldest_first_in_utc() {
        let body = br#"{"shipments":[{"shipmentTrackingNumber":"1234567890","status":"Success","events":[
            {"date":"2020-06-11","time":"09:00:00","GMTOffset":"-03:30","typeCode":"OK","description":"Delivered","signedBy":"ADA"},
            {"date":"2020-06-10","time":"13:06:00","GMTOffset":"+09:00","typeCode":"PU","description":"Shipment picked up",
             "serviceArea":[{"code":"BNE","description":"Brisbane-AU"}]},
            {"date":"2020-06-10","time":"20:00:00","typeCode":"??"},
            {"date":"tomorrow","time":"13:06:00","typeCode":"PU"}, {"typeCode":"PU"}, 7]}]}"#;
        let tracking = read(body, "1234567890").and_then(Result::ok).expect("a shipment");
        let told: Vec<_> = tracking.scans.iter().map(|scan| (scan.code.as_str(), scan.at.to_rfc3339())).collect();
        assert_eq!(
            told,
            [
                ("PU", "2020-06-10T04:06:00.000Z".to_owned()),
                ("??", "2020-06-10T20:00:00.000Z".to_owned()),
                ("OK", "2020-06-11T12:30:00.000Z".to_owned()),
            ]
        );
        assert_eq!(tracking.scans[0].place.as_deref(), Some("Brisbane-AU"));
        assert_eq!(tracking.latest().and_then(|scan| scan.status), Some(ShipmentStatus::Delivered));
        assert!(!format!("{tracking:?}").contains("ADA"));
    }

    #[test]
    fn each_parcel_has_its_own_checkpoints() {
        let body = br#"{"shipments":[{"shipmentTrackingNumber":"1","events":[
            {"date":"2020-06-10","time":"13:06:00","GMTOffset":"+00:00","typeCode":"PU"}],
            "pieces":[{"trackingNumber":"JD1","events":[
                {"date":"2020-06-11","time":"09:00:00","GMTOffset":"+00:00","typeCode":"OK"}]}, {"trackingNumber":"JD2"}, 7]}]}"#;
        let parcels = ["JD1".to_owned(), "JD2".to_owned()];
        let told = read_all(body, "1", &parcels).and_then(Result::ok).expect("a shipment");
        let codes: Vec<_> =
            told.iter().map(|tracking| (tracking.tracking_number.as_str(), tracking.scans[0].code.as_str())).collect();
        assert_eq!(codes, [("JD1", "OK"), ("JD2", "PU")]);
        assert_eq!(read_all(body, "2", &parcels), Some(Err(Refusal::NotFound)));
    }

    #[test]
    fn no_shipment_is_not_an_unreadable_answer() {
        assert_eq!(read(br#"{"shipments":[]}"#, "1"), Some(Err(Refusal::NotFound)));
        assert_eq!(
            read(br#"{"shipments":[{"shipmentTrackingNumber":"2","events":[]}]}"#, "1"),
            Some(Err(Refusal::NotFound))
        );
        assert_eq!(read(b"{}", "1"), None);
        assert_eq!(read_search(br#"{"shipments":[]}"#), Some(Found::Nothing));
        assert_eq!(read_search(b"{}"), None);
        assert_eq!(read_search(br#"{"shipments":[{"status":"Success"}]}"#), None);
        let found = Found::WithoutLabel { tracking_number: "1234567890".to_owned() };
        assert_eq!(read_search(br#"{"shipments":{"shipmentTrackingNumber":1234567890}}"#), Some(found));
    }
}
