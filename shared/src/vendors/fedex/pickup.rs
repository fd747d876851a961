//! Having parcels fetched, by FedEx Express or Ground. (POST /pickup/v1/pickups, PUT /pickup/v1/pickups/cancel.)

use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::wire::{AccountNumber, Address, Contact, Units, Weight};
use crate::domain::Timestamp;
use crate::domain::shipping::{PickupRequest, Territory};
use crate::vendors::lenient::text;

/// A pickup is one company's: Express fetches from everywhere, Ground in the United States and Canada only. (FedEx pickup
/// specification, `carrierCode`.)
const EXPRESS: &str = "FDXE";
const GROUND: &str = "FDXG";
/// The services that Ground carries.
const GROUND_SERVICES: [&str; 2] = ["FEDEX_GROUND", "GROUND_HOME_DELIVERY"];
/// Digits of a telephone number that FedEx calls, at least. (FedEx pickup specification.)
const PHONE_MIN_DIGITS: usize = 10;

/// Whose drivers come.
fn company(pickup: &PickupRequest) -> &'static str {
    let is_ground = pickup.service.as_deref().is_some_and(|service| GROUND_SERVICES.contains(&service));
    if is_ground { GROUND } else { EXPRESS }
}

/// Whether there is a telephone number that FedEx takes.
pub(super) fn has_phone(pickup: &PickupRequest) -> bool {
    let digits = |phone: &str| phone.chars().filter(char::is_ascii_digit).count();
    pickup.party.phone.as_ref().is_some_and(|phone| digits(phone.expose()) >= PHONE_MIN_DIGITS)
}
/// Between the confirmation's number and the place that gave it: canceling wants both, and they are told as one.
const AT: char = '@';

/// The place's own time. FedEx ignores the zone, and its format has a `Z` all the same.
const LOCAL: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const TIME_OF_DAY: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    associated_account_number: AccountNumber,
    origin_detail: Origin<'a>,
    total_weight: Weight,
    package_count: u32,
    carrier_code: &'static str,
    country_relationships: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Origin<'a> {
    pickup_address_type: &'static str,
    pickup_location: Location<'a>,
    ready_date_timestamp: String,
    customer_close_time: String,
    pickup_date_type: &'static str,
}

#[derive(Debug, Serialize)]
struct Location<'a> {
    contact: Contact<'a>,
    address: Address<'a>,
}

pub(super) fn request<'a>(pickup: &'a PickupRequest, now: Timestamp, account: &str) -> Request<'a> {
    let (place, offset) = (&pickup.party.address, pickup.offset_min);
    let is_today = written(now, offset, DAY) == written(pickup.ready, offset, DAY);
    let from = Territory::of(place).code;
    let is_domestic = pickup.destination_country == from || pickup.destination_country == place.country;
    Request {
        associated_account_number: AccountNumber::of(account),
        origin_detail: Origin {
            pickup_address_type: "OTHER",
            pickup_location: Location {
                contact: Contact::without_mail(&pickup.party),
                address: Address { residential: None, ..Address::of(place) },
            },
            ready_date_timestamp: written(pickup.ready, offset, LOCAL),
            customer_close_time: written(pickup.close, offset, TIME_OF_DAY),
            pickup_date_type: if is_today { "SAME_DAY" } else { "FUTURE_DAY" },
        },
        total_weight: Weight::of(pickup.weight_mg(), Units::in_country(from)),
        package_count: pickup.parcels,
        carrier_code: company(pickup),
        country_relationships: if is_domestic { "DOMESTIC" } else { "INTERNATIONAL" },
    }
}

/// A time at a place with this offset, in minutes.
fn written(at: Timestamp, offset_min: i16, format: &[BorrowedFormatItem<'_>]) -> String {
    let offset = UtcOffset::from_whole_seconds(i32::from(offset_min) * 60).unwrap_or(UtcOffset::UTC);
    let at = OffsetDateTime::from_unix_timestamp(at.seconds()).ok();
    at.and_then(|at| at.to_offset(offset).format(format).ok()).unwrap_or_default()
}

/// The confirmation's number with the place that gave it.
pub(super) fn read(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answered {
        output: Output,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Output {
        #[serde(default, deserialize_with = "text")]
        pickup_confirmation_code: Option<String>,
        #[serde(default, deserialize_with = "text")]
        location: Option<String>,
    }
    let Output { pickup_confirmation_code, location } = serde_json::from_slice::<Answered>(body).ok()?.output;
    let code = pickup_confirmation_code?;
    Some(location.map_or_else(|| code.clone(), |location| format!("{code}{AT}{location}")))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cancel<'a> {
    associated_account_number: AccountNumber,
    pickup_confirmation_code: &'a str,
    carrier_code: &'static str,
    scheduled_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
}

impl<'a> Cancel<'a> {
    pub(super) fn of(confirmation: &'a str, pickup: &PickupRequest, account: &str) -> Self {
        let (code, location) =
            confirmation.split_once(AT).map_or((confirmation, None), |(code, location)| (code, Some(location)));
        Self {
            associated_account_number: AccountNumber::of(account),
            pickup_confirmation_code: code,
            carrier_code: company(pickup),
            scheduled_date: written(pickup.ready, pickup.offset_min, DAY),
            location,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::wire::sample;
    use super::*;
    use crate::domain::shipping::Carrier;

    fn pickup() -> PickupRequest {
        PickupRequest {
            carrier: Carrier::Fedex,
            party: sample::domestic().shipper,
            ready: Timestamp::parse_rfc3339("2025-05-02T23:30:00-05:00").expect("a time"),
            close: Timestamp::parse_rfc3339("2025-05-02T23:45:00-05:00").expect("a time"),
            offset_min: -300,
            parcels: 3,
            weight_g: 4_540,
            weight_mg: None,
            heaviest_g: 1_600,
            heaviest_mg: None,
            destination_country: "NO".to_owned(),
            service: None,
        }
    }

    #[test]
    fn times_are_the_places_own() {
        let pickup = pickup();
        let origin = |now: &str| {
            let now = Timestamp::parse_rfc3339(now).expect("a time");
            json!(request(&pickup, now, sample::ACCOUNT))["originDetail"].take()
        };
        let today = origin("2025-05-03T04:00:00Z");
        assert_eq!(today["readyDateTimestamp"], "2025-05-02T23:30:00Z");
        assert_eq!(today["customerCloseTime"], "23:45:00");
        assert_eq!(today["pickupDateType"], "SAME_DAY");
        assert_eq!(origin("2025-05-01T23:00:00Z")["pickupDateType"], "FUTURE_DAY");
    }

    #[test]
    fn what_is_fetched_is_counted_and_weighed() {
        let sent = json!(request(&pickup(), Timestamp::default(), sample::ACCOUNT));
        assert_eq!((&sent["packageCount"], &sent["totalWeight"]), (&json!(3), &json!({"units": "LB", "value": 10.1})));
        assert_eq!((&sent["countryRelationships"], &sent["carrierCode"]), (&json!("INTERNATIONAL"), &json!("FDXE")));
    }

    #[test]
    fn ground_fetches_its_own_parcels() {
        for (service, company) in [
            (None, "FDXE"),
            (Some("FEDEX_2_DAY"), "FDXE"),
            (Some("FEDEX_GROUND"), "FDXG"),
            (Some("GROUND_HOME_DELIVERY"), "FDXG"),
        ] {
            let pickup = PickupRequest { service: service.map(str::to_owned), ..pickup() };
            let sent = json!(request(&pickup, Timestamp::default(), sample::ACCOUNT));
            assert_eq!(sent["carrierCode"], company, "{service:?}");
            assert_eq!(json!(Cancel::of("7@COSA", &pickup, sample::ACCOUNT))["carrierCode"], company, "{service:?}");
        }
        let mut short = pickup();
        short.party.phone = Some("+298123456".to_owned().into());
        assert!(has_phone(&pickup()) && !has_phone(&short));
    }

    #[test]
    fn a_confirmation_is_told_with_its_place_and_taken_back_with_both() {
        let read = |json: serde_json::Value| read(json.to_string().as_bytes());
        assert_eq!(
            read(json!({"output": {"pickupConfirmationCode": "7", "location": "COSA"}})).as_deref(),
            Some("7@COSA")
        );
        assert_eq!(read(json!({"output": {"pickupConfirmationCode": 3001}})).as_deref(), Some("3001"));
        assert_eq!(read(json!({"output": {"message": "?"}})), None);
        let pickup = pickup();
        let canceled = json!(Cancel::of("7@COSA", &pickup, sample::ACCOUNT));
        assert_eq!((&canceled["pickupConfirmationCode"], &canceled["location"]), (&json!("7"), &json!("COSA")));
        assert_eq!(canceled["scheduledDate"], "2025-05-02");
        assert_eq!(json!(Cancel::of("3001", &pickup, sample::ACCOUNT)).get("location"), None);
    }
}
