//! Addresses, and who is there; `POST /addresses/validate`.

use super::{CARRIER, LINE_MAX_CHARS, Use};
use crate::domain::input::{Findings, Object, findings_incomplete, json};
use crate::domain::shipping::{Address, Carrier, Party, country, latin};
use crate::domain::{Private, normalised_phone};
use crate::error::Result;

const STREET_LINES_MAX: usize = Address::STREET_LINES_MAX;
const POSTAL_CODE_MAX_CHARS: usize = Address::POSTAL_CODE_MAX_CHARS;
const STATE_MAX_CHARS: usize = Address::STATE_MAX_CHARS;

/// `POST /addresses/validate`, checked.
#[derive(Clone, Debug)]
pub struct ValidateAddress {
    /// What to look at.
    pub address: Address,
    /// Whom to ask.
    pub carrier: Carrier,
}

#[derive(serde::Deserialize)]
pub(super) struct RawAddress {
    street_lines: Option<Vec<String>>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    country: String,
    residential: Option<bool>,
}

#[derive(serde::Deserialize)]
pub(super) struct RawParty {
    name: Option<String>,
    company: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    address: Object<RawAddress>,
}

#[derive(serde::Deserialize)]
struct RawValidation {
    address: Object<RawAddress>,
    carrier: Option<String>,
}

/// Whom to ask for at an address.
#[derive(serde::Deserialize)]
pub(super) struct RawContact {
    name: Option<String>,
    company: Option<String>,
    phone: Option<String>,
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

impl RawContact {
    pub(super) fn checked(self, path: &str, address: Option<Address>, bad: &mut Findings) -> Option<Party> {
        let Self { name, company, phone } = self;
        party(&Who { name, company, phone, email: None }, path, address, Use::Label, bad)
    }
}

impl RawParty {
    pub(super) fn checked(self, path: &str, used: Use, bad: &mut Findings) -> Option<Party> {
        let Self { name, company, phone, email, address: Object(address) } = self;
        let address = address.checked(&format!("{path}address."), used, bad);
        party(&Who { name, company, phone, email }, path, address, used, bad)
    }
}

struct Who {
    name: Option<String>,
    company: Option<String>,
    phone: Option<String>,
    email: Option<String>,
}

fn party(who: &Who, path: &str, address: Option<Address>, used: Use, bad: &mut Findings) -> Option<Party> {
    let name = bad.label_line(&format!("{path}name"), who.name.as_deref());
    bad.needed_on_labels(&format!("{path}name"), name.is_some(), used);
    let company = bad.label_line(&format!("{path}company"), who.company.as_deref());
    let field = format!("{path}phone");
    let phone = who.phone.as_deref().filter(|text| !text.trim().is_empty());
    let number = phone.and_then(normalised_phone);
    let is_number = phone.is_none() || number.is_some();
    bad.unless(is_number, &field, "must be a phone number with its country code, like +4798765432");
    bad.needed_on_labels(&field, phone.is_some(), used);
    let email = who.email.as_deref().and_then(|email| bad.email(&format!("{path}email"), email));
    Some(Party {
        name: name.unwrap_or_default().into(),
        company: company.map(Private::new),
        phone: number.map(Private::new),
        email: email.map(Private::new),
        address: address?,
    })
}

impl RawAddress {
    pub(super) fn checked(self, path: &str, used: Use, bad: &mut Findings) -> Option<Address> {
        let street_lines = street(&format!("{path}street_lines"), self.street_lines.unwrap_or_default(), used, bad);
        let country = bad.country(&format!("{path}country"), &self.country);

        let field = format!("{path}city");
        let city = bad.label_line(&field, self.city.as_deref());
        bad.needed_on_labels(&field, city.is_some(), used);
        let has_codes = country.as_deref().is_none_or(country::needs_postal_code);
        let is_somewhere = used == Use::Label || has_codes || city.is_some();
        bad.unless(is_somewhere, &field, "is required in this country");

        let field = format!("{path}state");
        let state = self.state.filter(|state| !state.is_empty()).map(|state| state.to_ascii_uppercase());
        let fits = |state: &String| state.len() <= STATE_MAX_CHARS && state.bytes().all(is_code);
        bad.unless(state.as_ref().is_none_or(fits), &field, "must be 1 to 5 characters of A-Z a-z 0-9 and -");
        let needs_state = country.as_deref().is_some_and(country::needs_state);
        bad.unless(!needs_state || state.is_some(), &field, "is required in this country");

        let field = format!("{path}postal_code");
        let fits = |code: &String| {
            code.len() <= POSTAL_CODE_MAX_CHARS && code.bytes().all(|byte| is_code(byte) || byte == b' ')
        };
        let is_code = self.postal_code.as_ref().is_none_or(fits);
        bad.unless(is_code, &field, "must be 1 to 10 characters of A-Z a-z 0-9, blank and -");
        let postal_code = self.postal_code.map(|code| code.trim().to_ascii_uppercase());
        let postal_code = postal_code.filter(|code| !code.is_empty());
        let needs_code = country.as_deref().is_some_and(country::needs_postal_code);
        bad.unless(!needs_code || postal_code.is_some(), &field, "is required in this country");

        Some(Address {
            street_lines,
            city: city.unwrap_or_default().into(),
            state,
            postal_code: postal_code.map(Private::new),
            country: country?,
            residential: self.residential,
        })
    }
}

fn street(field: &str, lines: Vec<String>, used: Use, bad: &mut Findings) -> Vec<Private<String>> {
    bad.unless(lines.len() <= STREET_LINES_MAX, field, "must be at most three lines");
    let checked = |(n, line): (usize, String)| bad.label_line(&format!("{field}[{n}]"), Some(&line));
    let lines: Vec<_> = lines.into_iter().take(STREET_LINES_MAX).enumerate().filter_map(checked).collect();
    bad.needed_on_labels(field, !lines.is_empty(), used);
    lines.into_iter().map(Private::new).collect()
}

const fn is_code(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

impl Findings {
    /// A line of a label, without the blanks around it; `None` when there is nothing in it.
    pub(super) fn label_line(&mut self, field: &str, text: Option<&str>) -> Option<String> {
        let text = text?;
        self.unless(text.chars().count() <= LINE_MAX_CHARS, field, "must have at most 35 characters");
        self.printable(field, text);
        self.text(field, Some(text));
        Some(text.trim()).filter(|line| !line.is_empty()).map(str::to_owned)
    }

    /// A text of which carriers can print every letter.
    pub(super) fn printable(&mut self, field: &str, text: &str) {
        let is_printable = text.contains(char::is_control) || latin::is_printable(text);
        self.unless(is_printable, field, "must be in Latin letters: the carriers print no others");
    }

    /// A country's code, in upper case.
    pub(super) fn country(&mut self, field: &str, text: &str) -> Option<String> {
        let code = Some(text.to_ascii_uppercase()).filter(|code| country::is_country(code));
        self.unless(code.is_some(), field, "must be a country's code of ISO 3166-1, like DE");
        code
    }

    fn needed_on_labels(&mut self, field: &str, is_there: bool, used: Use) {
        self.unless(used == Use::Quote || is_there, field, "is required");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bodies::{abroad, bought, label, named, quote, quoted, with};
    use super::*;

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
    fn a_line_of_a_label_is_in_latin_letters() {
        for (line, path) in [("name", "/recipient/name"), ("address.city", "/recipient/address/city")] {
            for good in ["Zoë Åström", "Łódź", "Đặng", "L’Haÿ"] {
                assert_eq!(with(bought, label(), path, json!(good)), [""; 0], "{good}");
            }
            for bad in ["Москва", "東京", "Αθήνα"] {
                assert_eq!(with(bought, label(), path, json!(bad)), [format!("recipient.{line}")], "{bad}");
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
    fn an_address_is_looked_at_by_fedex_unless_another_is_named() {
        let address = label()["recipient"]["address"].clone();
        let parse = |body: &Value| ValidateAddress::parse(body.to_string().as_bytes());
        assert_eq!(parse(&json!({"address": address})).expect("valid").carrier, Carrier::Fedex);
        assert_eq!(parse(&json!({"address": address, "carrier": "dhl"})).expect("valid").carrier, Carrier::Dhl);
        assert_eq!(named(parse(&json!({"address": address, "carrier": "dpd"}))), ["carrier"]);
        assert_eq!(named(parse(&json!({"address": {"country": "HK"}}))), ["address.street_lines", "address.city"]);
    }
}
