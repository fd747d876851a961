//! What a modelled service answers, before the SDK sees it as HTTP.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use serde::Serialize;
use serde_json::json;

/// Status, body and the one header that an answer may need.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// `x-amzn-query-error`: the code that SQS had in its older protocol, which the SDK prefers.
    pub(crate) query_error: Option<String>,
}

impl Answer {
    /// 200 with `body` as JSON.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self { status: 200, body: serde_json::to_vec(body).expect("an answer serializes"), query_error: None }
    }

    /// An error as AWS's JSON protocols write it; `shape` is the qualified name, `com.amazonaws.sqs#QueueDoesNotExist`.
    pub(crate) fn error(status: u16, shape: &str, message: &str) -> Self {
        let body = json!({ "__type": shape, "message": message }).to_string().into_bytes();
        Self { status, body, query_error: None }
    }

    /// As the HTTP seam gives it.
    pub(crate) fn into_response(self) -> crossdock::world::HttpResponse {
        let answer = http::Response::builder().status(self.status).header("content-type", "application/x-amz-json-1.1");
        answer.body(self.body.into()).expect("an answer")
    }

    /// As the SDK's own kind of HTTP client gives it.
    pub(crate) fn into_http(self) -> HttpResponse {
        let status = self.status.try_into().expect("a status code");
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        if let Some(code) = self.query_error {
            response.headers_mut().insert("x-amzn-query-error", format!("{code};Sender"));
        }
        response
    }
}
