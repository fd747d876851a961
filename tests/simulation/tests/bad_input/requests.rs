//! Requests that are wrong before their fields are: no JSON, no size, no type, no such thing.

use lambda_http::Body;
use serde_json::json;
use simulation::shop::payment;
use simulation::universe::{Response, Universe};

use crate::{assert_names, assert_problem, assert_untouched, post, post_json};

/// The largest body that the API takes, in bytes.
const BODY_MAX: usize = 64 * 1024;

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_json_is_refused_as_malformed() {
    let mut universe = Universe::new(1);
    let valid = payment("o-1").to_string();
    let halves = (1..valid.len()).step_by(7).map(|length| valid[..length].to_owned());
    let others = ["", " ", "{", "nul", "{'order_id':'o-1'}", "order_id=o-1", "\u{feff}{}"].map(str::to_owned);
    for body in halves.chain(others).chain([format!("{valid}x"), format!("{valid}{valid}")]) {
        assert_problem(&post_json(&mut universe, body).await, 400, "malformed_json");
    }
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn json_that_is_no_object_is_refused() {
    let mut universe = Universe::new(1);
    for body in ["null", "[]", "7", "\"o-1\"", "true"] {
        assert_names(&post_json(&mut universe, body).await, &["body"]);
    }
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_the_right_values_in_the_right_order_is_no_request() {
    let mut universe = Universe::new(1);
    let amount = json!({ "value": 1099, "currency": "EUR" });
    let customer = json!({ "id": "c-1", "email": "ada@example.com", "name": null, "phone": null });
    let list = json!(["o-1", amount, customer, null, {}, null, false, false, false, null]);
    assert_names(&post_json(&mut universe, list.to_string()).await, &["body"]);
    let mut body = payment("o-1");
    body["amount"] = json!([1099, "EUR"]);
    assert_names(&post_json(&mut universe, body.to_string()).await, &["amount"]);
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn invalid_utf_8_is_refused() {
    let mut universe = Universe::new(1);
    let valid = payment("o-1").to_string().into_bytes();
    let place = valid.windows(3).position(|window| window == b"Ada").unwrap();
    for bad in [b"\xff".as_slice(), b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"] {
        let body = [&valid[..place], bad, &valid[place..]].concat();
        assert_problem(&post_json(&mut universe, body).await, 400, "malformed_json");
    }
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn nesting_of_ten_thousand_levels_is_refused_wherever_it_stands() {
    let mut universe = Universe::new(1);
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    for name in ["x", "order_id", "metadata", "amount"] {
        let body = format!("{{\"{name}\":{open}{close}}}");
        let response = post_json(&mut universe, body).await;
        assert_eq!(response.status(), 400, "{name}");
        assert!(matches!(response.body()["code"].as_str(), Some("malformed_json" | "invalid_input")), "{name}");
    }
    assert_problem(&post_json(&mut universe, "{\"x\":".repeat(10_000)).await, 400, "malformed_json");
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_declared_as_json_is_refused_with_415() {
    let mut universe = Universe::new(1);
    let body = payment("o-1").to_string();
    for declared in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "json"] {
        let response = post(&mut universe, &[("content-type", declared.as_bytes())], body.clone().into()).await;
        assert_problem(&response, 415, "unsupported_media_type");
    }
    assert_problem(&post(&mut universe, &[], body.clone().into()).await, 415, "unsupported_media_type");
    assert_untouched(&universe);
    let declared = ("content-type", b"Application/JSON; charset=utf-8".as_slice());
    assert_eq!(post(&mut universe, &[declared], body.into()).await.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_one_byte_more_than_64_kib_is_refused_with_413_and_one_of_exactly_64_kib_is_taken() {
    let mut universe = Universe::new(1);
    let body = payment("o-1").to_string();
    let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    assert_problem(&post_json(&mut universe, padded(BODY_MAX + 1)).await, 413, "body_too_large");
    assert_problem(&post_json(&mut universe, Body::Binary(vec![b' '; 5_000_000])).await, 413, "body_too_large");
    assert_untouched(&universe);
    assert_eq!(post_json(&mut universe, padded(BODY_MAX)).await.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_that_is_empty_too_long_or_not_printable_is_refused() {
    let mut universe = Universe::new(1);
    let long = "k".repeat(256);
    for key in [b"".as_slice(), long.as_bytes(), b"caf\xc3\xa9", b"a\tb", b"\xff"] {
        let headers = [("content-type", b"application/json".as_slice()), ("idempotency-key", key)];
        let response = post(&mut universe, &headers, payment("o-1").to_string().into()).await;
        assert_problem(&response, 400, "invalid_idempotency_key");
    }
    assert_untouched(&universe);
    let response = universe.call("POST", "/payments", Some(&"k".repeat(255)), Some(&payment("o-1"))).await;
    assert_eq!(response.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_nobody_has_is_answered_404_however_it_is_written() {
    let mut universe = Universe::new(1);
    let body = json!({ "payment_method": "pm_card_visa" });
    let long = "x".repeat(3_000);
    for id in [
        "pay_unknown",
        "pay_00000000000000000000000000",
        "%00",
        "%ff%fe",
        "..%2f..%2fetc",
        "%23INTENT",
        "a b",
        "%",
        "💳",
        &long,
    ] {
        let payment = format!("/payments/{id}");
        assert_problem(&get(&mut universe, &payment).await, 404, "payment_not_found");
        let response = universe.call_path("POST", &format!("{payment}/confirm"), Some(&body)).await;
        assert_problem(&response, 404, "payment_not_found");
        let response = universe.call_path("POST", &format!("{payment}/cancel"), None).await;
        assert_problem(&response, 404, "payment_not_found");
        assert_problem(&get(&mut universe, &format!("/orders/{id}")).await, 404, "order_not_found");
    }
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_does_not_exist_is_answered_404() {
    let mut universe = Universe::new(1);
    let routes = [
        ("GET", "/"),
        ("GET", "/payments"),
        ("PUT", "/payments"),
        ("DELETE", "/payments/pay_1"),
        ("GET", "/payments/pay_1/confirm"),
        ("POST", "/payments/pay_1/refund"),
        ("POST", "/payments/pay_1/confirm/again"),
        ("POST", "/orders/o-1"),
        ("GET", "/.env"),
        ("GET", "/admin.php"),
    ];
    for (method, path) in routes {
        assert_problem(&universe.call(method, path, None, Some(&payment("o-1"))).await, 404, "not_found");
    }
    assert_untouched(&universe);
}

async fn get(universe: &mut Universe, path: &str) -> Response {
    universe.call_path("GET", path, None).await
}

/// Paths that are no URL as they stand.
trait CallPath {
    async fn call_path(&mut self, method: &str, path: &str, body: Option<&serde_json::Value>) -> Response;
}

impl CallPath for Universe {
    async fn call_path(&mut self, method: &str, path: &str, body: Option<&serde_json::Value>) -> Response {
        let request = http::Request::builder().method(method).uri("https://api.sim/");
        let body = body.map_or(Body::Empty, |body| Body::Text(body.to_string()));
        let request = request.header("content-type", "application/json").body(body).unwrap();
        self.call_raw(simulation::universe::Function::PaymentInitiator, request, path).await
    }
}
