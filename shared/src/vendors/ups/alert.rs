//! Track Alert: parcels of which UPS tells unasked, each for fourteen days (POST
//! /api/track/v2/subscription/standard/package). In this version UPS takes the receiver's address and credential from
//! where the account's owner has set them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::vendors::lenient;

/// Numbers of one subscription.
pub const NUMBERS_MAX: usize = 100;

/// Where to subscribe.
pub(super) const PATH: &str = "/api/track/v2/subscription/standard/package";

/// What a number begins with, and how many capital letters and digits follow: small parcels', and Roadie's two.
const FORMS: [(&str, usize); 3] = [("1Z", 16), ("1R", 14), ("1R", 26)];

/// What UPS will tell of, and what not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribed {
    /// Their scans will come.
    pub valid: Vec<String>,
    /// UPS does not know them, or they have not the form of a number of theirs.
    pub invalid: Vec<String>,
}

/// Whether a number has the form that UPS demands: a single other one would cost the whole request.
pub(super) fn is_number(number: &str) -> bool {
    let plain = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    FORMS
        .iter()
        .any(|(start, chars)| number.strip_prefix(start).is_some_and(|rest| rest.len() == *chars && plain(rest)))
}

/// The wish.
pub(super) fn request(numbers: &[&str]) -> Value {
    json!({ "locale": "en_US", "trackingNumberList": numbers })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertResponse {
    #[serde(deserialize_with = "lenient::list")]
    valid_tracking_numbers: Vec<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    invalid_tracking_numbers: Vec<String>,
}

/// What became of it.
pub(super) fn read(body: &[u8]) -> Option<Subscribed> {
    let answer: AlertResponse = serde_json::from_slice(body).ok()?;
    Some(Subscribed { valid: answer.valid_tracking_numbers, invalid: answer.invalid_tracking_numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_numbers_form_is_sent() {
        for good in ["1ZCIETST0111111114", "1R12345678912345", "1R123456789123456789123456AB"] {
            assert!(is_number(good), "{good}");
        }
        for bad in
            ["", "1Z", "1ZCIETST011111111", "1ZCIETST01111111145", "1zcietst0111111114", "1Z1234567$81234567", "JD01"]
        {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn ups_says_of_which_parcels_it_will_tell() {
        let body = br#"{"validTrackingNumbers":["1Z1"],"invalidTrackingNumbers":"1Z2"}"#;
        let expected = Subscribed { valid: vec!["1Z1".to_owned()], invalid: vec!["1Z2".to_owned()] };
        assert_eq!(read(body), Some(expected));
        assert_eq!(read(b"{}"), None);
    }
}
