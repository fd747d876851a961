//! Bodies that are JSON, with a field that is not right.

use serde_json::{Value, json};
use simulation::shop::payment;
use simulation::universe::Universe;

use crate::{assert_names, assert_problem, assert_untouched, post_json};

/// A valid request with one value replaced (or added, where its parent is there).
fn with(pointer: &str, value: Value) -> Value {
    let mut body = payment("o-1");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

async fn each_is_named(cases: impl IntoIterator<Item = (&'static str, Value, &'static str)>) {
    let mut universe = Universe::new(1);
    for (pointer, value, field) in cases {
        let response = post_json(&mut universe, with(pointer, value).to_string()).await;
        assert_names(&response, &[field]);
    }
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_value_of_the_wrong_type_is_refused_by_its_fields_name() {
    each_is_named([
        ("/order_id", json!(7), "order_id"),
        ("/order_id", json!(null), "order_id"),
        ("/amount", json!("10.99 EUR"), "amount"),
        ("/amount/value", json!("1099"), "amount.value"),
        ("/amount/value", json!(10.5), "amount.value"),
        ("/amount/value", json!(true), "amount.value"),
        ("/amount/currency", json!(978), "amount.currency"),
        ("/customer", json!("ada"), "customer"),
        ("/customer/email", json!(["ada@example.com"]), "customer.email"),
        ("/customer/name", json!({}), "customer.name"),
        ("/description", json!(1), "description"),
        ("/metadata", json!("a=b"), "metadata"),
        ("/metadata", json!({ "a": 1 }), "metadata.a"),
        ("/confirm", json!("yes"), "confirm"),
        ("/payment_method", json!({}), "payment_method"),
        ("/return_url", json!(1), "return_url"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_negative_a_zero_and_a_too_large_amount_are_refused() {
    let amounts = [json!(-1), json!(0), json!(100_000_000), json!(i64::MIN), json!(i64::MAX), json!(u64::MAX)];
    each_is_named(amounts.map(|amount| ("/amount/value", amount, "amount.value"))).await;
}

#[tokio::test(start_paused = true)]
async fn a_currency_that_iso_4217_does_not_have_is_refused() {
    let codes = ["", "EU", "EURO", "ZZZ", "XAU", "€", "E R", "eur\u{0}"];
    each_is_named(codes.map(|code| ("/amount/currency", json!(code), "amount.currency"))).await;
}

#[tokio::test(start_paused = true)]
async fn an_amount_that_the_vendor_cannot_represent_is_refused_before_anything_is_written() {
    let mut universe = Universe::new(1);
    for (value, currency) in [(1_001, "KWD"), (1_001, "MGA"), (9_999_999, "ISK")] {
        let body = with("/amount", json!({ "value": value, "currency": currency }));
        let response = post_json(&mut universe, body.to_string()).await;
        assert_problem(&response, 422, "amount_not_representable");
        assert_eq!(response.body()["errors"][0]["field"], "amount.value");
    }
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_too_long_is_refused_by_its_name() {
    let text = |n: usize| json!("x".repeat(n));
    let email = json!(format!("{}@{}.example", "a".repeat(60), "b.".repeat(100)));
    let pairs: Value = (0..48).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    each_is_named([
        ("/order_id", text(65), "order_id"),
        ("/customer/id", text(256), "customer.id"),
        ("/customer/email", email, "customer.email"),
        ("/customer/name", text(257), "customer.name"),
        ("/customer/phone", text(21), "customer.phone"),
        ("/description", text(1_001), "description"),
        ("/payment_method", text(256), "payment_method"),
        ("/return_url", json!(format!("https://shop.example/{}", "x".repeat(2_000))), "return_url"),
        ("/metadata", pairs, "metadata"),
        ("/metadata", json!({ "k".repeat(41): "v" }), "metadata"),
        ("/metadata", json!({ "note": "x".repeat(501) }), "metadata.note"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_nul_byte_is_refused_wherever_it_stands() {
    each_is_named([
        ("/order_id", json!("o\u{0}1"), "order_id"),
        ("/customer/id", json!("c\u{0}"), "customer.id"),
        ("/customer/email", json!("ada\u{0}@example.com"), "customer.email"),
        ("/customer/name", json!("Ada\u{0}"), "customer.name"),
        ("/customer/phone", json!("\u{0}"), "customer.phone"),
        ("/description", json!("a\u{0}b"), "description"),
        ("/payment_method", json!("pm_\u{0}"), "payment_method"),
        ("/return_url", json!("https://shop.example/\u{0}"), "return_url"),
        ("/metadata", json!({ "note": "\u{0}" }), "metadata.note"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_card_number_in_a_free_field_is_refused_and_not_repeated_in_the_answer() {
    let mut universe = Universe::new(1);
    let cases = [
        (with("/description", json!("my card is 4242 4242 4242 4242, thanks")), "description"),
        (with("/customer/name", json!("4000-0566-5566-5556")), "customer.name"),
        (with("/metadata", json!({ "note": "378282246310005" })), "metadata.note"),
    ];
    for (body, field) in cases {
        let response = post_json(&mut universe, body.to_string()).await;
        assert_names(&response, &[field]);
        let answer = response.body().to_string();
        assert!(!answer.contains("4242") && !answer.contains("5556") && !answer.contains("378282246310005"));
    }
    assert_untouched(&universe);
}

/// Every tenth phone number that begins with a card's prefix has a card's check digit too.
#[tokio::test(start_paused = true)]
async fn a_phone_number_is_never_taken_for_a_card_number() {
    let mut universe = Universe::new(1);
    for last in 0..10 {
        let order = format!("o-{last}");
        let mut body = payment(&order);
        body["customer"]["phone"] = json!(format!("+49 1512 345678{last}"));
        let response = post_json(&mut universe, body.to_string()).await;
        assert_eq!(response.status(), 201, "{}", response.body());
    }
}

#[tokio::test(start_paused = true)]
async fn every_bad_field_is_named_at_once() {
    let mut universe = Universe::new(1);
    let body = json!({
        "order_id": "a/b",
        "amount": { "value": 0, "currency": "EURO" },
        "customer": { "id": "", "email": "nobody", "name": "\u{7}" },
        "confirm": true,
        "return_url": "javascript:alert(1)",
        "metadata": { "crossdock_intent": "int_1" },
    });
    let response = post_json(&mut universe, body.to_string()).await;
    let all = ["order_id", "amount.currency", "amount.value", "customer.id", "customer.email", "customer.name"];
    assert_names(&response, &[all.as_slice(), &["metadata", "payment_method", "return_url"]].concat());
    assert_untouched(&universe);
}

#[tokio::test(start_paused = true)]
async fn a_missing_field_is_named_with_its_path() {
    let mut universe = Universe::new(1);
    for path in ["order_id", "amount", "amount.value", "amount.currency", "customer", "customer.id", "customer.email"] {
        let mut body = payment("o-1");
        let (parent, name) = path.rsplit_once('.').map_or(("", path), |(parent, name)| (parent, name));
        let parent = if parent.is_empty() { String::new() } else { format!("/{parent}") };
        body.pointer_mut(&parent).unwrap().as_object_mut().unwrap().remove(name);
        assert_names(&post_json(&mut universe, body.to_string()).await, &[path]);
    }
    assert_untouched(&universe);
}
