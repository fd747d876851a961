//! The breaker, seen from instances that share nothing but the table.

use crossdock::aws::Table;
use crossdock::domain::Timestamp;
use crossdock::gateway::breaker::{Forced, State, Switch};
use crossdock::gateway::{Lane, OperationClass, Vendor, force};
use futures_util::future::{Either, join_all, select};
use sandbox::{CallFault, RandomFaults};
use serde_json::json;
use simulation::invariants::violations;
use simulation::shop::payment;
use simulation::universe::Universe;
use simulation::{Fault, Latency, Plan, Probe};

use super::{HOUR_MS, Instance, MINUTE_MS, breaker, stripe_calls};

/// Calls that everybody on the field makes for a while, one after the other, as fast as they are answered.
async fn calls_of(universe: &Universe, instances: &[Instance], ms: i64) -> usize {
    let before = stripe_calls(universe);
    let end_ms = universe.now_ms() + ms;
    join_all(instances.iter().enumerate().map(|(number, instance)| async move {
        let mut rng = fastrand::Rng::with_seed(number as u64);
        while universe.now_ms() < end_ms {
            let _ = instance.read(Lane::Interactive).await;
            universe.sleep_ms(rng.u64(10..100)).await;
        }
    }))
    .await;
    stripe_calls(universe) - before
}

fn field(universe: &Universe, instances: usize) -> Vec<Instance> {
    (0..instances).map(|_| Instance::of(universe)).collect()
}

/// The breaker of what [`Instance::read`] needs a permission for.
const RIGHT: &str = "stripe#right_payment_methods";

/// The next calls of Stripe's are answered 403.
fn forbid(universe: &Universe, calls: u32) {
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "*", calls, CallFault::ErrorBefore { status: 403 });
}

fn table(universe: &Universe) -> Table {
    Instance::of(universe).system.work_list().unwrap().table().clone()
}

#[tokio::test(start_paused = true)]
async fn of_fifty_instances_before_a_vendor_that_fails_half_of_its_calls_at_most_150_calls_get_through_in_a_minute() {
    for seed in 1..=5 {
        let universe = Universe::new(seed);
        universe.sandbox().faults().random(RandomFaults { error_before: 0.5, ..RandomFaults::default() });
        // The store is as slow as the vendor: what is under way when it opens cannot be called back.
        let slow =
            |number| Plan { latency: Latency::Between { min_ms: 20, max_ms: 300, seed: number }, ..Plan::default() };
        let instances: Vec<_> = (0..50).map(|n| Instance::behind(&universe, &Probe::with(slow(n)))).collect();
        let calls = calls_of(&universe, &instances, MINUTE_MS).await;
        assert!((5..=150).contains(&calls), "seed {seed}: {calls} calls");
        assert_eq!(breaker(&universe, "stripe#read")["state"], "OPEN", "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_never_fails_five_times_in_a_row_is_judged_by_its_share_of_failures() {
    let universe = Universe::new(1);
    let instance = field(&universe, 1);
    for _ in 0..4 {
        // Three failures, one success.
        universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "*", 3, CallFault::ErrorBefore { status: 503 });
        for _ in 0..4 {
            let _ = instance[0].read(Lane::Interactive).await;
            universe.sleep_ms(1_100).await;
        }
    }
    let found = breaker(&universe, "stripe#read");
    assert_eq!((&found["state"], &found["cause"]), (&"OPEN".into(), &"failures".into()), "{found}");
    assert!(stripe_calls(&universe) < 16);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_fails_now_and_then_is_called_on() {
    let universe = Universe::new(1);
    universe.sandbox().faults().random(RandomFaults { error_before: 0.2, ..RandomFaults::default() });
    let calls = calls_of(&universe, &field(&universe, 3), 2 * MINUTE_MS).await;
    assert!(calls > 3_000, "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn declines_refusals_and_throttling_are_no_failures() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    // Nobody knows this customer: 404.
    for _ in 0..10 {
        assert!(instance.read(Lane::Interactive).await.is_err());
    }
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "*", 10, CallFault::Throttled { retry_after_s: 1 });
    for _ in 0..10 {
        assert!(instance.read(Lane::Interactive).await.is_err());
    }
    assert_eq!(stripe_calls(&universe), 20);
}

#[tokio::test(start_paused = true)]
async fn forbidden_requests_with_successes_between_them_stop_nobody() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    for _ in 0..6 {
        forbid(&universe, 1);
        assert!(instance.read(Lane::Interactive).await.is_err());
        // Nobody knows this customer: 404, from a vendor that lets us ask.
        assert!(instance.read(Lane::Interactive).await.is_err());
        universe.sleep_ms(1_100).await;
    }
    assert_eq!(stripe_calls(&universe), 12);
    assert_ne!(breaker(&universe, RIGHT)["state"], "OPEN");
}

#[tokio::test(start_paused = true)]
async fn three_different_forbidden_requests_shut_what_they_need_and_two_that_are_tried_again_and_again_do_not() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    let two = [instance.correlation(), instance.correlation()];
    forbid(&universe, 100);
    for turn in 0..10 {
        assert!(instance.read_for(&two[turn % 2], Lane::Interactive).await.is_err());
        universe.sleep_ms(MINUTE_MS as u64).await;
    }
    assert_eq!(stripe_calls(&universe), 10);
    assert_ne!(breaker(&universe, RIGHT)["state"], "OPEN");

    assert!(instance.read(Lane::Interactive).await.is_err());
    assert_ne!(breaker(&universe, "stripe#read")["state"], "OPEN");
    let found = breaker(&universe, RIGHT);
    assert_eq!((&found["state"], &found["cause"]), (&"OPEN".into(), &"forbidden".into()), "{found}");
    assert!(instance.read(Lane::Interactive).await.is_err());
    assert_eq!(stripe_calls(&universe), 11);
}

#[tokio::test(start_paused = true)]
async fn different_requests_that_are_forbidden_at_the_same_moment_are_all_counted() {
    let universe = Universe::new(1);
    forbid(&universe, 3);
    let everybody = field(&universe, 3);
    let correlations = [(); 3].map(|()| everybody[0].correlation());
    let asked = everybody.iter().zip(&correlations);
    join_all(asked.map(|(instance, correlation)| instance.read_for(correlation, Lane::Interactive))).await;
    assert_eq!(breaker(&universe, RIGHT)["cause"], "forbidden");
}

#[tokio::test(start_paused = true)]
async fn while_open_there_is_one_probe_at_a_time_and_two_that_succeed_close_it() {
    let universe = Universe::new(1);
    let everybody = field(&universe, 20);
    universe.sandbox().faults().outage(sandbox::Vendor::Stripe, true);
    calls_of(&universe, &everybody, MINUTE_MS / 2).await;
    assert_eq!(breaker(&universe, "stripe#read")["state"], "OPEN");

    universe.sleep_ms(MINUTE_MS as u64 / 2).await;
    universe.sandbox().faults().outage(sandbox::Vendor::Stripe, false);
    universe.sandbox().faults().every_call(sandbox::Vendor::Stripe, "*", CallFault::Delay { ms: 1_000 });
    let before = stripe_calls(&universe);
    join_all(everybody.iter().map(|instance| instance.read(Lane::Interactive))).await;
    assert_eq!(stripe_calls(&universe) - before, 1, "everybody asked, one was let through");
    assert_eq!(breaker(&universe, "stripe#read")["state"], "OPEN");
    universe.sleep_ms(1_000).await;
    join_all(everybody.iter().map(|instance| instance.read(Lane::Interactive))).await;
    assert_eq!(stripe_calls(&universe) - before, 2);
    assert_eq!(breaker(&universe, "stripe#read")["state"], "CLOSED");
    universe.sleep_ms(11_000).await;
    join_all(everybody.iter().map(|instance| instance.read(Lane::Interactive))).await;
    assert_eq!(stripe_calls(&universe) - before, 22);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_instance_died_is_followed_by_another() {
    let universe = Universe::new(1);
    let instance = field(&universe, 1);
    universe.sandbox().faults().outage(sandbox::Vendor::Stripe, true);
    calls_of(&universe, &instance, MINUTE_MS / 2).await;
    universe.sandbox().faults().clear();
    universe.sleep_ms(2 * MINUTE_MS as u64).await;
    // It takes the lease, and is dropped before its call comes back.
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "*", 1, CallFault::Delay { ms: 20_000 });
    let dying = Instance::of(&universe);
    let asked = std::pin::pin!(dying.read(Lane::Interactive));
    assert!(matches!(select(asked, std::pin::pin!(universe.sleep_ms(1_000))).await, Either::Right(_)));
    let before = stripe_calls(&universe);
    assert!(Instance::of(&universe).read(Lane::Interactive).await.is_err());
    assert_eq!(stripe_calls(&universe), before, "the lease still held");
    universe.sleep_ms(36_000).await;
    let _ = Instance::of(&universe).read(Lane::Interactive).await;
    assert_eq!(stripe_calls(&universe), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_not_made_in_the_end_leaves_the_next_one_free() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    universe.sandbox().faults().outage(sandbox::Vendor::Stripe, true);
    calls_of(&universe, std::slice::from_ref(&instance), MINUTE_MS / 2).await;
    universe.sandbox().faults().clear();
    universe.sleep_ms(2 * MINUTE_MS as u64).await;
    let before = stripe_calls(&universe);

    let table = universe.aws().table();
    let quota = ["QUOTA#stripe#api#0"; 2];
    let used_up = (universe.now_ms() + HOUR_MS) * 1_000;
    table.set_attributes(quota[0], quota[1], &[("tat_second", &json!({ "N": used_up.to_string() }))]);
    assert!(Instance::of(&universe).read(Lane::Interactive).await.is_err());
    assert_eq!(stripe_calls(&universe), before, "the quota was used up");
    table.set_attributes(quota[0], quota[1], &[("tat_second", &json!({ "N": "0" }))]);

    let late = Instance::of(&universe);
    assert!(late.read_within_ms(0, &late.correlation(), Lane::Interactive).await.is_err());
    assert_eq!(stripe_calls(&universe), before, "it came too late");

    // With a key that has to be probed too, and a class that is shut: nobody probes the key in vain.
    let switch = Switch::Class(OperationClass::Read);
    let shut = Forced { state: State::Open, until: Timestamp::from_ms(universe.now_ms() + 1_000) };
    let list = Instance::of(&universe).system.work_list().unwrap();
    force(list.table(), Vendor::Stripe, switch, Some(shut)).await.unwrap();
    let probe_at = json!({ "N": universe.now_ms().to_string() });
    let refused = [("state", &json!({ "S": "OPEN" })), ("epoch", &json!({ "N": "1" })), ("next_probe_at", &probe_at)];
    force(list.table(), Vendor::Stripe, Switch::Key, None).await.unwrap();
    table.set_attributes("BREAKER#stripe#key", "BREAKER#stripe#key", &refused);
    assert!(Instance::of(&universe).read(Lane::Interactive).await.is_err());
    universe.sleep_ms(1_100).await;

    let _ = Instance::of(&universe).read(Lane::Interactive).await;
    assert_eq!(stripe_calls(&universe), before + 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_flaps_stays_open_for_longer_and_longer_at_most_ten_minutes() {
    let universe = Universe::new(1);
    let instance = field(&universe, 1);
    universe.sandbox().faults().outage(sandbox::Vendor::Stripe, true);
    let (mut waits, mut last) = (Vec::new(), None);
    for _ in 0..90 {
        calls_of(&universe, &instance, MINUTE_MS / 2).await;
        let found = breaker(&universe, "stripe#read");
        let probe_at = found["next_probe_at"].as_i64();
        if probe_at != last {
            waits.extend(probe_at.map(|at| (at - universe.now_ms() + MINUTE_MS / 2) / MINUTE_MS));
            last = probe_at;
        }
    }
    assert!(waits.is_sorted() && waits.len() >= 6, "{waits:?}");
    assert_eq!((waits[0], waits.iter().max()), (1, Some(&10)), "{waits:?}");
    assert!(stripe_calls(&universe) < 5 + 10, "{} calls in 45 minutes", stripe_calls(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_result_from_before_the_transition_changes_nothing() {
    let universe = Universe::new(1);
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "*", 1, CallFault::Delay { ms: 7_000 });
    let (slow, others) = (Instance::of(&universe), field(&universe, 1));
    let late = async { slow.read(Lane::Interactive).await };
    let meanwhile = async {
        universe.sleep_ms(50).await;
        universe.sandbox().faults().outage(sandbox::Vendor::Stripe, true);
        calls_of(&universe, &others, 5_000).await;
        breaker(&universe, "stripe#read")
    };
    let (_, opened) = futures_util::join!(late, meanwhile);
    assert_eq!(opened["state"], "OPEN");
    let after = breaker(&universe, "stripe#read");
    assert_eq!(
        (&after["state"], &after["epoch"], &after["fails"]),
        (&opened["state"], &opened["epoch"], &opened["fails"])
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_store_cannot_be_asked_calls_go_on_under_a_local_cap() {
    let universe = Universe::new(1);
    let everything_fails = Plan { faults: (1..5_000).map(|n| (n, Fault::ServerError)).collect(), ..Plan::default() };
    let probe = Probe::new();
    let instance = Instance::behind(&universe, &probe);
    let _ = instance.read(Lane::Interactive).await;
    let before = stripe_calls(&universe);
    // The secret is cached; what is asked from here on are breakers and quota.
    probe.restart(everything_fails);
    for _ in 0..200 {
        let _ = instance.read(Lane::Interactive).await;
    }
    let calls = stripe_calls(&universe) - before;
    assert!(calls >= 10, "a vendor that works was lost: {calls} calls");
    assert!(calls <= 210, "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn an_operators_word_wins_until_its_end() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    let (table, switch) = (table(&universe), Switch::Class(OperationClass::Read));
    let until = Timestamp::from_ms(universe.now_ms() + 5 * MINUTE_MS);
    force(&table, Vendor::Stripe, switch, Some(Forced { state: State::Open, until })).await.unwrap();
    let _ = instance.read(Lane::Interactive).await;
    assert_eq!(stripe_calls(&universe), 0);

    force(&table, Vendor::Stripe, switch, Some(Forced { state: State::Closed, until })).await.unwrap();
    universe.sandbox().faults().outage(sandbox::Vendor::Stripe, true);
    universe.sleep_ms(11_000).await;
    for _ in 0..8 {
        let _ = instance.read(Lane::Interactive).await;
        universe.sleep_ms(1_100).await;
    }
    assert_eq!(stripe_calls(&universe), 8, "held closed, whatever the vendor answers");

    universe.sleep_ms(5 * MINUTE_MS as u64).await;
    for _ in 0..8 {
        let _ = instance.read(Lane::Interactive).await;
    }
    assert!(stripe_calls(&universe) <= 8 + 5, "it counts again when its time is over");
}

#[tokio::test(start_paused = true)]
async fn a_shopper_who_asks_again_once_the_breaker_has_closed_does_not_wait_for_the_time_that_was_set_before() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    let body = json!({ "payment_method": "pm_card_visa" });
    let (table, switch) = (table(&universe), Switch::Class(OperationClass::Effect));
    let until = Timestamp::from_ms(universe.now_ms() + 5 * MINUTE_MS);
    universe.sleep_ms(2_000).await;
    force(&table, Vendor::Stripe, switch, Some(Forced { state: State::Open, until })).await.unwrap();
    assert_eq!(universe.call("POST", &path, None, Some(&body)).await.status(), 202);
    let calls = stripe_calls(&universe);
    assert_eq!(universe.call("POST", &path, None, Some(&body)).await.status(), 202);
    assert_eq!(stripe_calls(&universe), calls, "while it is open nobody calls, however often they ask");

    force(&table, Vendor::Stripe, switch, None).await.unwrap();
    // An instance believes an open breaker for ten seconds; the intent is due in one to two minutes.
    universe.sleep_ms(11_000).await;
    let answer = universe.call("POST", &path, None, Some(&body)).await;
    assert_eq!((answer.status(), &answer.body()["status"]), (200, &json!("succeeded")));
    universe.run_until_quiet(HOUR_MS).await;
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_the_vendor_asked_us_to_wait_for_waits_also_when_a_shopper_asks_again() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    let body = json!({ "payment_method": "pm_card_visa" });
    let throttled = CallFault::Throttled { retry_after_s: 60 };
    universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "*", 1, throttled);
    assert_eq!(universe.call("POST", &path, None, Some(&body)).await.status(), 202);
    let calls = stripe_calls(&universe);
    universe.sleep_ms(11_000).await;
    assert_eq!(universe.call("POST", &path, None, Some(&body)).await.status(), 202);
    assert_eq!(stripe_calls(&universe), calls, "a Retry-After is obeyed");
    universe.run_until_quiet(HOUR_MS).await;
    assert_eq!(violations(&universe), Vec::<String>::new());
}
