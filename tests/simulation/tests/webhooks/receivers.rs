//! What a receiver answers to what is no webhook; and Stripe's header read as Stripe's own SDKs read it.

use lambda_http::Body;
use serde_json::Value;
use simulation::universe::{Function, Response, Universe};

use crate::signing::{SECRET, now_s, post_stripe, v1};
use crate::{assert_refused, queued, settle};

const EVENT: &str = r#"{"id":"evt_1","object":"event","type":"customer.created"}"#;
/// More signatures than any other reader of ours ever took.
const MANY: usize = 100;

#[tokio::test(start_paused = true)]
async fn every_receiver_says_that_webhooks_are_posted_and_reads_nothing_else() {
    let receivers = [
        Function::StripeWebhook,
        Function::SendGridWebhook,
        Function::TwilioWebhook,
        Function::PostmarkWebhook,
        Function::FedexWebhook,
        Function::UpsWebhook,
    ];
    for receiver in receivers {
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            for path in ["/", "/oauth/token"] {
                let mut universe = Universe::new(1);
                let request = http::Request::builder().method(method).uri(format!("https://webhook.sim{path}"));
                let response = universe.call_raw(receiver, request.body(Body::Empty).unwrap(), path).await;
                assert_refused(&response, 405, "method_not_allowed");
                assert_eq!(universe.invocations[0].requests, 0, "{receiver:?} {method}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_signed_empty_body_is_refused_and_nothing_is_queued() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, b""));
    assert_refused(&post_stripe(&mut universe, Some(&header), Body::Empty).await, 400, "empty_body");
    assert!(queued(&universe).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_header_with_two_times_is_refused_whichever_of_them_was_signed() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe);
    let good = v1(SECRET, t, EVENT.as_bytes());
    for header in
        [format!("t={t},t={t},v1={good}"), format!("t={t},v1={good},t={}", t + 1), format!("t=1,t={t},v1={good}")]
    {
        assert_refused(&post_stripe(&mut universe, Some(&header), EVENT).await, 400, "invalid_signature");
    }
    assert!(queued(&universe).is_empty());
}

fn header_kept(object: &simulation::Stored) -> String {
    let note: Value = serde_json::from_str(&object.note).unwrap();
    note["headers"]["stripe-signature"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn every_signature_of_a_long_header_is_tried_and_the_archive_keeps_the_time_and_the_one_that_matched() {
    for place in [0, MANY / 2, MANY] {
        let mut universe = Universe::new(1);
        let t = now_s(&universe);
        let mut signatures: Vec<String> =
            (0..MANY).map(|n| format!("v1={}", v1(&format!("whsec_{n}"), t, EVENT.as_bytes()))).collect();
        let good = format!("v1={}", v1(SECRET, t, EVENT.as_bytes()));
        signatures.insert(place, good.clone());
        let header = format!("t={t},v0=00,{}", signatures.join(","));
        let response: Response = post_stripe(&mut universe, Some(&header), EVENT).await;
        assert_eq!(response.status(), 200, "{place}");
        settle(&mut universe).await;
        let objects = universe.aws().s3().objects();
        let kept: Vec<String> = objects.values().map(header_kept).collect();
        assert_eq!(kept, [format!("t={t},{good}")], "{place}");
        assert_eq!(simulation::invariants::violations(&universe), Vec::<String>::new());
    }
}
