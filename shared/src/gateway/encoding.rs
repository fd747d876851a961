//! Answers as they are: we ask every vendor for an answer that is not compressed, and understand one that is all the same.
//! FedEx has sent errors with gzip though nobody asked for it (php-curl-class/php-curl-class issue 740, shipping_rates issue
//! 101), and an answer that nobody can read is one whose outcome nobody knows.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};

use crate::world::{HttpRequest, HttpResponse};

/// How a gzip file begins (RFC 1952, section 2.3.1). No JSON and no text does.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The largest answer when it is unpacked, in bytes: as large as one that comes unpacked.
const ANSWER_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The request, with the wish for an answer that is not compressed.
pub(super) fn asking_for_plain(mut request: HttpRequest) -> HttpRequest {
    request.headers_mut().entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    request
}

/// The answer without gzip, whatever its header says of it. What cannot be unpacked stays as it is: unreadable.
pub(super) fn plain(response: HttpResponse) -> HttpResponse {
    let Some(body) = unpacked(response.body()) else { return response };
    let (mut head, _) = response.into_parts();
    head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    HttpResponse::from_parts(head, body)
}

fn unpacked(body: &Bytes) -> Option<Bytes> {
    if !body.starts_with(&MAGIC) {
        return None;
    }
    let mut unpacked = Vec::new();
    // One byte more than is taken, to see that there is more.
    GzDecoder::new(&body[..]).take(ANSWER_MAX_BYTES + 1).read_to_end(&mut unpacked).ok()?;
    let fits = u64::try_from(unpacked.len()).is_ok_and(|length| length <= ANSWER_MAX_BYTES);
    fits.then(|| unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory").into()
    }

    fn answer(body: impl Into<Bytes>) -> HttpResponse {
        let response = http::Response::builder().status(400).header(CONTENT_ENCODING, "gzip");
        response.body(body.into()).expect("an answer")
    }

    #[test]
    fn an_answer_that_nobody_asked_to_be_compressed_is_read() {
        let read = plain(answer(packed(b"{\"errors\":[]}")));
        assert_eq!((read.status().as_u16(), &read.body()[..]), (400, &b"{\"errors\":[]}"[..]));
        assert!(!read.headers().contains_key(CONTENT_ENCODING));
        let unsaid = plain(HttpResponse::new(packed(b"{}")));
        assert_eq!(&unsaid.body()[..], b"{}", "and so is one that does not say so");
        assert_eq!(&plain(answer("{}")).body()[..], b"{}", "a proxy has unpacked it and left the header");
    }

    #[test]
    fn what_cannot_be_unpacked_or_is_too_large_stays_unreadable() {
        let whole = packed(b"{\"errors\":[]}");
        for broken in [whole.slice(..whole.len() - 9), whole.slice(..2), packed(&vec![b' '; 4 * 1024 * 1024 + 1])] {
            assert_eq!(plain(answer(broken.clone())).body(), &broken);
        }
        let largest = packed(&vec![b' '; 4 * 1024 * 1024]);
        assert_eq!(plain(answer(largest)).body().len(), 4 * 1024 * 1024);
    }

    #[test]
    fn every_request_asks_for_a_plain_answer() {
        let asked = asking_for_plain(HttpRequest::new(Bytes::new()));
        assert_eq!(asked.headers()[ACCEPT_ENCODING], "identity");
    }
}
