//! A day of the calendar, without a time.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::domain::Timestamp;

/// A day; written and read as `2026-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

const ISO: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const COMPACT: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");

impl Day {
    /// Reads `2026-01-31`; `None` when that is no day.
    pub fn parse(text: &str) -> Option<Self> {
        Date::parse(text, ISO).ok().map(Self)
    }

    /// Reads `20260131`, as UPS writes it.
    pub fn parse_compact(text: &str) -> Option<Self> {
        Date::parse(text, COMPACT).ok().map(Self)
    }

    /// The day of an instant in UTC.
    pub fn of(at: Timestamp) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp(at.seconds()).ok().map(|at| Self(at.date()))
    }

    /// The day as the calendar's crate has it.
    pub const fn date(self) -> Date {
        self.0
    }

    /// `20260131`, as UPS wants it.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }

    /// The day before.
    pub fn previous(self) -> Option<Self> {
        self.0.previous_day().map(Self)
    }

    /// How many days after `earlier` this is; negative before it.
    pub fn days_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).whole_days()
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a day as 2026-01-31"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for text in ["2026-01-31", "2024-02-29"] {
            assert_eq!(Day::parse(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Day::parse_compact("20260131").map(Day::compact).as_deref(), Some("20260131"));
        for none in ["2026-02-29", "2026-1-1", "", "tomorrow"] {
            assert_eq!(Day::parse(none), None, "{none}");
        }
    }
}
