//! Tokens: one call for everybody, and once more when one is refused.

use sandbox::Vendor;
use simulation::Probe;
use simulation::shop::shipping::consignment;
use simulation::universe::{Function, Universe};

use crate::calls;

#[tokio::test(start_paused = true)]
async fn fifty_cold_instances_make_one_token_call() {
    let universe = Universe::new(1);
    let asking = (0..50).map(|_| {
        let system = universe.system(Function::RateQuoter, &Probe::new());
        async move {
            let carriers = system.carriers().unwrap();
            let now = system.world().now();
            let permit = crossdock::gateway::Permit::until(
                now.plus(std::time::Duration::from_secs(8)),
                crossdock::gateway::Lane::Interactive,
            );
            let correlation = crossdock::domain::Correlation::generate(now, system.world().rng.next());
            let asking = crossdock::vendors::carrier::Asking { permit: &permit, attempt: 0, correlation: &correlation };
            carriers.get(crossdock::domain::shipping::Carrier::Fedex).track("000000000000", asking).await
        }
    });
    futures_util::future::join_all(asking).await;
    assert_eq!(calls(&universe, Vendor::FedEx, "token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_fetched_anew_once_and_the_question_answered() {
    for (vendor, carrier) in [(Vendor::FedEx, "fedex"), (Vendor::Ups, "ups")] {
        let mut universe = Universe::new(1);
        universe.call("POST", "/rates", None, Some(&consignment())).await;
        universe.sandbox().revoke_tokens(vendor);
        universe.sleep_ms(21 * 60_000).await;
        let quoted = universe.call("POST", "/rates", None, Some(&consignment())).await.body();
        assert!(quoted["errors"].as_array().unwrap().is_empty(), "{carrier}: {quoted}");
        assert_eq!(calls(&universe, vendor, "token"), 2, "{carrier}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_a_token_in_the_table() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/rates", None, Some(&consignment())).await;
    let token = universe
        .aws()
        .table()
        .items()
        .into_iter()
        .find(|item| item["pk"].as_str().is_some_and(|pk| pk == "TOKEN#fedex"));
    let stored = token.expect("a token is stored").to_string();
    let sandbox = universe.sandbox();
    let shown = sandbox.calls().iter().filter_map(|call| call.headers.get("authorization")?.to_str().ok());
    let tokens: Vec<&str> = shown.filter_map(|header| header.strip_prefix("Bearer ")).collect();
    assert!(!tokens.is_empty());
    assert!(tokens.iter().all(|token| !stored.contains(token)));
}
