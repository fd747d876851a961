//! Queue messages that are not right: each costs itself and nothing beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::rt::sleep::TokioSleep;
use crossdock::domain::Timestamp;
use crossdock::error::{Error, Result};
use crossdock::lambda::batch::{Record, Worker, respond};
use crossdock::world::{Clock, Http, HttpError, HttpRequest, HttpResponse, Rng, Sleep, World};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::shop::confirmed_payment;
use simulation::universe::{Function, START_MS, Universe};
use simulation::{Attribute, Message, Probe, SimClock, TABLE_NAME};

/// Receives before a message is given up, as in template.yaml.
const RECEIVES_MAX: u32 = 10;

/// Pays this many orders, whose confirmation mails are then due; gives the nudges for them.
async fn mails_due(universe: &mut Universe, orders: usize) {
    for n in 1..=orders {
        let body = confirmed_payment(&format!("o-{n}"), "pm_card_visa");
        let response = universe.call("POST", "/payments", Some(&format!("k-{n}")), Some(&body)).await;
        assert_eq!(response.status(), 201);
    }
    assert_eq!(universe.aws().sqs().visible("email"), orders);
}

/// One delivery of everything that the queue has; gives the bodies of what failed, which stays in the queue.
async fn work(universe: &mut Universe, queue: &str, function: Function) -> Vec<String> {
    let messages = universe.aws().sqs().receive(queue, 10);
    universe.work(queue, function, messages).await;
    universe.aws().sqs().messages(queue).into_iter().map(|message| message.body).collect()
}

fn send(universe: &Universe, queue: &str, body: &str) {
    universe.aws().sqs().send(queue, body, BTreeMap::new(), 0);
}

fn mails(universe: &Universe) -> usize {
    universe.sandbox().sendgrid().mails().len()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_ours_fails_alone_and_its_neighbours_are_worked() {
    let mut universe = Universe::new(1);
    mails_due(&mut universe, 3).await;
    let strangers = ["hello", "{}", "[]", "null", "{\"v\":1,\"intent_id\":7,\"correlation_id\":\"x\"}"];
    for body in strangers {
        send(&universe, "email", body);
    }
    let mut failed = work(&mut universe, "email", Function::EmailSender).await;
    failed.sort_unstable();
    let mut expected = strangers.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(failed, expected);
    assert_eq!(mails(&universe), 3);
}

#[tokio::test(start_paused = true)]
async fn a_nudge_of_a_version_to_come_is_kept_for_a_person_in_the_dead_letter_queue() {
    let mut universe = Universe::new(1);
    mails_due(&mut universe, 1).await;
    let nudge: Value = serde_json::from_str(&universe.aws().sqs().messages("email")[0].body).unwrap();
    let mut later = nudge.clone();
    later["v"] = json!(2);
    send(&universe, "email", &later.to_string());
    assert_eq!(work(&mut universe, "email", Function::EmailSender).await, [later.to_string()]);
    assert_eq!(mails(&universe), 1);
    for _ in 0..RECEIVES_MAX {
        universe.sleep_ms(151_000).await;
        work(&mut universe, "email", Function::EmailSender).await;
    }
    let dead: Vec<String> =
        universe.aws().sqs().messages("email-dlq").into_iter().map(|message| message.body).collect();
    assert_eq!(dead, [later.to_string()]);
    assert_eq!(mails(&universe), 1);
}

#[tokio::test(start_paused = true)]
async fn a_nudge_for_an_intent_that_does_not_exist_is_acknowledged() {
    let mut universe = Universe::new(1);
    let nudge = json!({ "v": 1, "intent_id": "int_nobody", "correlation_id": "correlation-1" }).to_string();
    for (queue, function) in [("email", Function::EmailSender), ("payments", Function::PaymentWorker)] {
        send(&universe, queue, &nudge);
        assert!(work(&mut universe, queue, function).await.is_empty());
    }
    assert!(universe.sandbox().calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_of_no_known_type_among_events_fails_alone() {
    let mut universe = Universe::new(1);
    let delivery = json!({
        "received_at": START_MS, "verified_by": "ABCDEFGH", "headers": {}, "part": { "number": 1, "of": 1 },
    });
    let attributes = |kind: &str, delivery: &str| {
        let pairs = [("type", kind), ("delivery", delivery)];
        BTreeMap::from(pairs.map(|(name, value)| (name.to_owned(), Attribute::string(value))))
    };
    let kind = |kind: &str| attributes(kind, &delivery.to_string());
    let good = json!({ "id": "evt_1", "object": "event", "type": "customer.created", "created": START_MS / 1000 });
    let sqs = universe.aws().sqs();
    sqs.send("inbound-events", &good.to_string(), kind("stripe"), 0);
    sqs.send("inbound-events", "{}", kind("fax"), 0);
    sqs.send("inbound-events", "no json", kind("stripe"), 0);
    sqs.send("inbound-events", "no json", kind("sendgrid"), 0);
    sqs.send("inbound-events", "{}", attributes("stripe", "by pigeon"), 0);
    let failed = work(&mut universe, "inbound-events", Function::EventProcessor).await;
    assert_eq!(failed.len(), 4, "{failed:?}");
    assert!(universe.aws().table().item("EVENT#stripe#evt_1", "EVENT").is_some());
}

/// Writes past the system, as a mistaken operator or a later version would.
async fn overwrite(universe: &Universe, pk: &str, attribute: &str, value: AttributeValue) {
    let client = aws_sdk_dynamodb::Client::from_conf(
        aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_dynamodb::config::Region::new("eu-central-1"))
            .credentials_provider(Credentials::from_keys("id", "key", None))
            .http_client(universe.aws().http_client(Probe::new()))
            .sleep_impl(TokioSleep::new())
            .time_source(SimClock::new(universe.now_ms()))
            .build(),
    );
    let update = client.update_item().table_name(TABLE_NAME).key("pk", AttributeValue::S(pk.to_owned()));
    let update = update.key("sk", AttributeValue::S("INTENT".to_owned())).update_expression("SET #a = :v");
    update.expression_attribute_names("#a", attribute).expression_attribute_values(":v", value).send().await.unwrap();
}

fn mail_intents(universe: &Universe) -> Vec<Value> {
    let items = universe.aws().table().items();
    of_type(&items, "intent").filter(|intent| text(intent, "kind") == Some("mail.send")).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_cannot_be_read_fails_alone_and_nothing_is_sent_for_it() {
    for (attribute, value) in [
        ("data", AttributeValue::S("garbage".to_owned())),
        ("phase", AttributeValue::S("BORED".to_owned())),
        ("kind", AttributeValue::S("fax.send".to_owned())),
        ("epoch", AttributeValue::S("many".to_owned())),
    ] {
        let mut universe = Universe::new(1);
        mails_due(&mut universe, 3).await;
        let poisoned = mail_intents(&universe)[1].clone();
        overwrite(&universe, text(&poisoned, "pk").unwrap(), attribute, value).await;
        let failed = work(&mut universe, "email", Function::EmailSender).await;
        assert_eq!(failed.len(), 1, "{attribute}: {failed:?}");
        assert!(failed[0].contains(text(&poisoned, "intent_id").unwrap()), "{attribute}");
        assert_eq!(mails(&universe), 2, "{attribute}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_cannot_be_read_does_not_hide_the_others_from_the_sweeper() {
    let mut universe = Universe::new(1);
    mails_due(&mut universe, 3).await;
    for Message { receipt_handle, .. } in universe.aws().sqs().receive("email", 10) {
        universe.aws().sqs().delete("email", &receipt_handle);
    }
    let poisoned = mail_intents(&universe)[1].clone();
    let kind = AttributeValue::S("fax.send".to_owned());
    overwrite(&universe, text(&poisoned, "pk").unwrap(), "kind", kind).await;
    universe.sweep().await;
    work(&mut universe, "email", Function::EmailSender).await;
    assert_eq!(mails(&universe), 2);
}

/// Panics at one record, fails at another.
struct Clumsy;

impl Worker for Clumsy {
    const NAME: &str = "payment-worker";

    async fn handle(&self, record: &Record) -> Result<()> {
        match record.body.as_str() {
            "panic" => panic!("a handler's own mistake"),
            "fail" => Err(Error::bug("a_bug", "as planned")),
            _ => Ok(()),
        }
    }

    fn group(&self, record: &Record) -> String {
        // The first half of the ids is one object, the second another.
        record.message_id[..1].to_owned()
    }
}

struct Nowhere;

impl Http for Nowhere {
    fn send(&self, _: HttpRequest, _: Duration) -> BoxFuture<'_, std::result::Result<HttpResponse, HttpError>> {
        Box::pin(std::future::ready(Err(HttpError::NotSent("there is nobody".to_owned()))))
    }
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(START_MS)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

impl Rng for Still {
    fn next(&self) -> u128 {
        4
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_own_record_only_also_within_its_group() {
    let bodies = [("a1", "ok"), ("a2", "panic"), ("a3", "ok"), ("b1", "fail"), ("b2", "ok"), ("b3", "panic")];
    let mut event = SqsEvent::default();
    event.records = bodies
        .iter()
        .map(|(id, body)| {
            let mut message = SqsMessage::default();
            message.message_id = Some((*id).to_owned());
            message.body = Some((*body).to_owned());
            message
        })
        .collect();
    let world = World { http: Arc::new(Nowhere), clock: Arc::new(Still), rng: Arc::new(Still) };
    let response = respond(&Clumsy, event, "request-1", Timestamp::from_ms(START_MS + 30_000), &world).await;
    let mut failed: Vec<String> = response.batch_item_failures.into_iter().map(|f| f.item_identifier).collect();
    failed.sort_unstable();
    assert_eq!(failed, ["a2", "b1", "b3"]);
}
