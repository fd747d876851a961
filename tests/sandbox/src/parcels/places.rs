//! The countries that the simulated carriers serve, and the borders between them.

/// What a carrier knows about a country.
#[derive(Debug)]
pub(crate) struct Country {
    pub(crate) code: &'static str,
    /// In which an account there is billed, ISO 4217.
    pub(crate) currency: &'static str,
    /// The forms of its postcodes, `9` a digit and `A` a letter, blanks left out; empty: it has none.
    postcodes: &'static [&'static str],
    in_european_union: bool,
}

const fn of_union(code: &'static str, currency: &'static str, postcodes: &'static [&'static str]) -> Country {
    Country { code, currency, postcodes, in_european_union: true }
}

const fn other(code: &'static str, currency: &'static str, postcodes: &'static [&'static str]) -> Country {
    Country { code, currency, postcodes, in_european_union: false }
}

const COUNTRIES: [Country; 28] = [
    of_union("AT", "EUR", &["9999"]),
    of_union("BE", "EUR", &["9999"]),
    of_union("CZ", "CZK", &["99999"]),
    of_union("DE", "EUR", &["99999"]),
    of_union("DK", "DKK", &["9999"]),
    of_union("ES", "EUR", &["99999"]),
    of_union("FI", "EUR", &["99999"]),
    of_union("FR", "EUR", &["99999"]),
    of_union("IE", "EUR", &["A99AAAA", "A999999", "A99A999"]),
    of_union("IT", "EUR", &["99999"]),
    of_union("NL", "EUR", &["9999AA", "9999"]),
    of_union("PL", "PLN", &["99-999", "99999"]),
    of_union("PT", "EUR", &["9999-999", "9999"]),
    of_union("SE", "SEK", &["99999"]),
    other("AE", "AED", &[]),
    other("AU", "AUD", &["9999"]),
    other("CA", "CAD", &["A9A9A9"]),
    other("CH", "CHF", &["9999"]),
    other("GB", "GBP", &["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA"]),
    other("HK", "HKD", &[]),
    // The Canary Islands, Ceuta and Melilla, which carriers know by codes of their own.
    other("IC", "EUR", &["99999"]),
    other("XC", "EUR", &["99999"]),
    other("XL", "EUR", &["99999"]),
    other("JP", "JPY", &["999-9999", "9999999"]),
    other("MX", "MXN", &["99999"]),
    other("NO", "NOK", &["9999"]),
    other("SG", "SGD", &["999999"]),
    other("US", "USD", &["99999", "99999-9999", "999999999"]),
];

/// How far apart two countries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distance {
    Domestic,
    /// Across a border without customs.
    Union,
    /// Across a border with customs.
    World,
}

/// A country by its code; none when no carrier here goes there.
pub(crate) fn country(code: &str) -> Option<&'static Country> {
    COUNTRIES.iter().find(|country| country.code == code)
}

impl Country {
    pub(crate) fn has_postcodes(&self) -> bool {
        !self.postcodes.is_empty()
    }

    /// Whether this can be a postcode there. Where there are none, anything can.
    pub(crate) fn takes_postcode(&self, postcode: &str) -> bool {
        let postcode: String = postcode.chars().filter(|c| *c != ' ').collect();
        !self.has_postcodes() || self.postcodes.iter().any(|form| fits(form, &postcode))
    }

    pub(crate) fn distance_to(&self, other: &Self) -> Distance {
        if self.code == other.code {
            Distance::Domestic
        } else if self.in_european_union && other.in_european_union {
            Distance::Union
        } else {
            Distance::World
        }
    }
}

fn fits(form: &str, postcode: &str) -> bool {
    form.len() == postcode.len()
        && form.chars().zip(postcode.chars()).all(|(wanted, c)| match wanted {
            '9' => c.is_ascii_digit(),
            'A' => c.is_ascii_alphabetic(),
            _ => c == wanted,
        })
}
