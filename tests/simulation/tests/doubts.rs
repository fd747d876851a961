//! What may have been done although an answer says otherwise, what is alive although we took it for over, and what waits for a
//! person: nothing of it is lost, whoever dies.

#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use crossdock::aws::Write;
use crossdock::domain::IntentId;
use crossdock::effects::audit::Operator;
use crossdock::effects::{Finding, Intent, Reason, WorkList};
use crossdock::guard::{Guard, without};
use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use sandbox::{CallFault, Dial, Vendor};
use serde_json::json;
use simulation::cases::doubts;
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, payment};
use simulation::universe::{Function, Universe};
use simulation::{Plan, Probe, When};

/// Longer than whatever is due takes.
const A_WHILE_MS: i64 = 4 * 3_600_000;

fn list(universe: &Universe) -> WorkList {
    universe.system(Function::EventProcessor, &Probe::new()).work_list().unwrap()
}

/// The one intent of a kind, as a person sees it.
async fn seen(universe: &Universe, kind: &str) -> Intent {
    let items = universe.aws().table().items();
    let found = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some(kind)).unwrap();
    list(universe).intent(&IntentId::from_stored(text(found, "intent_id").unwrap())).await.unwrap().unwrap()
}

fn rows(universe: &Universe, event: &str) -> usize {
    universe.aws().table().items().iter().filter(|item| text(item, "event") == Some(event)).count()
}

#[test]
fn a_create_in_doubt_whose_repeat_is_refused_is_looked_for() {
    assert_eq!(doubts::a_refused_repeat_is_no_proof(), Vec::<String>::new());
}

#[test]
fn a_refund_in_doubt_that_is_refused_because_it_was_made_is_found() {
    assert_eq!(doubts::a_refund_that_is_refused_as_made_is_made(), Vec::<String>::new());
}

#[test]
fn a_payment_that_we_took_for_over_is_canceled_when_it_opens_and_told_when_it_is_paid() {
    assert_eq!(doubts::what_was_over_and_is_open_is_canceled(), Vec::<String>::new());
}

#[test]
fn an_order_that_turns_out_to_be_paid_has_no_second_payment() {
    assert_eq!(doubts::a_paid_order_has_no_second_payment(), Vec::<String>::new());
}

/// The second payment is called off with the charge of the first one, whoever dies whenever.
#[tokio::test(start_paused = true)]
async fn whoever_dies_after_a_charge_is_known_leaves_no_second_payment() {
    for (after, n) in (0..4).flat_map(|after| (1..14).map(move |n| (after, n))) {
        let mut universe = Universe::new(1);
        doubts::refused_and_begun_anew(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        doubts::made_all_the_same(&universe);
        universe.plans.insert(universe.invocations.len() + after, Plan::crash(n, When::After));
        universe.run_until_quiet(A_WHILE_MS).await;
        let are = [1, 2].map(|ordinal| doubts::nth(&universe, ordinal)["status"].clone());
        assert_eq!(are, ["succeeded", "canceled"], "{after} {n}");
        assert_eq!(violations(&universe), Vec::<String>::new(), "{after} {n}");
    }
}

/// Whoever writes down that a vendor said what cannot be may die at once: the alarm is raised all the same.
#[tokio::test(start_paused = true)]
async fn who_dies_after_writing_down_a_doubt_has_raised_the_alarm() {
    for (after, n) in (0..3).flat_map(|after| (1..12).map(move |n| (after, n))) {
        let mut universe = Universe::new(1);
        universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        universe.run_until_quiet(600_000).await;
        let before = written(Metric::ObjectsInDoubt);
        simulation::cases::marks::another_payment(&universe, 1_099, "eur");
        universe.plans.insert(universe.invocations.len() + after, Plan::crash(n, When::After));
        universe.run_until_quiet(A_WHILE_MS).await;
        assert_eq!(of_type(&universe.aws().table().items(), "doubt").count(), 1);
        assert!(written(Metric::ObjectsInDoubt) > before, "nobody was told: {after} {n}");
    }
}

/// A payment whose cancel the provider refuses without a word on how it stands.
async fn not_canceled() -> (Universe, String) {
    let mut universe = Universe::new(1);
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    universe.run_until_quiet(60_000).await;
    universe.sandbox().faults().every_call(Vendor::Stripe, "cancel", CallFault::ErrorBefore { status: 400 });
    let path = format!("/payments/{}", created.body()["payment_id"].as_str().unwrap());
    (universe, path)
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_waits_for_a_person_says_so_until_they_decide() {
    let ada = Operator { who: "arn:aws:iam::1:user/ada".to_owned(), why: None };
    for is_canceled in [true, false] {
        let (mut universe, path) = not_canceled().await;
        let cancel = format!("{path}/cancel");
        let asked = universe.call("POST", &cancel, None, None).await;
        assert_eq!((asked.status(), &asked.body()["status"]), (202, &json!("manual")));
        universe.run_until_quiet(A_WHILE_MS).await;
        let waiting = seen(&universe, "payment.cancel").await;
        let vendor_id = universe.sandbox().stripe().payment_intents()[0].id.clone();
        let confirm = json!({ "payment_method": "pm_card_visa" });
        if is_canceled {
            list(&universe).resolve(&waiting, &Finding::Done { vendor_id }, &ada).await.unwrap();
            let again = universe.call("POST", &cancel, None, None).await;
            assert_eq!((again.status(), &again.body()["status"]), (200, &json!("canceled")));
            let confirmed = universe.call("POST", &format!("{path}/confirm"), None, Some(&confirm)).await;
            assert_eq!(confirmed.body()["code"], "payment_canceled");
            // Where it was not so, Stripe's word counts.
            let secret = universe.sandbox().stripe().payment_intents()[0].to_json()["client_secret"].clone();
            let now_ms = universe.now_ms();
            universe.sandbox().shopper_confirms(now_ms, secret.as_str().unwrap(), "pm_card_visa").unwrap();
            universe.run_until_quiet(A_WHILE_MS).await;
            assert_eq!(doubts::nth(&universe, 1)["status"], "succeeded");
            assert_eq!(rows(&universe, "payment.charged_unexpectedly"), 1);
        } else {
            list(&universe)
                .resolve(&waiting, &Finding::Refused { reason: Reason::Other("kept".to_owned()) }, &ada)
                .await
                .unwrap();
            universe.run_until_quiet(A_WHILE_MS).await;
            assert_eq!(violations(&universe), Vec::<String>::new(), "it is as if nobody had asked");
            let confirmed = universe.call("POST", &format!("{path}/confirm"), None, Some(&confirm)).await;
            assert_eq!((confirmed.status(), &confirmed.body()["status"]), (200, &json!("succeeded")));
        }
        universe.run_until_quiet(A_WHILE_MS).await;
        assert_eq!(violations(&universe), Vec::<String>::new(), "{is_canceled}");
    }
}

/// An older version tells no 503 from a proof, and writes nothing of doubts: what it has called may have been done.
#[tokio::test(start_paused = true)]
async fn what_an_older_version_left_to_be_called_again_may_have_been_sent() {
    // Its own intent, and one of this version that it has claimed since.
    for is_ours in [false, true] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_webhook(Vendor::Stripe, sandbox::WebhookFault::Late { ms: 7_200_000 });
        let body = confirmed_payment("o-1", "pm_card_visa");
        let fault = if is_ours {
            CallFault::LockTimeout
        } else {
            universe.sandbox().dials().turn(Dial::UnavailableYetDone);
            CallFault::ErrorBefore { status: 503 }
        };
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, fault);
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        assert_eq!((created.status(), &created.body()["status"]), (202, &json!("deferred")));
        let create = seen(&universe, "payment.create").await;
        let older = Write::update(create.key());
        let older = if is_ours { older.add("epoch", 1) } else { older.remove("in_doubt").remove("undone_epoch") };
        list(&universe).table().update(older).await.unwrap();
        let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
        assert_eq!(universe.call("POST", &path, None, None).await.status(), 202, "{is_ours}");
        universe.run_until_quiet(A_WHILE_MS).await;
        let status = if is_ours { "canceled" } else { "succeeded" };
        assert_eq!(doubts::nth(&universe, 1)["status"], status);
        assert_eq!(violations(&universe), Vec::<String>::new());
    }
}

/// A guard, and a case that misses it.
type Missed = (Guard, fn() -> Vec<String>);

const MISSED: [Missed; 4] = [
    (Guard::DoubtIsSought, doubts::a_refused_repeat_is_no_proof),
    (Guard::DoubtIsSought, doubts::a_refund_that_is_refused_as_made_is_made),
    (Guard::OverIsOver, doubts::what_was_over_and_is_open_is_canceled),
    (Guard::OnePaysOnly, doubts::a_paid_order_has_no_second_payment),
];

#[test]
fn without_a_guard_something_is_lost() {
    let is_missed = |(guard, case): &Missed| {
        let _missing = without(*guard);
        case().iter().any(|wrong| wrong.starts_with('P'))
    };
    let not_missed: Vec<Guard> = MISSED.iter().filter(|missed| !is_missed(missed)).map(|missed| missed.0).collect();
    assert_eq!(not_missed, []);
}
