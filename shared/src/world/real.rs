//! The real outside: reqwest over rustls with ring and embedded roots, the system's clock, the system's randomness.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;

use super::{Clock, Http, HttpError, HttpRequest, HttpResponse, Rng, Sleep};
use crate::domain::Timestamp;
use crate::error::{Error, Result};

/// Time to establish a connection. A vendor that cannot be reached in 3 s has certainly not done anything.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long an idle connection is kept. Shorter than any vendor's own idle timeout, so that a function that was
/// frozen in between rarely finds a dead socket.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest answer read from a vendor, in bytes. A page of 100 Stripe objects has about 500 kB.
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct ReqwestHttp {
    client: reqwest::Client,
}

/// The roots that Mozilla trusts, compiled in.
pub(super) fn embedded_roots() -> rustls::RootCertStore {
    rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

impl ReqwestHttp {
    pub(super) fn new(roots: rustls::RootCertStore) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::bug("tls_setup", "the TLS provider").caused_by(e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!("crossdock/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Error::bug("http_client_setup", "the HTTP client").caused_by(e))?;
        Ok(Self { client })
    }
}

impl Http for ReqwestHttp {
    fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> BoxFuture<'_, std::result::Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let mut request = reqwest::Request::try_from(request.map(reqwest::Body::from))
                .map_err(|e| HttpError::NotSent(cause(&e)))?;
            *request.timeout_mut() = Some(timeout);
            let mut answer = self.client.execute(request).await.map_err(|e| {
                if e.is_connect() || e.is_builder() {
                    HttpError::NotSent(cause(&e))
                } else {
                    HttpError::NoAnswer(cause(&e))
                }
            })?;
            let mut response = http::Response::new(());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            let body = read_body(answer).await?;
            Ok(response.map(|()| body))
        })
    }
}

async fn read_body(mut answer: reqwest::Response) -> std::result::Result<Bytes, HttpError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| HttpError::NoAnswer(cause(&e)))? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err(HttpError::NoAnswer("answer larger than 4 MiB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The innermost cause, without the URL that reqwest puts into its own message.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: Option<&dyn std::error::Error> = error.source();
    while let Some(next) = innermost.and_then(std::error::Error::source) {
        innermost = Some(next);
    }
    innermost.map_or_else(|| "request failed".to_owned(), ToString::to_string)
}

#[derive(Debug)]
pub(super) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock's seam")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock's seam")]
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(super) struct SystemRng;

impl Rng for SystemRng {
    fn next(&self) -> u128 {
        let mut bytes = [0u8; 16];
        // A kernel without randomness cannot run TLS either; a constant only makes jitter and owners less random.
        let _ = getrandom::fill(&mut bytes);
        u128::from_ne_bytes(bytes)
    }
}
