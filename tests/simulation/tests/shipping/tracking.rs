//! Where parcels are: told by pushes, asked for, and never backwards.

use sandbox::{CallFault, ParcelCourse, Scan, Vendor, WebhookFault};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::shop::shipping::{shipment as request, within_europe};
use simulation::universe::Universe;

use crate::{ARRIVED_WITHIN_MS, intent_phase, nothing_is_wrong, shipment, status};

async fn bought(universe: &mut Universe, carrier: &str, service: &str) -> String {
    let mut body = request("o-1", carrier, service);
    if carrier == "dhl" {
        let lane = within_europe();
        for part in ["shipper", "recipient", "packages"] {
            body[part] = lane[part].clone();
        }
    }
    let answer = universe.call("POST", "/shipments", None, Some(&body)).await;
    assert_eq!(answer.status(), 201, "{}", answer.body());
    answer.body()["tracking_number"].as_str().unwrap().to_owned()
}

/// A service of DHL's from Berlin to Paris.
async fn dhl_service(universe: &mut Universe) -> String {
    let mut body = within_europe();
    body["carriers"] = json!(["dhl"]);
    let quoted = universe.call("POST", "/rates", None, Some(&body)).await.body();
    quoted["quotes"][0]["service"].as_str().unwrap().to_owned()
}

fn events_of(universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().items();
    let rows = items.iter().filter(|item| text(item, "sk").is_some_and(|sk| sk.starts_with("T#")));
    let mut rows: Vec<(i64, String)> = rows
        .filter(|row| text(row, "object").is_some_and(|object| object.starts_with("shp_")))
        .map(|row| (row["at"].as_i64().unwrap(), text(row, "event").unwrap().to_owned()))
        .collect();
    rows.sort();
    rows.into_iter().map(|(_, event)| event).collect()
}

fn messages(universe: &Universe) -> Vec<(String, String)> {
    let items = universe.aws().table().items();
    let mut all: Vec<(String, String)> = of_type(&items, "message")
        .map(|message| (text(message, "channel").unwrap().to_owned(), text(message, "kind").unwrap().to_owned()))
        .collect();
    all.sort();
    all
}

#[tokio::test(start_paused = true)]
async fn a_parcel_is_followed_until_it_has_arrived_and_its_customer_hears_of_it() {
    for carrier in ["fedex", "ups", "dhl"] {
        let mut universe = Universe::new(1);
        let service = match carrier {
            "fedex" => "FEDEX_GROUND".to_owned(),
            "ups" => "03".to_owned(),
            _ => dhl_service(&mut universe).await,
        };
        bought(&mut universe, carrier, &service).await;
        universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
        assert_eq!(status(&universe), "delivered", "{carrier}");
        assert_eq!(
            messages(&universe),
            [("email", "shipping_notification"), ("sms", "delivery_notification"), ("sms", "delivery_notification")]
                .map(|(channel, kind)| (channel.to_owned(), kind.to_owned())),
            "{carrier}"
        );
        let events = events_of(&universe);
        for event in ["label_created", "picked_up", "in_transit", "out_for_delivery", "delivered"] {
            assert!(events.contains(&format!("shipment.{event}")), "{carrier}: {event} in {events:?}");
        }
        assert_eq!(intent_phase(&universe, "shipment.track"), "DONE", "{carrier}");
        nothing_is_wrong(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_forgets_to_tell_is_asked() {
    for (carrier, vendor, service) in [("fedex", Vendor::FedEx, "FEDEX_GROUND"), ("ups", Vendor::Ups, "03")] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_webhook(vendor, WebhookFault::Dropped);
        bought(&mut universe, carrier, service).await;
        universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
        assert_eq!(status(&universe), "delivered", "{carrier}");
        nothing_is_wrong(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn one_look_that_is_refused_does_not_end_the_following_of_a_parcel() {
    let mut universe = Universe::new(1);
    let service = dhl_service(&mut universe).await;
    bought(&mut universe, "dhl", &service).await;
    universe.sandbox().faults().next_calls(Vendor::Dhl, "track", 1, CallFault::ErrorBefore { status: 400 });
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!(status(&universe), "delivered");
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn scans_that_come_late_or_twice_never_move_a_shipment_back() {
    for (carrier, vendor, service) in [("fedex", Vendor::FedEx, "FEDEX_GROUND"), ("ups", Vendor::Ups, "03")] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_parcel(vendor, ParcelCourse::Still);
        universe.sandbox().faults().next_webhooks(vendor, 2, WebhookFault::Late { ms: 3_600_000 });
        universe.sandbox().faults().next_webhooks(vendor, 2, WebhookFault::Duplicate { copies: 1 });
        let number = bought(&mut universe, carrier, service).await;
        universe.run_until_quiet(60_000).await;
        for _ in 0..4 {
            universe.sleep_ms(60_000).await;
            let now_ms = universe.now_ms();
            universe.sandbox().parcel_moves(vendor, now_ms, &number).unwrap();
            universe.run_until_quiet(30_000).await;
        }
        assert_eq!(status(&universe), "delivered", "{carrier}");
        universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
        assert_eq!(status(&universe), "delivered", "{carrier}");
        let count = |kind: &str| messages(&universe).iter().filter(|(_, own)| own == kind).count();
        assert_eq!(count("delivery_notification"), 2, "{carrier}");
        nothing_is_wrong(&universe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_that_nobody_knows_is_recorded_and_moves_nothing() {
    for (carrier, vendor, service) in [("fedex", Vendor::FedEx, "FEDEX_GROUND"), ("ups", Vendor::Ups, "03")] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_parcel(vendor, ParcelCourse::Still);
        let number = bought(&mut universe, carrier, service).await;
        universe.run_until_quiet(60_000).await;
        let now_ms = universe.now_ms();
        universe.sandbox().parcel_moves(vendor, now_ms, &number).unwrap();
        universe.sleep_ms(60_000).await;
        let now_ms = universe.now_ms();
        assert!(universe.sandbox().parcel_is_scanned(vendor, now_ms, &number, Scan::Unknown));
        universe.run_until_quiet(13 * 3_600_000).await;
        assert_eq!(status(&universe), "picked_up", "{carrier}");
        assert!(events_of(&universe).contains(&"shipment.scanned".to_owned()), "{carrier}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_comes_back_is_returned() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().every_parcel(Vendor::Ups, ParcelCourse::Returned);
    bought(&mut universe, "ups", "03").await;
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    assert_eq!(status(&universe), "returned");
    nothing_is_wrong(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_forged_push_is_refused_and_changes_nothing() {
    for (path, function, header) in [
        ("/", simulation::universe::Function::FedexWebhook, ("fdx-signature", "c2lnbmVkIGJ5IG5vYm9keQ==")),
        ("/", simulation::universe::Function::UpsWebhook, ("credential", "guessed-by-somebody-else")),
    ] {
        let mut universe = Universe::new(1);
        let request = http::Request::builder()
            .method("POST")
            .uri("https://webhook.sim/")
            .header(header.0, header.1)
            .header("content-type", "application/json")
            .body(lambda_http::Body::Text(r#"{"trackingNumber":"1Z"}"#.to_owned()))
            .unwrap();
        let refused = universe.call_raw(function, request, path).await;
        assert!(matches!(refused.status(), 400 | 401), "{}", refused.body());
        assert!(universe.aws().sqs().is_empty("inbound-events"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_nobody_knows_is_not_found_and_a_known_one_shows_its_scans() {
    let mut universe = Universe::new(1);
    let number = bought(&mut universe, "fedex", "FEDEX_GROUND").await;
    universe.run_until_quiet(ARRIVED_WITHIN_MS).await;
    let seen = universe.call("GET", &format!("/tracking/fedex/{number}"), None, None).await;
    assert_eq!((seen.status(), seen.body()["status"].clone()), (200, json!("delivered")), "{}", seen.body());
    assert!(seen.body()["events"].as_array().unwrap().len() >= 5);
    for path in ["/tracking/fedex/000000000000", "/tracking/ups/1Z0000000000000000", "/tracking/dhl/0000000000"] {
        let unknown = universe.call("GET", path, None, None).await;
        assert_eq!(
            (unknown.status(), unknown.body()["code"].clone()),
            (404, Value::from("carrier_not_found")),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_shows_its_shipment() {
    let mut universe = Universe::new(1);
    let number = bought(&mut universe, "ups", "03").await;
    let id = text(&shipment(&universe), "shipment_id").unwrap().to_owned();
    let order = universe.call("GET", "/orders/o-1", None, None).await.body();
    assert_eq!(order.pointer("/shipments/0/tracking_number"), Some(&json!(number)));
    let shown = universe.call("GET", &format!("/shipments/{id}"), None, None).await;
    assert_eq!((shown.status(), shown.body()["status"].clone()), (200, json!("label_created")));
    let missing = universe.call("GET", "/shipments/shp_00000000000000000000000000", None, None).await;
    assert_eq!(missing.status(), 404);
}
