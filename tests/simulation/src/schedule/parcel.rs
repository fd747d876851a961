//! A shop that sends what was paid: it asks for prices, buys a label, and its parcel moves while things go wrong.

use std::rc::Rc;

use sandbox::{ParcelCourse, Vendor};
use serde_json::{Value, json};

use super::chance::one_of;
use super::limits;
use super::shopper::settle;
use super::stage::Stage;
use crate::invariants::text;
use crate::shop::shipping::{consignment, within_europe};

/// One paid order in so many is sent: a parcel makes as many invocations as an order.
const SENT_ONE_IN: usize = 6;
/// Steps of its way that a parcel makes before the carrier's ordinary times, at most.
const HURRIED_STEPS_MAX: usize = 6;
/// How long each of them takes at least, in milliseconds: scans bear seconds.
const STEP_MIN_MS: u64 = 2_000;
/// How long a carrier does not show a label that it has made, at most, in milliseconds. Together with the longest that a
/// process stands still it is less than a label is waited for.
const SHOWN_AFTER_MAX_MS: i64 = 120_000;
/// What becomes of parcels, the ordinary way several times.
const COURSES: [ParcelCourse; 6] = [
    ParcelCourse::Delivered,
    ParcelCourse::Delivered,
    ParcelCourse::Delivered,
    ParcelCourse::Exception,
    ParcelCourse::Returned,
    ParcelCourse::Strange,
];

/// Sends an order, if it is one of those that are sent.
pub(super) async fn send(stage: &Rc<Stage>, number: u64, order: &str, customer: &str) {
    let mut rng = stage.chance.stream("parcel", number);
    if rng.usize(0..SENT_ONE_IN) > 0 {
        return;
    }
    let mut body = if rng.bool() { within_europe() } else { consignment() };
    limits::stretch_address(&mut rng, &mut body);
    body["recipient"]["email"] = json!(format!("{customer}@example.com"));
    let (quoted, service) = (rng.bool(), one_of(&mut rng, [("fedex", "FEDEX_GROUND"), ("ups", "03")]));
    let is_abroad = body["shipper"]["address"]["country"] != body["recipient"]["address"]["country"];
    // Which services there are across a border, only a quote tells.
    let quote = if quoted || is_abroad { a_quote(stage, &mut rng, &body).await } else { None };
    let carrier = match quote {
        Some(quote) => {
            body["quote_id"] = quote["quote_id"].clone();
            quote["carrier"].as_str().unwrap_or_default().to_owned()
        }
        None if is_abroad => return,
        None => {
            (body["carrier"], body["service"]) = (json!(service.0), json!(service.1));
            service.0.to_owned()
        }
    };
    body["order_id"] = json!(order);
    body["allow_fallback"] = json!(rng.bool());
    let (course, shown_after_ms) = (one_of(&mut rng, COURSES), rng.i64(0..=SHOWN_AFTER_MAX_MS));
    if let Some(vendor) = vendor_of(&carrier).filter(|_| !stage.is_calm()) {
        stage.with(|universe| {
            universe.sandbox().faults().next_parcels(vendor, 1, course);
            universe.sandbox().labels_show_after(vendor, shown_after_ms);
        });
    }
    let (doubles, wait_ms) = (rng.usize(0..3) == 0, rng.u64(0..5_000));
    let again = async {
        if doubles {
            stage.sleep_ms(wait_ms).await;
            settle(stage, "/shipments", Some(order), &body).await;
        }
    };
    futures_util::join!(settle(stage, "/shipments", Some(order), &body), again);
    hurry(stage, &mut rng, order).await;
}

/// One of the prices that carriers tell for these parcels.
async fn a_quote(stage: &Stage, rng: &mut fastrand::Rng, body: &Value) -> Option<Value> {
    let told = stage.call("POST", "/rates", None, Some(body)).await.body();
    let wait_ms = one_of(rng, [100, 10_000, 1_300_000]);
    // Longer than a price counts, now and then.
    stage.sleep_ms(rng.u64(0..=wait_ms)).await;
    let quotes: Vec<&Value> = told["quotes"].as_array()?.iter().filter(|quote| quote["quote_id"].is_string()).collect();
    if quotes.is_empty() { None } else { Some(quotes[rng.usize(0..quotes.len())].clone()) }
}

/// The first steps of its way come soon, so that they fall into the time in which things go wrong.
async fn hurry(stage: &Stage, rng: &mut fastrand::Rng, order: &str) {
    for _ in 0..rng.usize(0..=HURRIED_STEPS_MAX) {
        let most_ms = one_of(rng, [5_000, 60_000, 600_000]);
        stage.sleep_ms(rng.u64(STEP_MIN_MS..=most_ms)).await;
        let now_ms = stage.now_ms();
        let items = stage.with(|universe| universe.aws().table().shared_items());
        let sent =
            items.iter().find(|item| text(item, "type") == Some("shipment") && text(item, "order_id") == Some(order));
        let Some(sent) = sent else { return };
        let (Some(number), Some(vendor)) = (text(sent, "vendor_id"), text(sent, "carrier").and_then(vendor_of)) else {
            continue;
        };
        let scan = stage.with(|universe| universe.sandbox().parcel_moves(vendor, now_ms, number));
        stage.note(|| format!("the parcel of {order}: {scan:?}"));
        stage.news.notify_one();
    }
}

fn vendor_of(carrier: &str) -> Option<Vendor> {
    Vendor::CARRIERS.into_iter().find(|vendor| vendor.name() == carrier)
}
