//! What a storefront asks for, checked: every bad field is named, all of them at once, before anything is written.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{Money, OrderId, Private};
use crate::error::{Error, FieldError, Result};

/// Longest free text (description, name), in characters. Stripe takes 1,000 in a description; nobody reads more.
const TEXT_MAX_CHARS: usize = 500;
/// Longest e-mail address, in bytes (RFC 5321: 254).
const EMAIL_MAX_BYTES: usize = 254;
/// Longest return URL, in bytes: Stripe's limit is 5,000; browsers get unreliable above 2,000.
const URL_MAX_BYTES: usize = 2_000;
/// Longest id from elsewhere (customer, payment method), in bytes.
const ID_MAX_BYTES: usize = 255;
/// Metadata pairs: Stripe takes 50 and we add 3 of our own.
const METADATA_MAX_PAIRS: usize = 40;
/// Longest metadata key, in characters (Stripe: 40).
const METADATA_KEY_MAX_CHARS: usize = 40;
/// Our own metadata keys start so; nobody else may use them.
const OWN_METADATA_PREFIX: &str = "crossdock_";

/// `POST /payments`, checked.
#[derive(Clone, Debug)]
pub struct CreatePayment {
    /// The shop's order.
    pub order_id: OrderId,
    /// What is to be paid.
    pub amount: Money,
    /// Who pays, and is written to.
    pub customer: Customer,
    /// Shown on the vendor's dashboard.
    pub description: Option<Private<String>>,
    /// The shop's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// The vendor's id of a payment method (`pm_…`), when the storefront has one already.
    pub payment_method: Option<String>,
    /// Confirm at once.
    pub confirm: bool,
    /// Where the shopper comes back to after the bank's page.
    pub return_url: Option<String>,
}

/// Who pays.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The shop's id of the customer.
    pub id: String,
    /// Where the confirmation goes.
    pub email: Private<String>,
    /// How to address them.
    pub name: Option<Private<String>>,
}

/// `POST /payments/{payment_id}/confirm`, checked.
#[derive(Clone, Debug)]
pub struct ConfirmPayment {
    /// The vendor's id of a payment method (`pm_…`).
    pub payment_method: String,
    /// Where the shopper comes back to after the bank's page.
    pub return_url: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawCreate {
    order_id: String,
    amount: Object<RawMoney>,
    customer: Object<RawCustomer>,
    description: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    payment_method: Option<String>,
    #[serde(default)]
    confirm: bool,
    #[serde(default)]
    off_session: bool,
    #[serde(default)]
    save_payment_method: bool,
    return_url: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawMoney {
    value: i64,
    currency: String,
}

#[derive(serde::Deserialize)]
struct RawCustomer {
    id: String,
    email: String,
    name: Option<String>,
    phone: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawConfirm {
    payment_method: String,
    return_url: Option<String>,
}

impl CreatePayment {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawCreate = json(body)?;
        let (Object(amount), Object(customer)) = (raw.amount, raw.customer);
        let mut bad = Findings::default();
        let order_id = OrderId::parse(&raw.order_id);
        bad.unless(order_id.is_some(), "order_id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ : ~ -");
        let currency = super::Currency::parse(&amount.currency);
        bad.unless(currency.is_some(), "amount.currency", "must be an ISO 4217 code");
        bad.unless((1..=Money::MAX_VALUE).contains(&amount.value), "amount.value", "must be 1 to 99999999 minor units");
        bad.id("customer.id", &customer.id);
        let email = normalised_email(&customer.email);
        bad.unless(email.is_some(), "customer.email", "must be an e-mail address");
        bad.text("customer.name", customer.name.as_deref());
        bad.plain_text("customer.phone", customer.phone.as_deref());
        bad.text("description", raw.description.as_deref());
        bad.metadata(&raw.metadata);
        if let Some(id) = &raw.payment_method {
            bad.id("payment_method", id);
        }
        bad.unless(!raw.confirm || raw.payment_method.is_some(), "payment_method", "is required when confirm is true");
        bad.url("return_url", raw.return_url.as_deref());
        bad.unless(!raw.off_session, "off_session", "is not supported yet");
        bad.unless(!raw.save_payment_method, "save_payment_method", "is not supported yet");
        bad.into_result()?;
        let (Some(order_id), Some(currency), Some(email)) = (order_id, currency, email) else {
            return Err(Error::bug("input_findings", "a missing value was not found bad"));
        };
        Ok(Self {
            order_id,
            amount: Money { value: amount.value, currency },
            customer: Customer { id: customer.id, email: email.into(), name: customer.name.map(Private::new) },
            description: raw.description.map(Private::new),
            metadata: raw.metadata,
            payment_method: raw.payment_method,
            confirm: raw.confirm,
            return_url: raw.return_url,
        })
    }
}

impl ConfirmPayment {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawConfirm = json(body)?;
        let mut bad = Findings::default();
        bad.id("payment_method", &raw.payment_method);
        bad.url("return_url", raw.return_url.as_deref());
        bad.into_result()?;
        Ok(Self { payment_method: raw.payment_method, return_url: raw.return_url })
    }
}

/// A JSON object. Without it serde would take a list too, of the right values in the order of our fields.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Parses JSON and names the field that does not fit.
fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(parsed) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_syntax() || inner.is_eof() {
            Error::rejected(400, "malformed_json", "The body is not valid JSON.")
        } else {
            let field = missing_field(&inner.to_string(), &path);
            Error::invalid_field(&field, "is missing or has the wrong type")
        }
    })?;
    deserializer.end().map_err(|_| Error::rejected(400, "malformed_json", "The body is not valid JSON."))?;
    Ok(parsed)
}

/// serde names a missing field in its message only, and its path is that of the parent.
fn missing_field(message: &str, path: &str) -> String {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match (missing, path) {
        (Some(field), "." | "") => field.to_owned(),
        (Some(field), parent) => format!("{parent}.{field}"),
        (None, "." | "") => "body".to_owned(),
        (None, path) => path.to_owned(),
    }
}

/// An address as it is stored, compared and written to: trimmed, domain in lower case. `None` when it is none.
pub fn normalised_email(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let options = email_address::Options::default().with_required_tld().without_display_text().without_domain_literal();
    if trimmed.len() > EMAIL_MAX_BYTES || email_address::EmailAddress::parse_with_options(trimmed, options).is_err() {
        return None;
    }
    let (local, domain) = trimmed.rsplit_once('@')?;
    Some(format!("{local}@{}", domain.to_lowercase()))
}

#[derive(Default)]
struct Findings(Vec<FieldError>);

impl Findings {
    fn unless(&mut self, good: bool, field: &str, message: &str) {
        if !good {
            self.0.push(FieldError { field: field.to_owned(), message: message.to_owned() });
        }
    }

    /// Free text, in which a shopper or a clerk may have put anything.
    fn text(&mut self, field: &str, text: Option<&str>) {
        self.plain_text(field, text);
        self.unless(!text.is_some_and(holds_card_number), field, "must not hold a card number");
    }

    /// Text with a meaning of its own. A phone number is not tested for a card's: every tenth that begins like one
    /// has its check digit too.
    fn plain_text(&mut self, field: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        self.unless(text.chars().count() <= TEXT_MAX_CHARS, field, "must have at most 500 characters");
        self.unless(!text.chars().any(char::is_control), field, "must not have control characters");
    }

    fn id(&mut self, field: &str, id: &str) {
        let fits = !id.is_empty() && id.len() <= ID_MAX_BYTES && id.bytes().all(|b| b.is_ascii_graphic());
        self.unless(fits, field, "must be 1 to 255 printable ASCII characters");
    }

    fn url(&mut self, field: &str, url: Option<&str>) {
        let Some(url) = url else { return };
        let good = url.len() <= URL_MAX_BYTES
            && http::Uri::from_str(url).is_ok_and(|u| u.scheme_str() == Some("https") && u.host().is_some());
        self.unless(good, field, "must be an https URL of at most 2000 bytes");
    }

    fn metadata(&mut self, metadata: &BTreeMap<String, String>) {
        self.unless(metadata.len() <= METADATA_MAX_PAIRS, "metadata", "must have at most 40 pairs");
        for (key, value) in metadata.iter().take(METADATA_MAX_PAIRS) {
            let good_key = !key.is_empty()
                && key.chars().count() <= METADATA_KEY_MAX_CHARS
                && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
                && !key.starts_with(OWN_METADATA_PREFIX);
            if good_key {
                self.text(&format!("metadata.{key}"), Some(value));
            } else {
                self.unless(
                    false,
                    "metadata",
                    "keys must be 1 to 40 of A-Z a-z 0-9 . _ - and not start with crossdock_",
                );
            }
        }
    }

    fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }
}

/// Whether a run of digits in the text (blanks and dashes between them allowed) has a card's prefix, length and Luhn
/// digit. Such text is refused and never logged: card data must not enter the system (PCI DSS).
pub fn holds_card_number(text: &str) -> bool {
    let mut digits: Vec<u8> = Vec::new();
    for c in text.chars().chain(std::iter::once('.')) {
        match c {
            '0'..='9' => digits.push(u8::try_from(u32::from(c) - u32::from('0')).unwrap_or(0)),
            ' ' | '-' if !digits.is_empty() => {}
            _ => {
                if is_card_number(&digits) {
                    return true;
                }
                digits.clear();
            }
        }
    }
    false
}

fn is_card_number(digits: &[u8]) -> bool {
    // Any window of 13 to 19 digits: a card number glued to other digits is still one.
    (13..=19).any(|length| digits.windows(length).any(|window| has_card_prefix(window) && passes_luhn(window)))
        && digits.len() <= 24
}

fn has_card_prefix(digits: &[u8]) -> bool {
    let first4 = digits[..4].iter().fold(0u32, |n, d| n * 10 + u32::from(*d));
    match digits.len() {
        15 => matches!(first4 / 100, 34 | 37),
        14 => matches!(first4 / 10, 300..=305) || matches!(first4 / 100, 36 | 38 | 39),
        13 => first4 / 1000 == 4,
        16 => {
            matches!(first4, 2221..=2720 | 3528..=3589 | 6011)
                || matches!(first4 / 100, 51..=55 | 62 | 64 | 65)
                || first4 / 1000 == 4
        }
        19 => first4 / 1000 == 4 || matches!(first4 / 100, 62 | 64 | 65),
        _ => false,
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn valid() -> Value {
        json!({
            "order_id": "o-1",
            "amount": {"value": 1099, "currency": "EUR"},
            "customer": {"id": "c-1", "email": "Ada@Example.com", "name": "Ada"},
        })
    }

    fn parse(value: &Value) -> Result<CreatePayment> {
        CreatePayment::parse(value.to_string().as_bytes())
    }

    fn bad_fields(value: &Value) -> Vec<String> {
        parse(value).expect_err("refused").fields.into_iter().map(|f| f.field).collect()
    }

    fn with(path: &str, value: Value) -> Value {
        let mut body = valid();
        *body.pointer_mut(path).expect("a path") = value;
        body
    }

    #[test]
    fn a_valid_request_is_taken_and_the_address_normalised() {
        let parsed = parse(&valid()).expect("valid");
        assert_eq!(parsed.customer.email.expose(), "Ada@example.com");
        assert!(!parsed.confirm);
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let body = json!({
            "order_id": "a b", "amount": {"value": 0, "currency": "EURO"},
            "customer": {"id": "", "email": "nobody"}, "return_url": "http://shop.example",
        });
        let expected = ["order_id", "amount.currency", "amount.value", "customer.id", "customer.email", "return_url"];
        assert_eq!(bad_fields(&body), expected);
    }

    #[test]
    fn negative_zero_too_large_fractional_and_textual_amounts_are_refused_by_name() {
        for amount in [json!(-1), json!(0), json!(100_000_000), json!(10.5), json!("1099"), json!(null)] {
            assert_eq!(bad_fields(&with("/amount/value", amount)), ["amount.value"]);
        }
    }

    #[test]
    fn a_missing_field_is_named_with_its_path() {
        let mut body = valid();
        body["customer"].as_object_mut().expect("an object").remove("email");
        assert_eq!(bad_fields(&body), ["customer.email"]);
        let mut body = valid();
        body.as_object_mut().expect("an object").remove("amount");
        assert_eq!(bad_fields(&body), ["amount"]);
    }

    #[test]
    fn a_card_number_in_a_free_field_is_refused_however_it_is_written() {
        for text in ["4242424242424242", "card 4242 4242 4242 4242 thanks", "3782-822463-10005"] {
            let mut body = valid();
            body["description"] = json!(text);
            assert_eq!(bad_fields(&body), ["description"], "{text}");
        }
        assert!(!holds_card_number("order 4242424242424241 of 2026"), "fails Luhn");
        assert!(!holds_card_number("+49 170 1234567"));
    }

    #[test]
    fn nul_bytes_over_long_text_and_foreign_metadata_keys_are_refused_by_name() {
        assert_eq!(bad_fields(&with("/customer/name", json!("a\u{0}b"))), ["customer.name"]);
        assert_eq!(bad_fields(&with("/customer/name", json!("x".repeat(501)))), ["customer.name"]);
        let mut body = valid();
        body["metadata"] = json!({"crossdock_intent": "x"});
        assert_eq!(bad_fields(&body), ["metadata"]);
    }

    #[test]
    fn malformed_json_invalid_utf_8_and_deep_nesting_are_refused_without_a_panic() {
        let deep = format!("{{\"order_id\":{}", "[".repeat(10_000));
        for body in [b"{".as_slice(), b"", b"[]", b"\xff\xfe", b"null", b"{}{}", deep.as_bytes()] {
            assert!(CreatePayment::parse(body).expect_err("refused").is_rejected());
        }
    }
}
