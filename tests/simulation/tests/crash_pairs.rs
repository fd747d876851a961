//! Killing two invocations of one run, anywhere, leaves one charge, one refund, one mail and one label.

#![allow(clippy::print_stdout, clippy::panic, reason = "the sweep prints its counts, and fails with all it found")]

use simulation::shop::Flow;
use simulation::sweep::{Pairs, first_places, pairs_after};

/// Every `nth` place of the first crash: all pairs are `cargo simulate crashes`'s.
const NTH: usize = 24;

fn pairs_of(flow: Flow) {
    let places = first_places(flow, 1);
    let chosen = places.iter().step_by(NTH).map(|first| pairs_after(flow, 1, *first));
    let pairs = chosen.fold(Pairs::default(), Pairs::and);
    println!(
        "crash pairs of {flow:?}: {} of {} first places, {} pairs, {} violations",
        pairs.first,
        places.len(),
        pairs.pairs,
        pairs.failures.len()
    );
    assert!(pairs.failures.is_empty(), "{}", pairs.failures.join("\n"));
    assert!(pairs.pairs > 0, "no second crash was possible");
}

#[test]
fn two_crashes_in_a_payment_leave_one_charge() {
    pairs_of(Flow::PaidAtOnce);
}

#[test]
fn two_crashes_in_a_refund_leave_one_refund() {
    pairs_of(Flow::Refunded);
}

#[test]
fn two_crashes_around_an_sms_of_unknown_outcome_leave_one_sms() {
    pairs_of(Flow::SmsAnswerLost);
}

#[test]
fn two_crashes_around_a_mail_of_unknown_outcome_leave_one_mail() {
    pairs_of(Flow::MailAnswerLost);
}

#[test]
fn two_crashes_around_a_label_of_unknown_outcome_leave_one_that_is_billed() {
    pairs_of(Flow::FedexAnswerLost);
}
