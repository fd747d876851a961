//! What an answer of DHL's means. There is no idempotency key: whatever may have been done is Unknown, and the search by
//! our reference will tell; an answer that nobody can read is one of those. (MyDHL API specification, and the error texts in its reference data guide, which begin with
//! a number.)

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::gateway::{Class, is_html, retry_after};
use crate::vendors::carrier::Refusal;
use crate::vendors::lenient;

/// The account that we name is none, or may not do this: no shipment's fault. (MyDHL API specification: the examples of
/// pickups, shipments, reference data and commercial invoices.)
const ACCOUNT_REFUSED: [u32; 4] = [3_501, 5_032, 8_003, 8_007];
/// The same, where DHL has no number for it.
const ACCOUNT_UNKNOWN: &str = "account number is not found or invalid";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(default, deserialize_with = "lenient::text")]
    instance: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    detail: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    title: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    additional_details: Vec<String>,
}

impl Failure {
    /// Whether it says anything at all.
    const fn is_its_own(&self) -> bool {
        self.instance.is_some() || self.detail.is_some() || self.title.is_some() || self.message.is_some()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        [&self.detail, &self.message].into_iter().flatten().chain(&self.additional_details).map(String::as_str)
    }
}

/// Classifies the answer to something that changes something there.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    match status.as_u16() {
        200 | 201 => Class::Done,
        400 | 404 | 422 if is_account_refused(body) => Class::Credentials,
        400 | 404 | 422 if failure(body).is_some_and(|failure| failure.is_its_own()) => Class::Refused,
        401 | 403 => Class::Credentials,
        429 => Class::Throttled { after: retry_after(headers) },
        _ => Class::Unknown,
    }
}

/// Classifies the answer to a question. It does nothing, so that what may pass is asked again.
pub(super) fn classify_read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    match status.as_u16() {
        200 => Class::Done,
        500 | 502 | 503 | 504 => Class::Transient,
        201 => Class::Unknown,
        // Somebody else's page: our configuration.
        400 | 404 | 422 if is_html(body) => Class::Credentials,
        400 | 404 | 422 if !is_account_refused(body) => Class::Refused,
        _ => classify(status, headers, body),
    }
}

/// Whether DHL refuses the account that we name.
fn is_account_refused(body: &[u8]) -> bool {
    let is_said = |failure: Failure| failure.texts().any(|text| text.contains(ACCOUNT_UNKNOWN));
    code(body).is_some_and(|code| ACCOUNT_REFUSED.contains(&code)) || failure(body).is_some_and(is_said)
}

/// Why DHL has refused.
pub(super) fn refusal(body: &[u8]) -> Refusal {
    match code(body) {
        // No product goes from here to there, or on that day.
        // Nor a service of the kind on this way.
        Some(996 | 1_001 | 7_008) => Refusal::Service,
        // No pickup on that day; the ready time.
        Some(1_003 | 3_010) => Refusal::Time,
        // Country, postal code, city or service area not found, of both sides.
        Some(3_000..=3_008) => Refusal::Address,
        Some(3_013) => Refusal::Parcel,
        _ if is_missing(body) => Refusal::NotFound,
        _ => Refusal::Other,
    }
}

/// Whether DHL itself says that it has nothing there. A 404 of anybody else in between says nothing.
pub(super) fn is_missing(body: &[u8]) -> bool {
    failure(body).is_some_and(|failure| failure.status.as_deref() == Some("404") && failure.instance.is_some())
}

/// DHL's number at the start of an error's text.
pub(super) fn code(body: &[u8]) -> Option<u32> {
    failure(body)?.texts().find_map(|text| {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        text[end..].starts_with(':').then(|| text[..end].parse().ok())?
    })
}

fn failure(body: &[u8]) -> Option<Failure> {
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_answer_has_its_class() {
        use Class::{Credentials, Done, Refused, Transient, Unknown};
        let throttled = Class::Throttled { after: None };
        let own = r#"{"instance":"/mydhlapi/x","detail":"Multiple problems found, see Additional Details","title":"Bad request",
            "additionalDetails":["7008: The requested Special Service Code"],"status":"400"}"#;
        for (status, effect, read) in [
            (200, Done, Done),
            (201, Done, Unknown),
            (400, Refused, Refused),
            (401, Credentials, Credentials),
            (403, Credentials, Credentials),
            (404, Refused, Refused),
            (422, Refused, Refused),
            (429, throttled, throttled),
            (500, Unknown, Transient),
            (502, Unknown, Transient),
            (503, Unknown, Transient),
            (504, Unknown, Transient),
            (204, Unknown, Unknown),
            (302, Unknown, Unknown),
            (418, Unknown, Unknown),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(classify(status, &HeaderMap::new(), own.as_bytes()), effect, "effect: {status}");
            assert_eq!(classify_read(status, &HeaderMap::new(), own.as_bytes()), read, "read: {status}");
        }
    }

    #[test]
    fn what_nobody_can_read_says_nothing_of_what_was_done_and_a_page_is_not_dhl_s() {
        for status in [400, 404, 422].map(|status| StatusCode::from_u16(status).expect("a status")) {
            for body in ["", "not json", "{}", "[]", "<html>"] {
                assert_eq!(classify(status, &HeaderMap::new(), body.as_bytes()), Class::Unknown, "{status} {body}");
            }
            assert_eq!(classify_read(status, &HeaderMap::new(), b"\n<html>"), Class::Credentials, "{status}");
            assert_eq!(classify_read(status, &HeaderMap::new(), b"{}"), Class::Refused, "{status}");
        }
    }

    #[test]
    fn an_account_that_is_refused_is_our_configuration() {
        let error = |detail: &str, additional: &str| {
            format!(
                r#"{{"instance":"/mydhlapi/x","detail":"{detail}","title":"Bad request","additionalDetails":{additional},"status":"400"}}"#
            )
        };
        for body in [
            error("The account number is not found or invalid. Please check the account number and retry.", "null"),
            error(
                "Multiple problems found, see Additional Details",
                r#"["8003: Account not allowed for this service."]"#,
            ),
            error("8007: The Shipper Account is invalid.", "[]"),
            error("3501: Request Identifier is not allowed for your username.", "[]"),
        ] {
            for classify in [classify as crate::gateway::Classify, classify_read] {
                let class = classify(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes());
                assert_eq!(class, Class::Credentials, "{body}");
            }
        }
    }

    #[test]
    fn a_refusal_has_one_of_our_reasons() {
        let error = |detail: &str, additional: &str| {
            format!(
                r#"{{"instance":"/mydhlapi/rates","detail":"{detail}","title":"Bad request","additionalDetails":{additional},"status":"400"}}"#
            )
        };
        for (detail, additional, expected) in [
            ("996: The requested product(s) not available based on your search criteria.", "null", Refusal::Service),
            (
                "Multiple problems found, see Additional Details",
                r#"["no number", "3006: The destination zip code"]"#,
                Refusal::Address,
            ),
            ("x", r#""1003: Pick-up service is not provided on this day.""#, Refusal::Time),
            ("3013: The shipment weight", "[]", Refusal::Parcel),
            ("#/content: required key [description] not found", "[7]", Refusal::Other),
            ("99999999999999: ", "[]", Refusal::Other),
            ("", "[]", Refusal::Other),
        ] {
            assert_eq!(refusal(error(detail, additional).as_bytes()), expected, "{detail} {additional}");
        }
        let missing =
            r#"{"instance":"/mydhlapi/tracking","detail":"No data found","title":"Not found","status":"404"}"#;
        assert_eq!(refusal(missing.as_bytes()), Refusal::NotFound);
        for not_its_own in ["not found", "{}", r#"{"status":"404"}"#, r#"{"status":404,"message":"no route"}"#] {
            assert!(!is_missing(not_its_own.as_bytes()), "{not_its_own}");
        }
    }
}
