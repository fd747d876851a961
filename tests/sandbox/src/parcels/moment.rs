//! Times as carriers write them.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset, Weekday};

const COMPACT_DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");
const COMPACT_TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour][minute][second]");
const SHORT_TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour][minute]");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const CLOCK: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const OFFSET: &[BorrowedFormatItem<'_>] = format_description!("[offset_hour sign:mandatory]:[offset_minute]");

/// A point in time; all carriers here keep their clocks in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(OffsetDateTime);

impl Moment {
    /// From epoch milliseconds.
    pub(crate) fn new(at_ms: i64) -> Self {
        Self(OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// Epoch milliseconds.
    pub(crate) fn ms(self) -> i64 {
        self.0.unix_timestamp() * 1000
    }

    /// `20250502`.
    pub(crate) fn compact_date(self) -> String {
        self.0.format(COMPACT_DATE).unwrap_or_default()
    }

    /// `093000`.
    pub(crate) fn compact_time(self) -> String {
        self.0.format(COMPACT_TIME).unwrap_or_default()
    }

    /// `2025-05-02`.
    pub(crate) fn date(self) -> String {
        self.0.format(DATE).unwrap_or_default()
    }

    /// `09:30:00`.
    pub(crate) fn clock(self) -> String {
        self.0.format(CLOCK).unwrap_or_default()
    }

    /// `2025-05-02T09:30:00`.
    pub(crate) fn date_and_clock(self) -> String {
        format!("{}T{}", self.date(), self.clock())
    }

    /// `MONDAY`.
    pub(crate) fn weekday(self) -> String {
        self.0.weekday().to_string().to_uppercase()
    }

    /// 1 on a Monday.
    pub(crate) fn weekday_number(self) -> u8 {
        self.0.weekday().number_from_monday()
    }

    /// Six in the evening, so many business days later.
    pub(crate) fn after_business_days(self, days: i64) -> Self {
        let (mut day, mut left) = (self.0.date(), days);
        while left > 0 || is_weekend(day) {
            day = day.saturating_add(Duration::days(1));
            left -= i64::from(!is_weekend(day));
        }
        Self(PrimitiveDateTime::new(day, Time::from_hms(18, 0, 0).unwrap_or(Time::MIDNIGHT)).assume_utc())
    }

    /// `20250502` and `0930`.
    pub(crate) fn of_compact(date: &str, clock: &str) -> Option<Self> {
        let (date, clock) = (Date::parse(date, COMPACT_DATE).ok()?, Time::parse(clock, SHORT_TIME).ok()?);
        Some(Self(PrimitiveDateTime::new(date, clock).assume_utc()))
    }

    /// `2025-05-02`.
    pub(crate) fn of_date(date: &str) -> Option<Self> {
        let date = Date::parse(date, DATE).ok()?;
        Some(Self(PrimitiveDateTime::new(date, Time::MIDNIGHT).assume_utc()))
    }

    /// `2025-05-02T09:30:00` and what follows it: `Z`, an offset, ` GMT+01:00` or nothing.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('T')?;
        let clock = rest.get(..8)?;
        let offset = match rest.get(8..)?.trim_start().trim_start_matches("GMT") {
            "" | "Z" => UtcOffset::UTC,
            offset => UtcOffset::parse(offset, OFFSET).ok()?,
        };
        let (date, clock) = (Date::parse(date, DATE).ok()?, Time::parse(clock, CLOCK).ok()?);
        Some(Self(PrimitiveDateTime::new(date, clock).assume_offset(offset)))
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}
