//! Twilio's callbacks: signed with the URL that they come to, which also says whose they are.

use crossdock::vendors::{key_id, twilio};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use simulation::invariants::{of_type, text};
use simulation::universe::{Function, Response, Universe};

use crate::signing::base64;
use crate::{assert_no_dead_letters, assert_refused, queued, settle};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://webhook.sim/?stack=000000000000%2Fsim%2Fanother&intent=int_1";
const INBOUND_URL: &str = "https://webhook.sim/";
const DELIVERED: [(&str, &str); 3] = [("To", "+4798765432"), ("MessageStatus", "delivered"), ("MessageSid", "SM1")];

fn universe_with(tokens: &[&str]) -> Universe {
    let universe = Universe::new(1);
    let tokens: Vec<Value> = tokens.iter().map(|token| json!({ "secret": token })).collect();
    let secret = json!({ "auth_tokens": tokens });
    universe.aws().secrets().put("twilio-webhook", &secret);
    universe
}

/// Base64 of HMAC-SHA1 over the URL and each field's name and value, by name.
fn signature(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    base64(&mac.finalize().into_bytes())
}

/// `+` is all that these values have to be encoded.
fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect();
    pairs.join("&")
}

async fn post(universe: &mut Universe, url: &str, signature: &str, fields: &[(&str, &str)]) -> Response {
    let request = http::Request::post(url)
        .header("X-Twilio-Signature", signature)
        .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
        .body(form(fields).into());
    universe.call_raw(Function::TwilioWebhook, request.unwrap(), "/").await
}

async fn says(universe: &mut Universe, url: &str, fields: &[(&str, &str)]) -> Response {
    let signature = signature(TOKEN, url, fields);
    post(universe, url, &signature, fields).await
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_acknowledged_without_content_and_archived_with_what_verifies_it() {
    let mut universe = universe_with(&[TOKEN]);
    let url = URL.replace("another", "crossdock");
    let response = says(&mut universe, &url, &DELIVERED).await;
    let Response::Answer { status, media_type, .. } = &response else { panic!("no answer: {response:?}") };
    assert_eq!((*status, media_type.as_str()), (204, ""));
    settle(&mut universe).await;
    let objects = universe.aws().s3().objects();
    let [(key, object)] = objects.iter().collect::<Vec<_>>().try_into().unwrap();
    assert!(key.starts_with("twilio/") && key.ends_with("-SM1-delivered"), "{key}");
    let note: Value = serde_json::from_str(&object.note).unwrap();
    assert_eq!(
        (note["url"].as_str(), note["verified_by"].as_str()),
        (Some(url.as_str()), Some(key_id(TOKEN).as_str()))
    );
    let header = note["headers"][twilio::verify::HEADER].as_str().unwrap();
    twilio::verify::verify([TOKEN].into_iter(), header, &url, object.bytes.clone()).expect("it verifies again");
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_is_not_signed_for_its_url_and_its_form_is_refused_and_nothing_is_queued() {
    let mut universe = universe_with(&[TOKEN]);
    let good = signature(TOKEN, URL, &DELIVERED);
    let failed = [DELIVERED[0], ("MessageStatus", "failed"), DELIVERED[2]];
    for (url, signature, fields) in [
        (URL, signature("another token", URL, &DELIVERED), &DELIVERED),
        (URL, signature("", URL, &DELIVERED), &DELIVERED),
        (URL, signature(TOKEN, INBOUND_URL, &DELIVERED), &DELIVERED),
        (INBOUND_URL, good.clone(), &DELIVERED),
        (URL, good.clone(), &failed),
        (URL, good[..good.len() - 4].to_owned(), &DELIVERED),
        (URL, String::new(), &DELIVERED),
        (URL, "=".repeat(8_000), &DELIVERED),
    ] {
        assert_refused(&post(&mut universe, url, &signature, fields).await, 400, "invalid_signature");
        assert!(queued(&universe).is_empty());
    }
    assert_refused(&says(&mut universe, URL, &[]).await, 400, "empty_body");
    let many = vec![("a", "0123456789abcdef"); 4_000];
    assert_refused(&says(&mut universe, URL, &many).await, 413, "body_too_large");
    assert!(queued(&universe).is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_a_token_is_rolled_the_old_and_the_new_one_both_count() {
    let mut universe = universe_with(&["fedcba9876543210fedcba9876543210", TOKEN]);
    assert_eq!(says(&mut universe, URL, &DELIVERED).await.status(), 204);
    let mut universe = universe_with(&["fedcba9876543210fedcba9876543210"]);
    let secret = json!({ "auth_tokens": [{ "secret": "" }] });
    assert_refused(&says(&mut universe, URL, &DELIVERED).await, 400, "invalid_signature");
    universe.aws().secrets().put("twilio-webhook", &secret);
    universe.sleep_ms(31_000).await;
    let unsigned = signature("", URL, &DELIVERED);
    assert_refused(&post(&mut universe, URL, &unsigned, &DELIVERED).await, 400, "invalid_signature");
}

#[tokio::test(start_paused = true)]
async fn a_callback_of_another_stack_is_acknowledged_and_writes_nothing() {
    let mut universe = universe_with(&[TOKEN]);
    assert_eq!(says(&mut universe, URL, &DELIVERED).await.status(), 204);
    settle(&mut universe).await;
    assert!(universe.aws().table().items().is_empty());
    assert_no_dead_letters(&universe);
}

/// The signature has no time in it, and what marks an event as seen is kept for weeks: the ledger for years.
#[tokio::test(start_paused = true)]
async fn a_captured_start_does_not_lift_a_later_stop() {
    let mut universe = universe_with(&[TOKEN]);
    let text_of = |sid, body| [("Body", body), ("From", "+4798765432"), ("MessageSid", sid), ("SmsStatus", "received")];
    let start = text_of("SM1", "START");
    for text in [&start, &text_of("SM2", "STOP")] {
        assert_eq!(says(&mut universe, INBOUND_URL, text).await.status(), 204);
        settle(&mut universe).await;
    }
    let said = |universe: &Universe| of_type(&universe.aws().table().items(), "consent_message").count();
    let suppressed = |universe: &Universe| {
        let items = universe.aws().table().items();
        text(of_type(&items, "contact").next().unwrap(), "suppressed").map(str::to_owned)
    };
    assert_eq!(suppressed(&universe).as_deref(), Some("stopped"));
    // Day 36, when what marks events as seen is gone; a year later; and when the rows of the ledger are gone too.
    for days in [36, 330, 6 * 366] {
        universe.sleep_ms(days * 24 * 3_600_000).await;
        universe.aws().table().delete_expired();
        universe.aws().table().remove("EVENT#twilio#SM1-received", "EVENT");
        assert_eq!(says(&mut universe, INBOUND_URL, &start).await.status(), 204);
        settle(&mut universe).await;
        assert_eq!(said(&universe), 2, "both answers are remembered for good");
        if days < 400 {
            assert_eq!(suppressed(&universe).as_deref(), Some("stopped"), "day {days}");
        }
    }
    // A new one does.
    says(&mut universe, INBOUND_URL, &text_of("SM3", "START")).await;
    settle(&mut universe).await;
    assert_eq!(suppressed(&universe), None);
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn what_people_write_is_recorded_without_their_words_and_their_number() {
    let mut universe = universe_with(&[TOKEN]);
    let answer = [("Body", "See you"), ("From", "+4798765432"), ("MessageSid", "SM2"), ("SmsStatus", "received")];
    assert_eq!(says(&mut universe, INBOUND_URL, &answer).await.status(), 204);
    settle(&mut universe).await;
    let items = universe.aws().table().items();
    let event = of_type(&items, "event").next().unwrap();
    assert_eq!(text(event, "kind"), Some("received"));
    let all = format!("{items:?}");
    assert!(!all.contains("See you") && !all.contains("98765432"), "{all}");
    assert_no_dead_letters(&universe);
}
