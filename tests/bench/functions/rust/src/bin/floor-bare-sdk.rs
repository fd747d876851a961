//! What stripe-webhook sends to AWS, and nothing else of it: no verification, no secret, no log, no metric. The AWS
//! SDK has the same features, credentials, HTTP client and roots as in our functions.

#![expect(clippy::disallowed_methods, reason = "a floor stands outside of the crate, and reads its own environment")]

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_sdk_sqs::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let variable = std::env::var;
    let credentials = Credentials::from_keys(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN").ok(),
    );
    let mut config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(credentials)
        .http_client(Connector(client()?))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL").ok());
    let (sqs, queue) = (aws_sdk_sqs::Client::from_conf(config.build()), variable("INBOUND_EVENTS_QUEUE_URL")?);
    let (sqs, queue) = (&sqs, queue.as_str());
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let text = |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build();
        sqs.send_message()
            .queue_url(queue)
            .message_body(event.payload["body"].as_str().unwrap_or_default())
            .message_attributes("type", text("stripe")?)
            .message_attributes("correlation", text(&event.context.request_id)?)
            .send()
            .await?;
        Ok::<_, Error>(json!({ "statusCode": 200 }))
    }))
    .await
}

/// The HTTP client of our functions: reqwest, rustls with ring, embedded roots.
fn client() -> Result<reqwest::Client, Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

/// reqwest in the SDK's shape.
#[derive(Clone, Debug)]
struct Connector(reqwest::Client);

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.bytes().map(bytes::Bytes::copy_from_slice).unwrap_or_default();
            let request = http::Request::from_parts(parts, reqwest::Body::from(body));
            let request = reqwest::Request::try_from(request).map_err(|e| ConnectorError::user(e.into()))?;
            let answer = client.execute(request).await.map_err(|e| ConnectorError::io(e.into()))?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.bytes().await.map_err(|e| ConnectorError::io(e.into()))?;
            let mut response = http::Response::new(SdkBody::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}
