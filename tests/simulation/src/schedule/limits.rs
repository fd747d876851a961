//! Names and addresses at every limit, and requests that are beyond one: those are refused, and leave nothing.

use std::rc::Rc;

use serde_json::{Value, json};

use super::chance::one_of;
use super::stage::Stage;
use crate::shop::shipping::within_europe;

/// The longest name of a customer, in characters: Stripe's (docs.stripe.com/api/customers/create).
const NAME_MAX_CHARS: usize = 256;
/// More than what the API takes of a name.
const NAME_TOO_LONG_CHARS: usize = 501;
/// The longest line of an address, in characters.
const LINE_MAX_CHARS: usize = 35;

/// Somebody's name: the usual one, one letter, letters of several bytes, and as long as it may be.
pub(super) fn name(rng: &mut fastrand::Rng) -> String {
    match rng.usize(0..6) {
        0 => "Z".to_owned(),
        1 => "Žofie 李 😀 O'Neill".to_owned(),
        2 => "ø".repeat(NAME_MAX_CHARS),
        _ => "Ada Lovelace".to_owned(),
    }
}

/// A line of an address as long as it may be, now and then.
pub(super) fn stretch_address(rng: &mut fastrand::Rng, parcel: &mut Value) {
    if rng.usize(0..3) == 0 {
        let line = &mut parcel["recipient"]["address"]["street_lines"][0];
        let text = line.as_str().unwrap_or_default().to_owned();
        *line = json!(text.chars().cycle().take(LINE_MAX_CHARS).collect::<String>().trim_end());
    }
}

/// Asks for what is beyond one limit.
pub(super) async fn go_too_far(stage: Rc<Stage>, number: u64) {
    let mut rng = stage.chance.stream("too far", number);
    stage.sleep_ms(rng.u64(0..300_000)).await;
    let order = format!("o-too-far-{number}");
    let mut payment = json!({
        "order_id": order,
        "amount": { "value": 1_099, "currency": "EUR" },
        "customer": { "id": "c-too-far", "email": "too-far@example.com", "name": "Ada Lovelace" },
    });
    let mut parcel = within_europe();
    parcel["order_id"] = json!(order);
    (parcel["carrier"], parcel["service"]) = (json!("ups"), json!("11"));
    let path = match rng.usize(0..5) {
        0 => {
            payment["amount"]["value"] = json!(100_000_000);
            "/payments"
        }
        1 => {
            payment["amount"] = json!({ "value": 1_000_000_000_000_i64, "currency": "IDR" });
            "/payments"
        }
        2 => {
            payment["customer"]["name"] = json!("x".repeat(one_of(&mut rng, [NAME_TOO_LONG_CHARS, 20_000])));
            "/payments"
        }
        3 => {
            parcel["recipient"]["address"]["street_lines"][0] = json!("x".repeat(LINE_MAX_CHARS + 1));
            "/shipments"
        }
        _ => {
            parcel["recipient"]["name"] = json!("x".repeat(LINE_MAX_CHARS + 1));
            "/shipments"
        }
    };
    let body = if path == "/payments" { &payment } else { &parcel };
    let answer = stage.call("POST", path, Some(&order), Some(body)).await;
    if (200..300).contains(&answer.status()) {
        stage.complain(format!("R: {path} took what is beyond a limit, and answered {}", answer.status()));
    }
    let items = stage.with(|universe| universe.aws().table().shared_items());
    let wrote = |item: &Value| item["order_id"] == order.as_str() && item["type"] != "event";
    if items.iter().any(|item| wrote(item)) {
        stage.complain(format!("R: {path} was refused for what is beyond a limit, and left something"));
    }
}
