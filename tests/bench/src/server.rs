//! AWS and the vendors on one port: SQS, DynamoDB, Secrets Manager, S3, Stripe, SendGrid and the carriers are told apart
//! by what the request says. Each arrival is written down, and each answer comes after its service's delay.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};

use crate::certificate::Identity;
use crate::http_server::{Answers, HttpServer};

/// How late the runtime's timer may be: it counts whole milliseconds.
const TIMER_IS_LATE: Duration = Duration::from_millis(2);

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Queues.
    Sqs,
    /// The table.
    DynamoDb,
    /// Secrets Manager.
    Secrets,
    /// Objects.
    S3,
    /// Stripe's API.
    Stripe,
    /// SendGrid's API.
    SendGrid,
    /// FedEx's API.
    Fedex,
    /// UPS's API.
    Ups,
    /// DHL Express's API.
    Dhl,
}

impl Service {
    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqs => "SQS",
            Self::DynamoDb => "DynamoDB",
            Self::Secrets => "SecretsManager",
            Self::S3 => "S3",
            Self::Stripe => "Stripe",
            Self::SendGrid => "SendGrid",
            Self::Fedex => "FedEx",
            Self::Ups => "UPS",
            Self::Dhl => "DHL",
        }
    }

    /// Whether it is none of AWS's.
    pub const fn is_vendor(self) -> bool {
        !matches!(self, Self::Sqs | Self::DynamoDb | Self::Secrets | Self::S3)
    }
}

/// One request.
#[derive(Debug)]
pub struct Call {
    /// Who is asked.
    pub service: Service,
    /// `SendMessage`, or method and path of a vendor.
    pub operation: String,
    /// The request as it came.
    pub request: Request<Bytes>,
}

/// What a service says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers besides the usual.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// How long it takes; none: as long as its kind of service does.
    pub after: Option<Duration>,
}

impl Answer {
    /// An answer without headers of its own.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into(), after: None }
    }
}

/// What stands behind the port.
pub trait Backend: Send + Sync + 'static {
    /// Answers one call. The answer is made at once, and given after its delay.
    fn answer(&self, call: &Call) -> Answer;
}

/// How long each kind of service takes to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// AWS's services.
    pub aws: Duration,
    /// Vendors.
    pub vendor: Duration,
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who was asked.
    pub service: Service,
    /// What.
    pub operation: String,
    /// When it was there as a whole.
    pub at: Instant,
    /// Its body's size.
    pub bytes: usize,
}

/// The running server.
#[derive(Debug)]
pub struct Server {
    http: HttpServer,
    scheme: &'static str,
    notes: Arc<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    delays: Mutex<Delays>,
    arrivals: Mutex<Vec<Arrival>>,
}

impl Server {
    /// Starts it on a free loopback port, with TLS where an identity is given.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(backend: Arc<dyn Backend>, identity: Option<&Identity>) -> Result<Self> {
        let notes = Arc::<Notes>::default();
        let desk = Desk { backend, notes: Arc::clone(&notes) };
        let tls = identity.map(Identity::acceptor).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Self { http: HttpServer::start(Arc::new(desk), tls).await?, scheme, notes })
    }

    /// What goes into `AWS_ENDPOINT_URL` and the vendors' base URLs.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.http.address())
    }

    /// Answers take this long from now on.
    pub fn set_delays(&self, delays: Delays) {
        *lock(&self.notes.delays) = delays;
    }

    /// Everything that arrived since the last time, in order.
    pub fn take_arrivals(&self) -> Vec<Arrival> {
        std::mem::take(&mut *lock(&self.notes.arrivals))
    }

    /// Waits for the first arrival for which `wanted` holds.
    ///
    /// # Errors
    /// When none comes within the time.
    pub async fn wait_for(&self, wanted: impl Fn(&Arrival) -> bool, within: Duration) -> Result<Arrival> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = lock(&self.notes.arrivals).iter().find(|arrival| wanted(arrival)) {
                return Ok(found.clone());
            }
            anyhow::ensure!(Instant::now() < deadline, "nothing of the kind arrived within {within:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

struct Desk {
    backend: Arc<dyn Backend>,
    notes: Arc<Notes>,
}

impl Answers for Desk {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        Box::pin(async move {
            let at = Instant::now();
            let Some(call) = recognised(request) else {
                return response(Answer::new(404, "no service of this kind"));
            };
            let bytes = call.request.body().len();
            let arrival = Arrival { service: call.service, operation: call.operation.clone(), at, bytes };
            lock(&self.notes.arrivals).push(arrival);
            let delays = *lock(&self.notes.delays);
            let answer = self.backend.answer(&call);
            let of_its_kind = if call.service.is_vendor() { delays.vendor } else { delays.aws };
            let delay = answer.after.unwrap_or(of_its_kind);
            if !delay.is_zero() {
                wait_until(at + delay).await;
            }
            response(answer)
        })
    }
}

/// Waits until then, and no longer: the runtime's timer alone would make 5 ms of 6.
async fn wait_until(then: Instant) {
    if let Some(nearly) = then.checked_sub(TIMER_IS_LATE) {
        tokio::time::sleep_until(nearly.into()).await;
    }
    while Instant::now() < then {
        tokio::task::yield_now().await;
    }
}

/// AWS's JSON protocols name service and operation in a header, S3 the service in the signature, vendors are known by
/// the path.
fn recognised(request: Request<Bytes>) -> Option<Call> {
    if let Some(target) = request.headers().get("x-amz-target") {
        let (prefix, operation) = target.to_str().ok()?.split_once('.')?;
        let service = match prefix {
            "DynamoDB_20120810" => Service::DynamoDb,
            "AmazonSQS" => Service::Sqs,
            "secretsmanager" => Service::Secrets,
            _ => return None,
        };
        let operation = operation.to_owned();
        return Some(Call { service, operation, request });
    }
    let path = request.uri().path();
    let signed_for = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if signed_for.contains("/s3/aws4_request") {
        // Keys of objects hold ids.
        let operation = format!("{} object", request.method());
        return Some(Call { service: Service::S3, operation, request });
    }
    let service = match path {
        _ if path.starts_with("/v1/") => Service::Stripe,
        _ if path.starts_with("/v3/") => Service::SendGrid,
        _ if path.starts_with("/rate/") || path.starts_with("/oauth/") => Service::Fedex,
        _ if path.starts_with("/api/") || path.starts_with("/security/") => Service::Ups,
        "/rates" => Service::Dhl,
        _ => return None,
    };
    let operation = format!("{} {path}", request.method());
    Some(Call { service, operation, request })
}

fn response(answer: Answer) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
    *response.headers_mut() = answer.headers;
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
