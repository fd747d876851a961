//! When nobody wants a promotion on their phone: before nine and after eight, wherever they are.
//!
//! Where they are, their number's country code says, and a country may have many time zones. So a promotion is sent
//! only when it is day in all zones of the number's world zone (ITU E.164: the first digit). That is narrower than it
//! need be, and needs neither a time zone database nor a question to the recipient.

use std::time::Duration;

use super::Timestamp;

/// First hour of the day in which a promotion may arrive (TCPA: 8; some states and countries: 9).
const FROM_HOUR: i64 = 9;
/// The hour at which the day is over (TCPA: 21; some states: 20).
const UNTIL_HOUR: i64 = 20;
/// One hour.
const HOUR_MS: i64 = 3_600_000;
/// One day.
const DAY_MS: i64 = 24 * HOUR_MS;

/// The westernmost and easternmost time of a world zone, in hours from UTC, summer time included.
const fn zone(first_digit: char) -> (i64, i64) {
    match first_digit {
        // North America: Hawaii to Newfoundland's summer. Its islands in the far Pacific are too few to wait for.
        '1' => (-10, -2),
        // Africa, with Cape Verde and Mauritius.
        '2' => (-1, 4),
        // Europe: the Azores to Moscow's neighbours.
        '3' | '4' => (-1, 3),
        // Latin America.
        '5' => (-8, -2),
        // South-east Asia and Oceania, without Samoa.
        '6' => (7, 13),
        // Russia and Kazakhstan.
        '7' => (2, 12),
        // East Asia.
        '8' => (6, 9),
        // The Middle East and South Asia, with Turkey and Mongolia.
        '9' => (2, 9),
        // Satellite phones are anywhere.
        _ => (-2, 2),
    }
}

/// How long to wait until a promotion may be sent to this number (E.164); zero when it may be sent now.
pub fn wait(number: &str, now: Timestamp) -> Duration {
    let (west, east) = zone(number.trim_start_matches('+').chars().next().unwrap_or('0'));
    // Day everywhere: from when it is nine in the west until it is eight in the east, as times of day in UTC.
    let opens = (FROM_HOUR - west) * HOUR_MS;
    let closes = (UNTIL_HOUR - east) * HOUR_MS;
    let since_opening = (now.ms() - opens).rem_euclid(DAY_MS);
    if since_opening < (closes - opens).rem_euclid(DAY_MS) {
        return Duration::ZERO;
    }
    Duration::from_millis(u64::try_from(DAY_MS - since_opening).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time of day in UTC.
    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp::from_ms(20_000 * DAY_MS + hour * HOUR_MS + minute * 60_000)
    }

    #[test]
    fn at_no_time_is_a_promotion_sent_where_it_may_be_night() {
        for (number, west, east) in [("+14155550100", -10, -4), ("+4798765432", -1, 3), ("+61400000000", 7, 13)] {
            for minute in 0..(24 * 60) {
                let now = at(0, minute);
                if wait(number, now).is_zero() {
                    for offset in west..=east {
                        let hour = (now.ms() + offset * HOUR_MS).rem_euclid(DAY_MS) / HOUR_MS;
                        assert!((FROM_HOUR..UNTIL_HOUR).contains(&hour), "{number} at {minute}: {hour}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_number_has_a_time_of_day_and_the_wait_ends_in_it() {
        for digit in '0'..='9' {
            let number = format!("+{digit}00000000");
            for hour in 0..24 {
                let now = at(hour, 17);
                let then = now.plus(wait(&number, now));
                assert!(wait(&number, then).is_zero(), "{digit} at {hour}");
                assert!(then.since(now) < Duration::from_secs(24 * 3_600));
            }
        }
    }
}
