//! What the API answers: a repeat as the first request, a key for good, a confirm with its own news, a refusal with a code
//! that says what to do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use sandbox::{CallFault, Vendor, WebhookFault};
use serde_json::{Value, json};
use simulation::invariants::violations;
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::{Response, Universe};

/// More than enough for whatever is due.
const A_WHILE_MS: i64 = 4 * 3_600_000;
/// When the record of a request has expired.
const A_DAY_LATER_MS: u64 = 25 * 3_600_000;

const INSUFFICIENT: &str = "pm_card_visa_chargeDeclinedInsufficientFunds";
const EXPIRED: &str = "pm_card_chargeDeclinedExpiredCard";
const WRONG_CVC: &str = "pm_card_chargeDeclinedIncorrectCvc";
const ASKS: &str = "pm_card_threeDSecure2Required";
/// Stripe refuses a payment with it, and nothing exists there.
const UNKNOWN: &str = "pm_nobody_knows";

async fn create(universe: &mut Universe, key: Option<&str>, body: &Value) -> Response {
    universe.call("POST", "/payments", key, Some(body)).await
}

async fn confirm(universe: &mut Universe, path: &str, method: &str) -> Response {
    let body = json!({ "payment_method": method, "return_url": "https://shop.example/return" });
    universe.call("POST", &format!("{path}/confirm"), None, Some(&body)).await
}

fn path_of(created: &Response) -> String {
    format!("/payments/{}", created.body()["payment_id"].as_str().unwrap_or_else(|| panic!("{created:?}")))
}

fn code(response: &Response) -> (u16, String) {
    let body = response.body();
    (response.status(), body["code"].as_str().or(body["status"].as_str()).unwrap_or_default().to_owned())
}

fn told(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

fn is_replayed(response: &Response) -> bool {
    matches!(response, Response::Answer { replayed: true, .. })
}

/// Stripe refuses the next payment for a reason that is none of its method's.
fn refuses_the_next_payment(universe: &Universe) {
    let fault = CallFault::ErrorBefore { status: 400 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
}

/// At rest nothing is wrong, and nobody is told to wait any more.
async fn assert_clean(universe: &mut Universe) {
    universe.run_until_quiet(A_WHILE_MS).await;
    universe.ask_again().await;
    assert_eq!(violations(universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_a_key_a_payment_that_is_over_is_followed_by_another_one() {
    for over in ["canceled", "failed"] {
        let mut universe = Universe::new(1);
        let first = if over == "failed" {
            refuses_the_next_payment(&universe);
            create(&mut universe, None, &payment("o-1")).await
        } else {
            let first = create(&mut universe, None, &payment("o-1")).await;
            universe.call("POST", &format!("{}/cancel", path_of(&first)), None, None).await;
            first
        };
        let second = create(&mut universe, None, &payment("o-1")).await;
        assert_eq!(code(&second), told(201, "requires_payment_method"), "{over}");
        assert_ne!(path_of(&first), path_of(&second), "{over}");
        assert!(!is_replayed(&second));
        let paid = confirm(&mut universe, &path_of(&second), "pm_card_visa").await;
        assert_eq!(code(&paid), told(200, "succeeded"));
        assert_clean(&mut universe).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_key_another_body_than_the_open_payment_s_is_409_and_the_same_body_its_answer() {
    let mut universe = Universe::new(1);
    let first = create(&mut universe, None, &confirmed_payment("o-1", INSUFFICIENT)).await;
    assert_eq!(code(&first), told(402, "insufficient_funds"));
    let mut dearer = confirmed_payment("o-1", INSUFFICIENT);
    dearer["amount"]["value"] = json!(1_100);
    for other in [confirmed_payment("o-1", "pm_card_visa"), dearer] {
        let refused = create(&mut universe, None, &other).await;
        assert_eq!(code(&refused), told(409, "order_already_has_payment"));
        assert_eq!(refused.body()["payment_id"], first.body()["payment_id"]);
    }
    let again = create(&mut universe, None, &confirmed_payment("o-1", INSUFFICIENT)).await;
    assert_eq!(code(&again), told(402, "insufficient_funds"));
    assert!(is_replayed(&again));
    // The same body finds a payment that was made with a key, too: it is the open one.
    let keyed = create(&mut universe, Some("k-2"), &payment("o-2")).await;
    let keyless = create(&mut universe, None, &payment("o-2")).await;
    assert_eq!((keyless.status(), path_of(&keyless)), (201, path_of(&keyed)));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_looks_like_what_stands_in_for_one_is_a_key_of_its_own() {
    let mut universe = Universe::new(1);
    let first = create(&mut universe, None, &payment("o-1")).await;
    let other = create(&mut universe, Some("o-1#1"), &payment("o-1")).await;
    assert_eq!(code(&other), told(409, "order_already_has_payment"));
    universe.call("POST", &format!("{}/cancel", path_of(&first)), None, None).await;
    let second = create(&mut universe, Some("o-1#1"), &payment("o-1")).await;
    assert_eq!(second.status(), 201);
    assert_ne!(path_of(&first), path_of(&second));
}

#[tokio::test(start_paused = true)]
async fn a_key_names_its_payment_also_a_day_after_that_came_to_nothing() {
    for over in ["canceled", "failed"] {
        let mut universe = Universe::new(1);
        let body = payment("o-1");
        let first = if over == "failed" {
            refuses_the_next_payment(&universe);
            create(&mut universe, Some("k-1"), &body).await
        } else {
            let first = create(&mut universe, Some("k-1"), &body).await;
            universe.call("POST", &format!("{}/cancel", path_of(&first)), None, None).await;
            first
        };
        // Another key may, and is paid; the old one still means the old payment.
        for with_another in [false, true] {
            if with_another {
                let other = create(&mut universe, Some("k-2"), &confirmed_payment("o-1", "pm_card_visa")).await;
                assert_eq!(code(&other), told(201, "succeeded"), "{over}");
            }
            universe.sleep_ms(A_DAY_LATER_MS).await;
            universe.aws().table().delete_expired();
            let again = create(&mut universe, Some("k-1"), &body).await;
            assert_eq!((again.status(), path_of(&again)), (first.status(), path_of(&first)), "{over}");
            let mut other = body.clone();
            other["amount"]["value"] = json!(1_100);
            let reused = create(&mut universe, Some("k-1"), &other).await;
            assert_eq!(code(&reused), told(422, "idempotency_key_reused"), "{over}");
        }
        assert_clean(&mut universe).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_declined_create_is_declined_again_and_a_refused_one_refused_for_as_long_as_answers_are_kept() {
    for (card, answer) in
        [(INSUFFICIENT, told(402, "insufficient_funds")), (UNKNOWN, told(422, "payment_method_unusable"))]
    {
        let mut universe = Universe::new(1);
        let body = confirmed_payment("o-1", card);
        let first = create(&mut universe, Some("k-1"), &body).await;
        assert_eq!(code(&first), answer);
        for _ in 0..2 {
            let again = create(&mut universe, Some("k-1"), &body).await;
            assert_eq!(code(&again), answer);
            assert!(is_replayed(&again));
            let of = |response: &Response, name: &str| response.body()[name].clone();
            for same in ["payment_id", "user_message", "client_secret", "detail"] {
                assert_eq!(of(&again, same), of(&first, same), "{same}");
            }
            assert_ne!(of(&again, "correlation_id"), of(&first, "correlation_id"));
        }
        // What is paid afterwards does not change what that request came to.
        if answer.0 == 402 {
            assert_eq!(code(&confirm(&mut universe, &path_of(&first), "pm_card_visa").await), told(200, "succeeded"));
            assert_eq!(code(&create(&mut universe, Some("k-1"), &body).await), answer);
        }
        assert_clean(&mut universe).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_became_of_a_create_while_nobody_listened_is_answered_like_any_other() {
    for (card, answer) in
        [(INSUFFICIENT, told(402, "insufficient_funds")), (UNKNOWN, told(422, "payment_method_unusable"))]
    {
        let mut universe = Universe::new(1);
        let body = confirmed_payment("o-1", card);
        universe.sandbox().faults().outage(Vendor::Stripe, true);
        assert_eq!(code(&create(&mut universe, Some("k-1"), &body).await), told(202, "deferred"));
        universe.sandbox().faults().outage(Vendor::Stripe, false);
        universe.run_until_quiet(A_WHILE_MS).await;
        let first = create(&mut universe, Some("k-1"), &body).await;
        assert_eq!(code(&first), answer);
        // From then on it is the answer, whatever happens to the payment.
        if answer.0 == 402 {
            assert_eq!(code(&confirm(&mut universe, &path_of(&first), "pm_card_visa").await), told(200, "succeeded"));
        }
        assert_eq!(code(&create(&mut universe, Some("k-1"), &body).await), answer);
        assert_clean(&mut universe).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_refund_is_refused_again() {
    let mut universe = Universe::new(1);
    let paid = create(&mut universe, Some("k-1"), &confirmed_payment("o-1", "pm_card_visa")).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let path = format!("{}/refunds", path_of(&paid));
    let fault = CallFault::ErrorBefore { status: 400 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_refund", 1, fault);
    for hours in [0, 1, 25] {
        universe.sleep_ms(hours * 3_600_000).await;
        let refused = universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await;
        assert_eq!(code(&refused), told(422, "refund_refused"), "{hours}");
    }
    assert!(universe.sandbox().stripe().refunds().is_empty());
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_an_event_has_told_of_while_its_call_had_no_answer_is_not_under_way() {
    let mut universe = Universe::new(1);
    let paid = create(&mut universe, Some("k-1"), &confirmed_payment("o-1", "pm_card_visa")).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let path = format!("{}/refunds", path_of(&paid));
    // Longer than both tries wait.
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_refund", 2, CallFault::Delay { ms: 60_000 });
    let mut meanwhile = None;
    let answer = universe
        .call_while("POST", &path, Some("r-1"), Some(&json!({})), async |universe| {
            universe.sleep_ms(1_000).await;
            universe.run_until_quiet(5_000).await;
            meanwhile = Some(universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await);
        })
        .await;
    assert_eq!(meanwhile.as_ref().map(code), Some(told(201, "succeeded")));
    assert_eq!(code(&answer), told(201, "succeeded"));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn each_of_several_confirms_within_one_second_is_answered_with_its_own_news() {
    let cards = [
        (INSUFFICIENT, told(402, "insufficient_funds")),
        (EXPIRED, told(402, "expired_card")),
        (WRONG_CVC, told(402, "incorrect_cvc")),
        (ASKS, told(200, "requires_action")),
    ];
    let mut wrong = Vec::new();
    for first in 0..cards.len() {
        for second in 0..cards.len() {
            for third in 0..cards.len() {
                let mut universe = Universe::new(1);
                // The payment is made in the same second.
                let created = create(&mut universe, Some("k-1"), &payment("o-1")).await;
                let path = path_of(&created);
                for (card, expected) in [first, second, third].map(|n| &cards[n]) {
                    let answer = code(&confirm(&mut universe, &path, card).await);
                    if answer != *expected {
                        wrong.push(format!("{first} {second} {third}: {card} was answered {answer:?}"));
                    }
                    let shown = universe.call("GET", &path, None, None).await.body()["status"].clone();
                    let status = if expected.0 == 402 { "requires_payment_method" } else { expected.1.as_str() };
                    if shown != status {
                        wrong.push(format!("{first} {second} {third}: after {card} it is shown as {shown}"));
                    }
                }
                universe.run_until_quiet(A_WHILE_MS).await;
                wrong.extend(violations(&universe));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 192: {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_an_earlier_attempt_that_comes_while_stripe_is_asked_is_no_answer_to_this_one() {
    for (card, expected) in [(INSUFFICIENT, told(402, "insufficient_funds")), (ASKS, told(200, "requires_action"))] {
        let mut universe = Universe::new(1);
        let mut body = confirmed_payment("o-1", ASKS);
        body["return_url"] = json!("https://shop.example/return");
        let path = path_of(&create(&mut universe, Some("k-1"), &body).await);
        universe.run_until_quiet(A_WHILE_MS).await;
        // All of it happens in one second of Stripe's clock: the shopper fails, the next card is tried, the event comes.
        let into_ms = u64::try_from(universe.now_ms() % 1_000).unwrap();
        universe.sleep_ms(1_000 - into_ms).await;
        let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().payment_intents()[0].id.clone());
        let _ = universe.sandbox().shopper_authenticates(now_ms, &id, false);
        universe.sandbox().faults().next_calls(Vendor::Stripe, "confirm", 1, CallFault::Delay { ms: 400 });
        let confirm = json!({ "payment_method": card, "return_url": "https://shop.example/return" });
        let answer = universe
            .call_while("POST", &format!("{path}/confirm"), None, Some(&confirm), async |universe| {
                universe.run_until_quiet(300).await;
            })
            .await;
        assert_eq!(code(&answer), expected);
        assert_clean(&mut universe).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_bank_waits_for_the_shopper_nobody_is_told_of_an_earlier_decline() {
    for lost in 1..=2 {
        let mut universe = Universe::new(1);
        let declined = create(&mut universe, Some("k-1"), &confirmed_payment("o-1", INSUFFICIENT)).await;
        let path = path_of(&declined);
        universe.sleep_ms(5_000).await;
        // Stripe's answer is lost, and it repeats the same one under the same key: as old as the payment.
        universe.sandbox().faults().next_calls(Vendor::Stripe, "confirm", lost, CallFault::LostAnswer);
        let mut answer = confirm(&mut universe, &path, ASKS).await;
        if answer.status() == 202 {
            universe.sleep_ms(10_000).await;
            answer = confirm(&mut universe, &path, ASKS).await;
        }
        assert_eq!(code(&answer), told(200, "requires_action"), "{lost}");
        assert!(answer.body()["next_action"].is_object());
        assert_clean(&mut universe).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_answer_whose_shopper_has_moved_on_tells_where_they_are() {
    let mut universe = Universe::new(1);
    let created = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let path = path_of(&created);
    universe.sleep_ms(5_000).await;
    universe.sandbox().faults().next_calls(Vendor::Stripe, "confirm", 2, CallFault::LostAnswer);
    assert_eq!(confirm(&mut universe, &path, ASKS).await.status(), 202);
    let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().payment_intents()[0].id.clone());
    let _ = universe.sandbox().shopper_authenticates(now_ms, &id, false);
    universe.sleep_ms(10_000).await;
    let answer = confirm(&mut universe, &path, ASKS).await;
    assert_eq!(code(&answer), told(402, "authentication_required"));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn a_customer_whom_the_provider_refused_is_refused_again_until_other_words_come() {
    let mut universe = Universe::new(1);
    let ask = async |universe: &mut Universe, name: &str| {
        let mut body = payment("o-1")["customer"].clone();
        body["name"] = json!(name);
        universe.call("POST", "/customers", None, Some(&body)).await
    };
    let refuses = |universe: &Universe| {
        let fault = CallFault::ErrorBefore { status: 400 };
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_customer", 1, fault);
    };
    refuses(&universe);
    for _ in 0..3 {
        assert_eq!(code(&ask(&mut universe, "Ada").await), told(422, "customer_refused"));
        universe.sleep_ms(60_000).await;
    }
    // Weeks later nobody knows what was refused: it is asked again, once.
    universe.sleep_ms(36 * 24 * 3_600_000).await;
    universe.aws().table().delete_expired();
    refuses(&universe);
    for _ in 0..2 {
        assert_eq!(code(&ask(&mut universe, "Ada").await), told(422, "customer_refused"));
    }
    // A payment that needs the customer says the same, and leaves nothing.
    let mut saving = confirmed_payment("o-1", "pm_card_visa");
    (saving["save_payment_method"], saving["customer"]["name"]) = (json!(true), json!("Ada"));
    assert_eq!(code(&create(&mut universe, Some("k-1"), &saving).await), told(422, "customer_refused"));
    refuses(&universe);
    for name in ["Ada L.", "Ada L."] {
        assert_eq!(code(&ask(&mut universe, name).await), told(422, "customer_refused"));
    }
    let known = ask(&mut universe, "Ada Lovelace").await;
    assert_eq!((known.status(), &known.body()["customer_id"]), (201, &json!("c-1")));
    assert_eq!(ask(&mut universe, "Ada Lovelace").await.status(), 200);
    let customers: Vec<Value> =
        universe.sandbox().stripe().customers().iter().map(|customer| customer.detail("name").clone()).collect();
    assert_eq!(customers, ["Ada Lovelace"]);
    assert_eq!(code(&create(&mut universe, Some("k-1"), &saving).await), told(201, "succeeded"));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_the_provider_refused_says_so_when_it_is_confirmed() {
    let mut universe = Universe::new(1);
    refuses_the_next_payment(&universe);
    let refused = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    assert_eq!(code(&refused), told(422, "payment_refused"));
    let answer = confirm(&mut universe, &path_of(&refused), "pm_card_visa").await;
    assert_eq!(code(&answer), told(409, "payment_failed"));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_the_provider_does_not_know_yet_cannot_be_confirmed_yet() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    let deferred = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let path = path_of(&deferred);
    assert_eq!(code(&confirm(&mut universe, &path, "pm_card_visa").await), told(409, "payment_not_ready"));
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(code(&confirm(&mut universe, &path, "pm_card_visa").await), told(200, "succeeded"));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn while_one_card_is_being_confirmed_another_one_is_told_to_wait() {
    let mut universe = Universe::new(1);
    let created = create(&mut universe, Some("k-1"), &payment("o-1")).await;
    let path = path_of(&created);
    let fault = CallFault::Delay { ms: 5_000 };
    universe.sandbox().faults().next_calls(Vendor::Stripe, "confirm", 1, fault);
    let body = json!({ "payment_method": INSUFFICIENT });
    let mut other = None;
    let first = universe
        .call_while("POST", &format!("{path}/confirm"), None, Some(&body), async |universe| {
            universe.sleep_ms(1_000).await;
            other = Some(confirm(universe, &path, "pm_card_visa").await);
        })
        .await;
    assert_eq!(code(&first), told(402, "insufficient_funds"));
    assert_eq!(code(&other.unwrap()), told(409, "confirmation_in_progress"));
    // Afterwards its turn comes.
    assert_eq!(code(&confirm(&mut universe, &path, "pm_card_visa").await), told(200, "succeeded"));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn an_order_has_fifty_payments_that_come_to_nothing_and_no_more() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    for _ in 0..50 {
        let created = create(&mut universe, None, &payment("o-1")).await;
        assert_eq!(created.status(), 201, "{created:?}");
        let canceled = universe.call("POST", &format!("{}/cancel", path_of(&created)), None, None).await;
        assert_eq!(canceled.status(), 200);
    }
    for key in [None, Some("k-1")] {
        let refused = create(&mut universe, key, &payment("o-1")).await;
        assert_eq!(code(&refused), told(409, "order_has_too_many_payments"));
    }
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 50);
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_would_find_too_much_is_refused_by_name_and_what_just_fits_is_paid() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let pairs = |count: usize| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Value>();
    let amount = |value: i64, currency: &str| json!({ "value": value, "currency": currency });
    let cases = [
        ("/amount", amount(999_999_999_999, "IDR"), amount(1_000_000_000_000, "IDR"), "amount.value"),
        ("/amount", amount(99_999_990, "KWD"), amount(100_000_000, "KWD"), "amount.value"),
        ("/amount", amount(99_999_999, "JPY"), amount(100_000_000, "JPY"), "amount.value"),
        ("/customer/name", json!("ä".repeat(256)), json!("ä".repeat(257)), "customer.name"),
        ("/customer/phone", json!("+".repeat(20)), json!("+".repeat(21)), "customer.phone"),
        ("/description", json!("ä".repeat(1_000)), json!("ä".repeat(1_001)), "description"),
        ("/metadata", pairs(47), pairs(48), "metadata"),
        ("/metadata", json!({ "k".repeat(40): "v".repeat(500) }), json!({ "k": "v".repeat(501) }), "metadata.k"),
    ];
    for (n, (place, fits, exceeds, field)) in cases.into_iter().enumerate() {
        let body = |value: &Value| {
            let mut body = confirmed_payment(&format!("o-{n}"), "pm_card_visa");
            body["save_payment_method"] = json!(true);
            body["customer"]["id"] = json!(format!("c-{n}"));
            let (parent, name) = place.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = value.clone();
            body
        };
        let calls = universe.sandbox().calls().len();
        let refused = create(&mut universe, None, &body(&exceeds)).await;
        assert_eq!(code(&refused), told(400, "invalid_input"), "{place}");
        assert_eq!(refused.body()["errors"][0]["field"], field);
        assert_eq!(universe.sandbox().calls().len(), calls, "{place}");
        let paid = create(&mut universe, None, &body(&fits)).await;
        assert_eq!(code(&paid), told(201, "succeeded"), "{place}: {}", paid.body());
    }
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_answered_as_the_first_request_though_its_customer_is_gone_and_cannot_be_made_anew() {
    let mut universe = Universe::new(1);
    let mut saving = confirmed_payment("o-1", "pm_card_visa");
    saving["save_payment_method"] = json!(true);
    let first = create(&mut universe, Some("k-1"), &saving).await;
    assert_eq!(first.status(), 201, "{}", first.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().customers()[0].id.clone());
    universe.sandbox().merchant_deletes_customer(now_ms, &id).unwrap();
    universe.run_until_quiet(A_WHILE_MS).await;
    for status in [400, 503] {
        let fault = CallFault::ErrorBefore { status };
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_customer", 2, fault);
        let repeat = create(&mut universe, Some("k-1"), &saving).await;
        assert_eq!((repeat.status(), repeat.body()), (201, first.body()), "{status}");
        assert!(is_replayed(&repeat));
        universe.sandbox().faults().clear();
    }
    let mut other = saving.clone();
    other["amount"]["value"] = json!(1);
    universe.sandbox().faults().next_calls(
        Vendor::Stripe,
        "create_customer",
        2,
        CallFault::ErrorBefore { status: 400 },
    );
    assert_eq!(code(&create(&mut universe, Some("k-1"), &other).await), told(422, "idempotency_key_reused"));
}

/// The event of the payment's creation settles the create whose answers were lost; of the charge nobody has told yet.
#[tokio::test(start_paused = true)]
async fn whoever_repeats_a_charge_of_which_only_the_payment_is_known_is_told_to_wait() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
    universe.sandbox().faults().next_webhooks(Vendor::Stripe, 1, WebhookFault::Duplicate { copies: 0 });
    universe.sandbox().faults().every_webhook(Vendor::Stripe, WebhookFault::Late { ms: 3_600_000 });
    let body = confirmed_payment("o-1", INSUFFICIENT);
    assert_eq!(create(&mut universe, Some("k-1"), &body).await.status(), 202);
    universe.run_until_quiet(2_000).await;
    let again = create(&mut universe, Some("k-1"), &body).await;
    assert_eq!(code(&again), told(202, "requires_payment_method"));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(code(&create(&mut universe, Some("k-1"), &body).await), told(402, "insufficient_funds"));
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn whose_first_words_are_refused_while_the_corrected_ones_wait_is_asked_for_with_those() {
    let mut universe = Universe::new(1);
    let ask = async |universe: &mut Universe, name: &str| {
        let mut body = payment("o-1")["customer"].clone();
        body["name"] = json!(name);
        universe.call("POST", "/customers", None, Some(&body)).await
    };
    let answers = |universe: &Universe, times: u32, status: u16| {
        let fault = CallFault::ErrorBefore { status };
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_customer", times, fault);
    };
    answers(&universe, 2, 503);
    assert_eq!(ask(&mut universe, "Adda").await.status(), 202);
    universe.sleep_ms(10 * 60_000).await;
    // One call has the first words refused, and asks with the corrected ones.
    answers(&universe, 1, 400);
    let corrected = ask(&mut universe, "Ada").await;
    assert_eq!(corrected.status(), 201, "{}", corrected.body());
    assert_eq!(ask(&mut universe, "Ada").await.status(), 200);
    let names: Vec<Value> =
        universe.sandbox().stripe().customers().iter().map(|customer| customer.detail("name").clone()).collect();
    assert_eq!(names, ["Ada"]);
    assert_clean(&mut universe).await;
}

#[tokio::test(start_paused = true)]
async fn five_hundred_opens_of_one_mail_hide_no_refund_and_a_long_timeline_has_pages() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let paid = create(&mut universe, Some("k-1"), &confirmed_payment("o-1", "pm_card_visa")).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let at = |ms: i64| format!("T#{ms:013}#1OPEN{ms}");
    let mail = order(&mut universe, "o-1").await["messages"][0]["message_id"].as_str().unwrap().to_owned();
    let opened_from = universe.now_ms();
    for n in 0..600 {
        let ms = opened_from + n;
        let row = json!({ "at": { "N": ms.to_string() }, "event": { "S": "message.opened" }, "object": { "S": mail }, "source": { "S": "sendgrid" } });
        universe.aws().table().put("ORDER#o-1", &at(ms), &[("event", "message.opened")]);
        let attributes: Vec<(&str, &Value)> =
            row.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)).collect();
        universe.aws().table().set_attributes("ORDER#o-1", &at(ms), &attributes);
        let mark = format!("EVENT#sendgrid#open-{n}");
        let sort = format!("{ms:013}#open-{n}");
        universe.aws().table().put(&mark, "EVENT", &[("order_pk", "ORDER#o-1"), ("order_sk", &sort)]);
    }
    universe.sleep_ms(10_000).await;
    let refund = universe.call("POST", &format!("{}/refunds", path_of(&paid)), Some("r-1"), Some(&json!({}))).await;
    assert_eq!(refund.status(), 201, "{}", refund.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    let whole = universe.call("GET", "/orders/o-1", None, None).await.body();
    let rows = whole["timeline"].as_array().unwrap().clone();
    assert!(rows.len() < 40, "{} rows", rows.len());
    let opens: Vec<&Value> = rows.iter().filter(|row| row["event"] == "message.opened").collect();
    assert_eq!((opens.len(), &opens[0]["times"]), (1, &json!(600)));
    assert!(opens[0]["last_at"].as_str() > opens[0]["at"].as_str(), "{}", opens[0]);
    assert!(rows.iter().any(|row| row["event"] == "refund.succeeded"), "{whole}");
    assert_eq!(whole["refunds"][0]["status"], "succeeded");
    assert!(whole.get("next_cursor").is_none() && whole.get("incomplete").is_none());
    // By pages it is the same.
    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let more = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = universe.call("GET", &format!("/orders/o-1?limit=7{more}"), None, None).await;
        assert_eq!(page.status(), 200, "{}", page.body());
        let body = page.body();
        assert_eq!(body["refunds"], whole["refunds"]);
        let entries = body["timeline"].as_array().unwrap();
        assert!(entries.len() <= 7);
        paged.extend(entries.clone());
        cursor = body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, rows);
    for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=no", "cursor"), ("cursor=", "cursor")]
    {
        let refused = universe.call("GET", &format!("/orders/o-1?{query}"), None, None).await;
        assert_eq!(code(&refused), told(400, "invalid_input"), "{query}");
        assert_eq!(refused.body()["errors"][0]["field"], field, "{query}");
    }
}

/// A row of the order's timeline, as if somebody had opened a mail at this moment.
fn mail_opened(universe: &Universe, mail: &str, at_ms: i64) {
    let key = format!("T#{at_ms:013}#1OPEN");
    universe.aws().table().put("ORDER#o-1", &key, &[("event", "message.opened")]);
    let attributes = [
        ("at", json!({ "N": at_ms.to_string() })),
        ("object", json!({ "S": mail })),
        ("source", json!({ "S": "sendgrid" })),
    ];
    let attributes: Vec<(&str, &Value)> = attributes.iter().map(|(name, value)| (*name, value)).collect();
    universe.aws().table().set_attributes("ORDER#o-1", &key, &attributes);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_is_a_place_in_time_whatever_has_come_before_it_since() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let paid = create(&mut universe, Some("k-1"), &confirmed_payment("o-1", "pm_card_visa")).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let mail = order(&mut universe, "o-1").await["messages"][0]["message_id"].as_str().unwrap().to_owned();
    let opened_ms = universe.now_ms();
    mail_opened(&universe, &mail, opened_ms);
    universe.sleep_ms(10_000).await;
    let refund = universe.call("POST", &format!("{}/refunds", path_of(&paid)), Some("r-1"), Some(&json!({}))).await;
    assert_eq!(refund.status(), 201, "{}", refund.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    let whole = order(&mut universe, "o-1").await["timeline"].as_array().unwrap().clone();
    let until_opened = whole.iter().position(|row| row["event"] == "message.opened").unwrap() + 1;
    let page = universe.call("GET", &format!("/orders/o-1?limit={until_opened}"), None, None).await.body();
    assert_eq!(page["timeline"].as_array().unwrap().last().unwrap()["event"], "message.opened");
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    // Another function's clock is a little behind: what it writes now is the first of the opens.
    mail_opened(&universe, &mail, opened_ms - 1);
    let path = format!("/orders/o-1?cursor={cursor}");
    let next = universe.call("GET", &path, None, None).await.body();
    assert_eq!(next["timeline"].as_array().unwrap()[..], whole[until_opened..], "{next}");
    // An order that nobody knows is none, with a cursor too.
    let unknown = universe.call("GET", &format!("/orders/o-2?cursor={cursor}"), None, None).await;
    assert_eq!(code(&unknown), told(404, "order_not_found"));
}
