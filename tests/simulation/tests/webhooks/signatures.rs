//! Whose webhook it is.

use lambda_http::Body;
use serde_json::json;
use simulation::universe::{Function, Universe};

use crate::signing::{SECRET, now_s, post_sendgrid, post_stripe, sendgrid_says, sendgrid_secret, v1};
use crate::{assert_refused, queued};

const EVENT: &str = r#"{"id":"evt_1","object":"event","type":"customer.created"}"#;

/// Posts the event with this header: refused, and nothing queued.
async fn is_refused(universe: &mut Universe, header: Option<&str>) {
    assert_refused(&post_stripe(universe, header, EVENT).await, 400, "invalid_signature");
    assert!(queued(universe).is_empty(), "{header:?}");
}

#[tokio::test(start_paused = true)]
async fn a_forged_signature_is_refused_and_nothing_is_queued() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe);
    let good = v1(SECRET, t, EVENT.as_bytes());
    let forged = [
        format!("t={t},v1={}", v1("whsec_other", t, EVENT.as_bytes())),
        format!("t={t},v1={}", v1("", t, EVENT.as_bytes())),
        format!("t={t},v1={}", v1(SECRET, t, b"{}")),
        format!("t={},v1={good}", t + 1),
        format!("t={t},v0={good}"),
        format!("t={t},v1="),
        format!("t={t},v1={}", "0".repeat(64)),
        format!("t={t},v1={}", "g".repeat(64)),
        format!("t=now,v1={good}"),
        format!("t=,v1={}", v1(SECRET, 0, EVENT.as_bytes())),
        format!("v1={good}"),
        format!("t={t}"),
        String::new(),
        ",=,".to_owned(),
        "=".repeat(8_000),
    ];
    for header in &forged {
        is_refused(&mut universe, Some(header)).await;
    }
    is_refused(&mut universe, None).await;
    assert!(universe.aws().table().items().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signature_cut_off_anywhere_is_refused() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, EVENT.as_bytes()));
    for length in 0..header.len() {
        is_refused(&mut universe, Some(&header[..length])).await;
    }
    assert_eq!(post_stripe(&mut universe, Some(&header), EVENT).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_signature_older_than_five_minutes_is_refused_and_one_of_five_minutes_is_taken() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe) - 301;
    is_refused(&mut universe, Some(&format!("t={t},v1={}", v1(SECRET, t, EVENT.as_bytes())))).await;
    // A cold instance reads its secret first; what counts is when the request came.
    let t = now_s(&universe) - 299;
    let header = format!("t={t},v1={}", v1(SECRET, t, EVENT.as_bytes()));
    assert_eq!(post_stripe(&mut universe, Some(&header), EVENT).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn of_several_signatures_one_good_one_is_enough_wherever_it_stands() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe);
    let (good, bad) = (v1(SECRET, t, EVENT.as_bytes()), v1("whsec_other", t, EVENT.as_bytes()));
    for header in [
        format!("t={t},v1={good},v1={bad}"),
        format!("t={t},v1={bad},v1={good}"),
        format!("v1={bad},v1={good},t={t}"),
        format!("t={t},v0={bad},v1={bad},v1=short,v1={good},v2=new"),
        format!("t={t}, v1={good}"),
    ] {
        assert_eq!(post_stripe(&mut universe, Some(&header), EVENT).await.status(), 200, "{header}");
    }
    assert_eq!(queued(&universe).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_what_was_signed_byte_for_byte() {
    let mut universe = Universe::new(1);
    let text = "{\r\n  \"id\" : \"evt_1\",\t\"name\": \"Zoë 💳 \\u0000\" }\r\n";
    let odd = b"{\"id\":\"\x00\xff\"}";
    let t = now_s(&universe);
    for body in [Body::Text(text.to_owned()), Body::Binary(text.into()), Body::Binary(odd.to_vec())] {
        let header = format!("t={t},v1={}", v1(SECRET, t, &body));
        assert_eq!(post_stripe(&mut universe, Some(&header), body).await.status(), 200);
    }
    let messages = queued(&universe);
    for message in &messages[..2] {
        assert_eq!(message.body, text);
        assert!(!message.attributes.contains_key("encoding"));
        assert_eq!(message.attributes["type"].value, "stripe");
    }
    assert_eq!(messages[2].body, crate::signing::base64(odd));
    assert_eq!(messages[2].attributes["encoding"].value, "base64");
}

fn stripe_secret(secrets: &[(&str, Option<i64>)]) -> serde_json::Value {
    let secrets: Vec<_> =
        secrets.iter().map(|(secret, until)| json!({ "secret": secret, "not_after": until })).collect();
    json!({ "webhook_secrets": secrets })
}

#[tokio::test(start_paused = true)]
async fn after_a_secret_was_rolled_the_receiver_reads_it_anew_once_and_takes_the_next_event() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let t = now_s(&universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, EVENT.as_bytes()));
    assert_eq!(post_stripe(&mut universe, Some(&header), EVENT).await.status(), 200);
    universe.sleep_ms(60_000).await;
    universe.aws().secrets().put("stripe-webhook", &stripe_secret(&[("whsec_new", None)]));
    let t = now_s(&universe);
    let header = format!("t={t},v1={}", v1("whsec_new", t, EVENT.as_bytes()));
    assert_eq!(post_stripe(&mut universe, Some(&header), EVENT).await.status(), 200);
    let names = universe.invocations.last().unwrap().waves.concat();
    assert_eq!(names, ["SecretsManager.GetSecretValue", "SQS.SendMessage"]);
    assert_eq!(queued(&universe).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_vendor_s_own_roll_loses_no_event() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let response = universe.call("POST", "/payments", Some("k-1"), Some(&simulation::shop::payment("o-1"))).await;
    universe.run_until_quiet(600_000).await;
    let now_ms = universe.now_ms();
    universe.sandbox().roll_stripe_webhook_secret("whsec_new", now_ms);
    universe.aws().secrets().put("stripe-webhook", &stripe_secret(&[("whsec_new", None)]));
    simulation::shop::shopper_pays(&universe, &response);
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(crate::payment_status(&universe), "succeeded");
    let counts = universe.sandbox().deliveries(sandbox::Vendor::Stripe);
    assert_eq!((counts.waiting, counts.given_up), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn forged_traffic_makes_an_instance_read_its_secret_at_most_every_30_seconds() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    for _ in 0..59 {
        is_refused(&mut universe, Some("t=1,v1=00")).await;
        universe.sleep_ms(1_000).await;
    }
    let reads = universe.invocations.iter().flat_map(|invocation| invocation.waves.concat());
    let reads = reads.filter(|name| name.starts_with("SecretsManager")).count();
    assert!((2..=3).contains(&reads), "{reads} reads in a minute");
}

#[tokio::test(start_paused = true)]
async fn every_secret_of_the_list_counts_until_its_own_time_and_the_previous_version_never_does() {
    let mut universe = Universe::new(1);
    let until = now_s(&universe) + 600;
    universe.aws().secrets().put("stripe-webhook", &stripe_secret(&[("whsec_new", None), ("whsec_old", Some(until))]));
    let send = async |universe: &mut Universe, secret: &str| {
        let t = now_s(universe);
        let header = format!("t={t},v1={}", v1(secret, t, EVENT.as_bytes()));
        post_stripe(universe, Some(&header), EVENT).await.status()
    };
    assert_eq!(send(&mut universe, "whsec_new").await, 200);
    assert_eq!(send(&mut universe, "whsec_old").await, 200);
    assert_eq!(send(&mut universe, SECRET).await, 400, "it stands in AWSPREVIOUS only");
    universe.sleep_ms(601_000).await;
    assert_eq!(send(&mut universe, "whsec_old").await, 400);
    assert_eq!(send(&mut universe, "whsec_new").await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_forged_batch_of_mail_events_is_refused_and_nothing_is_queued() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    let body = "[{\"event\":\"delivered\"}]\r\n";
    let t = now_s(&universe).to_string();
    for signature in ["", "AAAA", "not base64", "MEUCIQDx", &"A".repeat(10_000)] {
        assert_refused(&post_sendgrid(&mut universe, signature, &t, body).await, 400, "invalid_signature");
    }
    // The sandbox's own account signs with another key.
    universe.aws().secrets().put("sendgrid-webhook", &json!({ "webhook_public_keys": [{ "secret": "" }] }));
    assert_refused(&sendgrid_says(&mut universe, body).await, 400, "invalid_signature");
    assert!(queued(&universe).is_empty());
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    assert_eq!(sendgrid_says(&mut universe, body).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_mail_events_redelivered_a_day_later_is_taken() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    let body = b"[{\"event\":\"delivered\"}]\r\n".to_vec();
    let t = now_s(&universe).to_string();
    let signature: p256::ecdsa::Signature =
        p256::ecdsa::signature::Signer::sign(&crate::signing::sendgrid_key(), &[t.as_bytes(), &body].concat());
    universe.sleep_ms(23 * 3_600_000).await;
    let signature = crate::signing::base64(signature.to_der().as_bytes());
    assert_eq!(post_sendgrid(&mut universe, &signature, &t, body).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn without_its_secret_a_receiver_answers_500_and_queues_nothing() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().remove("stripe-webhook");
    let t = now_s(&universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, EVENT.as_bytes()));
    let response = post_stripe(&mut universe, Some(&header), EVENT).await;
    assert!(response.status() >= 500, "{response:?}");
    assert!(queued(&universe).is_empty());
    assert_eq!(universe.invocations.last().unwrap().function, Function::StripeWebhook);
}

/// For one release: what was deployed before has the signing secrets beside the API key.
#[tokio::test(start_paused = true)]
async fn while_its_own_secret_is_empty_or_missing_a_receiver_reads_the_old_place_where_it_may() {
    let old = json!({ "api_key": "sk_test_sandbox", "webhook_secrets": [{ "secret": SECRET }] });
    let send = async |universe: &mut Universe, secret: &str| {
        let t = now_s(universe);
        let header = format!("t={t},v1={}", v1(secret, t, EVENT.as_bytes()));
        post_stripe(universe, Some(&header), EVENT).await.status()
    };
    for own in [Some(json!({})), Some(json!({ "webhook_secrets": [] })), None] {
        let mut universe = Universe::new(1);
        universe.aws().secrets().put("stripe", &old);
        match &own {
            Some(own) => universe.aws().secrets().put("stripe-webhook", own),
            None => universe.aws().secrets().remove("stripe-webhook"),
        }
        assert_eq!(send(&mut universe, SECRET).await, 500, "it may not read the other one: {own:?}");
        assert!(queued(&universe).is_empty());
        universe.reads_old_secrets = true;
        assert_eq!(send(&mut universe, SECRET).await, 200, "{own:?}");
        assert_ne!(send(&mut universe, "whsec_other").await, 200, "{own:?}");
        // Once it is filled, only it counts.
        universe.aws().secrets().put("stripe-webhook", &json!({ "webhook_secrets": [{ "secret": "whsec_new" }] }));
        assert_eq!(send(&mut universe, "whsec_new").await, 200, "{own:?}");
        assert_eq!(send(&mut universe, SECRET).await, 400, "{own:?}");
    }
}

/// A warm instance finds the new place when it is filled, without waiting for its cache.
#[tokio::test(start_paused = true)]
async fn a_warm_receiver_moves_to_its_own_secret_with_the_first_event_that_needs_it() {
    let mut universe = Universe::new(1);
    (universe.keeps_instances, universe.reads_old_secrets) = (true, true);
    universe.aws().secrets().put("stripe", &json!({ "api_key": "k", "webhook_secrets": [{ "secret": SECRET }] }));
    universe.aws().secrets().put("stripe-webhook", &json!({}));
    let send = async |universe: &mut Universe, secret: &str| {
        let t = now_s(universe);
        let header = format!("t={t},v1={}", v1(secret, t, EVENT.as_bytes()));
        post_stripe(universe, Some(&header), EVENT).await.status()
    };
    assert_eq!(send(&mut universe, SECRET).await, 200);
    universe.sleep_ms(60_000).await;
    universe.aws().secrets().put("stripe-webhook", &json!({ "webhook_secrets": [{ "secret": "whsec_new" }] }));
    assert_eq!(send(&mut universe, "whsec_new").await, 200);
}
