//! Messages that somebody asks for: each is sent once, when it is due, to those who want it, by mail where an SMS does
//! not arrive.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    clippy::needless_pass_by_value, // of `json!`
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod asking;
mod campaigns;
mod codes;
mod consent;
mod hops;
mod instead;
mod provider;
mod reports;
mod templates;
mod unread;

use bytes::Bytes;
use lambda_http::Body;
use serde_json::{Value, json};
use simulation::invariants::violations;
use simulation::universe::{Function, Response, Universe};

/// More than enough for whatever is due.
pub(crate) const A_WHILE_MS: i64 = 4 * 3_600_000;
/// Somebody's phone, in a country where it is day when the simulation begins (a Sunday, 00:48 UTC): Australia.
pub(crate) const PHONE: &str = "+61412345678";

pub(crate) fn mail(kind: &str, data: Value) -> Value {
    json!({ "channel": "email", "kind": kind, "to": "ada@example.com", "order_id": "o-1", "data": data })
}

pub(crate) fn sms(kind: &str, data: Value) -> Value {
    json!({ "channel": "sms", "kind": kind, "to": PHONE, "order_id": "o-1", "data": data })
}

pub(crate) fn promotion_by_mail() -> Value {
    mail("promotion", json!({ "subject": "Half price", "text": "Only today." }))
}

pub(crate) fn parcel_today() -> Value {
    sms("delivery_notification", json!({ "status": "out_for_delivery" }))
}

/// Asks for a message, and gives its id.
pub(crate) async fn ask(universe: &mut Universe, key: &str, body: &Value) -> String {
    let answer = universe.call("POST", "/messages", Some(key), Some(body)).await;
    assert_eq!(answer.status(), 202, "{}", answer.body());
    answer.body()["message_id"].as_str().unwrap().to_owned()
}

/// Asks, and lets everything happen that follows.
pub(crate) async fn ask_and_wait(universe: &mut Universe, key: &str, body: &Value) -> String {
    let id = ask(universe, key, body).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(violations(universe), Vec::<String>::new());
    id
}

pub(crate) async fn shown(universe: &mut Universe, id: &str) -> Value {
    universe.call("GET", &format!("/messages/{id}"), None, None).await.body()
}

pub(crate) async fn status(universe: &mut Universe, id: &str) -> String {
    shown(universe, id).await["status"].as_str().unwrap().to_owned()
}

/// Says whether an address wants marketing, as of so many milliseconds after the epoch.
pub(crate) async fn wants(universe: &mut Universe, channel: &str, address: &str, marketing: bool, at: &str) -> Value {
    let body = json!({ "channel": channel, "address": address, "marketing": marketing,
        "proof": { "source": "checkout", "at": at } });
    let answer = universe.call("PUT", "/contacts/preferences", None, Some(&body)).await;
    assert_eq!(answer.status(), 200, "{}", answer.body());
    answer.body()
}

/// A request of a browser, or of a mail program, to a link in a mail.
pub(crate) async fn follow(universe: &mut Universe, method: &str, url: &str) -> Response {
    let path = url.strip_prefix("https://unsubscribe.sim").unwrap();
    let request = http::Request::builder().method(method).uri(url).body(Body::Empty).unwrap();
    universe.call_raw(Function::Unsubscriber, request, path).await
}

/// The bodies of the mails that SendGrid was asked to send, as JSON.
pub(crate) fn mails_asked_for(universe: &Universe) -> Vec<Value> {
    let sandbox = universe.sandbox();
    let calls = sandbox.calls().iter().filter(|call| call.operation == "mail_send");
    let bodies: Vec<Bytes> = calls.map(|call| call.body.clone()).collect();
    bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
}

/// The texts that Twilio has accepted.
pub(crate) fn texts(universe: &Universe) -> Vec<String> {
    universe.sandbox().twilio().messages().iter().map(|message| message.body.clone()).collect()
}
