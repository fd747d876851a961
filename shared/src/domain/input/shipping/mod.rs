//! `POST /rates`, `POST /shipments`, `POST /addresses/validate` and `POST /pickups`.

mod customs;
mod parcel;
mod party;
mod pickup;

use std::time::Duration;

use self::customs::RawCustoms;
use self::parcel::RawParcel;
use self::party::{RawAddress, RawParty};
use super::{Findings, Object, findings_incomplete, json};
use crate::domain::shipping::{Address, Carrier, Consignment, Day, country};
use crate::domain::{OrderId, QuoteId, Timestamp};
use crate::error::Result;

/// Longest line on a label (a name, a street, a city, an invoice's number), in characters: UPS prints no more.
const LINE_MAX_CHARS: usize = 35;
/// How long a storefront may let us ask the carriers, in milliseconds: below it none of them answers, above it shoppers
/// are gone.
const DEADLINE_MS: std::ops::RangeInclusive<u64> = 100..=2_500;
/// How far ahead a parcel may be announced, in days: FedEx takes ten, UPS and DHL no fewer.
const SHIP_DATE_AHEAD_DAYS: i64 = 10;
/// The day ends so much later than in UTC where it ends last on Earth.
const LAST_MIDNIGHT: Duration = Duration::from_secs(12 * 3_600);
/// Longest reference of a parcel, in characters: the carriers' reference fields have 35.
const PARCEL_REF_MAX_CHARS: usize = 35;
/// The reference of an order's only parcel.
const ONLY_PARCEL: &str = "1";
/// Longest code of a service, in characters: FedEx's longest has 48.
const SERVICE_MAX_CHARS: usize = 50;
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

/// `POST /rates`, checked.
#[derive(Clone, Debug)]
pub struct QuoteRates {
    /// For which order, when there is one already.
    pub order_id: Option<OrderId>,
    /// What is to be sent. Names, phones and streets may be missing: the name and the city are empty then, and there is
    /// no line of a street.
    pub consignment: Consignment,
    /// Whom to ask: at least one, each once.
    pub carriers: Vec<Carrier>,
    /// How long to wait for them; none: as long as it takes at most.
    pub deadline: Option<Duration>,
}

/// What a label is bought of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What was quoted under this id.
    Quote(QuoteId),
    /// A service of a carrier, at whatever it costs.
    Service {
        /// Whose.
        carrier: Carrier,
        /// The carrier's own code of it.
        service: String,
    },
}

/// `POST /shipments`, checked.
#[derive(Clone, Debug)]
pub struct CreateShipment {
    /// The shop's order.
    pub order_id: OrderId,
    /// Which of the order's parcels, in the shop's words.
    pub parcel_ref: String,
    /// What to buy.
    pub choice: Choice,
    /// What is to be sent.
    pub consignment: Consignment,
    /// Whether another carrier may do it when this one cannot.
    pub allow_fallback: bool,
}

/// `POST /addresses/validate`, checked.
#[derive(Clone, Debug)]
pub struct ValidateAddress {
    /// What to look at.
    pub address: Address,
    /// Whom to ask.
    pub carrier: Carrier,
}

#[derive(serde::Deserialize)]
struct RawRates {
    order_id: Option<String>,
    shipper: Object<RawParty>,
    recipient: Object<RawParty>,
    packages: Vec<Object<RawParcel>>,
    ship_date: Option<String>,
    carriers: Option<Vec<String>>,
    customs: Option<Object<RawCustoms>>,
    deadline_ms: Option<u64>,
}

#[derive(serde::Deserialize)]
struct RawShipment {
    order_id: String,
    parcel_ref: Option<String>,
    quote_id: Option<String>,
    carrier: Option<String>,
    service: Option<String>,
    shipper: Object<RawParty>,
    recipient: Object<RawParty>,
    packages: Vec<Object<RawParcel>>,
    ship_date: Option<String>,
    customs: Option<Object<RawCustoms>>,
    #[serde(default)]
    allow_fallback: bool,
}

#[derive(serde::Deserialize)]
struct RawValidation {
    address: Object<RawAddress>,
    carrier: Option<String>,
}

/// What both a quote and a label are asked with.
struct RawConsignment {
    shipper: RawParty,
    recipient: RawParty,
    packages: Vec<Object<RawParcel>>,
    ship_date: Option<String>,
    customs: Option<Object<RawCustoms>>,
}

impl QuoteRates {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawRates = json(body)?;
        let mut bad = Findings::default();
        let order_id = raw.order_id.as_deref().and_then(|id| bad.order_id(id));
        let carriers = bad.carriers(raw.carriers);
        let deadline_fits = raw.deadline_ms.is_none_or(|ms| DEADLINE_MS.contains(&ms));
        bad.unless(deadline_fits, "deadline_ms", "must be 100 to 2500");
        let consignment = RawConsignment {
            shipper: raw.shipper.0,
            recipient: raw.recipient.0,
            packages: raw.packages,
            ship_date: raw.ship_date,
            customs: raw.customs,
        };
        let consignment = consignment.checked(Use::Quote, order_id.as_ref(), now, &mut bad);
        bad.into_result()?;
        let consignment = consignment.ok_or_else(findings_incomplete)?;
        Ok(Self { order_id, consignment, carriers, deadline: raw.deadline_ms.map(Duration::from_millis) })
    }
}

impl CreateShipment {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawShipment = json(body)?;
        let mut bad = Findings::default();
        let order_id = bad.order_id(&raw.order_id);
        let parcel_ref = raw.parcel_ref.unwrap_or_else(|| ONLY_PARCEL.to_owned());
        let is_ref = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let fits = (1..=PARCEL_REF_MAX_CHARS).contains(&parcel_ref.len()) && parcel_ref.chars().all(is_ref);
        bad.unless(fits, "parcel_ref", "must be 1 to 35 characters of A-Z a-z 0-9 . _ -");
        let choice = bad.choice(raw.quote_id.as_deref(), raw.carrier.as_deref(), raw.service);
        let consignment = RawConsignment {
            shipper: raw.shipper.0,
            recipient: raw.recipient.0,
            packages: raw.packages,
            ship_date: raw.ship_date,
            customs: raw.customs,
        };
        let consignment = consignment.checked(Use::Label, order_id.as_ref(), now, &mut bad);
        bad.into_result()?;
        let (Some(order_id), Some(choice), Some(consignment)) = (order_id, choice, consignment) else {
            return Err(findings_incomplete());
        };
        Ok(Self { order_id, parcel_ref, choice, consignment, allow_fallback: raw.allow_fallback })
    }
}

impl ValidateAddress {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawValidation = json(body)?;
        let mut bad = Findings::default();
        let address = raw.address.0.checked("address.", Use::Label, &mut bad);
        let carrier = raw.carrier.as_deref().map_or(Some(Carrier::Fedex), Carrier::parse);
        bad.unless(carrier.is_some(), "carrier", CARRIER);
        bad.into_result()?;
        let (Some(address), Some(carrier)) = (address, carrier) else { return Err(findings_incomplete()) };
        Ok(Self { address, carrier })
    }
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
        let has_to_declare = !country::shares_customs(&shipper.address.country, &recipient.address.country);
        bad.unless(declares || !has_to_declare, "customs", "is required between these countries");
        let customs = customs.map_or(Some(None), |customs| customs.map(Some));
        let consignment =
            Consignment { shipper, recipient, parcels: parcels?, ship_date: ship_date?, customs: customs? };
        let declared_g = consignment.customs.iter().flat_map(|customs| &customs.items);
        let declared_g: u64 = declared_g.map(|item| u64::from(item.quantity) * u64::from(item.unit_weight_g)).sum();
        let fits = declared_g <= consignment.weight_g();
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

    /// Whom to ask; everybody when nobody is named. Each once.
    fn carriers(&mut self, names: Option<Vec<String>>) -> Vec<Carrier> {
        let Some(names) = names else { return Carrier::ALL.to_vec() };
        let most = Carrier::ALL.len();
        self.unless((1..=most).contains(&names.len()), "carriers", "must be one to three carriers");
        let mut carriers = Vec::with_capacity(most);
        for (n, name) in names.iter().take(most).enumerate() {
            let carrier = Carrier::parse(name);
            self.unless(carrier.is_some(), &format!("carriers[{n}]"), CARRIER);
            carriers.extend(carrier.filter(|carrier| !carriers.contains(carrier)));
        }
        carriers
    }

    fn choice(&mut self, quote: Option<&str>, carrier: Option<&str>, service: Option<String>) -> Option<Choice> {
        if let Some(quote) = quote {
            let alone = carrier.is_none() && service.is_none();
            self.unless(alone, "quote_id", "must not be given with carrier and service");
            let id = QuoteId::parse(quote);
            self.unless(id.is_some(), "quote_id", "is not a quote's id");
            return id.map(Choice::Quote);
        }
        if carrier.is_none() && service.is_none() {
            self.unless(false, "quote_id", "is required, or carrier and service");
            return None;
        }
        let known = carrier.and_then(Carrier::parse);
        self.unless(known.is_some(), "carrier", CARRIER);
        let is_code = |code: &String| {
            (1..=SERVICE_MAX_CHARS).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let service = service.filter(is_code);
        self.unless(service.is_some(), "service", "must be 1 to 50 characters of A-Z a-z 0-9 _");
        Some(Choice::Service { carrier: known?, service: service? })
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

    use super::*;
    use crate::domain::shipping::{Dimensions, Incoterm, Parcel, PickupRequest};

    /// 2026-05-04T10:00:00Z.
    const NOW: Timestamp = Timestamp::from_seconds(1_777_888_800);

    fn quote() -> Value {
        json!({
            "shipper": {"address": {"postal_code": "10115", "country": "DE"}},
            "recipient": {"address": {"postal_code": "75008", "country": "FR"}},
            "packages": [{"weight": {"value": 2.5, "unit": "kg"}}],
        })
    }

    fn label() -> Value {
        let party = |name: &str, phone: &str| {
            json!({"name": name, "phone": phone, "address": {"street_lines": ["Hauptstr. 1"], "city": "Berlin",
                "postal_code": "10115", "country": "DE"}})
        };
        json!({
            "order_id": "o-1",
            "carrier": "ups",
            "service": "11",
            "shipper": party("Shop", "+491711234567"),
            "recipient": party("Ada Lovelace", "+491711234568"),
            "packages": [{"weight": {"value": 2.5, "unit": "kg"}}],
        })
    }

    fn item() -> Value {
        json!({"description": "Books", "quantity": 2, "unit_value": {"value": 1099, "currency": "EUR"},
            "unit_weight": {"value": 400, "unit": "g"}, "origin_country": "DE"})
    }

    fn abroad() -> Value {
        let mut body = quote();
        body["recipient"]["address"] = json!({"postal_code": "10001", "state": "NY", "country": "US"});
        body["customs"] = json!({"items": [item()]});
        body
    }

    fn quoted(body: &Value) -> Result<QuoteRates> {
        QuoteRates::parse(body.to_string().as_bytes(), NOW)
    }

    fn bought(body: &Value) -> Result<CreateShipment> {
        CreateShipment::parse(body.to_string().as_bytes(), NOW)
    }

    fn named<T>(parsed: Result<T>) -> Vec<String> {
        parsed.err().map(|error| error.fields.into_iter().map(|f| f.field).collect()).unwrap_or_default()
    }

    /// The bad fields of a body with something else at one place.
    fn with<T>(parse: fn(&Value) -> Result<T>, mut body: Value, path: &str, value: Value) -> Vec<String> {
        let (parent, name) = path.rsplit_once('/').expect("a path");
        let place = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
        match name.parse::<usize>() {
            Ok(n) => place[n] = value,
            Err(_) => place[name] = value,
        }
        named(parse(&body))
    }

    #[test]
    fn a_quote_needs_no_more_than_two_places_and_a_parcel() {
        let parsed = quoted(&quote()).expect("valid");
        assert_eq!(parsed.carriers, Carrier::ALL);
        assert_eq!((parsed.order_id, parsed.deadline), (None, None));
        let consignment = parsed.consignment;
        assert_eq!(consignment.ship_date.to_string(), "2026-05-04");
        assert_eq!(consignment.parcels, [Parcel { weight_g: 2_500, dimensions: None }]);
        assert_eq!(consignment.shipper.name.expose(), "");
        assert!(consignment.customs.is_none(), "within the European Union nothing is declared");
    }

    #[test]
    fn a_label_needs_name_phone_and_street_of_both_sides() {
        assert!(bought(&label()).is_ok());
        let mut body = label();
        body["shipper"] = quote()["shipper"].clone();
        body["recipient"] = json!({"name": " ", "phone": "", "address": {"street_lines": [" "], "city": "",
            "postal_code": "1", "country": "DE"}});
        let missing = ["address.street_lines", "address.city", "name", "phone"];
        let expected: Vec<String> =
            ["shipper", "recipient"].iter().flat_map(|side| missing.map(|field| format!("{side}.{field}"))).collect();
        assert_eq!(named(bought(&body)), expected);
    }

    #[test]
    fn a_country_is_one_of_iso_3166_in_either_case() {
        for code in ["XX", "UK", "DEU", "", "D"] {
            let named = with(quoted, quote(), "/shipper/address/country", json!(code));
            assert_eq!(named, ["shipper.address.country"], "{code}");
        }
        let mut body = quote();
        body["shipper"]["address"]["country"] = json!("at");
        assert_eq!(quoted(&body).expect("valid").consignment.shipper.address.country, "AT");
    }

    #[test]
    fn a_postal_code_is_required_where_the_country_has_such_and_else_the_city() {
        let at = |address: Value| with(quoted, abroad(), "/recipient/address", address);
        assert_eq!(at(json!({"country": "CH"})), ["recipient.address.postal_code"]);
        assert_eq!(at(json!({"country": "CH", "postal_code": " "})), ["recipient.address.postal_code"]);
        assert_eq!(at(json!({"country": "HK"})), ["recipient.address.city"]);
        assert_eq!(at(json!({"country": "HK", "city": "Kowloon"})), [""; 0]);
        for bad in ["12345-67890", "10115\n1", "1011é"] {
            let named = at(json!({"country": "CH", "postal_code": bad}));
            assert_eq!(named, ["recipient.address.postal_code"], "{bad}");
        }
    }

    #[test]
    fn a_state_is_required_where_the_carriers_ask_for_it() {
        for country in ["US", "CA", "PR", "VN"] {
            let address = json!({"country": country, "postal_code": "10001"});
            let named = with(quoted, abroad(), "/recipient/address", address);
            assert_eq!(named, ["recipient.address.state"], "{country}");
        }
        for bad in ["New York", "NY!", " NY", "NEWYOR"] {
            let named = with(quoted, abroad(), "/recipient/address/state", json!(bad));
            assert_eq!(named, ["recipient.address.state"], "{bad}");
        }
        let mut body = abroad();
        body["recipient"]["address"]["state"] = json!("ny");
        let address = quoted(&body).expect("valid").consignment.recipient.address;
        assert_eq!(address.state.as_deref(), Some("NY"));
    }

    #[test]
    fn a_line_of_a_label_has_35_characters_and_no_control_characters_and_no_card_number() {
        let lines = ["name", "company", "address.city", "address.street_lines[0]"];
        for line in lines {
            let path = format!("/recipient/{}", line.replace(['.', '['], "/").replace(']', ""));
            let field = format!("recipient.{line}");
            assert_eq!(with(bought, label(), &path, json!("ü".repeat(35))), [""; 0], "{line}");
            for bad in ["ü".repeat(36), "a\u{0}b".to_owned(), "4242 4242 4242 4242".to_owned()] {
                assert_eq!(with(bought, label(), &path, json!(bad)), [field.as_str()], "{line}: {bad}");
            }
        }
    }

    #[test]
    fn a_street_has_at_most_three_lines_of_which_empty_ones_do_not_count() {
        let path = "/recipient/address/street_lines";
        assert_eq!(with(bought, label(), path, json!(["a", "b", "c"])), [""; 0]);
        assert_eq!(with(bought, label(), path, json!(["a", "b", "c", "d"])), ["recipient.address.street_lines"]);
        let mut body = label();
        body["recipient"]["address"]["street_lines"] = json!([" Am Markt 2 ", "", "c/o Bob"]);
        let lines = bought(&body).expect("valid").consignment.recipient.address.street_lines;
        assert_eq!(lines.iter().map(|line| line.expose().as_str()).collect::<Vec<_>>(), ["Am Markt 2", "c/o Bob"]);
    }

    #[test]
    fn phones_and_mail_addresses_are_checked_and_normalised() {
        assert_eq!(with(bought, label(), "/shipper/phone", json!("0171 1234567")), ["shipper.phone"]);
        assert_eq!(with(bought, label(), "/shipper/email", json!("nobody")), ["shipper.email"]);
        let mut body = label();
        (body["shipper"]["phone"], body["shipper"]["email"]) = (json!("+49 171 1234567"), json!("Ada@Example.com"));
        let shipper = bought(&body).expect("valid").consignment.shipper;
        let text = |text: Option<&crate::domain::Private<String>>| text.map(|text| text.expose().clone());
        assert_eq!(text(shipper.phone.as_ref()).as_deref(), Some("+491711234567"));
        assert_eq!(text(shipper.email.as_ref()).as_deref(), Some("Ada@example.com"));
    }

    #[test]
    fn a_weight_is_a_number_above_zero_with_at_most_three_decimals_and_not_above_70_kg() {
        let value = |text: &str| {
            let body = quote().to_string().replace("2.5", text);
            named(QuoteRates::parse(body.as_bytes(), NOW))
        };
        for good in ["70", "0.001", "2.50", "69.999"] {
            assert_eq!(value(good), [""; 0], "{good}");
        }
        for bad in ["0", "0.0", "-1", "0.0001", "1e1", "70.001", "70001", "1e999", "\"1\"", "null", "[]", "{}"] {
            assert_eq!(value(bad), ["packages[0].weight.value"], "{bad}");
        }
        let named = with(quoted, quote(), "/packages/0/weight/unit", json!("stone"));
        assert_eq!(named, ["packages[0].weight.unit"]);
        let named = with(quoted, quote(), "/packages/0/weight", json!({"unit": "kg"}));
        assert_eq!(named, ["packages[0].weight.value"]);
    }

    #[test]
    fn a_size_has_three_sides_above_zero_and_none_longer_than_three_metres() {
        let size = |value: Value| with(quoted, quote(), "/packages/0/dimensions", value);
        let all_bad = json!({"length": 0, "width": -1, "height": 300.1, "unit": "cm"});
        let sides = ["length", "width", "height"].map(|side| format!("packages[0].dimensions.{side}"));
        assert_eq!(size(all_bad), sides);
        let unit = json!({"length": 1, "width": 1, "height": 1, "unit": "feet"});
        assert_eq!(size(unit), ["packages[0].dimensions.unit"]);
        assert_eq!(size(json!({"length": 1, "width": 1, "unit": "cm"})), ["packages[0].dimensions.height"]);
        let mut body = quote();
        body["packages"][0]["dimensions"] = json!({"length": 10, "width": 300, "height": 20.55, "unit": "cm"});
        let size = quoted(&body).expect("valid").consignment.parcels[0].dimensions;
        assert_eq!(size, Some(Dimensions { length_mm: 3_000, width_mm: 206, height_mm: 100 }), "longest side first");
    }

    #[test]
    fn a_consignment_has_one_to_twenty_packages_and_each_bad_one_is_named() {
        let (good, bad) =
            (json!({"weight": {"value": 1, "unit": "kg"}}), json!({"weight": {"value": 0, "unit": "kg"}}));
        assert_eq!(with(quoted, quote(), "/packages", json!([])), ["packages"]);
        assert_eq!(with(quoted, quote(), "/packages", json!(vec![good.clone(); 20])), [""; 0]);
        assert_eq!(with(quoted, quote(), "/packages", json!(vec![good.clone(); 21])), ["packages"]);
        let named = with(quoted, quote(), "/packages", json!([bad, good, bad]));
        assert_eq!(named, ["packages[0].weight.value", "packages[2].weight.value"]);
        assert_eq!(with(quoted, quote(), "/packages", json!(vec![bad; 5_000])).len(), 21);
    }

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
    fn carriers_are_asked_once_each_and_within_a_bounded_time() {
        let mut body = quote();
        (body["carriers"], body["deadline_ms"]) = (json!(["dhl", "ups", "dhl"]), json!(2_500));
        let parsed = quoted(&body).expect("valid");
        assert_eq!(parsed.carriers, [Carrier::Dhl, Carrier::Ups]);
        assert_eq!(parsed.deadline, Some(Duration::from_millis(2_500)));
        assert_eq!(with(quoted, quote(), "/carriers", json!(["ups", "dpd"])), ["carriers[1]"]);
        assert_eq!(with(quoted, quote(), "/carriers", json!([])), ["carriers"]);
        assert_eq!(with(quoted, quote(), "/deadline_ms", json!(100)), [""; 0]);
        for bad in [json!(99), json!(2_501), json!(-1), json!(1.5), json!("1000")] {
            assert_eq!(with(quoted, quote(), "/deadline_ms", bad.clone()), ["deadline_ms"], "{bad}");
        }
    }

    #[test]
    fn a_label_is_bought_of_a_quote_or_of_a_service_never_of_both() {
        let id = "quo_36C50M6EEE39KWHNWQWYHHGDVH";
        let choice = |quote: Value, carrier: Value, service: Value| {
            let mut body = label();
            (body["quote_id"], body["carrier"], body["service"]) = (quote, carrier, service);
            bought(&body)
        };
        let ups = Choice::Service { carrier: Carrier::Ups, service: "11".to_owned() };
        assert_eq!(choice(json!(null), json!("ups"), json!("11")).expect("valid").choice, ups);
        let quoted = choice(json!(id), json!(null), json!(null)).expect("valid").choice;
        assert_eq!(quoted, Choice::Quote(QuoteId::from_stored(id)));
        assert_eq!(named(choice(json!(id), json!("ups"), json!("11"))), ["quote_id"]);
        assert_eq!(named(choice(json!("quo_1"), json!(null), json!(null))), ["quote_id"]);
        assert_eq!(named(choice(json!(null), json!(null), json!(null))), ["quote_id"]);
        assert_eq!(named(choice(json!(null), json!("ups"), json!(null))), ["service"]);
        assert_eq!(named(choice(json!(null), json!(null), json!("11"))), ["carrier"]);
        assert_eq!(named(choice(json!(null), json!("dpd"), json!("a b"))), ["carrier", "service"]);
    }

    #[test]
    fn a_parcel_s_reference_is_short_and_plain_and_the_only_parcel_s_is_1() {
        assert_eq!(bought(&label()).expect("valid").parcel_ref, "1");
        assert_eq!(with(bought, label(), "/parcel_ref", json!("box-2.a_B")), [""; 0]);
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(36)] {
            assert_eq!(with(bought, label(), "/parcel_ref", json!(bad)), ["parcel_ref"], "{bad}");
        }
        assert_eq!(with(bought, label(), "/order_id", json!("a b")), ["order_id"]);
    }

    #[test]
    fn between_customs_areas_the_goods_have_to_be_declared() {
        assert_eq!(with(quoted, abroad(), "/customs", json!(null)), ["customs"]);
        let mut body = abroad();
        body["order_id"] = json!("o-1");
        let customs = quoted(&body).expect("valid").consignment.customs.expect("a declaration");
        assert_eq!((customs.incoterm, customs.invoice.as_deref()), (Incoterm::Dap, Some("o-1")));
        assert_eq!(customs.items[0].unit_weight_g, 400);
        body["customs"]["incoterm"] = json!("DDP");
        body["customs"]["invoice"] = json!("2026-17");
        let customs = quoted(&body).expect("valid").consignment.customs.expect("a declaration");
        assert_eq!((customs.incoterm, customs.invoice.as_deref()), (Incoterm::Ddp, Some("2026-17")));
    }

    #[test]
    fn every_bad_field_of_a_declaration_is_named() {
        let bad = json!({"description": "No", "quantity": 0, "unit_value": {"value": 0, "currency": "EURO"},
            "unit_weight": {"value": 0, "unit": "stone"}, "origin_country": "EU", "hs_code": "12345"});
        let expected = [
            "description",
            "quantity",
            "unit_value.currency",
            "unit_value.value",
            "unit_weight.unit",
            "unit_weight.value",
            "origin_country",
            "hs_code",
        ];
        let expected = expected.map(|field| format!("customs.items[1].{field}"));
        assert_eq!(with(quoted, abroad(), "/customs/items", json!([item(), bad])), expected);
        assert_eq!(with(quoted, abroad(), "/customs/incoterm", json!("FOB")), ["customs.incoterm"]);
        assert_eq!(with(quoted, abroad(), "/customs/items", json!([])), ["customs.items"]);
        let light = |n: usize| {
            let mut item = item();
            item["unit_weight"]["value"] = json!(1);
            json!(vec![item; n])
        };
        assert_eq!(with(quoted, abroad(), "/customs/items", light(50)), [""; 0]);
        assert_eq!(with(quoted, abroad(), "/customs/items", light(51)), ["customs.items"]);
        let card = json!("card 4242424242424242");
        let named = with(quoted, abroad(), "/customs/items/0/description", card.clone());
        assert_eq!(named, ["customs.items[0].description"]);
        assert_eq!(with(quoted, abroad(), "/customs/invoice", card), ["customs.invoice"]);
    }

    #[test]
    fn goods_are_declared_in_one_currency_and_are_not_heavier_than_their_parcels() {
        let mut other = item();
        other["unit_value"]["currency"] = json!("USD");
        let named = with(quoted, abroad(), "/customs/items", json!([item(), other]));
        assert_eq!(named, ["customs.items[1].unit_value.currency"]);
        // Two of 1,250 g fill the 2,500 g of the parcel.
        let weight = |grams: u32| with(quoted, abroad(), "/customs/items/0/unit_weight/value", json!(grams));
        assert_eq!((weight(1_250), weight(1_251)), (vec![], vec!["customs.items".to_owned()]));
        let named = with(quoted, abroad(), "/customs/items/0/unit_value/value", json!(50_000_000));
        assert_eq!(named, ["customs.items"], "worth more than fits");
    }

    #[test]
    fn an_address_is_looked_at_by_fedex_unless_another_is_named() {
        let address = label()["recipient"]["address"].clone();
        let parse = |body: &Value| ValidateAddress::parse(body.to_string().as_bytes());
        assert_eq!(parse(&json!({"address": address})).expect("valid").carrier, Carrier::Fedex);
        assert_eq!(parse(&json!({"address": address, "carrier": "dhl"})).expect("valid").carrier, Carrier::Dhl);
        assert_eq!(named(parse(&json!({"address": address, "carrier": "dpd"}))), ["carrier"]);
        assert_eq!(named(parse(&json!({"address": {"country": "HK"}}))), ["address.street_lines", "address.city"]);
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
