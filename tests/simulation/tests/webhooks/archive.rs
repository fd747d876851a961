//! The archive: what every webhook was, byte for byte, before anything came of it.

use bytes::Bytes;
use crossdock::domain::Timestamp;
use crossdock::vendors::{key_id, sendgrid, stripe};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::shop::confirmed_payment;
use simulation::universe::{Function, Universe};
use simulation::{Fault, Plan, Stored};

use crate::signing::{SECRET, now_s, post_sendgrid, post_stripe, sendgrid_says, sendgrid_secret, stripe_says, v1};
use crate::{assert_refused, event, pending_payment, queued, settle, silence};

/// Everything in the archive, in the order of its keys.
fn archived(universe: &Universe) -> Vec<(String, Stored)> {
    universe.aws().s3().objects().into_iter().collect()
}

fn note(object: &Stored) -> Value {
    serde_json::from_str(&object.note).unwrap()
}

/// Posts these bytes as Stripe would sign them now; gives the header.
async fn stripe_posts(universe: &mut Universe, body: &[u8]) -> String {
    let t = now_s(universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, body));
    assert_eq!(post_stripe(universe, Some(&header), body.to_vec()).await.status(), 200);
    header
}

/// One delivery of what the queue of events has.
async fn work(universe: &mut Universe) {
    let messages = universe.aws().sqs().receive("inbound-events", 10);
    universe.work("inbound-events", Function::EventProcessor, messages).await;
}

fn recorded(universe: &Universe, id: &str) -> Option<Value> {
    universe.aws().table().item(&format!("EVENT#stripe#{id}"), "EVENT")
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_archived_byte_for_byte_and_verifies_again() {
    let odd = [
        b" {\r\n\t\"id\": \"evt_1\", \"type\" : \"wholly.new\"  }\r\n".as_slice(),
        "{\"id\":\"evt_1\",\"type\":\"wholly.new\",\"x\":\"ä \u{1f980} \u{fffe}\"}".as_bytes(),
        b"{\"id\":\"evt_1\",\"type\":\"wholly.new\",\"x\":\"\x01\xff\"}",
        b"no json",
    ];
    for body in odd {
        let mut universe = Universe::new(1);
        let header = stripe_posts(&mut universe, body).await;
        universe.sleep_ms(90_000).await;
        work(&mut universe).await;
        let [(key, object)] = archived(&universe).try_into().unwrap();
        assert_eq!(object.bytes, body, "{key}");
        assert_eq!(note(&object)["headers"]["stripe-signature"], header);
        assert_eq!(note(&object)["verified_by"], key_id(SECRET));
        let received_at = Timestamp::from_ms(note(&object)["received_at"].as_i64().unwrap());
        let header = note(&object)["headers"]["stripe-signature"].as_str().unwrap().to_owned();
        stripe::verify::verify([SECRET].into_iter(), &header, object.bytes, received_at).expect("it verifies again");
    }
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_batch_put_together_verify_again() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    let elements: Vec<String> = (0..120).map(|n| format!(r#"{{"event":"open", "sg_event_id":"sg_{n}"}}"#)).collect();
    let body = format!("[{}]\r\n", elements.join(",\r\n"));
    assert_eq!(sendgrid_says(&mut universe, body.clone()).await.status(), 200);
    settle(&mut universe).await;
    let objects = archived(&universe);
    assert_eq!(objects.len(), 3);
    let parts: Vec<Value> = objects.iter().map(|(_, object)| note(object)["part"].clone()).collect();
    assert_eq!(parts, (1..=3).map(|number| json!({ "number": number, "of": 3 })).collect::<Vec<_>>());
    let together: Vec<u8> = objects.iter().flat_map(|(_, object)| object.bytes.to_vec()).collect();
    assert_eq!(together, body.as_bytes());
    let headers = note(&objects[0].1)["headers"].clone();
    let field = |name: &str| headers[name].as_str().unwrap().to_owned();
    let secret = sendgrid_secret();
    let key = secret["webhook_public_keys"][0]["secret"].as_str().unwrap();
    let verified = sendgrid::verify::verify(
        [key].into_iter(),
        &field(sendgrid::verify::SIGNATURE_HEADER),
        &field(sendgrid::verify::TIMESTAMP_HEADER),
        Bytes::from(together),
    );
    assert_eq!(verified.expect("it verifies again").key_id(), note(&objects[0].1)["verified_by"]);
    // Each event is applied once, and names the object that holds it.
    let items = universe.aws().table().items();
    assert_eq!(of_type(&items, "event").count(), 120);
    for (n, (key, _)) in [0, 50, 100].into_iter().zip(&objects) {
        let event = universe.aws().table().item(&format!("EVENT#sendgrid#sg_{n}"), "EVENT").unwrap();
        assert_eq!(text(&event, "archive_key"), Some(key.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_archived_is_not_applied_and_its_neighbours_are() {
    for status in [500, 403] {
        let mut universe = Universe::new(1);
        for id in ["evt_1", "evt_2", "evt_3"] {
            stripe_says(&mut universe, &json!({ "id": id, "type": "wholly.new" })).await;
        }
        universe.aws().s3().refuse(Some(("evt_2", status)));
        work(&mut universe).await;
        assert!(recorded(&universe, "evt_1").is_some() && recorded(&universe, "evt_3").is_some());
        assert!(recorded(&universe, "evt_2").is_none());
        assert_eq!(queued(&universe).len(), 1);
        universe.aws().s3().refuse(None);
        settle(&mut universe).await;
        assert!(recorded(&universe, "evt_2").is_some());
        assert_eq!(archived(&universe).len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_tried_again_at_once_and_nothing_is_redelivered() {
    for fault in [Fault::Throttled, Fault::ServerError, Fault::RequestLost, Fault::AnswerLost] {
        let mut universe = Universe::new(1);
        stripe_says(&mut universe, &json!({ "id": "evt_1", "type": "wholly.new" })).await;
        universe.plans.insert(universe.invocations.len(), Plan::fault(1, fault));
        work(&mut universe).await;
        assert!(recorded(&universe, "evt_1").is_some(), "{fault:?}");
        assert!(queued(&universe).is_empty(), "{fault:?}");
        assert_eq!(archived(&universe).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_others_unknown_ones_and_unreadable_ones_are_archived_too() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    let before = archived(&universe).len();
    let mut foreign = event(&universe, "evt_1", "payment_intent.succeeded", "succeeded", now_s(&universe));
    foreign["data"]["object"]["metadata"]["crossdock_stack"] = json!("000000000000/sim/crossdock-staging");
    stripe_says(&mut universe, &foreign).await;
    stripe_says(&mut universe, &json!({ "id": "evt_2", "type": "wholly.new" })).await;
    stripe_posts(&mut universe, b"no json").await;
    settle(&mut universe).await;
    assert_eq!(archived(&universe).len(), before + 3);
}

#[tokio::test(start_paused = true)]
async fn a_message_worked_twice_is_one_object_and_a_webhook_sent_twice_is_two() {
    let mut universe = Universe::new(1);
    let event = json!({ "id": "evt_1", "type": "wholly.new" });
    stripe_says(&mut universe, &event).await;
    universe.plans.insert(universe.invocations.len(), Plan::crash(2, simulation::When::Before));
    settle(&mut universe).await;
    let first = archived(&universe);
    assert_eq!(first.iter().map(|(_, object)| object.puts).collect::<Vec<_>>(), [2]);
    universe.sleep_ms(60_000).await;
    stripe_says(&mut universe, &event).await;
    settle(&mut universe).await;
    assert_eq!(archived(&universe).len(), 2);
    // The record names the one that was applied.
    assert_eq!(text(&recorded(&universe, "evt_1").unwrap(), "archive_key"), Some(first[0].0.as_str()));
}

#[tokio::test(start_paused = true)]
async fn the_webhooks_of_an_order_are_found_by_it_and_no_key_says_whose_it_is() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    settle(&mut universe).await;
    let objects = universe.aws().s3().objects();
    let items = universe.aws().table().items();
    let of_order: Vec<&Value> =
        of_type(&items, "event").filter(|event| text(event, "order_pk") == Some("ORDER#o-1")).collect();
    assert!(of_order.len() >= 3, "{}", of_order.len());
    for event in of_order {
        let object = &objects[text(event, "archive_key").unwrap()];
        let bytes = String::from_utf8(object.bytes.to_vec()).unwrap();
        let id = text(event, "pk").unwrap().rsplit('#').next().unwrap();
        assert!(bytes.contains(id), "{id} is not in {bytes}");
    }
    let keys: Vec<&String> = objects.keys().collect();
    assert!(keys.iter().all(|key| !key.contains("ada") && !key.contains('@') && !key.contains("o-1")), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_header_longer_than_anybody_s_is_refused_and_of_a_long_one_only_what_its_verification_needs_is_kept() {
    let mut universe = Universe::new(1);
    let t = now_s(&universe);
    let body = b"{\"id\":\"evt_1\",\"type\":\"wholly.new\"}";
    let good = format!("t={t},v1={}", v1(SECRET, t, body));
    let padded = |length: usize| format!("{good},v0={}", "0".repeat(length - good.len() - 4));
    let most = stripe::verify::HEADER_MAX_BYTES;
    let refused = post_stripe(&mut universe, Some(&padded(most + 1)), body.to_vec()).await;
    assert_refused(&refused, 400, "invalid_signature");
    assert!(queued(&universe).is_empty());
    assert_eq!(post_stripe(&mut universe, Some(&padded(most)), body.to_vec()).await.status(), 200);
    settle(&mut universe).await;
    assert_eq!(note(&archived(&universe)[0].1)["headers"]["stripe-signature"], good);
}

#[tokio::test(start_paused = true)]
async fn header_fields_of_others_longer_than_any_signature_are_refused_before_anything_is_kept() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    let t = now_s(&universe).to_string();
    let refused = post_sendgrid(&mut universe, &"A".repeat(1_001), &t, "[]").await;
    assert_refused(&refused, 400, "invalid_signature");
    assert!(queued(&universe).is_empty());
}
