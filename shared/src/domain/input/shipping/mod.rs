//! `POST /rates`, `POST /shipments`, `POST /addresses/validate` and `POST /pickups`.

#[cfg(test)]
mod bodies;
mod customs;
mod parcel;
mod party;
mod pickup;
mod rates;
mod shipment;

use std::time::Duration;

use self::customs::RawCustoms;
use self::parcel::RawParcel;
use self::party::RawParty;
use super::{Findings, Object};
use crate::domain::shipping::{Consignment, CustomsItem, Day, Territory};
use crate::domain::{OrderId, Timestamp};

pub use self::party::ValidateAddress;
pub use self::rates::QuoteRates;
pub use self::shipment::{Choice, CreateShipment};

/// Longest line on a label (a name, a street, a city, an invoice's number), in characters: UPS prints no more.
const LINE_MAX_CHARS: usize = 35;
/// How far ahead a parcel may be announced, in days: FedEx and DHL take no more.
const SHIP_DATE_AHEAD_DAYS: i64 = 10;
/// The day ends so much later than in UTC where it ends last on Earth.
const LAST_MIDNIGHT: Duration = Duration::from_secs(12 * 3_600);
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
    customs: Option<Object<RawCustoms>>,
}

impl RawConsignment {
    fn checked(self, used: Use, order: Option<&OrderId>, now: Timestamp, bad: &mut Findings) -> Option<Consignment> {
        let shipper = self.shipper.checked("shipper.", used, bad);
        let recipient = self.recipient.checked("recipient.", used, bad);
        let parcels = parcel::parcels(self.packages, bad);
        let ship_date = bad.ship_date(self.ship_date.as_deref(), now);
        let declares = self.customs.is_some();
        let customs = self.customs.map(|Object(customs)| customs.checked(order, bad));
        let (shipper, recipient) = (shipper?, recipient?);
        let (from, to) = (Territory::of(&shipper.address), Territory::of(&recipient.address));
        let has_to_declare = !from.shares_customs_with(to);
        bad.unless(declares || !has_to_declare, "customs", "is required between these places");
        let customs = customs.map_or(Some(None), |customs| customs.map(Some));
        let consignment =
            Consignment { shipper, recipient, parcels: parcels?, ship_date: ship_date?, customs: customs? };
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

    /// The day on which it is handed over; today in UTC when the shop does not say.
    fn ship_date(&mut self, text: Option<&str>, now: Timestamp) -> Option<Day> {
        let (today, earliest) = (Day::of(now)?, Day::of(now.minus(LAST_MIDNIGHT))?);
        let Some(text) = text else { return Some(today) };
        let day = Day::parse(text);
        self.unless(day.is_some(), "ship_date", "must be a day, like 2026-05-04");
        let day = day?;
        self.unless(day >= earliest, "ship_date", "must not be in the past");
        let is_near = day.days_since(today) <= SHIP_DATE_AHEAD_DAYS;
        self.unless(is_near, "ship_date", "must be at most 10 days ahead");
        Some(day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::bodies::{NOW, abroad, bought, label, named, quote, quoted, with};
    use super::*;
    use crate::domain::shipping::PickupRequest;

    #[test]
    fn a_parcel_is_handed_over_today_somewhere_on_earth_or_in_the_next_ten_days() {
        let on = |day: &str| with(quoted, quote(), "/ship_date", json!(day));
        assert_eq!((on("2026-05-04"), on("2026-05-14")), (vec![], vec![]));
        for bad in ["2026-05-02", "2026-05-15", "2026-02-30", "tomorrow", "2026-05-04T00:00:00Z", ""] {
            assert_eq!(on(bad), ["ship_date"], "{bad}");
        }
        // At 10:00 UTC it is still the day before on Baker Island, at 12:00 no longer.
        assert_eq!(on("2026-05-03"), [""; 0]);
        let mut body = quote();
        body["ship_date"] = json!("2026-05-03");
        let noon = NOW.plus(Duration::from_secs(2 * 3_600));
        assert_eq!(named(QuoteRates::parse(body.to_string().as_bytes(), noon)), ["ship_date"]);
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
