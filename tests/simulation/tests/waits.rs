//! How often each use case waits, one request after the other, on an instance that is warm: what a shopper's time is
//! made of, whatever the machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use serde_json::json;
use simulation::shop::{confirmed_payment, payment};
use simulation::universe::{Function, Universe};

/// What one wave of requests waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Store,
    Vendor,
    Queue,
    /// The archive of webhooks.
    Archive,
    /// A queue, and the store beside it.
    QueueAndStore,
    Other,
}

/// The waits of the last invocation, which must be this function's.
fn waits(universe: &Universe, function: Function) -> Vec<Wait> {
    let invocation = universe.invocations.last().unwrap();
    assert_eq!(invocation.function, function);
    invocation
        .waves
        .iter()
        .map(|wave| {
            let all = |prefix: &str| wave.iter().all(|name| name.starts_with(prefix));
            let each_of = |some: &[&str]| wave.iter().all(|name| some.iter().any(|prefix| name.starts_with(prefix)));
            match () {
                () if all("DynamoDB.") => Wait::Store,
                // A nudge that goes out beside the vendor's call costs nothing.
                () if each_of(&["stripe.", "SQS."]) && !all("SQS.") => Wait::Vendor,
                () if all("sendgrid.") || all("twilio.") => Wait::Vendor,
                () if all("SQS.") => Wait::Queue,
                () if all("S3.") => Wait::Archive,
                () if each_of(&["SQS.", "DynamoDB."]) => Wait::QueueAndStore,
                () => Wait::Other,
            }
        })
        .collect()
}

fn names(universe: &Universe) -> String {
    format!("{:?}", universe.invocations.last().unwrap().waves)
}

/// A universe whose instances stay, and have each done all of their work once.
async fn warm() -> Universe {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    let customer = payment("warm-1")["customer"].clone();
    assert_eq!(universe.call("POST", "/customers", None, Some(&customer)).await.status(), 201);
    let body = confirmed_payment("warm-1", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("warm-1"), Some(&body)).await.status(), 201);
    universe.run_until_quiet(600_000).await;
    universe
}

#[tokio::test(start_paused = true)]
async fn a_stripe_event_waits_for_one_queue() {
    let mut universe = warm().await;
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.sleep_ms(100).await;
    let now_ms = universe.now_ms();
    let delivery = universe.sandbox().take_due(now_ms).remove(0);
    let request = delivery.request.map(|body| lambda_http::Body::Binary(body.to_vec()));
    assert_eq!(universe.call_raw(Function::StripeWebhook, request, "/").await.status(), 200);
    assert_eq!(waits(&universe, Function::StripeWebhook), [Wait::Queue], "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn ten_events_of_a_batch_wait_once_for_the_archive_and_as_often_for_the_store_as_one() {
    let mut counts = Vec::new();
    for orders in [1, 10] {
        let mut universe = warm().await;
        for n in 1..=orders {
            let key = format!("k-{n}");
            universe.call("POST", "/payments", Some(&key), Some(&confirmed_payment(&key, "pm_card_visa"))).await;
        }
        universe.sleep_ms(100).await;
        let now_ms = universe.now_ms();
        let due = universe.sandbox().take_due(now_ms);
        for delivery in due {
            let request = delivery.request.map(|body| lambda_http::Body::Binary(body.to_vec()));
            if String::from_utf8_lossy(request.body()).contains("\"payment_intent.succeeded\"") {
                universe.call_raw(Function::StripeWebhook, request, "/").await;
            }
        }
        // Publications are nudged over the same queue.
        let mut messages = universe.aws().sqs().receive("inbound-events", 100);
        messages.retain(|message| message.attributes.contains_key("delivery"));
        assert_eq!(messages.len(), orders);
        universe.work("inbound-events", Function::EventProcessor, messages).await;
        let waits = waits(&universe, Function::EventProcessor);
        assert_eq!(waits[..2], [Wait::Archive, Wait::Store], "{}", names(&universe));
        assert!(waits[1..].iter().all(|wait| *wait != Wait::Archive), "{}", names(&universe));
        counts.push(waits.len());
    }
    assert_eq!(counts[0], counts[1]);
}

/// The last invocation's requests of this name.
fn count(universe: &Universe, name: &str) -> usize {
    universe.invocations.last().unwrap().waves.iter().flatten().filter(|request| *request == name).count()
}

#[tokio::test(start_paused = true)]
async fn an_event_of_an_order_s_first_payment_reads_it_together_with_its_intent() {
    let mut universe = warm().await;
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.sleep_ms(100).await;
    let now_ms = universe.now_ms();
    let due = universe.sandbox().take_due(now_ms);
    for delivery in due {
        let request = delivery.request.map(|body| lambda_http::Body::Binary(body.to_vec()));
        universe.call_raw(Function::StripeWebhook, request, "/").await;
    }
    let messages = universe.aws().sqs().receive("inbound-events", 100);
    let events = messages.len();
    assert!(events > 1);
    for message in messages {
        universe.work("inbound-events", Function::EventProcessor, vec![message]).await;
        assert_eq!(count(&universe, "DynamoDB.BatchGetItem"), 1, "{}", names(&universe));
        assert_eq!(count(&universe, "DynamoDB.GetItem"), 0, "{}", names(&universe));
    }
}

/// Payments whose publications are in the queue.
async fn publications(universe: &mut Universe, orders: usize) -> Vec<simulation::Message> {
    for n in 1..=orders {
        let key = format!("k-{n}");
        universe.call("POST", "/payments", Some(&key), Some(&confirmed_payment(&key, "pm_card_visa"))).await;
    }
    let messages = universe.aws().sqs().receive("inbound-work", 100);
    assert!(messages.len() >= orders, "{}", messages.len());
    messages
}

#[tokio::test(start_paused = true)]
async fn publications_of_a_batch_are_read_together_and_sent_together() {
    let mut universe = warm().await;
    let mut messages = publications(&mut universe, 5).await;
    messages.truncate(5);
    let before = universe.aws().sqs().visible("domain-events");
    universe.work("inbound-work", Function::EventProcessor, messages).await;
    assert_eq!(universe.aws().sqs().visible("domain-events") - before, 5);
    assert_eq!(count(&universe, "DynamoDB.BatchGetItem"), 1, "{}", names(&universe));
    assert_eq!(count(&universe, "SQS.SendMessageBatch"), 1, "{}", names(&universe));
    assert_eq!(count(&universe, "DynamoDB.UpdateItem"), 5, "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_cannot_be_read_holds_up_no_other_one_of_its_batch() {
    let mut universe = warm().await;
    let mut messages = publications(&mut universe, 3).await;
    messages.truncate(3);
    let nudge: serde_json::Value = serde_json::from_str(&messages[1].body).unwrap();
    let broken = format!("INTENT#{}", nudge["intent_id"].as_str().unwrap());
    universe.aws().table().set_attributes(&broken, "INTENT", &[("created_at", &json!({ "S": "nobody knows" }))]);
    let before = universe.aws().sqs().visible("domain-events");
    universe.work("inbound-work", Function::EventProcessor, messages).await;
    assert_eq!(universe.aws().sqs().visible("domain-events") - before, 2, "{}", names(&universe));
    let left = universe.aws().sqs().messages("inbound-work");
    assert!(left.iter().any(|message| message.body.contains(nudge["intent_id"].as_str().unwrap())), "it comes again");
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_mail_events_waits_for_one_queue_however_large_it_is() {
    let mut universe = warm().await;
    for n in 1..=60 {
        let key = format!("k-{n}");
        universe.call("POST", "/payments", Some(&key), Some(&confirmed_payment(&key, "pm_card_visa"))).await;
    }
    universe.sandbox().set_webhook(sandbox::Vendor::Stripe, "", None);
    while universe.aws().sqs().visible("email") > 0 {
        let messages = universe.aws().sqs().receive("email", 10);
        universe.work("email", Function::EmailSender, messages).await;
    }
    universe.sleep_ms(10_000).await;
    let now_ms = universe.now_ms();
    let delivery = universe.sandbox().take_due(now_ms).remove(0);
    let events: Vec<serde_json::Value> = serde_json::from_slice(delivery.request.body()).unwrap();
    assert!(events.len() > 100, "{}", events.len());
    let request = delivery.request.map(|body| lambda_http::Body::Binary(body.to_vec()));
    assert_eq!(universe.call_raw(Function::SendGridWebhook, request, "/").await.status(), 200);
    assert_eq!(waits(&universe, Function::SendGridWebhook), [Wait::Queue], "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_payment_of_a_known_customer_waits_twice_for_the_store_once_for_the_vendor_and_once_for_its_nudges() {
    let mut universe = warm().await;
    let response =
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    assert_eq!(response.status(), 201);
    let waits = waits(&universe, Function::PaymentInitiator);
    assert_eq!(waits[..3], [Wait::Store, Wait::Vendor, Wait::Store], "{}", names(&universe));
    assert!(matches!(waits[3..], [Wait::Queue | Wait::QueueAndStore]), "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_nothing_follows_from_yet_waits_no_longer() {
    let mut universe = warm().await;
    let response = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    assert_eq!(response.status(), 201);
    assert!(universe.invocations.last().unwrap().waves.len() <= 4, "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn the_repeat_of_an_answered_request_waits_for_the_store_once() {
    let mut universe = warm().await;
    let body = confirmed_payment("o-1", "pm_card_visa");
    universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    assert_eq!(waits(&universe, Function::PaymentInitiator), [Wait::Store], "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_payment_method_of_an_unknown_customer_costs_one_read_more() {
    let mut universe = warm().await;
    let mut body = confirmed_payment("o-1", "pm_card_visa");
    body["customer"]["id"] = json!("guest-1");
    let response = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    assert_eq!(response.status(), 201);
    let waits = waits(&universe, Function::PaymentInitiator);
    assert_eq!(waits[..4], [Wait::Store, Wait::Store, Wait::Vendor, Wait::Store], "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_refund_waits_once_more_than_a_payment_to_read_it() {
    let mut universe = warm().await;
    let body = confirmed_payment("o-1", "pm_card_visa");
    let paid = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let path = format!("/payments/{}/refunds", paid.body()["payment_id"].as_str().unwrap());
    let response = universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await;
    assert_eq!(response.status(), 201, "{}", response.body());
    let waits = waits(&universe, Function::PaymentInitiator);
    assert_eq!(waits[..4], [Wait::Store, Wait::Store, Wait::Vendor, Wait::Store], "{}", names(&universe));
    assert!(waits.len() <= 5, "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn a_confirm_waits_once_more_than_a_payment_to_read_it() {
    let mut universe = warm().await;
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    let response = universe.call("POST", &path, None, Some(&json!({ "payment_method": "pm_card_visa" }))).await;
    assert_eq!(response.status(), 200);
    let waits = waits(&universe, Function::PaymentInitiator);
    assert_eq!(waits[..4], [Wait::Store, Wait::Store, Wait::Vendor, Wait::Store], "{}", names(&universe));
    assert!(waits.len() <= 5, "{}", names(&universe));
}

#[tokio::test(start_paused = true)]
async fn ten_mails_of_a_batch_take_the_waits_of_one() {
    let mut counts = Vec::new();
    for mails in [1, 10] {
        let mut universe = warm().await;
        for n in 1..=mails {
            let key = format!("k-{n}");
            universe.call("POST", "/payments", Some(&key), Some(&confirmed_payment(&key, "pm_card_visa"))).await;
        }
        let sent = universe.sandbox().sendgrid().mails().len();
        let messages = universe.aws().sqs().receive("email", 10);
        assert_eq!(messages.len(), mails);
        universe.work("email", Function::EmailSender, messages).await;
        assert_eq!(universe.sandbox().sendgrid().mails().len(), sent + mails);
        let waits = waits(&universe, Function::EmailSender);
        assert_eq!(waits[..4], [Wait::Store, Wait::Store, Wait::Vendor, Wait::Store], "{}", names(&universe));
        assert!(waits.len() <= 5, "{}", names(&universe));
        counts.push(waits.len());
    }
    assert_eq!(counts[0], counts[1]);
}

#[tokio::test(start_paused = true)]
async fn ten_sms_of_a_batch_take_the_waits_of_one() {
    let mut counts = Vec::new();
    for texts in [1, 10] {
        let mut universe = Universe::new(1);
        universe.keeps_instances = true;
        for round in 0..2 {
            for n in 1..=texts {
                let body = json!({ "channel": "sms", "kind": "order_status", "to": "+4798765432", "order_id": "o-1",
                    "data": { "text": format!("part {n}") } });
                let answer = universe.call("POST", "/messages", Some(&format!("m-{round}-{n}")), Some(&body)).await;
                assert_eq!(answer.status(), 202, "{}", answer.body());
            }
            let messages = universe.aws().sqs().receive("sms", 10);
            assert_eq!(messages.len(), texts);
            universe.work("sms", Function::SmsSender, messages).await;
        }
        assert_eq!(universe.sandbox().twilio().messages().len(), 2 * texts);
        let waits = waits(&universe, Function::SmsSender);
        counts.push(waits.len());
    }
    // A shard of the quota that rested, and one that another SMS of the batch has just used, are asked twice: one wait
    // more, beside those of the others.
    assert!(counts[0] <= 5 && counts[1] <= counts[0] + 1, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn an_order_is_read_in_one_wait() {
    let mut universe = warm().await;
    universe.call("GET", "/orders/warm-1", None, None).await;
    assert_eq!(waits(&universe, Function::PaymentInitiator), [Wait::Store], "{}", names(&universe));
}
