//! Twilio's webhooks: status callbacks and texts that come in, their signature and their retries.

use crate::caller::{START_MS, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use sandbox::{Course, Delivery, Sandbox, Settings, Vendor, WebhookFault};
use std::collections::BTreeMap;

const TO: &str = "+4798765432";
const SHOP: &str = "+15005550006";
const CALLBACK: &str = "https%3A%2F%2Fhooks.example%2Ftwilio%3Fintent%3Dint_1%26stack%3D1%2Feu";
const URL: &str = "https://hooks.example/twilio?intent=int_1&stack=1/eu";

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    delivery.request.headers()[name].to_str().unwrap()
}

fn fields(delivery: &Delivery) -> BTreeMap<String, String> {
    form_urlencoded::parse(delivery.request.body()).into_owned().collect()
}

/// Whether the signature is that of this URL and the form with this token, reckoned by other code than the signer's.
fn is_signed(delivery: &Delivery, url: &str, token: &str) -> bool {
    let text = fields(delivery).iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let given = STANDARD.decode(header(delivery, "x-twilio-signature")).unwrap();
    hmac::verify(&key, text.as_bytes(), &given).is_ok()
}

fn with_callback(sandbox: &mut Sandbox, to: &str, fragment: &str) -> String {
    let fragment: String = form_urlencoded::byte_serialize(fragment.as_bytes()).collect();
    let made = text(sandbox, START_MS, to, &format!("&StatusCallback={CALLBACK}{fragment}"));
    assert_eq!(made.status, 201, "{}", made.json);
    made.text("/sid").to_owned()
}

/// Everything that is delivered until nothing more comes, accepted at once.
fn all(sandbox: &mut Sandbox) -> Vec<Delivery> {
    let mut all = Vec::new();
    while let Some(at_ms) = sandbox.next_delivery_at() {
        for delivery in sandbox.take_due(at_ms) {
            sandbox.delivered(delivery.id, Some(204), at_ms);
            all.push(delivery);
        }
    }
    all
}

fn statuses(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| fields(delivery)["MessageStatus"].clone()).collect()
}

#[test]
fn every_step_but_the_first_is_told_to_the_messages_own_url_and_signed() {
    let mut sandbox = sandbox();
    let sid = with_callback(&mut sandbox, TO, "#rc=3&rp=5xx,rt,ct");
    let callbacks = all(&mut sandbox);
    assert_eq!(statuses(&callbacks), ["sending", "sent", "delivered"]);
    for callback in &callbacks {
        assert_eq!(callback.request.uri(), URL);
        assert!(header(callback, "content-type").starts_with("application/x-www-form-urlencoded"));
        assert!(is_signed(callback, URL, "twilio-sandbox-token"));
        assert!(
            !is_signed(callback, URL, "other") && !is_signed(callback, &format!("{URL}#rc=3"), "twilio-sandbox-token")
        );
        let fields = fields(callback);
        assert_eq!((&fields["MessageSid"], &fields["SmsSid"]), (&sid, &sid));
        assert_eq!(fields["SmsStatus"], fields["MessageStatus"]);
        assert_eq!(
            (fields["To"].as_str(), fields["From"].as_str(), fields["ApiVersion"].as_str()),
            (TO, SHOP, "2010-04-01")
        );
        assert!(!fields.contains_key("ErrorCode"));
    }
    assert_eq!(fields(&callbacks[2])["RawDlrDoneDate"], "2506011200");
    let tokens: Vec<&str> = callbacks.iter().map(|c| header(c, "i-twilio-idempotency-token")).collect();
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2]);
}

#[test]
fn without_a_callback_url_nothing_is_posted() {
    let mut sandbox = sandbox();
    text(&mut sandbox, START_MS, TO, "");
    assert!(all(&mut sandbox).is_empty());
    assert_eq!(sandbox.twilio().messages()[0].status.name(), "delivered");
}

#[test]
fn the_number_or_the_dial_decides_what_becomes_of_a_text() {
    let by_number = |to: &str| {
        let mut sandbox = sandbox();
        with_callback(&mut sandbox, to, "");
        all(&mut sandbox)
    };
    let by_dial = |course: Course| {
        let mut sandbox = sandbox();
        sandbox.faults().next_messages(Vendor::Twilio, 1, course);
        with_callback(&mut sandbox, TO, "");
        all(&mut sandbox)
    };
    let code = |callbacks: &[Delivery]| fields(callbacks.last().unwrap()).get("ErrorCode").cloned().unwrap_or_default();
    for (callbacks, expected, error_code) in [
        (by_number("+4790030003"), &["sending", "sent", "undelivered"][..], "30003"),
        (by_number("+4790030001"), &["failed"], "30001"),
        (by_dial(Course::Undelivered { code: 30007 }), &["sending", "sent", "undelivered"], "30007"),
        (by_dial(Course::Failed { code: 30002 }), &["failed"], "30002"),
        (by_dial(Course::Bounced), &["sending", "sent", "undelivered"], "30005"),
        (by_dial(Course::Silent), &["sending", "sent"], ""),
        (by_dial(Course::Deferred), &["sending", "sent", "delivered"], ""),
        (by_dial(Course::DeliveredAfterAll { code: 30008 }), &["sending", "sent", "undelivered", "delivered"], ""),
    ] {
        assert_eq!(statuses(&callbacks), expected);
        assert_eq!(code(&callbacks), error_code, "{expected:?}");
    }
}

#[test]
fn a_text_that_waits_longer_than_its_validity_is_never_sent() {
    let mut sandbox = sandbox();
    sandbox.faults().next_messages(Vendor::Twilio, 2, Course::Deferred);
    text(&mut sandbox, START_MS, TO, "&ValidityPeriod=120");
    text(&mut sandbox, START_MS, TO, "&ValidityPeriod=1200");
    sandbox.take_due(START_MS + 3_600_000);
    let outcome = |i: usize| (sandbox.twilio().messages()[i].status.name(), sandbox.twilio().messages()[i].error_code);
    assert_eq!((outcome(0), outcome(1)), (("failed", Some(30036)), ("delivered", None)));
}

#[test]
fn a_callback_is_tried_again_only_as_its_fragment_says() {
    for (fragment, answer, tries) in [
        ("", None, 2),
        ("", Some(500), 1),
        ("#rc=3&rp=5xx,rt,ct", Some(500), 4),
        ("#rc=3&rp=5xx,rt,ct", None, 4),
        ("#rc=3&rp=5xx,rt,ct", Some(403), 1),
        ("#rc=2&rp=all", Some(403), 3),
        ("#rc=9&rp=4xx", Some(403), 6),
        ("#rc=0", None, 1),
    ] {
        let mut sandbox = sandbox();
        with_callback(&mut sandbox, "+4790030001", fragment); // one callback only: failed
        let mut seen: Vec<Delivery> = Vec::new();
        while let Some(at_ms) = sandbox.next_delivery_at() {
            for delivery in sandbox.take_due(at_ms) {
                sandbox.delivered(delivery.id, answer, at_ms);
                seen.push(delivery);
            }
        }
        assert_eq!(seen.len(), tries, "{fragment} {answer:?}");
        let token = |delivery: &Delivery| header(delivery, "i-twilio-idempotency-token").to_owned();
        assert!(seen.iter().all(|delivery| token(delivery) == token(&seen[0])));
        assert_eq!(sandbox.deliveries(Vendor::Twilio).given_up, 1);
    }
}

#[test]
fn callbacks_are_doubled_overtaken_late_and_lost_as_the_dial_says() {
    let run = |fault: WebhookFault| {
        let mut sandbox = sandbox();
        sandbox.faults().next_webhooks(Vendor::Twilio, 1, fault);
        with_callback(&mut sandbox, TO, "");
        statuses(&all(&mut sandbox))
    };
    assert_eq!(run(WebhookFault::Duplicate { copies: 1 }), ["sending", "sending", "sent", "delivered"]);
    assert_eq!(run(WebhookFault::Reordered), ["sent", "sending", "delivered"]);
    assert_eq!(run(WebhookFault::Late { ms: 60_000 }), ["sent", "delivered", "sending"]);
    assert_eq!(run(WebhookFault::Dropped), ["sent", "delivered"]);
}

#[test]
fn while_a_token_is_rotated_the_primary_one_signs() {
    let mut sandbox = sandbox();
    sandbox.set_twilio_auth_tokens(&["new", "twilio-sandbox-token"]);
    with_callback(&mut sandbox, TO, "");
    let callbacks = all(&mut sandbox);
    assert!(callbacks.iter().all(|callback| is_signed(callback, URL, "new")));
}

#[test]
fn a_text_from_a_phone_is_posted_to_the_accounts_url_and_signed() {
    let mut sandbox = sandbox();
    sandbox.recipient_texts(START_MS, TO, SHOP, "Stop");
    let posted = all(&mut sandbox);
    assert_eq!(posted.len(), 1);
    let fields = fields(&posted[0]);
    assert_eq!((fields["From"].as_str(), fields["To"].as_str(), fields["Body"].as_str()), (TO, SHOP, "Stop"));
    assert_eq!((fields["SmsStatus"].as_str(), fields.get("OptOutType")), ("received", None));
    assert!(is_signed(&posted[0], "https://shop.example/webhooks/twilio", "twilio-sandbox-token"));
    assert_eq!(sandbox.twilio().received()[0].sid, fields["MessageSid"]);
}

#[test]
fn advanced_opt_out_says_what_a_text_was_taken_for() {
    for (body, kind) in [("QUIT", Some("STOP")), ("unstop", Some("START")), ("Info", Some("HELP")), ("hello", None)] {
        let mut sandbox = Sandbox::new(Settings { twilio_advanced_opt_out: true, ..Settings::default() });
        sandbox.recipient_texts(START_MS, TO, SHOP, body);
        let posted = fields(&all(&mut sandbox)[0]);
        assert_eq!(posted.get("OptOutType").map(String::as_str), kind, "{body}");
    }
}

#[test]
fn behind_a_stand_in_address_the_public_url_is_signed() {
    let mut sandbox = sandbox();
    assert!(sandbox.set_webhook(Vendor::Twilio, "http://127.0.0.1:4566/", Some("hooks.example")));
    with_callback(&mut sandbox, TO, "");
    sandbox.recipient_texts(START_MS, TO, SHOP, "hello");
    for posted in all(&mut sandbox) {
        assert_eq!(
            (posted.request.uri().authority().unwrap().as_str(), header(&posted, "host")),
            ("127.0.0.1:4566", "hooks.example")
        );
        let inbound = fields(&posted).contains_key("Body");
        assert!(is_signed(&posted, if inbound { "https://hooks.example/" } else { URL }, "twilio-sandbox-token"));
        assert_eq!(posted.request.uri().query().is_some(), !inbound);
    }
}
