//! When nobody wants their phone to ring: a promotion before nine and after eight, and news of a parcel at night, wherever
//! they are.
//!
//! Where they are, their number says as far as it can: its country, and in North America its area code. A range may have
//! many time zones. A promotion is sent only when it is day in all of them. News of a parcel waits for the end of the night
//! where most of the range's people live: in a country of eleven zones there is hardly an hour at which it is night nowhere,
//! and tomorrow "your parcel comes today" is wrong.

mod zones;

use std::time::Duration;

use super::Timestamp;

/// When a promotion may arrive, in hours of the day. (47 CFR 64.1200(c)(1): 8 to 21; some states: from 9, or until 20.)
const PROMOTIONS: (i64, i64) = (9, 20);
/// When news of a parcel may arrive. Carriers deliver from about seven to about ten; night by Directive 2002/49/EC is from
/// eleven to seven, by German law from ten to six.
const NOTICES: (i64, i64) = (7, 22);
/// One hour, in minutes.
const HOUR_MIN: i64 = 60;
/// One minute.
const MINUTE_MS: i64 = 60_000;
/// One day.
const DAY_MS: i64 = 24 * HOUR_MIN * MINUTE_MS;
/// Longest calling code that has a row of its own: Brazil's with an area code.
const CODE_MAX_DIGITS: usize = 4;

/// The times of a range of numbers, in minutes from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hours {
    /// Westernmost and easternmost.
    all: (i64, i64),
    /// Of those where most people live.
    most: (i64, i64),
}

impl Hours {
    const fn within(west: i64, east: i64) -> Self {
        Self { all: (west, east), most: (west, east) }
    }

    const fn mostly(west: i64, east: i64, most_west: i64, most_east: i64) -> Self {
        Self { all: (west, east), most: (most_west, most_east) }
    }
}

/// The times of a number (E.164); `None` where it says nothing of the place, as those of satellites.
fn hours(number: &str) -> Option<Hours> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let row = |table: &[(Hours, &str)], code: &str| {
        table.iter().find(|(_, codes)| codes.split(' ').any(|one| one == code)).map(|(hours, _)| *hours)
    };
    if let Some(national) = digits.strip_prefix('1') {
        let by_area = national.get(..3).and_then(|area| row(zones::NORTH_AMERICA, area));
        return Some(by_area.unwrap_or(zones::SOMEWHERE_IN_NORTH_AMERICA));
    }
    let beginnings = (1..=CODE_MAX_DIGITS).rev().filter_map(|length| digits.get(..length));
    beginnings.into_iter().find_map(|code| row(zones::COUNTRIES, code))
}

/// How long to wait until a promotion may be sent to this number (E.164); zero when it may be sent now. To a number of no
/// place, only in Europe's day.
pub fn wait(number: &str, now: Timestamp) -> Duration {
    let all = hours(number).map_or((-2 * HOUR_MIN, 2 * HOUR_MIN), |hours| hours.all);
    until_day(PROMOTIONS, all, now)
}

/// The same for news of a parcel; none where the number says nothing of the place.
pub fn wait_for_notice(number: &str, now: Timestamp) -> Duration {
    hours(number).map_or(Duration::ZERO, |hours| until_day(NOTICES, hours.most, now))
}

/// Until it is day from west to east: from when it begins in the west until it ends in the east, as times of day in UTC.
fn until_day((from, until): (i64, i64), (west, east): (i64, i64), now: Timestamp) -> Duration {
    let opens = (from * HOUR_MIN - west) * MINUTE_MS;
    let closes = (until * HOUR_MIN - east) * MINUTE_MS;
    let since_opening = (now.ms() - opens).rem_euclid(DAY_MS);
    if since_opening < closes - opens {
        return Duration::ZERO;
    }
    Duration::from_millis(u64::try_from(DAY_MS - since_opening).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time of day in UTC.
    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp::from_ms(20_000 * DAY_MS + (hour * HOUR_MIN + minute) * MINUTE_MS)
    }

    /// Numbers, and the times that their owners' clocks may show, in minutes from UTC.
    const PLACES: [(&str, &str, i64, i64); 16] = [
        ("+4798765432", "Norway", 60, 120),
        ("+14155550100", "California", -480, -420),
        ("+12125550100", "New York", -300, -240),
        ("+18085550100", "Hawaii", -600, -600),
        ("+19075550100", "Alaska", -600, -480),
        ("+16715550100", "Guam", 600, 600),
        ("+16845550100", "American Samoa", -660, -660),
        ("+17875550100", "Puerto Rico", -240, -240),
        ("+17095550100", "Newfoundland", -240, -150),
        ("+2975612345", "Aruba", -240, -240),
        ("+299221234", "Greenland", -240, 0),
        ("+61412345678", "Australia", 390, 660),
        ("+79161234567", "Russia", 120, 720),
        ("+5511987654321", "São Paulo", -180, -180),
        ("+919876543210", "India", 330, 330),
        ("+18005550100", "anywhere in North America", -600, -150),
    ];

    #[test]
    fn at_no_time_is_a_promotion_sent_where_it_may_be_night_and_each_day_has_a_time_for_it() {
        for (number, place, west, east) in PLACES {
            let mut minutes = 0;
            for minute in 0..(24 * HOUR_MIN) {
                let now = at(0, minute);
                if wait(number, now).is_zero() {
                    minutes += 1;
                    for offset in [west, east] {
                        let hour = (now.ms() / MINUTE_MS + offset).rem_euclid(24 * HOUR_MIN) / HOUR_MIN;
                        assert!((9..20).contains(&hour), "{place} at {minute}: {hour}");
                    }
                }
            }
            assert!(minutes >= HOUR_MIN, "{place}: {minutes} minutes a day");
        }
    }

    #[test]
    fn news_of_a_parcel_wait_for_the_morning_where_most_people_live_and_by_day_they_do_not_wait() {
        for (number, place, west, east) in PLACES {
            for minute in 0..(24 * HOUR_MIN) {
                let now = at(0, minute);
                let hours = [west, east].map(|offset| (minute + offset).rem_euclid(24 * HOUR_MIN) / HOUR_MIN);
                let sent = wait_for_notice(number, now).is_zero();
                if hours.iter().all(|hour| (10..19).contains(hour)) {
                    assert!(sent, "{place} at {minute}: {hours:?}");
                }
                if east - west <= 2 * HOUR_MIN && hours.iter().any(|hour| !(7..22).contains(hour)) {
                    assert!(!sent, "{place} at {minute}: {hours:?}");
                }
            }
        }
        // Eleven zones: it is two in the night in Moscow.
        assert!(!wait_for_notice("+79161234567", at(23, 0)).is_zero());
        assert!(wait_for_notice("+88212345678", at(3, 0)).is_zero(), "a satellite phone is anywhere");
    }

    #[test]
    fn every_row_has_an_hour_for_promotions_and_nine_for_news() {
        for (hours, codes) in zones::COUNTRIES.iter().chain(zones::NORTH_AMERICA) {
            let length =
                |(from, until): (i64, i64), (west, east): (i64, i64)| (until - from) * HOUR_MIN - (east - west);
            assert!(
                length(PROMOTIONS, hours.all) >= HOUR_MIN && length(NOTICES, hours.most) >= 9 * HOUR_MIN,
                "{codes}"
            );
            assert!(hours.all.0 <= hours.most.0 && hours.most.1 <= hours.all.1, "{codes}");
        }
        for table in [zones::COUNTRIES, zones::NORTH_AMERICA] {
            let mut codes: Vec<&str> = table.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
            let all = codes.len();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), all, "a code stands twice");
        }
    }

    #[test]
    fn every_number_has_a_time_of_day_and_the_wait_ends_in_it() {
        for first in 10..1_000 {
            let number = format!("+{first}00000000");
            for hour in 0..24 {
                let now = at(hour, 17);
                for (wait, name) in [(wait as fn(&str, Timestamp) -> Duration, "offer"), (wait_for_notice, "notice")] {
                    let then = now.plus(wait(&number, now));
                    assert!(wait(&number, then).is_zero(), "{name} to {first} at {hour}");
                    assert!(then.since(now) < Duration::from_secs(24 * 3_600));
                }
            }
        }
    }
}
