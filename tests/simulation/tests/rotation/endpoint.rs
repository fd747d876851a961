//! Stripe's webhook endpoint.

use sandbox::Vendor;
use serde_json::{Value, json};
use simulation::shop::{confirmed_payment, order};
use simulation::universe::Universe;

use crate::{LATER_MS, NEXT_TOKEN, STEPS, TOKEN, each_step_cut_and_doubled, rotation};

const OLD: &str = "we_sandbox";
const A_WHILE_MS: i64 = 600_000;

pub(crate) fn universe() -> Universe {
    let mut universe = Universe::new(1);
    universe.rotates = "stripe-webhook";
    universe
}

fn secrets(universe: &Universe) -> Vec<Value> {
    universe.aws().secrets().current("stripe-webhook")["webhook_secrets"].as_array().unwrap().clone()
}

/// The endpoints at Stripe, with how many event types each is sent.
pub(crate) fn endpoints(universe: &Universe) -> Vec<(String, usize)> {
    let sandbox = universe.sandbox();
    let all = sandbox.stripe().webhook_endpoints();
    all.iter().map(|endpoint| (endpoint.id.clone(), endpoint.enabled_events.len())).collect()
}

async fn pays(universe: &mut Universe, name: &str) {
    let created = universe.call("POST", "/payments", Some(name), Some(&confirmed_payment(name, "pm_card_visa"))).await;
    assert_eq!(created.status(), 201, "{}", created.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(order(universe, name).await["payment"]["status"], "succeeded");
}

async fn ticks(universe: &mut Universe) {
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
}

/// Old and new are inside; the new endpoint is sent nothing before every receiver knows its secret, and the old one goes when
/// one webhook of the new one was verified.
async fn is_rotated(universe: &mut Universe, what: &str) {
    let inside = secrets(universe);
    let [old, new] = &inside[..] else { panic!("{what}: {inside:?}") };
    assert_eq!(old["secret"], sandbox::Settings::default().stripe_webhook_secret, "{what}");
    let new = new["endpoint"].as_str().unwrap().to_owned();
    assert_eq!(endpoints(universe), [(OLD.to_owned(), 16), (new.clone(), 1)], "{what}");
    universe.sleep_ms(60 * 60_000).await;
    ticks(universe).await;
    assert_eq!(endpoints(universe)[1].1, 1, "{what}: too early");
    universe.sleep_ms(LATER_MS).await;
    ticks(universe).await;
    assert_eq!(
        endpoints(universe),
        [(OLD.to_owned(), 16), (new.clone(), 16)],
        "{what}: nothing came from the new one yet"
    );
    pays(universe, "o-1").await;
    universe.sleep_ms(LATER_MS).await;
    ticks(universe).await;
    assert_eq!(endpoints(universe), [(new, 16)], "{what}");
    pays(universe, "o-2").await;
    let told = universe.sandbox().deliveries(Vendor::Stripe);
    assert_eq!((told.waiting, told.given_up, told.tries), (0, 0, told.accepted), "{what}: an event was refused");
}

#[tokio::test(start_paused = true)]
async fn however_a_step_is_cut_off_or_doubled_there_is_one_new_endpoint_and_the_old_one_goes_when_it_is_proven() {
    each_step_cut_and_doubled(universe, is_rotated).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_puts_in_between_is_kept_and_the_new_endpoint_goes() {
    for before in 1..STEPS.len() {
        let mut universe = universe();
        let token = universe.aws().secrets().begin_rotation("stripe-webhook", TOKEN);
        for step in &STEPS[..before] {
            assert_eq!(universe.rotate(step, &token).await, Some(Ok(())));
        }
        universe.change_secret("stripe-webhook", |secret| secret["note"] = json!("by hand"));
        let mut last = Some(Ok(()));
        for step in &STEPS[before..] {
            last = universe.rotate(step, &token).await;
        }
        assert_eq!(last, Some(Err("secret_changed")));
        universe.sleep_ms(60_000).await;
        ticks(&mut universe).await;
        assert_eq!(endpoints(&universe), [(OLD.to_owned(), 16)]);
        assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Ok(()));
        is_rotated(&mut universe, "after an operator's put").await;
    }
}

/// The second rotation finds what the first has made.
#[tokio::test(start_paused = true)]
async fn a_rotation_begins_when_the_one_before_is_done_and_drops_secrets_of_endpoints_that_are_gone() {
    let mut universe = universe();
    assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()));
    assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Err("rotation_unfinished"));
    is_rotated(&mut universe, "the first").await;
    let first = secrets(&universe)[1].clone();
    assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Ok(()));
    let inside = secrets(&universe);
    assert_eq!((inside.len(), &inside[0]), (2, &first));
    assert_ne!(inside[1]["secret"], first["secret"]);
}

#[tokio::test(start_paused = true)]
async fn while_stripe_is_down_or_refuses_the_key_nothing_changes() {
    let mut universe = universe();
    let before = secrets(&universe);
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    assert_eq!(rotation(&mut universe, TOKEN).await, Err("vendor_unavailable"));
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.aws().secrets().put("stripe-admin", &json!({ "api_key": "rk_test_wrong" }));
    universe.sleep_ms(300_000).await;
    assert_eq!(rotation(&mut universe, TOKEN).await, Err("admin_key_refused"));
    assert_eq!((secrets(&universe), endpoints(&universe).len()), (before, 1));
}

/// A secret that an operator has taken out again: the endpoint that is signed with it must not get events.
#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_secret_is_not_in_the_current_version_gets_no_events() {
    let mut universe = universe();
    assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()));
    let old = json!([{ "secret": sandbox::Settings::default().stripe_webhook_secret }]);
    universe.aws().secrets().put("stripe-webhook", &json!({ "webhook_secrets": old }));
    universe.sleep_ms(LATER_MS).await;
    ticks(&mut universe).await;
    assert_eq!(endpoints(&universe)[1].1, 1);
    pays(&mut universe, "o-1").await;
    universe.sleep_ms(LATER_MS).await;
    ticks(&mut universe).await;
    assert_eq!(endpoints(&universe)[0].0, OLD, "the old one stays, since there is no other");
}
