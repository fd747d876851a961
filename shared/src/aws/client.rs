//! The SDK's clients: static credentials and region from the environment (no default chain), and our own HTTP client
//! and clock. See infra/decisions/0001-transport-and-trust-roots.md.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::domain::Private;
use crate::error::Error;
use crate::world::{Clock, Http, World};

/// Tries of one AWS call in all. The SDK's own backoff is kept; no layer of ours retries on top.
pub(super) const ATTEMPTS_MAX: u32 = 3;
/// Timeout of one try of one AWS call. Calls within a region take milliseconds, so 3 s means a failure.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How AWS is reached, as the Lambda environment says it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `eu-central-1`
    pub region: String,
    /// Another endpoint than AWS's own, for emulators.
    pub endpoint_url: Option<String>,
    /// From the function's role.
    pub access_key_id: String,
    /// From the function's role.
    pub secret_access_key: Private<String>,
    /// From the function's role.
    pub session_token: Option<Private<String>>,
}

/// What carries the SDK's requests: our own HTTP client, or a test's in-process AWS.
#[derive(Clone, Debug)]
pub struct Transport {
    client: SharedHttpClient,
    tuning: Option<Arc<dyn Tuning>>,
}

/// What a test sets in the SDK beside the transport.
pub trait Tuning: std::fmt::Debug + Send + Sync {
    /// Of the table's client.
    fn dynamodb(&self, builder: aws_sdk_dynamodb::config::Builder) -> aws_sdk_dynamodb::config::Builder;
    /// Of the queues' client.
    fn sqs(&self, builder: aws_sdk_sqs::config::Builder) -> aws_sdk_sqs::config::Builder;
}

impl Transport {
    /// The world's HTTP client: one TLS stack, one set of roots and one connection pool for AWS and vendors alike.
    pub fn over(world: &World) -> Self {
        Self::of(SharedHttpClient::new(OverHttp(Arc::clone(&world.http))))
    }

    /// Any other client of the SDK's kind.
    pub fn of(client: SharedHttpClient) -> Self {
        Self { client, tuning: None }
    }

    /// The same, with other settings for the SDK's clients.
    #[must_use]
    pub fn tuned(self, tuning: Arc<dyn Tuning>) -> Self {
        Self { tuning: Some(tuning), ..self }
    }
}

/// Our HTTP seam in the SDK's shape.
#[derive(Clone)]
struct OverHttp(Arc<dyn Http>);

impl std::fmt::Debug for OverHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OverHttp")
    }
}

impl HttpClient for OverHttp {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OverHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let (parts, body) = request.into_parts();
            // Every request of ours has its body in memory.
            let body = body.bytes().map(bytes::Bytes::copy_from_slice).unwrap_or_default();
            let answer = http.send(http::Request::from_parts(parts, body), ATTEMPT_TIMEOUT).await;
            let answer = answer.map_err(|e| ConnectorError::io(e.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// The two SDK clients, sharing one connection pool. Each is made when it is first asked for, and once: a receiver's
/// init does not pay for the table's.
#[derive(Clone, Debug)]
pub struct Clients(Arc<Made>);

#[derive(Debug)]
struct Made {
    settings: Settings,
    transport: Transport,
    clock: Arc<dyn Clock>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
}

macro_rules! configured {
    ($sdk:ident, $tune:ident, $made:expr) => {{
        let Made { settings, transport, clock, .. } = $made;
        let mut builder = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
            .region($sdk::config::Region::new(settings.region.clone()))
            .credentials_provider(credentials(settings))
            .http_client(transport.client.clone())
            .time_source(SharedTimeSource::new(SdkClock(Arc::clone(clock))))
            .sleep_impl(SharedAsyncSleep::new(SdkClock(Arc::clone(clock))))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            // What retries may cost is counted by client. The SDK's own account is the whole process's, and simulated
            // instances share one: what a run did would decide over the next.
            .retry_partition($sdk::config::retry::RetryPartition::custom("instance").build())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled());
        builder.set_endpoint_url(settings.endpoint_url.clone());
        if let Some(tuning) = &transport.tuning {
            builder = tuning.$tune(builder);
        }
        $sdk::Client::from_conf(builder.build())
    }};
}

/// What another client of the SDK is made with. A function that needs a service of its own makes the client itself, so that
/// no other function links it.
pub struct Parts {
    /// `eu-central-1`
    pub region: String,
    /// Another endpoint than AWS's own, for emulators.
    pub endpoint_url: Option<String>,
    /// From the function's role.
    pub credentials: Credentials,
    /// What carries its requests.
    pub http: SharedHttpClient,
    /// Our clock.
    pub time: SharedTimeSource,
    /// The same.
    pub sleep: SharedAsyncSleep,
    /// Tries of one call in all, and how long each may take.
    pub tries: (RetryConfig, TimeoutConfig),
}

impl Clients {
    /// What another client of the SDK is made with.
    pub fn parts(&self) -> Parts {
        let Made { settings, transport, clock, .. } = &*self.0;
        Parts {
            region: settings.region.clone(),
            endpoint_url: settings.endpoint_url.clone(),
            credentials: credentials(settings),
            http: transport.client.clone(),
            time: SharedTimeSource::new(SdkClock(Arc::clone(clock))),
            sleep: SharedAsyncSleep::new(SdkClock(Arc::clone(clock))),
            tries: (
                RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX),
                TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build(),
            ),
        }
    }

    /// Clients for this environment; nothing is made yet.
    pub fn new(settings: Settings, transport: Transport, world: &World) -> Self {
        let clock = Arc::clone(&world.clock);
        let (dynamodb, sqs) = Default::default();
        Self(Arc::new(Made { settings, transport, clock, dynamodb, sqs }))
    }

    pub(super) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.0.dynamodb.get_or_init(|| configured!(aws_sdk_dynamodb, dynamodb, &*self.0)).clone()
    }

    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| configured!(aws_sdk_sqs, sqs, &*self.0)).clone()
    }
}

pub(super) fn credentials(settings: &Settings) -> Credentials {
    Credentials::from_keys(
        settings.access_key_id.clone(),
        settings.secret_access_key.expose().clone(),
        settings.session_token.as_ref().map(|token| token.expose().clone()),
    )
}

/// Our clock in the SDK's two shapes.
#[derive(Debug, Clone)]
struct SdkClock(Arc<dyn Clock>);

impl TimeSource for SdkClock {
    fn now(&self) -> std::time::SystemTime {
        let ms = u64::try_from(self.0.now().ms()).unwrap_or(0);
        std::time::UNIX_EPOCH + Duration::from_millis(ms)
    }
}

impl AsyncSleep for SdkClock {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(self.0.sleep(duration))
    }
}

/// Which of the two that keep our state did not answer, if that is what an error says.
pub fn unreachable_store(error: &Error) -> Option<&'static str> {
    if !matches!(error.code, "aws_unavailable" | "aws_no_answer") {
        return None;
    }
    match error.context.split(':').next().unwrap_or_default() {
        "GetItem" | "BatchGetItem" | "Query" | "UpdateItem" | "TransactWriteItems" => Some("table"),
        "SendMessage" | "SendMessageBatch" | "GetQueueAttributes" | "ReceiveMessage" => Some("queue"),
        _ => None,
    }
}

/// What became of an SDK call that failed: `Transient` when trying later may help, `Misconfigured` when the role or
/// the deployment is wrong, `Uncertain` when a write may have happened.
pub fn failure<E, R>(operation: &'static str, error: aws_smithy_runtime_api::client::result::SdkError<E, R>) -> Error
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    use aws_smithy_runtime_api::client::result::SdkError;
    match &error {
        SdkError::ServiceError(service) => {
            // Its code only: its message may quote values of an item.
            let code = service.err().code().unwrap_or("unknown");
            let context = format!("{operation}: {code}");
            match code {
                "AccessDeniedException"
                | "AccessDenied"
                | "ResourceNotFoundException"
                | "KmsAccessDeniedException"
                | "UnrecognizedClientException"
                | "QueueDoesNotExist"
                | "AWS.SimpleQueueService.NonExistentQueue"
                | "KMS.AccessDeniedException" => Error::misconfigured("aws_refused", context),
                "ValidationException" | "InvalidParameterValue" => Error::bug("aws_request_invalid", context),
                _ => Error::transient("aws_unavailable", context),
            }
        }
        SdkError::ConstructionFailure(_) => with_cause(Error::bug("aws_request_invalid", operation), error),
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            with_cause(Error::uncertain("aws_no_answer", operation), error)
        }
        _ => Error::uncertain("aws_no_answer", operation),
    }
}

fn with_cause<E, R>(ours: Error, error: aws_smithy_runtime_api::client::result::SdkError<E, R>) -> Error
where
    E: std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.into_source() {
        Ok(cause) => ours.caused_by(cause),
        Err(_) => ours,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
    use aws_smithy_types::error::ErrorMetadata;

    use super::failure;

    #[test]
    fn no_answer_keeps_why_and_a_refusal_its_code_only() {
        let reset =
            SdkError::<GetItemError, HttpResponse>::dispatch_failure(ConnectorError::io("reset by peer".into()));
        let error = failure("GetItem", reset);
        assert_eq!(error.code, "aws_no_answer");
        let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
        assert!(causes.any(|cause| cause.to_string() == "reset by peer"), "{}", error.chain());

        let quoting =
            ErrorMetadata::builder().code("ValidationException").message("ada@example.com is no number").build();
        let raw = HttpResponse::new(http::StatusCode::BAD_REQUEST.into(), "{}".into());
        let error = failure("GetItem", SdkError::service_error(GetItemError::generic(quoting), raw));
        assert_eq!(error.code, "aws_request_invalid");
        let printed = format!("{} {error:?}", error.chain());
        assert!(printed.contains("ValidationException") && !printed.contains("ada@"), "{printed}");
    }
}
