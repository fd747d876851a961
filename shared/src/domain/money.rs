//! Money: an integer in ISO 4217 minor units and its currency, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency. Reads `EUR` or `eur`, writes `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Parses a three-letter code in either case; `None` for a code ISO 4217 does not have, or one without minor
    /// units to count in (gold, test codes).
    pub fn parse(code: &str) -> Option<Self> {
        let currency = Self(iso_currency::Currency::from_code(&code.to_ascii_uppercase())?);
        currency.0.exponent().is_some().then_some(currency)
    }

    /// The upper-case code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimals between the major and the minor unit: 2 for EUR, 0 for JPY, 3 for BHD.
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or(2)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not an ISO 4217 currency code"))
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code" })
    }
}

/// An amount in minor units: `{"value": 1099, "currency": "EUR"}` is 10.99 euros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units of the currency.
    pub value: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Currencies of which Stripe takes more than eight digits, and the largest amount, in minor units.
/// (docs.stripe.com/currencies: "up to twelve digits for IDR, eight for all other currencies")
const LARGE_AMOUNTS: [(&str, i64); 1] = [("IDR", 999_999_999_999)];

impl Money {
    /// The largest amount of one payment in most currencies, in minor units: eight digits.
    const MOST: i64 = 99_999_999;

    /// The largest amount of one payment, in minor units; of a currency that nobody knows, that of most.
    pub fn most(currency: Option<Currency>) -> i64 {
        let large = LARGE_AMOUNTS.iter().find(|(code, _)| currency.is_some_and(|currency| currency.code() == *code));
        large.map_or(Self::MOST, |(_, most)| *most)
    }
}

impl fmt::Display for Money {
    /// `10.99 EUR`, `1099 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = usize::from(self.currency.exponent());
        let digits = format!("{:0>width$}", self.value.unsigned_abs(), width = exponent + 1);
        let (major, minor) = digits.split_at(digits.len() - exponent);
        let sign = if self.value < 0 { "-" } else { "" };
        match exponent {
            0 => write!(f, "{sign}{major} {}", self.currency),
            _ => write!(f, "{sign}{major}.{minor} {}", self.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(value: i64, code: &str) -> Money {
        Money { value, currency: Currency::parse(code).expect("a currency") }
    }

    #[test]
    fn an_amount_prints_with_its_currencys_own_decimals() {
        assert_eq!(money(1099, "EUR").to_string(), "10.99 EUR");
        assert_eq!(money(5, "EUR").to_string(), "0.05 EUR");
        assert_eq!(money(1099, "jpy").to_string(), "1099 JPY");
        assert_eq!(money(-1099, "BHD").to_string(), "-1.099 BHD");
    }

    #[test]
    fn an_unknown_currency_and_one_without_minor_units_are_refused() {
        for code in ["EURO", "ZZZ", "", "XAU"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }
}
