//! Postmark: what it accepts, and the webhooks that follow.

use crate::caller::{Answer, START_MS, a_postmark_mail, answered, mail_by_postmark, postmark_request};
use sandbox::{CallFault, Course, Sandbox, Settings, Vendor, WebhookFault};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn call(sandbox: &mut Sandbox, path: &str, body: &Value) -> Answer {
    answered(sandbox.call(Vendor::Postmark, START_MS, postmark_request(path, body)))
}

/// All webhooks until a time, accepted at once.
fn webhooks(sandbox: &mut Sandbox, until_ms: i64) -> Vec<Value> {
    let mut records = Vec::new();
    while let Some(at_ms) = sandbox.next_delivery_at().filter(|at_ms| *at_ms <= until_ms) {
        for delivery in sandbox.take_due(at_ms) {
            assert_eq!(delivery.request.headers()["authorization"], "Basic cG9zdG1hcms6c2FuZGJveC1wYXNzd29yZA=="); // postmark:sandbox-password
            records.push(serde_json::from_slice(delivery.request.body()).unwrap());
            sandbox.delivered(delivery.id, Some(200), at_ms);
        }
    }
    records
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["RecordType"].as_str().unwrap()).collect()
}

#[test]
fn an_accepted_mail_is_answered_with_an_id_and_delivered_with_its_metadata() {
    let mut sandbox = sandbox();
    let sent = mail_by_postmark(&mut sandbox, START_MS, "Ada <ada@example.com>");
    assert_eq!((sent.status, &sent.json["ErrorCode"], sent.text("/Message")), (200, &0.into(), "OK"));
    assert_eq!((sent.text("/To"), sent.text("/SubmittedAt")), (ADA, "2025-06-01T12:00:00.0000000+00:00"));
    let mail = &sandbox.postmark().mails()[0];
    assert_eq!((mail.message_id.as_str(), mail.from.as_str()), (sent.text("/MessageID"), "shop@example.com"));
    let told = webhooks(&mut sandbox, START_MS + 60_000);
    assert_eq!(kinds(&told), ["Delivery"]);
    assert_eq!((&told[0]["Recipient"], &told[0]["MessageID"]), (&ADA.into(), &sent.json["MessageID"]));
    assert_eq!(told[0]["Metadata"], json!({ "crossdock_order": "o-1" }));
    assert_eq!(told[0]["DeliveredAt"], "2025-06-01T12:00:01.0000000Z");
}

#[test]
fn the_address_or_the_dial_decides_what_becomes_of_a_mail() {
    for (to, expected) in [
        ("bounce@example.com", &["Bounce", "SubscriptionChange"][..]),
        ("blocked@example.com", &["Bounce"]),
        ("drop@example.com", &["Bounce"]),
        ("defer@example.com", &["Bounce", "Delivery"]),
        ("silent@example.com", &[]),
        ("spam@example.com", &["Delivery", "SpamComplaint", "SubscriptionChange"]),
        ("unsubscribe@example.com", &["Delivery", "SubscriptionChange"]),
    ] {
        let mut sandbox = sandbox();
        mail_by_postmark(&mut sandbox, START_MS, to);
        assert_eq!(kinds(&webhooks(&mut sandbox, START_MS + 3_600_000)), expected, "{to}");
    }
    let mut sandbox = sandbox();
    sandbox.faults().next_messages(Vendor::Postmark, 1, Course::Blocked);
    mail_by_postmark(&mut sandbox, START_MS, ADA);
    let told = webhooks(&mut sandbox, START_MS + 3_600_000);
    assert_eq!((&told[0]["Type"], &told[0]["Inactive"]), (&"SoftBounce".into(), &false.into()));
}

#[test]
fn after_a_hard_bounce_nothing_is_sent_to_the_address_until_it_is_made_active() {
    let mut sandbox = sandbox();
    let to = "bounce@example.com";
    mail_by_postmark(&mut sandbox, START_MS, to);
    let told = webhooks(&mut sandbox, START_MS + 5000);
    assert_eq!((&told[0]["TypeCode"], &told[0]["Inactive"], &told[0]["Email"]), (&1.into(), &true.into(), &to.into()));
    assert_eq!(told[1]["SuppressionReason"], "HardBounce");
    let refused = mail_by_postmark(&mut sandbox, START_MS + 6000, "Bounce@example.com");
    assert_eq!((refused.status, &refused.json["ErrorCode"]), (422, &406.into()));
    let both = mail_by_postmark(&mut sandbox, START_MS + 6000, &format!("{to}, {ADA}"));
    assert_eq!(both.status, 200);
    assert_eq!(sandbox.postmark().mails()[1].to, [ADA]);
    assert!(sandbox.merchant_reactivates(START_MS + 9000, to) && !sandbox.merchant_reactivates(START_MS + 9000, to));
    let told = webhooks(&mut sandbox, START_MS + 9000);
    assert_eq!((&told[1]["SuppressSending"], &told[1]["MessageID"]), (&false.into(), &Value::Null));
    assert_eq!(mail_by_postmark(&mut sandbox, START_MS + 9000, to).status, 200);
}

#[test]
fn a_batch_is_answered_200_though_some_of_it_fail() {
    let mut sandbox = sandbox();
    let batch = json!([a_postmark_mail(ADA), a_postmark_mail("ada"), a_postmark_mail("bob@example.com")]);
    let sent = call(&mut sandbox, "/email/batch", &batch);
    assert_eq!(sent.status, 200);
    let codes: Vec<&Value> = sent.json.as_array().unwrap().iter().map(|result| &result["ErrorCode"]).collect();
    assert_eq!(codes, [&json!(0), &json!(300), &json!(0)]);
    assert_eq!(sandbox.postmark().mails().len(), 2);
    let most = Value::from(vec![a_postmark_mail(ADA); 501]);
    assert_eq!(call(&mut sandbox, "/email/batch", &most).json["ErrorCode"], 410);
    assert_eq!(call(&mut sandbox, "/email/batch", &a_postmark_mail(ADA)).status, 422);
}

#[test]
fn what_postmark_would_refuse_is_refused_with_its_code() {
    let and = |name: &str, value: Value| {
        let mut mail = a_postmark_mail(ADA);
        mail[name] = value;
        mail
    };
    for (mail, code) in [
        (and("To", json!("")), 300),
        (and("To", json!("ada@")), 300),
        (and("To", json!(vec![ADA; 51].join(","))), 300),
        (and("From", json!("shop")), 300),
        (and("TextBody", json!("")), 300),
        (and("Metadata", json!({ "n": 1 })), 300),
        (and("Metadata", json!({ "n": "x".repeat(81) })), 300),
        (and("Subjekt", json!("x")), 403),
        (json!([]), 403),
    ] {
        let mut sandbox = sandbox();
        let refused = call(&mut sandbox, "/email", &mail);
        assert_eq!((refused.status, &refused.json["ErrorCode"]), (422, &code.into()), "{mail}");
        assert!(sandbox.postmark().mails().is_empty());
    }
    let mut sandbox = sandbox();
    assert_eq!(
        call(&mut sandbox, "/email", &and("To", json!("\"Ada, B\" <ada@example.com>, b@example.com"))).status,
        200
    );
    assert_eq!(sandbox.postmark().mails()[0].to, [ADA, "b@example.com"]);
}

#[test]
fn token_path_type_and_size_are_checked_and_the_test_token_sends_nothing() {
    let mut sandbox = sandbox();
    let mut status = |change: &dyn Fn(&mut http::Request<bytes::Bytes>)| {
        let mut request = postmark_request("/email", &a_postmark_mail(ADA));
        change(&mut request);
        answered(sandbox.call(Vendor::Postmark, START_MS, request)).status
    };
    let token = |request: &mut http::Request<bytes::Bytes>, token: &str| {
        request.headers_mut().insert("x-postmark-server-token", token.parse().unwrap());
    };
    assert_eq!(status(&|r| token(r, "other")), 401);
    assert_eq!(status(&|r| *r.uri_mut() = "/mail".parse().unwrap()), 404);
    assert_eq!(status(&|r| drop(r.headers_mut().remove("content-type"))), 422);
    assert_eq!(status(&|r| *r.body_mut() = vec![b' '; 11 * 1024 * 1024].into()), 413);
    assert_eq!(status(&|r| *r.body_mut() = "{".into()), 422);
    assert_eq!(status(&|r| token(r, "POSTMARK_API_TEST")), 200);
    assert!(sandbox.postmark().mails().is_empty());
    sandbox.set_api_key(Vendor::Postmark, "new");
    assert_eq!(mail_by_postmark(&mut sandbox, START_MS, ADA).status, 401);
}

#[test]
fn without_credits_every_mail_is_refused_and_the_dial_does_the_rest() {
    let mut sandbox = sandbox();
    sandbox.postmark_refuses_all(Some(405));
    let refused = mail_by_postmark(&mut sandbox, START_MS, ADA);
    assert_eq!((refused.status, &refused.json["ErrorCode"]), (422, &405.into()));
    sandbox.postmark_refuses_all(None);
    for (fault, status, made) in [
        (CallFault::Throttled { retry_after_s: 3 }, 429, 0),
        (CallFault::ErrorDuring { status: 500 }, 500, 0),
        (CallFault::ErrorAfter { status: 500 }, 500, 1),
        (CallFault::ErrorBefore { status: 503 }, 503, 1),
    ] {
        sandbox.faults().next_calls(Vendor::Postmark, "email", 1, fault);
        assert_eq!(mail_by_postmark(&mut sandbox, START_MS, ADA).status, status);
        assert_eq!(sandbox.postmark().mails().len(), made, "{fault:?}");
    }
}

#[test]
fn what_a_recipient_does_is_told() {
    let mut sandbox = sandbox();
    let id = mail_by_postmark(&mut sandbox, START_MS, ADA).text("/MessageID").to_owned();
    assert!(sandbox.recipient_opens(START_MS + 5000, &id) && sandbox.recipient_opens(START_MS + 6000, &id));
    assert!(sandbox.recipient_clicks(START_MS + 7000, &id, "https://shop.example/o-1"));
    assert!(sandbox.recipient_reports_spam(START_MS + 8000, &id));
    assert!(!sandbox.recipient_opens(START_MS, "nobody"));
    let told = webhooks(&mut sandbox, START_MS + 60_000);
    assert_eq!(kinds(&told), ["Delivery", "Open", "Open", "Click", "SpamComplaint", "SubscriptionChange"]);
    assert_eq!((&told[1]["FirstOpen"], &told[2]["FirstOpen"]), (&true.into(), &false.into()));
    assert_eq!(told[3]["OriginalLink"], "https://shop.example/o-1");
    assert_eq!((&told[4]["TypeCode"], &told[4]["CanActivate"]), (&512.into(), &false.into()));
    assert!(told.iter().all(|record| record["Metadata"]["crossdock_order"] == "o-1"));
    assert_eq!(mail_by_postmark(&mut sandbox, START_MS + 9000, ADA).json["ErrorCode"], 406);
}

#[test]
fn webhooks_obey_the_dial_and_403_ends_the_tries() {
    let mut sandbox = sandbox();
    sandbox.faults().next_webhooks(Vendor::Postmark, 1, WebhookFault::Duplicate { copies: 2 });
    mail_by_postmark(&mut sandbox, START_MS, ADA);
    assert_eq!(kinds(&webhooks(&mut sandbox, START_MS + 5000)), ["Delivery"; 3]);
    mail_by_postmark(&mut sandbox, START_MS, ADA);
    let due = sandbox.take_due(START_MS + 5000);
    sandbox.delivered(due[0].id, Some(403), START_MS + 5000);
    assert_eq!((sandbox.next_delivery_at(), sandbox.deliveries(Vendor::Postmark).given_up), (None, 1));
}
