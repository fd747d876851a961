//! `POST /pickups`.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::parcel::{self, RawParcel};
use super::party::{RawAddress, RawContact};
use super::{CARRIER, Use};
use crate::domain::Timestamp;
use crate::domain::input::{Findings, Object, findings_incomplete, json};
use crate::domain::shipping::{Address, Carrier, Parcel, Party, PickupRequest, zone};
use crate::error::Result;

/// How far ahead a pickup may be asked for: a shop plans no further, and a carrier that looks less far says so itself.
const AHEAD_MAX: Duration = Duration::from_secs(14 * 24 * 3_600);
/// "Ready now" was true when it was written: so long ago, the shop's clock included, is not yet the past.
const READY_GRACE: Duration = Duration::from_secs(5 * 60);
/// Parcels in one pickup: more than a van is sent for without a call.
const PARCELS_MAX: usize = 99;
/// The offsets from UTC that places on Earth have, in hours.
const OFFSET_HOURS: std::ops::RangeInclusive<i32> = -12..=14;

#[derive(serde::Deserialize)]
struct RawPickup {
    carrier: String,
    address: Object<RawAddress>,
    contact: Object<RawContact>,
    ready_at: String,
    close_at: String,
    packages: Vec<Object<RawParcel>>,
    destination_country: Option<String>,
    service: Option<String>,
}

impl PickupRequest {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawPickup = json(body)?;
        let mut bad = Findings::default();
        let carrier = Carrier::parse(&raw.carrier);
        bad.unless(carrier.is_some(), "carrier", CARRIER);
        let address = raw.address.0.checked("address.", Use::Label, &mut bad);
        let party = raw.contact.0.checked("contact.", address, &mut bad);
        let hours = hours(&raw.ready_at, &raw.close_at, address_of(party.as_ref()), now, &mut bad);
        let parcels = parcel::at_most(PARCELS_MAX, raw.packages, &mut bad);
        let destination = raw.destination_country.as_deref().map(|code| bad.country("destination_country", code));
        let service = raw.service.map(|code| bad.service(code));
        bad.into_result()?;
        let (Some(carrier), Some(party), Some((ready, close, offset_min)), Some(parcels)) =
            (carrier, party, hours, parcels)
        else {
            return Err(findings_incomplete());
        };
        let (weight_mg, heaviest_mg) = parcels
            .iter()
            .map(Parcel::weight_mg)
            .fold((0, 0), |(all, heaviest), mg| (all + mg, std::cmp::max(heaviest, mg)));
        let destination_country = destination.flatten().unwrap_or_else(|| party.address.country.clone());
        Ok(Self {
            carrier,
            party,
            ready,
            close,
            offset_min,
            parcels: u32::try_from(parcels.len()).unwrap_or(u32::MAX),
            weight_g: parcels.iter().map(|parcel| u64::from(parcel.weight_g)).sum(),
            weight_mg: Some(weight_mg),
            heaviest_g: parcels.iter().map(|parcel| parcel.weight_g).max().unwrap_or_default(),
            heaviest_mg: Some(heaviest_mg),
            destination_country,
            service: service.flatten(),
        })
    }
}

fn address_of(party: Option<&Party>) -> Option<&Address> {
    party.map(|party| &party.address)
}

/// From when, until when, and the place's offset from UTC in minutes: by its own time zone, whatever offset the shop writes.
fn hours(
    ready: &str,
    close: &str,
    place: Option<&Address>,
    now: Timestamp,
    bad: &mut Findings,
) -> Option<(Timestamp, Timestamp, i16)> {
    let (from, until) = (Timestamp::parse_rfc3339(ready), Timestamp::parse_rfc3339(close));
    let (ready, close) = (bad.local_time("ready_at", ready), bad.local_time("close_at", close));
    let (ready, close, from, until) = (ready?, close?, from?, until?);
    bad.unless(from >= now.minus(READY_GRACE), "ready_at", "must not be in the past");
    bad.unless(from <= now.plus(AHEAD_MAX), "ready_at", "must be at most 14 days ahead");
    bad.unless(until > now, "close_at", "must not be in the past");
    bad.unless(until > from, "close_at", "must be after ready_at");
    let offset = place.map_or(ready.offset(), |place| zone::offset(place, from));
    let day = |at: OffsetDateTime| at.checked_to_offset(offset).map(OffsetDateTime::date);
    let is_same_day = day(close).is_some_and(|close| Some(close) == day(ready));
    bad.unless(is_same_day, "close_at", "must be on the same day as ready_at, by the clock at the place");
    Some((from, until, offset.whole_minutes()))
}

impl Findings {
    /// A time with the offset of the place.
    fn local_time(&mut self, field: &str, text: &str) -> Option<OffsetDateTime> {
        let is_on_earth = |offset: UtcOffset| {
            let hour = 3_600;
            (OFFSET_HOURS.start() * hour..=OFFSET_HOURS.end() * hour).contains(&offset.whole_seconds())
        };
        let at = OffsetDateTime::parse(text, &Rfc3339).ok().filter(|at| is_on_earth(at.offset()));
        self.unless(
            at.is_some(),
            field,
            "must be an RFC 3339 time with the place's offset, like 2026-05-04T14:00:00+02:00",
        );
        at
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bodies::NOW;
    use super::*;

    fn valid() -> Value {
        json!({
            "carrier": "ups",
            "address": {"street_lines": ["Hauptstrasse 1"], "city": "Berlin", "postal_code": "10115", "country": "DE"},
            "contact": {"name": "Ann", "company": "Shop", "phone": "+491711234567"},
            "ready_at": "2026-05-04T14:00:00+02:00", "close_at": "2026-05-04T18:00:00+02:00",
            "packages": [{"weight": {"value": 2.5, "unit": "kg"}}, {"weight": {"value": 500, "unit": "g"}}],
        })
    }

    fn parse(body: &Value) -> Result<PickupRequest> {
        PickupRequest::parse(body.to_string().as_bytes(), NOW)
    }

    fn bad_fields(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut body = valid();
        change(&mut body);
        parse(&body).err().map(|error| error.fields.into_iter().map(|f| f.field).collect()).unwrap_or_default()
    }

    #[test]
    fn a_pickup_keeps_the_place_s_offset_counts_its_parcels_and_adds_their_weights() {
        let pickup = parse(&valid()).expect("valid");
        assert_eq!((pickup.offset_min, pickup.parcels), (120, 2));
        assert_eq!((pickup.weight_g, pickup.heaviest_g), (3_000, 2_500));
        assert_eq!(pickup.ready.to_rfc3339(), "2026-05-04T12:00:00.000Z");
        let mut in_utc = valid();
        (in_utc["ready_at"], in_utc["close_at"]) = (json!("2026-05-04T12:00:00Z"), json!("2026-05-04T16:00:00Z"));
        let told = parse(&in_utc).expect("valid");
        assert_eq!((told.offset_min, told.ready), (120, pickup.ready), "the clock at the place counts");
        assert_eq!(pickup.destination_country, "DE");
        let mut body = valid();
        body["destination_country"] = json!("us");
        assert_eq!(parse(&body).expect("valid").destination_country, "US");
    }

    #[test]
    fn a_pickup_is_neither_in_the_past_nor_more_than_two_weeks_ahead() {
        let at = |ready: &str, close: &str| {
            bad_fields(|body| (body["ready_at"], body["close_at"]) = (json!(ready), json!(close)))
        };
        assert_eq!(at("2026-05-04T11:55:00+02:00", "2026-05-04T18:00:00+02:00"), [""; 0]);
        assert_eq!(at("2026-05-04T11:54:59+02:00", "2026-05-04T18:00:00+02:00"), ["ready_at"]);
        assert_eq!(at("2026-05-04T11:56:00+02:00", "2026-05-04T12:00:00+02:00"), ["close_at"]);
        assert_eq!(at("2026-05-18T12:00:00+02:00", "2026-05-18T18:00:00+02:00"), [""; 0]);
        assert_eq!(at("2026-05-18T12:00:01+02:00", "2026-05-18T18:00:00+02:00"), ["ready_at"]);
    }

    #[test]
    fn somebody_is_there_after_the_parcels_are_ready_and_on_the_same_day_at_the_place() {
        let at = |ready: &str, close: &str| {
            bad_fields(|body| (body["ready_at"], body["close_at"]) = (json!(ready), json!(close)))
        };
        assert_eq!(at("2026-05-05T14:00:00+02:00", "2026-05-05T14:00:00+02:00"), ["close_at"]);
        assert_eq!(at("2026-05-05T14:00:00+02:00", "2026-05-06T14:00:00+02:00"), ["close_at"]);
        // One day at the place, two in UTC; and the other way round. The place is Berlin, however its times are written.
        assert_eq!(at("2026-05-05T22:30:00Z", "2026-05-05T23:30:00Z"), [""; 0]);
        assert_eq!(at("2026-05-05T21:30:00Z", "2026-05-05T22:30:00Z"), ["close_at"]);
        assert_eq!(at("2026-05-05T23:00:00+09:00", "2026-05-06T01:00:00+09:00"), [""; 0]);
        assert_eq!(at("2026-05-05T14:00:00-07:00", "2026-05-05T18:00:00-07:00"), ["close_at"]);
    }

    #[test]
    fn a_time_without_an_offset_or_with_one_that_no_place_has_is_refused_by_name() {
        for time in ["2026-05-05T14:00:00", "tomorrow", "", "2026-05-05T14:00:00+14:01", "2026-05-05T14:00:00-23:00"] {
            assert_eq!(bad_fields(|body| body["ready_at"] = json!(time)), ["ready_at"], "{time}");
        }
        // Years in which the same instant elsewhere is none that can be written.
        assert_eq!(bad_fields(|body| body["close_at"] = json!("9999-12-31T23:59:59-12:00")), ["close_at"]);
    }

    #[test]
    fn a_carrier_is_told_where_to_go_and_whom_to_ask_for() {
        assert_eq!(bad_fields(|body| body["carrier"] = json!("dpd")), ["carrier"]);
        assert_eq!(bad_fields(|body| body["contact"] = json!({})), ["contact.name", "contact.phone"]);
        let nowhere = |body: &mut Value| body["address"] = json!({"country": "DE"});
        assert_eq!(bad_fields(nowhere), ["address.street_lines", "address.city", "address.postal_code"]);
        assert_eq!(bad_fields(|body| body["destination_country"] = json!("EU")), ["destination_country"]);
        assert_eq!(bad_fields(|body| body["service"] = json!("FedEx Ground")), ["service"]);
        let mut body = valid();
        body["service"] = json!("FEDEX_GROUND");
        assert_eq!(parse(&body).expect("valid").service.as_deref(), Some("FEDEX_GROUND"));
    }

    #[test]
    fn a_pickup_has_parcels_and_not_too_many() {
        let parcel = json!({"weight": {"value": 1, "unit": "kg"}});
        assert_eq!(bad_fields(|body| body["packages"] = json!([])), ["packages"]);
        assert_eq!(bad_fields(|body| body["packages"] = json!(vec![parcel.clone(); 99])), [""; 0]);
        assert_eq!(bad_fields(|body| body["packages"] = json!(vec![parcel.clone(); 100])), ["packages"]);
        let heavy = |body: &mut Value| body["packages"][1]["weight"]["value"] = json!(70_001);
        assert_eq!(bad_fields(heavy), ["packages[1].weight.value"]);
    }
}
