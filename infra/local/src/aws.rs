//! HTTP to the emulator, signed as AWS wants it (Signature Version 4).

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

/// The region that everything runs in.
pub const REGION: &str = "us-east-1";
/// The emulator's administrator; it accepts these, and no other, without a user.
pub const ACCESS_KEY: &str = "test";
/// The administrator's secret key.
pub const SECRET_KEY: &str = "test";

/// Longest wait for one answer. API Gateway itself gives up after 29 s; the emulator does not, and on a machine where
/// others compile an answer may take that long.
const ANSWER_WITHIN: Duration = Duration::from_mins(5);

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header field as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The emulator on its loopback port.
#[derive(Clone, Debug)]
pub(crate) struct Aws {
    http: reqwest::Client,
    port: u16,
}

impl Aws {
    /// Names the emulator on `port`; nothing is sent yet.
    pub(crate) fn at(port: u16) -> Result<Self> {
        Ok(Self { http: loopback_client()?, port })
    }

    /// The endpoint URL for AWS clients.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Calls a service that speaks JSON with `x-amz-target`. Gives its answer, or an error with what it said.
    pub(crate) async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let version = if matches!(service, "dynamodb" | "sqs") { "1.0" } else { "1.1" };
        let content_type = format!("application/x-amz-json-{version}");
        let headers = [("content-type", content_type.as_str()), ("x-amz-target", target)];
        let answer = self.signed(service, Method::POST, None, "/", &headers, body.to_string().into()).await?;
        answer.must_be_ok(target)?;
        Ok(answer.json())
    }

    /// Sends a signed request. `host` is the virtual host that the emulator routes by; its own address when none.
    pub(crate) async fn signed(
        &self,
        service: &str,
        method: Method,
        host: Option<&str>,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let mut request = self.request(method, host, path, headers, body)?;
        sign_request(&mut request, service, SystemTime::now())?;
        self.send(request).await
    }

    /// Sends a request without a signature.
    pub(crate) async fn unsigned(
        &self,
        method: Method,
        host: Option<&str>,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let request = self.request(method, host, path, headers, body)?;
        self.send(request).await
    }

    fn request(
        &self,
        method: Method,
        host: Option<&str>,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<http::Request<Bytes>> {
        let host = host.map_or_else(|| format!("127.0.0.1:{}", self.port), str::to_owned);
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.endpoint()));
        request = request.header("host", host);
        for (name, value) in headers {
            request = request.header(HeaderName::try_from(*name)?, HeaderValue::try_from(*value)?);
        }
        Ok(request.body(body)?)
    }

    async fn send(&self, request: http::Request<Bytes>) -> Result<Answer> {
        let response = self.http.execute(request.try_into()?).await.context("the emulator does not answer")?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await? })
    }
}

impl Answer {
    /// An error with the body's text, unless the status is 2xx.
    pub(crate) fn must_be_ok(&self, what: &str) -> Result<()> {
        if !self.status.is_success() {
            bail!("{what} was answered {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        Ok(())
    }
}

/// Adds the signature's header fields to a request that has a `host` field.
fn sign_request(request: &mut http::Request<Bytes>, service: &str, now: SystemTime) -> Result<()> {
    let identity = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "local stack").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    let body = SignableBody::Bytes(request.body());
    let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body)?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

/// A client for plain HTTP on loopback: no proxy, and a TLS configuration that trusts nobody, so that none is looked
/// for on this machine.
pub(crate) fn loopback_client() -> Result<reqwest::Client> {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).tls_backend_preconfigured(tls);
    Ok(client.build()?)
}

/// A TCP port on loopback that is free now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_the_host_that_the_request_is_routed_by() {
        let signature = |host: &str| {
            let mut request = http::Request::builder()
                .method("GET")
                .uri("http://127.0.0.1:4566/v1/orders/o-1")
                .header("host", host)
                .body(Bytes::new())
                .unwrap();
            sign_request(&mut request, "execute-api", SystemTime::UNIX_EPOCH).unwrap();
            request.headers()["authorization"].to_str().unwrap().to_owned()
        };
        let one = signature("aaaaaaaa.execute-api.localhost:4566");
        assert!(one.contains("/us-east-1/execute-api/aws4_request"), "{one}");
        assert!(one.contains("SignedHeaders=host;x-amz-date"), "{one}");
        assert_ne!(one, signature("bbbbbbbb.execute-api.localhost:4566"));
    }

    #[test]
    fn a_free_port_can_be_taken() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    }

    #[test]
    fn the_loopback_client_needs_no_certificates_of_this_machine() {
        assert!(loopback_client().is_ok());
    }
}
