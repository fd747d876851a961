//! What an answer of Postmark's means. There is no idempotency key: whatever may have been accepted is Unknown, and the
//! search by our metadata will tell. (postmarkapp.com/developer/api/overview.)

use http::{HeaderMap, StatusCode};

use super::wire::SendResponse;
use crate::effects::Reason;
use crate::gateway::{Class, retry_after};

/// The recipient is inactive: a hard bounce, a complaint or a wish of theirs. Nothing reaches them until somebody
/// reactivates the address.
const INACTIVE: u32 = 406;

/// Classifies the answer to a mail.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Class {
    match (status.as_u16(), code(body)) {
        (200, Some(0)) => Class::Done,
        // In trouble Postmark has taken mails without saying so by a code: what has an id was accepted.
        // (github.com/anymail/django-anymail/issues/392.)
        (200, None) if super::wire::message_id(body).is_some() => Class::Done,
        // No token or a bad one; a sender that is not confirmed; no credits; an account that waits for approval: an
        // operator has to act, and then it goes on.
        (401 | 403, _) | (422, Some(10 | 400 | 401 | 405 | 412)) => Class::Credentials,
        (404 | 413 | 422, _) => Class::Refused,
        (429, _) => Class::Throttled { after: retry_after(headers) },
        // Turned away before it was accepted.
        (503, _) => Class::Transient,
        _ => Class::Unknown,
    }
}

/// Classifies the answer to a question. It does nothing, so whatever is not known is asked again.
pub(super) fn classify_read(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        200 => Class::Done,
        401 | 403 => Class::Credentials,
        404 | 422 => Class::Refused,
        429 => Class::Throttled { after: retry_after(headers) },
        _ => Class::Unknown,
    }
}

/// The stable code of a refusal: `suppressed` for a recipient whom Postmark does not write to any more.
pub(super) fn refusal(body: &[u8]) -> Reason {
    match code(body) {
        Some(INACTIVE) => Reason::Suppressed,
        Some(300) => Reason::InvalidAddress,
        _ => Reason::VendorRefused,
    }
}

fn code(body: &[u8]) -> Option<u32> {
    serde_json::from_slice::<SendResponse>(body).ok()?.error_code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> Class {
        classify(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new(), body.as_bytes())
    }

    fn error(code: u32) -> String {
        format!(r#"{{"ErrorCode":{code},"Message":"…"}}"#)
    }

    #[test]
    fn every_documented_answer_has_its_class() {
        let sent = r#"{"To":"a@b.example","SubmittedAt":"…","MessageID":"m","ErrorCode":0,"Message":"OK"}"#;
        for (status, body, expected) in [
            (200, sent.to_owned(), Class::Done),
            (
                200,
                r#"{"To":"a@b.example","MessageID":"m","Message":"Accepted; delivery may be late."}"#.to_owned(),
                Class::Done,
            ),
            (200, r#"{"MessageID":"m","ErrorCode":null}"#.to_owned(), Class::Done),
            (200, r#"{"MessageID":"","Message":"OK"}"#.to_owned(), Class::Unknown),
            (200, r#"{"MessageID":"m","ErrorCode":406}"#.to_owned(), Class::Unknown),
            (200, r#"{"Message":"OK"}"#.to_owned(), Class::Unknown),
            (200, error(406), Class::Unknown),
            (200, "<html>".to_owned(), Class::Unknown),
            (401, error(10), Class::Credentials),
            (403, String::new(), Class::Credentials),
            (404, String::new(), Class::Refused),
            (413, String::new(), Class::Refused),
            (422, error(300), Class::Refused),
            (422, error(406), Class::Refused),
            (422, error(403), Class::Refused),
            (422, "not json".to_owned(), Class::Refused),
            (422, error(10), Class::Credentials),
            (422, error(400), Class::Credentials),
            (422, error(401), Class::Credentials),
            (422, error(405), Class::Credentials),
            (422, error(412), Class::Credentials),
            (429, String::new(), Class::Throttled { after: None }),
            (500, error(0), Class::Unknown),
            (502, String::new(), Class::Unknown),
            (503, String::new(), Class::Transient),
            (504, String::new(), Class::Unknown),
            (302, String::new(), Class::Unknown),
        ] {
            assert_eq!(class(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_says_whether_the_recipient_is_the_reason() {
        assert_eq!(refusal(error(406).as_bytes()), Reason::Suppressed);
        assert_eq!(refusal(error(300).as_bytes()), Reason::InvalidAddress);
        assert_eq!(refusal(error(403).as_bytes()), Reason::VendorRefused);
        assert_eq!(refusal(b""), Reason::VendorRefused);
    }
}
