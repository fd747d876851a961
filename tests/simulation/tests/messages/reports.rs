//! What became of a day's mails, by the provider's own count.

use serde_json::json;
use simulation::invariants::of_type;
use simulation::universe::Universe;

use crate::{ask_and_wait, mail};

/// The days that were asked for, in order.
fn asked(universe: &Universe) -> Vec<String> {
    let sandbox = universe.sandbox();
    let calls = sandbox.calls().iter().filter(|call| call.operation == "stats");
    calls.map(|call| call.path_and_query.split_once('?').unwrap().1.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_day_is_asked_for_once_when_it_is_over_and_days_that_were_missed_are_made_up_for() {
    let mut universe = Universe::new(1);
    ask_and_wait(&mut universe, "m-1", &mail("welcome", json!({}))).await;
    universe.report().await;
    universe.report().await;
    let first = "start_date=2024-04-25&end_date=2024-04-27&aggregated_by=day";
    assert_eq!(asked(&universe), [first]);
    universe.sleep_ms(2 * 24 * 3_600_000).await;
    universe.report().await;
    assert_eq!(asked(&universe), [first, "start_date=2024-04-28&end_date=2024-04-29&aggregated_by=day"]);
    let items = universe.aws().table().items();
    assert_eq!(of_type(&items, "report").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_day_that_sendgrid_did_not_tell_of_is_asked_for_again() {
    use sandbox::{CallFault, Vendor};
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::SendGrid, "stats", 1, CallFault::ErrorBefore { status: 500 });
    universe.report().await;
    assert!(of_type(&universe.aws().table().items(), "report").next().is_none());
    universe.report().await;
    assert_eq!((asked(&universe).len(), of_type(&universe.aws().table().items(), "report").count()), (2, 3));
}
