//! Where requests leave: crashes, faults, retries, waits, replay.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use simulation::{CrashAt, Fault, Latency, Outcome, Plan, Probe, When, run_until_crash};

use crate::instance::Instance;

/// Two puts, one after the other: a handler with the crash points 1 and 2.
async fn two_puts(me: &Instance) {
    me.put_new("A").send().await.unwrap();
    me.put_new("B").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_a_request_leaves_no_effect_of_it_and_one_after_it_does() {
    for (n, when, items) in [(1, When::Before, 0), (1, When::After, 1), (2, When::Before, 1), (2, When::After, 2)] {
        let me = Instance::new(Plan::crash(n, when));
        assert_eq!(run_until_crash(&me.probe, two_puts(&me)).await, Outcome::Crashed);
        assert_eq!(me.items(), items, "crash {when:?} request {n}");
    }
    let me = Instance::new(Plan::crash(3, When::Before));
    assert_eq!(run_until_crash(&me.probe, two_puts(&me)).await, Outcome::Finished(()));
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_after_a_crash_not_even_from_a_branch_beside_it() {
    let me = Instance::new(Plan::crash(1, When::After));
    // Not dropped at the crash, as a process would be, but left to run on: it must be of no avail.
    let beside = async {
        me.clock.sleep_ms(100).await;
        me.put("A").send().await
    };
    let (first, second) = tokio::join!(me.put("C").send(), beside);
    assert!(first.is_err() && second.is_err(), "the SDK gives both up");
    assert!(me.probe.is_crashed());
    assert_eq!((me.probe.count(), me.items()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_next_invocation_of_a_warm_instance_starts_its_probe_anew() {
    let me = Instance::new(Plan::crash(1, When::Before));
    run_until_crash(&me.probe, two_puts(&me)).await;
    me.probe.restart(Plan::default());
    assert_eq!(run_until_crash(&me.probe, two_puts(&me)).await, Outcome::Finished(()));
    assert_eq!((me.probe.count(), me.items()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_vendors_request_counts_and_crashes_like_one_of_aws() {
    let me = Instance::new(Plan { crash: Some(CrashAt { n: 2, when: When::After }), ..Plan::default() });
    let charged = std::cell::Cell::new(0);
    let handler = async {
        me.put("A").send().await.unwrap();
        let call = me.probe.before("stripe.create_payment").await;
        charged.set(charged.get() + 1);
        me.probe.after(call).await;
        me.put("B").send().await.unwrap();
    };
    assert_eq!(run_until_crash(&me.probe, handler).await, Outcome::Crashed);
    assert_eq!((charged.get(), me.items()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_retried_by_the_sdk_and_the_retry_meets_its_own_effect() {
    let me = Instance::new(Plan::fault(1, Fault::AnswerLost));
    let error = me.put_new("A").send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception());
    assert_eq!((me.probe.count(), me.items()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fault_without_effect_is_retried_by_the_sdk_until_it_is_done() {
    for fault in [Fault::Throttled, Fault::ServerError, Fault::RequestLost] {
        let me = Instance::new(Plan::fault(1, fault));
        me.put_new("A").send().await.unwrap();
        assert_eq!((me.probe.count(), me.items()), (2, 1), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_stays_reaches_the_caller_after_the_sdks_tries() {
    let faults = (1..=3).map(|n| (n, Fault::ServerError)).collect();
    let me = Instance::new(Plan { faults, ..Plan::default() });
    assert!(me.put_new("A").send().await.is_err());
    assert_eq!((me.probe.count(), me.items()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_slower_than_the_sdks_timeout_is_given_up_and_asked_again() {
    let me = Instance::new(Plan { delays: [(1, 60_000)].into(), ..Plan::default() });
    me.put_new("A").send().await.unwrap();
    let requests = me.probe.requests();
    assert_eq!(requests[0].end, Some(Duration::from_secs(3)));
    assert_eq!(requests.len(), 2);
    let always = (1..=3).map(|n| (n, 60_000)).collect();
    me.probe.restart(Plan { delays: always, ..Plan::default() });
    assert!(matches!(me.put_new("B").send().await, Err(SdkError::TimeoutError(_))));
}

#[tokio::test(start_paused = true)]
async fn requests_sent_together_are_one_wave_and_requests_in_turn_are_several() {
    let me = Instance::new(Plan::default());
    two_puts(&me).await;
    let (a, b) = tokio::join!(me.put("C").send(), me.put("D").send());
    a.unwrap();
    b.unwrap();
    let put = "DynamoDB.PutItem".to_owned();
    assert_eq!(me.probe.waves(), [vec![put.clone()], vec![put.clone()], vec![put.clone(), put]]);
    assert_eq!(me.probe.requests()[1].start, Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn a_request_beside_two_in_turn_does_not_hide_that_they_are_two_waits() {
    let probe = Probe::with(Plan { delays: [(1, 20)].into(), ..Plan::default() });
    let ask = async |name: &'static str| {
        let call = probe.before(name).await;
        probe.after(call).await;
    };
    tokio::join!(ask("slow"), async {
        ask("first").await;
        ask("second").await;
    });
    assert_eq!(probe.waves(), [vec!["slow", "first"], vec!["second"]]);
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_run() {
    let run = || async {
        let latency = Latency::Between { min_ms: 1, max_ms: 40, seed: 3 };
        let faults = [(1, Fault::Throttled), (2, Fault::ServerError), (4, Fault::RequestLost)].into();
        let me = Instance::new(Plan { latency, faults, ..Plan::default() });
        two_puts(&me).await;
        me.probe.requests().iter().map(|request| (request.name.clone(), request.start)).collect::<Vec<_>>()
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_an_instance_may_be_wrong() {
    let me = Instance::new(Plan::default());
    let fast = me.clock.skewed(90_000);
    me.clock.sleep_ms(1_000).await;
    assert_eq!(fast.now_ms() - me.clock.now_ms(), 90_000);
    assert_eq!(fast.skewed(0).now_ms(), me.clock.now_ms());
}
