//! What an answer of FedEx's means. There is no idempotency key: whatever may have been done is Unknown, and the search by
//! our reference will tell; an answer that nobody can read is one of those. (The API's own documents; its catalogue of codes is long and grows, so a refusal's reason is read
//! from the parts of its code.)

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::gateway::{Class, is_html, retry_after};
use crate::vendors::carrier::Refusal;
use crate::vendors::lenient::list;

/// FedEx's own word for being out of service.
const UNAVAILABLE: &str = "SERVICE.UNAVAILABLE.ERROR";
/// FedEx's word for a path that it does not have: our configuration names another server than its API. It is no word
/// about what was asked for. (FedEx's specifications, response 404: "The resource you requested is no longer available".)
const NO_SUCH_RESOURCE: &str = "NOT.FOUND.ERROR";
/// Characters of a code that a log line takes.
const CODE_MAX: usize = 80;

/// What a refusal is about, by parts of its code: the first that is in it. `CUSTOMS` goes before `COUNTRY`, and `SERVICE`
/// before `PACKAGE`, for codes such as `COMMODITY.COUNTRYOFMANUFACTURE.INVALID` and `SERVICE.PACKAGECOMBINATION.INVALID`.
const REASONS: &[(&str, Refusal)] = &[
    ("NUMBER.EXPIRED", Refusal::TooLate),
    ("CANNOT.CANCEL", Refusal::TooLate),
    ("STANDARDIZED.ADDRESS.NOTFOUND", Refusal::Address),
    ("NOTFOUND", Refusal::NotFound),
    ("NOT.FOUND", Refusal::NotFound),
    ("TRACKINGNUMBER", Refusal::NotFound),
    ("TRACKINGNBR", Refusal::NotFound),
    ("CONFIRMATION", Refusal::NotFound),
    ("CUSTOMS", Refusal::Customs),
    ("COMMODIT", Refusal::Customs),
    ("HARMONIZED", Refusal::Customs),
    ("DUTIES", Refusal::Customs),
    ("INVOICE", Refusal::Customs),
    ("SERVICE", Refusal::Service),
    ("WEIGHT", Refusal::Parcel),
    ("DIMENSION", Refusal::Parcel),
    ("PACKAGE", Refusal::Parcel),
    ("POSTAL", Refusal::Address),
    ("ADDRESS", Refusal::Address),
    ("STREET", Refusal::Address),
    ("CITY", Refusal::Address),
    ("STATE", Refusal::Address),
    ("PROVINCE", Refusal::Address),
    ("COUNTRY", Refusal::Address),
    ("ZIP", Refusal::Address),
    ("PHONE", Refusal::Address),
    ("CONTACT", Refusal::Address),
    ("PERSONNAME", Refusal::Address),
    ("RECIPIENT", Refusal::Address),
    ("SHIPPER", Refusal::Address),
    ("ORIGIN", Refusal::Address),
    ("DESTINATION", Refusal::Address),
    ("SHIPDATE", Refusal::Time),
    ("SHIP.DATE", Refusal::Time),
    ("PREVIOUS.DAY", Refusal::Time),
    ("READY", Refusal::Time),
    ("CLOSE", Refusal::Time),
    ("CUTOFF", Refusal::Time),
    ("DATE", Refusal::Time),
];

/// Classifies the answer to a label, a void, a pickup.
pub(super) fn classify_effect(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    let code = code(body);
    match status.as_u16() {
        200 if has_output(body) => Class::Done,
        401 | 403 => Class::Credentials,
        400 if is_ours_to_fix(code.as_deref()) => Class::Credentials,
        404 if code.as_deref() == Some(NO_SUCH_RESOURCE) => Class::Credentials,
        400 | 404 | 422 if code.is_none() || is_its_own(code.as_deref()) => Class::Unknown,
        400 | 404 | 422 => Class::Refused,
        429 => Class::Throttled { after: retry_after(headers) },
        // Also FedEx's own word for it: its documents ask to come back later, and do not say that nothing was done.
        _ => Class::Unknown,
    }
}

/// Classifies the answer to a question. It does nothing, so whatever FedEx failed at certainly did not happen.
pub(super) fn classify_read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    match (classify_effect(status, headers, body), status.as_u16()) {
        // Somebody else's page: our configuration.
        (Class::Unknown, 400..500) if is_html(body) => Class::Credentials,
        (Class::Unknown, 400 | 404 | 422 | 500..) => Class::Transient,
        (class, _) => class,
    }
}

/// Why it was refused.
pub(super) fn refusal(body: &[u8]) -> Refusal {
    let code = code(body).unwrap_or_default();
    REASONS.iter().find(|(part, _)| code.contains(part)).map_or(Refusal::Other, |(_, refusal)| *refusal)
}

/// The account is not set up for this: no shipment's fault.
fn is_ours_to_fix(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code.starts_with("ACCOUNT.NUMBER")
            || code.starts_with("ACCOUNTNUMBER")
            || code.starts_with("LOGIN.")
            || code.starts_with("NOT.AUTHORIZED")
    })
}

/// FedEx says 400 to some failures of its own.
fn is_its_own(code: Option<&str>) -> bool {
    code.is_some_and(|code| code.starts_with("SYSTEM.") || code.starts_with("INTERNAL.") || code == UNAVAILABLE)
}

/// The first error's code.
pub(super) fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refused {
        #[serde(default, deserialize_with = "list")]
        errors: Vec<super::wire::Said>,
    }
    let refused: Refused = serde_json::from_slice(body).ok()?;
    refused.errors.into_iter().find_map(|error| error.code)
}

/// A code as the log may have it: what is not of a code's letters is FedEx's text, which may quote ours.
pub(super) fn logged(code: Option<&str>) -> &str {
    let is_code = |code: &&str| {
        code.len() <= CODE_MAX
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    code.filter(is_code).unwrap_or("unreadable")
}

fn has_output(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answered<'a> {
        #[serde(borrow)]
        output: &'a serde_json::value::RawValue,
    }
    serde_json::from_slice::<Answered<'_>>(body).is_ok_and(|answered| answered.output.get().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> String {
        format!(r#"{{"transactionId":"t","errors":[{{"code":"{code}","message":"…"}}]}}"#)
    }

    fn classes(status: u16, body: &str) -> (Class, Class) {
        let status = StatusCode::from_u16(status).expect("a status");
        let headers = HeaderMap::new();
        (classify_effect(status, &headers, body.as_bytes()), classify_read(status, &headers, body.as_bytes()))
    }

    #[test]
    fn every_documented_answer_has_its_class() {
        use Class::{Credentials, Done, Refused, Transient, Unknown};
        let throttled = Class::Throttled { after: None };
        for (status, body, effect, read) in [
            (200, r#"{"output":{}}"#.to_owned(), Done, Done),
            (200, error("INTERNAL.SERVER.ERROR"), Unknown, Unknown),
            (200, r#"{"output":null}"#.to_owned(), Unknown, Unknown),
            (200, "<html>".to_owned(), Unknown, Unknown),
            (202, r#"{"output":{}}"#.to_owned(), Unknown, Unknown),
            (400, error("SERVICE.PACKAGECOMBINATION.INVALID"), Refused, Refused),
            (400, error("RECIPIENTCONTACT.PHONENUMBER.INVALID"), Refused, Refused),
            (400, error("STANDARDIZED.ADDRESS.NOTFOUND"), Refused, Refused),
            (400, error("PICKUP.REQUESTED.PREVIOUS.DAY"), Refused, Refused),
            (400, error("SHIPMENT.USER.UNAUTHORIZED"), Refused, Refused),
            (400, error("TRACKING.TRACKINGNUMBER.EMPTY"), Refused, Refused),
            (400, error("ACCOUNT.NUMBER.MISMATCH"), Credentials, Credentials),
            (400, error("ACCOUNTNUMBER.REGISTRATION.REQUIRED"), Credentials, Credentials),
            (400, error("LOGIN.REAUTHENTICATE.ERROR"), Credentials, Credentials),
            (400, error("SYSTEM.UNEXPECTED.ERROR"), Unknown, Transient),
            (400, "not json".to_owned(), Unknown, Transient),
            (400, "{}".to_owned(), Unknown, Transient),
            (404, "<html>".to_owned(), Unknown, Credentials),
            (401, error("NOT.AUTHORIZED.ERROR"), Credentials, Credentials),
            (403, error("FORBIDDEN.ERROR"), Credentials, Credentials),
            (404, error("NOT.FOUND.ERROR"), Credentials, Credentials),
            (404, error("TRACKING.TRACKINGNUMBER.NOTFOUND"), Refused, Refused),
            (422, error("INVALID.INPUT.EXCEPTION"), Refused, Refused),
            (429, String::new(), throttled, throttled),
            (500, error("INTERNAL.SERVER.ERROR"), Unknown, Transient),
            (502, String::new(), Unknown, Transient),
            (503, error("SERVICE.UNAVAILABLE.ERROR"), Unknown, Transient),
            (503, "<html>".to_owned(), Unknown, Transient),
            (504, String::new(), Unknown, Transient),
            (302, String::new(), Unknown, Unknown),
        ] {
            assert_eq!(classes(status, &body), (effect, read), "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (code, expected) in [
            ("SERVICE.PACKAGECOMBINATION.INVALID", Refusal::Service),
            ("SELECTED.DESTINATION.SERVICETYPE.INVALID", Refusal::Service),
            ("RECIPIENT.COUNTRY.UNSERVICED", Refusal::Service),
            ("SHIP.RECIPIENT.POSTALCITY.MISMATCH", Refusal::Address),
            ("COUNTRY.POSTALCODE.INVALID", Refusal::Address),
            ("RECIPIENTCONTACT.PHONENUMBER.NOTSUPPORTED", Refusal::Address),
            ("STANDARDIZED.ADDRESS.NOTFOUND", Refusal::Address),
            ("PICKUP.POSTALCODE.MISSING", Refusal::Address),
            ("PACKAGE.WEIGHT.INVALID", Refusal::Parcel),
            ("MAXIMUM.WEIGHT.EXCEEDED", Refusal::Parcel),
            ("DIMENSIONS.EXCEEDS.LIMITS", Refusal::Parcel),
            ("COMMODITY.COUNTRYOFMANUFACTURE.INVALID", Refusal::Customs),
            ("TOTALCUSTOMSVALUE.CURRENCY.INVALID", Refusal::Customs),
            ("SHIPDATESTAMP.INVALID", Refusal::Time),
            ("PICKUP.REQUESTED.PREVIOUS.DAY", Refusal::Time),
            ("PICKUP.NUMBER.EXPIRED", Refusal::TooLate),
            ("TRACKING.TRACKINGNUMBER.NOTFOUND", Refusal::NotFound),
            ("TRACKINGNUMBER.ENTERED.INVALID", Refusal::NotFound),
            ("SHIPMENT.USER.UNAUTHORIZED", Refusal::Other),
        ] {
            assert_eq!(refusal(error(code).as_bytes()), expected, "{code}");
        }
        assert_eq!(refusal(b"not json"), Refusal::Other);
    }

    #[test]
    fn only_a_code_reaches_the_log() {
        assert_eq!(logged(Some("SERVICE.PACKAGECOMBINATION.INVALID")), "SERVICE.PACKAGECOMBINATION.INVALID");
        for text in [Some("1 Elm St is no address"), Some("ada@example.com"), None] {
            assert_eq!(logged(text), "unreadable");
        }
    }
}
