//! Whose name a mail is addressed to. A checkout takes anybody's mail address, so its name proves nothing until it is paid.

use sandbox::Vendor;
use serde_json::{Value, json};
use simulation::invariants::{of_type, violations};
use simulation::shop::{confirmed_payment, payment};
use simulation::universe::Universe;

use crate::signing::stripe_says;
use crate::{A_WHILE_MS, mails_asked_for};

async fn pays(universe: &mut Universe, order: &str, name: &str) {
    let mut body = confirmed_payment(order, "pm_card_visa");
    body["customer"]["name"] = json!(name);
    let created = universe.call("POST", "/payments", Some(order), Some(&body)).await;
    assert_eq!(created.status(), 201, "{}", created.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(violations(universe), Vec::<String>::new());
}

/// Somebody fills in a checkout with this name, and does not pay. Their card may be saved, so that Stripe knows them.
async fn looks_in(universe: &mut Universe, order: &str, name: &str, saves: bool) {
    let mut body = payment(order);
    body["customer"]["name"] = json!(name);
    body["customer"]["id"] = json!(format!("c-{order}"));
    body["save_payment_method"] = json!(saves);
    let created = universe.call("POST", "/payments", Some(order), Some(&body)).await;
    assert_eq!(created.status(), 201, "{}", created.body());
    universe.run_until_quiet(A_WHILE_MS).await;
}

async fn is_sent(universe: &mut Universe, kind: &str, data: Value) -> Value {
    let body = json!({ "channel": "email", "kind": kind, "to": "ada@example.com", "data": data });
    let key = format!("{kind}{}", mails_asked_for(universe).len());
    let asked = universe.call("POST", "/messages", Some(&key), Some(&body)).await;
    assert_eq!(asked.status(), 202, "{}", asked.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    mails_asked_for(universe).pop().unwrap()
}

async fn notice(universe: &mut Universe) -> Value {
    is_sent(universe, "account_notification", json!({ "subject": "News", "text": "Something happened." })).await
}

fn hello(mail: &Value) -> &str {
    let text = mail["content"][0]["value"].as_str().or(mail["TextBody"].as_str()).unwrap();
    text.split('\n').next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_name_counts_once_its_checkout_is_paid() {
    let mut universe = Universe::new(1);
    for saves in [false, true] {
        looks_in(&mut universe, &format!("o-early-{saves}"), "Mallory", saves).await;
        assert_eq!(hello(&notice(&mut universe).await), "Hello,");
    }
    pays(&mut universe, "o-1", "Ada Lovelace").await;
    assert_eq!(hello(&mails_asked_for(&universe).pop().unwrap()), "Hello Ada Lovelace,");
    for saves in [false, true] {
        looks_in(&mut universe, &format!("o-late-{saves}"), "Mallory", saves).await;
        assert_eq!(hello(&notice(&mut universe).await), "Hello Ada Lovelace,");
    }
    pays(&mut universe, "o-2", "Ada King").await;
    assert_eq!(hello(&mails_asked_for(&universe).pop().unwrap()), "Hello Ada King,");
}

#[tokio::test(start_paused = true)]
async fn a_payment_gives_the_name_of_its_own_checkout_and_no_later_one() {
    let mut universe = Universe::new(1);
    pays(&mut universe, "o-1", "Ada Lovelace").await;
    let mut body = payment("o-2");
    body["customer"]["name"] = json!("Ada King");
    let created = universe.call("POST", "/payments", Some("o-2"), Some(&body)).await;
    looks_in(&mut universe, "o-3", "Mallory", false).await;
    simulation::shop::shopper_pays(&universe, &created);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(hello(&mails_asked_for(&universe).pop().unwrap()), "Hello Ada Lovelace,");
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_somebody_opens_with_anothers_address_changes_no_name() {
    let mut universe = Universe::new(1);
    pays(&mut universe, "o-1", "Ada Lovelace").await;
    let body = json!({ "id": "c-mallory", "email": "ada@example.com", "name": "Mallory" });
    assert_eq!(universe.call("POST", "/customers", None, Some(&body)).await.status(), 201);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(hello(&notice(&mut universe).await), "Hello Ada Lovelace,");
}

/// Stripe says that a customer was changed there: now they have this name and address, and before they had these.
async fn changed_at_stripe(universe: &mut Universe, name: &str, email: &str, before: Value) {
    let (now_ms, object) = (universe.now_ms(), universe.sandbox().stripe().customers()[0].to_json());
    let mut object = object;
    (object["name"], object["email"]) = (json!(name), json!(email));
    let id = format!("evt_{}", universe.now_ms());
    let event = json!({ "id": id, "object": "event", "type": "customer.updated", "created": now_ms / 1_000,
        "data": { "object": object, "previous_attributes": before } });
    assert_eq!(stripe_says(universe, &event).await.status(), 200);
    universe.run_until_quiet(A_WHILE_MS).await;
    universe.sleep_ms(2_000).await;
}

#[tokio::test(start_paused = true)]
async fn who_gives_anothers_address_at_stripe_does_not_give_their_own_name_with_it() {
    let mut universe = Universe::new(1);
    pays(&mut universe, "o-1", "Ada Lovelace").await;
    // Whoever has saved a card can change name and address on a page of Stripe's.
    let mut body = confirmed_payment("o-2", "pm_card_visa");
    body["customer"] = json!({ "id": "c-mallory", "email": "mallory@example.com", "name": "Mallory" });
    body["save_payment_method"] = json!(true);
    assert_eq!(universe.call("POST", "/payments", Some("o-2"), Some(&body)).await.status(), 201);
    universe.run_until_quiet(A_WHILE_MS).await;
    universe.sleep_ms(2_000).await;
    let before = json!({ "email": "mallory@example.com", "name": "M." });
    changed_at_stripe(&mut universe, "Mallory", "ada@example.com", before).await;
    assert_eq!(hello(&notice(&mut universe).await), "Hello Ada Lovelace,");
    changed_at_stripe(&mut universe, "Mallory M.", "ada@example.com", json!({ "name": "Mallory" })).await;
    assert_eq!(hello(&notice(&mut universe).await), "Hello Ada Lovelace,");
    let items = universe.aws().table().items();
    let customer = of_type(&items, "customer").find(|customer| customer["customer_id"] == json!("c-mallory"));
    assert_eq!(customer.unwrap()["name"], json!("Mallory M."));
}

#[tokio::test(start_paused = true)]
async fn a_mail_about_a_password_greets_nobody() {
    for has_fallback in [false, true] {
        let mut universe = Universe::new(1);
        pays(&mut universe, "o-1", "Ada Lovelace").await;
        universe.has_mail_fallback = has_fallback;
        if has_fallback {
            universe.sandbox().faults().outage(Vendor::SendGrid, true);
        }
        let mail = is_sent(&mut universe, "password_reset", json!({ "reset_url": "https://shop.example/r/1" })).await;
        assert_eq!(hello(&mail), "Hello,");
        assert!(!mail.to_string().contains("Ada Lovelace"), "{mail}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkout_with_a_name_that_is_no_name_is_paid_and_its_mail_greets_nobody() {
    let names = ["Free money: evil.example/x", "evil.example", "me@evil.example", "A\u{202e}B", &"x".repeat(61)];
    for (n, name) in names.into_iter().enumerate() {
        let mut universe = Universe::new(1);
        pays(&mut universe, &format!("o-{n}"), name).await;
        let mail = mails_asked_for(&universe).pop().unwrap();
        assert_eq!(hello(&mail), "Hello,", "{name}");
        assert!(!mail.to_string().contains(name), "{mail}");
        // The shop's own record keeps what was given.
        let items = universe.aws().table().items();
        assert!(of_type(&items, "contact").any(|contact| contact["name"] == json!(name)), "{items:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_sets_a_name_that_is_not_printed_is_told_so() {
    let mut universe = Universe::new(1);
    for (id, name, told) in [
        ("c-1", "Ada Lovelace", Value::Null),
        ("c-2", "evil.example", json!("looks_like_a_link")),
        ("c-3", "me@evil", json!("unusual_characters")),
        ("c-4", "call 0900 5550199", json!("looks_like_a_number")),
        ("c-5", &"x".repeat(61), json!("too_long")),
        ("c-6", "...", json!("no_letter")),
    ] {
        let body = json!({ "id": id, "email": "ada@example.com", "name": name });
        let made = universe.call("POST", "/customers", None, Some(&body)).await;
        assert_eq!((made.status(), &made.body()["name_not_printed"]), (201, &told), "{name}");
        let again = universe.call("POST", "/customers", None, Some(&body)).await;
        assert_eq!((again.status(), &again.body()["name_not_printed"]), (200, &told), "{name}");
    }
    let campaign = json!({
        "name": "Spring",
        "recipients": [
            { "email": "ada@example.com", "name": "Ada" },
            { "email": "b@example.com", "name": "evil.example/x" },
            { "email": "c@example.com" },
        ],
        "data": { "subject": "Half price", "text": "Only today." },
    });
    for _ in 0..2 {
        let asked = universe.call("POST", "/campaigns", Some("k"), Some(&campaign)).await;
        assert_eq!((asked.status(), &asked.body()["names_not_printed"]), (202, &json!(1)), "{}", asked.body());
    }
}
