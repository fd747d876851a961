//! What is asked for is taken, or refused by name.

use serde_json::json;
use simulation::universe::Universe;

use crate::{A_WHILE_MS, ask, ask_and_wait, mail, mails_asked_for, parcel_today, shown, sms, status, texts};

#[tokio::test(start_paused = true)]
async fn every_kind_of_mail_is_sent_once_and_says_what_it_is_filled_with() {
    let mut universe = Universe::new(1);
    let asked = [
        (mail("order_confirmation", json!({ "amount": { "value": 1099, "currency": "EUR" } })), "10.99 EUR"),
        (mail("shipping_notification", json!({ "carrier": "DHL", "tracking_number": "JD014" })), "JD014"),
        (
            mail("password_reset", json!({ "reset_url": "https://shop.example/reset/1" })),
            "https://shop.example/reset/1",
        ),
        (mail("welcome", json!({})), "good to have you"),
        (mail("account_notification", json!({ "subject": "Address", "text": "It was changed." })), "It was changed."),
    ];
    for (n, (body, says)) in asked.iter().enumerate() {
        let id = ask_and_wait(&mut universe, &format!("m-{n}"), body).await;
        assert_eq!(status(&mut universe, &id).await, "delivered", "{body}");
        let sent = universe.sandbox().sendgrid().mails().last().unwrap().clone();
        assert!(sent.content.iter().all(|(_, text)| text.contains(says)), "{says}: {:?}", sent.content);
    }
    assert_eq!(universe.sandbox().sendgrid().mails().len(), asked.len());
}

#[tokio::test(start_paused = true)]
async fn an_sms_is_sent_once_and_delivered() {
    let mut universe = Universe::new(1);
    let id = ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    assert_eq!(texts(&universe), ["Shop: your order o-1 is out for delivery."]);
    let order = universe.call("GET", "/orders/o-1", None, None).await.body();
    assert_eq!(order["messages"][0]["message_id"], json!(id));
    let events: Vec<_> = order["timeline"].as_array().unwrap().iter().map(|row| row["event"].clone()).collect();
    assert_eq!(events.first(), Some(&json!("message.queued")));
    assert!(events.contains(&json!("message.delivered")), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_key_is_the_same_message_and_another_body_under_it_is_refused() {
    let mut universe = Universe::new(1);
    let body = mail("welcome", json!({}));
    let first = ask(&mut universe, "m-1", &body).await;
    let again = universe.call("POST", "/messages", Some("m-1"), Some(&body)).await;
    assert_eq!((again.status(), &again.body()["message_id"]), (202, &json!(first)));
    assert!(matches!(again, simulation::universe::Response::Answer { replayed: true, .. }));
    let other = universe.call("POST", "/messages", Some("m-1"), Some(&parcel_today())).await;
    assert_eq!((other.status(), &other.body()["code"]), (422, &json!("idempotency_key_reused")));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 1);
    let without = universe.call("POST", "/messages", None, Some(&body)).await;
    assert_eq!((without.status(), &without.body()["code"]), (400, &json!("idempotency_key_required")));
}

#[tokio::test(start_paused = true)]
async fn a_message_for_later_is_sent_when_it_is_due_and_not_before() {
    let mut universe = Universe::new(1);
    let mut body = mail("welcome", json!({}));
    // The simulation begins on 2024-04-28 at 00:48:50 UTC.
    body["send_at"] = json!("2024-04-30T08:00:00+02:00");
    let id = ask(&mut universe, "m-1", &body).await;
    universe.run_until_quiet(47 * 3_600_000).await;
    assert_eq!((status(&mut universe, &id).await, mails_asked_for(&universe).len()), ("queued".to_owned(), 0));
    assert_eq!(shown(&mut universe, &id).await["send_at"], "2024-04-30T06:00:00.000Z");
    universe.run_until_quiet(24 * 3_600_000).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    let due_ms = 1_714_456_800_000;
    let sent_ms = universe.sandbox().sendgrid().mails()[0].accepted_ms;
    assert!((due_ms..due_ms + 120_000).contains(&sent_ms), "{sent_ms}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named_and_nothing_is_queued() {
    let mut universe = Universe::new(1);
    let fields = [
        (json!({ "channel": "email", "kind": "poem", "to": "ada@example.com" }), "kind"),
        (json!({ "channel": "email", "kind": "welcome", "to": "ada" }), "to"),
        (
            json!({ "channel": "sms", "kind": "two_factor_code", "to": PHONE_WITHOUT_COUNTRY, "data": { "code": "1234" } }),
            "to",
        ),
        (mail("shipping_notification", json!({ "carrier": "DHL" })), "data.tracking_number"),
        (mail("account_notification", json!({ "subject": "x", "text": "4111 1111 1111 1111" })), "data.text"),
        (sms("order_status", json!({ "text": "ä".repeat(1_500) })), "data.text"),
        (json!({ "channel": "sms", "kind": "order_status", "to": crate::PHONE, "data": { "text": "x" } }), "order_id"),
    ];
    for (body, field) in fields {
        let answer = universe.call("POST", "/messages", Some("m-1"), Some(&body)).await;
        assert_eq!((answer.status(), &answer.body()["code"]), (400, &json!("invalid_input")), "{body}");
        assert_eq!(answer.body()["errors"][0]["field"], field, "{}", answer.body());
    }
    universe.run_until_quiet(A_WHILE_MS).await;
    assert!(universe.aws().table().items().is_empty() && universe.sandbox().calls().is_empty());
    let unknown = universe.call("GET", "/messages/msg_00000000000000000000000000", None, None).await;
    assert_eq!((unknown.status(), &unknown.body()["code"]), (404, &json!("message_not_found")));
}

const PHONE_WITHOUT_COUNTRY: &str = "98765432";

#[tokio::test(start_paused = true)]
async fn markup_in_the_data_is_text_in_the_mail() {
    let mut universe = Universe::new(1);
    let body = mail("account_notification", json!({ "subject": "News", "text": "<script>alert(1)</script>" }));
    ask_and_wait(&mut universe, "m-1", &body).await;
    let sent = mails_asked_for(&universe);
    let html = sent[0]["content"][1]["value"].as_str().unwrap();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
}

#[tokio::test(start_paused = true)]
async fn a_message_says_what_it_is_estimated_to_cost_and_an_sms_in_how_many_segments() {
    let mut universe = Universe::new(1);
    let us = |text: &str| {
        let mut body = sms("order_status", json!({ "text": text }));
        body["to"] = json!("+14155552671");
        body
    };
    for (n, (body, segments, micros)) in [
        (us("packed"), json!(1), 7_500),
        (us(&"a".repeat(300)), json!(2), 15_000),
        (parcel_today(), json!(1), 100_000),
        (mail("welcome", json!({})), json!(null), 850),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = universe.call("POST", "/messages", Some(&format!("m-{n}")), Some(&body)).await.body();
        universe.run_until_quiet(A_WHILE_MS).await;
        let later = shown(&mut universe, asked["message_id"].as_str().unwrap()).await;
        for message in [asked, later] {
            assert_eq!(message["segments"], segments, "{message}");
            assert_eq!(message["cost_estimate"], json!({ "micros": micros, "currency": "USD" }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_from_a_status_says_what_it_costs_once_it_is_sent() {
    let mut universe = Universe::new(1);
    let body = simulation::shop::confirmed_payment("o-1", "pm_card_visa");
    universe.call("POST", "/payments", Some("checkout-1"), Some(&body)).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let order = universe.call("GET", "/orders/o-1", None, None).await.body();
    assert_eq!(order["messages"][0]["cost_estimate"], json!({ "micros": 850, "currency": "USD" }));
}

#[tokio::test(start_paused = true)]
async fn in_sandbox_mode_a_mail_is_checked_and_nobody_gets_one() {
    let mut universe = Universe::new(1);
    universe.has_mail_sandbox = true;
    let id = ask(&mut universe, "m-1", &mail("welcome", json!({}))).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(mails_asked_for(&universe)[0]["mail_settings"]["sandbox_mode"]["enable"], true);
    assert_eq!((status(&mut universe, &id).await, universe.sandbox().sendgrid().mails().len()), ("sent".to_owned(), 0));
}
