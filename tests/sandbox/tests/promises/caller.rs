//! A caller of the vendors' APIs, as a shop would be.

use crate::spec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request};
use sandbox::{Reply, Sandbox, Vendor};
use serde_json::Value;

/// The time at which most tests start: 2025-06-01T12:00:00Z in epoch milliseconds.
pub(crate) const START_MS: i64 = 1_748_779_200_000;

pub(crate) const PAYMENT: &str = "amount=1099&currency=eur&payment_method_types[]=card&metadata[crossdock_order]=o-1";

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

pub(crate) fn answered(reply: Reply) -> Answer {
    let Reply::Answer { response, .. } = reply else { panic!("no answer: {reply:?}") };
    let (parts, bytes) = response.into_parts();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Answer { status: parts.status.as_u16(), headers: parts.headers, bytes, json }
}

pub(crate) fn stripe_request(method: &str, path: &str, key: Option<&str>, form: &str) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("https://api.stripe.com{path}"))
        .header("authorization", "Bearer sk_test_sandbox")
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.body(Bytes::copy_from_slice(form.as_bytes())).unwrap()
}

pub(crate) fn post(sandbox: &mut Sandbox, at_ms: i64, path: &str, key: Option<&str>, form: &str) -> Answer {
    stripe_answered(sandbox.call(Vendor::Stripe, at_ms, stripe_request("POST", path, key, form)))
}

pub(crate) fn get(sandbox: &mut Sandbox, at_ms: i64, path: &str) -> Answer {
    stripe_answered(sandbox.call(Vendor::Stripe, at_ms, stripe_request("GET", path, None, "")))
}

/// Stripe's answer, held against its specification unless it comes from the load balancer in front.
fn stripe_answered(reply: Reply) -> Answer {
    let answer = answered(reply);
    if !answer.json.is_null() {
        spec::check(&answer.json);
    }
    answer
}

/// The Stripe events that are due, in order, held against the specification and accepted.
pub(crate) fn take_events(sandbox: &mut Sandbox, at_ms: i64) -> Vec<Value> {
    let due = sandbox.take_due(at_ms);
    let stripes = due.iter().filter(|delivery| delivery.vendor == Vendor::Stripe);
    stripes
        .map(|delivery| {
            sandbox.delivered(delivery.id, Some(200), at_ms);
            let event: Value = serde_json::from_slice(delivery.request.body()).unwrap();
            spec::check(&event);
            event
        })
        .collect()
}

/// The types of events.
pub(crate) fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Creates a payment intent, confirmed at once with this card.
pub(crate) fn pay(sandbox: &mut Sandbox, at_ms: i64, key: &str, card: &str) -> Answer {
    let form = format!("{PAYMENT}&payment_method={card}&confirm=true");
    post(sandbox, at_ms, "/v1/payment_intents", Some(key), &form)
}

pub(crate) fn mail_request(body: &Value) -> Request<Bytes> {
    Request::builder()
        .method("POST")
        .uri("https://api.sendgrid.com/v3/mail/send")
        .header("authorization", "Bearer SG.sandbox")
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

pub(crate) fn a_mail(to: &str) -> Value {
    serde_json::json!({
        "personalizations": [{ "to": [{ "email": to }], "custom_args": { "crossdock_order": "o-1" } }],
        "from": { "email": "shop@example.com", "name": "Shop" },
        "subject": "Order o-1",
        "content": [{ "type": "text/plain", "value": "Thanks" }],
    })
}

pub(crate) fn send(sandbox: &mut Sandbox, at_ms: i64, body: &Value) -> Answer {
    answered(sandbox.call(Vendor::SendGrid, at_ms, mail_request(body)))
}

/// A call of SendGrid's other paths.
pub(crate) fn sendgrid(sandbox: &mut Sandbox, at_ms: i64, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let mut request = mail_request(body.unwrap_or(&Value::Null));
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = format!("https://api.sendgrid.com{path}").parse().unwrap();
    if body.is_none() {
        *request.body_mut() = Bytes::new();
        request.headers_mut().remove("content-type");
    }
    answered(sandbox.call(Vendor::SendGrid, at_ms, request))
}

/// All SendGrid events that are posted until a time.
pub(crate) fn events(sandbox: &mut Sandbox, until_ms: i64) -> Vec<Value> {
    let mut events = Vec::new();
    while let Some(at_ms) = sandbox.next_delivery_at().filter(|at_ms| *at_ms <= until_ms) {
        for delivery in sandbox.take_due(at_ms) {
            let batch: Vec<Value> = serde_json::from_slice(delivery.request.body()).unwrap();
            events.extend(batch);
            sandbox.delivered(delivery.id, Some(200), at_ms);
        }
    }
    events
}

/// The kinds of SendGrid events.
pub(crate) fn event_kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// The default account at Twilio.
pub(crate) const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000001";

/// A request below the account's path; `path` starts with `/Messages`.
pub(crate) fn twilio_request(method: &str, path: &str, form: &str) -> Request<Bytes> {
    let credentials = STANDARD.encode(format!("{TWILIO_ACCOUNT}:twilio-sandbox-token"));
    Request::builder()
        .method(method)
        .uri(format!("https://api.twilio.com/2010-04-01/Accounts/{TWILIO_ACCOUNT}{path}"))
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::copy_from_slice(form.as_bytes()))
        .unwrap()
}

/// A text to this number, with other parameters after it.
pub(crate) fn text(sandbox: &mut Sandbox, at_ms: i64, to: &str, more: &str) -> Answer {
    let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    let form = format!("To={to}&From=%2B15005550006&Body=Your+order+o-1+is+on+its+way{more}");
    let answer = answered(sandbox.call(Vendor::Twilio, at_ms, twilio_request("POST", "/Messages.json", &form)));
    if answer.status == 201 {
        spec::check_at(TWILIO_SPEC, "/components/schemas/api.v2010.account.message", &answer.json);
    }
    answer
}

pub(crate) const TWILIO_SPEC: &str = "twilio_api_v2010.json";

/// A request of Postmark's.
pub(crate) fn postmark_request(path: &str, body: &Value) -> Request<Bytes> {
    Request::builder()
        .method("POST")
        .uri(format!("https://api.postmarkapp.com{path}"))
        .header("x-postmark-server-token", "postmark-sandbox")
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

pub(crate) fn a_postmark_mail(to: &str) -> Value {
    serde_json::json!({
        "From": "Shop <shop@example.com>",
        "To": to,
        "Subject": "Order o-1",
        "TextBody": "Thanks",
        "Tag": "order",
        "Metadata": { "crossdock_order": "o-1" },
    })
}

pub(crate) fn mail_by_postmark(sandbox: &mut Sandbox, at_ms: i64, to: &str) -> Answer {
    answered(sandbox.call(Vendor::Postmark, at_ms, postmark_request("/email", &a_postmark_mail(to))))
}
