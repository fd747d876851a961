//! Slack's and Better Stack's promises: each row of the tables in src/on_call.

use bytes::Bytes;
use http::{Request, Response};
use sandbox::on_call::{Next, OnCall, Told, betterstack, slack};
use serde_json::{Value, json};

fn post(path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::builder().method("POST").uri(path).header("content-type", "application/json; charset=utf-8");
    request.body(Bytes::from(body.to_string())).expect("a request")
}

fn answered(told: Told) -> Response<Bytes> {
    match told {
        Told::Answer(response) => response,
        Told::Broken { .. } => panic!("an answer was expected"),
    }
}

fn said(on_call: &mut OnCall, request: &Request<Bytes>) -> (u16, String) {
    let response = answered(on_call.slack.call(0, request));
    (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
}

#[test]
fn slack_answers_ok_and_refuses_by_name() {
    let mut on_call = OnCall::default();
    assert_eq!(said(&mut on_call, &post(slack::PATH, &json!({ "text": "hello" }))), (200, "ok".to_owned()));
    assert_eq!(
        said(&mut on_call, &post("/services/T/B/x", &json!({ "text": "hello" }))),
        (404, "no_service".to_owned())
    );
    assert_eq!(said(&mut on_call, &post(slack::PATH, &json!({}))), (400, "no_text".to_owned()));
    let form = Request::builder().method("POST").uri(slack::PATH).body(Bytes::from("text=hello")).expect("a request");
    assert_eq!(said(&mut on_call, &form), (400, "invalid_payload".to_owned()));
    let long = "a".repeat(3_001);
    let block = json!({ "type": "section", "text": { "type": "plain_text", "text": long } });
    assert_eq!(
        said(&mut on_call, &post(slack::PATH, &json!({ "blocks": [block] }))),
        (400, "invalid_blocks".to_owned())
    );
    for (status, word) in [(403, "action_prohibited"), (404, "channel_not_found"), (410, "channel_is_archived")] {
        on_call.slack.answer_next([Next::Refused { status }]);
        assert_eq!(said(&mut on_call, &post(slack::PATH, &json!({ "text": "x" }))), (status, word.to_owned()));
    }
    on_call.slack.answer_next([Next::Throttled { retry_after_s: Some(30) }]);
    let throttled = answered(on_call.slack.call(0, &post(slack::PATH, &json!({ "text": "x" }))));
    assert_eq!(
        (throttled.status().as_u16(), &throttled.headers()["retry-after"]),
        (429, &"30".parse().expect("a header"))
    );
    on_call.slack.is_removed = true;
    assert_eq!(said(&mut on_call, &post(slack::PATH, &json!({ "text": "x" }))), (404, "no_service".to_owned()));
    assert_eq!(on_call.slack.messages().len(), 1);
}

#[test]
fn slack_reads_markup_where_it_is_read_and_nowhere_else() {
    let mut on_call = OnCall::default();
    let section = |kind: &str, text: &str| json!({ "type": "section", "text": { "type": kind, "text": text, "verbatim": kind == "mrkdwn" } });
    let text = "<!channel> <https://a.example|b> &lt;!here&gt; https://c.example";
    let body = json!({ "blocks": [section("mrkdwn", text), section("plain_text", text)] });
    assert_eq!(said(&mut on_call, &post(slack::PATH, &body)).0, 200);
    let shown = &on_call.slack.messages()[0];
    assert_eq!(
        (shown.mentions.as_slice(), shown.links.as_slice()),
        (&["!channel".to_owned()][..], &["https://a.example".to_owned()][..])
    );
    on_call.slack.reads_plain_text = true;
    assert_eq!(said(&mut on_call, &post(slack::PATH, &body)).0, 200);
    let shown = &on_call.slack.messages()[1];
    assert_eq!((shown.mentions.len(), shown.links.len()), (2, 3), "{shown:?}");
    // A text without blocks is markup.
    assert_eq!(said(&mut on_call, &post(slack::PATH, &json!({ "text": "<!here>" }))).0, 200);
    assert_eq!(on_call.slack.messages()[2].mentions, ["!here"]);
}

#[test]
fn better_stack_reads_by_its_rules_and_opens_one_incident() {
    let mut on_call = OnCall::default();
    let tell = |on_call: &mut OnCall, at_ms: i64, status: &str| {
        let body = json!({ "alert_id": "a", "status": status, "title": "t", "cause": "c" });
        answered(on_call.betterstack.call(at_ms, &post(betterstack::INCIDENTS_PATH, &body))).status().as_u16()
    };
    for (at_ms, status) in [(1, "resolved"), (2, "open"), (3, "open"), (4, "another"), (5, "resolved"), (6, "open")] {
        assert_eq!(tell(&mut on_call, at_ms, status), 201);
    }
    let times: Vec<_> = on_call.betterstack.incidents().iter().map(|one| (one.opened_ms, one.resolved_ms)).collect();
    assert_eq!(times, [(2, Some(5)), (6, None)]);
    assert_eq!(answered(on_call.betterstack.call(0, &post("/api/v1/incoming-webhook/x", &json!({})))).status(), 404);
}

#[test]
fn a_heartbeat_is_heard_and_says_when_it_fails() {
    let mut on_call = OnCall::default();
    for path in [betterstack::HEARTBEAT_PATH.to_owned(), format!("{}/fail", betterstack::HEARTBEAT_PATH)] {
        let beat = Request::builder().method("GET").uri(path).body(Bytes::new()).expect("a request");
        assert_eq!(answered(on_call.betterstack.call(7, &beat)).status(), 200);
    }
    let beats: Vec<_> = on_call.betterstack.beats().iter().map(|beat| (beat.at_ms, beat.is_failure)).collect();
    assert_eq!(beats, [(7, false), (7, true)]);
}
