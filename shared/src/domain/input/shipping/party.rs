//! Addresses, and who is there.

use super::{LINE_MAX_CHARS, Use};
use crate::domain::input::{Findings, Object, normalised_email};
use crate::domain::shipping::{Address, Party, country};
use crate::domain::{Private, normalised_phone};

/// Lines of a street: what all three carriers print.
const STREET_LINES_MAX: usize = 3;
/// Longest postal code, in characters: a ZIP+4 with its hyphen, and Iran's, are the longest there are (UPU).
const POSTAL_CODE_MAX_CHARS: usize = 10;
/// Longest code of a state or province, in characters (UPS).
const STATE_MAX_CHARS: usize = 5;

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

/// Whom to ask for at an address.
#[derive(serde::Deserialize)]
pub(super) struct RawContact {
    name: Option<String>,
    company: Option<String>,
    phone: Option<String>,
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
    let email = who.email.as_deref().and_then(normalised_email);
    let is_address = who.email.is_none() || email.is_some();
    bad.unless(is_address, &format!("{path}email"), "must be an e-mail address");
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
        self.text(field, Some(text));
        Some(text.trim()).filter(|line| !line.is_empty()).map(str::to_owned)
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
