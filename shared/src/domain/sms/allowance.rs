//! Where SMS may go, and how many. Whoever can make a shop text any number sends texts to numbers of their own, in countries
//! where each costs ten cents and more, and gets a share of it ("SMS pumping").

use crate::error::{Error, Result};

/// Calling codes of two digits. 1 and 7 are alone; all others have three. (ITU-T E.164, list of assigned country codes.)
const TWO_DIGITS: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 \
                          86 90 91 92 93 94 95 98";

/// The country code of a number in E.164, without the plus.
pub fn calling_code(number: &str) -> &str {
    let digits = number.trim_start_matches('+');
    let length = match digits.get(..2) {
        _ if digits.starts_with(['1', '7']) => 1,
        Some(two) if TWO_DIGITS.split(' ').any(|code| code == two) => 2,
        _ => 3,
    };
    digits.get(..length).unwrap_or(digits)
}

/// Where SMS may go: beginnings of numbers, the longest of which decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destinations(Vec<(String, bool)>);

impl Destinations {
    /// Everywhere.
    pub const EVERYWHERE: &'static str = "*";

    /// Reads `+49,+1,-1876`: to Germany and North America, but not to Jamaica. `*` is everywhere.
    ///
    /// # Errors
    /// `configuration` when it is no such list.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::misconfigured("configuration", "SMS_DESTINATIONS: an entry is none of *, +49 and -1876");
        let entry = |entry: &str| {
            if entry == Self::EVERYWHERE {
                return Ok((String::new(), true));
            }
            let digits =
                entry.get(1..).filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
            match (entry.as_bytes().first(), digits) {
                (Some(b'+'), Some(digits)) => Ok((digits.to_owned(), true)),
                (Some(b'-'), Some(digits)) => Ok((digits.to_owned(), false)),
                _ => Err(wrong()),
            }
        };
        Ok(Self(text.split(',').map(|text| entry(text.trim())).collect::<Result<_>>()?))
    }

    /// Whether an SMS may go to this number, in E.164.
    pub fn allow(&self, number: &str) -> bool {
        let digits = number.trim_start_matches('+');
        let longest = self.0.iter().filter(|(beginning, _)| digits.starts_with(beginning)).max_by_key(|(b, _)| b.len());
        longest.is_some_and(|(_, allowed)| *allowed)
    }
}

/// How many SMS may be asked for; none: as many as anybody likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// In an hour.
    pub per_hour: Option<u32>,
    /// In a day (UTC).
    pub per_day: Option<u32>,
    /// In a day, to one country.
    pub per_country_and_day: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_decides_and_what_is_not_named_is_not_allowed() {
        let some = Destinations::parse("+49, +1,-1876").expect("a list");
        for (number, allowed) in
            [("+4915112345678", true), ("+12125550123", true), ("+18765550123", false), ("+79161234567", false)]
        {
            assert_eq!(some.allow(number), allowed, "{number}");
        }
        assert!(Destinations::parse("*,-7").expect("a list").allow("+4798765432"));
        assert!(!Destinations::parse("*,-7").expect("a list").allow("+79161234567"));
        for wrong in ["", "49", "+", "-", "+4x", "DE", "+49,,", "**", "é"] {
            assert!(Destinations::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_country_has_its_code() {
        for (number, code) in [
            ("+12125550123", "1"),
            ("+79161234567", "7"),
            ("+4915112345678", "49"),
            ("+35312345678", "353"),
            ("+8801712345678", "880"),
            ("+", ""),
        ] {
            assert_eq!(calling_code(number), code, "{number}");
        }
    }
}
