//! SendGrid's API: what it accepts, and the events that follow.

use crate::caller::{START_MS, a_mail, answered, event_kinds as kinds, events, mail_request, send, sendgrid};
use crate::spec;
use sandbox::sendgrid::ApiKey;
use sandbox::{Course, Sandbox, Settings, Vendor};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
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
        ("spam@example.com", &["processed", "delivered", "spamreport"]),
        ("unsubscribe@example.com", &["processed", "delivered", "unsubscribe"]),
        ("group_unsubscribe@example.com", &["processed", "delivered", "group_unsubscribe"]),
        ("group_resubscribe@example.com", &["processed", "delivered", "group_resubscribe"]),
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
    assert!(sandbox.recipient_unsubscribes(START_MS + 8000, &id));
    assert!(sandbox.recipient_changes_group(START_MS + 9000, &id, false));
    assert!(sandbox.recipient_changes_group(START_MS + 10_000, &id, true));
    let events = events(&mut sandbox, START_MS + 60_000);
    let acts = ["open", "click", "spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe"];
    assert_eq!(kinds(&events)[2..], acts);
    assert_eq!(events[6]["asm_group_id"], 1);
    assert_eq!(events[3]["url"], "https://shop.example/o-1");
}

#[test]
fn the_dial_decides_before_the_address_does() {
    let mut sandbox = sandbox();
    sandbox.faults().next_messages(Vendor::SendGrid, 1, Course::Dropped);
    send(&mut sandbox, START_MS, &a_mail("ada@example.com"));
    send(&mut sandbox, START_MS, &a_mail("ada@example.com"));
    assert_eq!(kinds(&events(&mut sandbox, START_MS + 60_000)), ["processed", "dropped", "delivered"]);
}

#[test]
fn each_of_a_thousand_personalizations_is_a_mail_with_events_and_keys_of_its_own() {
    let mut sandbox = sandbox();
    let mut mail = a_mail("ada@example.com");
    mail["personalizations"] = (0..1000)
        .map(|i| json!({ "to": [{ "email": format!("r{i}@example.com") }], "custom_args": { "n": i.to_string() } }))
        .collect();
    let sent = send(&mut sandbox, START_MS, &mail);
    assert_eq!((sent.status, sandbox.sendgrid().mails().len()), (202, 1000));
    let events = events(&mut sandbox, START_MS + 60_000);
    assert_eq!(events.len(), 2000);
    for event in &events {
        let n = event["n"].as_str().unwrap();
        assert_eq!(event["email"], format!("r{n}@example.com"));
        let id = event["sg_message_id"].as_str().unwrap();
        assert!(id.starts_with(sent.header("x-message-id")) && id.ends_with(&format!(".{n}")));
    }
    mail["personalizations"].as_array_mut().unwrap().push(json!({ "to": [{ "email": "one@too.many" }] }));
    assert_eq!(send(&mut sandbox, START_MS, &mail).status, 400);
}

#[test]
fn either_key_sends_and_it_shows_which_one_did() {
    let mut sandbox = sandbox();
    for (key, kind) in [("SG.sandbox", ApiKey::Transactional), ("SG.sandbox-marketing", ApiKey::Marketing)] {
        let mut request = mail_request(&a_mail("ada@example.com"));
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        assert_eq!(answered(sandbox.call(Vendor::SendGrid, START_MS, request)).status, 202);
        assert_eq!(sandbox.sendgrid().mails().last().unwrap().api_key, kind);
    }
    sandbox.set_api_key(Vendor::SendGrid, "SG.new");
    assert_eq!(send(&mut sandbox, START_MS, &a_mail("ada@example.com")).status, 401);
}

#[test]
fn headers_and_group_of_a_mail_are_kept() {
    let mut sandbox = sandbox();
    let mut mail = a_mail("group_unsubscribe@example.com");
    mail["headers"] = json!({ "List-Unsubscribe": "<https://shop.example/u>", "X-Who": "all" });
    mail["personalizations"][0]["headers"] = json!({ "X-Who": "one" });
    mail["asm"] = json!({ "group_id": 77 });
    send(&mut sandbox, START_MS, &mail);
    let kept = &sandbox.sendgrid().mails()[0];
    assert_eq!(
        (kept.headers["List-Unsubscribe"].as_str(), kept.headers["X-Who"].as_str()),
        ("<https://shop.example/u>", "one")
    );
    let events = events(&mut sandbox, START_MS + 120_000);
    assert_eq!(events[2]["asm_group_id"], 77);
}

#[test]
fn statistics_count_what_has_happened_by_day_week_and_month() {
    const DAY_MS: i64 = 86_400_000;
    let mut sandbox = sandbox();
    let id = send(&mut sandbox, START_MS, &a_mail("ada@example.com")).header("x-message-id").to_owned();
    for to in ["bounce@example.com", "blocked@example.com", "drop@example.com"] {
        send(&mut sandbox, START_MS + DAY_MS, &a_mail(to));
    }
    sandbox.recipient_opens(START_MS + 60_000, &id);
    sandbox.recipient_opens(START_MS + 70_000, &id);
    let mut stats = |query: &str| {
        let answer = sendgrid(&mut sandbox, START_MS + 2 * DAY_MS, "GET", &format!("/v3/stats?{query}"), None);
        assert_eq!(answer.status, 200, "{}", answer.json);
        spec::check_at(
            "sendgrid_stats_v3.json",
            "/paths/~1v3~1stats/get/responses/200/content/application~1json/schema",
            &answer.json,
        );
        answer.json
    };
    let days = stats("start_date=2025-06-01");
    assert_eq!(days.as_array().unwrap().len(), 3);
    let first = &days[0]["stats"][0]["metrics"];
    assert_eq!(days[0]["date"], "2025-06-01");
    for (metric, count) in [("requests", 1), ("processed", 1), ("delivered", 1), ("opens", 2), ("unique_opens", 1)] {
        assert_eq!(first[metric], count, "{metric}");
    }
    let second = &days[1]["stats"][0]["metrics"];
    for (metric, count) in [("requests", 3), ("processed", 2), ("bounces", 1), ("blocks", 1), ("bounce_drops", 1)] {
        assert_eq!(second[metric], count, "{metric}");
    }
    let weeks = stats("start_date=2025-06-01&aggregated_by=week"); // the first is a Sunday
    assert_eq!((&weeks[0]["date"], &weeks[1]["date"]), (&"2025-05-26".into(), &"2025-06-02".into()));
    assert_eq!(stats("start_date=2025-06-01&aggregated_by=month")[0]["stats"][0]["metrics"]["requests"], 4);
    assert_eq!(stats("start_date=2025-06-01&end_date=2025-06-03&offset=2&limit=5").as_array().unwrap().len(), 1);
    assert_eq!(sendgrid(&mut sandbox, START_MS, "GET", "/v3/stats", None).text("/errors/0/field"), "start_date");
}
