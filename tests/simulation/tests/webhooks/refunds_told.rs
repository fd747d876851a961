//! Refunds that somebody makes in Stripe's dashboard, told to both kinds of endpoint: one of an API version before
//! 2024-10-28.acacia hears of the charge only.

use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, order};
use simulation::universe::Universe;

use crate::signing::stripe_says;
use crate::{assert_no_dead_letters, settle, silence};

/// The last version that tells of the charge only, and the first that tells of every refund.
const VERSIONS: [&str; 2] = ["2024-09-30.acacia", "2024-10-28.acacia"];

const A_DAY_MS: i64 = 24 * 3_600_000;

/// A payment that has succeeded; the path of its refunds, and Stripe's id.
async fn paid(universe: &mut Universe, card: &str) -> (String, String) {
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", card))).await;
    assert_eq!(created.status(), 201, "{}", created.body());
    settle(universe).await;
    let id = universe.sandbox().stripe().payment_intents()[0].id.clone();
    (format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap()), id)
}

/// What Stripe told of refunds so far.
fn told(universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().items();
    let mut kinds: Vec<String> = of_type(&items, "event")
        .filter(|event| !text(event, "pk").unwrap().contains('/'))
        .filter_map(|event| text(event, "kind"))
        .filter(|kind| kind.contains("refund"))
        .map(str::to_owned)
        .collect();
    kinds.sort();
    kinds
}

#[tokio::test(start_paused = true)]
async fn a_refund_in_the_dashboard_is_known_whichever_version_the_endpoint_has() {
    for version in VERSIONS {
        let mut universe = Universe::new(1);
        universe.sandbox().set_stripe_endpoint_version(version);
        let (path, id) = paid(&mut universe, "pm_card_visa").await;
        let now_ms = universe.now_ms();
        universe.sandbox().merchant_refunds(now_ms, &id, Some(300)).unwrap();
        settle(&mut universe).await;
        let hears: &[&str] =
            if version == VERSIONS[0] { &["charge.refunded"] } else { &["charge.refunded", "refund.created"] };
        assert_eq!(told(&universe), hears, "{version}");
        let shown = order(&mut universe, "o-1").await;
        assert_eq!(shown["payment"]["status"], "partially_refunded", "{version}: {shown}");
        assert_eq!(shown["refunds"][0]["amount"]["value"], 300, "{version}");
        // Ours beside it: each once.
        assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await.status(), 201);
        settle(&mut universe).await;
        assert_eq!(order(&mut universe, "o-1").await["payment"]["status"], "refunded", "{version}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{version}");
    }
}

/// What is known needs no list: most refunds are asked for here, and Stripe tells of each.
#[tokio::test(start_paused = true)]
async fn the_refunds_are_listed_for_what_somebody_else_made_and_not_for_our_own() {
    for version in VERSIONS {
        let mut universe = Universe::new(1);
        universe.sandbox().set_stripe_endpoint_version(version);
        let (path, id) = paid(&mut universe, "pm_card_visa").await;
        let lists = |universe: &Universe| {
            universe.sandbox().calls().iter().filter(|call| call.operation == "list_refunds").count()
        };
        let part = json!({ "amount": { "value": 300, "currency": "EUR" } });
        assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&part)).await.status(), 201);
        settle(&mut universe).await;
        assert!(told(&universe).contains(&"charge.refunded".to_owned()), "{version}");
        assert_eq!(lists(&universe), 0, "{version}");
        // As much as is known to have gone back, and yet another refund.
        let now_ms = universe.now_ms();
        universe.sandbox().merchant_refunds(now_ms, &id, Some(300)).unwrap();
        settle(&mut universe).await;
        assert_eq!(lists(&universe), 1, "{version}");
        assert_eq!(order(&mut universe, "o-1").await["payment"]["amount_refunded"]["value"], 600, "{version}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refund_whose_metadata_is_null_is_taken_over_like_any_other() {
    let mut universe = Universe::new(1);
    let (_, id) = paid(&mut universe, "pm_card_visa").await;
    silence(&universe);
    let now_ms = universe.now_ms();
    universe.sandbox().merchant_refunds(now_ms, &id, Some(300)).unwrap();
    let mut refund = universe.sandbox().stripe().refunds()[0].to_json();
    refund["metadata"] = Value::Null;
    let event = json!({ "id": "evt_1", "object": "event", "type": "refund.created", "created": now_ms / 1_000,
        "data": { "object": refund } });
    stripe_says(&mut universe, &event).await;
    settle(&mut universe).await;
    assert_no_dead_letters(&universe);
    assert_eq!(order(&mut universe, "o-1").await["payment"]["status"], "partially_refunded");
}

#[tokio::test(start_paused = true)]
async fn a_bank_s_late_answer_is_heard_by_both_kinds_of_endpoint() {
    for (version, card, status) in VERSIONS.iter().flat_map(|version| {
        [(*version, "pm_card_pendingRefund", "succeeded"), (*version, "pm_card_refundFail", "failed")]
    }) {
        let mut universe = Universe::new(1);
        universe.sandbox().set_stripe_endpoint_version(version);
        let (_, id) = paid(&mut universe, card).await;
        let now_ms = universe.now_ms();
        universe.sandbox().merchant_refunds(now_ms, &id, None).unwrap();
        settle(&mut universe).await;
        let told = told(&universe);
        assert!(told.contains(&"charge.refund.updated".to_owned()), "{version}: {told:?}");
        assert_eq!(told.contains(&"refund.updated".to_owned()), version == VERSIONS[1], "{told:?}");
        let shown = order(&mut universe, "o-1").await;
        assert_eq!(shown["refunds"][0]["status"], status, "{version} {card}: {shown}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{version} {card}");
    }
}

/// The events as Stripe writes them, by hand: of the account's endpoint with an older version, and of one with the pinned
/// one. (docs.stripe.com/api/events/object; docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update)
fn by_hand(version: &str, universe: &Universe) -> Vec<Value> {
    let sandbox = universe.sandbox();
    let (charge, refund) = (sandbox.stripe().charges()[0].to_json(), sandbox.stripe().refunds()[0].to_json());
    let envelope = |id: &str, kind: &str, object: Value, previous: Option<Value>| {
        let mut event = json!({
            "id": id, "object": "event", "api_version": version, "created": universe.now_ms() / 1_000,
            "data": { "object": object }, "livemode": false, "pending_webhooks": 1,
            "request": { "id": "req_dashboard", "idempotency_key": null }, "type": kind,
        });
        if let Some(previous) = previous {
            event["data"]["previous_attributes"] = previous;
        }
        event
    };
    let previous = json!({ "amount_refunded": 0, "receipt_url": null, "refunded": false });
    let of_charge = envelope("evt_hand_charge", "charge.refunded", charge, Some(previous));
    if version < "2024-10-28" {
        return vec![of_charge];
    }
    vec![envelope("evt_hand_refund", "refund.created", refund, None), of_charge]
}

#[tokio::test(start_paused = true)]
async fn both_kinds_of_account_are_understood_as_they_are_written_by_hand_in_either_order() {
    for (version, turned) in VERSIONS.iter().flat_map(|version| [(*version, false), (*version, true)]) {
        let mut universe = Universe::new(1);
        let (_, id) = paid(&mut universe, "pm_card_visa").await;
        silence(&universe);
        universe.sleep_ms(5_000).await;
        let now_ms = universe.now_ms();
        universe.sandbox().merchant_refunds(now_ms, &id, Some(1_099)).unwrap();
        let mut events = by_hand(version, &universe);
        if turned {
            events.reverse();
        }
        for event in events {
            assert_eq!(stripe_says(&mut universe, &event).await.status(), 200);
            universe.run_until_quiet(5_000).await;
        }
        settle(&mut universe).await;
        let shown = order(&mut universe, "o-1").await;
        assert_eq!(shown["payment"]["status"], "refunded", "{version} {turned}: {shown}");
        assert_eq!(shown["refunds"].as_array().map(Vec::len), Some(1), "{version} {turned}: {shown}");
        assert_no_dead_letters(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_refund_whose_answer_was_lost_goes_to_its_intent_where_only_the_charge_is_told_of() {
    let mut universe = Universe::new(1);
    universe.sandbox().set_stripe_endpoint_version(VERSIONS[0]);
    let (path, _) = paid(&mut universe, "pm_card_visa").await;
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_refund", 2, CallFault::LostAnswer);
    let asked = universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await;
    assert_eq!(asked.status(), 202, "{}", asked.body());
    // Before anybody repeats the call.
    universe.run_until_quiet(1_000).await;
    let items = universe.aws().table().items();
    let intent = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("refund.create")).unwrap();
    assert_eq!(text(intent, "phase"), Some("DONE"), "{intent}");
    settle(&mut universe).await;
    assert_eq!(universe.sandbox().stripe().refunds().len(), 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_cannot_be_listed_now_is_listed_later_however_long_stripe_is_down() {
    let mut universe = Universe::new(1);
    universe.sandbox().set_stripe_endpoint_version(VERSIONS[0]);
    let (_, id) = paid(&mut universe, "pm_card_visa").await;
    let now_ms = universe.now_ms();
    universe.sandbox().merchant_refunds(now_ms, &id, Some(300)).unwrap();
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    universe.run_until_quiet(3 * 3_600_000).await;
    assert_no_dead_letters(&universe);
    assert_eq!(order(&mut universe, "o-1").await["payment"]["status"], "succeeded");
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    // The outage took three hours; what waited is looked at within one.
    universe.run_until_quiet(75 * 60_000).await;
    assert_eq!(order(&mut universe, "o-1").await["payment"]["status"], "partially_refunded");
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// Five pages of refunds, each as slow as Stripe may be: more than event-processor has time for. It comes back later, and dies
/// of none.
#[tokio::test(start_paused = true)]
async fn a_list_that_takes_longer_than_an_invocation_ends_none_and_is_read_later() {
    let mut universe = Universe::new(1);
    universe.sandbox().set_stripe_endpoint_version(VERSIONS[0]);
    let (_, id) = paid(&mut universe, "pm_card_visa").await;
    silence(&universe);
    let now_ms = universe.now_ms();
    for _ in 0..450 {
        universe.sandbox().merchant_refunds(now_ms, &id, Some(1)).unwrap();
    }
    universe.sandbox().faults().every_call(Vendor::Stripe, "list_refunds", CallFault::Delay { ms: 7_000 });
    let before = universe.invocations.len();
    let charge = by_hand(VERSIONS[0], &universe).remove(0);
    assert_eq!(stripe_says(&mut universe, &charge).await.status(), 200);
    universe.run_until_quiet(4 * 3_600_000).await;
    let died = universe.invocations[before..].iter().filter(|invocation| invocation.crashed).count();
    assert_eq!(died, 0, "invocations that ran into their timeout");
    assert_no_dead_letters(&universe);
    universe.sandbox().faults().clear();
    universe.run_until_quiet(8 * 3_600_000).await;
    assert_eq!(order(&mut universe, "o-1").await["payment"]["amount_refunded"]["value"], 450);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn more_refunded_at_the_vendor_than_is_left_is_told_to_a_person() {
    let mut universe = Universe::new(1);
    let (path, id) = paid(&mut universe, "pm_card_visa").await;
    let before = written(Metric::RefundsBeyondThePayment);
    // Ours is asked for while Stripe is down, and somebody at the dashboard does not wait for it.
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    let part = json!({ "amount": { "value": 800, "currency": "EUR" } });
    assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&part)).await.status(), 202);
    let now_ms = universe.now_ms();
    universe.sandbox().merchant_refunds(now_ms, &id, Some(600)).unwrap();
    universe.run_until_quiet(30_000).await;
    assert_eq!(written(Metric::RefundsBeyondThePayment) - before, 1);
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.run_until_quiet(4 * 3_600_000).await;
    let shown = order(&mut universe, "o-1").await;
    assert_eq!(shown["payment"]["amount_refunded"]["value"], 600, "{shown}");
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_does_on_the_same_account_costs_one_look() {
    let mut universe = Universe::new(1);
    let form = "amount=500&currency=eur&payment_method=pm_card_visa&confirm=true";
    let foreign = simulation::cases::marks::at_stripe(&universe, "/v1/payment_intents", form);
    let now_ms = universe.now_ms();
    universe.sandbox().merchant_refunds(now_ms, foreign["id"].as_str().unwrap(), None).unwrap();
    let calls = |universe: &Universe| universe.sandbox().calls().len();
    let before = calls(&universe);
    universe.run_until_quiet(8 * 24 * 3_600_000).await;
    assert!(told(&universe).len() >= 2, "{:?}", told(&universe));
    assert_eq!(calls(&universe) - before, 1, "looks at one payment that is not ours");
    let items = universe.aws().table().items();
    assert_eq!(of_type(&items, "waiting_event").count(), 0);
    assert!(universe.now_ms() < now_ms + 600_000, "it was looked at for {} ms", universe.now_ms() - now_ms);
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_something_in_between_does_not_make_a_payment_somebody_elses() {
    let mut universe = Universe::new(1);
    let form = "amount=500&currency=eur&payment_method=pm_card_visa&confirm=true";
    let foreign = simulation::cases::marks::at_stripe(&universe, "/v1/payment_intents", form);
    let now_ms = universe.now_ms();
    let page = CallFault::ErrorBefore { status: 400 };
    universe.sandbox().faults().every_call(Vendor::Stripe, "retrieve", page);
    universe.sandbox().merchant_refunds(now_ms, foreign["id"].as_str().unwrap(), None).unwrap();
    let waiting = |universe: &Universe| of_type(&universe.aws().table().items(), "waiting_event").count();
    let before = universe.sandbox().calls().len();
    universe.run_until_quiet(600_000).await;
    assert!(universe.sandbox().calls().len() > before, "nobody asked");
    assert!(waiting(&universe) > 0, "nobody knows yet whose it is");
    universe.sandbox().faults().clear();
    universe.run_until_quiet(A_DAY_MS).await;
    assert_eq!(waiting(&universe), 0, "Stripe has said whose it is");
    assert_no_dead_letters(&universe);
}
