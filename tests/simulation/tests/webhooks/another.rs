//! Events that bear our mark and say what cannot be: of another object, of another amount, of another vendor. They move
//! nothing, and a person is told.

use crossdock::effects::audit::Operator;
use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::Probe;
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::{Function, STACK_ID, Universe};

use crate::signing::{now_s, sendgrid_says, sendgrid_secret, stripe_says};
use crate::{assert_no_dead_letters, event, payment_status, pending_payment, settle, silence};

/// What somebody says otherwise of an object.
type Change = fn(&mut Value);

/// The vendor objects that wait for a person, each with the reason.
fn in_doubt(universe: &Universe) -> Vec<(String, String)> {
    let items = universe.aws().table().items();
    let open = of_type(&items, "doubt").filter(|doubt| text(doubt, "due_pk") == Some("DUE#MANUAL"));
    open.map(|doubt| (text(doubt, "vendor_id").unwrap().to_owned(), text(doubt, "why").unwrap().to_owned())).collect()
}

fn rows(order: &Value, event: &str) -> Vec<String> {
    let rows = order["timeline"].as_array().unwrap().iter().filter(|row| row["event"] == event);
    rows.map(|row| row["detail"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_our_payment_pays_nothing_and_the_real_one_counts_afterwards() {
    let changes: [(&str, &str, Change); 5] = [
        ("another_object", "pi_another", |object| object["id"] = json!("pi_another")),
        ("another_amount", "", |object| {
            object["amount"] = json!(1);
            object["amount_received"] = json!(1);
        }),
        ("another_amount", "", |object| object["amount_received"] = json!(1098)),
        ("another_currency", "", |object| object["currency"] = json!("usd")),
        ("another_currency", "", |object| object["currency"] = json!("zzz")),
    ];
    for (why, id, change) in changes {
        let mut universe = Universe::new(1);
        let (_, vendor_id, secret) = pending_payment(&mut universe).await;
        settle(&mut universe).await;
        silence(&universe);
        universe.sleep_ms(60_000).await;
        let before = written(Metric::ObjectsInDoubt);
        let mut told = event(&universe, "evt_another", "payment_intent.succeeded", "succeeded", now_s(&universe));
        change(&mut told["data"]["object"]);
        assert_eq!(stripe_says(&mut universe, &told).await.status(), 200);
        settle(&mut universe).await;

        assert_eq!(payment_status(&universe), "requires_payment_method", "{why}");
        assert!(universe.sandbox().sendgrid().mails().is_empty(), "{why}");
        let id = if id.is_empty() { vendor_id } else { id.to_owned() };
        assert_eq!(in_doubt(&universe), [(id.clone(), why.to_owned())]);
        assert_eq!(written(Metric::ObjectsInDoubt) - before, 1, "{why}");
        let shown = order(&mut universe, "o-1").await;
        let told = rows(&shown, "payment.in_doubt");
        assert!(told.len() == 1 && told[0].contains(why) && told[0].contains(&id), "{told:?}");
        assert_no_dead_letters(&universe);

        let now_ms = universe.now_ms();
        universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
        let real = event(&universe, "evt_real", "payment_intent.succeeded", "succeeded", now_s(&universe));
        assert_eq!(stripe_says(&mut universe, &real).await.status(), 200);
        settle(&mut universe).await;
        let shown = order(&mut universe, "o-1").await;
        assert_eq!(shown["payment"]["status"], "succeeded", "{why}: {shown}");
        assert_eq!(rows(&shown, "payment.succeeded"), [""], "{why}: the real one is old news");
        assert_eq!(universe.sandbox().sendgrid().mails().len(), 1, "{why}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_bears_our_mark_and_never_becomes_known_is_told_before_it_is_forgotten() {
    for (stack, alarms) in [(Some(STACK_ID), 1), (None, 0)] {
        let mut universe = Universe::new(1);
        pending_payment(&mut universe).await;
        settle(&mut universe).await;
        silence(&universe);
        let before = written(Metric::ObjectsInDoubt);
        let mut told = event(&universe, "evt_lost", "payment_intent.succeeded", "succeeded", now_s(&universe));
        told["data"]["object"]["id"] = json!("pi_lost");
        told["data"]["object"]["metadata"] =
            stack.map_or(json!({}), |stack| json!({ "crossdock_stack": stack, "crossdock_intent": "int_lost" }));
        assert_eq!(stripe_says(&mut universe, &told).await.status(), 200);
        universe.run_until_quiet(8 * 24 * 3_600_000).await;
        assert_eq!(written(Metric::ObjectsInDoubt) - before, alarms, "{stack:?}");
        assert_no_dead_letters(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_by_a_person_ends_the_waiting_and_is_asked_for_once() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    let mut told = event(&universe, "evt_1", "charge.succeeded", "succeeded", now_s(&universe));
    told["data"]["object"]["payment_intent"] = json!("pi_another");
    stripe_says(&mut universe, &told).await;
    settle(&mut universe).await;
    let list = universe.system(Function::EventProcessor, &Probe::new()).work_list().unwrap();
    let waiting = list.manual().await.unwrap();
    assert!(waiting.unreadable.is_empty(), "{waiting:?}");
    let [doubt] = waiting.doubts.as_slice() else { panic!("{waiting:?}") };
    assert_eq!((doubt.vendor_id.as_str(), doubt.why.as_str()), ("pi_another", "another_object"));
    let operator = Operator { who: "ada".to_owned(), why: None };
    list.looked_at(doubt, &operator).await.unwrap();
    assert_eq!(list.looked_at(doubt, &operator).await.unwrap_err().code, "not_manual");
    assert!(list.manual().await.unwrap().doubts.is_empty());
    // Hearing it once more changes nothing: a person has looked.
    told["id"] = json!("evt_2");
    stripe_says(&mut universe, &told).await;
    settle(&mut universe).await;
    assert!(in_doubt(&universe).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_our_own_confirm_that_names_another_amount_is_not_believed_either() {
    let mut universe = Universe::new(1);
    let (payment_id, vendor_id, _) = pending_payment(&mut universe).await;
    settle(&mut universe).await;
    // Somebody has made it dearer in the dashboard.
    universe.sandbox().merchant_changes_amount(&vendor_id, 9_900);
    let path = format!("/payments/{payment_id}/confirm");
    let body = json!({ "payment_method": "pm_card_visa" });
    universe.call("POST", &path, None, Some(&body)).await;
    settle(&mut universe).await;
    assert_eq!(payment_status(&universe), "requires_payment_method");
    assert_eq!(in_doubt(&universe).len(), 1, "{:?}", in_doubt(&universe));
    let items = universe.aws().table().items();
    assert_eq!(of_type(&items, "payment").next().unwrap()["confirms_settled"], 1);
    assert!(universe.sandbox().sendgrid().mails().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refund_of_another_amount_object_or_payment_gives_nothing_back() {
    let changes: [(&str, Change); 4] = [
        ("another_object", |refund| refund["id"] = json!("re_another")),
        ("another_amount", |refund| refund["amount"] = json!(1)),
        ("another_currency", |refund| refund["currency"] = json!("usd")),
        ("another_payment", |refund| refund["payment_intent"] = json!("pi_another")),
    ];
    for (why, change) in changes {
        let mut universe = Universe::new(1);
        let body = confirmed_payment("o-1", "pm_card_pendingRefund");
        let paid = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        settle(&mut universe).await;
        silence(&universe);
        let path = format!("/payments/{}/refunds", paid.body()["payment_id"].as_str().unwrap());
        assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await.status(), 201);
        universe.sleep_ms(30_000).await;
        let mut refund = universe.sandbox().stripe().refunds()[0].to_json();
        refund["status"] = json!("succeeded");
        change(&mut refund);
        let told = json!({
            "id": "evt_1", "object": "event", "type": "refund.updated", "created": now_s(&universe),
            "data": { "object": refund },
        });
        assert_eq!(stripe_says(&mut universe, &told).await.status(), 200);
        universe.run_until_quiet(10_000).await;
        let shown = order(&mut universe, "o-1").await;
        assert_eq!(shown["refunds"][0]["status"], "processing", "{why}: {shown}");
        assert_eq!(shown["payment"]["amount_refunded"]["value"], 0, "{why}");
        assert_eq!(rows(&shown, "refund.in_doubt").len(), 1, "{why}: {shown}");
        assert_eq!(in_doubt(&universe)[0].1, why);
        assert_no_dead_letters(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_kind_that_names_our_payment_is_for_a_person_and_no_dead_letter() {
    let mut universe = Universe::new(1);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    silence(&universe);
    let metadata = universe.sandbox().stripe().payment_intents()[0].metadata.clone();
    let told = json!({
        "id": "evt_1", "object": "event", "type": "refund.created", "created": now_s(&universe),
        "data": { "object": {
            "id": "re_1", "object": "refund", "amount": 1099, "currency": "eur", "created": now_s(&universe),
            "status": "succeeded", "payment_intent": "pi_1", "metadata": metadata,
        } },
    });
    stripe_says(&mut universe, &told).await;
    settle(&mut universe).await;
    assert_eq!(payment_status(&universe), "requires_payment_method");
    assert_eq!(in_doubt(&universe).len(), 1);
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_moves_nothing_that_is_another_vendor_s() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    silence(&universe);
    let body = json!({ "channel": "sms", "kind": "delivery_notification", "to": "+4798765432", "order_id": "o-2",
        "data": { "status": "out_for_delivery" } });
    assert_eq!(universe.call("POST", "/messages", Some("m-1"), Some(&body)).await.status(), 202);
    pending_payment(&mut universe).await;
    settle(&mut universe).await;
    let items = universe.aws().table().items();
    let intents =
        of_type(&items, "intent").filter(|intent| matches!(text(intent, "kind"), Some("sms.send" | "payment.create")));
    let ids: Vec<String> = intents.map(|intent| text(intent, "intent_id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
    let statuses = |universe: &Universe| -> Vec<String> {
        let items = universe.aws().table().items();
        let objects = items.iter().filter(|item| matches!(text(item, "type"), Some("message" | "payment")));
        objects.map(|object| text(object, "status").unwrap().to_owned()).collect()
    };
    let (before, alarms) = (statuses(&universe), written(Metric::ObjectsInDoubt));
    for (n, intent) in ids.iter().enumerate() {
        let event = json!([{
            "email": "ada@example.com", "event": "delivered", "timestamp": now_s(&universe), "sg_event_id": format!("sg_{n}"),
            "sg_message_id": format!("m-{n}.recvd-1"), "crossdock_stack": STACK_ID, "crossdock_intent": intent,
        }]);
        assert_eq!(sendgrid_says(&mut universe, event.to_string()).await.status(), 200);
    }
    settle(&mut universe).await;
    assert_eq!(statuses(&universe), before);
    assert!(written(Metric::ObjectsInDoubt) - alarms >= 2);
    assert_no_dead_letters(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_second_object_after_a_lost_answer_is_for_a_person() {
    let mut universe = Universe::new(1);
    let fault = CallFault::LostAnswer;
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, fault);
    universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    // Whoever repeats it makes another one, since the key is gone: as if by hand.
    simulation::cases::marks::another_payment(&universe, 1099, "eur");
    settle(&mut universe).await;
    assert_eq!(in_doubt(&universe).len(), 1, "{:?}", in_doubt(&universe));
    assert_eq!(violations(&universe).iter().filter(|wrong| wrong.starts_with('E')).count(), 0);
}
