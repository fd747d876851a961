//! What an answer of SendGrid's means. There is no idempotency key: whatever may have been accepted is Unknown.

use http::{HeaderMap, StatusCode};

use crate::gateway::{Class, retry_after};

pub(super) fn classify(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        202 => Class::Done,
        // 200 is sandbox mode: validated, and nothing will be sent.
        200 | 400 | 404 | 405 | 413 => Class::Refused,
        401 | 403 => Class::Credentials,
        429 => Class::Throttled { after: retry_after(headers) },
        // 5xx says nothing of whether it was accepted. The vendor's specification and its page of errors know 500 alone; of a 503
        // nobody promises that the mail was not taken.
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_answer_has_its_class() {
        let table = [
            (202, Class::Done),
            (200, Class::Refused),
            (400, Class::Refused),
            (401, Class::Credentials),
            (403, Class::Credentials),
            (404, Class::Refused),
            (405, Class::Refused),
            (413, Class::Refused),
            (429, Class::Throttled { after: None }),
            (500, Class::Unknown),
            (502, Class::Unknown),
            (503, Class::Unknown),
            (504, Class::Unknown),
            (302, Class::Unknown),
        ];
        for (status, expected) in table {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(classify(status, &HeaderMap::new(), b""), expected, "{status}");
        }
    }
}
