//! Every function behind HTTP, entered as Lambda enters it: with the event of its trigger. What comes over the wire ends no
//! invocation with an error and is nobody's fault but the sender's, whatever its bytes are.

use fastrand::Rng;
use serde_json::{Map, Value, json};
use simulation::shop::{confirmed_payment, payment, shipping};
use simulation::universe::{Function, Universe};

/// Behind the REST API.
const API: [Function; 4] =
    [Function::PaymentInitiator, Function::MessageInitiator, Function::RateQuoter, Function::ShipmentInitiator];
/// At URLs of their own.
const AT_URLS: [Function; 7] = [
    Function::StripeWebhook,
    Function::SendGridWebhook,
    Function::TwilioWebhook,
    Function::PostmarkWebhook,
    Function::FedexWebhook,
    Function::UpsWebhook,
    Function::Unsubscriber,
];
/// Events for each function in a run of the tests.
const EVENTS: usize = 400;
/// Events for each function that are as they should be but for one part.
const NEARLY_GOOD: usize = 300;

/// Any character: of each byte, of HTTP's and JSON's own, and of all of Unicode.
fn character(rng: &mut Rng) -> char {
    match rng.u8(0..6) {
        0 => char::from(rng.u8(..)),
        1 => *rng
            .choice(&[' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}', '%', '#', '?', '&', '=', '+', ';', ',', '/'])
            .unwrap(),
        2 => *rng
            .choice(&['\0', '\r', '\n', '\t', '\u{7f}', '\u{80}', '\u{202e}', '\u{2028}', '\u{feff}', '\u{fffd}'])
            .unwrap(),
        3 => rng.char(..),
        _ => rng.alphanumeric(),
    }
}

fn text(rng: &mut Rng) -> String {
    match rng.u8(0..12) {
        0 => String::new(),
        1 => (*rng
            .choice(&["%", "%z", "%zz", "%00", "%ff", "%C3%28", "%2e%2e/", "..", "//", "null", "-1", "[", "{}"])
            .unwrap())
        .to_owned(),
        2 => "x".repeat(rng.usize(0..20_000)),
        _ => {
            let length = rng.usize(0..24);
            (0..length).map(|_| character(rng)).collect()
        }
    }
}

/// Anything that JSON can say.
fn anything(rng: &mut Rng) -> Value {
    match rng.u8(0..8) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 => json!([text(rng)]),
        4 => json!({ text(rng): text(rng) }),
        _ => json!(text(rng)),
    }
}

/// One time in so many, a text that is anything; else one of these.
fn mostly(good: &[&str], one_in: u8, rng: &mut Rng) -> String {
    if rng.u8(0..one_in) == 0 { text(rng) } else { (*rng.choice(good).unwrap()).to_owned() }
}

/// The same with one part taken away or replaced, however deep.
fn spoil(value: &mut Value, rng: &mut Rng) {
    let deeper = rng.u8(0..3) > 0;
    match value {
        Value::Object(members) if !members.is_empty() && deeper => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = rng.choice(&names).unwrap();
            match rng.u8(0..6) {
                0 => drop(members.remove(name)),
                1 => drop(members.insert(text(rng), anything(rng))),
                _ => spoil(members.get_mut(name).unwrap(), rng),
            }
        }
        Value::Array(items) if !items.is_empty() && deeper => {
            let at = rng.usize(0..items.len());
            spoil(&mut items[at], rng);
        }
        other => *other = anything(rng),
    }
}

fn method(rng: &mut Rng) -> Value {
    json!(mostly(
        &["POST", "POST", "POST", "POST", "GET", "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "post", "X-Y"],
        40,
        rng
    ))
}

/// The routes of a function.
fn routes(function: Function) -> Vec<&'static str> {
    let starts: &[&str] = match function {
        Function::PaymentInitiator => &["/payments", "/customers", "/orders"],
        Function::MessageInitiator => &["/messages", "/campaigns", "/contacts"],
        Function::RateQuoter => &["/rates", "/addresses", "/tracking"],
        Function::ShipmentInitiator => &["/shipments", "/pickups"],
        Function::Unsubscriber => &["/unsubscribe"],
        Function::UpsWebhook => &["/oauth", "/"],
        _ => return vec!["/"],
    };
    let all = crossdock::lambda::http::ROUTES.iter().copied();
    all.filter(|route| starts.iter().any(|start| route.starts_with(start))).collect()
}

fn path(function: Function, rng: &mut Rng) -> String {
    let ids = [
        "o-1",
        "c-1",
        "pay_36C50M6EEE39KWHNWQWYHHGDVH",
        "msg_1",
        "ups",
        "1Z5338FF0107231059",
        "%2e%2e",
        "%00",
        "a%20b",
        "con_1.x",
    ];
    let route = *rng.choice(&routes(function)).unwrap();
    let parts = route.split('/').map(|part| if part.starts_with('{') { mostly(&ids, 8, rng) } else { part.to_owned() });
    let path = parts.collect::<Vec<_>>().join("/");
    mostly(&[&path], 30, rng)
}

/// What every program sends, and something odd beside it.
fn headers(rng: &mut Rng) -> Vec<(String, String)> {
    let names = [
        "idempotency-key",
        "x-correlation-id",
        "authorization",
        "stripe-signature",
        "x-twilio-signature",
        "x-twilio-email-event-webhook-signature",
        "x-twilio-email-event-webhook-timestamp",
        "fdx-signature",
        "credential",
        "x-forwarded-proto",
        "x-forwarded-port",
        "cookie",
        "content-length",
        "transfer-encoding",
        "host",
        "content-type",
    ];
    let values = ["Basic dTpw", "Basic %", "Bearer x", "t=1,v1=00", "key-1", "https", "\u{a0}"];
    let media = ["application/json", "application/json", "application/json", "application/x-www-form-urlencoded"];
    let mut headers = vec![
        ("host".to_owned(), mostly(&["u.lambda-url.eu-north-1.on.aws"], 40, rng)),
        ("content-type".to_owned(), mostly(&media, 20, rng)),
        ("idempotency-key".to_owned(), mostly(&["k-1", "k-2"], 20, rng)),
    ];
    for _ in 0..rng.usize(0..3) {
        headers.push((mostly(&names, 40, rng), mostly(&values, 10, rng)));
    }
    headers
}

fn query(rng: &mut Rng) -> Vec<(String, String)> {
    (0..rng.usize(0..3))
        .map(|_| (mostly(&["limit", "cursor", "a"], 10, rng), mostly(&["1", "%20", "x"], 10, rng)))
        .collect()
}

fn body(rng: &mut Rng) -> Value {
    let good = [
        payment("o-1"),
        confirmed_payment("o-1", "pm_card_visa"),
        json!({ "channel": "email", "kind": "welcome", "to": "ada@example.com" }),
        json!({ "channel": "sms", "kind": "two_factor_code", "to": "+61412345678", "data": { "code": "1234" } }),
        json!({ "name": "Spring", "recipients": [{ "email": "a@example.com", "name": "A" }], "data": { "subject": "x", "text": "y" } }),
        json!({ "channel": "email", "address": "a@example.com", "marketing": true, "proof": { "source": "x", "at": "2024-01-01T00:00:00Z" } }),
        shipping::consignment(),
        shipping::shipment("o-1", "ups", "03"),
        json!({ "id": "c-1", "email": "ada@example.com" }),
    ];
    match rng.u8(0..6) {
        0 => Value::Null,
        1 => json!(text(rng)),
        2 => json!("Body=STOP&From=%2B1&MessageSid=SM1&%=%&&=".to_owned() + &text(rng)),
        _ => {
            let mut body = rng.choice(&good).unwrap().clone();
            spoil(&mut body, rng);
            json!(body.to_string())
        }
    }
}

/// As API Gateway's REST API hands a request over. (docs.aws.amazon.com: "Set up Lambda proxy integrations", input format.)
fn api_event(function: Function, rng: &mut Rng) -> Value {
    let path = path(function, rng);
    let (headers, query) = (headers(rng), query(rng));
    let single = |pairs: &[(String, String)]| pairs.iter().cloned().map(|(k, v)| (k, json!(v))).collect::<Map<_, _>>();
    let many = |pairs: &[(String, String)]| {
        pairs.iter().cloned().map(|(k, v)| (k, json!([v.clone(), v]))).collect::<Map<_, _>>()
    };
    let or_null = |map: Map<String, Value>| if map.is_empty() { Value::Null } else { Value::Object(map) };
    json!({
        "resource": path, "path": path, "httpMethod": method(rng),
        "headers": or_null(single(&headers)), "multiValueHeaders": or_null(many(&headers)),
        "queryStringParameters": or_null(single(&query)), "multiValueQueryStringParameters": or_null(many(&query)),
        "pathParameters": null, "stageVariables": null, "body": body(rng), "isBase64Encoded": rng.u8(0..20) == 0,
        "requestContext": {
            "accountId": "1", "apiId": "a", "stage": "prod", "requestId": "r", "resourcePath": path, "httpMethod": "POST",
            "domainName": "a.execute-api.eu-north-1.amazonaws.com", "protocol": "HTTP/1.1", "requestTimeEpoch": 1_777_888_800_000_i64,
            "identity": { "sourceIp": "192.0.2.1", "userAgent": text(rng), "userArn": "arn:aws:iam::1:role/shop", "accountId": "1" },
        },
    })
}

/// As a function URL hands a request over. (docs.aws.amazon.com: "Invoking Lambda function URLs", payload format 2.0.)
fn url_event(function: Function, rng: &mut Rng) -> Value {
    let path = path(function, rng);
    let headers: Map<String, Value> = headers(rng).into_iter().map(|(k, v)| (k, json!(v))).collect();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": mostly(&["", "", "a=1", "s=x&k=%20&bodySHA256=00"], 12, rng), "headers": headers,
        "cookies": [mostly(&["a=b"], 10, rng)], "queryStringParameters": { text(rng): text(rng) },
        "requestContext": {
            "accountId": "anonymous", "apiId": "u", "domainName": "u.lambda-url.eu-north-1.on.aws", "domainPrefix": "u",
            "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "04/May/2026:10:00:00 +0000",
            "timeEpoch": 1_777_888_800_000_i64,
            "http": { "method": method(rng), "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": text(rng) },
        },
        "body": body(rng), "isBase64Encoded": rng.u8(0..20) == 0,
    })
}

/// Hands the event over, and says what is wrong with what becomes of it.
async fn wrong(universe: &mut Universe, function: Function, event: &[u8]) -> Option<String> {
    let Some(answer) = universe.event(function, event.to_vec()).await else {
        return Some(format!("{function:?} ends with an error at {}", String::from_utf8_lossy(event)));
    };
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    let is_an_answer = answer["headers"].is_object() && answer["body"].is_string();
    let is_fine = (200..500).contains(&status) && is_an_answer;
    (!is_fine).then(|| format!("{function:?} answers {answer} to {}", String::from_utf8_lossy(event)))
}

async fn all_are_answered(functions: &[Function], event: fn(Function, &mut Rng) -> Value) {
    for function in functions {
        for (spoils, events) in [(false, EVENTS), (true, NEARLY_GOOD)] {
            let mut universe = Universe::new(1);
            universe.keeps_instances = true;
            for seed in 0..events {
                let mut rng = Rng::with_seed(seed as u64);
                let mut event = event(*function, &mut rng);
                if spoils {
                    spoil(&mut event, &mut rng);
                }
                let wrong = wrong(&mut universe, *function, event.to_string().as_bytes()).await;
                assert_eq!(wrong, None, "seed {seed}, spoiled {spoils}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_event_of_the_api_ends_an_invocation_with_an_error() {
    all_are_answered(&API, api_event).await;
}

#[tokio::test(start_paused = true)]
async fn no_event_of_a_functions_own_url_ends_an_invocation_with_an_error() {
    all_are_answered(&AT_URLS, url_event).await;
}

#[tokio::test(start_paused = true)]
async fn every_byte_in_each_part_of_a_request_is_answered() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    for byte in 0..=255_u8 {
        let odd = format!("a{}b", char::from(byte));
        for part in [
            "/rawPath",
            "/rawQueryString",
            "/headers/x-odd",
            "/headers/host",
            "/cookies/0",
            "/body",
            "/requestContext/http/method",
        ] {
            let mut event = url_event(Function::UpsWebhook, &mut Rng::with_seed(0));
            event["headers"] = json!({ "host": "u.lambda-url.eu-north-1.on.aws", "x-odd": "a" });
            event["cookies"] = json!(["a"]);
            *event.pointer_mut(part).unwrap() = json!(odd);
            for function in [Function::StripeWebhook, Function::UpsWebhook, Function::Unsubscriber] {
                assert_eq!(
                    wrong(&mut universe, function, event.to_string().as_bytes()).await,
                    None,
                    "{byte:#x} {part}"
                );
            }
        }
        for part in [
            "/path",
            "/headers/x-odd",
            "/multiValueHeaders/x-odd/0",
            "/queryStringParameters/a",
            "/body",
            "/httpMethod",
        ] {
            let mut event = api_event(Function::PaymentInitiator, &mut Rng::with_seed(0));
            event["headers"] = json!({ "content-type": "application/json", "x-odd": "a" });
            event["multiValueHeaders"] = json!({ "content-type": ["application/json"], "x-odd": ["a"] });
            event["queryStringParameters"] = json!({ "a": "a" });
            *event.pointer_mut(part).unwrap() = json!(odd);
            assert_eq!(
                wrong(&mut universe, Function::PaymentInitiator, event.to_string().as_bytes()).await,
                None,
                "{byte:#x} {part}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_surrogate_pair_is_answered() {
    let mut universe = Universe::new(1);
    let event = url_event(Function::UpsWebhook, &mut Rng::with_seed(0)).to_string().replacen(
        "\"rawPath\":\"",
        r#""rawPath":"\ud800"#,
        1,
    );
    assert_eq!(wrong(&mut universe, Function::TwilioWebhook, event.as_bytes()).await, None);
}
