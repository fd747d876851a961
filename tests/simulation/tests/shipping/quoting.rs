//! Prices: all carriers at once, one deadline, and what was said before.

use sandbox::{CallFault, OddRate, Vendor};
use serde_json::{Value, json};
use simulation::shop::shipping::{consignment, shipment, within_europe};
use simulation::universe::{Response, Universe};

use crate::calls;

async fn quote(universe: &mut Universe, body: &Value) -> Value {
    let answer = universe.call("POST", "/rates", None, Some(body)).await;
    assert_eq!(answer.status(), 200, "{}", answer.body());
    answer.body()
}

fn carriers_of(quoted: &Value) -> Vec<&str> {
    let mut carriers: Vec<&str> =
        quoted["quotes"].as_array().unwrap().iter().map(|quote| quote["carrier"].as_str().unwrap()).collect();
    carriers.dedup();
    carriers.sort_unstable();
    carriers.dedup();
    carriers
}

fn errors_of(quoted: &Value) -> Vec<(&str, &str)> {
    let errors = quoted["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["carrier"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn all_carriers_are_asked_at_once_and_the_cheapest_comes_first() {
    let mut universe = Universe::new(1);
    for vendor in Vendor::CARRIERS {
        universe.sandbox().faults().next_calls(vendor, "*", 9, CallFault::Delay { ms: 300 });
    }
    let before_ms = universe.now_ms();
    let quoted = quote(&mut universe, &within_europe()).await;
    // FedEx and UPS want a token first, which takes as long; DHL does not. They overlap.
    // Besides there is a wait for the table before and after.
    let took_ms = universe.now_ms() - before_ms;
    assert!((600..700).contains(&took_ms), "{took_ms} ms");
    assert_eq!(carriers_of(&quoted), ["dhl", "fedex", "ups"], "{quoted}");
    assert!(errors_of(&quoted).is_empty());
    let prices: Vec<i64> =
        quoted["quotes"].as_array().unwrap().iter().map(|q| q["price"]["value"].as_i64().unwrap()).collect();
    assert!(prices.is_sorted() && prices.len() > 3, "{prices:?}");
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_hangs_and_one_that_fails_cost_only_their_own_prices() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    quote(&mut universe, &json_with(&within_europe(), "ship_date", json!("2024-04-29"))).await;
    universe.sandbox().faults().next_calls(Vendor::FedEx, "rates", 1, CallFault::Delay { ms: 6_000 });
    universe.sandbox().faults().next_calls(Vendor::Dhl, "rates", 1, CallFault::ErrorBefore { status: 500 });
    let before_ms = universe.now_ms();
    let quoted = quote(&mut universe, &within_europe()).await;
    assert_eq!(universe.now_ms() - before_ms, 2_500);
    assert_eq!(carriers_of(&quoted), ["ups"]);
    let mut errors = errors_of(&quoted);
    errors.sort_unstable();
    assert_eq!(errors, [("dhl", "vendor_unavailable"), ("fedex", "deadline")]);

    // FedEx's answer came after all, and the next request finds it.
    universe.sleep_ms(5_000).await;
    quote(&mut universe, &json_with(&within_europe(), "ship_date", json!("2024-04-30"))).await;
    let asked = calls(&universe, Vendor::FedEx, "rates");
    let again = quote(&mut universe, &within_europe()).await;
    assert!(carriers_of(&again).contains(&"fedex"), "{again}");
    assert_eq!(calls(&universe, Vendor::FedEx, "rates"), asked);
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_wait_for_less() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().every_call(Vendor::Ups, "*", CallFault::Delay { ms: 5_000 });
    let before_ms = universe.now_ms();
    let quoted = quote(&mut universe, &json_with(&within_europe(), "deadline_ms", json!(800))).await;
    assert_eq!(universe.now_ms() - before_ms, 800);
    assert_eq!(errors_of(&quoted), [("ups", "deadline")]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_in_the_last_twenty_minutes_is_not_asked_again_by_any_instance() {
    let mut universe = Universe::new(1);
    let first = quote(&mut universe, &within_europe()).await;
    universe.sleep_ms(19 * 60_000).await;
    let second = quote(&mut universe, &within_europe()).await;
    assert_eq!(first["quotes"], second["quotes"]);
    assert_eq!(Vendor::CARRIERS.map(|carrier| calls(&universe, carrier, "rates")), [1, 1, 1]);
    universe.sleep_ms(2 * 60_000).await;
    quote(&mut universe, &within_europe()).await;
    assert_eq!(Vendor::CARRIERS.map(|carrier| calls(&universe, carrier, "rates")), [2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_is_down_is_shown_with_what_it_said_before_marked_as_old() {
    let mut universe = Universe::new(1);
    quote(&mut universe, &within_europe()).await;
    universe.sleep_ms(60 * 60_000).await;
    universe.sandbox().faults().outage(Vendor::Ups, true);
    let quoted = quote(&mut universe, &within_europe()).await;
    assert_eq!(errors_of(&quoted), [("ups", "vendor_unavailable")]);
    let old: Vec<&Value> =
        quoted["quotes"].as_array().unwrap().iter().filter(|quote| quote["carrier"] == "ups").collect();
    assert!(!old.is_empty());
    for quote in old {
        assert_eq!(quote["stale"], true);
        assert!(quote["age_s"].as_i64().unwrap() >= 3_600 && quote.get("quote_id").is_none(), "{quote}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_odd_price_costs_itself_and_nothing_else() {
    for odd in [OddRate::MissingPrice, OddRate::UnknownFields, OddRate::OtherType] {
        let mut universe = Universe::new(1);
        for vendor in Vendor::CARRIERS {
            universe.sandbox().faults().next_rates(vendor, 1, odd);
        }
        let quoted = quote(&mut universe, &within_europe()).await;
        assert_eq!(carriers_of(&quoted), ["dhl", "fedex", "ups"], "{odd:?}: {quoted}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_is_bought_by_the_id_of_its_quote_and_by_no_other() {
    let mut universe = Universe::new(1);
    let quoted = quote(&mut universe, &consignment()).await;
    let chosen = quoted["quotes"].as_array().unwrap().iter().find(|quote| quote["carrier"] == "ups").unwrap().clone();
    let by_quote = |order: &str| {
        let mut body = shipment(order, "ups", "-");
        body.as_object_mut().unwrap().remove("carrier");
        body.as_object_mut().unwrap().remove("service");
        json_with(&body, "quote_id", chosen["quote_id"].clone())
    };
    let mut heavier = by_quote("o-1");
    heavier["packages"][0]["weight"]["value"] = json!(9);
    let refused = universe.call("POST", "/shipments", None, Some(&heavier)).await;
    assert_eq!((refused.status(), refused.body()["code"].clone()), (422, json!("quote_not_found")));

    let bought = universe.call("POST", "/shipments", None, Some(&by_quote("o-1"))).await;
    assert_eq!(bought.status(), 201, "{}", bought.body());
    assert_eq!(bought.body()["service"], chosen["service"]);
    assert_eq!(bought.body()["price_quoted"], chosen["price"]);

    universe.sleep_ms(21 * 60_000).await;
    let late = universe.call("POST", "/shipments", None, Some(&by_quote("o-2"))).await;
    assert_eq!((late.status(), late.body()["code"].clone()), (422, json!("quote_expired")));
    // The shipment itself outlives its quote.
    let again = universe.call("POST", "/shipments", None, Some(&by_quote("o-1"))).await;
    assert!(matches!(again, Response::Answer { status: 201, replayed: true, .. }), "{}", again.body());
}

/// The request for the label of a quote.
fn of_quote(quote: &Value) -> Value {
    let mut body = shipment("o-1", "ups", "-");
    body.as_object_mut().unwrap().retain(|name, _| name != "carrier" && name != "service");
    json_with(&body, "quote_id", quote["quote_id"].clone())
}

#[tokio::test(start_paused = true)]
async fn a_quote_without_cities_is_bought_with_them_and_dhl_says_what_it_lacks() {
    let mut universe = Universe::new(1);
    let mut body = consignment();
    for side in ["shipper", "recipient"] {
        let address = &body[side]["address"];
        let place = json!({ "postal_code": address["postal_code"], "state": address["state"], "country": "US" });
        body[side] = json!({ "address": place });
    }
    let quoted = quote(&mut universe, &body).await;
    assert_eq!(errors_of(&quoted), [("dhl", "carrier_address")]);
    assert_eq!((carriers_of(&quoted), calls(&universe, Vendor::Dhl, "rates")), (vec!["fedex", "ups"], 0));
    let bought = universe.call("POST", "/shipments", None, Some(&of_quote(&quoted["quotes"][0]))).await;
    assert_eq!((bought.status(), &bought.body()["price_quoted"]), (201, &quoted["quotes"][0]["price"]));
}

#[tokio::test(start_paused = true)]
async fn a_quote_of_before_midnight_is_bought_after_it_where_no_day_was_named() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let mut universe = Universe::new(1);
    let before_midnight_ms = DAY_MS - universe.now_ms() % DAY_MS - 60_000;
    universe.sleep_ms(before_midnight_ms.try_into().unwrap()).await;
    let quoted = quote(&mut universe, &consignment()).await;
    universe.sleep_ms(120_000).await;
    let body = of_quote(&quoted["quotes"][0]);
    let today = crossdock::domain::shipping::Day::of(crossdock::domain::Timestamp::from_ms(universe.now_ms())).unwrap();
    let other_day = json_with(&body, "ship_date", json!(today));
    let refused = universe.call("POST", "/shipments", Some("k-1"), Some(&other_day)).await;
    assert_eq!((refused.status(), refused.body()["code"].clone()), (422, json!("quote_not_found")));
    let bought = universe.call("POST", "/shipments", Some("k-2"), Some(&body)).await;
    assert_eq!(bought.status(), 201, "{}", bought.body());
}

#[tokio::test(start_paused = true)]
async fn a_quote_that_was_told_can_be_bought_whoever_else_asked_at_the_same_time() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    // Two ask UPS for the same; the first one's answer comes last, while somebody else is served.
    universe.sandbox().faults().next_calls(Vendor::Ups, "rates", 1, CallFault::Delay { ms: 6_000 });
    let first = quote(&mut universe, &consignment()).await;
    assert!(errors_of(&first).contains(&("ups", "deadline")), "{first}");
    let second = quote(&mut universe, &consignment()).await;
    let told = second["quotes"].as_array().unwrap().iter().find(|quote| quote["carrier"] == "ups").unwrap().clone();
    universe.sleep_ms(5_000).await;
    quote(&mut universe, &within_europe()).await;
    assert_eq!(calls(&universe, Vendor::Ups, "rates"), 3);

    let again = quote(&mut universe, &consignment()).await;
    assert!(again["quotes"].as_array().unwrap().contains(&told), "{again}");
    let bought = universe.call("POST", "/shipments", None, Some(&of_quote(&told))).await;
    assert_eq!(bought.status(), 201, "{}", bought.body());
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_a_carrier_does_not_serve_is_said_of_that_carrier_alone() {
    let mut universe = Universe::new(1);
    let quoted = quote(&mut universe, &consignment()).await;
    assert_eq!(errors_of(&quoted), [("dhl", "carrier_service")]);
    assert_eq!(carriers_of(&quoted), ["fedex", "ups"]);
}

fn json_with(body: &Value, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[name] = value;
    body
}
