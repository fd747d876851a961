//! SendGrid's API keys.

use sandbox::Vendor;
use serde_json::{Value, json};
use simulation::universe::Universe;

use crate::{LATER_MS, NEXT_TOKEN, STEPS, TOKEN, each_step_cut_and_doubled, rotation};

/// With ids in them, as real keys have.
pub(crate) const OLD: &str = "SG.first.text";

pub(crate) fn universe() -> Universe {
    let mut universe = Universe::new(1);
    universe.rotates = "sendgrid";
    universe.sandbox().set_api_key(Vendor::SendGrid, OLD);
    universe.change_secret("sendgrid", |secret| secret["transactional_api_key"] = json!(OLD));
    universe
}

fn current(universe: &Universe) -> Value {
    universe.aws().secrets().current("sendgrid")
}

/// The new keys are current, opened, allowed what they need and no more, and there are no others; the old one goes when nobody
/// has it any more, and not before.
async fn is_rotated(universe: &mut Universe, what: &str) {
    let secret = current(universe);
    let keys =
        [&secret["transactional_api_key"], &secret["marketing_api_key"]].map(|key| key.as_str().unwrap().to_owned());
    {
        let sandbox = universe.sandbox();
        let made: Vec<String> = sandbox.sendgrid().made_keys().iter().map(|key| key.text.clone()).collect();
        assert_eq!(made, keys, "{what}");
        for key in sandbox.sendgrid().made_keys() {
            let scopes = key.scopes.as_ref().unwrap_or_else(|| panic!("{what}: a key that may do everything"));
            assert!(scopes.contains(&"mail.send".to_owned()) && !scopes.iter().any(|scope| scope.contains("api_keys")));
        }
        assert!(sandbox.sendgrid().takes_key(OLD), "{what}: functions still use it");
    }
    universe.sleep_ms(60 * 60_000).await;
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    assert!(universe.sandbox().sendgrid().takes_key(OLD), "{what}: too early");
    universe.sleep_ms(LATER_MS).await;
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    assert!(!universe.sandbox().sendgrid().takes_key(OLD), "{what}: it was not deleted");
    assert!(keys.iter().all(|key| universe.sandbox().sendgrid().takes_key(key)), "{what}");
}

#[tokio::test(start_paused = true)]
async fn however_a_step_is_cut_off_or_doubled_one_new_key_of_each_kind_is_current_and_the_old_one_goes_later() {
    each_step_cut_and_doubled(universe, is_rotated).await;
}

/// What is due is cut off, too.
#[tokio::test(start_paused = true)]
async fn however_what_is_due_is_cut_off_the_old_key_goes_and_no_other() {
    for n in 1..20 {
        let mut universe = universe();
        assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()));
        universe.sleep_ms(LATER_MS).await;
        universe.plans.insert(universe.invocations.len(), simulation::Plan::crash(n, simulation::When::After));
        let _ = universe.do_what_a_rotation_left().await;
        let crashed = universe.invocations.last().unwrap().crashed;
        universe.sleep_ms(LATER_MS).await;
        assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
        assert!(!universe.sandbox().sendgrid().takes_key(OLD), "cut off at request {n}");
        assert_eq!(universe.sandbox().sendgrid().made_keys().len(), 2);
        if !crashed {
            return;
        }
    }
    panic!("it never ends");
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_puts_in_between_is_kept_and_the_rotation_gives_up() {
    for before in 1..STEPS.len() {
        let mut universe = universe();
        let token = universe.aws().secrets().begin_rotation("sendgrid", TOKEN);
        for step in &STEPS[..before] {
            assert_eq!(universe.rotate(step, &token).await, Some(Ok(())));
        }
        universe.change_secret("sendgrid", |secret| secret["note"] = json!("by hand"));
        let mut last = Some(Ok(()));
        for step in &STEPS[before..] {
            last = universe.rotate(step, &token).await;
        }
        assert_eq!(last, Some(Err("secret_changed")), "before {}", STEPS[before]);
        let secret = current(&universe);
        assert_eq!((&secret["note"], &secret["transactional_api_key"]), (&json!("by hand"), &json!(OLD)));
        assert_eq!(universe.aws().secrets().labels("sendgrid").1, None, "the next rotation begins anew");
        universe.sleep_ms(60_000).await;
        assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
        assert!(universe.sandbox().sendgrid().made_keys().is_empty(), "keys that nobody uses are deleted");

        assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Ok(()));
        assert_eq!(current(&universe)["note"], "by hand");
        is_rotated(&mut universe, "after an operator's put").await;
    }
}

/// Whoever put the old key back has the last word.
#[tokio::test(start_paused = true)]
async fn a_key_that_the_current_version_names_is_not_deleted() {
    let mut universe = universe();
    assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()));
    universe.change_secret("sendgrid", |secret| secret["transactional_api_key"] = json!(OLD));
    universe.sleep_ms(LATER_MS).await;
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    assert!(universe.sandbox().sendgrid().takes_key(OLD));
}

#[tokio::test(start_paused = true)]
async fn while_sendgrid_is_down_nothing_changes_and_afterwards_it_goes_on() {
    let mut universe = universe();
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    assert_eq!(rotation(&mut universe, TOKEN).await, Err("vendor_unavailable"));
    assert_eq!(current(&universe)["transactional_api_key"], OLD);
    universe.sandbox().faults().outage(Vendor::SendGrid, false);
    assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Ok(()), "it goes on with the same version");
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    universe.sleep_ms(LATER_MS).await;
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    universe.sandbox().faults().outage(Vendor::SendGrid, false);
    universe.sleep_ms(15 * 60_000).await;
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    assert!(!universe.sandbox().sendgrid().takes_key(OLD));
}

#[tokio::test(start_paused = true)]
async fn an_admin_key_that_is_refused_is_said_and_changes_nothing() {
    let mut universe = universe();
    universe.aws().secrets().put("sendgrid-admin", &json!({ "api_key": "SG.wrong.key" }));
    assert_eq!(rotation(&mut universe, TOKEN).await, Err("admin_key_refused"));
    assert_eq!(current(&universe)["transactional_api_key"], OLD);
    assert!(universe.sandbox().sendgrid().made_keys().is_empty());
}

/// Somebody has deleted it at SendGrid in between.
#[tokio::test(start_paused = true)]
async fn a_new_key_that_is_refused_never_becomes_current_and_the_next_rotation_makes_others() {
    let mut universe = universe();
    let token = universe.aws().secrets().begin_rotation("sendgrid", TOKEN);
    assert_eq!(universe.rotate("createSecret", &token).await, Some(Ok(())));
    let gone = universe.sandbox().sendgrid().made_keys()[0].id.clone();
    let request =
        http::Request::delete(format!("/v3/api_keys/{gone}")).header("authorization", "Bearer SG.sandbox-admin");
    let now_ms = universe.now_ms();
    universe.sandbox().call(Vendor::SendGrid, now_ms, request.body(bytes::Bytes::new()).unwrap());
    assert_eq!(universe.rotate("testSecret", &token).await, Some(Err("key_not_known_yet")));
    universe.sleep_ms(61_000).await;
    assert_eq!(universe.rotate("testSecret", &token).await, Some(Err("key_refused")));
    assert_eq!(universe.rotate("finishSecret", &token).await, Some(Err("version_not_pending")));
    assert_eq!(current(&universe)["transactional_api_key"], OLD);
    universe.sleep_ms(60_000).await;
    assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Ok(()));
    is_rotated(&mut universe, "after a refused key").await;
}

/// Secrets Manager asks for what it has begun. Whoever else calls the function gets nothing.
#[tokio::test(start_paused = true)]
async fn a_step_of_no_rotation_or_of_another_secret_is_refused() {
    let mut universe = universe();
    assert_eq!(universe.rotate("createSecret", TOKEN).await, Some(Err("version_not_pending")));
    assert_eq!(universe.rotate("createSecret", "").await, Some(Err("version_not_pending")));
    assert_eq!(universe.rotate("finishSecret", TOKEN).await, Some(Err("version_not_pending")));
    assert_eq!(universe.rotate("deleteSecret", TOKEN).await, Some(Err("unknown_step")));
    assert!(universe.sandbox().sendgrid().made_keys().is_empty());
}
