//! What an answer of UPS's means. There is no idempotency key: whatever may have been done is Unknown, and the search by
//! our reference will tell. UPS calls its errors hard or transient; a transient one of something that changes nothing is
//! asked again, one of a purchase is Unknown unless it says that nothing was done. (The specifications, and the error
//! codes in the appendices of the Shipping, Rating, Void and Label Recovery developer guides.)

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::gateway::{Class, is_html, retry_after};
use crate::vendors::carrier::Refusal;
use crate::vendors::lenient;

/// The same shipment was asked for before: the first time may have made it.
const ASKED_BEFORE: u32 = 120_021;
/// The shipment has already been voided.
const VOIDED_BEFORE: u32 = 190_117;
/// Nothing has this reference; what had it is void. Label recovery's words, and those of looking by reference, which were
/// seen in production with and without the wrapper (a public repository, 2026-09).
const NOTHING_THERE: [u32; 4] = [300_007, 300_033, 9_801_031, 9_801_040];
/// The account that we name is none, or not ours: no shipment's fault.
const NO_SUCH_ACCOUNT: u32 = 120_100;
/// Track Alert: not one of the numbers is valid.
const NO_VALID_NUMBER: &str = "VSS210";

/// With the wrapper of the specifications, and without, as tracking by reference answers (a probe of production in a public
/// repository, 2026-09).
#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(default, deserialize_with = "lenient::maybe")]
    response: Option<Errors>,
    #[serde(default, deserialize_with = "lenient::list")]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default, deserialize_with = "lenient::list")]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default, deserialize_with = "lenient::text")]
    code: Option<String>,
}

/// Classifies the answer to something that changes something there.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    let number = number(body);
    match (status.as_u16(), number) {
        (200, _) => Class::Done,
        (429, _) => Class::Throttled { after: retry_after(headers) },
        (401 | 403, _) | (400, Some(NO_SUCH_ACCOUNT)) => Class::Credentials,
        // Nobody can read it, or it is not UPS's: it says nothing of what was done.
        (400 | 404 | 405 | 422, None) if code(body).is_none() => Class::Unknown,
        (400, Some(ASKED_BEFORE)) => Class::Unknown,
        // The shipping and the void system say themselves that they are out of service.
        (400 | 500 | 503, Some(120_001 | 190_001)) => Class::Transient,
        (400 | 404 | 405 | 422, _) => Class::Refused,
        _ => Class::Unknown,
    }
}

/// Classifies the answer to a question. It does nothing, so that whatever UPS calls transient is asked again.
pub(super) fn classify_read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    match (status.as_u16(), number(body)) {
        (200, _) => Class::Done,
        (429, _) => Class::Throttled { after: retry_after(headers) },
        (401 | 403, _) | (400, Some(NO_SUCH_ACCOUNT)) => Class::Credentials,
        // Somebody else's page: our configuration.
        (400 | 404 | 405 | 422, None) if is_html(body) => Class::Credentials,
        // "Please try again": general failure, rating, shipping, label recovery out of service.
        (400, Some(10_004 | 20_001 | 110_001 | 111_001 | 120_001 | 300_000)) | (500 | 502 | 503 | 504, _) => {
            Class::Transient
        }
        (400 | 404 | 405 | 422, _) => Class::Refused,
        _ => Class::Unknown,
    }
}

/// Why UPS has refused.
pub(super) fn refusal(body: &[u8]) -> Refusal {
    let Some(number) = number(body) else {
        // Tracking's codes: an invalid number; nothing known of it.
        return match code(body).as_deref() {
            Some("TV1002" | "TW0001" | "TV1003") => Refusal::NotFound,
            _ => Refusal::Other,
        };
    };
    match number {
        // Parts of the shipper's, the recipient's and the origin's address; what an address check finds.
        120_101..=120_120
        | 120_200..=120_218
        | 120_300..=120_318
        | 120_801..=120_803
        | 111_107
        | 121_107
        | 111_285
        | 111_286
        | 121_285
        | 121_286 => Refusal::Address,
        120_600..=120_609 | 120_616 | 111_030..=111_036 | 121_030..=121_036 | 111_050..=111_057 | 121_050..=121_057 => {
            Refusal::Parcel
        }
        120_124
        | 120_500
        | 111_100
        | 121_100
        | 111_106
        | 121_106
        | 111_185
        | 121_185
        | 111_208..=111_217
        | 121_208..=121_215 => Refusal::Service,
        120_502 | 120_504 | 120_512 | 120_526 | 120_539 | 128_000..=128_999 => Refusal::Customs,
        120_508..=120_511 | 120_533 | 120_534 | 120_537 => Refusal::Time,
        190_100 | 190_102 | 190_109 | 300_014 => Refusal::NotFound,
        number if NOTHING_THERE.contains(&number) => Refusal::NotFound,
        190_101 | 190_103 | 190_118 => Refusal::TooLate,
        _ => Refusal::Other,
    }
}

/// Whether a void was refused because it is done.
pub(super) fn is_voided_before(body: &[u8]) -> bool {
    number(body) == Some(VOIDED_BEFORE)
}

/// Whether label recovery certainly has nothing under the reference. A 404 of anybody else in between says nothing.
pub(super) fn has_nothing(body: &[u8]) -> bool {
    number(body).is_some_and(|number| NOTHING_THERE.contains(&number))
}

/// Whether no number of a subscription is valid.
pub(super) fn is_all_invalid(body: &[u8]) -> bool {
    code(body).as_deref() == Some(NO_VALID_NUMBER)
}

/// UPS's code in the body of an error.
pub(super) fn code(body: &[u8]) -> Option<String> {
    let answer: ErrorResponse = serde_json::from_slice(body).ok()?;
    let wrapped = answer.response.map(|response| response.errors).unwrap_or_default();
    wrapped.into_iter().chain(answer.errors).find_map(|failure| failure.code)
}

fn number(body: &[u8]) -> Option<u32> {
    code(body)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> String {
        format!(r#"{{"response":{{"errors":[{{"code":"{code}","message":"…"}}]}}}}"#)
    }

    fn class(classify: crate::gateway::Classify, status: u16, body: &str) -> Class {
        classify(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn every_documented_answer_has_its_class() {
        use Class::{Credentials, Done, Refused, Transient, Unknown};
        for (status, code, effect, read) in [
            (200, "", Done, Done),
            (400, "", Unknown, Refused),
            (400, "120100", Credentials, Credentials),
            (400, "10007", Refused, Refused),
            (400, "111210", Refused, Refused),
            (400, "120021", Unknown, Refused),
            (400, "120001", Transient, Transient),
            (400, "190001", Transient, Refused),
            (400, "190102", Refused, Refused),
            (400, "300000", Refused, Transient),
            (400, "300007", Refused, Refused),
            (400, "10004", Refused, Transient),
            (400, "VSS210", Refused, Refused),
            (401, "250002", Credentials, Credentials),
            (401, "UJ0001", Credentials, Credentials),
            (401, "251004", Credentials, Credentials),
            (403, "", Credentials, Credentials),
            (404, "TV1002", Refused, Refused),
            (405, "405", Refused, Refused),
            (429, "", Class::Throttled { after: None }, Class::Throttled { after: None }),
            (500, "10004", Unknown, Transient),
            (500, "VSS100", Unknown, Transient),
            (500, "120001", Transient, Transient),
            (502, "", Unknown, Transient),
            (503, "", Unknown, Transient),
            (504, "", Unknown, Transient),
            (201, "", Unknown, Unknown),
            (302, "", Unknown, Unknown),
            (418, "", Unknown, Unknown),
        ] {
            assert_eq!(class(classify, status, &error(code)), effect, "effect: {status} {code}");
            assert_eq!(class(classify_read, status, &error(code)), read, "read: {status} {code}");
        }
        assert_eq!(class(classify, 503, "<html>"), Unknown);
        for status in [400, 404, 405, 422] {
            assert_eq!(class(classify, status, "<html>"), Unknown, "{status}");
            assert_eq!(class(classify_read, status, " <!DOCTYPE html>"), Credentials, "{status}");
        }
    }

    #[test]
    fn a_refusal_has_one_of_our_reasons() {
        for (code, expected) in [
            ("120202", Refusal::Address),
            ("120802", Refusal::Address),
            ("111285", Refusal::Address),
            ("111035", Refusal::Parcel),
            ("120601", Refusal::Parcel),
            ("121050", Refusal::Parcel),
            ("111210", Refusal::Service),
            ("120124", Refusal::Service),
            ("121210", Refusal::Service),
            ("120512", Refusal::Customs),
            ("128250", Refusal::Customs),
            ("190100", Refusal::NotFound),
            ("190102", Refusal::NotFound),
            ("190101", Refusal::TooLate),
            ("190103", Refusal::TooLate),
            ("TV1002", Refusal::NotFound),
            ("120100", Refusal::Other),
            ("VSS930", Refusal::Other),
            ("", Refusal::Other),
        ] {
            assert_eq!(refusal(error(code).as_bytes()), expected, "{code}");
        }
        assert_eq!(refusal(b"<html>"), Refusal::Other);
        for code in ["300007", "300033", "9801031", "9801040"] {
            let bare = format!(r#"{{"errors":[{{"code":"{code}","message":"…"}}]}}"#);
            for body in [error(code), bare] {
                assert!(has_nothing(body.as_bytes()), "{body}");
                assert_eq!(refusal(body.as_bytes()), Refusal::NotFound, "{body}");
            }
        }
        assert_eq!(code(br#"{"response":"odd","errors":{"code":9801031}}"#).as_deref(), Some("9801031"));
        assert_eq!(code(br#"{"response":{"errors":[]}}"#), None);
        assert!(is_voided_before(error("190117").as_bytes()) && !is_voided_before(error("190118").as_bytes()));
        assert!(
            has_nothing(error("300007").as_bytes())
                && !has_nothing(b"not found")
                && !has_nothing(error("300006").as_bytes())
        );
        assert!(is_all_invalid(error("VSS210").as_bytes()) && !is_all_invalid(error("VSS200").as_bytes()));
    }
}
