//! What an answer of Twilio's means. There is no idempotency key: whatever may have been accepted is Unknown, and the
//! list of messages will tell. (twilio.com/docs/api/errors.)

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::effects::Reason;
use crate::gateway::policy::RETRY_AFTER_MAX;
use crate::gateway::{Class, retry_after};

/// The recipient has replied STOP. Only they can lift it, with START.
pub(super) const RECIPIENT_OPTED_OUT: u32 = 21_610;

#[derive(Deserialize)]
struct Failure {
    code: u32,
}

/// Classifies the answer to a new message.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    let code = code(body);
    match (status.as_u16(), code) {
        (201, _) => Class::Done,
        // The day's limit of a number: an hour is the longest wait that there is, and the budget ends it.
        (400 | 429, Some(63_038)) => Class::Throttled { after: Some(RETRY_AFTER_MAX) },
        // Too fast for the account, for a number's queue, or for the carrier behind it. Some come as 400.
        (429, _) | (400, Some(14_107 | 20_429 | 21_611 | 30_001 | 30_017 | 30_022)) => {
            Class::Throttled { after: retry_after(headers).or(shortly(code)) }
        }
        // A provider behind Twilio did not answer in time: it may have it.
        (400, Some(30_410)) => Class::Unknown,
        // The key, or the account: an operator has to act, and then it goes on.
        (401 | 403, _) | (400, Some(20_003 | 30_002)) => Class::Credentials,
        (400 | 404 | 405 | 413 | 415, _) => Class::Refused,
        // Turned away by Twilio's own door. A 503 of anything else in between says nothing of it.
        (503, Some(20_503)) => Class::Transient,
        _ => Class::Unknown,
    }
}

/// Classifies the answer to a question. It does nothing, so whatever is not known is asked again.
pub(super) fn classify_read(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        200 => Class::Done,
        401 | 403 => Class::Credentials,
        400 | 404 => Class::Refused,
        429 => Class::Throttled { after: retry_after(headers) },
        _ => Class::Unknown,
    }
}

/// The stable code of a refusal.
pub(super) fn refusal(body: &[u8]) -> Reason {
    match code(body) {
        Some(RECIPIENT_OPTED_OUT) => Reason::OptedOut,
        // Invalid, not a mobile, out of reach, landline, blocked: a number that no SMS will ever reach.
        Some(21_211 | 21_612 | 21_614 | 30_004 | 30_005 | 30_006) => Reason::NumberUnreachable,
        _ => Reason::VendorRefused,
    }
}

/// Whether a refusal is about how the account is set up (sender, region, trial, text), and not about the recipient: the
/// next message will be refused as well.
pub(super) fn is_ours_to_fix(body: &[u8]) -> bool {
    matches!(
        code(body),
        Some(
            20_404
                | 21_212
                | 21_408
                | 21_606
                | 21_608
                | 21_617
                | 21_620
                | 21_705
                | 30_007
                | 30_010
                | 30_032
                | 30_034
                | 30_450
        )
    )
}

/// Twilio's code in the body of an error.
pub(super) fn code(body: &[u8]) -> Option<u32> {
    serde_json::from_slice::<Failure>(body).ok().map(|failure| failure.code)
}

/// A queue behind one number empties at the pace of that number: one or a few segments a second.
fn shortly(code: Option<u32>) -> Option<Duration> {
    const QUEUE_WAIT: Duration = Duration::from_secs(60);
    matches!(code, Some(21_611 | 30_001)).then_some(QUEUE_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: u32) -> (StatusCode, Vec<u8>) {
        let body = format!(r#"{{"code":{code},"message":"…","more_info":"https://…","status":{status}}}"#);
        (StatusCode::from_u16(status).expect("a status"), body.into_bytes())
    }

    fn class(status: u16, code: u32) -> Class {
        let (status, body) = answer(status, code);
        classify(status, &HeaderMap::new(), &body)
    }

    #[test]
    fn every_documented_answer_has_its_class() {
        const THROTTLED: Class = Class::Throttled { after: None };
        const QUEUE_FULL: Class = Class::Throttled { after: Some(Duration::from_secs(60)) };
        const TOMORROW: Class = Class::Throttled { after: Some(RETRY_AFTER_MAX) };
        for (status, code, expected) in [
            (429, 20_429, THROTTLED),
            (429, 14_107, THROTTLED),
            (400, 14_107, THROTTLED),
            (400, 30_017, THROTTLED),
            (400, 30_022, THROTTLED),
            (429, 21_611, QUEUE_FULL),
            (400, 21_611, QUEUE_FULL),
            (400, 30_001, QUEUE_FULL),
            (400, 63_038, TOMORROW),
            (400, 30_410, Class::Unknown),
            (401, 20_003, Class::Credentials),
            (403, 20_003, Class::Credentials),
            (400, 20_003, Class::Credentials),
            (400, 30_002, Class::Credentials),
            (404, 20_404, Class::Refused),
            (500, 20_500, Class::Unknown),
            (503, 20_503, Class::Transient),
        ] {
            assert_eq!(class(status, code), expected, "{status} {code}");
        }
        // Final: the recipient's doing, the number's, ours; and those of deliveries, should they ever come at once.
        for code in [
            21_610, 21_211, 21_614, 30_005, 30_006, 21_612, 30_004, 21_212, 21_606, 21_608, 21_408, 21_617, 21_620,
            21_705, 30_007, 30_010, 30_032, 30_034, 30_450, 30_003, 30_008,
        ] {
            assert_eq!(class(400, code), Class::Refused, "{code}");
        }
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status_and_never_taken_for_success() {
        for (status, expected) in [
            (201, Class::Done),
            (200, Class::Unknown),
            (202, Class::Unknown),
            (302, Class::Unknown),
            (400, Class::Refused),
            (401, Class::Credentials),
            (403, Class::Credentials),
            (404, Class::Refused),
            (408, Class::Unknown),
            (409, Class::Unknown),
            (429, Class::Throttled { after: None }),
            (500, Class::Unknown),
            (502, Class::Unknown),
            (503, Class::Unknown),
            (504, Class::Unknown),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(classify(status, &HeaderMap::new(), b"<html>"), expected, "{status}");
            assert!(classify_read(status, &HeaderMap::new(), b"") != Class::Done || status == 200, "{status}");
        }
    }

    #[test]
    fn a_wait_that_twilio_names_is_kept() {
        let (status, body) = answer(429, 20_429);
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "7".parse().expect("a value"))]);
        assert_eq!(classify(status, &headers, &body), Class::Throttled { after: Some(Duration::from_secs(7)) });
    }

    #[test]
    fn a_refusal_says_whether_the_recipient_the_number_or_we_are_the_reason() {
        let code = |code| refusal(&answer(400, code).1);
        assert_eq!(code(21_610), Reason::OptedOut);
        for bad in [21_211, 21_614, 30_005, 30_006, 21_612, 30_004] {
            assert_eq!(code(bad), Reason::NumberUnreachable, "{bad}");
        }
        for ours in
            [20_404, 21_212, 21_606, 21_608, 21_408, 21_617, 21_620, 21_705, 30_007, 30_010, 30_032, 30_034, 30_450]
        {
            assert_eq!(code(ours), Reason::VendorRefused, "{ours}");
            assert!(is_ours_to_fix(&answer(400, ours).1), "{ours}");
        }
        assert_eq!(refusal(b"not json"), Reason::VendorRefused);
        assert!(!is_ours_to_fix(&answer(400, 21_211).1));
    }
}
