//! Where parcels come from and go to.

use serde::{Deserialize, Serialize};

use super::latin;
use crate::domain::Private;

/// A postal address. All that tells where somebody lives is private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street and house number and the like, one to three lines of at most 35 characters (the shortest limit of the three
    /// carriers' labels).
    pub street_lines: Vec<Private<String>>,
    /// City, at most 35 characters.
    pub city: Private<String>,
    /// State or province, where the country has such: the short code (`TX`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code, where the country has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Private<String>>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Whether somebody lives there, when the shop knows: carriers ask more for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residential: Option<bool>,
}

impl Address {
    /// Somewhere with this postal code and in this state, where they are not empty.
    #[cfg(test)]
    pub(super) fn in_country(country: &str, postal_code: &str, state: &str) -> Self {
        Self {
            street_lines: Vec::new(),
            city: String::new().into(),
            state: Some(state.to_owned()).filter(|state| !state.is_empty()),
            postal_code: Some(postal_code.to_owned()).filter(|code| !code.is_empty()).map(Into::into),
            country: country.to_owned(),
            residential: None,
        }
    }

    /// Characters of a line of a label (UPS), of a state's code (UPS), and of a postal code (UPU).
    pub const LINE_MAX_CHARS: usize = 35;
    /// Lines of a street: what all three carriers print.
    pub const STREET_LINES_MAX: usize = 3;
    /// Characters of the code of a state or province (UPS).
    pub const STATE_MAX_CHARS: usize = 5;
    /// Characters of a postal code: a ZIP+4 with its hyphen, and Iran's, are the longest there are (UPU).
    pub const POSTAL_CODE_MAX_CHARS: usize = 10;

    /// The same as a carrier prints it, with lines and a city of so many characters: long lines are split between words, nothing
    /// is cut. `None` where something is too long for it.
    pub fn printed(&self, line_chars: usize, city_chars: usize) -> Option<Self> {
        let lines = self.street_lines.iter().map(|line| line.expose().as_str());
        let lines = latin::lines(&lines, line_chars, Self::STREET_LINES_MAX)?;
        let city = latin::printed(self.city.expose(), city_chars)?;
        Some(Self {
            street_lines: lines.into_iter().filter(|line| !line.is_empty()).map(Private::new).collect(),
            city: city.into(),
            ..self.clone()
        })
    }

    /// What somebody else has written, if it has the form that ours have: a carrier may suggest anything. A state that is no
    /// code is left out.
    pub fn sound(mut self) -> Option<Self> {
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let line =
            |line: &Private<String>| !line.expose().trim().is_empty() && !line.expose().contains(char::is_control);
        self.country.make_ascii_uppercase();
        let is_state = |state: &String| state.len() <= Self::STATE_MAX_CHARS && state.bytes().all(is_code);
        self.state = self.state.filter(is_state);
        let is_postal_code = self.postal_code.as_ref().is_none_or(|code| {
            let code = code.expose();
            code.len() <= Self::POSTAL_CODE_MAX_CHARS && code.bytes().all(|byte| is_code(byte) || byte == b' ')
        });
        let is_street = !self.street_lines.is_empty();
        let is_sound = super::country::is_country(&self.country)
            && is_postal_code
            && is_street
            && self.street_lines.iter().all(line)
            && line(&self.city);
        is_sound.then_some(self)
    }
}

/// Who sends or gets a parcel, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// A person's name, at most 35 characters.
    pub name: Private<String>,
    /// A company's name, at most 35 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Private<String>>,
    /// E.164. A label needs it of both sides; a quote does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Private<String>>,
    /// For the customs and the carrier's own notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Private<String>>,
    /// The address of the party.
    pub address: Address,
}

impl Party {
    /// The same as a carrier prints it; names have room for a line.
    pub fn printed(&self, line_chars: usize, city_chars: usize) -> Option<Self> {
        let line = |text: &Private<String>| latin::printed(text.expose(), line_chars).map(Private::new);
        let company = self.company.as_ref().map(line);
        Some(Self {
            name: line(&self.name)?,
            company: company.map_or(Some(None), |company| company.map(Some))?,
            address: self.address.printed(line_chars, city_chars)?,
            ..self.clone()
        })
    }
}

/// What kind of place an address is, as far as a carrier knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// A company.
    Business,
    /// A home.
    Residential,
    /// Both.
    Mixed,
    /// The carrier cannot tell.
    Unknown,
}

/// What a carrier says of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressCheck {
    /// Whether parcels get there as it is written.
    pub valid: bool,
    /// What kind of place it is.
    pub classification: Classification,
    /// How the carrier would write it, best first; at most ten.
    pub suggestions: Vec<Address>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_carrier_suggests_has_the_form_that_our_addresses_have() {
        let sound = |change: &dyn Fn(&mut Address)| {
            let mut address = Address {
                street_lines: vec!["7372 PARKRIDGE BLVD".to_owned().into()],
                city: "IRVING".to_owned().into(),
                state: Some("TX".to_owned()),
                postal_code: Some("75063-8659".to_owned().into()),
                country: "us".to_owned(),
                residential: None,
            };
            change(&mut address);
            address.sound()
        };
        assert_eq!(sound(&|_| {}).map(|address| address.country).as_deref(), Some("US"));
        for country in ["USA", "U$", "", "UK", "XK"] {
            assert_eq!(sound(&|address| address.country = country.to_owned()), None, "{country}");
        }
        assert_eq!(sound(&|address| address.street_lines.clear()), None);
        assert_eq!(sound(&|address| address.street_lines = vec![" ".to_owned().into()]), None);
        assert_eq!(sound(&|address| address.city = String::new().into()), None);
        assert_eq!(sound(&|address| address.postal_code = Some("75063/8659".to_owned().into())), None);
        assert_eq!(
            sound(&|address| address.state = Some("Texas!".to_owned())).map(|address| address.state),
            Some(None)
        );
    }
}
