//! From Lambda's event to a request and back. Each function says what triggers it, so its events are parsed once.
//! `lambda_http` alone tries one kind of event after the other and reads an event of 5 kB four times.
//!
//! `lambda_http` turns events into requests. Its own runner is not used: it can answer in any charset, and its tables
//! add 100 kB to each zip. All our answers are JSON.

use futures_util::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, RequestExt as _};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Value, json};

use super::{HttpFunction, respond};
use crate::world::World;

/// Runs a function behind the REST API until Lambda ends the process.
pub async fn run<F: HttpFunction + Sync>(function: F, world: World) -> Result<(), lambda_runtime::Error> {
    serve(&function, &world, LambdaRequest::ApiGatewayV1).await
}

/// Runs a function at a URL of its own until Lambda ends the process.
#[cfg(feature = "function-url")]
pub async fn run_at_url<F: HttpFunction + Sync>(function: F, world: World) -> Result<(), lambda_runtime::Error> {
    serve(&function, &world, LambdaRequest::ApiGatewayV2).await
}

async fn serve<F: HttpFunction + Sync, E: DeserializeOwned>(
    function: &F,
    world: &World,
    kind: fn(E) -> LambdaRequest,
) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Payload<E>>| async move {
        let request = lambda_http::Request::from(kind(event.payload.0)).with_lambda_context(event.context);
        let response: BoxFuture<'_, http::Response<Body>> = Box::pin(respond(function, request, world));
        Ok::<_, lambda_runtime::Error>(on_the_wire(&response.await))
    }))
    .await
}

/// An event. If it cannot be read, the reason is not passed on: serde's message may quote personal data from it.
struct Payload<E>(E);

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Payload<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = E::deserialize(deserializer).map(Self);
        event.map_err(|_| D::Error::custom("this is not what the function's trigger sends"))
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
