//! Reading what carriers answer. They send one thing or a list of it, numbers as text and texts as numbers, and now and
//! then something odd: that costs the odd element, never the answer. Numbers are taken as they are written, so that a
//! price never passes through a float.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use time::UtcOffset;

use crate::domain::Money;
use crate::domain::money::Currency;

/// Decimals that a price may have: more than any currency and any carrier uses.
const DECIMALS_MAX: usize = 12;

/// A list, one thing instead of it, or nothing; elements that cannot be read are left out.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let elements = match raw.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(raw.get()).unwrap_or_default(),
        _ => vec![&*raw],
    };
    let mut read = Vec::with_capacity(elements.len());
    for element in elements {
        read.extend(readable::<T>(element));
    }
    Ok(read)
}

/// An element of a list that counts though it may be unreadable.
pub(super) struct Each<T>(pub(super) Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        maybe(deserializer).map(Self)
    }
}

/// What is read of a list, unless something was there and none of it could be read.
pub(super) fn read_of<T, U>(all: Vec<Each<T>>, read: impl Fn(T) -> Option<U>) -> Option<Vec<U>> {
    let was_empty = all.is_empty();
    let read: Vec<U> = all.into_iter().filter_map(|Each(one)| read(one?)).collect();
    (was_empty || !read.is_empty()).then_some(read)
}

/// Something of the expected shape, or nothing.
pub(super) fn maybe<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(readable(&Box::<RawValue>::deserialize(deserializer)?))
}

/// One copy for each type, whoever reads it: a function's zip has a budget.
#[inline(never)]
fn readable<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_slice(raw.get().as_bytes()).ok()
}

/// A text, or a number as it is written; an empty one and anything else is nothing.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(raw.get()).ok().map(|text| text.trim().to_owned()),
        Some(b'-' | b'0'..=b'9') => Some(raw.get().to_owned()),
        _ => None,
    };
    Ok(text.filter(|text| !text.is_empty()))
}

/// A price as it is written (`12.5`, `1099`), in the currency's minor units. What is finer than those is rounded up, so
/// that nobody is told less than will be billed. `None` for what is no price: without digits, negative, or zero, which
/// is what carriers say where they have none.
pub(super) fn price(decimal: &str, currency: &str) -> Option<Money> {
    let currency = Currency::parse(currency.trim())?;
    let (whole, decimals) = decimal.trim().split_once('.').unwrap_or((decimal.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS_MAX {
        return None;
    }
    let exponent = usize::from(currency.exponent());
    let (kept, finer) = decimals.split_at(decimals.len().min(exponent));
    let value: i64 = format!("{whole}{kept:0<exponent$}").parse().ok()?;
    let value = value.checked_add(i64::from(finer.bytes().any(|digit| digit != b'0')))?;
    (value > 0).then_some(Money { value, currency })
}

/// An amount of the smallest unit as a decimal number: `decimal(1099, 2)` is `10.99`.
pub(super) fn decimal(units: u64, exponent: usize) -> String {
    let digits = format!("{units:0>width$}", width = exponent + 1);
    let (whole, decimals) = digits.split_at(digits.len() - exponent);
    if exponent == 0 { whole.to_owned() } else { format!("{whole}.{decimals}") }
}

/// How far a local time is from UTC: `+09:00`, and `-05.00`, as UPS writes it in events.
pub(super) fn offset(text: &str) -> Option<UtcOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once([':', '.'])?;
    UtcOffset::from_hms(sign * hours.parse::<i8>().ok()?, sign * minutes.parse::<i8>().ok()?, 0).ok()
}

/// At most so many characters: what a carrier's field takes.
pub(super) fn cut(text: &str, chars: usize) -> String {
    text.trim().chars().take(chars).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Thing {
        #[serde(default, deserialize_with = "text")]
        name: Option<String>,
        n: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "list")]
        things: Vec<Thing>,
        #[serde(default, deserialize_with = "maybe")]
        other: Option<Thing>,
    }

    fn names(json: &str) -> Vec<Option<String>> {
        let answer: Sample = serde_json::from_str(json).expect("readable");
        answer.things.into_iter().map(|thing| thing.name).collect()
    }

    #[test]
    fn one_thing_is_a_list_of_one_and_an_odd_one_costs_only_itself() {
        let a = || Some("a".to_owned());
        assert_eq!(names(r#"{"things": {"name": "a", "n": 1, "unheard": []}}"#), [a()]);
        assert_eq!(names(r#"{"things": [{"name": " a ", "n": 1}, {"n": "x"}, 7, null, {"n": 2}]}"#), [a(), None]);
        for none in [r#"{"things": ""}"#, r#"{"things": null}"#, "{}", r#"{"things": []}"#] {
            assert!(names(none).is_empty(), "{none}");
        }
        let odd: Sample = serde_json::from_str(r#"{"other": ""}"#).expect("readable");
        assert_eq!(odd.other, None);
    }

    #[test]
    fn a_number_is_a_text_as_it_is_written() {
        assert_eq!(names(r#"{"things": {"name": 141.510, "n": 1}}"#), [Some("141.510".to_owned())]);
        assert_eq!(names(r#"{"things": [{"name": true, "n": 1}, {"name": "", "n": 1}]}"#), [None, None]);
    }

    #[test]
    fn a_price_is_exact_or_rounded_up_and_never_from_something_else() {
        let value = |decimal: &str, currency: &str| price(decimal, currency).map(|money| money.value);
        for (decimal, currency, expected) in [
            ("12.50", "USD", Some(1_250)),
            ("12.5", "usd", Some(1_250)),
            ("1099", "EUR", Some(109_900)),
            ("141.51", "GBP", Some(14_151)),
            ("0.07", "EUR", Some(7)),
            ("90071992547409.93", "EUR", Some(9_007_199_254_740_993)),
            ("1099.00", "JPY", Some(1_099)),
            ("1099.01", "JPY", Some(1_100)),
            ("1.2345", "BHD", Some(1_235)),
            ("12.3400001", "EUR", Some(1_235)),
            ("0.00", "EUR", None),
            ("-1.00", "EUR", None),
            ("1,5", "EUR", None),
            ("1e3", "EUR", None),
            (".5", "EUR", None),
            ("", "EUR", None),
            ("12.50", "EURO", None),
            ("99999999999999999999", "EUR", None),
        ] {
            assert_eq!(value(decimal, currency), expected, "{decimal} {currency}");
        }
    }

    #[test]
    fn an_amount_is_written_with_its_decimals() {
        assert_eq!((decimal(1_099, 2).as_str(), decimal(5, 3).as_str()), ("10.99", "0.005"));
        assert_eq!((decimal(7, 0).as_str(), decimal(0, 2).as_str()), ("7", "0.00"));
    }

    #[test]
    fn an_offset_has_a_sign_hours_and_minutes() {
        for (text, expected) in [("+09:00", Some(32_400)), ("-05.30", Some(-19_800)), ("+00:00", Some(0))] {
            assert_eq!(offset(text).map(UtcOffset::whole_seconds), expected, "{text}");
        }
        for text in ["", "Z", "09:00", "+0900", "+99:00", "-é"] {
            assert_eq!(offset(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_at_characters() {
        assert_eq!((cut("Zoë Å", 3).as_str(), cut("ab cd", 3).as_str(), cut(" a ", 9).as_str()), ("Zoë", "ab", "a"));
    }
}
