//! Requests signed by Signature Version 4 over our own HTTP client, for services of which we use so little that the SDK's
//! client for them is not worth its size.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::client::{ATTEMPT_TIMEOUT, ATTEMPTS_MAX, Settings, credentials};
use crate::error::{Error, ErrorKind, Result};
use crate::world::{HttpRequest, HttpResponse, World};

/// Longest wait before the second try; doubles each time, with full jitter.
const BACKOFF: Duration = Duration::from_millis(100);

/// A request to a service. It may be sent twice, so it must be idempotent.
pub(super) struct Question<'a> {
    /// Its name in logs: `PutObject`.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// Behind the base URL, encoded, beginning with `/` or `?`.
    pub(super) path_and_query: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Bytes,
}

/// One service at one base URL.
#[derive(Clone)]
pub(super) struct Service {
    name: &'static str,
    base: String,
    settings: Settings,
    world: World,
}

impl Service {
    /// The service of that name (in the signature's scope), reached at `base`.
    pub(super) fn new(name: &'static str, base: String, settings: Settings, world: World) -> Self {
        Self { name, base, settings, world }
    }

    /// The regional endpoint of a service, unless the settings name another one for all.
    pub(super) fn regional(name: &'static str, settings: Settings, world: World) -> Self {
        let base = match &settings.endpoint_url {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{name}.{}.{}", settings.region, domain(&settings.region)),
        };
        Self::new(name, base, settings, world)
    }

    /// Sends the request and retries temporary failures. Returns the answer with status 2xx.
    ///
    /// # Errors
    /// `aws_unavailable` (transient) after the last try, `aws_refused` (misconfigured) when the role or the deployment is
    /// wrong; the context has AWS's own code.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<HttpResponse> {
        let mut backoff = BACKOFF;
        let mut tries = 1;
        loop {
            let failure = match self.world.http.send(self.signed(question)?, ATTEMPT_TIMEOUT).await {
                Ok(answer) => match accepted(question.operation, &answer) {
                    Ok(()) => return Ok(answer),
                    Err(failure) => failure,
                },
                Err(error) => Error::transient("aws_unavailable", question.operation).caused_by(error),
            };
            if tries == ATTEMPTS_MAX || !matches!(failure.kind, ErrorKind::Transient { .. }) {
                return Err(failure);
            }
            tries += 1;
            self.world.clock.sleep(backoff.mul_f64(self.world.fraction())).await;
            backoff *= 2;
        }
    }

    /// Opens the connection ahead of its first use. A failure does not matter.
    pub(super) async fn warm(&self) {
        let request = http::Request::builder().method(Method::HEAD).uri(&self.base).body(Bytes::new());
        if let Ok(request) = request {
            let _ = self.world.http.send(request, ATTEMPT_TIMEOUT).await;
        }
    }

    /// The request with its signature, and the body's hash in a field.
    fn signed(&self, question: &Question<'_>) -> Result<HttpRequest> {
        let bug = |cause: SigningFailure| Error::bug("aws_request_invalid", question.operation).caused_by(cause);
        let uri = format!("{}{}", self.base, question.path_and_query);
        let mut request = http::Request::builder().method(question.method.clone()).uri(uri);
        for (name, value) in question.headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(question.body.clone()).map_err(|e| bug(e.into()))?;
        let mut how = settings();
        how.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let fields: Vec<(String, String)> = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = SignableBody::Bytes(&question.body);
        self.sign(&mut request, &fields, body, how).map_err(bug)?;
        Ok(request)
    }

    /// A URL that reads what is at this path, for a while.
    pub(super) fn link(&self, path: &str, valid_for: Duration) -> Result<String> {
        let bug = |cause: SigningFailure| Error::bug("aws_request_invalid", "a link").caused_by(cause);
        let request = http::Request::builder().method(Method::GET).uri(format!("{}{path}", self.base));
        let mut request = request.body(Bytes::new()).map_err(|e| bug(e.into()))?;
        let mut how = settings();
        how.signature_location = SignatureLocation::QueryParams;
        how.expires_in = Some(valid_for);
        self.sign(&mut request, &[], SignableBody::UnsignedPayload, how).map_err(bug)?;
        Ok(request.uri().to_string())
    }

    fn sign(
        &self,
        request: &mut HttpRequest,
        fields: &[(String, String)],
        body: SignableBody<'_>,
        how: SigningSettings,
    ) -> std::result::Result<(), SigningFailure> {
        let identity = Credentials::into(credentials(&self.settings));
        let now_ms = u64::try_from(self.world.now().ms()).unwrap_or(0);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.settings.region)
            .name(self.name)
            .time(UNIX_EPOCH + Duration::from_millis(now_ms))
            .settings(how)
            .build()?
            .into();
        let (method, uri) = (request.method().to_string(), request.uri().to_string());
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let signed = sign(SignableRequest::new(&method, uri, fields, body)?, &parameters)?;
        signed.into_parts().0.apply_to_request_http1x(request);
        Ok(())
    }
}

type SigningFailure = Box<dyn std::error::Error + Send + Sync>;

/// As S3 wants it, which suits the others too: the path as it is.
fn settings() -> SigningSettings {
    let mut how = SigningSettings::default();
    how.percent_encoding_mode = PercentEncodingMode::Single;
    how.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    how
}

/// What AWS's host names end with.
pub(super) fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// The error that an answer means; none for 2xx.
fn accepted(operation: &'static str, answer: &HttpResponse) -> Result<()> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let code = code(answer.body()).unwrap_or("no code");
    let context = format!("{operation}: {status} {code}");
    Err(match (status, code) {
        // The connection was too slow; S3 calls that the caller's mistake, and so does Secrets Manager with too many.
        (StatusCode::BAD_REQUEST, "RequestTimeout" | "ThrottlingException")
        | (StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS, _) => {
            Error::transient("aws_unavailable", context)
        }
        _ if status.is_server_error() => Error::transient("aws_unavailable", context),
        // A bucket of another region is answered with a redirection.
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _)
        | (
            StatusCode::BAD_REQUEST,
            "AccessDeniedException"
            | "DecryptionFailure"
            | "InvalidRequestException"
            | "KMSAccessDeniedException"
            | "ResourceNotFoundException"
            | "UnrecognizedClientException",
        ) => Error::misconfigured("aws_refused", context),
        _ if status.is_redirection() => Error::misconfigured("aws_refused", context),
        _ => Error::bug("aws_request_invalid", context),
    })
}

/// AWS's own code of a refusal: an element in the XML of S3, a field of the JSON protocols, whose namespace is left out.
fn code(body: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(rename = "__type", borrow)]
        kind: &'a str,
    }
    if let Ok(Refusal { kind }) = serde_json::from_slice(body) {
        return Some(kind.rsplit_once('#').map_or(kind, |(_, code)| code));
    }
    elements(std::str::from_utf8(body).ok()?, "Code").next()
}

/// The texts of all elements of that name, as they are written. Enough for the answers that we read, whose elements of
/// interest have neither attributes nor others of their name inside.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str) -> Error {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>x</Message></Error>");
        let answer = http::Response::builder().status(status).body(Bytes::from(body)).expect("an answer");
        accepted("PutObject", &answer).expect_err("refused")
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_an_operator_must_change_is_not() {
        for (status, code) in [(503, "SlowDown"), (500, "InternalError"), (400, "RequestTimeout"), (409, "Conflict")] {
            assert!(matches!(refusal(status, code).kind, ErrorKind::Transient { .. }), "{status} {code}");
        }
        for (status, code) in [(403, "AccessDenied"), (404, "NoSuchBucket"), (301, "PermanentRedirect")] {
            let error = refusal(status, code);
            assert_eq!(error.kind, ErrorKind::Misconfigured, "{status} {code}");
            assert!(error.context.contains(code), "{error}");
        }
        assert_eq!(refusal(400, "InvalidArgument").kind, ErrorKind::Bug);
    }

    #[test]
    fn a_refusal_in_json_is_understood_as_one_in_xml() {
        let refusal = |status: u16, code: &str| {
            let body = format!(r#"{{"__type":"com.amazonaws.secretsmanager#{code}","Message":"x"}}"#);
            let answer = http::Response::builder().status(status).body(Bytes::from(body)).expect("an answer");
            accepted("GetSecretValue", &answer).expect_err("refused")
        };
        assert!(matches!(refusal(400, "ThrottlingException").kind, ErrorKind::Transient { .. }));
        assert!(matches!(refusal(500, "InternalServiceError").kind, ErrorKind::Transient { .. }));
        let missing = refusal(400, "ResourceNotFoundException");
        assert_eq!(missing.kind, ErrorKind::Misconfigured);
        assert!(missing.context.ends_with("ResourceNotFoundException"), "{missing}");
        assert_eq!(refusal(400, "AccessDeniedException").kind, ErrorKind::Misconfigured);
        assert_eq!(refusal(400, "ValidationException").kind, ErrorKind::Bug);
    }

    #[test]
    fn the_texts_of_elements_are_found_in_order() {
        let xml = "<L><Key>a/1</Key><Size>3</Size><Key>a/2</Key></L>";
        assert_eq!(elements(xml, "Key").collect::<Vec<_>>(), ["a/1", "a/2"]);
        assert_eq!(elements("<L/>", "Key").next(), None);
    }
}
