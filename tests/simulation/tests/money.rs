//! Refunds, customers and keys when things go wrong: a clear answer, nothing twice, nothing lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::{Function, Invocation, Universe};
use simulation::{Plan, When};

/// More than enough for whatever is due.
const A_WHILE_MS: i64 = 4 * 3_600_000;

/// A payment that has succeeded; the path of its refunds.
async fn paid(universe: &mut Universe, amount: Value) -> String {
    let mut body = confirmed_payment("o-1", "pm_card_visa");
    body["amount"] = amount;
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    assert_eq!(created.status(), 201, "{}", created.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap())
}

fn euros(value: i64) -> Value {
    json!({ "amount": { "value": value, "currency": "EUR" } })
}

fn refundable(universe: &Universe) -> i64 {
    let items = universe.aws().table().items();
    let payment = of_type(&items, "payment").next().unwrap().clone();
    payment["refundable"].as_i64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refund_in_flight_keeps_its_amount_from_the_next_one() {
    let mut universe = Universe::new(1);
    let path = paid(&mut universe, euros(1099)["amount"].clone()).await;
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    let first = universe.call("POST", &path, Some("r-1"), Some(&euros(700))).await;
    assert_eq!((first.status(), &first.body()["status"]), (202, &json!("deferred")));
    let second = universe.call("POST", &path, Some("r-2"), Some(&euros(400))).await;
    assert_eq!((second.status(), &second.body()["refundable"]), (422, &json!(399)), "{}", second.body());
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.run_until_quiet(A_WHILE_MS).await;
    let rest = universe.call("POST", &path, Some("r-3"), Some(&json!({}))).await;
    assert_eq!((rest.status(), &rest.body()["amount"]["value"]), (201, &json!(399)));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(order(&mut universe, "o-1").await["payment"]["status"], "refunded");
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_the_vendor_refuses_gives_its_amount_back() {
    let mut universe = Universe::new(1);
    let path = paid(&mut universe, euros(1099)["amount"].clone()).await;
    universe.sandbox().set_webhook(Vendor::Stripe, "", None);
    let (now_ms, payment) = (universe.now_ms(), universe.sandbox().stripe().payment_intents()[0].id.clone());
    universe.sandbox().merchant_refunds(now_ms, &payment, None).unwrap();
    let refused = universe.call("POST", &path, Some("r-1"), Some(&euros(500))).await;
    assert_eq!((refused.status(), &refused.body()["code"]), (422, &json!("refund_refused")), "{}", refused.body());
    assert_eq!(refundable(&universe), 1099);
    let order = order(&mut universe, "o-1").await;
    assert_eq!(order["refunds"][0]["status"], "failed", "{order}");
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_is_throttled_locked_out_or_collides_is_made_once_in_the_end() {
    for fault in [
        CallFault::Throttled { retry_after_s: 2 },
        CallFault::LockTimeout,
        CallFault::ErrorBefore { status: 409 },
        CallFault::ErrorBefore { status: 503 },
        CallFault::ErrorDuring { status: 500 },
        CallFault::LostRequest,
        CallFault::Refused,
    ] {
        let mut universe = Universe::new(1);
        let path = paid(&mut universe, euros(1099)["amount"].clone()).await;
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_refund", 3, fault);
        let asked = universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await;
        assert!(matches!(asked.status(), 201 | 202), "{fault:?}: {} {}", asked.status(), asked.body());
        universe.run_until_quiet(A_WHILE_MS).await;
        assert_eq!(universe.sandbox().stripe().refunds().len(), 1, "{fault:?}");
        let order = order(&mut universe, "o-1").await;
        assert_eq!(order["payment"]["status"], "refunded", "{fault:?}: {order}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fraction_that_the_currency_cannot_have_is_refused_and_takes_nothing() {
    let mut universe = Universe::new(1);
    let path = paid(&mut universe, json!({ "value": 10_990, "currency": "KWD" })).await;
    let body = json!({ "amount": { "value": 11, "currency": "KWD" } });
    let refused = universe.call("POST", &path, Some("r-1"), Some(&body)).await;
    assert_eq!((refused.status(), &refused.body()["code"]), (422, &json!("amount_not_representable")));
    assert_eq!(refundable(&universe), 10_990);
    assert!(universe.sandbox().stripe().refunds().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_customer_changes_at_the_vendor_is_known_here_and_old_news_change_nothing() {
    let mut universe = Universe::new(1);
    let customer = payment("o-1")["customer"].clone();
    assert_eq!(universe.call("POST", "/customers", None, Some(&customer)).await.status(), 201);
    assert_eq!(universe.call("POST", "/customers", None, Some(&customer)).await.status(), 200);
    universe.sleep_ms(5_000).await;
    let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().customers()[0].id.clone());
    let key = sandbox::Settings::default().stripe_api_key;
    let request = http::Request::post(format!("https://api.stripe.com/v1/customers/{id}"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(b"name=Countess+Ada&email=Countess%40EXAMPLE.com"))
        .unwrap();
    let _ = universe.sandbox().call(Vendor::Stripe, now_ms, request);
    universe.run_until_quiet(A_WHILE_MS).await;
    let items = universe.aws().table().items();
    let ours = of_type(&items, "customer").next().unwrap();
    assert_eq!(text(ours, "name"), Some("Countess Ada"));
    let contact = of_type(&items, "contact").find(|contact| contact["contact_id"] == ours["contact_id"]).unwrap();
    assert_eq!(text(contact, "address"), Some("Countess@example.com"));
    assert_eq!(ours["person_pk"], format!("PERSON#{}", text(ours, "contact_id").unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_customer_of_somebody_else_on_the_same_account_leaves_nothing_of_theirs_here() {
    let mut universe = Universe::new(1);
    let now_ms = universe.now_ms();
    let key = sandbox::Settings::default().stripe_api_key;
    let post = |path: String, body: &'static [u8]| {
        http::Request::post(format!("https://api.stripe.com{path}"))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(body))
            .unwrap()
    };
    let _ =
        universe.sandbox().call(Vendor::Stripe, now_ms, post("/v1/customers".to_owned(), b"email=who%40else.example"));
    let id = universe.sandbox().stripe().customers()[0].id.clone();
    let _ = universe.sandbox().call(Vendor::Stripe, now_ms, post(format!("/v1/customers/{id}"), b"name=Some+Body"));
    universe.run_until_quiet(A_WHILE_MS).await;
    let items = universe.aws().table().items();
    assert_eq!(of_type(&items, "event").filter(|event| text(event, "kind") == Some("customer.updated")).count(), 1);
    let all = Value::from(items).to_string();
    assert!(!all.contains("else.example") && !all.contains("Some Body"), "{all}");
}

#[tokio::test(start_paused = true)]
async fn an_intent_with_an_address_is_found_by_its_person() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/customers", None, Some(&payment("o-1")["customer"])).await;
    let items = universe.aws().table().items();
    let holds_address = |item: &&Value| item.to_string().contains("ada%40example.com");
    let holders: Vec<_> = items.iter().filter(holds_address).collect();
    assert!(!holders.is_empty());
    assert!(holders.iter().all(|item| text(item, "person_pk").is_some()), "{holders:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fee_that_nobody_could_be_asked_for_in_time_wakes_no_person() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().every_call(Vendor::Stripe, "retrieve", CallFault::ErrorBefore { status: 503 });
    let body = confirmed_payment("o-1", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("k-1"), Some(&body)).await.status(), 201);
    universe.run_until_quiet(10 * 24 * 3_600_000).await;
    let items = universe.aws().table().items();
    let look = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.settlement")).unwrap();
    assert_eq!((text(look, "phase"), text(look, "refusal")), (Some("REFUSED"), Some("budget_over")), "{look}");
    assert!(look.get("due_pk").is_none(), "it waits for a person: {look}");
}

#[tokio::test(start_paused = true)]
async fn a_fee_that_is_known_only_days_later_is_found_by_whoever_takes_over() {
    let mut universe = Universe::new(1);
    // Nothing of the first day's looks comes back, and the last one of them dies.
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    let secret = created.body()["client_secret"].as_str().unwrap().to_owned();
    let now_ms = universe.now_ms();
    universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
    universe.sandbox().faults().next_calls(Vendor::Stripe, "retrieve", 5_000, CallFault::ErrorBefore { status: 503 });
    universe.run_until_quiet(25 * 3_600_000).await;
    let stuck = universe.aws().table().items();
    let look = of_type(&stuck, "intent").find(|intent| text(intent, "kind") == Some("payment.settlement")).unwrap();
    assert_eq!(text(look, "phase"), Some("READY"), "the vendor came back too early for this test: {look}");
    universe.sandbox().faults().clear();
    let next = universe.invocations.len();
    // A sweep, and then the worker that it nudges, which dies when Stripe has answered.
    universe.plans.insert(next + 1, Plan::crash(4, When::After));
    universe.run_until_quiet(48 * 3_600_000).await;
    let died = |invocation: &Invocation| invocation.crashed && invocation.function == Function::PaymentWorker;
    assert!(universe.invocations.iter().any(died), "no worker died");
    let order = order(&mut universe, "o-1").await;
    assert_eq!(order["payment"]["settlement"]["fee"]["currency"], "EUR", "{order}");
}

#[tokio::test(start_paused = true)]
async fn a_thin_event_is_recorded_and_acknowledged() {
    let mut universe = Universe::new(1);
    let now_ms = universe.now_ms();
    universe.sandbox().stripe_sends_thin_event(now_ms, "v2.core.account.updated");
    universe.run_until_quiet(A_WHILE_MS).await;
    let items = universe.aws().table().items();
    let kinds: Vec<_> = of_type(&items, "event").filter_map(|event| text(event, "kind")).collect();
    assert_eq!(kinds, ["v2.core.account.updated"]);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_rotated_while_a_process_holds_the_old_one_costs_no_payment_and_no_refund() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let path = paid(&mut universe, euros(1099)["amount"].clone()).await;
    // A secret is read anew at most every 30 seconds.
    universe.sleep_ms(31_000).await;
    universe.sandbox().set_api_key(Vendor::Stripe, "sk_test_rotated");
    universe.aws().secrets().put("stripe", &json!({ "api_key": "sk_test_rotated" }));
    let refunded = universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await;
    assert_eq!(refunded.status(), 201, "{}", refunded.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.sandbox().stripe().refunds().len(), 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// A command as another system of the shop puts it onto the queue.
fn command(id: &str, kind: &str, data: &Value) -> String {
    json!({ "v": 1, "id": id, "kind": kind, "occurred_at": "2024-04-28T01:02:10.000Z", "data": data }).to_string()
}

fn send(universe: &mut Universe, body: &str) {
    universe.aws().sqs().send("payments", body, BTreeMap::new(), 0);
}

fn dead(universe: &Universe) -> Vec<String> {
    universe.aws().sqs().messages("payments-dlq").into_iter().map(|message| message.body).collect()
}

#[tokio::test(start_paused = true)]
async fn a_command_that_stripe_refuses_is_found_in_the_dead_letter_queue() {
    let mut universe = Universe::new(1);
    let unusable = command("c-1", "payment.requested", &confirmed_payment("o-1", "pm_nobody_s"));
    universe.expected_dead.push(("payments-dlq".to_owned(), unusable.clone()));
    send(&mut universe, &unusable);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(dead(&universe), [unusable]);
    assert_eq!(order(&mut universe, "o-1").await["payment"]["status"], "failed");

    // A refund that Stripe does not make, because somebody has made it there already.
    let path = paid_as(&mut universe, "o-2").await;
    universe.sandbox().set_webhook(Vendor::Stripe, "", None);
    let (now_ms, payment) = (universe.now_ms(), universe.sandbox().stripe().payment_intents()[0].id.clone());
    universe.sandbox().merchant_refunds(now_ms, &payment, None).unwrap();
    let data = json!({ "payment_id": path.split('/').nth(2).unwrap() });
    let refund = command("c-2", "refund.requested", &data);
    send(&mut universe, &refund);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(dead(&universe).len(), 2);
    assert!(dead(&universe).contains(&refund));
}

/// A payment of this order that has succeeded; the path of its refunds.
async fn paid_as(universe: &mut Universe, order: &str) -> String {
    let body = confirmed_payment(order, "pm_card_visa");
    let created = universe.call("POST", "/payments", Some(order), Some(&body)).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_command_that_stripe_refuses_only_later_is_told_to_a_person_too() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    send(&mut universe, &command("c-1", "payment.requested", &confirmed_payment("o-1", "pm_nobody_s")));
    universe.run_until_quiet(600_000).await;
    assert_eq!(dead(&universe), Vec::<String>::new(), "a vendor that is down is no refusal");
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.run_until_quiet(2 * A_WHILE_MS).await;
    let items = universe.aws().table().items();
    let create = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.create")).unwrap();
    assert_eq!(text(create, "phase"), Some("REFUSED"));
    let bodies = dead(&universe);
    assert!(!bodies.is_empty(), "nobody is told");
    assert!(bodies.iter().all(|body| body.contains(text(create, "intent_id").unwrap())), "{bodies:?}");
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_commanded_card_that_is_declined_is_an_event_and_no_dead_letter() {
    let mut universe = Universe::new(1);
    send(&mut universe, &command("c-1", "payment.requested", &confirmed_payment("o-1", "pm_card_visa_chargeDeclined")));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(dead(&universe), Vec::<String>::new());
    let events = universe.aws().sqs().messages("domain-events");
    assert!(events.iter().any(|event| event.body.contains("crossdock.payment.failed.v1")));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_customer_whom_stripe_refuses_is_answered_so() {
    let mut universe = Universe::new(1);
    let refused = CallFault::ErrorBefore { status: 400 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_customer", 1, refused);
    let answer = universe.call("POST", "/customers", None, Some(&payment("o-1")["customer"])).await;
    assert_eq!((answer.status(), &answer.body()["code"]), (422, &json!("customer_refused")), "{}", answer.body());
}

#[tokio::test(start_paused = true)]
async fn a_fee_that_nobody_ever_tells_wakes_nobody() {
    let mut universe = Universe::new(1);
    universe.sandbox().set_stripe_books_late();
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.run_until_quiet(9 * 24 * 3_600_000).await;
    let items = universe.aws().table().items();
    let look = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.settlement")).unwrap();
    assert_eq!((text(look, "phase"), text(look, "refusal")), (Some("REFUSED"), Some("no_settlement")), "{look}");
    assert_eq!(violations(&universe), Vec::<String>::new());
}
