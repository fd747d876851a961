//! Answers with gzip, as some vendors give them whether or not anybody asked.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Response, header};

/// Packs the body, and says so in the header.
pub(super) fn pack(response: &mut Response<Bytes>) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(response.body()).expect("memory takes it");
    *response.body_mut() = encoder.finish().expect("memory takes it").into();
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
}
