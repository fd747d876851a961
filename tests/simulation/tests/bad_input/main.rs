//! What an outsider can send that we do not want: each is refused with a stable code and leaves no trace, and what
//! comes beside it is not harmed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod fields;
mod records;
mod repeats;
mod requests;

use lambda_http::Body;
use serde_json::Value;
use simulation::invariants::without_quota;
use simulation::universe::{Function, Response, Universe};

/// `POST /payments` with these headers and this body, whatever they are.
pub(crate) async fn post(universe: &mut Universe, headers: &[(&str, &[u8])], body: Body) -> Response {
    let mut request = http::Request::post("https://api.sim/payments");
    for (name, value) in headers {
        request = request.header(*name, http::HeaderValue::from_bytes(value).unwrap());
    }
    universe.call_raw(Function::PaymentInitiator, request.body(body).unwrap(), "/payments").await
}

/// The same, declared as JSON.
pub(crate) async fn post_json(universe: &mut Universe, body: impl Into<Body>) -> Response {
    post(universe, &[("content-type", b"application/json")], body.into()).await
}

/// The answer is a problem document with this status and code.
#[track_caller]
pub(crate) fn assert_problem(response: &Response, status: u16, code: &str) {
    let Response::Answer { media_type, body, .. } = response else { panic!("no answer: {response:?}") };
    assert_eq!((response.status(), &body["code"]), (status, &Value::from(code)), "{body}");
    assert_eq!(media_type, "application/problem+json");
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["type"], format!("urn:crossdock:problem:{code}"));
    for member in ["title", "detail", "correlation_id"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {body}");
    }
}

/// The answer is a 400 that names exactly these fields.
#[track_caller]
pub(crate) fn assert_names(response: &Response, fields: &[&str]) {
    assert_problem(response, 400, "invalid_input");
    let body = response.body();
    let named: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(named, fields, "{body}");
}

/// Nothing was written, sent to a vendor, or queued.
#[track_caller]
pub(crate) fn assert_untouched(universe: &Universe) {
    assert_eq!(without_quota(universe), Vec::<Value>::new());
    assert!(universe.sandbox().calls().is_empty(), "a vendor was called");
    for queue in universe.aws().sqs().queues() {
        assert!(universe.aws().sqs().messages(&queue).is_empty(), "a message in {queue}");
    }
}
