//! HTTP in and out, the same for every function: size limits, headers, correlation ids, problem documents and one log
//! line. A panic affects only its own request.

mod route;
mod run;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt as _};
use lambda_runtime::Context;
use serde_json::Value;

use super::measure;
use super::problem::problem;
use crate::domain::{Correlation, Private, Timestamp};
use crate::effects::{Lease, owner};
use crate::error::{Error, Result};
use crate::gateway::Lane;
use crate::telemetry::fields;
use crate::world::World;

pub use route::{NO_ROUTE, ROUTES};
pub use run::{answer_api_event, run};
#[cfg(feature = "function-url")]
pub use run::{answer_url_event, run_at_both, run_at_door};

/// The largest request body of the API, in bytes: our largest valid request has about 30 kB.
const BODY_MAX_BYTES: usize = 64 * 1024;
/// What is kept of a caller's ARN, in characters: a role's session has at most 250.
const CALLER_MAX_CHARS: usize = 512;
/// The longest Idempotency-Key.
const KEY_MAX_CHARS: usize = 255;
/// Time for one HTTP request, with its calls to vendors. API Gateway waits 29 s.
const REQUEST_BUDGET: Duration = Duration::from_secs(20);

/// A request, as handlers see it.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The path's segments, decoded.
    pub segments: Vec<String>,
    /// The path as it came, without stage and query.
    pub path: String,
    /// The URL as the sender wrote it: scheme, host, path and query, not decoded. The host is reliable only for a
    /// function URL.
    pub url: String,
    /// The query's parameters, decoded. If one is given twice, the last one counts.
    pub query: BTreeMap<String, String>,
    /// Header names are lower case here, whatever the sender wrote.
    pub headers: HeaderMap,
    /// The body's bytes, base64 undone.
    pub body: Bytes,
    /// The correlation id of everything that this request causes.
    pub correlation: Correlation,
    /// The ARN of the AWS identity that signed the request; none at a function's own URL, and where no signature is needed.
    pub caller: Option<Private<String>>,
    /// Lambda's id of the invocation.
    pub request_id: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
}

impl ApiRequest {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, which must be declared as JSON.
    ///
    /// # Errors
    /// 413 `body_too_large`, 415 `unsupported_media_type`.
    pub fn json_body(&self) -> Result<&[u8]> {
        self.json_body_within(BODY_MAX_BYTES)
    }

    /// The same with another limit, in bytes.
    ///
    /// # Errors
    /// 413 `body_too_large`, 415 `unsupported_media_type`.
    pub fn json_body_within(&self, max_bytes: usize) -> Result<&[u8]> {
        if self.body.len() > max_bytes {
            let detail = format!("The body is larger than {} KiB.", max_bytes / 1024);
            return Err(Error::rejected(413, "body_too_large", detail));
        }
        let media_type = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Error::rejected(415, "unsupported_media_type", "The Content-Type must be application/json."));
        }
        Ok(&self.body)
    }

    /// The Idempotency-Key, if there is one.
    ///
    /// # Errors
    /// 400 `invalid_idempotency_key`.
    pub fn idempotency_key(&self) -> Result<Option<String>> {
        let Some(value) = self.headers.get("idempotency-key") else { return Ok(None) };
        let key = value
            .to_str()
            .ok()
            .filter(|key| (1..=KEY_MAX_CHARS).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b)));
        let detail = "The Idempotency-Key must be 1 to 255 printable ASCII characters.";
        key.map(|key| Some(key.to_owned())).ok_or_else(|| Error::rejected(400, "invalid_idempotency_key", detail))
    }

    /// The Idempotency-Key of a call that must have one.
    ///
    /// # Errors
    /// 400 `idempotency_key_required`, `invalid_idempotency_key`.
    pub fn required_idempotency_key(&self) -> Result<String> {
        let detail = "This call needs an Idempotency-Key header.";
        self.idempotency_key()?.ok_or_else(|| Error::rejected(400, "idempotency_key_required", detail))
    }

    /// The lease of what this request claims.
    pub fn lease(&self) -> Lease {
        let call_by = self.received_at.plus(REQUEST_BUDGET).min(self.deadline.minus(crate::effects::TAIL_TIME));
        Lease {
            owner: owner(&self.request_id, "http"),
            call_by,
            lane: Lane::Interactive,
            asked_by: self.caller.clone(),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
    /// Whether it repeats an earlier answer.
    pub replayed: bool,
    /// A page for a browser; the body is empty then.
    pub page: Option<&'static str>,
}

impl Answer {
    /// An answer of this request's own.
    pub const fn new(status: u16, body: Value) -> Self {
        Self { status, body, replayed: false, page: None }
    }

    /// A refusal as an answer that can be stored for repeats: the document without its correlation id.
    pub fn problem(error: &Error) -> Self {
        let (status, document, _) = problem(error);
        Self::new(status, document)
    }

    /// A page for a person.
    pub const fn page(status: u16, html: &'static str) -> Self {
        Self { status, body: Value::Null, replayed: false, page: Some(html) }
    }

    /// The same, marked as a repeat.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self { replayed: true, ..self }
    }
}

/// A function behind HTTP.
pub trait HttpFunction {
    /// The function's name, in metrics.
    const NAME: &str;

    /// Answers one request.
    fn handle(&self, request: ApiRequest) -> impl Future<Output = Result<Answer>> + Send;
}

/// 404 for a path that no handler knows.
pub fn no_such_route() -> Error {
    Error::rejected(404, "not_found", "There is nothing at this path.")
}

/// One request to one response: everything between Lambda's event and the handler.
pub async fn respond<F: HttpFunction>(
    function: &F,
    request: lambda_http::Request,
    world: &World,
) -> http::Response<Body> {
    let received_at = world.now();
    let request = api_request(request, world, received_at);
    let (method, route) = (named(&request.method), route::route(&request.segments));
    let correlation = request.correlation.clone();
    let handled = AssertUnwindSafe(function.handle(request)).catch_unwind().await;
    let result = handled.unwrap_or_else(|_| Err(Error::bug(measure::PANIC, "a handler panicked")));
    let (now, took) = (world.now(), world.now().since(received_at));
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let response = match &result {
        Ok(Answer { status, page: Some(html), .. }) => page_response(*status, html, &correlation),
        // A refusal that repeats an earlier one.
        Ok(answer) if answer.status >= 400 => {
            problem_response(answer.status, answer.body.clone(), None, answer.replayed, &correlation)
        }
        Ok(answer) => {
            json_response(answer.status, "application/json", &answer.body, None, answer.replayed, &correlation)
        }
        Err(error) => {
            log_failure(error, &correlation);
            measure::reason(F::NAME, error, now);
            let (status, document, retry_after) = problem(error);
            problem_response(status, document, retry_after, false, &correlation)
        }
    };
    measure::request(F::NAME, response.status().is_server_error(), took, now);
    tracing::info!(
        { fields::CORRELATION } = correlation.as_str(),
        http.method = method,
        http.route = route,
        http.status = response.status().as_u16(),
        { fields::DURATION_MS } = duration_ms,
        "request answered"
    );
    response
}

/// A method, as the log names it: anybody can call anything a method.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The answer to what is no request at all.
fn no_request(world: &World) -> http::Response<Body> {
    let correlation = Correlation::generate(world.now(), world.rng.next());
    let error =
        Error::rejected(400, "bad_request", "The path, query or a header has characters that HTTP does not allow.");
    log_failure(&error, &correlation);
    let (status, document, retry_after) = problem(&error);
    problem_response(status, document, retry_after, false, &correlation)
}

fn log_failure(error: &Error, correlation: &Correlation) {
    let code = error.code;
    if error.is_rejected() {
        tracing::info!({ fields::CORRELATION } = correlation.as_str(), code, error = %error.chain(), "request refused");
    } else {
        tracing::error!({ fields::CORRELATION } = correlation.as_str(), code, error = %error.chain(), "request failed");
    }
}

fn api_request(request: lambda_http::Request, world: &World, received_at: Timestamp) -> ApiRequest {
    let context: Context = request.lambda_context_ref().cloned().unwrap_or_default();
    let path = request.raw_http_path().to_owned();
    let url = public_url(&request, &path);
    let caller = caller(&request);
    let query = request.query_string_parameters();
    let query = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (parts, body) = request.into_parts();
    let correlation = parts.headers.get("x-correlation-id").and_then(|value| value.to_str().ok());
    let correlation = correlation
        .and_then(Correlation::parse)
        .unwrap_or_else(|| Correlation::generate(received_at, world.rng.next()));
    let deadline = super::deadline(&context);
    let decoded = |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
    ApiRequest {
        method: parts.method,
        segments: path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect(),
        path,
        url,
        query,
        headers: parts.headers,
        body: match body {
            Body::Text(text) => text.into(),
            Body::Binary(bytes) => bytes.into(),
            _ => Bytes::new(),
        },
        correlation,
        caller,
        request_id: context.request_id,
        received_at,
        deadline: deadline.unwrap_or_else(|| received_at.plus(REQUEST_BUDGET)),
    }
}

/// Who signed the request, as API Gateway has found out by the signature.
fn caller(request: &lambda_http::Request) -> Option<Private<String>> {
    let RequestContext::ApiGatewayV1(context) = request.request_context_ref()? else { return None };
    let arn = context.identity.user_arn.as_deref()?;
    // IAM's own names are shorter: 2,048 characters would be an ARN with a path of that length.
    Some(arn.chars().take(CALLER_MAX_CHARS).collect::<String>().into())
}

/// A page that loads nothing and that no other site may put in a frame.
fn page_response(status: u16, html: &'static str, correlation: &Correlation) -> http::Response<Body> {
    let built = http::Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        )
        .header("x-correlation-id", correlation.as_str())
        .body(Body::Text(html.to_owned()));
    built.unwrap_or_else(|_| http::Response::new(Body::Empty))
}

/// Where a receiver's requests come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A URL of the function's own.
    Url,
    /// A REST API.
    Api,
}

/// The function's own URL, read from the request: it is created after the function, so it cannot be a variable. A REST API says
/// the path as its caller wrote it, stage or custom domain included, but the query only decoded: what callers sign there has one
/// parameter of characters that need no encoding.
fn public_url(request: &lambda_http::Request, path: &str) -> String {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    #[cfg(feature = "function-url")]
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref()
        && let Some(domain) = &context.domain_name
    {
        return format!("https://{domain}{path}{query}");
    }
    #[cfg(feature = "function-url")]
    if let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref()
        && let (Some(domain), Some(path)) = (&context.domain_name, &context.path)
    {
        return format!("https://{domain}{path}{}", as_written(&request.query_string_parameters()));
    }
    match (request.uri().scheme_str(), request.uri().authority()) {
        (Some(scheme), Some(host)) => format!("{scheme}://{host}{path}{query}"),
        _ => format!("{path}{query}"),
    }
}

/// What a URL's query needs no encoding for (RFC 3986, section 2.3). `lambda_http` would encode `~` as well.
#[cfg(feature = "function-url")]
const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A query as its writer most likely wrote it.
#[cfg(feature = "function-url")]
fn as_written(query: &lambda_http::aws_lambda_events::query_map::QueryMap) -> String {
    let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, RESERVED).to_string();
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// A problem document with the correlation id of its request.
fn problem_response(
    status: u16,
    mut document: Value,
    retry_after: Option<u64>,
    replayed: bool,
    correlation: &Correlation,
) -> http::Response<Body> {
    document["correlation_id"] = correlation.as_str().into();
    json_response(status, "application/problem+json", &document, retry_after, replayed, correlation)
}

fn json_response(
    status: u16,
    media_type: &str,
    body: &Value,
    retry_after: Option<u64>,
    replayed: bool,
    correlation: &Correlation,
) -> http::Response<Body> {
    let mut builder = http::Response::builder()
        .status(status)
        .header(header::CACHE_CONTROL, "no-store")
        .header("x-correlation-id", correlation.as_str());
    // What says nothing has no type: a vendor that looks for one would complain of it.
    if status != http::StatusCode::NO_CONTENT {
        builder = builder.header(header::CONTENT_TYPE, media_type);
    }
    if status == http::StatusCode::UNAUTHORIZED {
        builder = builder.header(header::WWW_AUTHENTICATE, "Basic");
    }
    // RFC 9110, 15.5.6: which methods there are. Only receivers of webhooks say so, and they take one.
    if status == http::StatusCode::METHOD_NOT_ALLOWED {
        builder = builder.header(header::ALLOW, "POST");
    }
    if let Some(seconds) = retry_after {
        builder = builder.header(header::RETRY_AFTER, seconds);
    }
    if replayed {
        builder = builder.header("idempotent-replayed", "true");
    }
    let body = if body.is_null() { Body::Empty } else { Body::Text(body.to_string()) };
    builder.body(body).unwrap_or_else(|_| http::Response::new(Body::Empty))
}
