//! What an answer of Stripe's means. The default is Unknown, never success.

use http::{HeaderMap, StatusCode};

use super::wire::ErrorResponse;
use crate::gateway::{Class, retry_after};

/// The header of an answer that is repeated from an earlier request of the same idempotency key.
pub(super) const REPLAYED: &str = "idempotent-replayed";

/// Classifies by status, and by the error's type where one status has two meanings.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    let error_type = || {
        let parsed: Option<ErrorResponse> = serde_json::from_slice(body).ok();
        parsed.and_then(|answer| answer.error.kind)
    };
    match status.as_u16() {
        200 => Class::Done,
        // Same key, other parameters: something was done under this key, and it is not known what.
        400 if error_type().as_deref() == Some("idempotency_error") => Class::Unknown,
        400 | 402 | 404 => Class::Refused,
        401 | 403 => Class::Credentials,
        429 => Class::Throttled { after: retry_after(headers) },
        // One that Stripe has kept was given after execution began.
        503 if is_replay(headers) => Class::Unknown,
        // Turned away before execution, probably: Stripe calls the result of any 5xx indeterminate
        // (docs.stripe.com/error-low-level). A repeat has the same key, so that even a wrong guess does nothing twice.
        503 => Class::Unavailable { after: retry_after(headers) },
        // 409 is a collision with a running request of the same key: its outcome is not known.
        // 500, 502, 504 and everything else: may have been done.
        _ => Class::Unknown,
    }
}

/// Whether the answer repeats an earlier one of the same key.
pub(super) fn is_replay(headers: &HeaderMap) -> bool {
    headers.get(REPLAYED).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> Class {
        classify(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new(), body.as_bytes())
    }

    fn error(kind: &str) -> String {
        format!(r#"{{"error":{{"type":"{kind}","message":"…"}}}}"#)
    }

    #[test]
    fn a_503_that_is_kept_under_the_key_says_nothing_of_what_was_done() {
        let mut headers = HeaderMap::new();
        headers.insert(REPLAYED, http::HeaderValue::from_static("true"));
        assert_eq!(classify(StatusCode::SERVICE_UNAVAILABLE, &headers, b""), Class::Unknown);
    }

    #[test]
    fn every_documented_answer_has_its_class() {
        let table = [
            (200, String::new(), Class::Done),
            (400, error("invalid_request_error"), Class::Refused),
            (400, error("idempotency_error"), Class::Unknown),
            (400, "not json".to_owned(), Class::Refused),
            (401, error("invalid_request_error"), Class::Credentials),
            (402, error("card_error"), Class::Refused),
            (403, error("invalid_request_error"), Class::Credentials),
            (404, error("invalid_request_error"), Class::Refused),
            (409, error("invalid_request_error"), Class::Unknown),
            (429, error("invalid_request_error"), Class::Throttled { after: None }),
            (500, error("api_error"), Class::Unknown),
            (502, String::new(), Class::Unknown),
            (503, String::new(), Class::Unavailable { after: None }),
            (504, String::new(), Class::Unknown),
            (302, String::new(), Class::Unknown),
            (204, String::new(), Class::Unknown),
        ];
        for (status, body, expected) in table {
            assert_eq!(class(status, &body), expected, "{status} {body}");
        }
    }
}
