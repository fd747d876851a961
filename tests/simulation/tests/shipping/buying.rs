//! Labels: bought once, whatever happens to the answer.

use sandbox::{CallFault, Dial, Vendor};
use serde_json::json;
use simulation::shop::shipping::shipment as request;
use simulation::universe::{Response, Universe};

use crate::{ARRIVED_WITHIN_MS, calls, intent_phase, labels, nothing_is_wrong, shipment, status};

const GROUND: [(&str, Vendor, &str); 2] = [("ups", Vendor::Ups, "03"), ("fedex", Vendor::FedEx, "FEDEX_GROUND")];

#[tokio::test(start_paused = true)]
async fn a_label_is_bought_once_kept_and_linked_to_for_a_while() {
    for (carrier, vendor, service) in GROUND {
        let mut universe = Universe::new(1);
        let body = request("o-1", carrier, service);
        let bought = universe.call("POST", "/shipments", None, Some(&body)).await;
        assert_eq!(bought.status(), 201, "{}", bought.body());
        let link = bought.body()["label_url"].as_str().unwrap().to_owned();
        assert!(link.contains("X-Amz-Signature=") && link.contains("X-Amz-Expires=900"), "{link}");
        let stored: serde_json::Value = serde_json::from_str(shipment(&universe)["labels"].as_str().unwrap()).unwrap();
        let key = stored[0]["key"].as_str().unwrap().to_owned();
        let kept = universe.aws().s3().objects()[&key].bytes.clone();
        let sold = universe.sandbox().parcels(vendor).unwrap().shipments()[0].pieces[0].label.clone();
        assert_eq!(kept, sold, "the bytes that the carrier gave");

        let again = universe.call("POST", "/shipments", None, Some(&body)).await;
        assert!(matches!(again, Response::Answer { status: 201, replayed: true, .. }), "{}", again.body());
        let mut other = body.clone();
        other["packages"][0]["weight"]["value"] = json!(3);
        let reused = universe.call("POST", "/shipments", None, Some(&other)).await;
        assert_eq!((reused.status(), reused.body()["code"].clone()), (422, json!("idempotency_key_reused")));
        let second = universe.call("POST", "/shipments", Some("another key"), Some(&body)).await;
        assert_eq!((second.status(), second.body()["code"].clone()), (409, json!("parcel_already_has_shipment")));
        assert_eq!(labels(&universe, vendor), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_answer_was_lost_is_asked_for_again_at_ups() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::Ups, "ship", 1, CallFault::LostAnswer);
    let asked = universe.call("POST", "/shipments", None, Some(&request("o-1", "ups", "03"))).await;
    assert_eq!((asked.status(), asked.body()["status"].clone()), (202, json!("processing")));
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!((labels(&universe, Vendor::Ups), status(&universe)), ((1, 1), "delivered".to_owned()));
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_never_reached_ups_is_made_anew_whatever_it_calls_an_unknown_reference() {
    for is_turned in [false, true] {
        let mut universe = Universe::new(1);
        if is_turned {
            universe.sandbox().dials().turn(Dial::RecoveryHasCodesOfItsOwn);
        }
        universe.sandbox().faults().next_calls(Vendor::Ups, "ship", 1, CallFault::LostRequest);
        universe.call("POST", "/shipments", None, Some(&request("o-1", "ups", "03"))).await;
        universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
        assert_eq!((labels(&universe, Vendor::Ups), status(&universe)), ((1, 1), "delivered".to_owned()));
        assert_eq!(calls(&universe, Vendor::Ups, "recover_label"), 2, "at once, and when it would have appeared");
        nothing_is_wrong(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn while_nobody_can_tell_whether_a_label_was_bought_it_is_asked_ever_more_rarely() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::Ups, "ship", 1, CallFault::LostAnswer);
    universe.sandbox().faults().next_calls(Vendor::Ups, "recover_label", 1_000, CallFault::Garbled);
    universe.call("POST", "/shipments", None, Some(&request("o-1", "ups", "03"))).await;
    universe.run_until_quiet(3_600_000).await;
    let asked = calls(&universe, Vendor::Ups, "recover_label");
    assert!((3..=15).contains(&asked), "in an hour {asked} times");
}

#[tokio::test(start_paused = true)]
async fn a_declaration_in_a_currency_that_fedex_names_its_own_way_is_taken() {
    for is_turned in [false, true] {
        let mut universe = Universe::new(1);
        if is_turned {
            universe.sandbox().dials().turn(Dial::OwnCurrencyCodesOnly);
        }
        let mut body = request("o-1", "fedex", "FEDEX_INTERNATIONAL_PRIORITY");
        body["shipper"]["address"] = json!({"street_lines": ["1 High Street"], "city": "London",
            "postal_code": "SW1A1AA", "country": "GB"});
        body["recipient"]["address"] = json!({"street_lines": ["10 Main St"], "city": "Memphis", "state": "TN",
            "postal_code": "38116", "country": "US"});
        body["customs"] = json!({"items": [{"description": "Cotton shirts", "quantity": 1,
            "unit_value": {"value": 4900, "currency": "GBP"}, "unit_weight": {"value": 400, "unit": "g"},
            "origin_country": "PT", "hs_code": "620520"}], "incoterm": "DAP"});
        let bought = universe.call("POST", "/shipments", None, Some(&body)).await;
        assert_eq!(bought.status(), 201, "{}", bought.body());
        assert_eq!(bought.body()["price_billed"]["currency"], "GBP");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_whose_answer_was_lost_is_voided_at_fedex_and_another_one_bought() {
    for packed in [false, true] {
        a_lost_label_is_replaced(packed).await;
    }
}

/// With answers that FedEx packs or not: one that cannot be read would leave each of the calls in doubt.
async fn a_lost_label_is_replaced(packed: bool) {
    let mut universe = Universe::new(1);
    if packed {
        universe.sandbox().dials().turn(Dial::AnswersArePacked);
    }
    universe.sandbox().faults().next_calls(Vendor::FedEx, "ship", 1, CallFault::LostAnswer);
    universe.call("POST", "/shipments", None, Some(&request("o-1", "fedex", "FEDEX_GROUND"))).await;
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!((labels(&universe, Vendor::FedEx), status(&universe)), ((2, 1), "delivered".to_owned()));
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn what_shows_late_is_waited_for_before_it_counts_as_not_bought() {
    let mut universe = Universe::new(1);
    universe.sandbox().labels_show_after(Vendor::FedEx, 5 * 60_000);
    universe.sandbox().faults().next_calls(Vendor::FedEx, "ship", 1, CallFault::LostAnswer);
    universe.call("POST", "/shipments", None, Some(&request("o-1", "fedex", "FEDEX_GROUND"))).await;
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!(labels(&universe, Vendor::FedEx), (2, 1));
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_that_the_carrier_failed_to_make_is_made_again() {
    for (carrier, vendor, service) in GROUND {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().next_calls(vendor, "ship", 1, CallFault::LostRequest);
        universe.call("POST", "/shipments", None, Some(&request("o-1", carrier, service))).await;
        universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
        assert_eq!((labels(&universe, vendor), status(&universe)), ((1, 1), "delivered".to_owned()), "{carrier}");
        nothing_is_wrong(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn while_all_carriers_are_down_the_shipment_waits() {
    let mut universe = Universe::new(1);
    for vendor in Vendor::CARRIERS {
        universe.sandbox().faults().outage(vendor, true);
    }
    let mut body = request("o-1", "ups", "03");
    body["allow_fallback"] = json!(true);
    let asked = universe.call("POST", "/shipments", None, Some(&body)).await;
    assert_eq!((asked.status(), asked.body()["status"].clone()), (202, json!("deferred")));
    universe.run_until_quiet(10 * 60_000).await;
    for vendor in Vendor::CARRIERS {
        universe.sandbox().faults().outage(vendor, false);
    }
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    let bought: usize = Vendor::CARRIERS.iter().map(|vendor| labels(&universe, *vendor).0).sum();
    assert_eq!((bought, status(&universe)), (1, "delivered".to_owned()));
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn another_carrier_does_it_only_where_the_shop_allows_it() {
    for allowed in [true, false] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().outage(Vendor::FedEx, true);
        let mut body = request("o-1", "fedex", "FEDEX_GROUND");
        body["allow_fallback"] = json!(allowed);
        let asked = universe.call("POST", "/shipments", None, Some(&body)).await;
        assert_eq!(asked.status(), if allowed { 201 } else { 202 }, "{}", asked.body());
        assert_eq!(asked.body()["carrier"] == "fedex", !allowed);
    }
}

#[tokio::test(start_paused = true)]
async fn another_carrier_never_does_what_may_have_been_done() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::FedEx, "ship", 1, CallFault::LostAnswer);
    let mut body = request("o-1", "fedex", "FEDEX_GROUND");
    body["allow_fallback"] = json!(true);
    universe.call("POST", "/shipments", None, Some(&body)).await;
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!(shipment(&universe)["carrier"], "fedex");
    assert_eq!((labels(&universe, Vendor::Ups).0, labels(&universe, Vendor::Dhl).0), (0, 0));
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn what_a_carrier_refuses_is_said_in_words_that_hold_for_all_and_nothing_is_bought() {
    for (carrier, vendor, service) in [("ups", Vendor::Ups, "99"), ("fedex", Vendor::FedEx, "TELEPORT")] {
        let mut universe = Universe::new(1);
        let refused = universe.call("POST", "/shipments", None, Some(&request("o-1", carrier, service))).await;
        assert_eq!(refused.status(), 422, "{}", refused.body());
        let code = refused.body()["code"].as_str().unwrap().to_owned();
        assert!(code.starts_with("carrier_"), "{code}");
        assert_eq!((labels(&universe, vendor).0, status(&universe)), (0, "failed".to_owned()));
        universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
        assert_eq!(intent_phase(&universe, "shipment.create"), "REFUSED");
    }
}

#[tokio::test(start_paused = true)]
async fn the_repeat_of_a_refused_purchase_is_the_same_refusal_and_another_parcel_ref_is_another_shipment() {
    let mut universe = Universe::new(1);
    let body = request("o-1", "ups", "99");
    let first = universe.call("POST", "/shipments", None, Some(&body)).await;
    let again = universe.call("POST", "/shipments", None, Some(&body)).await;
    assert_eq!(first.status(), 422, "{}", first.body());
    for told in ["code", "detail", "shipment_id"] {
        assert_eq!((again.status(), &again.body()[told]), (422, &first.body()[told]), "{told}");
    }
    let mut anew = request("o-1", "ups", "03");
    anew["parcel_ref"] = json!("1-again");
    let bought = universe.call("POST", "/shipments", None, Some(&anew)).await;
    assert_eq!((bought.status(), labels(&universe, Vendor::Ups)), (201, (1, 1)), "{}", bought.body());
}

#[tokio::test(start_paused = true)]
async fn a_label_that_cannot_be_kept_is_not_shown_and_is_asked_for_again() {
    let mut universe = Universe::new(1);
    universe.aws().s3().refuse(Some(("labels/", 403)));
    let asked = universe.call("POST", "/shipments", None, Some(&request("o-1", "ups", "03"))).await;
    assert_eq!((asked.status(), asked.body()["status"].clone()), (202, json!("processing")));
    universe.aws().s3().refuse(None);
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!((labels(&universe, Vendor::Ups), status(&universe)), ((1, 1), "delivered".to_owned()));
    nothing_is_wrong(&universe);
}
