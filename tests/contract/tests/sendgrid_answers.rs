//! Every answer that SendGrid's specification files show as an example of a call that we make, and what we take it for. The
//! files are the vendor's and are not checked in: without them this says so and passes.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a skipped check says so; tests fail by panicking; tests read CROSSDOCK_SPECS, and their clock is the world's"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use contract::specs::SKIPPED;
use contract::workspace_root;
use crossdock::aws::Transport;
use crossdock::domain::{ContactId, Correlation, IntentId, MessageId, Timestamp};
use crossdock::effects::intent::{Data, Kind};
use crossdock::effects::{Agent as _, Intent, Reason, Subject, Verdict};
use crossdock::gateway::{Lane, Permit};
use crossdock::lambda::{Env, System};
use crossdock::world::{Http, HttpError, HttpRequest, HttpResponse, Rng, World};
use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};
use simulation::{Aws, Probe, SimClock, TABLE_NAME};

/// Thursday, 1 May 2025, 10:00 UTC.
const NOW: i64 = 1_746_093_600;
const VARIABLES: [(&str, &str); 12] = [
    ("STAGE", "sim"),
    ("STACK_ID", "000000000000/sim/crossdock"),
    ("TABLE_NAME", TABLE_NAME),
    ("SENDGRID_SECRET_ID", "sendgrid"),
    ("SENDGRID_API_BASE", "https://sendgrid.sim"),
    ("MAIL_FROM", "shop@shop.example"),
    ("MAIL_FROM_NAME", "Shop"),
    ("SHOP_NAME", "Shop"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "sim"),
    ("AWS_SECRET_ACCESS_KEY", "sim"),
    ("LOG_LEVEL", "off"),
];

/// What each method is answered with.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<BTreeMap<String, (u16, String)>>>);

struct Outside {
    aws: Aws,
    answers: Answers,
}

impl Http for Outside {
    fn send(&self, request: HttpRequest, _: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        if Aws::is_for_secrets(&request) {
            return Box::pin(async move { self.aws.carry_signed(&Probe::new(), request).await });
        }
        let (status, body) = self.answers.0.lock().unwrap()[request.method().as_str()].clone();
        let response = http::Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(ready(Ok(response)))
    }
}

struct Counter(Mutex<u128>);

impl Rng for Counter {
    fn next(&self) -> u128 {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        *count
    }
}

fn system(answers: &Answers) -> System {
    let clock = SimClock::new(NOW * 1_000);
    let aws = Aws::new(clock, 1);
    aws.secrets().put("sendgrid", &json!({ "transactional_api_key": "SG.a", "marketing_api_key": "SG.b" }));
    let outside = Outside { aws: aws.clone(), answers: answers.clone() };
    let rng = Arc::new(Counter(Mutex::new(0)));
    let world = World { http: Arc::new(outside), clock: Arc::new(clock), rng };
    let transport = Transport::of(aws.http_client(Probe::new()));
    let env = Env::of(VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())));
    System::with(env, world, &transport).unwrap()
}

fn permit() -> Permit {
    Permit::until(Timestamp::from_seconds(NOW + 86_400), Lane::Background)
}

fn correlation() -> Correlation {
    Correlation::parse("correlation-1").unwrap()
}

/// The vendor's file, if there are any.
fn file(name: &str) -> Option<Value> {
    let Some(folder) = std::env::var_os("CROSSDOCK_SPECS").filter(|folder| !folder.is_empty()) else {
        eprintln!("{SKIPPED}");
        return None;
    };
    let text = std::fs::read(workspace_root().join(Path::new(&folder)).join(name)).expect(name);
    Some(serde_json::from_slice(&text).expect(name))
}

/// The examples of an operation's answers: status and body.
fn examples(document: &Value, path: &str, method: &str) -> Vec<(u16, Value)> {
    let resolved = |value: &Value| match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect(pointer).clone(),
        None => value.clone(),
    };
    let mut found = Vec::new();
    for (status, response) in document["paths"][path][method]["responses"].as_object().expect(path) {
        let response = resolved(response);
        let shown = response["content"]["application/json"]["examples"].as_object().cloned().unwrap_or_default();
        for example in shown.values() {
            found.push((status.parse().expect("a status"), resolved(example)["value"].clone()));
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn each_answer_to_a_mail_is_what_it_says() {
    let Some(document) = file("sendgrid_mail_v3.json") else { return };
    let mut all = examples(&document, "/v3/mail/send", "post");
    assert_eq!(all.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [400, 401, 403, 404, 405, 413, 500]);
    // Without an example: accepted, with an empty body.
    all.push((202, Value::Null));
    for (status, body) in all {
        let answers = Answers::default();
        answers.0.lock().unwrap().insert("POST".to_owned(), (status, body.to_string()));
        let (message_id, contact_id) = (MessageId::of_request("k"), ContactId::from_stored("con_1"));
        let message = json!({
            "type": "message", "message_id": message_id, "kind": "welcome", "channel": "email", "contact_id": contact_id,
            "content": { "template": "welcome" }, "status": "queued", "version": 1, "intent_id": "int_1",
            "correlation_id": "correlation-1", "created_at": NOW * 1_000, "updated_at": NOW * 1_000,
            "person_pk": "p", "person_sk": "s", "expires": NOW,
        });
        let contact = json!({ "type": "contact", "contact_id": contact_id, "address": "ada@example.com" });
        let subject = Subject::Message {
            message: serde_json::from_value(message).expect("a message"),
            contact: Some(serde_json::from_value(contact).expect("a contact")),
        };
        let data = Data::Message { message_id, contact_id };
        let now = Timestamp::from_seconds(NOW);
        let intent = Intent::new(IntentId::from_stored("int_1"), Kind::MailSend, data, None, correlation(), now);
        let verdict = system(&answers).sendgrid().unwrap().call(&intent, &subject, &permit()).await.verdict;
        let fits = match status {
            202 => verdict == Verdict::Done,
            400 | 404 | 405 | 413 => verdict == Verdict::Refused { reason: Reason::VendorRefused },
            401 | 403 => matches!(verdict, Verdict::NotDone { reason: Reason::VendorCredentials, .. }),
            _ => matches!(verdict, Verdict::Unknown { .. }),
        };
        assert!(fits, "{status} {body}: {verdict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_stopped_where_sendgrid_lists_it_as_canceled_and_no_refusal_is_a_stop() {
    let (Some(sends), Some(mail)) = (file("sendgrid_scheduled_sends_v3.json"), file("sendgrid_mail_v3.json")) else {
        return;
    };
    let listed = examples(&sends, "/v3/user/scheduled_sends/{batch_id}", "get");
    assert_eq!(listed.len(), 1);
    let refusals = examples(&mail, "/v3/mail/batch/{batch_id}", "get").into_iter().filter(|(status, _)| *status >= 400);
    for (status, refusal) in refusals {
        for (batch_id, is_listed) in [("HkJ5yLYULb7Rj8GKSx7u025ouWVlMgAi", true), ("another", false)] {
            let answers = Answers::default();
            let (shown, body) = &listed[0];
            answers.0.lock().unwrap().insert("POST".to_owned(), (status, refusal.to_string()));
            answers.0.lock().unwrap().insert("GET".to_owned(), (*shown, body.to_string()));
            let batches = system(&answers).sendgrid_batches().unwrap();
            let stopped = batches.stop(batch_id, &correlation(), &permit()).await;
            match (is_listed, status) {
                // Whose key is refused is not asked again with it.
                (_, 401) => assert!(stopped.is_err(), "{status}"),
                (true, _) => assert!(stopped.expect("an answer").is_some(), "{status}"),
                // What is refused, and not listed, is not stopped; of all else nobody can say.
                (false, 400 | 404 | 405) => assert!(stopped.expect("an answer").is_none(), "{status}"),
                (false, _) => assert!(stopped.is_err(), "{status}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_by_hand_is_canceled_and_a_new_stop_needs_no_look() {
    let answers = Answers::default();
    let paused = json!([{ "batch_id": "b", "status": "pause" }]);
    for (method, status, body) in [("POST", 400, json!({})), ("GET", 200, paused), ("PATCH", 204, Value::Null)] {
        answers.0.lock().unwrap().insert(method.to_owned(), (status, body.to_string()));
    }
    let batches = system(&answers).sendgrid_batches().unwrap();
    assert!(batches.stop("b", &correlation(), &permit()).await.expect("an answer").is_some());
    let Some(sends) = file("sendgrid_scheduled_sends_v3.json") else { return };
    let example = sends["components"]["schemas"]["ScheduledSendStatus"]["example"].clone();
    let answers = Answers::default();
    answers.0.lock().unwrap().insert("POST".to_owned(), (201, example.to_string()));
    let batches = system(&answers).sendgrid_batches().unwrap();
    assert!(batches.stop("b", &correlation(), &permit()).await.expect("an answer").is_some());
}

#[tokio::test(start_paused = true)]
async fn each_day_of_the_statistics_is_read() {
    let Some(document) = file("sendgrid_stats_v3.json") else { return };
    for path in ["/v3/stats", "/v3/categories/stats"] {
        for (status, body) in examples(&document, path, "get").into_iter().filter(|(status, _)| *status == 200) {
            let answers = Answers::default();
            answers.0.lock().unwrap().insert("GET".to_owned(), (status, body.to_string()));
            let shown = body.as_array().expect("days");
            let at = |day: Option<&Value>| day.and_then(|day| day["date"].as_str()).expect("a day").to_owned();
            // Days that nobody asked for do not count.
            let (first, last) = (at(shown.first()), at(shown.last()));
            let days = system(&answers).sendgrid_stats().unwrap().between(&first, &last).await.expect("days");
            let delivered = |day: &Value| -> u64 {
                let groups = day["stats"].as_array().into_iter().flatten();
                groups.filter_map(|group| group["metrics"]["delivered"].as_u64()).sum()
            };
            let told: Vec<(String, u64)> = days.iter().map(|day| (day.day.clone(), day.delivered)).collect();
            let shown: Vec<(String, u64)> = shown.iter().map(|day| (at(Some(day)), delivered(day))).collect();
            assert_eq!(told, shown, "{path}");
        }
    }
}
