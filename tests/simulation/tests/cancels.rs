//! A cancel that was asked for ends canceled, too late, or with a person: whatever was sent, lost or in doubt.

#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use crossdock::guard::{Guard, without};
use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use sandbox::{CallFault, Vendor, WebhookFault};
use simulation::cases::cancels;
use simulation::invariants::{text, violations};
use simulation::shop::{confirmed_payment, payment};
use simulation::universe::Universe;
use simulation::{Plan, When};

#[test]
fn what_was_deferred_and_canceled_is_never_charged() {
    assert_eq!(cancels::what_was_deferred_is_never_charged(), Vec::<String>::new());
}

#[test]
fn a_cancel_between_two_tries_of_a_request_is_the_last_word() {
    assert_eq!(cancels::a_cancel_between_two_tries_is_the_last_word(), Vec::<String>::new());
}

#[test]
fn a_create_of_unknown_outcome_that_is_canceled_is_looked_for_and_never_sent_again() {
    assert_eq!(cancels::what_is_unknown_is_looked_for_and_never_sent_again(), Vec::<String>::new());
}

#[test]
fn a_create_that_charges_nothing_is_made_and_then_canceled() {
    assert_eq!(cancels::what_charges_nothing_is_made_and_canceled(), Vec::<String>::new());
}

#[test]
fn a_retry_by_hand_charges_nothing_that_was_canceled() {
    assert_eq!(cancels::a_retry_by_hand_charges_nothing_that_was_canceled(), Vec::<String>::new());
}

#[test]
fn what_waits_for_a_person_and_was_never_called_is_canceled_at_once() {
    assert_eq!(cancels::what_waits_for_a_person_and_was_never_called_is_canceled_at_once(), Vec::<String>::new());
}

#[test]
fn a_charge_that_nobody_wanted_any_more_is_shown_and_somebody_is_told() {
    assert_eq!(cancels::a_charge_that_nobody_wanted_is_shown_and_told(), Vec::<String>::new());
}

#[test]
fn a_503_is_no_proof_that_nothing_was_done() {
    assert_eq!(cancels::a_503_is_no_proof(), Vec::<String>::new());
}

#[test]
fn a_503_that_is_repeated_under_the_key_is_of_unknown_outcome() {
    assert_eq!(cancels::a_503_that_is_repeated_is_of_unknown_outcome(), Vec::<String>::new());
}

#[test]
fn what_is_looked_for_is_found_on_the_second_page() {
    assert_eq!(cancels::every_page_is_looked_through(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_looked_through_is_for_a_person() {
    assert_eq!(cancels::what_cannot_be_looked_through_is_for_a_person(), Vec::<String>::new());
}

#[test]
fn a_confirm_that_was_not_sent_is_canceled_with_its_payment() {
    assert_eq!(cancels::a_confirm_that_was_not_sent_is_canceled_with_its_payment(), Vec::<String>::new());
}

#[test]
fn a_confirm_in_doubt_is_not_sent_again_once_a_cancel_was_asked_for() {
    assert_eq!(cancels::a_confirm_in_doubt_is_not_sent_again(), Vec::<String>::new());
}

#[test]
fn a_cancel_whose_failure_the_vendor_repeats_is_made_in_the_end() {
    assert_eq!(cancels::a_cancel_that_failed_is_made_in_the_end(), Vec::<String>::new());
}

#[test]
fn a_cancel_that_came_to_nothing_can_be_asked_for_again() {
    assert_eq!(cancels::a_cancel_that_came_to_nothing_can_be_asked_for_again(), Vec::<String>::new());
}

#[test]
fn what_the_bank_is_at_is_canceled_as_soon_as_that_is_possible() {
    assert_eq!(cancels::what_the_bank_is_at_is_canceled_when_that_is_possible(), Vec::<String>::new());
}

#[test]
fn what_is_on_no_list_yet_is_waited_for() {
    assert_eq!(cancels::what_is_on_no_list_yet_is_waited_for(), Vec::<String>::new());
}

#[test]
fn a_cancel_that_only_we_know_of_never_hides_a_charge() {
    assert_eq!(cancels::our_own_word_gives_way_to_stripe_s(), Vec::<String>::new());
}

#[test]
fn who_cancels_too_late_is_told_so_at_once() {
    assert_eq!(cancels::who_cancels_too_late_is_told_at_once(), Vec::<String>::new());
}

/// Whoever was answered 202 has gone, also where a worker learns within seconds that the cancel came too late.
#[tokio::test(start_paused = true)]
async fn who_was_answered_that_it_will_be_canceled_is_told_of_the_charge_however_soon_it_is_known() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
    // The event of the payment's creation comes long before the others: a worker cancels, and Stripe refuses.
    universe.sandbox().faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Duplicate { copies: 0 });
    universe.sandbox().faults().every_webhook(Vendor::Stripe, WebhookFault::Late { ms: 3_600_000 });
    let body = confirmed_payment("o-1", "pm_card_visa");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
    assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
    let before = written(Metric::ChargedUnexpectedly);
    universe.run_until_quiet(4 * 3_600_000).await;
    let items = universe.aws().table().items();
    let rows = items.iter().filter(|item| text(item, "event") == Some("payment.charged_unexpectedly")).count();
    assert_eq!((rows, written(Metric::ChargedUnexpectedly) - before), (1, 1));
}

/// The shopper pays two seconds after whoever canceled was answered 202: nobody hears of that but by the alarm, and the proof
/// notices when it is missing.
#[tokio::test(start_paused = true)]
async fn a_charge_within_seconds_of_a_202_is_told_or_the_proof_notices() {
    for is_told in [true, false] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
        universe.sandbox().faults().every_webhook(Vendor::Stripe, WebhookFault::Late { ms: 3_600_000 });
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
        assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
        universe.sleep_ms(2_000).await;
        let secret = universe.sandbox().stripe().payment_intents()[0].to_json()["client_secret"].clone();
        let now_ms = universe.now_ms();
        universe.sandbox().shopper_confirms(now_ms, secret.as_str().unwrap(), "pm_card_visa").unwrap();
        let _missing = (!is_told).then(|| without(Guard::ChargeIsTold));
        universe.run_until_quiet(4 * 3_600_000).await;
        let wrong = violations(&universe);
        assert_eq!(wrong.iter().any(|wrong| wrong.starts_with("P(b)")), !is_told, "{wrong:?}");
    }
}

/// Whoever writes down that the card was charged after all may die at once: the alarm is raised all the same.
#[tokio::test(start_paused = true)]
async fn who_dies_after_writing_that_a_canceled_payment_was_charged_has_raised_the_alarm() {
    // The webhook's receiver, who applies it, and who comes after them.
    for (after, n) in (0..5).flat_map(|after| (1..13).map(move |n| (after, n))) {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
        let body = confirmed_payment("o-1", "pm_card_visa");
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
        assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
        let before = written(Metric::ChargedUnexpectedly);
        universe.plans.insert(universe.invocations.len() + after, Plan::crash(n, When::After));
        universe.run_until_quiet(4 * 3_600_000).await;
        let items = universe.aws().table().items();
        let rows = items.iter().filter(|item| text(item, "event") == Some("payment.charged_unexpectedly")).count();
        assert_eq!(rows, 1);
        assert!(written(Metric::ChargedUnexpectedly) > before, "nobody was told: {after} {n}");
    }
}

/// A guard, a case that misses it, and how what is wrong then begins.
type Missed = (Guard, fn() -> Vec<String>, &'static str);

const MISSED: [Missed; 12] = [
    (Guard::CancelUnsent, cancels::a_503_is_no_proof, "P"),
    (Guard::CancelFirst, cancels::what_was_deferred_is_never_charged, "P(a)"),
    (Guard::CancelSeeks, cancels::what_is_unknown_is_looked_for_and_never_sent_again, "P"),
    (Guard::CancelSeeks, cancels::a_retry_by_hand_charges_nothing_that_was_canceled, "P"),
    (Guard::CancelHappened, cancels::a_cancel_that_failed_is_made_in_the_end, "P(b)"),
    (Guard::CancelAgain, cancels::what_the_bank_is_at_is_canceled_when_that_is_possible, "P"),
    (Guard::CancelStopsConfirm, cancels::a_confirm_that_was_not_sent_is_canceled_with_its_payment, "P"),
    (Guard::DoubtStays, cancels::a_503_is_no_proof, "P"),
    (Guard::EveryPage, cancels::every_page_is_looked_through, "P"),
    (Guard::UnderWay, cancels::what_is_on_no_list_yet_is_waited_for, "P"),
    (Guard::OwnWordYields, cancels::our_own_word_gives_way_to_stripe_s, "P"),
    (Guard::ChargeIsTold, cancels::a_charge_that_nobody_wanted_is_shown_and_told, "P"),
];

#[test]
fn without_a_guard_a_cancel_is_lost_or_somebody_charged() {
    let is_missed = |(guard, case, how): &Missed| {
        let _missing = without(*guard);
        case().iter().any(|wrong| wrong.starts_with(how))
    };
    let not_missed: Vec<Guard> = MISSED.iter().filter(|missed| !is_missed(missed)).map(|missed| missed.0).collect();
    assert_eq!(not_missed, []);
}
