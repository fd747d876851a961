//! Tokens in whole requests; one by one they are in tests/tokens.

use sandbox::Vendor;
use simulation::shop::shipping::within_europe;
use simulation::universe::Universe;

use crate::calls;

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_fetched_anew_once_and_the_question_answered() {
    for (vendor, carrier) in [(Vendor::FedEx, "fedex"), (Vendor::Ups, "ups")] {
        let mut universe = Universe::new(1);
        universe.call("POST", "/rates", None, Some(&within_europe())).await;
        universe.sandbox().revoke_tokens(vendor);
        universe.sleep_ms(21 * 60_000).await;
        let quoted = universe.call("POST", "/rates", None, Some(&within_europe())).await.body();
        assert!(quoted["errors"].as_array().unwrap().is_empty(), "{carrier}: {quoted}");
        assert_eq!(calls(&universe, vendor, "token"), 2, "{carrier}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_a_token_in_the_table() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/rates", None, Some(&within_europe())).await;
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
