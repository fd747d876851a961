//! The samples in events/: each function has one, and each is what its function is given by AWS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;

use aws_lambda_events::event::sqs::SqsEvent;
use contract::template::Template;
use contract::vectors::{sendgrid as sendgrid_vectors, stripe as stripe_vectors, twilio as twilio_vectors};
use contract::workspace_root;
use crossdock::domain::{IntentId, MessageId, OrderId, PaymentId, StackId, Timestamp};
use crossdock::effects::archive::Delivery;
use crossdock::vendors::{fedex, postmark, sendgrid, stripe, twilio, ups};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt as _};
use serde_json::Value;

/// The stack that the samples' ids are derived from: what `cargo local up` deploys.
const LOCAL_STACK: &str = "000000000000/us-east-1/crossdock-local";
/// The order that the samples are about.
const ORDER: &str = "sample-1";
/// The domain of the samples' function URLs.
const DOMAIN: &str = "url-id.lambda-url.eu-north-1.on.aws";
/// What the sample of Postmark's is sent with.
const POSTMARK: &str = "postmark:sample-password";
/// What the samples of the carriers' are sent with.
const FEDEX: &str = "fedex-local-stack-token";
const UPS: &str = "ups-local-stack-credential";
/// 2025-05-01T10:00:00Z, in milliseconds: when the samples happened.
const NOW_MS: i64 = 1_746_093_600_000;

/// What calls a function, read from how its main.rs runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    RestApi,
    Url,
    Queue,
    Schedule,
    /// Secrets Manager, and a schedule.
    Rotation,
    /// Topics, a queue of what failed, and a schedule.
    Topics,
}

/// Every function with its trigger.
fn functions() -> BTreeMap<String, Trigger> {
    let entries = fs::read_dir(workspace_root().join("functions")).unwrap().map(Result::unwrap);
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let with_trigger = crates.map(|entry| {
        let main = fs::read_to_string(entry.path().join("src/main.rs")).unwrap();
        let runs = [
            ("http::run(", Trigger::RestApi),
            ("http::run_at_door(", Trigger::Url),
            ("http::run_at_both(", Trigger::Url),
            ("batch::run(", Trigger::Queue),
            ("schedule::run(", Trigger::Schedule),
            ("sns::run(", Trigger::Topics),
            ("lambda_runtime::run(", Trigger::Rotation),
        ];
        let name = entry.file_name().into_string().unwrap();
        let trigger = runs.into_iter().find(|(call, _)| main.contains(call));
        let (_, trigger) = trigger.unwrap_or_else(|| panic!("{name}: main.rs runs nothing that is known here"));
        (name, trigger)
    });
    with_trigger.collect()
}

/// Every sample: function, file name, text. A file's name is `<function>.json` or `<function>.<what it is>.json`.
fn samples() -> Vec<(String, String, String)> {
    let entries = fs::read_dir(workspace_root().join("events")).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.path().is_file()).map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        assert_eq!(entry.path().extension(), Some("json".as_ref()), "events/{name} is no sample");
        let function = name.split('.').next().unwrap().to_owned();
        (function, name, fs::read_to_string(entry.path()).unwrap())
    });
    let mut samples: Vec<_> = files.collect();
    samples.sort();
    samples
}

fn sample(name: &str) -> String {
    fs::read_to_string(workspace_root().join("events").join(name)).unwrap()
}

/// A sample as the HTTP function gets it.
fn request(name: &str) -> Request {
    lambda_http::request::from_str(&sample(name)).unwrap_or_else(|error| panic!("events/{name}: {error}"))
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn body(request: &Request) -> Vec<u8> {
    request.body().to_vec()
}

#[test]
fn every_function_has_a_sample_and_every_sample_a_function() {
    let (functions, samples) = (functions(), samples());
    for function in functions.keys() {
        assert!(samples.iter().any(|(of, ..)| of == function), "events/ has no sample for {function}");
    }
    for (function, name, _) in &samples {
        assert!(functions.contains_key(function), "events/{name} is named after no function");
    }
}

#[test]
fn every_sample_is_the_event_that_its_function_takes() {
    let functions = functions();
    for (function, name, text) in samples() {
        match functions[&function] {
            trigger @ (Trigger::RestApi | Trigger::Url) => {
                let request = request(&name);
                match request.request_context() {
                    RequestContext::ApiGatewayV1(_) => {
                        assert_eq!(trigger, Trigger::RestApi, "events/{name}: a function URL sends another format");
                    }
                    RequestContext::ApiGatewayV2(_) => {
                        assert_eq!(trigger, Trigger::Url, "events/{name}: the REST API sends another format");
                    }
                    other => panic!("events/{name}: {other:?}"),
                }
                let media_type = header(&request, "content-type").split(';').next().unwrap();
                let wants_body = ["application/json", "application/x-www-form-urlencoded"].contains(&media_type);
                assert_eq!(!matches!(request.body(), Body::Empty), wants_body, "events/{name}");
            }
            Trigger::Queue => {
                let event: SqsEvent =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("events/{name}: {error}"));
                assert!(!event.records.is_empty(), "events/{name} has no records");
                assert!(event.records.iter().all(|record| record.message_id.is_some() && record.body.is_some()));
            }
            Trigger::Schedule => {
                let event: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(event["detail-type"], "Scheduled Event", "events/{name}");
            }
            Trigger::Rotation => {
                let event: Value = serde_json::from_str(&text).unwrap();
                let is_step = ["Step", "SecretId", "ClientRequestToken"].iter().all(|field| event[field].is_string());
                assert!(is_step || event["detail-type"] == "Scheduled Event", "events/{name}");
            }
            Trigger::Topics => {
                let event: Value = serde_json::from_str(&text).unwrap();
                let is_sns = |event: &Value| event.pointer("/Records/0/Sns/MessageId").is_some_and(Value::is_string);
                let fed_again = |event: &Value| {
                    let body = event.pointer("/Records/0/body").and_then(Value::as_str).unwrap_or_default();
                    serde_json::from_str::<Value>(body).is_ok_and(|envelope| is_sns(&envelope["requestPayload"]))
                };
                let known = is_sns(&event) || fed_again(&event) || event["detail-type"] == "Scheduled Event";
                assert!(known, "events/{name}");
            }
        }
    }
}

#[test]
fn a_function_runs_at_a_url_where_the_template_gives_it_one() {
    let template = Template::read();
    for (function, trigger) in functions() {
        let code = format!("target/lambda/{function}/");
        let found = template.functions().into_iter().find(|(_, found)| found["Properties"]["CodeUri"] == code.as_str());
        let (logical, found) = found.unwrap_or_else(|| panic!("{function} is not in the template"));
        let of_its_own = template.resources().contains_key(&format!("{logical}Url"));
        let has_url = of_its_own || !found["Properties"]["FunctionUrlConfig"].is_null();
        assert_eq!(has_url, trigger == Trigger::Url, "{function}: what its main.rs runs does not fit the template");
    }
}

#[test]
fn samples_of_the_rest_api_call_routes_that_the_template_has() {
    let template = fs::read_to_string(workspace_root().join("template.yaml")).unwrap().replace('\'', "");
    for (function, name, text) in samples() {
        if functions()[&function] != Trigger::RestApi {
            continue;
        }
        let event: Value = serde_json::from_str(&text).unwrap();
        let (method, resource) = (event["httpMethod"].as_str().unwrap(), event["resource"].as_str().unwrap());
        let route = format!("RestApiId: !Ref Api, Method: {method}, Path: {resource}");
        let is_there = [",", "}"].iter().any(|end| template.contains(&format!("{route}{end}")));
        assert!(is_there, "events/{name}: the template has no {method} {resource}");
        assert_eq!(request(&name).raw_http_path(), event["path"].as_str().unwrap(), "events/{name}");
    }
}

#[test]
fn the_samples_ids_are_those_that_the_local_stack_derives_for_the_samples_order() {
    let (stack, order) = (StackId::from_stored(LOCAL_STACK), OrderId::parse(ORDER).unwrap());
    let payment = PaymentId::nth(&stack, &order, 1);
    let create = IntentId::of("payment.create", payment.as_str(), stack.as_str());
    let mail = IntentId::of("mail.send", payment.as_str(), "succeeded/order_confirmation");
    let publish = IntentId::of("publish", payment.as_str(), "succeeded");
    let code = MessageId::of_request("sample-code-1");
    let sms = IntentId::of("sms.two_factor_code", code.as_str(), stack.as_str());
    assert!(sample("payment-initiator.create.json").contains(ORDER));
    for (name, id) in [
        ("payment-initiator.get.json", payment.as_str()),
        ("payment-initiator.confirm.json", payment.as_str()),
        ("payment-initiator.cancel.json", payment.as_str()),
        ("payment-worker.nudge.json", create.as_str()),
        ("event-processor.stripe.json", create.as_str()),
        ("event-processor.sendgrid.json", mail.as_str()),
        ("email-sender.nudge.json", mail.as_str()),
        ("event-processor.nudge.json", publish.as_str()),
        ("event-processor.twilio.json", sms.as_str()),
        ("sms-sender.nudge.json", sms.as_str()),
    ] {
        assert!(sample(name).contains(id), "events/{name} does not name {id}");
    }
}

#[test]
fn the_receivers_samples_carry_signatures_that_are_good_until_2100() {
    let now = Timestamp::from_ms(NOW_MS);
    let request = self::request("stripe-webhook.payment-succeeded.json");
    let secret = stripe_vectors()[0].secret.clone();
    let signature = header(&request, stripe::verify::HEADER);
    assert!(stripe::verify::verify([secret.as_str()].into_iter(), signature, body(&request).into(), now).is_ok());

    let request = self::request("sendgrid-webhook.delivered.json");
    let key = sendgrid_vectors()[0].public_key.clone();
    let signature = header(&request, sendgrid::verify::SIGNATURE_HEADER);
    let timestamp = header(&request, sendgrid::verify::TIMESTAMP_HEADER);
    assert!(sendgrid::verify::verify([key.as_str()].into_iter(), signature, timestamp, body(&request).into()).is_ok());

    let request = self::request("twilio-webhook.delivered.json");
    let token = twilio_vectors()[0].token.clone();
    let signature = header(&request, twilio::verify::HEADER);
    let url = format!("https://{DOMAIN}/?{}", request.uri().query().unwrap());
    assert!(twilio::verify::verify([token.as_str()].into_iter(), signature, &url, body(&request).into()).is_ok());

    let request = self::request("postmark-webhook.delivered.json");
    let credential = header(&request, postmark::verify::HEADER);
    assert!(postmark::verify::verify([POSTMARK].into_iter(), credential, body(&request).into()).is_ok());

    let request = self::request("fedex-webhook.out-for-delivery.json");
    let signature = header(&request, fedex::verify::HEADER);
    assert!(fedex::verify::verify([FEDEX].into_iter(), signature, body(&request).into()).is_ok());

    let request = self::request("ups-webhook.delivered.json");
    let credential = Some(header(&request, ups::verify::CREDENTIAL_HEADER));
    let shown = ups::verify::Shown { credential, ..Default::default() };
    assert!(ups::verify::verify([UPS].into_iter(), shown, now, body(&request).into()).is_ok());
}

#[test]
fn the_samples_of_events_carry_what_verifies_their_bytes() {
    let (stripe_secret, sendgrid_key) = (stripe_vectors()[0].secret.clone(), sendgrid_vectors()[0].public_key.clone());
    let twilio_token = twilio_vectors()[0].token.clone();
    let now = Timestamp::from_ms(NOW_MS);
    let mut seen = 0;
    for what in ["stripe", "sendgrid", "twilio", "poison"] {
        let name = &format!("event-processor.{what}.json");
        let event: SqsEvent = serde_json::from_str(&sample(name)).unwrap();
        for record in event.records {
            let attribute = |name: &str| record.message_attributes.get(name).and_then(|a| a.string_value.clone());
            let Some(delivery) = attribute("delivery") else { continue };
            let delivery: Delivery = serde_json::from_str(&delivery).unwrap();
            let field = |name: &str| delivery.headers[name].as_str();
            let body = record.body.clone().unwrap().into();
            let verified = if attribute("type").as_deref() == Some("stripe") {
                stripe::verify::verify([stripe_secret.as_str()].into_iter(), field(stripe::verify::HEADER), body, now)
                    .map(|event| event.key_id().to_owned())
            } else if attribute("type").as_deref() == Some("twilio") {
                let (signature, url) = (field(twilio::verify::HEADER), delivery.url.as_deref().unwrap_or_default());
                twilio::verify::verify([twilio_token.as_str()].into_iter(), signature, url, body)
                    .map(|form| form.key_id().to_owned())
            } else {
                let timestamp = field(sendgrid::verify::TIMESTAMP_HEADER);
                let signature = field(sendgrid::verify::SIGNATURE_HEADER);
                sendgrid::verify::verify([sendgrid_key.as_str()].into_iter(), signature, timestamp, body)
                    .map(|batch| batch.key_id().to_owned())
            };
            assert_eq!(verified.unwrap(), delivery.verified_by, "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 6);
}
