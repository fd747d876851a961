//! Quotas, seen from instances that share nothing but the table.

use crossdock::gateway::Lane;
use futures_util::future::join_all;
use simulation::universe::Universe;

use super::{Instance, stripe_calls};

/// What Stripe's quota lets through at once.
const BURST: usize = 200;

fn table_writes(universe: &Universe) -> u64 {
    universe.aws().table().writes()
}

#[tokio::test(start_paused = true)]
async fn together_all_instances_never_call_more_often_than_the_vendor_allows() {
    let universe = Universe::new(1);
    let instances: Vec<Instance> = (0..30).map(|_| Instance::of(&universe)).collect();
    let start_ms = universe.now_ms();
    join_all(instances.iter().map(|instance| async {
        for _ in 0..60 {
            let _ = instance.read(Lane::Interactive).await;
        }
    }))
    .await;
    let took_ms = usize::try_from(universe.now_ms() - start_ms).unwrap();
    let calls = stripe_calls(&universe);
    assert!(calls <= BURST + took_ms / 10 + 1, "{calls} calls in {took_ms} ms");
    assert!(calls >= BURST / 2, "{calls} calls: the quota was left unused");
}

#[tokio::test(start_paused = true)]
async fn background_work_leaves_half_of_the_burst_to_those_whom_somebody_waits_for() {
    let universe = Universe::new(1);
    let (worker, shop) = (Instance::of(&universe), Instance::of(&universe));
    join_all((0..300).map(|_| worker.read(Lane::Background))).await;
    let background = stripe_calls(&universe);
    assert!((80..=BURST / 2 + 10).contains(&background), "{background} calls");
    join_all((0..80).map(|_| shop.read(Lane::Interactive))).await;
    assert!(stripe_calls(&universe) - background >= 70, "somebody who waits was turned away");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_else_needs_background_work_may_use_at_the_full_rate() {
    let universe = Universe::new(1);
    let worker = Instance::of(&universe);
    let start_ms = universe.now_ms();
    while universe.now_ms() < start_ms + 10_000 {
        let _ = worker.read(Lane::Background).await;
        universe.sleep_ms(1).await;
    }
    // 100 a second, and half of the burst.
    let calls = stripe_calls(&universe);
    assert!((880..=1_110).contains(&calls), "{calls} calls in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_remembered_and_not_asked_for_again_before_its_end() {
    let universe = Universe::new(1);
    let instance = Instance::of(&universe);
    join_all((0..400).map(|_| instance.read(Lane::Interactive))).await;
    let (calls, writes) = (stripe_calls(&universe), table_writes(&universe));
    for _ in 0..50 {
        let _ = instance.read(Lane::Interactive).await;
    }
    let more_calls = stripe_calls(&universe) - calls;
    let more_writes = table_writes(&universe) - writes;
    assert!(more_writes <= 2 * more_calls as u64 + 5, "{more_writes} writes for {more_calls} calls");
}
