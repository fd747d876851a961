//! Killing any function at any request, and running on, leaves one charge and one mail.

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

macro_rules! sweeps {
    ($($name:ident: $flow:ident,)*) => {
        $(#[test]
        fn $name() {
            sweep_of(Flow::$flow);
        })*
    };
}

sweeps! {
    a_crash_anywhere_in_a_payment_made_in_the_browser_leaves_one_charge_and_one_mail: PaidInTheBrowser,
    a_crash_anywhere_in_a_payment_made_at_once_leaves_one_charge_and_one_mail: PaidAtOnce,
    a_crash_anywhere_between_a_decline_and_the_next_card_leaves_one_charge_and_one_mail: DeclinedThenPaid,
    a_crash_anywhere_in_a_deferred_payment_leaves_one_charge_and_one_mail: Deferred,
    a_crash_anywhere_around_a_lost_answer_leaves_one_charge_and_one_mail: AnswerLost,
    a_crash_anywhere_around_a_stored_500_leaves_one_charge_and_one_mail: StoredError,
    a_crash_anywhere_in_a_cancel_leaves_no_charge: Canceled,
    a_crash_anywhere_around_a_lost_answer_to_a_mail_leaves_one_mail: MailAnswerLost,
    a_crash_anywhere_in_a_deferred_mail_leaves_one_mail: MailDeferred,
    a_crash_anywhere_around_3_d_secure_leaves_one_charge_and_one_mail: ThreeDSecure,
    a_crash_anywhere_in_a_refund_leaves_one_refund_and_one_notice: Refunded,
    a_crash_anywhere_in_two_partial_refunds_leaves_two: RefundedInParts,
    a_crash_anywhere_around_a_lost_answer_to_a_refund_leaves_one_refund: RefundAnswerLost,
    a_crash_anywhere_around_a_stored_500_to_a_refund_leaves_one_refund: RefundStoredError,
    a_crash_anywhere_in_a_deferred_refund_leaves_one_refund: RefundDeferred,
    a_crash_anywhere_in_a_refund_that_the_bank_returns_gives_its_amount_back_once: RefundFailsLater,
    a_crash_anywhere_while_a_refund_of_the_vendor_s_own_arrives_counts_it_once: RefundedAtTheVendor,
    a_crash_anywhere_while_a_refund_is_heard_of_before_its_payment_loses_neither: RefundedBeforeKnown,
    a_crash_anywhere_with_a_saved_card_leaves_one_customer_and_one_charge_an_order: SavedCard,
    a_crash_anywhere_around_a_lost_answer_to_a_customer_leaves_one_customer: CustomerAnswerLost,
    a_crash_anywhere_in_commands_that_come_twice_leaves_one_charge_and_one_refund: Commanded,
}
