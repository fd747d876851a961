//! HTTP answers, the parts that all vendors have in common.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::{Duration, UNIX_EPOCH};

/// An answer with `Date` and, unless the body is empty, `Content-Type`. `now_ms` is epoch milliseconds.
pub(crate) fn answer(now_ms: i64, status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let body = body.into();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
    set(&mut response, header::DATE, &httpdate::fmt_http_date(now));
    if !response.body().is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Sets a header; a value that HTTP cannot carry is left out.
pub(crate) fn set<T>(response: &mut Response<T>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What the load balancer in front of a vendor says when the vendor is not reached: a page, not the vendor's JSON.
pub(crate) fn edge_error(now_ms: i64, status: u16) -> Response<Bytes> {
    answer(now_ms, status, "text/html", format!("<html><body><h1>{status}</h1></body></html>\r\n"))
}

/// The text of a request header, if it is there and is text.
pub(crate) fn header_text<T>(request: &http::Request<T>, name: impl header::AsHeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}
