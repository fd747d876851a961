//! The stub and the servers do what they are for; nothing here measures, and nothing but Rust is needed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and play a function here, which opens sockets"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::canned::Canned;
use bench::certificate::Identity;
use bench::environment;
use bench::events::{Events, Workload};
use bench::live::Live;
use bench::runtime_api::RuntimeApi;
use bench::server::{Answer, Backend, Call, Delays, Server, Service};
use bytes::Bytes;
use crossdock::aws::Transport;
use crossdock::domain::Timestamp;
use crossdock::lambda::http::respond;
use crossdock::lambda::{Env, System, batch};
use crossdock::world::World;
use email_sender::EmailSender;
use http::Request;
use rate_quoter::RateQuoter;
use serde_json::{Value, json};
use stripe_webhook::StripeWebhook;

/// Longer than anything here takes, ten times over, where others compile.
const SOON: Duration = Duration::from_mins(1);

/// One request of the real HTTP client.
async fn send(world: &World, method: &str, url: String, body: impl Into<Bytes>) -> http::Response<Bytes> {
    let request = Request::builder().method(method).uri(url).body(body.into()).unwrap();
    world.http.send(request, SOON).await.unwrap()
}

/// The shipped stripe-webhook in this process, reaching AWS at the server's URL.
fn stripe_webhook(server: &Server, world: &World) -> (System, StripeWebhook) {
    let env = Env::of(environment::variables("stripe-webhook", &server.url()));
    let system = System::with(env, world.clone(), &Transport::over(world)).unwrap();
    let webhook = StripeWebhook::new(&system).unwrap();
    (system, webhook)
}

/// A function URL's event as the runtime client hands it to a handler.
fn request(event: &Bytes) -> lambda_http::Request {
    lambda_http::request::from_str(std::str::from_utf8(event).unwrap()).unwrap()
}

fn events() -> Events {
    Events::read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

#[tokio::test]
async fn a_function_gets_its_event_and_its_time_is_taken_from_there_to_its_answer() {
    let mut api = RuntimeApi::start().await.unwrap();
    let base = format!("http://{}/2018-06-01/runtime", api.address());
    let function = tokio::spawn(async move {
        let world = World::real().unwrap();
        let event = send(&world, "GET", format!("{base}/invocation/next"), "").await;
        let id = event.headers()["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let answer = event.into_body();
        let accepted = send(&world, "POST", format!("{base}/invocation/{id}/response"), answer).await;
        assert_eq!(accepted.status(), 202);
        send(&world, "GET", format!("{base}/invocation/next"), "").await
    });
    assert!(api.ready(SOON).await.unwrap().is_some());
    api.put(Bytes::from_static(b"{\"n\":1}"));
    let invoked = api.answered(SOON).await.unwrap().unwrap();
    assert_eq!(invoked.body, "{\"n\":1}");
    assert!(invoked.took >= Duration::from_millis(20), "{:?}", invoked.took);
    assert!(api.ready(SOON).await.unwrap().is_some());
    function.abort();
}

#[tokio::test]
async fn a_failed_init_is_told_with_its_reason() {
    let mut api = RuntimeApi::start().await.unwrap();
    let url = format!("http://{}/2018-06-01/runtime/init/error", api.address());
    send(&World::real().unwrap(), "POST", url, "{\"errorMessage\":\"no table\"}").await;
    assert!(api.ready(SOON).await.unwrap_err().to_string().contains("no table"));
}

#[tokio::test]
async fn the_shipped_webhook_accepts_our_event_with_one_read_of_a_secret_and_one_message() {
    let server = Server::start(Arc::new(Canned), None).await.unwrap();
    let (system, webhook) = stripe_webhook(&server, &World::real().unwrap());
    let event = events().make(Workload::Webhook, 1);
    let response = respond(&webhook, request(&event), system.world()).await;
    assert_eq!(response.status(), 200);
    let arrivals: Vec<String> = server.take_arrivals().into_iter().map(|arrival| arrival.operation).collect();
    assert_eq!(arrivals, ["GetSecretValue", "SendMessage"]);
}

#[tokio::test]
async fn the_shipped_email_sender_sends_each_mail_of_our_event_once_and_settles_it() {
    for (workload, mails) in [(Workload::Mail, 1), (Workload::Mails, 10)] {
        let server = Server::start(Arc::new(Canned), None).await.unwrap();
        let (world, url) = (World::real().unwrap(), server.url());
        let env = Env::of(environment::variables(workload.function(), &url));
        let system = System::with(env, world.clone(), &Transport::over(&world)).unwrap();
        let sender = EmailSender::new(&system).unwrap();
        let event = serde_json::from_slice(&events().make(workload, 1)).unwrap();
        let deadline: Timestamp = world.now().plus(Duration::from_mins(5)); // a slow machine has time for all ten
        let response = batch::respond(&sender, event, "request-1", deadline, &world).await;

        let answer = serde_json::to_value(&response).unwrap();
        let arrivals = server.take_arrivals();
        workload.check(&answer, &arrivals).unwrap();
        let of = |operation: &str| arrivals.iter().filter(|arrival| arrival.operation == operation).count();
        assert_eq!(of("POST /v3/mail/send"), mails);
        assert_eq!(of("TransactWriteItems"), mails, "each mail is settled in one write");
    }
}

#[tokio::test]
async fn the_shipped_rate_quoter_asks_each_carrier_once_for_each_of_our_events_and_keeps_what_it_says() {
    let server = Server::start(Arc::new(Canned), None).await.unwrap();
    let (world, url) = (World::real().unwrap(), server.url());
    let env = Env::of(environment::variables(Workload::Rates.function(), &url));
    let system = System::with(env, world.clone(), &Transport::over(&world)).unwrap();
    let quoter = RateQuoter::new(&system).unwrap();
    for number in 1..=2 {
        let response = respond(&quoter, request(&events().make(Workload::Rates, number)), &world).await;
        let answer = json!({ "statusCode": response.status().as_u16() });
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((body["quotes"].as_array().unwrap().len(), body["errors"].to_string()), (13, "[]".to_owned()));

        let arrivals = server.take_arrivals();
        Workload::Rates.check(&answer, &arrivals).unwrap();
        let tokens = arrivals.iter().filter(|arrival| arrival.operation.ends_with("/token")).count();
        assert_eq!(tokens, if number == 1 { 2 } else { 0 }, "FedEx's and UPS's, once");
    }
}

#[tokio::test]
async fn work_that_was_not_done_is_no_answer_to_a_workload() {
    let server = Server::start(Arc::new(Canned), None).await.unwrap();
    let world = World::real().unwrap();
    let (accepted, none_failed) = (json!({ "statusCode": 200 }), json!({ "batchItemFailures": [] }));
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] });
    send(&world, "POST", format!("{}/v3/mail/send", server.url()), "{}").await;
    let one_mail = server.take_arrivals();

    assert!(Workload::Mail.check(&none_failed, &one_mail).is_ok());
    assert!(Workload::Mail.check(&failed, &one_mail).is_err());
    assert!(Workload::Mail.check(&none_failed, &[]).is_err(), "it says that it was done, and nobody was asked");
    assert!(Workload::Mails.check(&none_failed, &one_mail).is_err(), "nine mails are missing");
    assert!(Workload::Webhook.check(&accepted, &one_mail).is_err(), "nothing was queued");
    assert!(Workload::Payment.check(&accepted, &one_mail).is_err(), "a new payment is answered with 201");
}

#[test]
fn no_two_events_ask_for_the_same_payment_mail_or_prices() {
    for workload in [Workload::Payment, Workload::Mail, Workload::Mails, Workload::Rates] {
        assert_ne!(events().make(workload, 1), events().make(workload, 2), "{}", workload.name());
    }
    let ten: Value = serde_json::from_slice(&events().make(Workload::Mails, 7)).unwrap();
    let records = ten["Records"].as_array().unwrap();
    let of = |name: &str| records.iter().map(|record| record[name].to_string()).collect::<BTreeSet<_>>().len();
    assert_eq!((of("body"), of("messageId")), (10, 10));
}

#[tokio::test]
async fn over_tls_only_who_trusts_our_root_is_served() {
    let identity = Identity::new().unwrap();
    let server = Server::start(Arc::new(Canned), Some(&identity)).await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity.root().clone()).unwrap();
    let event = events().make(Workload::Webhook, 1);

    let (system, webhook) = stripe_webhook(&server, &World::trusting(roots).unwrap());
    assert_eq!(respond(&webhook, request(&event), system.world()).await.status(), 200);
    assert!(server.wait_for(|arrival| arrival.service == Service::Sqs, SOON).await.is_ok());

    let url = format!("{}/v1/payment_intents", server.url());
    let shipped = World::real().unwrap();
    assert!(shipped.http.send(Request::get(url).body(Bytes::new()).unwrap(), SOON).await.is_err());
}

#[tokio::test]
async fn a_delay_is_kept_and_belongs_to_its_kind_of_service() {
    let server = Server::start(Arc::new(Canned), None).await.unwrap();
    server.set_delays(Delays { aws: Duration::ZERO, vendor: Duration::from_millis(60) });
    let started = Instant::now();
    let url = format!("{}/v1/payment_intents", server.url());
    let answer = send(&World::real().unwrap(), "POST", url, "amount=1099").await;
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(serde_json::from_slice::<Value>(answer.body()).unwrap()["object"], "payment_intent");
}

/// Says that it takes so long, whoever is asked.
struct Slow(Duration);

impl Backend for Slow {
    fn answer(&self, call: &Call) -> Answer {
        Answer { after: Some(self.0), ..Canned.answer(call) }
    }
}

#[tokio::test]
async fn an_answer_that_says_how_long_it_takes_takes_that_long_and_no_longer() {
    let server = Server::start(Arc::new(Slow(Duration::from_millis(60))), None).await.unwrap();
    server.set_delays(Delays { aws: Duration::ZERO, vendor: SOON });
    let started = Instant::now();
    let answer = send(&World::real().unwrap(), "POST", format!("{}/rates", server.url()), "{}").await;
    assert!((Duration::from_millis(60)..SOON).contains(&started.elapsed()));
    assert!(serde_json::from_slice::<Value>(answer.body()).unwrap()["products"].is_array());
}

#[tokio::test]
async fn what_was_sent_to_a_live_queue_can_be_received_once_and_is_billed() {
    let live = Arc::new(Live::new().unwrap());
    let server = Server::start(live.clone(), None).await.unwrap();
    let (system, webhook) = stripe_webhook(&server, &World::real().unwrap());
    let event = events().make(Workload::Webhook, 1);
    assert_eq!(respond(&webhook, request(&event), system.world()).await.status(), 200);
    let received = live.receive("inbound-events", 10);
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].attributes["type"]["StringValue"], json!("stripe"));
    assert!(live.receive("inbound-events", 10).is_empty());
    assert_eq!(live.take_bill().queue_requests, 1);
}
