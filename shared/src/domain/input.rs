//! What a storefront asks for, checked: every bad field is named, all of them at once, before anything is written.

mod campaign;
mod card_number;
mod contact;
mod customer;
mod limits;
mod message;
mod payment;
mod preferences;
mod refund;
mod shipping;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{Currency, Money, mail_address};
use crate::error::{Error, FieldError, Result};

use limits::{METADATA_KEY_MAX_CHARS, METADATA_MAX_PAIRS, METADATA_VALUE_MAX_CHARS};

pub use super::mail_address::normalised_email;
pub use campaign::{CreateCampaign, RECIPIENTS_MAX, Recipient};
pub use card_number::holds_card_number;
pub use contact::{Lift, Lookup};
pub use customer::CreateCustomer;
pub use message::CreateMessage;
pub use payment::{ConfirmPayment, CreatePayment};
pub use preferences::Preferences;
pub use refund::CreateRefund;
pub use shipping::{Choice, CreateShipment, QuoteRates, ValidateAddress};

/// Longest free text of a message or a campaign, in characters; nobody reads more.
const TEXT_MAX_CHARS: usize = 500;
/// Longest return URL, in bytes: Stripe's limit is 5,000; browsers get unreliable above 2,000.
const URL_MAX_BYTES: usize = 2_000;
/// Longest id from elsewhere (customer, payment method), in bytes.
const ID_MAX_BYTES: usize = 255;
/// Our own metadata keys start so; nobody else may use them.
const OWN_METADATA_PREFIX: &str = "crossdock_";

#[derive(serde::Deserialize)]
struct RawMoney {
    value: i64,
    currency: String,
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
        self.text_within(TEXT_MAX_CHARS, field, text);
    }

    /// The same with a limit of its own, in characters.
    fn text_within(&mut self, most_chars: usize, field: &str, text: Option<&str>) {
        self.plain_text(most_chars, field, text);
        self.no_card(field, text);
    }

    /// What people may write anything into must not hold a card number. Numbers with a form of their own are not tested:
    /// phone numbers, tracking numbers, ids. (Decision 24.)
    fn no_card(&mut self, field: &str, text: Option<&str>) {
        self.unless(!text.is_some_and(holds_card_number), field, "must not hold a card number");
    }

    /// Text with a meaning of its own, which is not tested for card numbers.
    fn plain_text(&mut self, most_chars: usize, field: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        let fits = text.chars().count() <= most_chars;
        self.unless(fits, field, &format!("must have at most {most_chars} characters"));
        self.unless(!text.chars().any(char::is_control), field, "must not have control characters");
    }

    fn money(&mut self, field: &str, raw: &RawMoney) -> Option<Money> {
        let currency = Currency::parse(&raw.currency);
        self.unless(currency.is_some(), &format!("{field}.currency"), "must be an ISO 4217 code");
        let most = Money::most(currency);
        let message = format!("must be 1 to {most} minor units");
        self.unless((1..=most).contains(&raw.value), &format!("{field}.value"), &message);
        Some(Money { value: raw.value, currency: currency? })
    }

    /// A mail address, as it is stored.
    fn email(&mut self, field: &str, text: &str) -> Option<String> {
        let address = mail_address::normalised_email(text);
        self.unless(address.is_some(), field, mail_address::what_is_wrong(text));
        address
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
        self.unless(metadata.len() <= METADATA_MAX_PAIRS, "metadata", "must have at most 47 pairs");
        for (key, value) in metadata.iter().take(METADATA_MAX_PAIRS) {
            let good_key = !key.is_empty()
                && key.chars().count() <= METADATA_KEY_MAX_CHARS
                && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
                && !key.starts_with(OWN_METADATA_PREFIX);
            if good_key {
                self.text_within(METADATA_VALUE_MAX_CHARS, &format!("metadata.{key}"), Some(value));
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

/// What must not be: a value that is missing although nothing was found bad.
fn findings_incomplete() -> Error {
    Error::bug("input_findings", "a missing value was not found bad")
}
