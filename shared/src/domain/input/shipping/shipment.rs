//! `POST /shipments`.

use super::customs::RawCustoms;
use super::parcel::RawParcel;
use super::party::RawParty;
use super::{CARRIER, RawConsignment, Use};
use crate::domain::input::{Findings, Object, findings_incomplete, json};
use crate::domain::shipping::{Carrier, Consignment};
use crate::domain::{OrderId, QuoteId, Timestamp};
use crate::error::Result;

/// Longest reference of a parcel, in characters: the carriers' reference fields have 35.
const PARCEL_REF_MAX_CHARS: usize = 35;
/// The reference of an order's only parcel.
const ONLY_PARCEL: &str = "1";
/// Longest code of a service, in characters: FedEx writes them out, in up to some forty.
const SERVICE_MAX_CHARS: usize = 50;

/// What a label is bought of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What was quoted under this id.
    Quote(QuoteId),
    /// A service of a carrier, at whatever it costs.
    Service {
        /// The carrier that offers the service.
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
    /// Whether the shop says on which day; it is today at the shipper's otherwise.
    pub is_dated: bool,
    /// Whether another carrier may do it when this one cannot.
    pub allow_fallback: bool,
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
    ship_at: Option<String>,
    customs: Option<Object<RawCustoms>>,
    #[serde(default)]
    allow_fallback: bool,
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
        let is_dated = raw.ship_date.is_some() || raw.ship_at.is_some();
        let choice = bad.choice(raw.quote_id.as_deref(), raw.carrier.as_deref(), raw.service);
        let consignment = RawConsignment {
            shipper: raw.shipper.0,
            recipient: raw.recipient.0,
            packages: raw.packages,
            ship_date: raw.ship_date,
            ship_at: raw.ship_at,
            customs: raw.customs,
        };
        let consignment = consignment.checked(Use::Label, order_id.as_ref(), now, &mut bad);
        bad.into_result()?;
        let (Some(order_id), Some(choice), Some(consignment)) = (order_id, choice, consignment) else {
            return Err(findings_incomplete());
        };
        Ok(Self { order_id, parcel_ref, choice, consignment, is_dated, allow_fallback: raw.allow_fallback })
    }
}

impl Findings {
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
        let service = self.service(service.unwrap_or_default());
        Some(Choice::Service { carrier: known?, service: service? })
    }

    /// A carrier's code of a service.
    pub(super) fn service(&mut self, code: String) -> Option<String> {
        let is_code = (1..=SERVICE_MAX_CHARS).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.unless(is_code, "service", "must be 1 to 50 characters of A-Z a-z 0-9 _");
        is_code.then_some(code)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bodies::{bought, label, named, quote, with};
    use super::*;

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
}
