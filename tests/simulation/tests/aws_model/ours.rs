//! What our own clients make of AWS when it answers as the model never does: under way, half, late or not at all.

#![allow(clippy::disallowed_methods, reason = "tokio's paused clock is the time of these tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use crossdock::aws::{Clients, Key, Secrets, Settings, Table, Transacted, Transport, Write};
use crossdock::domain::Timestamp;
use crossdock::error::{Error, ErrorKind};
use crossdock::gateway::{Gateway, Lane, Memory, Vendor};
use crossdock::world::{Http, HttpError, HttpRequest, HttpResponse, Rng, World};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use simulation::SimClock;

use crate::instance::START_MS;

const MINUTE: Duration = Duration::from_secs(60);

/// What AWS says to the n-th request, counted from 0: status and body, or no answer.
type Answers = Box<dyn Fn(usize) -> Option<(u16, Value)> + Send + Sync>;

struct Scripted {
    answers: Mutex<Answers>,
    asked: Mutex<Vec<Value>>,
    count: AtomicUsize,
    takes: Duration,
}

impl Http for Scripted {
    fn send(&self, request: HttpRequest, timeout: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        self.asked.lock().unwrap().push(serde_json::from_slice(request.body()).unwrap_or_default());
        let answer = (self.answers.lock().unwrap())(n);
        Box::pin(async move {
            let Some((status, body)) = answer else {
                tokio::time::sleep(timeout).await;
                return Err(HttpError::NoAnswer("timed out".to_owned()));
            };
            tokio::time::sleep(self.takes).await;
            let json = "application/x-amz-json-1.0";
            let response = http::Response::builder().status(status).header("content-type", json);
            Ok(response.body(Bytes::from(body.to_string())).unwrap())
        })
    }
}

/// The longest jitter, each time another number.
struct Longest(AtomicUsize);

impl Rng for Longest {
    fn next(&self) -> u128 {
        u128::MAX - (self.0.fetch_add(1, Ordering::Relaxed) as u128) * (1 << 53)
    }
}

/// An instance of ours before an AWS that says what it is told to.
struct Ours {
    aws: Arc<Scripted>,
    world: World,
    settings: Settings,
}

impl Ours {
    fn new(answers: impl Fn(usize) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        let aws = Arc::new(Scripted {
            answers: Mutex::new(Box::new(answers)),
            asked: Mutex::default(),
            count: AtomicUsize::new(0),
            takes: Duration::from_millis(20),
        });
        let http: Arc<dyn Http> = Arc::<Scripted>::clone(&aws);
        let clock = Arc::new(SimClock::new(START_MS));
        let world = World { http, clock, rng: Arc::new(Longest(AtomicUsize::new(0))) };
        let settings = Settings {
            region: "sim-region-1".to_owned(),
            endpoint_url: Some("https://aws.sim".to_owned()),
            access_key_id: "id".to_owned(),
            secret_access_key: "key".to_owned().into(),
            session_token: None,
        };
        Self { aws, world, settings }
    }

    fn says(&self, answers: impl Fn(usize) -> Option<(u16, Value)> + Send + Sync + 'static) {
        *self.aws.answers.lock().unwrap() = Box::new(answers);
    }

    fn table(&self) -> Table {
        let clients = Clients::new(self.settings.clone(), Transport::over(&self.world), &self.world);
        Table::new(&clients, "t".to_owned(), self.world.clone())
    }

    fn secrets(&self) -> Secrets {
        Secrets::new(self.settings.clone(), self.world.clone())
    }

    fn asked(&self) -> usize {
        self.aws.count.load(Ordering::Relaxed)
    }

    fn tokens(&self) -> Vec<String> {
        let asked = self.aws.asked.lock().unwrap();
        asked.iter().map(|body| body["ClientRequestToken"].as_str().unwrap().to_owned()).collect()
    }

    fn since(&self, before: Timestamp) -> Duration {
        self.world.now().since(before)
    }
}

fn refusal(kind: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "Message": "x" })
}

#[tokio::test(start_paused = true)]
async fn a_transaction_whose_lost_try_is_still_in_progress_keeps_its_token() {
    // The SDK makes three tries of one call; the fourth and the fifth are ours.
    let ours = Ours::new(|n| match n {
        0..4 => Some((400, refusal("TransactionInProgressException"))),
        _ => Some((200, json!({}))),
    });
    let write = Write::put_new(Key::new("A", "S"), &json!({ "x": 1 })).unwrap();
    assert!(matches!(ours.table().transact(&[write]).await.unwrap(), Transacted::Done));
    let tokens = ours.tokens();
    assert_eq!(tokens.len(), 5);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "our own commit would be somebody else's: {tokens:?}");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_was_canceled_is_another_one_the_next_time() {
    let ours = Ours::new(|n| {
        let canceled = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "x",
            "CancellationReasons": [{ "Code": "TransactionConflict" }],
        });
        Some(if n == 0 { (400, canceled) } else { (200, json!({})) })
    });
    let write = Write::put_new(Key::new("A", "S"), &json!({ "x": 1 })).unwrap();
    assert!(matches!(ours.table().transact(&[write]).await.unwrap(), Transacted::Done));
    let tokens = ours.tokens();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_left_unprocessed_are_asked_for_after_a_growing_while() {
    let left = || json!({ "Responses": {}, "UnprocessedKeys": { "t": { "Keys": [{ "pk": { "S": "A" }, "sk": { "S": "S" } }] } } });
    let found = json!({ "Responses": { "t": [{ "pk": { "S": "A" }, "sk": { "S": "S" } }] }, "UnprocessedKeys": {} });
    let ours = Ours::new(move |n| Some((200, if n < 3 { left() } else { found.clone() })));
    let before = ours.world.now();
    let items = ours.table().get_many(&[Key::new("A", "S")]).await.unwrap();
    assert!(items[0].is_some());
    assert_eq!(ours.asked(), 4);
    // 50, 100 and 200 ms, and four answers.
    assert!(ours.since(before) >= Duration::from_millis(400), "{:?}", ours.since(before));

    ours.says(move |_| Some((200, left())));
    let before = ours.asked();
    let error = ours.table().get_many(&[Key::new("A", "S")]).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Transient { .. }), "{error}");
    assert_eq!(ours.asked() - before, 5, "it goes on asking");
}

#[allow(clippy::unnecessary_wraps, reason = "it is one of the answers, and some are none")]
fn secret(value: &str, version: &str) -> Option<(u16, Value)> {
    Some((200, json!({ "SecretString": json!({ "key": value }).to_string(), "VersionId": version })))
}

async fn key(secrets: &Secrets) -> Result<String, Error> {
    let (value, _) = secrets.get::<Value>("vendor").await?;
    Ok(value["key"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn while_secrets_manager_is_down_the_last_good_value_serves_on_for_an_hour_and_no_longer() {
    let ours = Ours::new(|_| secret("first", "1"));
    let secrets = ours.secrets();
    assert_eq!(key(&secrets).await.unwrap(), "first");
    ours.says(|_| None);
    for _ in 0..9 {
        tokio::time::sleep(6 * MINUTE).await;
        let before = ours.world.now();
        assert_eq!(key(&secrets).await.unwrap(), "first");
        assert!(ours.since(before) <= Duration::from_secs(1), "a request waited {:?}", ours.since(before));
        // Who comes a moment later does not even wait for that.
        let (asked, before) = (ours.asked(), ours.world.now());
        assert_eq!(key(&secrets).await.unwrap(), "first");
        assert_eq!((ours.asked(), ours.since(before)), (asked, Duration::ZERO));
    }
    tokio::time::sleep(7 * MINUTE).await;
    let error = key(&secrets).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Transient { .. }), "{error}");
    ours.says(|_| secret("second", "2"));
    assert_eq!(key(&secrets).await.unwrap(), "second");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_may_not_be_read_any_more_does_not_serve_on() {
    let ours = Ours::new(|_| secret("first", "1"));
    let secrets = ours.secrets();
    assert_eq!(key(&secrets).await.unwrap(), "first");
    ours.says(|_| Some((400, json!({ "__type": "AccessDeniedException", "Message": "x" }))));
    tokio::time::sleep(6 * MINUTE).await;
    for _ in 0..3 {
        assert_eq!(key(&secrets).await.unwrap_err().kind, ErrorKind::Misconfigured);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // That Secrets Manager is silent afterwards undoes no refusal.
    ours.says(|_| None);
    tokio::time::sleep(MINUTE).await;
    assert!(key(&secrets).await.is_err());
    ours.says(|_| secret("second", "2"));
    assert_eq!(key(&secrets).await.unwrap(), "second");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_behind_somebody_who_reads_a_secret() {
    let ours = Ours::new(|_| secret("first", "1"));
    let secrets = ours.secrets();
    // The first time everybody needs the answer, and one question brings it.
    let (first, second) = tokio::join!(key(&secrets), key(&secrets));
    assert_eq!((first.unwrap(), second.unwrap(), ours.asked()), ("first".to_owned(), "first".to_owned(), 1));

    ours.says(|_| None);
    tokio::time::sleep(6 * MINUTE).await;
    let before = ours.world.now();
    let other = async {
        tokio::task::yield_now().await;
        let value = key(&secrets).await.unwrap();
        (value, ours.since(before))
    };
    let (first, (second, waited)) = tokio::join!(key(&secrets), other);
    assert_eq!((first.unwrap().as_str(), second.as_str()), ("first", "first"));
    assert_eq!(waited, Duration::ZERO, "it waited behind the one who asks");
    // Another secret is not behind this one, either.
    ours.says(|_| secret("other", "1"));
    assert_eq!(secrets.get::<Value>("another vendor").await.unwrap().0["key"], "other");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_looked_for_anew_and_not_taken_for_the_newest_while_nobody_can_say() {
    let ours = Ours::new(|_| secret("first", "1"));
    let secrets = ours.secrets();
    assert_eq!(key(&secrets).await.unwrap(), "first");
    assert!(secrets.refresh::<Value>("vendor").await.unwrap().is_none(), "it was read a moment ago");
    tokio::time::sleep(MINUTE).await;
    ours.says(|_| None);
    assert!(secrets.refresh::<Value>("vendor").await.is_err());
    let asked = ours.asked();
    assert!(secrets.refresh::<Value>("vendor").await.is_err());
    assert_eq!(ours.asked(), asked, "forged traffic becomes load");
    tokio::time::sleep(MINUTE).await;
    ours.says(|_| secret("second", "2"));
    assert_eq!(secrets.refresh::<Value>("vendor").await.unwrap().unwrap().1, "2");
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_unreachable_calls_go_on_under_a_small_cap_of_this_instance() {
    let ours = Ours::new(|_| None);
    let gateway = Gateway::new(ours.world.clone(), ours.table(), Memory::default());
    // Who asks for the same is served together: each of these asks for something else.
    let permits = || async {
        let lanes = [Lane::Interactive, Lane::Background];
        let all = Vendor::ALL.into_iter().flat_map(|vendor| lanes.map(|lane| (vendor, lane)));
        let call_by = ours.world.now().plus(MINUTE);
        let asked = all.map(|(vendor, lane)| gateway.permit(vendor, lane, call_by));
        let permits = futures_util::future::join_all(asked).await;
        let held = permits.iter().filter(|permit| format!("{permit:?}").contains("store_unreachable")).count();
        permits.len() - held
    };
    assert_eq!(permits().await, 10);
    assert_eq!(permits().await, 0, "within the same ten seconds");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(permits().await, 10, "the next ten seconds have calls of their own");
}
