//! Postmark's webhooks: not signed, but sent with a password.

use serde_json::{Value, json};
use simulation::universe::{Function, Response, Universe};

use crate::signing::base64;
use crate::{assert_no_dead_letters, assert_refused, queued, settle};

const CREDENTIAL: &str = "postmark:0123456789abcdef";
const EVENT: &str = r#"{"RecordType":"Delivery","MessageID":"m-1","DeliveredAt":"2024-04-28T00:50:00Z"}"#;

fn universe() -> Universe {
    let universe = Universe::new(1);
    let secret = json!({ "webhook_credentials": [{ "secret": CREDENTIAL }, { "secret": "a:b" }] });
    universe.aws().secrets().put("postmark-webhook", &secret);
    universe
}

async fn post(universe: &mut Universe, authorization: Option<&str>, body: &str) -> Response {
    let mut request = http::Request::post("https://webhook.sim/");
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    universe.call_raw(Function::PostmarkWebhook, request.body(body.to_owned().into()).unwrap(), "/").await
}

#[tokio::test(start_paused = true)]
async fn an_event_with_the_password_is_archived_and_recorded_and_the_password_is_kept_nowhere() {
    let mut universe = universe();
    let authorization = format!("Basic {}", base64(CREDENTIAL.as_bytes()));
    assert_eq!(post(&mut universe, Some(&authorization), EVENT).await.status(), 200);
    let messages = format!("{:?}", queued(&universe));
    settle(&mut universe).await;
    let objects = universe.aws().s3().objects();
    let [(key, object)] = objects.iter().collect::<Vec<_>>().try_into().unwrap();
    assert!(key.starts_with("postmark/"), "{key}");
    assert_eq!(object.bytes, EVENT);
    let note: Value = serde_json::from_str(&object.note).unwrap();
    assert_eq!(note["headers"], json!({}));
    for kept in [messages, object.note.clone(), format!("{:?}", universe.aws().table().items())] {
        assert!(!kept.contains("0123456789abcdef") && !kept.contains(&base64(CREDENTIAL.as_bytes())), "{kept}");
    }
    let mark = "EVENT#postmark#Delivery-m-1-2024-04-28T00:50:00Z";
    assert!(universe.aws().table().item(mark, "EVENT").is_some());
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn without_the_password_nothing_is_queued() {
    let mut universe = universe();
    for credential in ["postmark:0123456789abcdeF", "a:b", ":", ""] {
        let authorization = format!("Basic {}", base64(credential.as_bytes()));
        assert_refused(&post(&mut universe, Some(&authorization), EVENT).await, 401, "invalid_credentials");
    }
    assert_refused(&post(&mut universe, Some(&"x".repeat(9_000)), EVENT).await, 401, "invalid_credentials");
    assert_refused(&post(&mut universe, None, EVENT).await, 401, "invalid_credentials");
    assert!(queued(&universe).is_empty());
}
