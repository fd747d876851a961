//! What is not known stays not known until somebody who can tell has been asked.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use sandbox::{CallFault, Vendor};
use serde_json::json;
use simulation::invariants::{of_type, text, violations};
use simulation::shop::payment;
use simulation::universe::Universe;

/// More than enough for whatever is due.
const A_WHILE_MS: i64 = 4 * 3_600_000;

const LOST: CallFault = CallFault::LostAnswer;
const TURNED_AWAY: CallFault = CallFault::ErrorBefore { status: 503 };

fn phase(universe: &Universe) -> String {
    let items = universe.aws().table().items();
    let create = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.create"));
    text(create.unwrap(), "phase").unwrap().to_owned()
}

/// Creates a payment while Stripe answers like this, and cancels it at once.
async fn created_and_canceled(faults: &[(CallFault, u32)]) -> Universe {
    let mut universe = Universe::new(1);
    for (fault, times) in faults {
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", *times, *fault);
    }
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    assert_eq!((created.status(), &created.body()["status"]), (202, &json!("processing")));
    assert_eq!(phase(&universe), "UNKNOWN");
    let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
    assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
    universe
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_is_turned_away_does_not_conclude_that_nothing_happened() {
    let mut universe = created_and_canceled(&[(LOST, 2), (TURNED_AWAY, 3)]).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_second_try_that_is_turned_away_does_not_make_the_first_one_s_outcome_known() {
    let mut universe = created_and_canceled(&[(LOST, 1), (TURNED_AWAY, 4)]).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_repeat_made_an_hour_after_the_first_call_is_found_in_the_list() {
    let mut universe = created_and_canceled(&[(CallFault::LostRequest, 2)]).await;
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    universe.run_until_quiet(3_600_000).await;
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    // Stripe does it, answers 500, and remembers that under the key: from now on only its list can tell.
    let did_it = CallFault::ErrorAfter { status: 500 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, did_it);
    universe.run_until_quiet(A_WHILE_MS).await;
    let made = universe.sandbox().stripe().payment_intents().len();
    assert_eq!((made, phase(&universe).as_str()), (1, "DONE"));
    assert_eq!(violations(&universe), Vec::<String>::new());
}
