//! Answers with gzip, as some vendors give them whether or not anybody asked.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Response, header};

/// Packs the body, and says so in the header.
pub(super) fn pack(response: &mut Response<Bytes>) {
    // Memory takes whatever is written to it.
    let Ok(body) = packed(response.body()) else { return };
    *response.body_mut() = body.into();
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
}

fn packed(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
