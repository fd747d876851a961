//! Requests that come twice, or against what is there already.

use serde_json::{Value, json};
use simulation::invariants::without_quota;
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::{Response, Universe};

use crate::{assert_names, assert_problem};

async fn create(universe: &mut Universe, key: Option<&str>, body: &Value) -> Response {
    universe.call("POST", "/payments", key, Some(body)).await
}

/// What a request may change: items by key and version, vendor calls, messages.
fn trace(universe: &Universe) -> (Vec<Value>, usize, usize) {
    let sqs = universe.aws().sqs();
    let messages = sqs.queues().iter().map(|queue| sqs.messages(queue).len()).sum();
    (without_quota(universe), universe.sandbox().calls().len(), messages)
}

fn charges(universe: &Universe) -> usize {
    universe.sandbox().stripe().charges().len()
}

#[tokio::test(start_paused = true)]
async fn the_same_request_twice_is_one_charge_and_the_second_answer_is_marked_as_a_repeat() {
    let mut universe = Universe::new(1);
    let body = confirmed_payment("o-1", "pm_card_visa");
    let first = create(&mut universe, Some("k-1"), &body).await;
    assert_eq!((first.status(), first.body()["status"].as_str()), (201, Some("succeeded")));
    assert!(matches!(first, Response::Answer { replayed: false, .. }));
    let before = trace(&universe);
    for _ in 0..3 {
        let again = create(&mut universe, Some("k-1"), &body).await;
        assert!(matches!(again, Response::Answer { replayed: true, .. }), "{again:?}");
        assert_eq!((again.status(), again.body()), (201, first.body()));
    }
    assert_eq!(trace(&universe), before);
    assert_eq!(charges(&universe), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_request_without_a_key_is_one_payment_too() {
    let mut universe = Universe::new(1);
    let first = create(&mut universe, None, &payment("o-1")).await;
    let again = create(&mut universe, None, &payment("o-1")).await;
    assert_eq!(first.body()["payment_id"], again.body()["payment_id"]);
    assert!(matches!(again, Response::Answer { replayed: true, .. }), "{again:?}");
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_requests_with_one_key_at_the_same_time_are_one_charge() {
    let mut universe = Universe::new(1);
    let body = confirmed_payment("o-1", "pm_card_visa");
    let fault = sandbox::CallFault::Delay { ms: 5_000 };
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "create_payment_intent", 1, fault);
    let mut second = None;
    let first = universe
        .call_while("POST", "/payments", Some("k-1"), Some(&body), async |universe| {
            universe.sleep_ms(1_000).await;
            second = Some(create(universe, Some("k-1"), &body).await);
        })
        .await;
    let second = second.unwrap();
    assert_eq!((first.status(), first.body()["status"].as_str()), (201, Some("succeeded")), "{first:?}");
    assert_eq!((second.status(), second.body()["status"].as_str()), (202, Some("processing")), "{second:?}");
    assert_eq!(first.body()["payment_id"], second.body()["payment_id"]);
    assert_eq!((charges(&universe), universe.sandbox().calls().len()), (1, 1));
    let third = create(&mut universe, Some("k-1"), &body).await;
    assert_eq!((third.status(), third.body()), (201, first.body()));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_used_for_another_body_is_refused_with_422_and_changes_nothing() {
    let mut universe = Universe::new(1);
    create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let before = trace(&universe);
    let mut dearer = payment("o-1");
    dearer["amount"]["value"] = json!(1_100);
    for other in [dearer, payment("o-2"), confirmed_payment("o-1", "pm_card_visa")] {
        assert_problem(&create(&mut universe, Some("k-1"), &other).await, 422, "idempotency_key_reused");
    }
    assert_eq!(trace(&universe), before);
}

#[tokio::test(start_paused = true)]
async fn a_second_payment_of_an_order_is_refused_with_409_and_names_the_first() {
    let mut universe = Universe::new(1);
    let first = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let before = trace(&universe);
    for key in [Some("k-2"), Some("k-3")] {
        let response = create(&mut universe, key, &payment("o-1")).await;
        assert_problem(&response, 409, "order_already_has_payment");
        assert_eq!(response.body()["payment_id"], first.body()["payment_id"]);
    }
    assert_eq!(trace(&universe), before);
}

#[tokio::test(start_paused = true)]
async fn after_a_cancel_the_order_may_have_another_payment() {
    let mut universe = Universe::new(1);
    let first = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let first_id = first.body()["payment_id"].as_str().unwrap().to_owned();
    let canceled = universe.call("POST", &format!("/payments/{first_id}/cancel"), None, None).await;
    assert_eq!((canceled.status(), canceled.body()["status"].as_str()), (200, Some("canceled")));
    let second = create(&mut universe, Some("k-2"), &payment("o-1")).await;
    assert_eq!(second.status(), 201, "{second:?}");
    assert_ne!(second.body()["payment_id"], first_id.as_str());
    assert_eq!(order(&mut universe, "o-1").await["payment"]["payment_id"], second.body()["payment_id"]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_confirm_is_refused_by_its_fields_name_and_the_vendor_never_hears_of_it() {
    let mut universe = Universe::new(1);
    let created = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    let before = trace(&universe);
    let cases = [
        (json!({}), "payment_method"),
        (json!({ "payment_method": 7 }), "payment_method"),
        (json!({ "payment_method": "" }), "payment_method"),
        (json!({ "payment_method": "pm a" }), "payment_method"),
        (json!({ "payment_method": "pm_1", "return_url": "http://shop.example" }), "return_url"),
    ];
    for (body, field) in cases {
        assert_names(&universe.call("POST", &path, None, Some(&body)).await, &[field]);
    }
    assert_eq!(trace(&universe), before);
}

#[tokio::test(start_paused = true)]
async fn a_double_click_on_confirm_is_one_charge() {
    let mut universe = Universe::new(1);
    let created = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    let body = json!({ "payment_method": "pm_card_visa" });
    let fault = sandbox::CallFault::Delay { ms: 5_000 };
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "confirm", 1, fault);
    let mut second = None;
    let first = universe
        .call_while("POST", &path, None, Some(&body), async |universe| {
            universe.sleep_ms(1_000).await;
            second = Some(universe.call("POST", &path, None, Some(&body)).await);
        })
        .await;
    assert_eq!((first.status(), first.body()["status"].as_str()), (200, Some("succeeded")), "{first:?}");
    assert_eq!(second.unwrap().status(), 202);
    assert_eq!(charges(&universe), 1);
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_has_succeeded_cannot_be_canceled() {
    let mut universe = Universe::new(1);
    let created = create(&mut universe, Some("k-1"), &confirmed_payment("o-1", "pm_card_visa")).await;
    let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
    let calls = universe.sandbox().calls().len();
    assert_problem(&universe.call("POST", &path, None, None).await, 409, "payment_already_succeeded");
    assert_eq!(universe.sandbox().calls().len(), calls);
}
