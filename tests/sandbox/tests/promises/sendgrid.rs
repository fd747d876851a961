//! SendGrid's API: what it accepts, and the events that follow.

use crate::caller::{START_MS, a_mail, answered, mail_request, send};
use sandbox::{Sandbox, Settings, Vendor};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

/// All events that are posted until a time, told with their batch size.
fn events(sandbox: &mut Sandbox, until_ms: i64) -> Vec<Value> {
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

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[test]
fn an_accepted_mail_is_answered_with_an_empty_202_and_an_id() {
    let mut sandbox = sandbox();
    let accepted = send(&mut sandbox, START_MS, &a_mail("ada@example.com"));
    assert_eq!((accepted.status, accepted.bytes.len()), (202, 0));
    let mail = &sandbox.sendgrid().mails()[0];
    assert_eq!(mail.message_id, accepted.header("x-message-id"));
    assert_eq!((mail.to.as_slice(), mail.subject.as_str()), (&["ada@example.com".to_owned()][..], "Order o-1"));
    assert_eq!(mail.custom_args["crossdock_order"], "o-1");
    assert_eq!(mail.content[0].1, "Thanks");
}

#[test]
fn the_same_request_twice_is_two_mails() {
    let mut sandbox = sandbox();
    let ids =
        [(); 2].map(|()| send(&mut sandbox, START_MS, &a_mail("ada@example.com")).header("x-message-id").to_owned());
    assert_ne!(ids[0], ids[1]);
    assert_eq!(sandbox.sendgrid().mails().len(), 2);
}

#[test]
fn what_sendgrid_would_refuse_is_refused_with_the_field_at_fault() {
    let with = |pointer: &str, value: Value| {
        let mut mail = a_mail("ada@example.com");
        *mail.pointer_mut(pointer).unwrap() = value;
        mail
    };
    let and = |name: &str, value: Value| {
        let mut mail = a_mail("ada@example.com");
        mail[name] = value;
        mail
    };
    let twice = json!([{ "email": "a@example.com" }, { "email": "A@example.com" }]);
    let html_first = json!([{ "type": "text/html", "value": "x" }, { "type": "text/plain", "value": "x" }]);
    for (mail, field) in [
        (with("/personalizations", json!([])), "personalizations"),
        (with("/personalizations/0/to", json!([])), "personalizations.0.to"),
        (with("/personalizations/0/to/0/email", json!("ada")), "personalizations.0.to.0.email"),
        (
            with("/personalizations/0/to/0", json!({ "email": "a@b.example", "name": "A, B" })),
            "personalizations.0.to.0.name",
        ),
        (with("/personalizations/0/to", twice), "personalizations.0"),
        (with("/personalizations/0/custom_args", json!({ "n": 1 })), "personalizations.0.custom_args"),
        (with("/personalizations/0/custom_args", json!({ "n": "x".repeat(10_000) })), "personalizations.0.custom_args"),
        (with("/from/email", json!("shöp@example.com")), "from.email"),
        (with("/subject", json!("")), "subject"),
        (with("/content", json!([])), "content"),
        (with("/content/0/value", json!("")), "content.0.value"),
        (with("/content", html_first), "content"),
        (and("categories", json!(["a", "a"])), "categories"),
        (and("headers", json!({ "Reply-To": "x@example.com" })), "headers"),
        (and("send_at", json!(START_MS / 1000 + 73 * 3600)), "send_at"),
        (and("subjekt", json!("x")), ""),
    ] {
        let mut sandbox = sandbox();
        let refused = send(&mut sandbox, START_MS, &mail);
        assert_eq!((refused.status, refused.text("/errors/0/field")), (400, field), "{mail}");
        assert!(sandbox.sendgrid().mails().is_empty());
    }
}

#[test]
fn key_path_method_and_size_are_checked() {
    let mut sandbox = sandbox();
    let mut status = |change: &dyn Fn(&mut http::Request<bytes::Bytes>)| {
        let mut request = mail_request(&a_mail("ada@example.com"));
        change(&mut request);
        answered(sandbox.call(Vendor::SendGrid, START_MS, request)).status
    };
    assert_eq!(status(&|r| drop(r.headers_mut().remove("authorization"))), 401);
    assert_eq!(status(&|r| *r.uri_mut() = "/v3/mail/sent".parse().unwrap()), 404);
    assert_eq!(status(&|r| *r.method_mut() = http::Method::GET), 405);
    assert_eq!(status(&|r| *r.body_mut() = vec![b' '; 31 * 1024 * 1024].into()), 413);
    assert_eq!(status(&|r| drop(r.headers_mut().remove("content-type"))), 415);
    assert_eq!(status(&|r| *r.body_mut() = "{".into()), 400);
}

#[test]
fn sandbox_mode_checks_and_sends_nothing() {
    let mut sandbox = sandbox();
    let mut mail = a_mail("ada@example.com");
    mail["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
    assert_eq!(send(&mut sandbox, START_MS, &mail).status, 200);
    assert!(sandbox.sendgrid().mails().is_empty());
}

#[test]
fn a_mail_is_processed_and_delivered_and_carries_our_own_keys() {
    let mut sandbox = sandbox();
    let id = send(&mut sandbox, START_MS, &a_mail("ada@example.com")).header("x-message-id").to_owned();
    let events = events(&mut sandbox, START_MS + 60_000);
    assert_eq!(kinds(&events), ["processed", "delivered"]);
    for event in &events {
        assert_eq!(event["crossdock_order"], "o-1");
        assert_eq!(event["email"], "ada@example.com");
        assert_eq!(event["sg_message_id"].as_str().unwrap().split('.').next(), Some(id.as_str()));
    }
    assert_ne!(events[0]["sg_event_id"], events[1]["sg_event_id"]);
}

#[test]
fn the_address_decides_what_becomes_of_a_mail() {
    for (to, expected) in [
        ("bounce@example.com", &["processed", "bounce"][..]),
        ("blocked+1@example.com", &["processed", "bounce"]),
        ("drop@example.com", &["dropped"]),
        ("defer@example.com", &["processed", "deferred", "delivered"]),
        ("silent@example.com", &[]),
    ] {
        let mut sandbox = sandbox();
        send(&mut sandbox, START_MS, &a_mail(to));
        let events = events(&mut sandbox, START_MS + 3_600_000);
        assert_eq!(kinds(&events), expected, "{to}");
        if to.starts_with("blocked") {
            assert_eq!(events[1]["type"], "blocked");
        }
    }
}

#[test]
fn what_a_recipient_does_is_told() {
    let mut sandbox = sandbox();
    let id = send(&mut sandbox, START_MS, &a_mail("ada@example.com")).header("x-message-id").to_owned();
    assert!(sandbox.recipient_opens(START_MS + 5000, &id));
    assert!(sandbox.recipient_clicks(START_MS + 6000, &id, "https://shop.example/o-1"));
    assert!(sandbox.recipient_reports_spam(START_MS + 7000, &id));
    assert!(!sandbox.recipient_opens(START_MS, "nobody"));
    let events = events(&mut sandbox, START_MS + 60_000);
    assert_eq!(kinds(&events), ["processed", "delivered", "open", "click", "spamreport"]);
    assert_eq!(events[3]["url"], "https://shop.example/o-1");
}
