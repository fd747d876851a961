//! Two versions side by side, as during a deploy: what the newer one wrote is kept, and what only it understands is left
//! to it.

#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use std::collections::BTreeMap;

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, payment, shopper_pays};
use simulation::universe::Universe;

/// More than enough for whatever is due.
const A_WHILE_MS: i64 = 4 * 3_600_000;
/// A status, a kind, a phase that this version has never heard of.
const OF_TOMORROW: &str = "of_tomorrow";

fn places(universe: &Universe, kinds: &[&str]) -> Vec<(String, String)> {
    let items = universe.aws().table().items();
    let wanted = items.iter().filter(|item| text(item, "type").is_some_and(|kind| kinds.contains(&kind)));
    wanted.map(|item| (text(item, "pk").unwrap().to_owned(), text(item, "sk").unwrap().to_owned())).collect()
}

fn set(universe: &Universe, (pk, sk): &(String, String), name: &str, value: &str) {
    universe.aws().table().set_attributes(pk, sk, &[(name, &json!({ "S": value }))]);
}

#[tokio::test(start_paused = true)]
async fn attributes_of_a_newer_version_survive_whatever_this_one_writes() {
    let mut universe = Universe::new(1);
    let body = confirmed_payment("o-1", "pm_card_visa");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let path = format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap());
    let refund = json!({ "amount": { "value": 100, "currency": "EUR" } });
    assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&refund)).await.status(), 201);
    let marked = places(&universe, &["intent", "payment", "refund", "message", "customer"]);
    assert!(marked.len() >= 8, "{marked:?}");
    for place in &marked {
        set(&universe, place, OF_TOMORROW, "kept");
    }
    universe.run_until_quiet(A_WHILE_MS).await;
    for (pk, sk) in &marked {
        let item = universe.aws().table().item(pk, sk).unwrap();
        assert_eq!(item[OF_TOMORROW], "kept", "{pk}");
        assert_ne!(item["phase"], "READY", "{pk}");
    }
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_payment_in_a_status_of_tomorrow_is_left_as_it_is_and_its_neighbour_is_paid() {
    let mut universe = Universe::new(1);
    let parked = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let place = places(&universe, &["payment"]).remove(0);
    let status = universe.aws().table().item(&place.0, &place.1).unwrap()["status"].clone();
    set(&universe, &place, "status", OF_TOMORROW);
    let before = universe.aws().table().item(&place.0, &place.1);
    shopper_pays(&universe, &parked);
    let body = confirmed_payment("o-2", "pm_card_visa");
    let neighbour = universe.call("POST", "/payments", Some("k-2"), Some(&body)).await;
    assert_eq!(neighbour.body()["status"], "succeeded");
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.aws().table().item(&place.0, &place.1), before);
    let mails = |universe: &Universe| {
        of_type(&universe.aws().table().items(), "message").map(|mail| mail["order_id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(mails(&universe), ["o-2"]);
    // The newer version has done its part, and an operator puts back what waits in the dead-letter queue.
    set(&universe, &place, "status", status.as_str().unwrap());
    let dead = universe.aws().sqs().messages("inbound-events-dlq");
    assert!(!dead.is_empty(), "the webhook is nowhere");
    for message in dead {
        universe.aws().sqs().send("inbound-events", &message.body, message.attributes.clone(), 0);
        universe.may_die.push(message.body);
    }
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.aws().table().item(&place.0, &place.1).unwrap()["status"], "succeeded");
    assert_eq!(mails(&universe).len(), 2);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_intent_whose_object_cannot_be_read_waits_for_a_person_and_is_not_claimed_for_ever() {
    let mut universe = Universe::new(1);
    let body = confirmed_payment("o-1", "pm_card_visa");
    universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let place = places(&universe, &["payment"]).remove(0);
    set(&universe, &place, "status", OF_TOMORROW);
    universe.run_until_quiet(A_WHILE_MS).await;
    let items = universe.aws().table().items();
    let phases: BTreeMap<&str, &str> = of_type(&items, "intent")
        .map(|intent| (text(intent, "kind").unwrap(), text(intent, "phase").unwrap()))
        .collect();
    // The look at the fee needs the payment; mail and publications do not.
    assert_eq!(phases["payment.settlement"], "MANUAL");
    assert_eq!((phases["mail.send"], phases["publish"]), ("DONE", "DONE"));
    let calls = universe.sandbox().calls().len();
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.sandbox().calls().len(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_phase_of_tomorrow_is_left_alone_and_the_rest_of_the_list_goes_on() {
    let mut universe = Universe::new(1);
    let body = confirmed_payment("o-1", "pm_card_visa");
    universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let items = universe.aws().table().items();
    let mail = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("mail.send")).unwrap();
    let place = (text(mail, "pk").unwrap().to_owned(), "INTENT".to_owned());
    set(&universe, &place, "phase", "OF_TOMORROW");
    let before = universe.aws().table().item(&place.0, &place.1);
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(universe.aws().table().item(&place.0, &place.1), before);
    let items = universe.aws().table().items();
    let others = of_type(&items, "intent").filter(|intent| text(intent, "pk") != Some(place.0.as_str()));
    let phases: Vec<_> = others.filter_map(|intent| text(intent, "phase")).collect();
    assert!(phases.len() >= 4 && phases.iter().all(|phase| *phase == "DONE"), "{phases:?}");
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 0);
    // The newer version gives it back.
    set(&universe, &place, "phase", "READY");
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_older_version_repeated_an_hour_after_the_first_call_is_found_in_the_list() {
    let mut universe = Universe::new(1);
    universe.sandbox().set_webhook(Vendor::Stripe, "", None);
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, CallFault::LostRequest);
    let body = confirmed_payment("o-1", "pm_card_visa");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    assert_eq!((created.status(), &created.body()["status"]), (202, &json!("processing")));
    let create = |universe: &Universe| {
        let items = universe.aws().table().items();
        of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.create")).unwrap().clone()
    };
    let before = create(&universe);
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    universe.run_until_quiet(3_600_000).await;
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, CallFault::LostAnswer);
    while universe.sandbox().stripe().payment_intents().is_empty() || create(&universe)["phase"] != "UNKNOWN" {
        universe.run_until_quiet(5_000).await;
    }
    // An older version writes down only the end of a repeat's lease.
    let first = json!({ "N": before["called_until"].to_string() });
    universe.aws().table().set_attributes(text(&before, "pk").unwrap(), "INTENT", &[("called_until", &first)]);
    let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
    assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
    universe.run_until_quiet(A_WHILE_MS).await;
    let items = universe.aws().table().items();
    let status = of_type(&items, "payment").next().unwrap()["status"].clone();
    assert_eq!(status, "succeeded", "it was charged");
}

#[tokio::test(start_paused = true)]
async fn the_only_provider_is_not_written_so_older_versions_read_what_they_always_did() {
    let mut universe = Universe::new(1);
    let customer = json!({ "id": "c-1", "email": "ada@example.com", "name": "Ada Lovelace" });
    assert_eq!(universe.call("POST", "/customers", None, Some(&customer)).await.status(), 201);
    let body = confirmed_payment("o-1", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("k-1"), Some(&body)).await.status(), 201);
    universe.run_until_quiet(A_WHILE_MS).await;
    let items = universe.aws().table().items();
    for kind in ["payment", "customer"] {
        let found: Vec<&Value> = of_type(&items, kind).collect();
        assert!(!found.is_empty(), "no {kind}");
        assert!(found.iter().all(|item| item.get("provider").is_none()), "{found:?}");
    }
}
