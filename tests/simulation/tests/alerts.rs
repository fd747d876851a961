//! Alerts: told once, told late rather than never, bounded, and harmless whatever is in them. Heartbeat and readiness beside them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use std::io;
use std::sync::{Arc, Mutex};

use alert_notifier::AlertNotifier;
use crossdock::lambda::http as edge;
use crossdock::lambda::schedule::Scheduled as _;
use crossdock::lambda::{System, sns};
use health_ready::HealthReady;
use lambda_http::{Body, RequestExt as _};
use sandbox::on_call::{Next, betterstack, slack};
use serde_json::{Value, json};
use simulation::universe::{Function, Universe};
use simulation::{Outcome, Plan, Probe, When, run_until_crash};
use sweeper::Sweeper;

const MINUTE_MS: u64 = 60_000;

/// A deployment whose alerts are set up.
fn universe() -> Universe {
    let mut universe = Universe::new(1);
    universe.has_alerts = true;
    universe.aws().secrets().put(
        "alerts",
        &json!({
            "slack_webhook_url": format!("https://slack.sim{}", slack::PATH),
            "betterstack_incidents_url": format!("https://betterstack.sim{}", betterstack::INCIDENTS_PATH),
            "betterstack_heartbeat_url": format!("https://betterstack.sim{}", betterstack::HEARTBEAT_PATH),
            "monitor_tokens": [{ "secret": "a-token-of-a-monitor" }],
        }),
    );
    universe
}

fn system(universe: &Universe, plan: Plan) -> (System, Probe) {
    let probe = Probe::with(plan);
    (universe.system(Function::Sweeper, &probe), probe)
}

/// An event with one message of SNS.
fn published(severity: &str, id: &str, message: &Value) -> Value {
    let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": {
        "MessageId": id,
        "TopicArn": format!("arn:aws:sns:eu-central-1:123:crossdock-{severity}"),
        "Message": message,
        "Timestamp": "2024-04-28T00:48:50.000Z",
    }}]})
}

/// An alarm's transition now.
fn transition(universe: &Universe, severity: &str, name: &str, state: &str) -> Value {
    let at = crossdock::domain::Timestamp::from_ms(universe.now_ms()).to_rfc3339().replace('Z', "+0000");
    let message = json!({
        "AlarmName": name,
        "AlarmDescription": "Cards are declined.\nNext: cargo crossdock breaker show\nRunbook: https://pages.sim/runbooks/payments.md",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed: 1 datapoint [7.0] was greater than the threshold (5.0).",
        "StateChangeTime": at,
    });
    published(severity, &format!("{name}-{state}-{at}"), &message)
}

/// One invocation; whether it ended well.
async fn invoke(universe: &Universe, event: Value) -> bool {
    invoke_with(universe, event, Plan::default()).await
}

async fn invoke_with(universe: &Universe, event: Value, plan: Plan) -> bool {
    let (system, probe) = system(universe, plan);
    let notifier = AlertNotifier::new(&system).unwrap();
    let request_id = format!("request-{}", universe.now_ms());
    let work = sns::respond(&notifier, event, &request_id, system.world());
    match run_until_crash(&probe, work).await {
        Outcome::Finished(done) => done.is_ok(),
        Outcome::Crashed => {
            probe.crashed().await;
            false
        }
    }
}

/// What the schedule does, for some minutes.
async fn minutes(universe: &Universe, count: u64) {
    for _ in 0..count {
        universe.sleep_ms(MINUTE_MS).await;
        invoke(universe, json!({ "detail-type": "Scheduled Event" })).await;
    }
}

fn texts(universe: &Universe) -> Vec<String> {
    universe.sandbox().on_call.slack.messages().iter().map(|message| message.text.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_critical_alarm_is_one_message_one_incident_and_one_end() {
    let universe = universe();
    let opening = transition(&universe, "critical", "crossdock-payments-declined", "ALARM");
    assert!(invoke(&universe, opening.clone()).await);
    assert!(invoke(&universe, opening).await, "SNS delivers twice");
    minutes(&universe, 12).await;
    let end = transition(&universe, "critical", "crossdock-payments-declined", "OK");
    assert!(invoke(&universe, end.clone()).await && invoke(&universe, end).await);
    minutes(&universe, 90).await;
    let texts = texts(&universe);
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert_eq!(
        texts[0],
        "🚨 Shop Sim Alert: Critical\nTitle: crossdock payments declined\nMessage: Cards are declined. Threshold Crossed: 1 \
         datapoint [7.0] was greater than the threshold (5.0).\nTime: 2024-04-28 00:48 UTC\nRunbook · next: `cargo crossdock breaker show`"
    );
    assert!(
        texts[1].starts_with("✅ Shop Sim Alert: Critical, over\n") && texts[1].contains("It lasted 12 min."),
        "{}",
        texts[1]
    );
    let sandbox = universe.sandbox();
    let messages = sandbox.on_call.slack.messages();
    assert_eq!(messages[0].links, ["https://pages.sim/runbooks/payments.md"]);
    let incidents = sandbox.on_call.betterstack.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(
        (incidents[0].title.as_str(), incidents[0].cause.as_str()),
        ("crossdock payments declined", "Cards are declined.")
    );
    assert!(incidents[0].resolved_ms.is_some());
}

#[tokio::test(start_paused = true)]
async fn one_that_stays_open_is_told_each_hour_and_a_warning_is_not() {
    let universe = universe();
    invoke(&universe, transition(&universe, "critical", "crossdock-a", "ALARM")).await;
    invoke(&universe, transition(&universe, "warning", "crossdock-b", "ALARM")).await;
    minutes(&universe, 185).await;
    let texts = texts(&universe);
    assert_eq!(texts.len(), 2 + 3, "{texts:#?}");
    assert!(
        texts[2].contains("Critical, still open") && texts[2].contains("It has been open for 1 h 0 min."),
        "{}",
        texts[2]
    );
    assert_eq!(universe.sandbox().on_call.betterstack.incidents().len(), 1, "a warning wakes nobody");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_flaps_is_counted_and_bounded() {
    let universe = universe();
    for round in 0..60 {
        let state = if round % 2 == 0 { "ALARM" } else { "OK" };
        invoke(&universe, transition(&universe, "warning", "crossdock-vendor-ups", state)).await;
        minutes(&universe, 1).await;
    }
    let texts = texts(&universe);
    assert!(texts.len() <= 10, "{}: {texts:#?}", texts.len());
    assert!(
        texts.iter().any(|text| text.contains("It has opened ") && text.contains(" times since the last message.")),
        "{texts:#?}"
    );
    assert!(universe.sandbox().on_call.betterstack.incidents().is_empty(), "a carrier's flapping wakes nobody");
}

#[tokio::test(start_paused = true)]
async fn slack_may_ask_for_patience() {
    let universe = universe();
    universe
        .sandbox()
        .on_call
        .slack
        .answer_next([Next::Throttled { retry_after_s: Some(12) }, Next::Throttled { retry_after_s: None }]);
    let before_ms = universe.now_ms();
    assert!(invoke(&universe, transition(&universe, "warning", "crossdock-a", "ALARM")).await);
    assert_eq!(texts(&universe).len(), 1);
    assert!(universe.now_ms() - before_ms >= 13_000);
    universe.sandbox().on_call.slack.answer_next([Next::Throttled { retry_after_s: Some(21) }]);
    assert!(
        !invoke(&universe, transition(&universe, "warning", "crossdock-b", "ALARM")).await,
        "too long: the queue waits"
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_slack_says_it_is_told_later_and_says_that_it_is_late() {
    let refusals = [400, 403, 404, 410, 500].map(|status| Next::Refused { status });
    for next in refusals.into_iter().chain([Next::Silent { after_ms: 60_000 }]) {
        let universe = universe();
        universe.sandbox().on_call.slack.answer_next([next; 10]);
        let opening = transition(&universe, "critical", "crossdock-a", "ALARM");
        assert!(!invoke(&universe, opening.clone()).await, "{next:?}");
        assert_eq!(
            universe.sandbox().on_call.betterstack.incidents().len(),
            1,
            "{next:?}: the incident does not wait for Slack"
        );
        minutes(&universe, 15).await;
        // Lambda's queue feeds the same event again: it was told from the table meanwhile.
        let envelope = json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": opening });
        let again =
            json!({ "Records": [{ "messageId": "m", "eventSource": "aws:sqs", "body": envelope.to_string() }] });
        assert!(invoke(&universe, again).await);
        let texts = texts(&universe);
        assert_eq!(texts.len(), 1, "{next:?}: {texts:#?}");
        assert!(texts[0].contains(" late)"), "{next:?}: {}", texts[0]);
        assert_eq!(universe.sandbox().on_call.betterstack.incidents().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_fails_comes_again_by_the_queue_and_is_told_once() {
    let universe = universe();
    universe.sandbox().on_call.slack.answer_next([Next::Refused { status: 500 }]);
    let words = published("info", "m-1", &json!({ "crossdock_alert": "A sale begins", "text": "at noon" }));
    assert!(!invoke(&universe, words.clone()).await);
    let envelope = json!({ "requestPayload": words });
    let again = json!({ "Records": [{ "messageId": "m", "eventSource": "aws:sqs", "body": envelope.to_string() }] });
    for _ in 0..3 {
        assert!(invoke(&universe, again.clone()).await);
    }
    let texts = texts(&universe);
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(
        texts[0].starts_with("ℹ️ Shop Sim Alert: Info\nTitle: A sale begins\nMessage: at noon\nTime: "),
        "{}",
        texts[0]
    );
}

#[tokio::test(start_paused = true)]
async fn a_test_opens_an_incident_and_closes_it() {
    let universe = universe();
    let words = json!({ "crossdock_alert": "A test", "text": "", "is_test": true });
    assert!(invoke(&universe, published("critical", "m-1", &words)).await);
    let sandbox = universe.sandbox();
    let incidents = sandbox.on_call.betterstack.incidents();
    assert!(incidents.len() == 1 && incidents[0].resolved_ms.is_some(), "{incidents:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_was_told_of_a_notice_is_not_told_again_because_another_could_not_be() {
    let universe = universe();
    universe.sandbox().on_call.betterstack.answer_next([Next::Refused { status: 500 }; 3]);
    let words = published("critical", "m-1", &json!({ "crossdock_alert": "Come", "text": "" }));
    for is_well in [false, false, false, true, true] {
        assert_eq!(invoke(&universe, words.clone()).await, is_well);
    }
    assert_eq!(texts(&universe).len(), 1);
    assert_eq!(universe.sandbox().on_call.betterstack.incidents().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_notice_whose_teller_has_died_is_told_by_the_next_delivery_and_not_lost() {
    for n in 1..=4 {
        let universe = universe();
        let words = published("warning", "m-1", &json!({ "crossdock_alert": "Look", "text": "" }));
        invoke_with(&universe, words.clone(), Plan::crash(n, When::Before)).await;
        // Lambda gives it again after a minute, and then the queue does, each six minutes.
        for _ in 0..3 {
            universe.sleep_ms(MINUTE_MS).await;
            if invoke(&universe, words.clone()).await {
                break;
            }
        }
        assert!((1..=2).contains(&texts(&universe).len()), "{n}: {:?}", texts(&universe));
    }
}

#[tokio::test(start_paused = true)]
async fn what_ended_while_slack_was_away_is_told_when_it_is_back() {
    let universe = universe();
    universe.sandbox().on_call.slack.answer_next([Next::Refused { status: 500 }; 3]);
    invoke(&universe, transition(&universe, "critical", "crossdock-charged-unexpectedly", "ALARM")).await;
    minutes(&universe, 1).await;
    invoke(&universe, transition(&universe, "critical", "crossdock-charged-unexpectedly", "OK")).await;
    assert!(texts(&universe).is_empty());
    minutes(&universe, 4).await;
    let texts = texts(&universe);
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(
        texts[0].contains("Critical, over by now") && texts[0].contains("It has opened and is over."),
        "{texts:#?}"
    );
    let is_open = |universe: &Universe| universe.sandbox().on_call.betterstack.incidents()[0].resolved_ms.is_none();
    assert!(is_open(&universe), "nobody was called yet");
    minutes(&universe, 20).await;
    assert!(!is_open(&universe));
}

#[tokio::test(start_paused = true)]
async fn without_the_table_it_is_told_at_once_and_the_table_learns_of_it_later() {
    let universe = universe();
    // Three tries of the table each time. Between them are the secret, Slack and Better Stack.
    let of_the_table = (1..=3).chain(7..=12).map(|n| (n, simulation::Fault::ServerError)).collect();
    let opening = transition(&universe, "critical", "crossdock-a", "ALARM");
    let (out_of_reach, _) = system(&universe, Plan { faults: of_the_table, ..Plan::default() });
    let notifier = AlertNotifier::new(&out_of_reach).unwrap();
    for _ in 0..3 {
        let heard = sns::respond(&notifier, opening.clone(), "request", out_of_reach.world()).await;
        assert!(heard.is_err(), "the table has to learn of it");
    }
    assert_eq!(texts(&universe).len(), 1, "one process tells it once");
    assert_eq!(universe.sandbox().on_call.betterstack.incidents().len(), 1);
    // The table is back: what was told without it may be told once more, and its end is told.
    assert!(invoke(&universe, opening).await);
    minutes(&universe, 30).await;
    invoke(&universe, transition(&universe, "critical", "crossdock-a", "OK")).await;
    let texts = texts(&universe);
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert!(texts[2].contains("Critical, over"), "{texts:#?}");
    assert!(universe.sandbox().on_call.betterstack.incidents()[0].resolved_ms.is_some());
}

/// A crash at each request: told at least once, and twice only if it died between Slack's answer and the write behind it.
#[tokio::test(start_paused = true)]
async fn a_crash_anywhere_only_delays_it() {
    let mut twice = 0;
    for n in 1..=6 {
        for when in [When::Before, When::After] {
            let universe = universe();
            let opening = transition(&universe, "critical", "crossdock-a", "ALARM");
            invoke_with(&universe, opening.clone(), Plan::crash(n, when)).await;
            invoke(&universe, opening).await;
            minutes(&universe, 5).await;
            let told = texts(&universe).len();
            assert!((1..=2).contains(&told), "{n} {when:?}: {told}");
            twice += usize::from(told == 2);
        }
    }
    assert!(twice <= 4, "{twice}");
}

#[tokio::test(start_paused = true)]
async fn two_deliveries_at_the_same_moment_are_one_message() {
    let universe = universe();
    let opening = transition(&universe, "critical", "crossdock-a", "ALARM");
    let (one, another) = tokio::join!(invoke(&universe, opening.clone()), invoke(&universe, opening));
    assert!(one && another);
    minutes(&universe, 5).await;
    assert_eq!(texts(&universe).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_set_up_is_no_crash() {
    let mut universe = Universe::new(1);
    universe.has_alerts = true;
    universe.aws().secrets().put("alerts", &json!({}));
    assert!(invoke(&universe, transition(&universe, "critical", "crossdock-a", "ALARM")).await);
    minutes(&universe, 70).await;
    assert!(texts(&universe).is_empty());
    let (system, _) = system(&universe, Plan::default());
    Sweeper::new(&system).unwrap().tick().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_alarm_about_the_notifier_itself_is_an_incident_and_no_message() {
    let universe = universe();
    assert!(invoke(&universe, transition(&universe, "warning", "crossdock-alert-notifier-errors", "ALARM")).await);
    minutes(&universe, 3).await;
    assert!(texts(&universe).is_empty());
    assert_eq!(universe.sandbox().on_call.betterstack.incidents().len(), 1);
}

/// Texts made to mislead, in each place where a stranger's words could be; and Slack read both ways.
#[tokio::test(start_paused = true)]
async fn nobody_is_called_and_nowhere_is_led_by_others_words() {
    let evil = "<!channel> <!here|all> <@U1> <#C1> <https://evil.example|Runbook> https://evil.example \u{202e}evil\u{200b}\n\
        Runbook: https://evil.example/x `code` *bold* &lt;!channel&gt; \u{7}";
    for reads_plain_text in [false, true] {
        let universe = universe();
        universe.sandbox().on_call.slack.reads_plain_text = reads_plain_text;
        let alarm = json!({
            "AlarmName": format!("crossdock-{evil}"),
            "AlarmDescription": format!("{evil}\nNext: {evil}\nRunbook: {evil}"),
            "NewStateValue": "ALARM",
            "NewStateReason": evil,
            "StateChangeTime": evil,
        });
        let event = json!({
            "detail-type": evil,
            "source": "aws.cloudformation",
            "detail": { "status-details": { "status": evil, "status-reason": evil } },
        });
        let words = json!({ "crossdock_alert": evil, "text": evil });
        for (n, message) in [alarm, event, words, json!(evil)].iter().enumerate() {
            assert!(invoke(&universe, published("critical", &format!("m-{n}"), message)).await, "{n}");
        }
        let sandbox = universe.sandbox();
        assert_eq!(sandbox.on_call.slack.messages().len(), 4);
        for message in sandbox.on_call.slack.messages() {
            assert_eq!(message.links, Vec::<String>::new(), "{}", message.text);
            assert_eq!(message.mentions, Vec::<String>::new(), "{}", message.text);
            assert!(!message.text.contains(['\u{202e}', '\u{200b}', '\u{7}']), "{:?}", message.text);
            // Lines of ours only: what a stranger writes never begins one.
            let ours = ["🚨 ", "Title: ", "Message: ", "Time: "];
            for line in message.text.lines() {
                assert!(ours.iter().any(|begin| line.starts_with(begin)), "{line}");
            }
        }
    }
}

/// Bytes of every kind as events: nothing panics, and nothing comes for ever.
#[tokio::test(start_paused = true)]
async fn what_is_no_event_of_ours_is_no_crash() {
    let universe = universe();
    for (event, is_well) in [
        (json!({ "Records": [] }), true),
        (json!({ "Records": [{ "eventSource": "aws:sqs", "messageId": "m", "body": "\u{0}{" }] }), true),
        (
            json!({ "Records": [{ "eventSource": "aws:sqs", "messageId": "m", "body": "{\"requestPayload\":{}}" }] }),
            true,
        ),
        (json!({ "Records": [{ "EventSource": "aws:sns", "Sns": {} }] }), true),
        (published("critical", "m", &json!({ "AlarmName": "a", "NewStateValue": "INSUFFICIENT_DATA" })), true),
        (Value::Null, true),
        (json!("text"), true),
    ] {
        assert_eq!(invoke(&universe, event.clone()).await, is_well, "{event}");
    }
}

/// Collects the log of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn no_url_that_is_a_secret_is_in_any_log_or_item() {
    let log = Log::default();
    let writer = log.clone();
    // The SDK's own traces print the simulated account; on AWS there is nothing to print.
    let ours = tracing_subscriber::filter::Targets::new()
        .with_default(tracing::Level::INFO)
        .with_target("crossdock", tracing::Level::TRACE);
    let guard = {
        use tracing_subscriber::Layer as _;
        use tracing_subscriber::layer::SubscriberExt as _;
        let lines = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).with_filter(ours);
        tracing::subscriber::set_default(tracing_subscriber::registry().with(lines))
    };
    let universe = universe();
    for next in [
        Next::Refused { status: 404 },
        Next::Silent { after_ms: 60_000 },
        Next::Throttled { retry_after_s: Some(60) },
        Next::Lost,
    ] {
        universe.sandbox().on_call.slack.answer_next([next]);
        universe.sandbox().on_call.betterstack.answer_next([next; 2]);
        invoke(&universe, transition(&universe, "critical", &format!("crossdock-{next:?}"), "ALARM")).await;
        invoke(&universe, published("critical", &format!("m-{next:?}"), &json!("words"))).await;
        let (system, _) = system(&universe, Plan::default());
        Sweeper::new(&system).unwrap().tick().await.unwrap();
    }
    drop(guard);
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    let items = format!("{:?}", universe.aws().table().items());
    assert!(log.contains("alert_not_posted") || log.contains("not everybody") || log.contains("heartbeat"), "{log}");
    for secret in ["SANDBOX", "/services/", "/heartbeat/", "incoming-webhook"] {
        assert!(!log.contains(secret), "the log has {secret}: {log}");
        assert!(!items.contains(secret), "an item has {secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_follows_the_work_and_holds_nobody_up() {
    let universe = universe();
    let (system, _) = system(&universe, Plan::default());
    let sweeper = Sweeper::new(&system).unwrap();
    sweeper.tick().await.unwrap();
    assert!(universe.sandbox().on_call.betterstack.beats().iter().all(|beat| !beat.is_failure));
    assert_eq!(universe.sandbox().on_call.betterstack.beats().len(), 1);
    universe.sandbox().on_call.betterstack.answer_next([Next::Silent { after_ms: 60_000 }]);
    let before_ms = universe.now_ms();
    sweeper.tick().await.unwrap();
    assert!(universe.now_ms() - before_ms < 2_600, "two seconds at most");
}

#[tokio::test(start_paused = true)]
async fn three_bad_ticks_in_a_row_are_a_failure_and_two_are_not() {
    let universe = universe();
    let (system, _) = system(&universe, Plan::default());
    let heartbeat = system.heartbeat().unwrap();
    for went_well in [false, false, true, false, false, false, false] {
        heartbeat.beat(went_well).await;
    }
    let beats: Vec<bool> = universe.sandbox().on_call.betterstack.beats().iter().map(|beat| beat.is_failure).collect();
    assert_eq!(beats, [false, true, true]);
    // A sweep whose index cannot be read: the heartbeat is silent and the tick says what failed.
    let faults = (1..=200).map(|n| (n, simulation::Fault::ServerError)).collect();
    let (bad, _) = self::system(&universe, Plan { faults, ..Plan::default() });
    assert!(Sweeper::new(&bad).unwrap().tick().await.is_err());
    assert_eq!(universe.sandbox().on_call.betterstack.beats().len(), 3);
}

/// What health-ready answers.
async fn ready(universe: &Universe, function: &HealthReady, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = http::Request::builder().method("GET").uri(format!("https://api.sim{path}"));
    if let Some(token) = token {
        request = request.header("x-monitor-token", token);
    }
    let request = request.body(Body::Empty).unwrap().with_raw_http_path(path);
    let (system, _) = system(universe, Plan::default());
    let answer = edge::respond(function, request, system.world()).await;
    let Body::Text(text) = answer.body() else { panic!("a body") };
    (answer.status().as_u16(), serde_json::from_str(text).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stranger_learns_that_something_is_ill_and_a_monitor_what() {
    let universe = universe();
    let (parts, _) = system(&universe, Plan::default());
    let function = HealthReady::new(&parts).unwrap();
    let (status, body) = ready(&universe, &function, "/health/ready", None).await;
    assert_eq!((status, body), (200, json!({ "status": "ok" })));
    let (status, body) = ready(&universe, &function, "/health/ready", Some("a-token-of-a-monitor")).await;
    assert_eq!(status, 200);
    assert_eq!(body["checks"]["secret stripe"], "ok");
    assert_eq!(body["checks"]["queue payments"], "ok", "{body}");
    universe.aws().secrets().remove("stripe");
    let (status, _) = ready(&universe, &function, "/health/ready", None).await;
    assert_eq!(status, 200, "an answer is given again for ten seconds");
    universe.sleep_ms(10_000).await;
    for token in [None, Some("a-token-of-a-monitoR"), Some("")] {
        let (status, body) = ready(&universe, &function, "/health/ready", token).await;
        assert_eq!(status, 503);
        assert!(body.get("checks").is_none() && !body.to_string().contains("stripe"), "{body}");
    }
    let (status, body) = ready(&universe, &function, "/health/ready/details", None).await;
    assert_eq!((status, &body["checks"]["secret stripe"]), (503, &json!("aws_refused")));
    let (status, _) = ready(&universe, &function, "/health/other", None).await;
    assert_eq!(status, 404);
}
