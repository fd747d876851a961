//! Customers whom somebody deletes or changes at Stripe.

use bytes::Bytes;
use sandbox::{CallFault, Dial, Settings, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::Universe;

use crate::signing::stripe_says;
use crate::{assert_no_dead_letters, settle, silence};

/// A payment with which a card is saved.
async fn saved(universe: &mut Universe) -> String {
    let mut body = confirmed_payment("o-1", "pm_card_visa");
    body["save_payment_method"] = json!(true);
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    assert_eq!(created.status(), 201, "{}", created.body());
    settle(universe).await;
    let sandbox = universe.sandbox();
    sandbox.stripe().payment_methods().iter().find(|method| method.customer.is_some()).unwrap().id.clone()
}

fn delete(universe: &Universe) -> String {
    let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().customers()[0].id.clone());
    universe.sandbox().merchant_deletes_customer(now_ms, &id).unwrap();
    id
}

fn customer(universe: &Universe) -> Value {
    let items = universe.aws().table().items();
    of_type(&items, "customer").next().unwrap().clone()
}

/// What each create of a payment said of the customer.
fn customers_sent(universe: &Universe) -> Vec<Option<String>> {
    let sandbox = universe.sandbox();
    let creates = sandbox.calls().iter().filter(|call| call.operation == "create_payment_intent");
    let customer = |body: &Bytes| {
        form_urlencoded::parse(body).find(|(name, _)| name == "customer").map(|(_, value)| value.into_owned())
    };
    creates.map(|call| customer(&call.body)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_card_that_was_saved_pays_what_was_created_without_a_card() {
    for keeps_instances in [true, false] {
        let mut universe = Universe::new(1);
        universe.keeps_instances = keeps_instances;
        let card = saved(&mut universe).await;
        let created = universe.call("POST", "/payments", Some("k-2"), Some(&payment("o-2"))).await;
        assert_eq!(created.status(), 201, "{}", created.body());
        let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
        let confirmed = universe.call("POST", &path, None, Some(&json!({ "payment_method": card }))).await;
        assert_eq!((confirmed.status(), &confirmed.body()["status"]), (200, &json!("succeeded")), "{confirmed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_who_was_deleted_is_forgotten_and_made_anew() {
    let mut universe = Universe::new(1);
    saved(&mut universe).await;
    let deleted = delete(&universe);
    settle(&mut universe).await;
    assert_eq!(customer(&universe)["vendor_id"], Value::Null, "{}", customer(&universe));
    // Late news of before brings nobody back.
    let now_ms = universe.now_ms();
    let object = universe.sandbox().stripe().customers()[0].to_json();
    let late = json!({ "id": "evt_late", "object": "event", "type": "customer.updated", "created": now_ms / 1_000,
        "data": { "object": object, "previous_attributes": { "name": "A. Lovelace" } } });
    stripe_says(&mut universe, &late).await;
    settle(&mut universe).await;
    assert_eq!(customer(&universe)["vendor_id"], Value::Null);

    let mut body = confirmed_payment("o-2", "pm_card_visa");
    body["save_payment_method"] = json!(true);
    let created = universe.call("POST", "/payments", Some("k-2"), Some(&body)).await;
    assert_eq!((created.status(), &created.body()["status"]), (201, &json!("succeeded")), "{created:?}");
    settle(&mut universe).await;
    let ours = customer(&universe);
    let id = text(&ours, "vendor_id").unwrap();
    assert!(id != deleted && universe.sandbox().stripe().customer(id).is_some(), "{ours}");
    assert_eq!(universe.sandbox().stripe().payment_methods().iter().filter(|m| m.customer.is_some()).count(), 1);
    assert_no_dead_letters(&universe);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_nobody_has_told_yet_costs_no_payment() {
    // In the memory of the process, and in the table only.
    for keeps_instances in [true, false] {
        for saves in [true, false] {
            let mut universe = Universe::new(1);
            universe.keeps_instances = keeps_instances;
            saved(&mut universe).await;
            silence(&universe);
            let deleted = delete(&universe);
            let mut body = confirmed_payment("o-2", "pm_card_visa");
            body["save_payment_method"] = json!(saves);
            let created = universe.call("POST", "/payments", Some("k-2"), Some(&body)).await;
            assert_eq!((created.status(), &created.body()["status"]), (201, &json!("succeeded")), "{created:?}");
            let sent = customers_sent(&universe);
            let anew = text(&customer(&universe), "vendor_id").unwrap().to_owned();
            assert_eq!(sent[1..], [Some(deleted.clone()), Some(anew.clone())]);
            assert_ne!(deleted, anew);
            // And the next one knows it at once.
            let next = universe.call("POST", "/payments", Some("k-3"), Some(&payment("o-3"))).await;
            assert_eq!(next.status(), 201);
            assert_eq!(customers_sent(&universe).last().unwrap().as_ref(), Some(&anew));
            let repeat = universe.call("POST", "/payments", Some("k-2"), Some(&body)).await;
            assert_eq!((repeat.status(), &repeat.body()["status"]), (201, &json!("succeeded")), "{repeat:?}");
            assert_eq!(order(&mut universe, "o-2").await["payment"]["status"], "succeeded");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_waits_while_its_customer_is_deleted_is_made_for_another_one() {
    let mut universe = Universe::new(1);
    saved(&mut universe).await;
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    let body = confirmed_payment("o-2", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("k-2"), Some(&body)).await.status(), 202);
    delete(&universe);
    settle(&mut universe).await;
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.run_until_quiet(4 * 3_600_000).await;
    assert_eq!(order(&mut universe, "o-2").await["payment"]["status"], "succeeded");
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 2);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// Stripe accepts a deleted customer no more: a payment that needs one is refused, now or when its time comes, and one that does
/// not is made without.
#[tokio::test(start_paused = true)]
async fn a_payment_whose_customer_cannot_be_made_anew_is_refused_at_once_or_needs_none() {
    for (saves, is_late) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut universe = Universe::new(1);
        universe.keeps_instances = true;
        saved(&mut universe).await;
        silence(&universe);
        let mut body = confirmed_payment("o-2", "pm_card_visa");
        body["save_payment_method"] = json!(saves);
        universe.sandbox().faults().outage(Vendor::Stripe, is_late);
        let refusal = CallFault::ErrorBefore { status: 400 };
        let first = if is_late {
            let first = universe.call("POST", "/payments", Some("k-2"), Some(&body)).await;
            assert_eq!(first.status(), 202, "{}", first.body());
            universe.sandbox().faults().outage(Vendor::Stripe, false);
            delete(&universe);
            universe.sandbox().faults().every_call(Vendor::Stripe, "create_customer", refusal);
            universe.run_until_quiet(1_800_000).await;
            universe.call("POST", "/payments", Some("k-2"), Some(&body)).await
        } else {
            delete(&universe);
            universe.sandbox().faults().every_call(Vendor::Stripe, "create_customer", refusal);
            universe.call("POST", "/payments", Some("k-2"), Some(&body)).await
        };
        let said = |body: &Value| body["code"].as_str().or(body["status"].as_str()).unwrap_or_default().to_owned();
        let wanted = if saves { (422, "customer_refused") } else { (201, "succeeded") };
        assert_eq!((first.status(), said(&first.body()).as_str()), wanted, "{saves} {is_late}: {}", first.body());
        let again = universe.call("POST", "/payments", Some("k-2"), Some(&body)).await;
        assert_eq!(
            (again.status(), again.body()["payment_id"].clone()),
            (first.status(), first.body()["payment_id"].clone())
        );
        settle(&mut universe).await;
        let shown = order(&mut universe, "o-2").await["payment"]["status"].clone();
        assert_eq!(shown, if saves { "failed" } else { "succeeded" }, "{saves} {is_late}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{saves} {is_late}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_perhaps_charged_for_a_deleted_customer_is_looked_for_before_it_is_charged_for_another_one() {
    let mut universe = Universe::new(1);
    saved(&mut universe).await;
    silence(&universe);
    // The first call is carried out, answered with 503, and forgotten; the second is turned away.
    for dial in [Dial::UnavailableYetDone, Dial::LostAnswersForgetTheirKey] {
        universe.sandbox().dials().turn(dial);
    }
    for fault in [CallFault::ErrorBefore { status: 503 }, CallFault::Throttled { retry_after_s: 1 }] {
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
    }
    let body = confirmed_payment("o-2", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("k-2"), Some(&body)).await.status(), 202);
    delete(&universe);
    universe.run_until_quiet(4 * 3_600_000).await;
    assert_eq!(order(&mut universe, "o-2").await["payment"]["status"], "succeeded");
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 2, "one for each order");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_customer_has_saved_nothing() {
    let mut universe = Universe::new(1);
    saved(&mut universe).await;
    silence(&universe);
    delete(&universe);
    for _ in 0..2 {
        let listed = universe.call("GET", "/customers/c-1/payment-methods", None, None).await;
        assert_eq!((listed.status(), &listed.body()["data"]), (200, &json!([])), "{listed:?}");
    }
    assert_eq!(customer(&universe)["vendor_id"], Value::Null);
}

/// Changes the customer at Stripe, as its dashboard does.
fn change(universe: &Universe, form: &'static str) {
    let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().customers()[0].id.clone());
    let request = http::Request::post(format!("https://api.stripe.com/v1/customers/{id}"))
        .header("authorization", format!("Bearer {}", Settings::default().stripe_api_key))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(form.as_bytes()))
        .unwrap();
    let _ = universe.sandbox().call(Vendor::Stripe, now_ms, request);
}

#[tokio::test(start_paused = true)]
async fn two_changes_within_one_second_both_count_in_either_order() {
    let changes = [
        ["name=Countess+Ada", "phone=%2B441234567"],
        ["name=Countess", "name=Countess+Ada"],
        ["email=countess%40example.com", "name=Countess+Ada"],
        ["name=Countess+Ada", "email=countess%40example.com"],
    ];
    for (both, turned) in changes.iter().flat_map(|both| [(both, false), (both, true)]) {
        let mut universe = Universe::new(1);
        let asked = payment("o-1")["customer"].clone();
        universe.sleep_ms(u64::try_from(1_000 - universe.now_ms() % 1_000).unwrap()).await;
        assert_eq!(universe.call("POST", "/customers", None, Some(&asked)).await.status(), 201);
        universe.sleep_ms(100).await;
        let now_ms = universe.now_ms();
        drop(universe.sandbox().take_due(now_ms));
        for form in both {
            change(&universe, form);
        }
        universe.sleep_ms(100).await;
        let now_ms = universe.now_ms();
        let mut events: Vec<Value> = universe
            .sandbox()
            .take_due(now_ms)
            .iter()
            .map(|delivery| serde_json::from_slice(delivery.request.body()).unwrap())
            .collect();
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(events[0]["created"], events[1]["created"]);
        if turned {
            events.reverse();
        }
        for event in &events {
            stripe_says(&mut universe, event).await;
            universe.run_until_quiet(10).await;
        }
        settle(&mut universe).await;
        let ours = customer(&universe);
        let theirs = universe.sandbox().stripe().customers()[0].to_json();
        assert_eq!(ours["name"], theirs["name"], "{both:?} {turned}");
        assert_eq!(ours.get("phone").unwrap_or(&Value::Null), &theirs["phone"], "{both:?} {turned}");
        let items = universe.aws().table().items();
        let contact = of_type(&items, "contact").find(|contact| contact["contact_id"] == ours["contact_id"]).unwrap();
        assert_eq!(contact["address"], theirs["email"], "{both:?} {turned}");
    }
}
