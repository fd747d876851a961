//! Webhooks: signatures, retries, and what the dial does to them.

use crate::caller::{START_MS, a_mail, mail_by_postmark, pay, send};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, signature};
use sandbox::{Delivery, Sandbox, Settings, Vendor, WebhookFault};
use serde_json::Value;

const HOUR_MS: i64 = 3_600_000;

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

/// A sandbox that has exactly one kind of Stripe event.
fn sandbox_with_one_event_type() -> Sandbox {
    let stripe_event_types = vec!["payment_intent.succeeded".to_owned()];
    Sandbox::new(Settings { stripe_event_types, ..Settings::default() })
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> &'a str {
    delivery.request.headers()[name].to_str().unwrap()
}

/// The v1 signatures of a Stripe webhook that this secret verifies, counted by other code than the signer's.
fn valid_signatures(delivery: &Delivery, secret: &str) -> usize {
    let parts: Vec<(&str, &str)> =
        header(delivery, "stripe-signature").split(',').filter_map(|part| part.split_once('=')).collect();
    let at = parts.iter().find(|(name, _)| *name == "t").unwrap().1;
    let message = [at.as_bytes(), b".", delivery.request.body()].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let right: String =
        hmac::sign(&key, &message).as_ref().iter().fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
    parts.iter().filter(|(name, value)| *name == "v1" && *value == right).count()
}

fn event_id(delivery: &Delivery) -> String {
    let event: Value = serde_json::from_slice(delivery.request.body()).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_stripe_webhook_carries_a_signature_of_the_moment_that_verifies() {
    let mut sandbox = sandbox();
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let due = sandbox.take_due(START_MS + 5000);
    assert_eq!(due.len(), 3);
    for delivery in &due {
        assert!(header(delivery, "stripe-signature").starts_with(&format!("t={},v1=", START_MS / 1000 + 5)));
        assert_eq!((valid_signatures(delivery, "whsec_sandbox"), valid_signatures(delivery, "whsec_other")), (1, 0));
        assert_eq!(delivery.request.uri(), "https://shop.example/webhooks/stripe");
    }
}

#[test]
fn while_a_secret_is_rolled_both_sign() {
    let mut sandbox = sandbox_with_one_event_type();
    sandbox.roll_stripe_webhook_secret("whsec_new", START_MS + HOUR_MS);
    let mut valid = |at_ms: i64, key: &str| {
        pay(&mut sandbox, at_ms, key, "pm_card_visa");
        let due = sandbox.take_due(at_ms + 1000);
        (valid_signatures(&due[0], "whsec_sandbox"), valid_signatures(&due[0], "whsec_new"))
    };
    assert_eq!(valid(START_MS, "k1"), (1, 1));
    assert_eq!(valid(START_MS + HOUR_MS, "k2"), (0, 1));
}

#[test]
fn a_sendgrid_webhook_is_an_array_with_a_signed_line_end() {
    let mut sandbox = sandbox();
    send(&mut sandbox, START_MS, &a_mail("ada@example.com"));
    let due = sandbox.take_due(START_MS + 5000);
    assert_eq!(due.len(), 1);
    let body = due[0].request.body();
    assert!(body.ends_with(b"]\r\n"));
    let timestamp = header(&due[0], "x-twilio-email-event-webhook-timestamp");
    assert_eq!(timestamp, (START_MS / 1000 + 5).to_string());
    let given = STANDARD.decode(header(&due[0], "x-twilio-email-event-webhook-signature")).unwrap();
    let public = STANDARD.decode(sandbox.sendgrid_public_key()).unwrap();
    let point = &public[public.len() - 65..]; // a P-256 SubjectPublicKeyInfo ends with the uncompressed point
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point);
    key.verify(&[timestamp.as_bytes(), body].concat(), &given).unwrap();
    key.verify(&[timestamp.as_bytes(), &body[..body.len() - 2]].concat(), &given).unwrap_err();
}

#[test]
fn nothing_is_due_before_its_time_and_nothing_is_sent_twice_without_need() {
    let mut sandbox = sandbox_with_one_event_type();
    assert_eq!(sandbox.next_delivery_at(), None);
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let at_ms = sandbox.next_delivery_at().unwrap();
    assert!(sandbox.take_due(at_ms - 1).is_empty());
    let due = sandbox.take_due(at_ms);
    assert!(sandbox.take_due(at_ms + HOUR_MS).is_empty(), "in flight");
    sandbox.delivered(due[0].id, Some(204), at_ms);
    assert_eq!(sandbox.next_delivery_at(), None);
    let counts = sandbox.deliveries(Vendor::Stripe);
    assert_eq!((counts.waiting, counts.tries, counts.accepted), (0, 1, 1));
}

#[test]
fn a_webhook_that_is_not_accepted_is_tried_at_growing_gaps_with_a_new_signature_until_the_vendor_gives_up() {
    for (vendor, hours) in [(Vendor::Stripe, 72), (Vendor::SendGrid, 24), (Vendor::Postmark, 12)] {
        let mut sandbox = sandbox_with_one_event_type();
        match vendor {
            Vendor::Stripe => drop(pay(&mut sandbox, START_MS, "k1", "pm_card_visa")),
            Vendor::SendGrid => drop(send(&mut sandbox, START_MS, &a_mail("drop@example.com"))),
            Vendor::Postmark => drop(mail_by_postmark(&mut sandbox, START_MS, "blocked@example.com")),
            _ => unreachable!("not one of the three"),
        }
        let (mut times, mut bodies, mut answers) =
            (Vec::new(), Vec::new(), [None, Some(500), Some(302)].iter().cycle());
        while let Some(at_ms) = sandbox.next_delivery_at() {
            let due = sandbox.take_due(at_ms);
            assert_eq!((due.len(), due[0].attempt), (1, u32::try_from(times.len() + 1).unwrap()));
            if vendor == Vendor::Stripe {
                assert!(header(&due[0], "stripe-signature").starts_with(&format!("t={},", at_ms / 1000)));
            }
            times.push(at_ms);
            bodies.push(due[0].request.body().clone());
            sandbox.delivered(due[0].id, *answers.next().unwrap(), at_ms);
        }
        let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps[..3], [60_000, 120_000, 240_000]);
        assert!(gaps.is_sorted() && bodies.iter().all(|body| *body == bodies[0]));
        let span_ms = times.last().unwrap() - times[0];
        assert!(span_ms <= hours * HOUR_MS && span_ms > hours * HOUR_MS / 2, "{span_ms}");
        assert_eq!(sandbox.deliveries(vendor).given_up, 1);
    }
}

#[test]
fn a_duplicate_is_the_same_event_again() {
    let mut sandbox = sandbox_with_one_event_type();
    sandbox.faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Duplicate { copies: 45 });
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let due = sandbox.take_due(START_MS + 1000);
    assert_eq!(due.len(), 46);
    assert!(due.iter().all(|delivery| event_id(delivery) == event_id(&due[0])));
}

#[test]
fn a_reordered_event_comes_after_the_next_one_or_alone_after_a_while() {
    let mut sandbox = sandbox_with_one_event_type();
    sandbox.faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Reordered);
    let first = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let second = pay(&mut sandbox, START_MS + 100, "k2", "pm_card_visa");
    let due = sandbox.take_due(START_MS + 1000);
    let intents: Vec<Value> = due
        .iter()
        .map(|delivery| {
            serde_json::from_slice::<Value>(delivery.request.body()).unwrap()["data"]["object"]["id"].take()
        })
        .collect();
    assert_eq!(intents, [second.text("/id"), first.text("/id")]);
    sandbox.faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Reordered);
    pay(&mut sandbox, START_MS + 2000, "k3", "pm_card_visa");
    let alone_ms = sandbox.next_delivery_at().unwrap();
    assert!(alone_ms > START_MS + 10_000);
    assert_eq!(sandbox.take_due(alone_ms).len(), 1);
}

#[test]
fn a_late_event_is_late_and_a_dropped_one_never_comes() {
    let mut sandbox = sandbox_with_one_event_type();
    sandbox.faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Late { ms: HOUR_MS });
    sandbox.faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Dropped);
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    pay(&mut sandbox, START_MS, "k2", "pm_card_visa");
    assert!(sandbox.next_delivery_at().unwrap() >= START_MS + HOUR_MS);
    assert_eq!(sandbox.take_due(START_MS + 2 * HOUR_MS).len(), 1);
    assert_eq!(sandbox.deliveries(Vendor::Stripe).dropped, 1);
}

#[test]
fn without_an_endpoint_events_go_nowhere_and_a_moved_one_gets_the_retries() {
    let mut sandbox = sandbox_with_one_event_type();
    assert!(!sandbox.set_webhook(Vendor::Stripe, "", None));
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    assert_eq!(sandbox.next_delivery_at(), None);
    assert!(sandbox.set_webhook(Vendor::Stripe, "http://127.0.0.1:4566/", Some("abc.lambda-url.example")));
    pay(&mut sandbox, START_MS, "k2", "pm_card_visa");
    let due = sandbox.take_due(START_MS + 1000);
    assert_eq!((due.len(), header(&due[0], "host")), (1, "abc.lambda-url.example"));
    sandbox.delivered(due[0].id, Some(500), START_MS + 1000);
    sandbox.set_webhook(Vendor::Stripe, "http://127.0.0.1:4567/", None);
    let again = sandbox.take_due(START_MS + HOUR_MS);
    assert_eq!(again[0].request.uri(), "http://127.0.0.1:4567/");
    assert_eq!(event_id(&again[0]), event_id(&due[0]));
}

#[test]
fn an_event_of_the_second_generation_is_signed_and_has_no_object_in_it() {
    let mut sandbox = sandbox_with_one_event_type();
    sandbox.stripe_sends_thin_event(START_MS, "v1.billing.meter.no_meter_found");
    let due = sandbox.take_due(START_MS + 1000);
    assert_eq!((due.len(), valid_signatures(&due[0], "whsec_sandbox")), (1, 1));
    let event: Value = serde_json::from_slice(due[0].request.body()).unwrap();
    assert_eq!((event["object"].as_str(), event.get("data")), (Some("v2.core.event"), None));
    assert_eq!(event["created"], "2025-06-01T12:00:00Z");
}
