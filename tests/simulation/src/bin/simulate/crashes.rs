//! Every single crash in every flow, and every pair of crashes in the flows whose effects must never happen twice.

use std::sync::Mutex;
use std::time::Instant;

use simulation::shop::Flow;
use simulation::sweep::{Pairs, first_places, pairs_after, sweep};

/// A charge, a refund, and a mail, an SMS and a label whose outcomes are not known. A label that is voided and bought
/// anew has so many pairs more that they take minutes: `tests/crash_pairs.rs` looks at a part of them.
const IN_PAIRS: [Flow; 5] =
    [Flow::PaidAtOnce, Flow::Refunded, Flow::MailAnswerLost, Flow::SmsAnswerLost, Flow::UpsAnswerLost];

/// Runs them all, or only these; whether all is well.
pub(crate) fn run(only: &[String]) -> bool {
    let is_wanted = |flow: &Flow| only.is_empty() || only.iter().any(|name| *name == format!("{flow:?}"));
    let single = single(Flow::ALL.into_iter().filter(is_wanted).collect());
    let failed = IN_PAIRS.into_iter().filter(is_wanted).filter(|flow| !pairs_of(*flow)).count();
    single && failed == 0
}

/// Does a piece of work on each core until none is left.
fn on_each_core<T: Send, R: Send>(left: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let (left, done) = (Mutex::new(left), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(next) = left.lock().ok().and_then(|mut left| left.pop()) {
                    let result = work(next);
                    if let Ok(mut done) = done.lock() {
                        done.push(result);
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_default()
}

fn single(flows: Vec<Flow>) -> bool {
    let (began, expected) = (Instant::now(), flows.len());
    let swept = on_each_core(flows, |flow| sweep(flow, 1));
    let sum = |of: fn(&simulation::sweep::Swept) -> usize| -> usize { swept.iter().map(of).sum() };
    let failures: Vec<&String> = swept.iter().flat_map(|swept| &swept.failures).collect();
    println!(
        "single crashes: {} flows, {} invocations, {} requests, {} runs, {} violations, {:.0} s",
        swept.len(),
        sum(|swept| swept.invocations),
        sum(|swept| swept.requests),
        sum(|swept| swept.runs),
        failures.len(),
        began.elapsed().as_secs_f64()
    );
    show(&failures);
    // A flow whose sweep panicked has left no result.
    failures.is_empty() && swept.len() == expected
}

fn pairs_of(flow: Flow) -> bool {
    let began = Instant::now();
    let places = first_places(flow, 1);
    let expected = places.len();
    let pairs = on_each_core(places, |first| pairs_after(flow, 1, first));
    let pairs = pairs.into_iter().fold(Pairs::default(), Pairs::and);
    println!(
        "pairs of crashes in {flow:?}: {} places of the first, {} pairs, {} mails left to a person, {} violations, {:.0} s",
        pairs.first,
        pairs.pairs,
        pairs.given_up,
        pairs.failures.len(),
        began.elapsed().as_secs_f64()
    );
    show(&pairs.failures.iter().collect::<Vec<_>>());
    pairs.failures.is_empty() && pairs.first == expected
}

fn show(failures: &[&String]) {
    failures.iter().take(20).for_each(|failure| println!("VIOLATED {failure}"));
}
