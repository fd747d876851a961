//! Labels that are bought once, prices that expire, visits that are planned once, and tokens that one fetches for all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use sandbox::{CallFault, ParcelCourse, Vendor};
use serde_json::{Value, json};

use super::in_a_run;
use crate::invariants::violations;
use crate::invocation::Job;
use crate::shop::shipping::{consignment, shipment};
use crate::universe::{Function, Universe, api_request};

/// By then every label is known, and no parcel has moved.
const KNOWN_WITHIN_MS: i64 = 3 * 3_600_000;
/// How long a label cannot be found after it was made, in milliseconds: less than it is waited for.
const SHOWN_AFTER_MS: i64 = 5 * 60_000;
/// More than a price counts, in milliseconds.
const EXPIRED_AFTER_MS: u64 = 21 * 60_000;
/// Instances that need a token at the same moment, and how long it takes to give one, in milliseconds.
const COLD_INSTANCES: u32 = 50;
const TOKEN_TAKES_MS: u64 = 300;

/// What is wrong before parcels have arrived: their looks are still to come.
fn wrong_so_far(universe: &Universe) -> Vec<String> {
    violations(universe).into_iter().filter(|violation| !violation.starts_with("I2")).collect()
}

fn ground(allow_fallback: bool) -> Value {
    let mut body = shipment("o-1", "fedex", "FEDEX_GROUND");
    body["allow_fallback"] = json!(allow_fallback);
    body
}

/// Asks for a shipment, and waits until its label is known.
async fn asked_for(universe: &mut Universe, body: &Value) -> Vec<String> {
    universe.call("POST", "/shipments", None, Some(body)).await;
    universe.run_until_quiet(KNOWN_WITHIN_MS).await;
    wrong_so_far(universe)
}

/// FedEx makes a label that it does not show for some minutes, and its answer is lost.
pub fn a_label_of_unknown_outcome_is_billed_once() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().labels_show_after(Vendor::FedEx, SHOWN_AFTER_MS);
        universe.sandbox().faults().next_calls(Vendor::FedEx, "ship", 1, CallFault::LostAnswer);
        asked_for(&mut universe, &ground(false)).await
    })
}

/// FedEx makes a label, its answer is lost, and another carrier would be allowed.
pub fn what_may_have_been_done_is_done_nowhere_else() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().next_calls(Vendor::FedEx, "ship", 1, CallFault::LostAnswer);
        asked_for(&mut universe, &ground(true)).await
    })
}

/// A carrier is down, and the shop wants no other.
pub fn no_other_carrier_against_the_shop_s_will() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().outage(Vendor::FedEx, true);
        let asked = universe.call("POST", "/shipments", None, Some(&ground(false))).await.body();
        let switched = asked["carrier"] != json!("fedex");
        switched.then(|| format!("L: {} was asked, and not allowed", asked["carrier"])).into_iter().collect()
    })
}

/// The labels' bucket takes nothing for a while.
pub fn a_label_is_kept_before_anybody_hears_of_it() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.aws().s3().refuse(Some(("labels/", 403)));
        universe.call("POST", "/shipments", None, Some(&shipment("o-1", "ups", "03"))).await;
        universe.aws().s3().refuse(None);
        universe.run_until_quiet(KNOWN_WITHIN_MS).await;
        wrong_so_far(&universe)
    })
}

/// Somebody buys by a price of twenty minutes ago.
pub fn an_expired_price_is_refused() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let quoted = universe.call("POST", "/rates", None, Some(&consignment())).await.body();
        universe.sleep_ms(EXPIRED_AFTER_MS).await;
        let mut body = consignment();
        body["order_id"] = json!("o-1");
        body["quote_id"] = quoted["quotes"][0]["quote_id"].clone();
        let bought = universe.call("POST", "/shipments", None, Some(&body)).await;
        let told = (bought.status(), bought.body()["code"].clone());
        let refused = told == (422, json!("quote_expired"));
        (!refused).then(|| format!("L: a price that has expired was answered with {told:?}")).into_iter().collect()
    })
}

/// UPS plans a visit, and its answer is lost.
pub fn one_van_comes() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().next_calls(Vendor::Ups, "pickup", 1, CallFault::LostAnswer);
        let body = json!({
            "carrier": "ups",
            "address": consignment()["shipper"]["address"],
            "contact": { "name": "Ann Clerk", "phone": "+12125550100" },
            "ready_at": "2024-04-29T10:00:00-05:00",
            "close_at": "2024-04-29T17:00:00-05:00",
            "packages": consignment()["packages"],
        });
        universe.call("POST", "/pickups", Some("p-1"), Some(&body)).await;
        universe.run_until_quiet(KNOWN_WITHIN_MS).await;
        let vans = universe.sandbox().parcels(Vendor::Ups).map_or(0, |parcels| parcels.pickups().len());
        (vans != 1).then(|| format!("L: {vans} vans come")).into_iter().collect()
    })
}

/// A push is overtaken by the next one.
pub fn a_late_scan_moves_no_parcel_back() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_parcel(Vendor::FedEx, ParcelCourse::Still);
        let bought = universe.call("POST", "/shipments", None, Some(&ground(false))).await.body();
        let number = bought["tracking_number"].as_str().unwrap_or_default();
        let late = sandbox::WebhookFault::Late { ms: 3_600_000 };
        universe.sandbox().faults().next_webhooks(Vendor::FedEx, 1, late);
        for _ in 0..2 {
            universe.sleep_ms(60_000).await;
            let now_ms = universe.now_ms();
            universe.sandbox().parcel_moves(Vendor::FedEx, now_ms, number);
        }
        universe.run_until_quiet(KNOWN_WITHIN_MS).await;
        wrong_so_far(&universe)
    })
}

/// Many instances start at once, and each needs a token.
pub fn one_fetches_a_token_for_all() -> Vec<String> {
    const PATH: &str = "/tracking/fedex/794600000000";
    in_a_run(async {
        let mut universe = Universe::new(1);
        let slow = CallFault::Delay { ms: TOKEN_TAKES_MS };
        universe.sandbox().faults().next_calls(Vendor::FedEx, "token", COLD_INSTANCES, slow);
        let looks = (0..COLD_INSTANCES).map(|_| {
            let request = Box::new(api_request("GET", PATH, None, None));
            universe.start(Job::Request(Function::RateQuoter, request, PATH.to_owned())).future
        });
        join_all(looks.collect::<Vec<_>>()).await;
        let fetched = universe.sandbox().calls().iter().filter(|call| call.operation == "token").count();
        (fetched != 1).then(|| format!("T: {fetched} tokens were fetched")).into_iter().collect()
    })
}

async fn prices(universe: &mut Universe) -> Value {
    let mut body = consignment();
    body["carriers"] = json!(["fedex"]);
    universe.call("POST", "/rates", None, Some(&body)).await.body()
}

/// FedEx does not accept its tokens any more.
pub fn a_refused_token_is_replaced() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        prices(&mut universe).await;
        universe.sandbox().revoke_tokens(Vendor::FedEx);
        universe.sleep_ms(EXPIRED_AFTER_MS).await;
        let told = prices(&mut universe).await;
        let answered = told["errors"].as_array().is_some_and(Vec::is_empty);
        (!answered).then(|| format!("T: after a refused token: {}", told["errors"])).into_iter().collect()
    })
}

/// Somebody reads the table.
pub fn a_token_in_the_table_is_no_token() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        prices(&mut universe).await;
        let item = universe.aws().table().item("TOKEN#fedex", "TOKEN").unwrap_or_default();
        let kept = STANDARD.decode(item["sealed"].as_str().unwrap_or_default()).unwrap_or_default();
        let sandbox = universe.sandbox();
        let shown = sandbox.calls().iter().filter_map(|call| call.headers.get("authorization")?.to_str().ok());
        let mut tokens = shown.filter_map(|header| header.strip_prefix("Bearer ")).map(str::as_bytes);
        let is_shown = tokens.any(|token| kept.windows(token.len()).any(|part| part == token));
        let wrong = is_shown || kept.is_empty();
        wrong.then(|| "T: whoever reads the table has a token".to_owned()).into_iter().collect()
    })
}
