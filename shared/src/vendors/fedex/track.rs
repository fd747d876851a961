//! Where parcels were seen, by their numbers or by our reference. (POST /track/v1/trackingnumbers and
//! /track/v1/referencenumbers.) An HTTP 200 can carry an error for one number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::status::{SENT_BACK, VOIDED, status};
use super::wire::Said;
use crate::domain::Timestamp;
use crate::domain::shipping::{Day, Scan, ShipmentStatus, Tracking};
use crate::vendors::carrier::{CarrierAnswer, Found, LabelOrder, Refusal};
use crate::vendors::lenient::{cut, list, maybe, text};

/// Characters of a scan's description.
const DESCRIPTION_CHARS: usize = 200;
/// Around the day of shipping: that day is the shipper's own, and FedEx moves one that is past to today.
const AROUND: Duration = Duration::from_secs(24 * 3_600);
/// The kind of identifier that is the whole shipment's number.
const MASTER: &str = "STANDARD_MPS";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ByNumber<'a> {
    include_detailed_scans: bool,
    tracking_info: Vec<Info<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    tracking_number_info: NumberInfo<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NumberInfo<'a> {
    tracking_number: &'a str,
}

/// By these numbers, of which FedEx takes thirty: more than a shipment has parcels.
pub(super) fn by_numbers<'a>(numbers: impl Iterator<Item = &'a str>) -> ByNumber<'a> {
    let info = |tracking_number| Info { tracking_number_info: NumberInfo { tracking_number } };
    ByNumber { include_detailed_scans: true, tracking_info: numbers.map(info).collect() }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ByReference<'a> {
    include_detailed_scans: bool,
    references_information: ReferencesInformation<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferencesInformation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a str,
    account_number: String,
    ship_date_begin: Day,
    ship_date_end_date: Day,
}

pub(super) fn by_reference<'a>(order: &LabelOrder<'a>, today: Option<Day>, account: &str) -> ByReference<'a> {
    let shipped = order.consignment.ship_date;
    ByReference {
        // A shipment that was voided says so in its scans.
        include_detailed_scans: true,
        references_information: ReferencesInformation {
            kind: "CUSTOMER_REFERENCE",
            value: order.reference,
            account_number: account.to_owned(),
            ship_date_begin: moved(shipped, |at| at.minus(AROUND)),
            ship_date_end_date: moved(today.map_or(shipped, |today| today.max(shipped)), |at| at.plus(AROUND)),
        },
    }
}

fn moved(day: Day, by: impl FnOnce(Timestamp) -> Timestamp) -> Day {
    let midnight = Timestamp::from_seconds(day.date().midnight().assume_utc().unix_timestamp());
    Day::of(by(midnight)).unwrap_or(day)
}

/// An answer, and the body of a webhook: that has the same shape, with or without `output` around it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(default, deserialize_with = "maybe")]
    output: Option<Results>,
    #[serde(default, deserialize_with = "list")]
    complete_track_results: Vec<OfNumber>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    #[serde(default, deserialize_with = "list")]
    complete_track_results: Vec<OfNumber>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfNumber {
    #[serde(default, deserialize_with = "text")]
    tracking_number: Option<String>,
    #[serde(default, deserialize_with = "list")]
    track_results: Vec<OfShipment>,
}

/// One shipment: FedEx uses a number again after some years.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfShipment {
    #[serde(default, deserialize_with = "maybe")]
    tracking_number_info: Option<NumberTold>,
    #[serde(default, deserialize_with = "maybe")]
    additional_tracking_info: Option<Additional>,
    #[serde(default, deserialize_with = "maybe")]
    latest_status_detail: Option<Latest>,
    #[serde(default, deserialize_with = "list")]
    scan_events: Vec<ScanEvent>,
    #[serde(default, deserialize_with = "maybe")]
    error: Option<Said>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NumberTold {
    #[serde(default, deserialize_with = "text")]
    tracking_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Additional {
    #[serde(default, deserialize_with = "list")]
    package_identifiers: Vec<Identifier>,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: Option<String>,
    #[serde(default, rename = "values", alias = "value", deserialize_with = "list")]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Latest {
    #[serde(default, deserialize_with = "text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    derived_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScanEvent {
    /// With its offset.
    #[serde(default, deserialize_with = "text")]
    date: Option<String>,
    #[serde(default, deserialize_with = "text")]
    event_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    derived_status_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    event_description: Option<String>,
    #[serde(default, deserialize_with = "text")]
    exception_description: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    scan_location: Option<Location>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(default, deserialize_with = "text")]
    city: Option<String>,
    #[serde(default, deserialize_with = "text")]
    country_code: Option<String>,
}

impl ScanEvent {
    /// One that does not say when or what is none.
    fn scan(&self) -> Option<Scan> {
        let code = self.event_type.as_deref().or(self.derived_status_code.as_deref())?;
        let described = [self.event_description.as_deref(), self.exception_description.as_deref()];
        let place = self.scan_location.as_ref().map(|at| [at.city.as_deref(), at.country_code.as_deref()]);
        let place = place.map(|parts| parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
        Some(Scan {
            at: Timestamp::parse_rfc3339(self.date.as_deref()?)?,
            // There are more kinds of events than of statuses: the status after it says what one of them means.
            status: status(code).or_else(|| status(self.derived_status_code.as_deref()?)),
            code: code.to_owned(),
            description: cut(&described.into_iter().flatten().collect::<Vec<_>>().join(": "), DESCRIPTION_CHARS),
            place: place.filter(|place| !place.is_empty()),
            parcel: None,
            sends_back: code == SENT_BACK,
        })
    }
}

impl OfShipment {
    /// What is told of the number.
    pub(super) fn tracking(&self, number: &str) -> Tracking {
        let mut tracking = Tracking::of(number, self.scan_events.iter().filter_map(ScanEvent::scan).collect());
        let sent_back_at = tracking.scans.iter().find(|scan| scan.sends_back).map(|scan| scan.at);
        // What was sent back is delivered to the shipper.
        for scan in &mut tracking.scans {
            let is_back = sent_back_at.is_some_and(|at| scan.at >= at);
            if is_back && scan.status == Some(ShipmentStatus::Delivered) {
                scan.status = Some(ShipmentStatus::Returned);
            }
        }
        tracking
    }

    fn is_voided(&self) -> bool {
        let latest = self.latest_status_detail.as_ref();
        let codes = latest.map(|latest| [latest.code.as_deref(), latest.derived_code.as_deref()]);
        codes.into_iter().flatten().flatten().any(|code| code == VOIDED)
            || self.scan_events.iter().any(|event| event.event_type.as_deref() == Some(VOIDED))
    }

    fn number<'a>(&'a self, of: &'a OfNumber) -> Option<&'a str> {
        let told = self.tracking_number_info.as_ref().and_then(|info| info.tracking_number.as_deref());
        told.or(of.tracking_number.as_deref())
    }

    /// The whole shipment's number, where it has several parcels.
    fn master(&self) -> Option<&str> {
        let identifiers = &self.additional_tracking_info.as_ref()?.package_identifiers;
        let master = identifiers.iter().find(|identifier| identifier.kind.as_deref() == Some(MASTER))?;
        master.values.iter().map(String::as_str).find(|number| !number.is_empty())
    }
}

/// All that an answer or a webhook tells, with the numbers that it is about; `None` when it cannot be read.
pub(super) fn all(body: &[u8]) -> Option<Vec<(String, OfShipment)>> {
    let answered: Answered = serde_json::from_slice(body).ok()?;
    let results = answered.output.map_or(answered.complete_track_results, |output| output.complete_track_results);
    let mut told = Vec::new();
    for mut of in results {
        for shipment in std::mem::take(&mut of.track_results) {
            let number = shipment.number(&of).unwrap_or_default().to_owned();
            told.push((number, shipment));
        }
    }
    Some(told)
}

/// What FedEx tells of one number.
pub(super) fn read(tracking_number: &str, body: &[u8]) -> CarrierAnswer<Tracking> {
    let Some(told) = all(body) else { return CarrierAnswer::Unknown };
    let mut unreadable = None;
    let mut known = Vec::new();
    for (number, shipment) in told {
        match shipment.error.as_ref() {
            // An answer to somebody else's question.
            _ if !number.is_empty() && number != tracking_number => unreadable = Some(CarrierAnswer::Unknown),
            Some(error) if is_unknown_number(error) => {}
            Some(_) => unreadable = Some(CarrierAnswer::Unknown),
            None => known.push(shipment.tracking(tracking_number)),
        }
    }
    // Of several shipments with one number, the newest is ours.
    match known.into_iter().max_by_key(|tracking| tracking.scans.last().map(|scan| scan.at)) {
        Some(tracking) => CarrierAnswer::Done(tracking),
        None => unreadable.unwrap_or(CarrierAnswer::Refused(Refusal::NotFound)),
    }
}

/// What FedEx tells of each of these; those that it does not know yet are left out.
pub(super) fn read_all(parcels: &[String], body: &[u8]) -> CarrierAnswer<Vec<Tracking>> {
    let Some(told) = all(body) else { return CarrierAnswer::Unknown };
    let mut found = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        let of_it = told.iter().filter(|(number, _)| number == parcel).map(|(_, shipment)| shipment);
        let (failed, known): (Vec<_>, Vec<_>) = of_it.partition(|shipment| shipment.error.is_some());
        let newest = known.into_iter().map(|shipment| shipment.tracking(parcel));
        let newest = newest.max_by_key(|tracking| tracking.scans.last().map(|scan| scan.at));
        let is_unknown = failed.iter().filter_map(|shipment| shipment.error.as_ref()).all(is_unknown_number);
        match newest {
            Some(tracking) => found.push(tracking),
            None if is_unknown => {}
            None => return CarrierAnswer::Unknown,
        }
    }
    match (found.is_empty(), told.iter().all(|(_, shipment)| shipment.error.is_some())) {
        (false, _) => CarrierAnswer::Done(found),
        (true, true) => CarrierAnswer::Refused(Refusal::NotFound),
        // It tells of others only.
        (true, false) => CarrierAnswer::Unknown,
    }
}

/// What FedEx has under our reference. It gives no label twice, so what is there has to be voided; what was voided counts as
/// nothing. An error that does not say that nothing is there (the reference is not unique, say) leaves it unknown, and so
/// does an answer that says nothing at all: only FedEx's word for an unknown reference lets anybody buy again.
pub(super) fn found(body: &[u8]) -> CarrierAnswer<Found> {
    let Some(told) = all(body) else { return CarrierAnswer::Unknown };
    let mut is_sure = !told.is_empty();
    for (number, shipment) in &told {
        match shipment.error.as_ref() {
            Some(error) => is_sure &= error.code.as_deref().is_some_and(is_unknown_reference),
            None if shipment.is_voided() => {}
            None => match shipment.master().unwrap_or(number) {
                "" => is_sure = false,
                number => return CarrierAnswer::Done(Found::WithoutLabel { tracking_number: number.to_owned() }),
            },
        }
    }
    if is_sure { CarrierAnswer::Done(Found::Nothing) } else { CarrierAnswer::Unknown }
}

/// Whether a code says that nothing bears our reference. That some number or page cannot be found says nothing of it.
pub(super) fn is_unknown_reference(code: &str) -> bool {
    code.starts_with("TRACKING.REFERENCE") && code.ends_with("NOTFOUND")
}

fn is_unknown_number(error: &Said) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    code.contains("NOTFOUND") || code.contains("NOT.FOUND") || code.contains("NUMBER.INVALID")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::wire::sample;
    use super::*;

    const NUMBER: &str = "122816215025810";

    fn event(date: &str, code: &str, derived: &str) -> Value {
        json!({
            "date": date, "eventType": code, "derivedStatusCode": derived, "eventDescription": "Something happened",
            "exceptionDescription": "", "scanLocation": {"city": "MEMPHIS", "countryCode": "US", "streetLines": ["1 Elm St"]},
        })
    }

    fn answer(results: &Value) -> Vec<u8> {
        let complete = json!([{"trackingNumber": NUMBER, "trackResults": results}]);
        json!({"output": {"completeTrackResults": complete}}).to_string().into_bytes()
    }

    fn error(code: &str) -> Value {
        json!({"trackingNumberInfo": {"trackingNumber": NUMBER}, "error": {"code": code, "message": "…"}})
    }

    fn tracked(results: &Value) -> CarrierAnswer<Tracking> {
        read(NUMBER, &answer(results))
    }

    fn scans(events: &Value) -> Vec<Scan> {
        match tracked(&json!([{"scanEvents": events}])) {
            CarrierAnswer::Done(tracking) => tracking.scans,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scans_come_oldest_first_at_their_own_time_without_a_street() {
        let scans = scans(&json!([
            event("2025-05-03T09:30:00-05:00", "DL", "DL"),
            event("2025-05-02T23:00:00+02:00", "PU", "PU"),
        ]));
        assert_eq!(scans.iter().map(|scan| scan.code.as_str()).collect::<Vec<_>>(), ["PU", "DL"]);
        assert_eq!(scans[0].at.to_rfc3339(), "2025-05-02T21:00:00.000Z");
        assert_eq!(scans[1].status, Some(ShipmentStatus::Delivered));
        assert_eq!(
            (scans[1].place.as_deref(), scans[1].description.as_str()),
            (Some("MEMPHIS, US"), "Something happened")
        );
    }

    #[test]
    fn what_is_sent_back_is_on_its_way_until_it_is_delivered_to_the_shipper() {
        let sent_back = event("2025-05-03T09:30:00-05:00", "RS", "RS");
        let delivered = event("2025-05-05T09:30:00-05:00", "DL", "DL");
        let latest = |events: Value| Tracking::of(NUMBER, scans(&events)).latest().and_then(|scan| scan.status);
        assert_eq!(latest(json!([sent_back])), Some(ShipmentStatus::Exception));
        assert_eq!(latest(json!([delivered, sent_back])), Some(ShipmentStatus::Returned));
        assert_eq!(latest(json!([delivered])), Some(ShipmentStatus::Delivered));
    }

    #[test]
    fn the_status_after_an_event_of_an_unknown_kind_says_what_it_means() {
        let by_derived = scans(&json!([event("2025-05-03T09:30:00-05:00", "QQ", "IT")]));
        assert_eq!((by_derived[0].code.as_str(), by_derived[0].status), ("QQ", Some(ShipmentStatus::InTransit)));
        assert_eq!(scans(&json!([event("2025-05-03T09:30:00-05:00", "QQ", "")]))[0].status, None);
    }

    #[test]
    fn an_odd_scan_costs_only_itself() {
        let scans = scans(&json!([
            7, {"eventType": "PU"}, {"date": "2025-05-03T09:30:00-05:00"}, event("yesterday", "PU", "PU"),
            {"date": "2025-05-03T09:30:00-05:00", "eventType": "PU", "scanLocation": "here"},
        ]));
        assert_eq!((scans.len(), scans[0].place.as_deref()), (1, None));
    }

    #[test]
    fn each_parcel_has_its_own_scans_in_one_answer() {
        let of = |number: &str, result: Value| json!({"trackingNumber": number, "trackResults": [result]});
        let scanned = |code: &str| json!({"scanEvents": [event("2025-05-03T09:30:00-05:00", code, code)]});
        let unknown = json!({"error": {"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "…"}});
        let body = |results: Value| json!({"output": {"completeTrackResults": results}}).to_string();
        let parcels = ["1".to_owned(), "2".to_owned(), "3".to_owned()];
        let told = body(json!([of("2", scanned("IT")), of("1", scanned("DL")), of("3", unknown.clone())]));
        let CarrierAnswer::Done(all) = read_all(&parcels, told.as_bytes()) else { panic!("trackings") };
        let codes: Vec<_> = all.iter().map(|one| (one.tracking_number.as_str(), one.scans[0].code.as_str())).collect();
        assert_eq!(codes, [("1", "DL"), ("2", "IT")]);
        let none = body(json!([of("1", unknown.clone()), of("2", unknown)]));
        assert_eq!(read_all(&parcels, none.as_bytes()), CarrierAnswer::Refused(Refusal::NotFound));
        assert_eq!(read_all(&parcels, body(json!([of("9", scanned("DL"))])).as_bytes()), CarrierAnswer::Unknown);
    }

    #[test]
    fn what_is_told_of_another_number_is_not_this_one_s() {
        let other = |number: &str| json!([{"trackingNumberInfo": {"trackingNumber": number}, "scanEvents": [event("2025-05-03T09:30:00-05:00", "DL", "DL")]}]);
        assert_eq!(tracked(&other("794953535000")), CarrierAnswer::Unknown);
        assert!(matches!(tracked(&other(NUMBER)), CarrierAnswer::Done(tracking) if tracking.scans.len() == 1));
    }

    #[test]
    fn an_error_for_the_number_is_not_a_tracking() {
        assert_eq!(
            tracked(&json!([error("TRACKING.TRACKINGNUMBER.NOTFOUND")])),
            CarrierAnswer::Refused(Refusal::NotFound)
        );
        assert_eq!(tracked(&json!([])), CarrierAnswer::Refused(Refusal::NotFound));
        assert_eq!(tracked(&json!([error("SYSTEM.UNEXPECTED.ERROR")])), CarrierAnswer::Unknown);
        assert_eq!(read(NUMBER, b"<html>"), CarrierAnswer::Unknown);
    }

    #[test]
    fn of_a_number_that_was_used_before_the_newest_shipment_counts() {
        let old = json!({"scanEvents": [event("2015-05-03T09:30:00-05:00", "DL", "DL")]});
        let new = json!({"scanEvents": [event("2025-05-03T09:30:00-05:00", "PU", "PU")]});
        match tracked(&json!([new, old])) {
            CarrierAnswer::Done(tracking) => assert_eq!(tracking.scans[0].code, "PU"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reference_finds_what_is_there_and_what_was_voided_is_nothing() {
        let there = |extra: Value| {
            let mut shipment =
                json!({"trackingNumberInfo": {"trackingNumber": "794953535011"}, "latestStatusDetail": {"code": "OC"}});
            shipment.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
            shipment
        };
        let found = |results: Value| found(&answer(&results));
        let number = |number: &str| CarrierAnswer::Done(Found::WithoutLabel { tracking_number: number.to_owned() });
        assert_eq!(found(json!([there(json!({}))])), number("794953535011"));
        let of_several = json!({"additionalTrackingInfo": {"packageIdentifiers": [
            {"type": "CUSTOMER_REFERENCE", "values": ["CD-1"]}, {"type": "STANDARD_MPS", "values": ["794953535000"]},
        ]}});
        assert_eq!(found(json!([there(of_several)])), number("794953535000"));
        let voided = || there(json!({"latestStatusDetail": {"code": "CA"}}));
        assert_eq!(found(json!([voided()])), CarrierAnswer::Done(Found::Nothing));
        let scanned = there(json!({"scanEvents": [event("2025-05-03T09:30:00-05:00", "CA", "CA")]}));
        assert_eq!(found(json!([scanned])), CarrierAnswer::Done(Found::Nothing));
        assert_eq!(found(json!([voided(), there(json!({}))])), number("794953535011"));
        assert_eq!(found(json!([error("TRACKING.REFERENCENUMBER.NOTFOUND")])), CarrierAnswer::Done(Found::Nothing));
    }

    #[test]
    fn what_fedex_is_not_sure_of_is_not_nothing() {
        assert_eq!(found(&answer(&json!([error("TRACKING.DATA.NOTUNIQUE")]))), CarrierAnswer::Unknown);
        for code in ["SYSTEM.UNEXPECTED.ERROR", "NOT.FOUND.ERROR", "TRACKING.TRACKINGNUMBER.NOTFOUND"] {
            assert_eq!(found(&answer(&json!([error(code)]))), CarrierAnswer::Unknown, "{code}");
        }
        assert_eq!(found(b"<html>"), CarrierAnswer::Unknown);
        for empty in [answer(&json!([])), answer(&json!(["odd"])), b"{\"output\":{}}".to_vec()] {
            assert_eq!(found(&empty), CarrierAnswer::Unknown);
        }
        let nameless =
            json!({"output": {"completeTrackResults": [{"trackResults": [{"latestStatusDetail": {"code": "OC"}}]}]}});
        assert_eq!(found(nameless.to_string().as_bytes()), CarrierAnswer::Unknown);
    }

    #[test]
    fn a_reference_is_looked_for_from_the_day_before_shipping_until_tomorrow() {
        let consignment = sample::domestic();
        let order = LabelOrder { consignment: &consignment, service: "FEDEX_GROUND", reference: "CD-1" };
        let range = |today: &str| {
            let sent = json!(by_reference(&order, Day::parse(today), sample::ACCOUNT));
            let asked = &sent["referencesInformation"];
            assert_eq!((&asked["type"], &asked["value"]), (&json!("CUSTOMER_REFERENCE"), &json!("CD-1")));
            assert_eq!(asked["accountNumber"], sample::ACCOUNT);
            [asked["shipDateBegin"].clone(), asked["shipDateEndDate"].clone()]
        };
        assert_eq!(range("2025-05-01"), ["2025-05-01", "2025-05-03"]);
        assert_eq!(range("2025-05-31"), ["2025-05-01", "2025-06-01"]);
    }
}
