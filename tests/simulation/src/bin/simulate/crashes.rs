//! Every single crash in every flow, and every pair of crashes in the flows whose effects must never happen twice.

use std::time::Instant;

use simulation::shop::Flow;
use simulation::sweep::{
    PAIRED_BY_TESTS, Pairs, Place, SWEPT_BY_TESTS, Swept, crashed_at, first_places, pairs_after, places_of,
};

use crate::cores::on_each_core;

/// The seed of every flow's run.
const SEED: u64 = 1;
/// A charge, a refund, and a mail, an SMS and a label whose outcomes are not known; and each how-manieth place of the first
/// crash is tried. A label that is voided and bought anew has so many pairs that all of them take minutes more.
const IN_PAIRS: [(Flow, usize); 6] = [
    (Flow::PaidAtOnce, 1),
    (Flow::Refunded, 1),
    (Flow::MailAnswerLost, 1),
    (Flow::SmsAnswerLost, 1),
    (Flow::UpsAnswerLost, 1),
    (Flow::FedexAnswerLost, 24),
];

/// Runs them all, or only these, or all but what `cargo test` has run; whether all is well.
pub(crate) fn run(only: &[String], beside_tests: bool) -> bool {
    let is_wanted = |flow: &Flow| only.is_empty() || only.iter().any(|name| *name == format!("{flow:?}"));
    let is_left = |flow: &Flow| !(beside_tests && SWEPT_BY_TESTS.contains(flow));
    let single = single(Flow::ALL.into_iter().filter(is_wanted).filter(is_left).collect());
    let pairs = pairs(IN_PAIRS.into_iter().filter(|(flow, _)| is_wanted(flow)).collect(), beside_tests);
    single && pairs
}

fn single(flows: Vec<Flow>) -> bool {
    let (began, expected) = (Instant::now(), flows.len());
    let whole = on_each_core(flows, |flow| (flow, places_of(flow, SEED)));
    let number = whole.len();
    let (mut swept, mut left) = (Swept::default(), Vec::new());
    for (flow, (runs, places)) in whole {
        swept = swept.and(runs);
        left.extend(places.into_iter().map(|place| (flow, place)));
    }
    let places = left.len();
    let crashed = on_each_core(left, |(flow, place)| crashed_at(flow, SEED, place));
    // A run that panicked has left no result.
    let is_whole = number == expected && crashed.len() == places;
    let swept = crashed.into_iter().fold(swept, Swept::and);
    println!(
        "single crashes: {number} flows, {} invocations, {} requests, {} runs, {} violations, {:.0} s",
        swept.invocations,
        swept.requests,
        swept.runs,
        swept.failures.len(),
        began.elapsed().as_secs_f64()
    );
    show(&swept.failures);
    swept.failures.is_empty() && is_whole
}

/// The places of the first crash that are tried here.
fn wanted_places(flow: Flow, nth: usize, beside_tests: bool) -> Vec<Place> {
    let is_in_tests = |n: usize| beside_tests && PAIRED_BY_TESTS.0 == flow && n.is_multiple_of(PAIRED_BY_TESTS.1);
    let places = first_places(flow, SEED).into_iter().enumerate();
    places.filter(|(n, _)| n.is_multiple_of(nth) && !is_in_tests(*n)).map(|(_, place)| place).collect()
}

fn pairs(flows: Vec<(Flow, usize)>, beside_tests: bool) -> bool {
    let began = Instant::now();
    let wanted = on_each_core(flows.clone(), |(flow, nth)| (flow, wanted_places(flow, nth, beside_tests)));
    let places: Vec<(Flow, Place)> =
        wanted.into_iter().flat_map(|(flow, places)| places.into_iter().map(move |place| (flow, place))).collect();
    let expected = places.clone();
    let tried = on_each_core(places, |(flow, first)| (flow, pairs_after(flow, SEED, first)));
    let mut is_well = true;
    for (flow, nth) in flows {
        let of_flow = tried.iter().filter(|(of, _)| *of == flow).map(|(_, pairs)| pairs.clone());
        let pairs = of_flow.fold(Pairs::default(), Pairs::and);
        let every = if nth == 1 { "every place".to_owned() } else { format!("each {nth}th place") };
        println!(
            "pairs of crashes in {flow:?}: {} places of the first ({every}), {} pairs, {} mails left to a person, {} violations",
            pairs.first,
            pairs.pairs,
            pairs.given_up,
            pairs.failures.len(),
        );
        show(&pairs.failures);
        let wanted = expected.iter().filter(|(of, _)| *of == flow).count();
        is_well &= pairs.failures.is_empty() && wanted > 0 && pairs.first == wanted;
    }
    println!("pairs of crashes: {:.0} s", began.elapsed().as_secs_f64());
    is_well
}

fn show(failures: &[String]) {
    failures.iter().take(20).for_each(|failure| println!("VIOLATED {failure}"));
}
