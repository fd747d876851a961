//! Killing any function at any request, and running on, leaves one charge and one SMS. All other flows are
//! `cargo simulate crashes`'s, which CI runs with `--beside-tests`.

#![allow(clippy::print_stdout, clippy::panic, reason = "the sweep prints its counts, and fails with all it found")]

use simulation::shop::Flow;
use simulation::sweep::{SWEPT_BY_TESTS, sweep};

fn sweep_of(flow: Flow) {
    let swept = sweep(flow, 1);
    println!(
        "single-crash sweep of {flow:?}: {} invocations, {} requests, {} runs, {} violations",
        swept.invocations,
        swept.requests,
        swept.runs,
        swept.failures.len()
    );
    assert!(swept.failures.is_empty(), "{}", swept.failures.join("\n"));
    assert!(swept.runs > 1, "the flow has no place to crash at");
}

#[test]
fn a_crash_anywhere_in_a_payment_made_at_once_leaves_one_charge_and_one_mail() {
    assert_eq!(SWEPT_BY_TESTS[0], Flow::PaidAtOnce);
    sweep_of(SWEPT_BY_TESTS[0]);
}

#[test]
fn a_crash_anywhere_around_the_lost_answer_to_an_sms_leaves_one_sms() {
    assert_eq!(SWEPT_BY_TESTS[1], Flow::SmsAnswerLost);
    sweep_of(SWEPT_BY_TESTS[1]);
}
