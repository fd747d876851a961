//! The credential switch.

use crossdock::domain::Timestamp;
use crossdock::gateway::breaker::{Forced, State, Switch};
use crossdock::gateway::{Lane, OperationClass, Vendor, force};
use futures_util::future::join_all;
use serde_json::json;
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::Universe;

use super::{HOUR_MS, Instance, MINUTE_MS, breaker, stripe_calls};

fn put_key(universe: &Universe, key: &str) {
    let settings = sandbox::Settings::default();
    let secret = json!({ "api_key": key, "webhook_secrets": [{ "secret": settings.stripe_webhook_secret }] });
    universe.aws().secrets().put("stripe", &secret);
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
