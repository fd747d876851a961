//! Stripe's API: authentication, parameters, idempotency keys, lists.

use crate::caller::{Answer, PAYMENT, START_MS, answered, get, pay, post, stripe_request};
use sandbox::{Sandbox, Settings, Vendor};

const HOUR_MS: i64 = 3_600_000;

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn create(sandbox: &mut Sandbox, form: &str) -> Answer {
    post(sandbox, START_MS, "/v1/payment_intents", None, form)
}

#[test]
fn a_create_answers_with_the_intent_and_the_time() {
    let mut sandbox = sandbox();
    let made = post(&mut sandbox, START_MS, "/v1/payment_intents", Some("k1"), PAYMENT);
    assert_eq!(made.status, 200);
    assert_eq!(made.text("/status"), "requires_payment_method");
    assert_eq!(made.text("/metadata/crossdock_order"), "o-1");
    assert_eq!(made.json["created"], START_MS / 1000);
    assert_eq!(made.json["livemode"], false);
    assert!(made.text("/client_secret").starts_with(&format!("{}_secret_", made.text("/id"))));
    assert_eq!(made.header("date"), "Sun, 01 Jun 2025 12:00:00 GMT");
    assert!(made.header("request-id").starts_with("req_"));
}

#[test]
fn only_the_accounts_key_is_accepted_as_bearer_or_basic() {
    let mut sandbox = sandbox();
    for (authorization, status) in [
        (Some("Bearer sk_test_sandbox"), 200),
        (Some("Basic c2tfdGVzdF9zYW5kYm94Og=="), 200), // sk_test_sandbox:
        (Some("Bearer sk_test_other"), 401),
        (Some("Basic !"), 401),
        (None, 401),
    ] {
        let mut request = stripe_request("GET", "/v1/payment_intents", None, "");
        request.headers_mut().remove("authorization");
        if let Some(value) = authorization {
            request.headers_mut().insert("authorization", value.parse().unwrap());
        }
        assert_eq!(answered(sandbox.call(Vendor::Stripe, START_MS, request)).status, status, "{authorization:?}");
    }
    sandbox.set_api_key(Vendor::Stripe, "sk_test_new");
    assert_eq!(get(&mut sandbox, START_MS, "/v1/payment_intents").status, 401);
}

#[test]
fn what_stripe_would_refuse_is_refused_with_the_parameter_at_fault() {
    let many_keys = (0..51).fold(String::new(), |form, i| form + &format!("&metadata[k{i}]=v"));
    for (form, param) in [
        ("currency=eur", "amount"),
        ("amount=1099", "currency"),
        ("amount=ten&currency=eur", "amount"),
        ("amount=10.99&currency=eur", "amount"),
        ("amount=-5&currency=eur", "amount"),
        ("amount=49&currency=eur", "amount"),
        ("amount=100000000&currency=eur", "amount"),
        ("amount=1001&currency=kwd", "amount"),
        ("amount=150&currency=isk", "amount"),
        ("amount=1099&currency=xxx", "currency"),
        ("amount=1099&currency=eur&colour=red", "colour"),
        ("amount=1099&currency=eur&payment_method_types[]=cheque", "payment_method_types"),
        ("amount=1099&currency=eur&payment_method=pm_nobody", "payment_method"),
        ("amount=1099&currency=eur&customer=cus_nobody", "customer"),
        ("amount=1099&currency=eur&confirm=yes", "confirm"),
        ("amount=1099&currency=eur&return_url=https://a.example", "confirm"),
        ("amount=1099&currency=eur&metadata[order]]=o-1", "metadata[order]]"),
        (&format!("amount=1099&currency=eur{many_keys}"), "metadata"),
        (&format!("amount=1099&currency=eur&metadata[order]={}", "x".repeat(501)), "metadata"),
        ("amount=1099&currency=eur&capture_method=manual", "capture_method"),
    ] {
        let mut sandbox = sandbox();
        let refused = create(&mut sandbox, form);
        assert_eq!((refused.status, refused.text("/error/param")), (400, param), "{form}");
        assert_eq!(refused.text("/error/type"), "invalid_request_error");
        assert!(sandbox.stripe().payment_intents().is_empty(), "{form}");
    }
}

#[test]
fn json_is_refused() {
    let mut request = stripe_request("POST", "/v1/payment_intents", None, r#"{"amount":1099,"currency":"eur"}"#);
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(answered(sandbox().call(Vendor::Stripe, START_MS, request)).status, 400);
}

#[test]
fn unknown_ids_and_paths_are_404() {
    let mut sandbox = sandbox();
    let missing = get(&mut sandbox, START_MS, "/v1/payment_intents/pi_nobody");
    assert_eq!((missing.status, missing.text("/error/code")), (404, "resource_missing"));
    let missing = post(&mut sandbox, START_MS, "/v1/payment_intents/pi_nobody/cancel", None, "");
    assert_eq!((missing.status, missing.text("/error/code")), (404, "resource_missing"));
    assert_eq!(get(&mut sandbox, START_MS, "/v1/coffee").status, 404);
}

#[test]
fn the_same_key_and_parameters_get_the_first_answer_again_and_nothing_is_done() {
    let mut sandbox = sandbox();
    let first = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let again = pay(&mut sandbox, START_MS + 5000, "k1", "pm_card_visa");
    assert_eq!((again.status, &again.bytes), (200, &first.bytes));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_eq!(again.header("date"), "Sun, 01 Jun 2025 12:00:05 GMT");
    assert_eq!(sandbox.stripe().payment_intents().len(), 1);
    assert_eq!(sandbox.stripe().succeeded_charges(first.text("/id")).count(), 1);
}

#[test]
fn the_order_of_the_parameters_does_not_make_another_request() {
    let mut sandbox = sandbox();
    let path = "/v1/payment_intents";
    post(&mut sandbox, START_MS, path, Some("k1"), "amount=1099&currency=eur");
    let again = post(&mut sandbox, START_MS, path, Some("k1"), "currency=eur&amount=1099");
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"));
}

#[test]
fn a_decline_is_replayed_too() {
    let mut sandbox = sandbox();
    let first = pay(&mut sandbox, START_MS, "k1", "pm_card_visa_chargeDeclined");
    let again = pay(&mut sandbox, START_MS, "k1", "pm_card_visa_chargeDeclined");
    assert_eq!((first.status, again.status, again.header("idempotent-replayed")), (402, 402, "true"));
    assert_eq!((first.bytes, sandbox.stripe().charges().len()), (again.bytes, 1));
}

#[test]
fn the_same_key_with_other_parameters_or_another_path_is_an_idempotency_error() {
    let mut sandbox = sandbox();
    let made = post(&mut sandbox, START_MS, "/v1/payment_intents", Some("k1"), PAYMENT);
    let other = post(&mut sandbox, START_MS, "/v1/payment_intents", Some("k1"), "amount=1100&currency=eur");
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    let path = format!("/v1/payment_intents/{}/cancel", made.text("/id"));
    let other = post(&mut sandbox, START_MS, &path, Some("k1"), "");
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    assert_eq!(sandbox.stripe().payment_intents().len(), 1);
}

#[test]
fn a_key_is_new_again_after_24_hours() {
    let mut sandbox = sandbox();
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    pay(&mut sandbox, START_MS + 24 * HOUR_MS - 1, "k1", "pm_card_visa");
    assert_eq!(sandbox.stripe().charges().len(), 1);
    pay(&mut sandbox, START_MS + 24 * HOUR_MS, "k1", "pm_card_visa");
    assert_eq!(sandbox.stripe().charges().len(), 2);
}

#[test]
fn what_fails_validation_is_not_remembered() {
    let mut sandbox = sandbox();
    let path = "/v1/payment_intents";
    assert_eq!(post(&mut sandbox, START_MS, path, Some("k1"), "amount=1099").status, 400);
    let fixed = post(&mut sandbox, START_MS, path, Some("k1"), "amount=1099&currency=eur");
    assert_eq!((fixed.status, fixed.header("idempotent-replayed")), (200, ""));
}

#[test]
fn a_list_is_bounded_by_time_newest_first_and_paged() {
    let mut sandbox = sandbox();
    let ids: Vec<String> = (0..5)
        .map(|i| post(&mut sandbox, START_MS + i * 1000, "/v1/payment_intents", None, PAYMENT).text("/id").to_owned())
        .collect();
    let start_s = START_MS / 1000;
    let query = format!("/v1/payment_intents?created[gte]={}&created[lte]={}&limit=2", start_s + 1, start_s + 3);
    let page = get(&mut sandbox, START_MS, &query);
    assert_eq!((page.text("/data/0/id"), page.text("/data/1/id")), (ids[3].as_str(), ids[2].as_str()));
    assert_eq!(page.json["has_more"], true);
    let page = get(&mut sandbox, START_MS, &format!("{query}&starting_after={}", ids[2]));
    assert_eq!((page.json["data"].as_array().unwrap().len(), page.text("/data/0/id")), (1, ids[1].as_str()));
    assert_eq!(page.json["has_more"], false);
    assert_eq!(get(&mut sandbox, START_MS, "/v1/payment_intents?limit=101").status, 400);
    assert_eq!(get(&mut sandbox, START_MS, "/v1/payment_intents?starting_after=pi_nobody").status, 400);
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    let run = |seed| {
        let mut sandbox = Sandbox::new(Settings { seed, ..Settings::default() });
        let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa").bytes;
        let sent = crate::caller::send(&mut sandbox, START_MS, &crate::caller::a_mail("ada@example.com")).headers;
        let webhooks: Vec<_> = sandbox
            .take_due(START_MS + 60_000)
            .into_iter()
            .map(|delivery| (delivery.request.headers().clone(), delivery.request.into_body()))
            .collect();
        (paid, sent, webhooks)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).0, run(8).0);
    assert_ne!(run(7).2, run(8).2);
}
