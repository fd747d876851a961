//! Objects in S3: bytes under a key, with a note beside them. Signed requests over our own HTTP client instead of the
//! SDK's client for S3: see infra/decisions/0011-webhooks-are-archived-by-signed-puts.md.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Method, StatusCode};

use super::client::{ATTEMPT_TIMEOUT, ATTEMPTS_MAX, Settings, credentials};
use crate::error::{Error, Kind, Result};
use crate::world::{HttpRequest, HttpResponse, World};

/// The field that carries an object's note: user metadata, which S3 keeps and gives back with the object.
const NOTE: &str = "x-amz-meta-note";
/// The longest note in bytes: S3 takes 2 kB of user metadata, names included.
pub const NOTE_MAX_BYTES: usize = 2_000;
/// Longest wait before the second try; doubles each time, with full jitter.
const BACKOFF: Duration = Duration::from_millis(100);

/// An object as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    /// The bytes.
    pub bytes: Bytes,
    /// The note that was put with them; empty where none was.
    pub note: String,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({} bytes)", self.bytes.len())
    }
}

/// The objects of one bucket.
#[derive(Clone)]
pub struct Objects {
    settings: Settings,
    base: String,
    world: World,
}

impl Objects {
    /// The bucket of that name; nothing is sent yet.
    pub fn new(settings: Settings, bucket: &str, world: World) -> Self {
        let base = match &settings.endpoint_url {
            // Emulators have no host name for each bucket.
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.s3.{}.{}", settings.region, domain(&settings.region)),
        };
        Self { settings, base, world }
    }

    /// Stores the bytes; when this returns without an error they are durable. An object that was there is replaced.
    /// `key` may have letters, digits and `/ - _ .`; `note` is of visible ASCII, at most [`NOTE_MAX_BYTES`].
    ///
    /// # Errors
    /// `aws_unavailable` (transient) after the last try, `aws_refused` (misconfigured) when the role or the bucket is
    /// wrong.
    pub async fn put(&self, key: &str, bytes: Bytes, note: &str) -> Result<()> {
        if note.len() > NOTE_MAX_BYTES {
            return Err(Error::bug("aws_request_invalid", format!("a note of {} bytes", note.len())));
        }
        let headers = [("content-type", "application/json"), (NOTE, note)];
        let answer = self.send("PutObject", Method::PUT, &format!("/{key}"), &headers, &bytes).await?;
        accepted("PutObject", &answer)
    }

    /// Opens the connection; failing is no matter.
    pub async fn warm(&self) {
        let request = http::Request::builder().method(Method::HEAD).uri(&self.base).body(Bytes::new());
        if let Ok(request) = request {
            let _ = self.world.http.send(request, ATTEMPT_TIMEOUT).await;
        }
    }

    /// Sends a request, and again after what may pass. Every request here may be repeated: a put stores the same bytes
    /// under the same key.
    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> Result<HttpResponse> {
        let mut backoff = BACKOFF;
        let mut tries = 1;
        loop {
            let request = self.signed(method.clone(), path_and_query, headers, body.clone())?;
            let failure = match self.world.http.send(request, ATTEMPT_TIMEOUT).await {
                Ok(answer) => match accepted(operation, &answer) {
                    Err(failure) if matches!(failure.kind, Kind::Transient { .. }) => failure,
                    _ => return Ok(answer),
                },
                Err(error) => Error::transient("aws_unavailable", format!("{operation}: {error}")),
            };
            if tries == ATTEMPTS_MAX {
                return Err(failure);
            }
            tries += 1;
            self.world.clock.sleep(backoff.mul_f64(self.world.fraction())).await;
            backoff *= 2;
        }
    }

    /// A request with Signature Version 4, as S3 wants it: the path as it is, and the body's hash in a field.
    fn signed(
        &self,
        method: Method,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<HttpRequest> {
        let bug = |e: &dyn std::fmt::Display| Error::bug("aws_request_invalid", format!("S3: {e}"));
        let mut request = http::Request::builder().method(method).uri(format!("{}{path_and_query}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).map_err(|e| bug(&e))?;
        let mut how = SigningSettings::default();
        how.percent_encoding_mode = PercentEncodingMode::Single;
        how.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        how.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = Credentials::into(credentials(&self.settings));
        let now_ms = u64::try_from(self.world.now().ms()).unwrap_or(0);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.settings.region)
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_millis(now_ms))
            .settings(how)
            .build()
            .map_err(|e| bug(&e))?
            .into();
        let fields = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            fields,
            SignableBody::Bytes(request.body()),
        );
        let signed = signable.and_then(|signable| sign(signable, &parameters)).map_err(|e| bug(&e))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// What S3's hosts end with.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// What an answer comes to: nothing to say of 2xx.
fn accepted(operation: &'static str, answer: &HttpResponse) -> Result<()> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = std::str::from_utf8(answer.body()).unwrap_or_default();
    let code = elements(text, "Code").next().unwrap_or("no code");
    let context = format!("{operation}: {status} {code}");
    Err(match (status, code) {
        // The connection was too slow; S3 calls that the caller's mistake.
        (StatusCode::BAD_REQUEST, "RequestTimeout") => Error::transient("aws_unavailable", context),
        (StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS, _) => {
            Error::transient("aws_unavailable", context)
        }
        _ if status.is_server_error() => Error::transient("aws_unavailable", context),
        // A bucket of another region is answered with a redirection.
        (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => Error::misconfigured("aws_refused", context),
        _ if status.is_redirection() => Error::misconfigured("aws_refused", context),
        _ => Error::bug("aws_request_invalid", context),
    })
}

/// The texts of all elements of that name. Enough for S3's answers, whose elements of interest have neither attributes
/// nor, with our keys, anything escaped.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
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
            assert!(matches!(refusal(status, code).kind, Kind::Transient { .. }), "{status} {code}");
        }
        for (status, code) in [(403, "AccessDenied"), (404, "NoSuchBucket"), (301, "PermanentRedirect")] {
            let error = refusal(status, code);
            assert_eq!(error.kind, Kind::Misconfigured, "{status} {code}");
            assert!(error.context.contains(code), "{error}");
        }
        assert_eq!(refusal(400, "InvalidArgument").kind, Kind::Bug);
    }

    #[test]
    fn the_texts_of_elements_are_found_in_order() {
        let xml = "<L><Key>a/1</Key><Size>3</Size><Key>a/2</Key></L>";
        assert_eq!(elements(xml, "Key").collect::<Vec<_>>(), ["a/1", "a/2"]);
        assert_eq!(elements("<L/>", "Key").next(), None);
    }
}
