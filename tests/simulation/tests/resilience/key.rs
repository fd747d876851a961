//! The credential switch.

use crossdock::domain::Timestamp;
use crossdock::gateway::breaker::{Forced, State, Switch};
use crossdock::gateway::{Lane, OperationClass, Vendor, force};
use futures_util::future::join_all;
use sandbox::CallFault;
use serde_json::json;
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::{Function, Universe};

use super::{HOUR_MS, Instance, MINUTE_MS, breaker, stripe_calls};

fn put_key(universe: &Universe, key: &str) {
    universe.aws().secrets().put("stripe", &json!({ "api_key": key }));
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_tried_by_one_and_everybody_goes_on_when_there_is_another() {
    let mut universe = Universe::new(1);
    put_key(&universe, "sk_test_wrong");
    for n in 0..20 {
        let order = format!("o-{n}");
        let answer =
            universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, "pm_card_visa"))).await;
        assert!(matches!(answer.status(), 202 | 500), "{}", answer.status());
    }
    let tried = stripe_calls(&universe);
    assert!(tried <= 2, "{tried} calls with a key that is refused");
    let switch = breaker(&universe, "stripe#key");
    assert_eq!((&switch["state"], &switch["cause"]), (&json!("OPEN"), &json!("key_refused")), "{switch}");

    universe.run_until_quiet(30 * MINUTE_MS).await;
    let while_refused = stripe_calls(&universe) - tried;
    assert!((4..=6).contains(&while_refused), "{while_refused} calls in half an hour: not a probe each five minutes");
    assert_eq!(breaker(&universe, "stripe#key")["epoch"], switch["epoch"], "a probe that was refused closed it");

    put_key(&universe, &sandbox::Settings::default().stripe_api_key);
    universe.run_until_quiet(2 * HOUR_MS).await;
    for n in 0..20 {
        let order = order(&mut universe, &format!("o-{n}")).await;
        assert_eq!(order["payment"]["status"], "succeeded", "{order}");
    }
    assert_eq!(breaker(&universe, "stripe#key")["state"], "CLOSED");
}

#[tokio::test(start_paused = true)]
async fn another_key_is_found_within_two_minutes() {
    let mut universe = Universe::new(1);
    put_key(&universe, "sk_test_wrong");
    universe.call("POST", "/payments", Some("k"), Some(&payment("o-1"))).await;
    put_key(&universe, &sandbox::Settings::default().stripe_api_key);
    universe.run_until_quiet(2 * MINUTE_MS + 5_000).await;
    let order = order(&mut universe, "o-1").await;
    assert_eq!(order["payment"]["status"], "requires_payment_method", "{order}");
}

#[tokio::test(start_paused = true)]
async fn ten_calls_side_by_side_find_the_key_that_one_of_them_has_read_anew() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    put_key(&universe, "sk_test_before");
    // It has the key in memory, and has not called with it yet.
    let until = Timestamp::from_ms(universe.now_ms() + 20_000);
    let (list, switch) = (instance.system.work_list().unwrap(), Switch::Class(OperationClass::Read));
    force(list.table(), Vendor::Stripe, switch, Some(Forced { state: State::Open, until })).await.unwrap();
    assert!(instance.read(Lane::Interactive).await.is_err());
    universe.sleep_ms(40_000).await;

    put_key(&universe, &sandbox::Settings::default().stripe_api_key);
    join_all((0..10).map(|_| instance.read(Lane::Interactive))).await;
    assert_eq!(stripe_calls(&universe), 20, "each once with the old key and once with the new one");
    assert_eq!(breaker(&universe, "stripe#key"), json!(null), "it was never opened");
}

/// SendGrid's secret, with this key for marketing.
fn put_marketing_key(universe: &Universe, key: &str) {
    universe.change_secret("sendgrid", |secret| secret["marketing_api_key"] = json!(key));
}

/// A promotion is asked for by each of so many who want it.
async fn promote(universe: &mut Universe, people: std::ops::Range<usize>) {
    for n in people {
        let address = format!("shopper{n}@example.com");
        let wish = json!({ "channel": "email", "address": address, "marketing": true,
            "proof": { "source": "checkout", "at": "2024-04-01T00:00:00Z" } });
        assert_eq!(universe.call("PUT", "/contacts/preferences", None, Some(&wish)).await.status(), 200);
        let mail = json!({ "channel": "email", "kind": "promotion", "to": address,
            "data": { "subject": "Half price", "text": "Only today." } });
        assert_eq!(universe.call("POST", "/messages", Some(&address), Some(&mail)).await.status(), 202);
    }
}

async fn pay(universe: &mut Universe, order: &str) {
    let body = confirmed_payment(order, "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some(order), Some(&body)).await.status(), 201);
}

/// How many mails of each kind SendGrid has sent: orders', and promotions.
fn mails(universe: &Universe) -> (usize, usize) {
    let sandbox = universe.sandbox();
    let all = sandbox.sendgrid().mails();
    let promotions = all.iter().filter(|mail| mail.subject == "Half price").count();
    (all.len() - promotions, promotions)
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_for_marketing_stops_promotions_and_no_order_s_mail() {
    let mut universe = Universe::new(1);
    put_marketing_key(&universe, "SG.wrong");
    promote(&mut universe, 0..20).await;
    universe.run_until_quiet(MINUTE_MS).await;
    let switch = breaker(&universe, "sendgrid#marketing_key");
    assert_eq!((&switch["state"], &switch["cause"]), (&json!("OPEN"), &json!("key_refused")), "{switch}");

    for n in 0..5 {
        pay(&mut universe, &format!("o-{n}")).await;
    }
    universe.run_until_quiet(MINUTE_MS).await;
    assert_eq!(mails(&universe), (5, 0));
    assert_eq!(breaker(&universe, "sendgrid#key")["state"], json!(null), "no order's mail was held back");

    let before = universe.invocations.len();
    universe.run_until_quiet(HOUR_MS / 2).await;
    let works = universe.invocations[before..].iter().filter(|one| one.function == Function::EmailSender).count();
    assert!(works <= 31, "{works} works in half an hour: more than one a minute looks whether there is another key");

    put_marketing_key(&universe, &sandbox::Settings::default().sendgrid_marketing_api_key);
    universe.run_until_quiet(HOUR_MS / 2).await;
    assert_eq!(mails(&universe), (5, 20));
    assert_eq!(breaker(&universe, "sendgrid#marketing_key")["state"], "CLOSED");
}

/// The next mails are answered 403.
fn forbid_mails(universe: &Universe, calls: u32) {
    let forbidden = CallFault::ErrorBefore { status: 403 };
    universe.sandbox().faults().next_calls(sandbox::Vendor::SendGrid, "mail_send", calls, forbidden);
}

#[tokio::test(start_paused = true)]
async fn a_key_for_marketing_that_may_do_nothing_stops_promotions_and_no_order_s_mail() {
    let mut universe = Universe::new(1);
    forbid_mails(&universe, 3);
    promote(&mut universe, 0..3).await;
    universe.run_until_quiet(MINUTE_MS / 2).await;
    let switch = breaker(&universe, "sendgrid#marketing_key");
    assert_eq!((&switch["state"], &switch["cause"]), (&json!("OPEN"), &json!("forbidden")), "{switch}");
    assert_ne!(breaker(&universe, "sendgrid#effect")["state"], "OPEN");

    pay(&mut universe, "o-1").await;
    universe.run_until_quiet(MINUTE_MS / 2).await;
    assert_eq!(mails(&universe), (1, 0));

    put_marketing_key(&universe, &sandbox::Settings::default().sendgrid_marketing_api_key);
    universe.run_until_quiet(3 * MINUTE_MS).await;
    assert_eq!(breaker(&universe, "sendgrid#marketing_key")["state"], "CLOSED", "another key was not noticed");
    universe.run_until_quiet(HOUR_MS / 2).await;
    assert_eq!(mails(&universe), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn one_campaign_is_enough_to_notice_that_the_key_for_marketing_may_do_nothing() {
    let mut universe = Universe::new(1);
    forbid_mails(&universe, 100);
    let wish = json!({ "channel": "email", "address": "ada@example.com", "marketing": true,
        "proof": { "source": "checkout", "at": "2024-04-01T00:00:00Z" } });
    universe.call("PUT", "/contacts/preferences", None, Some(&wish)).await;
    let campaign = json!({ "name": "Spring", "recipients": [{ "email": "ada@example.com" }],
        "data": { "subject": "Half price", "text": "Only today." } });
    assert_eq!(universe.call("POST", "/campaigns", Some("c-1"), Some(&campaign)).await.status(), 202);
    universe.run_until_quiet(HOUR_MS / 2).await;
    assert_eq!(breaker(&universe, "sendgrid#marketing_key")["cause"], "forbidden");
}

#[tokio::test(start_paused = true)]
async fn what_the_key_for_marketing_may_do_or_not_proves_nothing_of_the_other() {
    let mut universe = Universe::new(1);
    for n in 0..3 {
        forbid_mails(&universe, 1);
        pay(&mut universe, &format!("o-{n}")).await;
        universe.run_until_quiet(2_000).await;
        promote(&mut universe, n..n + 1).await;
        universe.run_until_quiet(2_000).await;
    }
    assert_eq!(mails(&universe), (0, 2), "the third promotion waits");
    let switch = breaker(&universe, "sendgrid#effect");
    assert_eq!((&switch["state"], &switch["cause"]), (&json!("OPEN"), &json!("forbidden")), "{switch}");

    forbid_mails(&universe, 1_000);
    promote(&mut universe, 3..6).await;
    universe.run_until_quiet(HOUR_MS).await;
    assert_eq!(breaker(&universe, "sendgrid#effect")["epoch"], switch["epoch"], "a forbidden promotion has closed it");
}

#[tokio::test(start_paused = true)]
async fn a_key_for_marketing_that_nobody_needs_any_more_makes_no_order_s_mail_slower() {
    let mut waits = Vec::new();
    for key in ["SG.wrong", &sandbox::Settings::default().sendgrid_marketing_api_key] {
        let mut universe = Universe::new(1);
        universe.keeps_instances = true;
        put_marketing_key(&universe, key);
        promote(&mut universe, 0..1).await;
        universe.run_until_quiet(24 * HOUR_MS).await;
        pay(&mut universe, "o-1").await;
        universe.run_until_quiet(MINUTE_MS).await;
        assert_eq!(mails(&universe).0, 1);
        let sent = universe.invocations.iter().rev().find(|one| one.function == Function::EmailSender).unwrap();
        waits.push(sent.waves.len());
    }
    assert_eq!(waits[0], waits[1]);
}

#[tokio::test(start_paused = true)]
async fn promotions_that_are_forbidden_now_and_then_stop_nobody() {
    let mut universe = Universe::new(1);
    for n in 0..4 {
        forbid_mails(&universe, 1);
        promote(&mut universe, 2 * n..2 * n + 1).await;
        universe.run_until_quiet(5_000).await;
        promote(&mut universe, 2 * n + 1..2 * n + 2).await;
        universe.run_until_quiet(5_000).await;
    }
    assert_eq!(breaker(&universe, "sendgrid#marketing_key")["state"], "CLOSED");
    universe.run_until_quiet(HOUR_MS).await;
    assert_eq!(mails(&universe), (0, 8));
}
