//! Killing any function at any request, and running on, leaves one charge and one mail. All flows are
//! `cargo simulate crashes`'s.

#![allow(clippy::print_stdout, clippy::panic, reason = "the sweep prints its counts, and fails with all it found")]

use simulation::shop::Flow;
use simulation::sweep::sweep;

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
    assert!(swept.requests > 0, "the flow made no request");
}

#[test]
fn a_crash_anywhere_in_a_payment_made_at_once_leaves_one_charge_and_one_mail() {
    sweep_of(Flow::PaidAtOnce);
}

#[test]
fn a_crash_anywhere_in_a_refund_leaves_one_refund_and_one_notice() {
    sweep_of(Flow::Refunded);
}

#[test]
fn a_crash_anywhere_in_an_sms_that_becomes_a_mail_leaves_one_of_each() {
    sweep_of(Flow::SmsBecomesMail);
}

#[test]
fn a_crash_anywhere_around_the_lost_answer_to_an_sms_leaves_one_sms() {
    sweep_of(Flow::SmsAnswerLost);
}

#[test]
fn a_crash_anywhere_around_the_lost_answer_to_a_code_leaves_nobody_waiting() {
    sweep_of(Flow::CodeAnswerLost);
}

#[test]
fn a_crash_anywhere_around_a_lost_answer_to_a_mail_leaves_one_mail() {
    sweep_of(Flow::MailAnswerLost);
}

#[test]
fn a_crash_anywhere_in_an_sms_whose_callbacks_are_lost_leaves_one_sms_and_its_final_status() {
    sweep_of(Flow::SmsCallbacksLost);
}

#[test]
fn a_crash_anywhere_in_a_campaign_leaves_one_mail_to_each_who_wants_it_at_most() {
    sweep_of(Flow::Campaign);
}

#[test]
fn a_crash_anywhere_in_a_campaign_that_is_called_off_leaves_nobody_with_a_mail() {
    sweep_of(Flow::CampaignCanceled);
}
