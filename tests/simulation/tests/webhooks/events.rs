//! What events are about: things that are not ours, or that we do not know.

use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use serde_json::{Value, json};
use simulation::invariants::of_type;
use simulation::universe::{STACK_ID, Universe};

use crate::signing::{now_s, post_stripe, stripe_says, v1};
use crate::{assert_no_dead_letters, event, payment_status, pending_payment, queued, settle, silence};

#[tokio::test(start_paused = true)]
async fn an_event_of_another_stack_on_the_same_account_is_acknowledged_and_writes_nothing() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    let before = universe.aws().table().items();
    let mut foreign = event(&universe, "evt_1", "payment_intent.succeeded", "succeeded", now_s(&universe));
    foreign["data"]["object"]["metadata"]["crossdock_stack"] = json!("000000000000/sim/crossdock-staging");
    let counted = written(Metric::EventsOfOtherStacks);
    assert_eq!(stripe_says(&mut universe, &foreign).await.status(), 200);
    settle(&mut universe).await;
    assert_eq!(universe.aws().table().items(), before);
    assert_eq!(written(Metric::EventsOfOtherStacks) - counted, 1);
    assert!(queued(&universe).is_empty());
    assert_no_dead_letters(&universe);
}

/// Sends it, and gives the row that records it.
async fn recorded(event: &Value) -> Value {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    assert_eq!(stripe_says(&mut universe, event).await.status(), 200);
    settle(&mut universe).await;
    assert_no_dead_letters(&universe);
    assert!(queued(&universe).is_empty());
    assert_eq!(payment_status(&universe), "requires_payment_method");
    let key = format!("EVENT#stripe#{}", event["id"].as_str().unwrap());
    universe.aws().table().item(&key, "EVENT").unwrap_or_else(|| panic!("not recorded: {event}"))
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_type_that_we_do_not_know_is_recorded_and_acknowledged() {
    let objects = [
        json!({ "id": "cus_1", "object": "customer", "metadata": {} }),
        json!({ "id": "ch_1", "object": "charge", "payment_intent": "pi_other", "metadata": { "note": "x" } }),
        json!({ "id": "ch_1", "object": "charge", "payment_intent": null, "metadata": null }),
        json!({ "object": "balance", "available": [] }),
        json!({ "id": "in_1", "payment_intent": { "id": "pi_1", "object": "payment_intent" } }),
        json!({ "id": 7, "metadata": [] }),
        json!({}),
        json!(null),
    ];
    for object in objects {
        let event = json!({
            "id": "evt_1", "object": "event", "type": "wholly.new", "created": 1_714_265_000, "data": { "object": object },
        });
        let row = recorded(&event).await;
        assert_eq!(row["kind"], "wholly.new");
    }
    for data in [json!({}), json!(null), json!({ "previous_attributes": {} })] {
        recorded(&json!({ "id": "evt_1", "type": "wholly.new", "data": data })).await;
    }
    recorded(&json!({ "id": "evt_1", "type": "wholly.new" })).await;
}

#[tokio::test(start_paused = true)]
async fn a_thin_event_of_the_second_api_is_recorded_and_acknowledged() {
    let event = json!({
        "id": "evt_test_65R9Ijk8dKEYZcXeRWn16R9A7j1FSQ3w3TGDPLLGSM4CW0",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "livemode": false,
        "created": "2024-09-17T06:20:52.246Z",
        "related_object": { "id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1" },
    });
    assert_eq!(recorded(&event).await["kind"], "v1.billing.meter.error_report_triggered");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_we_do_not_know_is_never_taken_for_success() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    universe.sleep_ms(60_000).await;
    let odd = event(&universe, "evt_1", "payment_intent.processing", "succeeded_partially", now_s(&universe));
    stripe_says(&mut universe, &odd).await;
    settle(&mut universe).await;
    assert_eq!(payment_status(&universe), "processing");
    assert!(universe.sandbox().sendgrid().mails().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signed_event_that_cannot_be_read_is_acknowledged_and_kept_for_a_person() {
    let mut universe = Universe::new(1);
    silence(&universe);
    for body in [b"no json".as_slice(), b"{}", b"\xff\xfe", b"{\"id\":\"evt_1\"}"] {
        let t = now_s(&universe);
        let header = format!("t={t},v1={}", v1(crate::signing::SECRET, t, body));
        assert_eq!(post_stripe(&mut universe, Some(&header), body.to_vec()).await.status(), 200);
    }
    settle(&mut universe).await;
    assert_eq!(universe.aws().sqs().messages("inbound-events-dlq").len(), 4);
    assert_eq!(of_type(&universe.aws().table().items(), "event").count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_metadata_names_an_intent_that_we_do_not_have_falls_back_to_the_vendor_s_id() {
    let mut universe = Universe::new(1);
    let (_, _, _) = pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    universe.sleep_ms(60_000).await;
    let mut paid = event(&universe, "evt_1", "payment_intent.succeeded", "succeeded", now_s(&universe));
    paid["data"]["object"]["metadata"] = json!({ "crossdock_stack": STACK_ID, "crossdock_intent": "int_gone" });
    stripe_says(&mut universe, &paid).await;
    settle(&mut universe).await;
    assert_eq!(payment_status(&universe), "succeeded");
}
