//! Where parcels come from and go to.

use serde::{Deserialize, Serialize};

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
    /// Where.
    pub address: Address,
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
