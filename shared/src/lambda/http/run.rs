//! From Lambda's event to a request and back. Each function says what triggers it, so its events are parsed once.
//! `lambda_http` alone tries one kind of event after the other and reads an event of 5 kB four times.
//!
//! `lambda_http` turns events into requests. Its own runner is not used: it can answer in any charset, and its tables
//! add 100 kB to each zip. All our answers are JSON.

use std::panic::AssertUnwindSafe;

use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, RequestExt as _};
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

#[cfg(feature = "function-url")]
use super::Door;
use super::{HttpFunction, no_request, respond};
use crate::world::World;

/// Runs a function behind the REST API until Lambda ends the process.
pub async fn run<F: HttpFunction + Sync>(function: F, world: World) -> Result<(), lambda_runtime::Error> {
    Box::pin(serve(&function, &world, LambdaRequest::ApiGatewayV1)).await
}

/// Runs a function at its door until Lambda ends the process: a URL of its own, or a REST API. Which, the deployment has decided
/// (template.yaml, ReceiverDoor), so nothing is tried out with each event.
#[cfg(feature = "function-url")]
pub async fn run_at_door<F: HttpFunction + Sync>(
    function: F,
    door: Door,
    world: World,
) -> Result<(), lambda_runtime::Error> {
    match door {
        Door::Url => Box::pin(serve(&function, &world, LambdaRequest::ApiGatewayV2)).await,
        Door::Api => Box::pin(serve(&function, &world, LambdaRequest::ApiGatewayV1)).await,
    }
}

/// Runs a function that is behind the REST API and at a URL of its own as well until Lambda ends the process.
#[cfg(feature = "function-url")]
pub async fn run_at_both<F: HttpFunction + Sync>(function: F, world: World) -> Result<(), lambda_runtime::Error> {
    Box::pin(serve(&function, &world, |either: Either| either.0)).await
}

/// An event of either kind. Only a function URL's says that it is of version 2.
#[cfg(feature = "function-url")]
struct Either(LambdaRequest);

#[cfg(feature = "function-url")]
impl<'de> Deserialize<'de> for Either {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        let read = if event["version"] == "2.0" {
            serde_json::from_value(event).map(LambdaRequest::ApiGatewayV2)
        } else {
            serde_json::from_value(event).map(LambdaRequest::ApiGatewayV1)
        };
        read.map(Self).map_err(D::Error::custom)
    }
}

/// One event of the REST API to its answer, both as Lambda hands them over. For tests: it is what [`run`] does of each.
pub async fn answer_api_event<F: HttpFunction + Sync>(
    function: &F,
    world: &World,
    event: &[u8],
    context: Context,
) -> Option<Value> {
    answer_event(function, world, event, context, LambdaRequest::ApiGatewayV1).await
}

/// The same for a function at a URL of its own: what [`run_at_door`] does of each event there.
#[cfg(feature = "function-url")]
pub async fn answer_url_event<F: HttpFunction + Sync>(
    function: &F,
    world: &World,
    event: &[u8],
    context: Context,
) -> Option<Value> {
    answer_event(function, world, event, context, LambdaRequest::ApiGatewayV2).await
}

/// `None` where the invocation would end with an error.
async fn answer_event<F: HttpFunction + Sync, E: DeserializeOwned>(
    function: &F,
    world: &World,
    event: &[u8],
    context: Context,
    kind: fn(E) -> LambdaRequest,
) -> Option<Value> {
    // As lambda_runtime reads it.
    let payload: Payload<E> =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(event)).ok()?;
    Some(answered(function, world, LambdaEvent::new(payload.0.map(kind), context)).await)
}

async fn serve<F: HttpFunction + Sync, E: DeserializeOwned>(
    function: &F,
    world: &World,
    kind: fn(E) -> LambdaRequest,
) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Payload<E>>| async move {
        let event = LambdaEvent::new(event.payload.0.map(kind), event.context);
        Ok::<_, lambda_runtime::Error>(answered(function, world, event).await)
    }))
    .await
}

/// One event to one answer.
async fn answered<F: HttpFunction + Sync>(
    function: &F,
    world: &World,
    event: LambdaEvent<Option<LambdaRequest>>,
) -> Value {
    let LambdaEvent { payload, context, .. } = event;
    let response = match payload.and_then(request_of) {
        Some(request) => {
            let responding: BoxFuture<'_, http::Response<Body>> =
                Box::pin(respond(function, request.with_lambda_context(context), world));
            responding.await
        }
        None => no_request(world),
    };
    on_the_wire(&response)
}

/// The event as a request; `None` for what HTTP knows no request for. A function URL hands on a query with a blank as it came,
/// and `lambda_http` panics on it. (awslabs/aws-lambda-rust-runtime issues 461 and 489.)
fn request_of(event: LambdaRequest) -> Option<lambda_http::Request> {
    std::panic::catch_unwind(AssertUnwindSafe(|| lambda_http::Request::from(event))).ok()
}

/// An event; none where it cannot be read. Header fields are the sender's, and some that HTTP/1.1 lets through are no header
/// fields for `http`: whoever sends one is told so, and does not end the invocation with an error. What is wrong is not passed
/// on: serde's message may quote personal data from the event.
struct Payload<E>(Option<E>);

impl<'de, E: DeserializeOwned> Deserialize<'de> for Payload<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // First to its end as JSON: an event that is left in the middle could not be answered.
        let event = Box::<RawValue>::deserialize(deserializer);
        let event = event.map_err(|_| D::Error::custom("this is not JSON"))?;
        Ok(Self(serde_json::from_str(event.get()).ok()))
    }
}

/// The answer in the form that API Gateway and function URLs share.
fn on_the_wire(response: &http::Response<Body>) -> Value {
    let headers = response.headers().iter();
    let headers: Map<String, Value> =
        headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into()))).collect();
    let body = if let Body::Text(text) = response.body() { text.as_str() } else { "" };
    json!({ "statusCode": response.status().as_u16(), "headers": headers, "body": body, "isBase64Encoded": false })
}

#[cfg(test)]
#[cfg(feature = "function-url")]
mod tests {
    use super::super::{Answer, ApiRequest};
    use super::*;
    use crate::error::Result;

    struct Hears;

    impl HttpFunction for Hears {
        const NAME: &str = "health";

        async fn handle(&self, request: ApiRequest) -> Result<Answer> {
            Ok(Answer::new(200, json!({ "query": request.query, "url": request.url, "segments": request.segments })))
        }
    }

    async fn status_of(event: LambdaRequest) -> (Value, String) {
        let world = World::real().expect("a world");
        let answer = answered(&Hears, &world, LambdaEvent::new(Some(event), Context::default())).await;
        (answer["statusCode"].clone(), answer["body"].to_string())
    }

    fn at_url(path: &str, query: &str) -> LambdaRequest {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "host": "url-id.lambda-url.eu-north-1.on.aws", "content-type": "application/json" },
            "requestContext": {
                "accountId": "anonymous", "apiId": "url-id", "domainName": "url-id.lambda-url.eu-north-1.on.aws",
                "domainPrefix": "url-id", "requestId": "r", "routeKey": "$default", "stage": "$default",
                "time": "04/May/2026:10:00:00 +0000", "timeEpoch": 1_777_888_800_000_i64,
                "http": { "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x" },
            },
            "body": "{}", "isBase64Encoded": false,
        });
        LambdaRequest::ApiGatewayV2(serde_json::from_value(event).expect("an event"))
    }

    /// A callback of Twilio's at a REST API, whose event says this host and this path of the caller's.
    fn at_api(domain: &str, path: &str, query: &[(&str, &str)]) -> Value {
        let query: std::collections::BTreeMap<_, _> = query.iter().map(|(name, value)| (*name, vec![*value])).collect();
        json!({
            "resource": "/twilio", "path": "/twilio", "httpMethod": "POST", "isBase64Encoded": true, "body": "e30=",
            "headers": { "Host": domain, "content-type": "application/json" },
            "multiValueHeaders": { "Host": [domain], "content-type": ["application/json"] },
            "queryStringParameters": null, "multiValueQueryStringParameters": query,
            "pathParameters": null, "stageVariables": null,
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": domain, "path": path, "stage": "v1", "resourcePath": "/twilio",
                "httpMethod": "POST", "protocol": "HTTP/1.1", "requestId": "r", "resourceId": "r", "identity": {},
                "requestTimeEpoch": 1_777_888_800_000_i64,
            },
        })
    }

    async fn said(event: LambdaRequest) -> Value {
        let world = World::real().expect("a world");
        let answer = answered(&Hears, &world, LambdaEvent::new(Some(event), Context::default())).await;
        serde_json::from_str(answer["body"].as_str().unwrap_or_default()).expect("JSON")
    }

    /// What a vendor signs is the URL that it was given: with the stage, or behind a domain of the shop's own without it.
    #[tokio::test]
    async fn a_url_behind_a_rest_api_is_the_one_that_the_caller_wrote() {
        for (domain, path) in
            [("a1.execute-api.eu-north-1.amazonaws.com", "/v1/twilio"), ("hooks.shop.example", "/twilio")]
        {
            for query in [&[][..], &[("crossdock", "stack-1_a.b~int_2")]] {
                let Either(event) = serde_json::from_value(at_api(domain, path, query)).expect("an event");
                let said = said(event).await;
                let suffix = query.first().map(|(name, value)| format!("?{name}={value}")).unwrap_or_default();
                assert_eq!(said["url"], format!("https://{domain}{path}{suffix}"));
                assert_eq!(said["segments"], json!(["twilio"]));
            }
        }
    }

    #[tokio::test]
    async fn who_is_at_both_doors_tells_the_events_apart() {
        let LambdaRequest::ApiGatewayV2(event) = at_url("/unsubscribe/x", "") else { panic!("an event of a URL") };
        let event = serde_json::to_value(event).expect("JSON");
        let Either(at_url) = serde_json::from_value(event).expect("an event");
        assert!(matches!(at_url, LambdaRequest::ApiGatewayV2(_)));
        let Either(at_api) = serde_json::from_value(at_api("a.example", "/v1/twilio", &[])).expect("an event");
        assert!(matches!(at_api, LambdaRequest::ApiGatewayV1(_)));
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_ends_nothing() {
        for (path, query) in [
            ("/", "campaign=spring sale"),
            ("/", "a=\"b\""),
            ("/", "a=<b>"),
            ("/", "a=\u{fc}\u{1}"),
            ("/a b", ""),
            ("/\u{7f}", "a=b"),
        ] {
            let (status, body) = status_of(at_url(path, query)).await;
            let status = status.as_u64().unwrap_or_default();
            assert!((200..500).contains(&status), "{path}?{query}: {status} {body}");
        }
        let (status, body) = status_of(at_url("/", "campaign=spring sale")).await;
        assert!(status == 400 && body.contains("bad_request") && body.contains("correlation_id"), "{status} {body}");
        assert_eq!(status_of(at_url("/", "campaign=spring%20sale")).await.0, 200);
    }
}
