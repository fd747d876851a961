//! Phones of people who are awake: news of a parcel waits for the morning where a number belongs.

use std::time::{SystemTime, UNIX_EPOCH};

/// Hours of the day in UTC at which it is neither before seven nor after ten in Norway, in summer and winter.
const DAY_IN_NORWAY: std::ops::Range<u64> = 6..20;

/// A number that ends in these five digits: of Norway by day, of Hawaii by night.
pub fn awake(last_five: &str) -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    of_hour(since_epoch.as_secs() / 3_600 % 24, last_five)
}

fn of_hour(hour: u64, last_five: &str) -> String {
    let beginning = if DAY_IN_NORWAY.contains(&hour) { "+47987" } else { "+180855" };
    format!("{beginning}{last_five}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_called_is_awake_in_summer_and_winter() {
        for hour in 0..24 {
            let number = of_hour(hour, "65432");
            let offsets: &[u64] = if number.starts_with("+47") { &[1, 2] } else { &[24 - 10] };
            for offset in offsets {
                assert!((7..22).contains(&((hour + offset) % 24)), "{number} at {hour}");
            }
        }
    }
}
