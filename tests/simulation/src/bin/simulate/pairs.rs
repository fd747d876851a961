//! Every pair of crashes in the flows whose effects must never happen twice.

use std::sync::Mutex;
use std::time::Instant;

use simulation::shop::Flow;
use simulation::sweep::{Pairs, first_places, pairs_after};

/// A charge, a refund, and a mail whose outcome is not known.
const FLOWS: [Flow; 3] = [Flow::PaidAtOnce, Flow::Refunded, Flow::MailAnswerLost];

/// Runs them all; whether all is well.
pub(crate) fn run() -> bool {
    let failed = FLOWS.into_iter().filter(|flow| !of_flow(*flow)).count();
    failed == 0
}

fn of_flow(flow: Flow) -> bool {
    let began = Instant::now();
    let places = Mutex::new(first_places(flow, 1));
    let sum = Mutex::new(Pairs::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(first) = places.lock().ok().and_then(|mut places| places.pop()) {
                    let pairs = pairs_after(flow, 1, first);
                    if let Ok(mut sum) = sum.lock() {
                        *sum = std::mem::take(&mut *sum).and(pairs);
                    }
                }
            });
        }
    });
    let Ok(pairs) = sum.into_inner() else { return false };
    println!(
        "{flow:?}: {} places of a first crash, {} pairs, {} violations, {:.0} s",
        pairs.first,
        pairs.pairs,
        pairs.failures.len(),
        began.elapsed().as_secs_f64()
    );
    pairs.failures.iter().take(20).for_each(|failure| println!("VIOLATED {failure}"));
    pairs.failures.is_empty()
}
