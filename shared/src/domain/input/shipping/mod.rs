//! `POST /rates`, `POST /shipments`, `POST /addresses/validate` and `POST /pickups`.

#[cfg(test)]
mod bodies;
mod customs;
mod parcel;
mod party;
mod pickup;
mod rates;
mod shipment;

use self::customs::RawCustoms;
use self::parcel::RawParcel;
use self::party::RawParty;
use super::{Findings, Object};
use crate::domain::shipping::{Address, Consignment, CustomsItem, Day, Territory, zone};
use crate::domain::{OrderId, Timestamp};

pub use self::party::ValidateAddress;
pub use self::rates::QuoteRates;
pub use self::shipment::{Choice, CreateShipment};

/// Longest line on a label (a name, a street, a city, an invoice's number), in characters: UPS prints no more.
const LINE_MAX_CHARS: usize = Address::LINE_MAX_CHARS;
/// How far ahead a parcel may be announced, in days: FedEx and DHL take no more.
const SHIP_DATE_AHEAD_DAYS: i64 = 10;
/// What a carrier must be.
const CARRIER: &str = "must be fedex, ups or dhl";

/// What an address is needed for, and so how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A price: where it is.
    Quote,
    /// A label, a visit: also the street, and whom to ask for.
    Label,
}

/// What both a quote and a label are asked with.
struct RawConsignment {
    shipper: RawParty,
    recipient: RawParty,
    packages: Vec<Object<RawParcel>>,
    ship_date: Option<String>,
    ship_at: Option<String>,
    customs: Option<Object<RawCustoms>>,
}

impl RawConsignment {
    fn checked(self, used: Use, order: Option<&OrderId>, now: Timestamp, bad: &mut Findings) -> Option<Consignment> {
        let shipper = self.shipper.checked("shipper.", used, bad);
        let recipient = self.recipient.checked("recipient.", used, bad);
        let parcels = parcel::parcels(self.packages, bad);
        let from = shipper.as_ref().map(|shipper| &shipper.address);
        let at = self.ship_at.as_deref().map(|text| bad.ship_at(text, from, now));
        bad.unless(self.ship_date.is_none() || at.is_none(), "ship_at", "must not be given with ship_date");
        let ship_date = match (at, from) {
            (Some(at), Some(from)) => at.and_then(|at| zone::day(from, at)),
            (_, from) => bad.ship_date(self.ship_date.as_deref(), from, now),
        };
        let ship_at = at.flatten();
        let declares = self.customs.is_some();
        let customs = self.customs.map(|Object(customs)| customs.checked(order, bad));
        let (shipper, recipient) = (shipper?, recipient?);
        let (from, to) = (Territory::of(&shipper.address), Territory::of(&recipient.address));
        let has_to_declare = !from.shares_customs_with(to);
        bad.unless(declares || !has_to_declare, "customs", "is required between these places");
        let customs = customs.map_or(Some(None), |customs| customs.map(Some));
        let consignment =
            Consignment { shipper, recipient, parcels: parcels?, ship_date: ship_date?, ship_at, customs: customs? };
        let declared = consignment.customs.iter().flat_map(|customs| &customs.items);
        let fits = declared.map(CustomsItem::weight_mg).sum::<u64>() <= consignment.weight_mg();
        bad.unless(fits, "customs.items", "must not weigh more than the packages that they are in");
        Some(consignment)
    }
}

impl Findings {
    fn order_id(&mut self, text: &str) -> Option<OrderId> {
        let id = OrderId::parse(text);
        self.unless(id.is_some(), "order_id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ : ~ -");
        id
    }

    /// When it is handed over, with an offset. Only the day may not be over: the same request may come again hours later.
    fn ship_at(&mut self, text: &str, from: Option<&Address>, now: Timestamp) -> Option<Timestamp> {
        let at = Timestamp::parse_rfc3339(text);
        self.unless(
            at.is_some(),
            "ship_at",
            "must be an RFC 3339 time with its offset, like 2026-05-04T14:00:00+02:00",
        );
        let at = at?;
        let day = |at| from.map_or_else(|| Day::of(at), |from| zone::day(from, at));
        let (day, today) = (day(at)?, day(now)?);
        self.unless(day >= today, "ship_at", "must not be in the past");
        let is_near = day.days_since(today) <= SHIP_DATE_AHEAD_DAYS;
        self.unless(is_near, "ship_at", "must be at most 10 days ahead");
        Some(at)
    }

    /// The day on which it is handed over, by the calendar at the shipper's; today there when the shop does not say.
    fn ship_date(&mut self, text: Option<&str>, from: Option<&Address>, now: Timestamp) -> Option<Day> {
        let today = from.map_or_else(|| Day::of(now), |from| zone::day(from, now))?;
        let Some(text) = text else { return Some(today) };
        let day = Day::parse(text);
        self.unless(day.is_some(), "ship_date", "must be a day, like 2026-05-04");
        let day = day?;
        self.unless(day >= today, "ship_date", "must not be in the past");
        let is_near = day.days_since(today) <= SHIP_DATE_AHEAD_DAYS;
        self.unless(is_near, "ship_date", "must be at most 10 days ahead");
        Some(day)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::bodies::{NOW, abroad, bought, label, named, quote, quoted, with};
    use super::*;
    use crate::domain::shipping::PickupRequest;

    #[test]
    fn a_parcel_is_handed_over_today_at_the_shipper_s_or_in_the_next_ten_days() {
        let on = |day: &str| with(quoted, quote(), "/ship_date", json!(day));
        assert_eq!((on("2026-05-04"), on("2026-05-14")), (vec![], vec![]));
        for bad in ["2026-05-03", "2026-05-15", "2026-02-30", "tomorrow", "2026-05-04T00:00:00Z", ""] {
            assert_eq!(on(bad), ["ship_date"], "{bad}");
        }
        // At half past ten in the evening in UTC it is tomorrow in Berlin, and still today in Memphis.
        let late = NOW.plus(Duration::from_secs(12 * 3_600 + 1_800));
        let at = |address: Value, day: Value| {
            let mut body = quote();
            (body["shipper"]["address"], body["recipient"]["address"]) = (address.clone(), address);
            body["ship_date"] = day;
            QuoteRates::parse(body.to_string().as_bytes(), late)
        };
        let berlin = json!({"postal_code": "10115", "country": "DE"});
        let memphis = json!({"postal_code": "38116", "state": "TN", "country": "US"});
        for (place, day) in [(&berlin, "2026-05-05"), (&memphis, "2026-05-04")] {
            let unsaid = at(place.clone(), json!(null)).expect("valid").consignment;
            assert_eq!(unsaid.ship_date.to_string(), day, "{place}");
            assert_eq!(named(at(place.clone(), json!(day))), [""; 0], "{place}");
        }
        assert_eq!(named(at(berlin, json!("2026-05-04"))), ["ship_date"]);
        assert_eq!(named(at(memphis, json!("2026-05-03"))), ["ship_date"]);
    }

    #[test]
    fn a_time_of_handing_over_has_an_offset_and_its_day_is_the_one_at_the_shipper_s() {
        let at = |text: &str| {
            let mut body = quote();
            body["ship_at"] = json!(text);
            quoted(&body)
        };
        let consignment = at("2026-05-04T22:30:00Z").expect("valid").consignment;
        assert_eq!(consignment.ship_date.to_string(), "2026-05-05", "half past midnight in Berlin");
        assert_eq!(consignment.ship_at.map(Timestamp::to_rfc3339).as_deref(), Some("2026-05-04T22:30:00.000Z"));
        assert!(at("2026-05-04T09:00:00Z").is_ok(), "the request of an hour ago comes again");
        for bad in ["2026-05-04T22:30:00", "2026-05-03T21:00:00Z", "2026-05-20T12:00:00Z", "tomorrow"] {
            assert_eq!(named(at(bad)), ["ship_at"], "{bad}");
        }
        let mut both = quote();
        (both["ship_at"], both["ship_date"]) = (json!("2026-05-04T22:30:00Z"), json!("2026-05-05"));
        assert_eq!(named(quoted(&both)), ["ship_at"]);
    }

    #[test]
    fn what_a_storefront_adds_that_we_do_not_know_is_left_alone() {
        let mut body = label();
        body["gift_wrap"] = json!(true);
        body["recipient"]["address"]["floor"] = json!(3);
        assert!(bought(&body).is_ok());
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}|[0-9]{13,19}|[0-9+:TZ-]{0,30}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    /// Every place in a body.
    fn places(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(name, v)| places(v, &format!("{at}/{name}"), all)),
            Value::Array(items) => items.iter().enumerate().for_each(|(n, v)| places(v, &format!("{at}/{n}"), all)),
            _ => {}
        }
    }

    fn any_parser(body: &[u8], now: Timestamp) {
        let _ = QuoteRates::parse(body, now);
        let _ = CreateShipment::parse(body, now);
        let _ = ValidateAddress::parse(body);
        let _ = PickupRequest::parse(body, now);
    }

    proptest! {
        #[test]
        fn no_body_of_any_shape_panics(body in json_value(), bytes in any::<Vec<u8>>(), now in any::<i64>()) {
            any_parser(body.to_string().as_bytes(), Timestamp::from_ms(now));
            any_parser(&bytes, Timestamp::from_ms(now));
        }

        #[test]
        fn whatever_stands_at_any_place_of_a_good_body_is_taken_or_refused_as_input(
            which in 0usize..3, place in any::<prop::sample::Index>(), value in json_value(),
        ) {
            let pickup = json!({"carrier": "ups", "address": label()["shipper"]["address"], "contact": {"name": "Ann",
                "phone": "+491711234567"}, "ready_at": "2026-05-04T14:00:00+02:00",
                "close_at": "2026-05-04T18:00:00+02:00", "packages": quote()["packages"]});
            let mut bodies = [abroad(), label(), pickup];
            let mut all = Vec::new();
            places(&bodies[which], "", &mut all);
            *bodies[which].pointer_mut(&all[place.index(all.len())]).expect("a place") = value;
            let body = bodies[which].to_string();
            let refused = match which {
                0 => QuoteRates::parse(body.as_bytes(), NOW).err(),
                1 => CreateShipment::parse(body.as_bytes(), NOW).err(),
                _ => PickupRequest::parse(body.as_bytes(), NOW).err(),
            };
            prop_assert!(refused.is_none_or(|error| error.is_rejected() && !error.fields.is_empty()));
        }
    }
}
