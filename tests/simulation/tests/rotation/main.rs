//! The rotation of keys: each step cut off at every request and done twice, an operator's put in between, a vendor that is down,
//! keys that are refused; and what a rotation leaves to do at the vendor.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod endpoint;
mod load;
mod ours;
mod sendgrid;

use simulation::universe::Universe;
use simulation::{Plan, When};

/// What Secrets Manager asks for, in this order.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// After this nobody uses what was current before, and a tick more.
const LATER_MS: u64 = (secret_rotator::NOBODY_HAS_IT_AFTER.as_secs() + 60) * 1_000;
/// Ids of versions are 32 to 64 characters.
const TOKEN: &str = "11111111-1111-4111-8111-111111111111";
const NEXT_TOKEN: &str = "22222222-2222-4222-8222-222222222222";

/// A rotation from its begin to its end, as Secrets Manager runs it: a step that fails is tried twice more.
async fn rotation(universe: &mut Universe, token: &str) -> Result<(), &'static str> {
    let token = universe.aws().secrets().begin_rotation(universe.rotates, token);
    for step in STEPS {
        let mut came_to = universe.rotate(step, &token).await;
        for _ in 0..2 {
            if matches!(came_to, Some(Ok(()))) {
                break;
            }
            universe.sleep_ms(60_000).await;
            came_to = universe.rotate(step, &token).await;
        }
        came_to.unwrap_or(Err("died"))?;
    }
    Ok(())
}

/// How many requests each step makes when nothing happens to it.
async fn requests_of_steps(new: impl Fn() -> Universe) -> Vec<usize> {
    let mut universe = new();
    assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()));
    universe.invocations.iter().map(|invocation| invocation.requests).collect()
}

/// Runs a rotation once for each way to cut one step off or to do it twice, and has the result checked.
async fn each_step_cut_and_doubled(new: impl Fn() -> Universe, check: impl AsyncFn(&mut Universe, &str)) {
    let requests = requests_of_steps(&new).await;
    assert_eq!(requests.len(), STEPS.len());
    for (number, step) in STEPS.into_iter().enumerate() {
        for n in 1..=requests[number] {
            for when in [When::Before, When::After] {
                let mut universe = new();
                universe.plans.insert(number, Plan::crash(n, when));
                let what = format!("{step} is cut off at request {n}: {when:?}");
                assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()), "{what}");
                assert!(universe.invocations[number].crashed, "{what}");
                check(&mut universe, &what).await;
            }
        }
        let mut universe = new();
        let token = universe.aws().secrets().begin_rotation(universe.rotates, TOKEN);
        for (other, asked) in STEPS.into_iter().enumerate() {
            for _ in 0..=usize::from(other == number) {
                assert_eq!(universe.rotate(asked, &token).await, Some(Ok(())), "{step} twice");
            }
        }
        check(&mut universe, &format!("{step} twice")).await;
    }
}
