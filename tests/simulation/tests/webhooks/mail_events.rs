//! SendGrid's events: batches, whose elements stand for themselves.

use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::shop::{confirmed_payment, order};
use simulation::universe::{STACK_ID, Universe};

use crate::signing::{now_s, sendgrid_says, sendgrid_secret};
use crate::{assert_no_dead_letters, queued, settle, silence};

/// Pays these orders and lets their mails be accepted; gives the intents that sent them. Only the test's own events
/// are heard from then on.
async fn mails_sent(universe: &mut Universe, orders: usize) -> Vec<String> {
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    silence(universe);
    for n in 1..=orders {
        let body = confirmed_payment(&format!("o-{n}"), "pm_card_visa");
        let response = universe.call("POST", "/payments", Some(&format!("k-{n}")), Some(&body)).await;
        assert_eq!(response.status(), 201);
    }
    settle(universe).await;
    let sandbox = universe.sandbox();
    sandbox.sendgrid().mails().iter().map(|mail| mail.custom_args["crossdock_intent"].clone()).collect()
}

fn told(universe: &Universe, id: &str, kind: &str, intent: &str) -> Value {
    json!({
        "email": "ada@example.com", "event": kind, "timestamp": now_s(universe), "sg_event_id": id,
        "sg_message_id": format!("m-{intent}.recvd-1"), "crossdock_stack": STACK_ID, "crossdock_intent": intent,
    })
}

fn statuses(universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().items();
    let mut messages: Vec<&Value> = of_type(&items, "message").collect();
    messages.sort_by_key(|message| text(message, "order_id"));
    messages.iter().map(|message| text(message, "status").unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn one_bad_element_never_costs_the_rest_of_its_batch() {
    for bad in [json!({ "event": 7 }), json!({}), json!(null), json!(7), json!("delivered"), json!([])] {
        let mut universe = Universe::new(1);
        let intents = mails_sent(&mut universe, 2).await;
        let first = told(&universe, "sg_1", "delivered", &intents[0]);
        let last = told(&universe, "sg_2", "delivered", &intents[1]);
        let batch = json!([bad, first, bad, last, bad]);
        assert_eq!(sendgrid_says(&mut universe, batch.to_string()).await.status(), 200);
        settle(&mut universe).await;
        assert_eq!(statuses(&universe), ["delivered", "delivered"], "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_type_that_we_do_not_know_is_recorded_and_acknowledged() {
    let mut universe = Universe::new(1);
    let intents = mails_sent(&mut universe, 1).await;
    let batch = json!([
        told(&universe, "sg_1", "teleported", &intents[0]),
        told(&universe, "sg_2", "group_unsubscribe", &intents[0]),
        { "event": "account_status_change", "sg_event_id": "sg_3", "timestamp": 1_714_265_000 },
        { "event": "open", "timestamp": "soon" },
    ]);
    assert_eq!(sendgrid_says(&mut universe, batch.to_string()).await.status(), 200);
    settle(&mut universe).await;
    for id in ["sg_1", "sg_2", "sg_3"] {
        assert!(universe.aws().table().item(&format!("EVENT#sendgrid#{id}"), "EVENT").is_some(), "{id}");
    }
    assert_eq!(statuses(&universe), ["sent"]);
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn copies_of_one_event_within_a_batch_and_across_batches_are_one_row_of_the_timeline() {
    let mut universe = Universe::new(1);
    let intents = mails_sent(&mut universe, 1).await;
    let event = told(&universe, "sg_1", "delivered", &intents[0]);
    for _ in 0..3 {
        let batch = Value::from(vec![event.clone(); 120]);
        assert_eq!(sendgrid_says(&mut universe, batch.to_string()).await.status(), 200);
        settle(&mut universe).await;
    }
    let order = order(&mut universe, "o-1").await;
    let rows = order["timeline"].as_array().unwrap().iter().filter(|row| row["event"] == "message.delivered").count();
    assert_eq!((statuses(&universe)[0].as_str(), rows), ("delivered", 1));
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_delivered_mail_stays_delivered_whatever_comes_later_and_opens_are_kept_beside_it() {
    let mut universe = Universe::new(1);
    let intents = mails_sent(&mut universe, 1).await;
    for (n, kind) in ["open", "delivered", "processed", "deferred", "bounce", "dropped", "click"].iter().enumerate() {
        let batch = json!([told(&universe, &format!("sg_{n}"), kind, &intents[0])]);
        assert_eq!(sendgrid_says(&mut universe, batch.to_string()).await.status(), 200);
        settle(&mut universe).await;
        universe.sleep_ms(2_000).await;
    }
    let message = order(&mut universe, "o-1").await["messages"][0].clone();
    assert_eq!(message["status"], "delivered");
    assert!(message["opened_at"].is_string() && message["clicked_at"].is_string(), "{message}");
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn events_of_another_stack_are_acknowledged_and_write_nothing() {
    let mut universe = Universe::new(1);
    let intents = mails_sent(&mut universe, 1).await;
    let before = universe.aws().table().items();
    let mut foreign = told(&universe, "sg_1", "bounce", &intents[0]);
    foreign["crossdock_stack"] = json!("000000000000/sim/crossdock-staging");
    assert_eq!(sendgrid_says(&mut universe, json!([foreign]).to_string()).await.status(), 200);
    settle(&mut universe).await;
    assert_eq!(universe.aws().table().items(), before);
    assert!(queued(&universe).is_empty());
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn mail_that_somebody_else_sends_from_the_same_account_is_never_taken_for_ours() {
    let mut universe = Universe::new(1);
    mails_sent(&mut universe, 1).await;
    let stranger =
        json!({ "event": "bounce", "timestamp": 1_714_265_999, "sg_event_id": "sg_9", "sg_message_id": "x.y" });
    assert_eq!(sendgrid_says(&mut universe, json!([stranger]).to_string()).await.status(), 200);
    settle(&mut universe).await;
    assert_eq!(statuses(&universe), ["sent"]);
    assert_no_dead_letters(&universe);
}

/// Whether anything stands in the way of mail to whom the only mail went.
async fn is_suppressed(universe: &mut Universe) -> bool {
    let body = json!({ "channel": "email", "address": "ada@example.com", "marketing": false,
        "proof": { "source": "test", "at": "2024-04-01T00:00:00Z" } });
    universe.call("PUT", "/contacts/preferences", None, Some(&body)).await.body()["suppressed"] == json!(true)
}

#[tokio::test(start_paused = true)]
async fn a_block_ends_the_mail_and_leaves_the_address_alone() {
    for kind in ["blocked", "expired"] {
        let mut universe = Universe::new(1);
        let intents = mails_sent(&mut universe, 1).await;
        let mut block = told(&universe, "sg_1", "bounce", &intents[0]);
        block["type"] = json!(kind);
        assert_eq!(sendgrid_says(&mut universe, json!([block]).to_string()).await.status(), 200);
        settle(&mut universe).await;
        assert_eq!(statuses(&universe), ["dropped"], "{kind}");
        assert!(!is_suppressed(&mut universe).await, "{kind}");
        assert_no_dead_letters(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_bounce_without_our_ids_suppresses_its_address() {
    for (event, expected) in [
        (json!({ "event": "bounce", "type": "bounce" }), true),
        (json!({ "event": "bounce", "sg_message_id": "", "crossdock_stack": "", "crossdock_intent": "" }), true),
        (json!({ "event": "bounce", "sg_message_id": "unheard-of.recvd-1" }), true),
        (json!({ "event": "bounce", "type": "bounce", "crossdock_stack": "another" }), false),
        (json!({ "event": "bounce", "type": "blocked" }), false),
        (json!({ "event": "bounce", "type": "expired" }), false),
        (json!({ "event": "delivered" }), false),
    ] {
        let mut universe = Universe::new(1);
        mails_sent(&mut universe, 1).await;
        let mut late = event.clone();
        late["email"] = json!("ada@example.com");
        late["timestamp"] = json!(now_s(&universe));
        late["sg_event_id"] = json!("sg_late");
        for _ in 0..2 {
            assert_eq!(sendgrid_says(&mut universe, json!([late]).to_string()).await.status(), 200);
        }
        settle(&mut universe).await;
        assert_eq!(is_suppressed(&mut universe).await, expected, "{event}");
        assert_no_dead_letters(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_opens_a_mail_ahead_of_its_reader_is_no_reader() {
    let mut universe = Universe::new(1);
    let intents = mails_sent(&mut universe, 1).await;
    let mut open = told(&universe, "sg_1", "open", &intents[0]);
    open["sg_machine_open"] = json!(true);
    assert_eq!(sendgrid_says(&mut universe, json!([open]).to_string()).await.status(), 200);
    settle(&mut universe).await;
    let message = order(&mut universe, "o-1").await["messages"][0].clone();
    assert!(message["opened_at"].is_null() && message["machine_opened_at"].is_string(), "{message}");
}
