//! Tokens: one call for all instances, kept where nobody can read them, renewed before anybody has to wait, and once more
//! when one is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, hold the whole system on their stack, and make the time"
)]

mod carrier;

use crossdock::domain::shipping::Tracking;
use crossdock::effects::Reason;
use crossdock::vendors::carrier::CarrierAnswer;
use futures_util::future::join_all;
use serde_json::json;
use simulation::{Fault, Plan};

use self::carrier::{Carrier, Instance, SECRET, TokenAnswer};

const HOUR_MS: u64 = 3_600_000;

fn done(answers: &[CarrierAnswer<Tracking>]) -> bool {
    answers.iter().all(|answer| matches!(answer, CarrierAnswer::Done(_)))
}

async fn all_track(instances: &[Instance]) -> Vec<CarrierAnswer<Tracking>> {
    join_all(instances.iter().map(Instance::track)).await
}

#[tokio::test(start_paused = true)]
async fn fifty_cold_instances_make_one_token_call() {
    let carrier = Carrier::new();
    let instances: Vec<Instance> = (0..50).map(|_| carrier.instance()).collect();
    assert!(done(&all_track(&instances).await));
    assert_eq!((carrier.token_calls(), carrier.api_calls()), (1, 50));
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_instance_at_the_same_moment_make_one_token_call() {
    let carrier = Carrier::new();
    let instance = carrier.instance();
    assert!(done(&join_all((0..20).map(|_| instance.track())).await));
    assert_eq!((carrier.token_calls(), instance.looks()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cold_instance_looks_once_and_a_warm_one_never() {
    let carrier = Carrier::new();
    assert!(done(&[carrier.instance().track().await]));
    let second = carrier.instance();
    assert!(done(&[second.track().await]));
    assert_eq!(second.looks(), 1);
    assert!(done(&[second.track().await, second.track().await]));
    assert_eq!((second.looks(), carrier.token_calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_the_table_alone_has_nothing() {
    let carrier = Carrier::new();
    carrier.instance().track().await;
    let items = serde_json::to_string(&carrier.items()).unwrap();
    assert!(items.contains("TOKEN#fedex"));
    assert!(!items.contains("token-1") && !items.contains(SECRET), "{items}");
    assert!(!items.contains(&carrier::base64("token-1")), "{items}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_tampered_with_or_given_for_another_secret_is_fetched_anew() {
    for tamper in [
        |carrier: &Carrier| carrier.change_item("ends_at", &json!({ "N": "9999999999999" })),
        |carrier: &Carrier| carrier.change_item("sealed", &json!({ "S": "A".repeat(64) })),
        |carrier: &Carrier| carrier.change_item("sealed", &json!({ "S": "not base64 !" })),
        |carrier: &Carrier| carrier.put_secret("another-secret"),
    ] {
        let carrier = Carrier::new();
        carrier.instance().track().await;
        tamper(&carrier);
        assert!(done(&[carrier.instance().track().await]));
        assert_eq!(carrier.token_calls(), 2);
        assert!(done(&[carrier.instance().track().await]));
        assert_eq!(carrier.token_calls(), 2, "what was written can be read again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_by_one_at_80_percent_of_its_life_while_the_others_use_the_old_one() {
    let carrier = Carrier::new();
    let instances: Vec<Instance> = (0..30).map(|_| carrier.instance()).collect();
    all_track(&instances).await;
    carrier.sleep_ms(HOUR_MS * 79 / 100).await;
    assert!(done(&all_track(&instances).await));
    assert_eq!(carrier.token_calls(), 1);

    carrier.sleep_ms(HOUR_MS * 2 / 100).await;
    carrier.answer_tokens_after(1_500);
    let before = carrier.now_ms();
    assert!(done(&all_track(&instances[1..]).await));
    assert_eq!(carrier.token_calls(), 2);
    let with_old = carrier.bearers().iter().rev().take(29).filter(|bearer| *bearer == "token-1").count();
    assert_eq!(with_old, 28, "nobody but one waited {} ms", carrier.now_ms() - before);

    carrier.sleep_ms(HOUR_MS * 10 / 100).await;
    assert!(done(&all_track(&instances).await));
    assert_eq!((carrier.token_calls(), carrier.bearers().last().unwrap().as_str()), (2, "token-2"));
}

#[tokio::test(start_paused = true)]
async fn while_no_new_token_can_be_got_the_old_one_goes_on_until_shortly_before_its_end() {
    let carrier = Carrier::new();
    let instance = carrier.instance();
    instance.track().await;
    carrier.sleep_ms(HOUR_MS * 85 / 100).await;
    carrier.answer_tokens_with(TokenAnswer::Status(403));
    assert!(done(&[instance.track().await]));
    carrier.sleep_ms(HOUR_MS * 11 / 100).await;
    let answer = instance.track().await;
    assert!(is_unavailable(&answer), "{answer:?}");
    assert_eq!(carrier.bearers().len(), 2, "nothing was sent with a token that may be over");
}

fn is_unavailable(answer: &CarrierAnswer<Tracking>) -> bool {
    matches!(
        answer,
        CarrierAnswer::NotDone { reason: Reason::VendorUnavailable | Reason::HeldBack, answered: false, .. }
    )
}

#[tokio::test(start_paused = true)]
async fn a_token_service_that_throttles_is_asked_once_in_seven_seconds_by_all_together() {
    for answer in [TokenAnswer::Status(403), TokenAnswer::Status(503), TokenAnswer::Unreadable] {
        let carrier = Carrier::new();
        carrier.answer_tokens_with(answer);
        let instances: Vec<Instance> = (0..50).map(|_| carrier.instance()).collect();
        let answers = all_track(&instances).await;
        assert!(answers.iter().all(is_unavailable), "{answer:?}: {answers:?}");
        let waited_s = carrier.running_ms() / 1_000;
        assert!(waited_s <= 13, "{waited_s} s");
        let calls = carrier.token_calls();
        assert!(calls <= 3, "{answer:?}: {calls} token calls in {waited_s} s");
        assert_eq!(carrier.api_calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_service_that_says_too_many_to_several_requests_forbids_nothing() {
    let carrier = Carrier::new();
    carrier.answer_tokens_with(TokenAnswer::Status(403));
    for _ in 0..5 {
        assert!(is_unavailable(&carrier.instance().track().await));
        carrier.sleep_ms(8_000).await;
    }
    carrier.answer_tokens_with(TokenAnswer::Given);
    assert!(done(&[carrier.instance().track().await]));
}

#[tokio::test(start_paused = true)]
async fn whoever_died_while_fetching_is_followed_when_the_lease_has_run_out() {
    let carrier = Carrier::new();
    carrier.answer_tokens_after(3_000);
    let dead = carrier.instance();
    let fetching = dead.track();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(1_000), fetching).await.is_err());
    assert_eq!(carrier.token_calls(), 1);
    carrier.answer_tokens_after(200);
    let others: Vec<Instance> = (0..10).map(|_| carrier.instance()).collect();
    assert!(done(&all_track(&others).await));
    assert_eq!(carrier.token_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_dropped_for_all_and_the_call_made_once_more() {
    let carrier = Carrier::new();
    let (one, other) = (carrier.instance(), carrier.instance());
    all_track(&[one.clone(), other.clone()]).await;
    carrier.revoke("token-1");
    assert!(done(&[one.track().await]));
    assert_eq!(carrier.bearers().split_off(2), ["token-1", "token-2"]);
    // The other still has the old one in memory, and finds the new one in the table.
    assert!(done(&[other.track().await]));
    assert_eq!(carrier.bearers().split_off(4), ["token-1", "token-2"]);
    assert_eq!(carrier.token_calls(), 2);
    assert!(done(&[carrier.instance().track().await]));
    assert_eq!(carrier.token_calls(), 2, "the new one was not dropped with the old one");
}

#[tokio::test(start_paused = true)]
async fn an_api_that_refuses_every_token_is_asked_twice_and_then_left_alone() {
    let carrier = Carrier::new();
    carrier.refuse_every_token();
    let instance = carrier.instance();
    let answer = instance.track().await;
    assert!(matches!(answer, CarrierAnswer::NotDone { reason: Reason::VendorCredentials, .. }), "{answer:?}");
    assert_eq!((carrier.api_calls(), carrier.token_calls()), (2, 2));
    let held = instance.track().await;
    assert!(matches!(held, CarrierAnswer::NotDone { reason: Reason::HeldBack, .. }), "{held:?}");
    assert_eq!(carrier.api_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_said_to_be_one_and_another_one_works_at_once() {
    let carrier = Carrier::new();
    carrier.put_secret("wrong");
    let instance = carrier.instance();
    let answer = instance.track().await;
    assert!(matches!(answer, CarrierAnswer::NotDone { reason: Reason::VendorCredentials, .. }), "{answer:?}");
    assert_eq!((carrier.token_calls(), carrier.api_calls()), (1, 0));
    let held = instance.track().await;
    assert!(matches!(held, CarrierAnswer::NotDone { reason: Reason::HeldBack, .. }), "{held:?}");
    assert_eq!(carrier.token_calls(), 1);

    carrier.put_secret(SECRET);
    carrier.sleep_ms(31_000).await;
    let answer = instance.track().await;
    assert!(done(std::slice::from_ref(&answer)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_secret_is_refused_too_does_not_close_the_credential_switch() {
    for answer in [TokenAnswer::Status(400), TokenAnswer::Status(401)] {
        let carrier = Carrier::new();
        carrier.answer_tokens_with(answer);
        let instance = carrier.instance();
        instance.track().await;
        let opened = carrier.item("BREAKER#fedex#key");
        assert_eq!(opened["state"], "OPEN", "{answer:?}: {opened}");
        for probe in 1..=4 {
            carrier.sleep_ms(5 * 60_000 + 1_000).await;
            let refused = instance.track().await;
            assert!(
                matches!(refused, CarrierAnswer::NotDone { reason: Reason::HeldBack | Reason::VendorCredentials, .. }),
                "{refused:?}"
            );
            assert_eq!(carrier.token_calls(), 1 + probe, "{answer:?}");
        }
        assert_eq!(carrier.item("BREAKER#fedex#key")["epoch"], opened["epoch"], "{answer:?}");
    }
}

/// Its token is revoked, and so is the secret that it was got with.
async fn rotated_after_a_call(carrier: &Carrier, instance: &Instance) {
    assert!(done(&[instance.track().await]));
    carrier.put_secret("newer-secret");
    carrier.accept_only("newer-secret");
    carrier.revoke("token-1");
    carrier.sleep_ms(31_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_rotated_is_read_anew_when_the_old_one_is_refused() {
    let carrier = Carrier::new();
    let instance = carrier.instance();
    rotated_after_a_call(&carrier, &instance).await;
    let answer = instance.track().await;
    assert!(done(std::slice::from_ref(&answer)), "{answer:?}");
    assert_eq!(carrier.bearers(), ["token-1", "token-1", "token-3"], "the second token call was refused");
}

#[tokio::test(start_paused = true)]
async fn ten_calls_side_by_side_go_on_with_the_secret_that_one_of_them_has_read_anew() {
    let carrier = Carrier::new();
    let instance = carrier.instance();
    rotated_after_a_call(&carrier, &instance).await;
    let answers = join_all((0..10).map(|_| instance.track())).await;
    assert!(done(&answers), "{answers:?}");
    assert_eq!(carrier.item("BREAKER#fedex#key"), json!(null), "it was never opened");
}

#[tokio::test(start_paused = true)]
async fn without_the_table_each_instance_fetches_for_itself_and_calls_go_on() {
    let carrier = Carrier::new();
    let faults = (2..60).map(|n| (n, Fault::ServerError)).collect();
    let instance = carrier.instance_with(Plan { faults, ..Plan::default() });
    let answer = instance.track().await;
    assert!(done(std::slice::from_ref(&answer)), "{answer:?}");
    assert!(done(&[instance.track().await]));
    assert_eq!((carrier.token_calls(), carrier.api_calls()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_time_of_the_call_however_long_the_token_took() {
    let carrier = Carrier::new();
    carrier.answer_tokens_after(4_000);
    let answer = carrier.instance().track_within_ms(3_000).await;
    assert!(is_unavailable(&answer), "{answer:?}");
    assert_eq!(carrier.api_calls(), 0);
    assert!(carrier.running_ms() <= 4_000, "{}", carrier.running_ms());
}
