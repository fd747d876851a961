//! When events come: many times, late, early, in the wrong order.

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations, without_quota};
use simulation::shop::{confirmed_payment, order};
use simulation::universe::Universe;

use crate::signing::{now_s, stripe_says};
use crate::{assert_no_dead_letters, event, payment_status, pending_payment, queued, settle, silence};

/// How long Stripe has been seen to repeat one event, and how often, in features that its users report.
const COPIES: u64 = 46;
const COPIES_OVER_MS: u64 = 29 * 3_600_000;

/// Everything about an order that must not depend on how often or in which order events came.
fn outcome(universe: &Universe) -> (String, usize, Vec<String>, usize) {
    let published = universe.aws().sqs().messages("domain-events");
    let mut ids: Vec<String> = published
        .iter()
        .map(|message| serde_json::from_str::<Value>(&message.body).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let items = universe.aws().table().items();
    (payment_status(universe), universe.sandbox().sendgrid().mails().len(), ids, of_type(&items, "message").count())
}

#[tokio::test(start_paused = true)]
async fn forty_six_copies_of_one_event_over_29_hours_leave_one_state_and_one_mail() {
    let mut universe = Universe::new(1);
    let (_, _, secret) = pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    let now_ms = universe.now_ms();
    universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
    let paid = event(&universe, "evt_paid", "payment_intent.succeeded", "succeeded", now_s(&universe));
    assert_eq!(stripe_says(&mut universe, &paid).await.status(), 200);
    universe.run_until_quiet(600_000).await;
    let (before, items) = (outcome(&universe), without_quota(&universe));
    assert_eq!((before.0.as_str(), before.1), ("succeeded", 1));
    for _ in 1..COPIES {
        universe.sleep_ms(COPIES_OVER_MS / (COPIES - 1)).await;
        assert_eq!(stripe_says(&mut universe, &paid).await.status(), 200);
        universe.run_until_quiet(600_000).await;
    }
    assert_eq!(outcome(&universe), before);
    assert_eq!(without_quota(&universe), items, "a copy wrote something");
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn ten_copies_in_one_batch_leave_one_state_and_one_mail() {
    let mut universe = Universe::new(1);
    let (_, _, secret) = pending_payment(&mut universe).await;
    silence(&universe);
    let now_ms = universe.now_ms();
    universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
    let paid = event(&universe, "evt_paid", "payment_intent.succeeded", "succeeded", now_s(&universe));
    for _ in 0..10 {
        assert_eq!(stripe_says(&mut universe, &paid).await.status(), 200);
    }
    settle(&mut universe).await;
    let outcome = outcome(&universe);
    assert_eq!((outcome.0.as_str(), outcome.1, outcome.3), ("succeeded", 1, 1));
    assert_no_dead_letters(&universe);
}

/// Every order of the given things.
fn orders<T: Clone>(things: &[T]) -> Vec<Vec<T>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    (0..things.len())
        .flat_map(|first| {
            let rest = [&things[..first], &things[first + 1..]].concat();
            orders(&rest).into_iter().map(move |order| [vec![things[first].clone()], order].concat())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn events_in_any_order_end_in_the_same_final_state() {
    let lives = [
        ("evt_a", "payment_intent.requires_action", "requires_action", 1),
        ("evt_b", "payment_intent.payment_failed", "requires_payment_method", 20),
        ("evt_c", "payment_intent.processing", "processing", 40),
        ("evt_d", "payment_intent.succeeded", "succeeded", 60),
    ];
    let mut outcomes = Vec::new();
    for order in orders(&lives) {
        // All in one batch, or each on its own.
        for at_once in [true, false] {
            let mut universe = Universe::new(1);
            let (_, _, secret) = pending_payment(&mut universe).await;
            settle(&mut universe).await;
            silence(&universe);
            let start_s = now_s(&universe);
            universe.sleep_ms(90_000).await;
            let now_ms = universe.now_ms();
            universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
            for (id, kind, status, after_s) in &order {
                let event = event(&universe, id, kind, status, start_s + after_s);
                assert_eq!(stripe_says(&mut universe, &event).await.status(), 200);
                if !at_once {
                    universe.run_until_quiet(5_000).await;
                }
            }
            settle(&mut universe).await;
            assert_no_dead_letters(&universe);
            assert_eq!(violations(&universe), Vec::<String>::new(), "{order:?}");
            let names: Vec<&str> = order.iter().map(|(_, kind, ..)| *kind).collect();
            outcomes.push((names, outcome(&universe)));
        }
    }
    for (names, (status, mails, _, messages)) in &outcomes {
        assert_eq!((status.as_str(), *mails, *messages), ("succeeded", 1, 1), "{names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_status_never_goes_back_in_the_vendor_s_time() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    let s = now_s(&universe);
    universe.sleep_ms(60_000).await;
    let says = [
        ("evt_1", "payment_intent.requires_action", "requires_action", s + 20, "requires_action"),
        ("evt_2", "payment_intent.processing", "processing", s + 10, "requires_action"),
        ("evt_3", "payment_intent.payment_failed", "requires_payment_method", s + 30, "requires_payment_method"),
        ("evt_4", "payment_intent.requires_action", "requires_action", s + 25, "requires_payment_method"),
    ];
    for (id, kind, status, at, then) in says {
        let event = event(&universe, id, kind, status, at);
        assert_eq!(stripe_says(&mut universe, &event).await.status(), 200);
        universe.run_until_quiet(10_000).await;
        assert_eq!(payment_status(&universe), then, "after {id}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_open_statuses_in_the_same_second_the_vendor_is_asked_which_holds() {
    for failed_first in [true, false] {
        let mut universe = Universe::new(1);
        let (_, vendor_id, secret) = pending_payment(&mut universe).await;
        settle(&mut universe).await;
        silence(&universe);
        universe.sleep_ms(60_000 - u64::try_from(universe.now_ms() % 1_000).unwrap()).await;
        let now_ms = universe.now_ms();
        universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_threeDSecure2Required").unwrap();
        universe.sandbox().shopper_authenticates(now_ms, &vendor_id, false).unwrap();
        let s = now_s(&universe);
        let failed = event(&universe, "evt_1", "payment_intent.payment_failed", "requires_payment_method", s);
        let acted = event(&universe, "evt_2", "payment_intent.requires_action", "requires_action", s);
        for event in if failed_first { [failed, acted] } else { [acted, failed] } {
            stripe_says(&mut universe, &event).await;
            // Within the same second: the vendor's answer carries it too.
            universe.run_until_quiet(300).await;
        }
        assert_eq!(payment_status(&universe), "requires_payment_method", "failed_first: {failed_first}");
        let calls = universe.sandbox().calls().iter().filter(|call| call.operation == "retrieve").count();
        assert_eq!(calls, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_before_our_own_create_call_has_returned_is_taken() {
    let mut universe = Universe::new(1);
    let fault = CallFault::Delay { ms: 6_000 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
    let body = confirmed_payment("o-1", "pm_card_visa");
    let response = universe
        .call_while("POST", "/payments", Some("k-1"), Some(&body), async |universe| {
            universe.sleep_ms(1_000).await;
            universe.run_until_quiet(3_000).await;
            assert_eq!(payment_status(universe), "succeeded", "the event was not applied while the call ran");
        })
        .await;
    assert_eq!((response.status(), response.body()["status"].as_str()), (201, Some("succeeded")), "{response:?}");
    settle(&mut universe).await;
    assert_eq!(violations(&universe), Vec::<String>::new());
    let outcome = outcome(&universe);
    assert_eq!((outcome.0.as_str(), outcome.1, outcome.3), ("succeeded", 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_without_our_metadata_waits_and_is_matched_when_the_vendor_s_id_becomes_known() {
    let mut universe = Universe::new(1);
    silence(&universe);
    let fault = CallFault::Delay { ms: 6_000 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
    let body = simulation::shop::payment("o-1");
    let response = universe
        .call_while("POST", "/payments", Some("k-1"), Some(&body), async |universe| {
            universe.sleep_ms(1_000).await;
            let at = now_s(universe) + 1;
            let mut paid = event(universe, "evt_early", "payment_intent.succeeded", "succeeded", at);
            paid["data"]["object"]["metadata"] = json!({});
            assert_eq!(stripe_says(universe, &paid).await.status(), 200);
            universe.run_until_quiet(3_000).await;
            assert_eq!(waiting(universe), 1);
            assert!(queued(universe).is_empty());
            assert_eq!(payment_status(universe), "processing");
        })
        .await;
    assert_eq!(response.status(), 201, "{response:?}");
    settle(&mut universe).await;
    assert_eq!(payment_status(&universe), "succeeded");
    assert_eq!(waiting(&universe), 0);
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 1);
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn an_event_for_a_payment_that_nobody_knows_is_kept_until_stripe_has_said_that_it_is_not_ours() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    let before = order(&mut universe, "o-1").await;
    let mut stranger = event(&universe, "evt_1", "payment_intent.succeeded", "succeeded", now_s(&universe));
    stranger["data"]["object"]["id"] = json!("pi_stranger");
    stranger["data"]["object"]["metadata"] = json!({});
    for _ in 0..3 {
        assert_eq!(stripe_says(&mut universe, &stranger).await.status(), 200);
        universe.run_until_quiet(1_000).await;
    }
    assert_eq!(waiting(&universe), 1);
    let items = universe.aws().table().items();
    let kept = of_type(&items, "waiting_event").next().unwrap();
    assert_eq!(text(kept, "pk"), Some("REF#stripe#pi_stranger"));
    settle(&mut universe).await;
    assert_eq!(waiting(&universe), 0);
    assert_eq!(order(&mut universe, "o-1").await, before);
    assert_no_dead_letters(&universe);
}

fn waiting(universe: &Universe) -> usize {
    of_type(&universe.aws().table().items(), "waiting_event").count()
}
