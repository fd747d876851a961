//! Killing two invocations of one run leaves one charge. All other pairs, of refunds, messages and labels too, are
//! `cargo simulate crashes`'s, which CI runs with `--beside-tests`.

#![allow(clippy::print_stdout, clippy::panic, reason = "the sweep prints its counts, and fails with all it found")]

use simulation::shop::Flow;
use simulation::sweep::{PAIRED_BY_TESTS, Pairs, first_places, pairs_after};

#[test]
fn two_crashes_in_a_payment_leave_one_charge() {
    let (flow, nth) = PAIRED_BY_TESTS;
    assert_eq!(flow, Flow::PaidAtOnce);
    let places = first_places(flow, 1);
    let chosen = places.iter().step_by(nth).map(|first| pairs_after(flow, 1, *first));
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
