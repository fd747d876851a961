//! The three seams to the outside: HTTP, time and randomness. Nothing else in the crate opens a socket to a vendor,
//! reads a clock or draws a number, so a test can hold the whole system in one process and replay it from one seed.

mod real;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::domain::Timestamp;

/// A vendor's request, body in memory.
pub type HttpRequest = http::Request<Bytes>;
/// A vendor's answer, body in memory.
pub type HttpResponse = http::Response<Bytes>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request was never sent, because there was no connection. It certainly did nothing.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request was sent, or may have been sent, and no complete answer came back. It may have been carried out.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// The way to vendors.
pub trait Http: Send + Sync {
    /// Sends one request and reads the whole answer, giving up after `timeout`. Redirects are not followed, nothing
    /// is retried.
    fn send(&self, request: HttpRequest, timeout: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>>;
}

/// A future that ends after a given time. It is `Sync` because the AWS SDK requires it.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns after `duration`.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// Randomness.
pub trait Rng: Send + Sync {
    /// 128 random bits.
    fn next(&self) -> u128;
}

/// The outside, as one value to hand around.
#[derive(Clone)]
pub struct World {
    /// The way to vendors.
    pub http: Arc<dyn Http>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

impl World {
    /// The real outside: one vendor HTTP client per process, the system's clock and its randomness.
    pub fn real() -> crate::error::Result<Self> {
        Self::trusting(real::embedded_roots())
    }

    /// The same with other roots of trust. No function calls it, and no environment variable selects it. Benchmarks use
    /// it to measure handshakes with their own server.
    pub fn trusting(roots: rustls::RootCertStore) -> crate::error::Result<Self> {
        Ok(Self {
            http: Arc::new(real::ReqwestHttp::new(roots)?),
            clock: Arc::new(real::SystemClock),
            rng: Arc::new(real::SystemRng),
        })
    }

    /// Now, by this world's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fraction in [0, 1), for jitter.
    pub fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double's mantissa exactly")]
        let bits = ((self.rng.next() & ((1 << 53) - 1)) as u64) as f64;
        bits / 9_007_199_254_740_992.0
    }
}
