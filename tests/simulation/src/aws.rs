//! The one process that is AWS: where the SDK's requests arrive and which service answers them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use crossdock::world::{HttpError, HttpRequest as SignedRequest, HttpResponse as SignedResponse};
use serde_json::json;

use crate::answer::Answer;
use crate::{Fault, Probe, S3, Secrets, SimClock, Sqs, Table};

/// A fresh AWS account with the table, an empty bucket, no queues and no secrets. Clones are the same account.
#[derive(Clone, Debug)]
pub struct Aws(Arc<Services>);

#[derive(Debug)]
struct Services {
    seed: u64,
    /// Tries of all calls so far.
    tries: AtomicU64,
    table: Table,
    sqs: Sqs,
    secrets: Secrets,
    s3: S3,
}

impl Aws {
    /// The account at the time of `clock` (which should not be skewed: skew belongs to instances). `seed` decides every
    /// draw of the models, and of the SDK too: its retry jitter and transaction tokens come from the generator of this
    /// thread, which is seeded here and after each try, so a run must stay on one thread.
    pub fn new(clock: SimClock, seed: u64) -> Self {
        fastrand::seed(seed);
        Self(Arc::new(Services {
            seed,
            tries: AtomicU64::new(0),
            table: Table::new(clock),
            sqs: Sqs::new(clock, seed),
            secrets: Secrets::new(clock),
            s3: S3::default(),
        }))
    }

    /// A transport for the SDK's clients of one instance. Every try of every call passes `probe`.
    pub fn http_client(&self, probe: Probe) -> SharedHttpClient {
        SharedHttpClient::new(Transport { aws: self.clone(), probe })
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// The queues.
    pub fn sqs(&self) -> &Sqs {
        &self.0.sqs
    }

    /// The secrets.
    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// The objects, of one bucket.
    pub fn s3(&self) -> &S3 {
        &self.0.s3
    }

    /// Whether a request of the HTTP seam is for the account, and not for a vendor: then [`Aws::carry_signed`] answers it.
    pub fn is_for_secrets(request: &SignedRequest) -> bool {
        request.uri().host() == Some("secretsmanager.eu-central-1.amazonaws.com")
    }

    /// Takes one signed request of an instance, which passes its probe: the shipping code asks Secrets Manager without
    /// the SDK.
    pub async fn carry_signed(&self, probe: &Probe, request: SignedRequest) -> Result<SignedResponse, HttpError> {
        let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(field("authorization").contains("/aws4_request"), "the shipping code signs what it asks of AWS");
        let answer = self.carry(probe, &Target::named(field("x-amz-target")), request.body()).await;
        answer.map(Answer::into_response).ok_or_else(|| HttpError::NoAnswer("the connection was reset".to_owned()))
    }

    /// Answers a request, unless a fault of the probe's has it lost.
    async fn carry(&self, probe: &Probe, target: &Target, body: &[u8]) -> Option<Answer> {
        let call = probe.before(target.name()).await;
        let fault = call.fault();
        let answer = match fault {
            None => Some(self.answer(target, body, false)),
            Some(Fault::Partial) => Some(self.answer(target, body, true)),
            Some(Fault::AnswerLost) => {
                self.answer(target, body, false);
                None
            }
            Some(Fault::RequestLost) => None,
            Some(Fault::Throttled) => Some(target.throttled()),
            Some(Fault::ServerError) => Some(target.server_error()),
            Some(Fault::Conflict) => Some(target.conflict(body)),
        };
        probe.after(call).await;
        answer
    }

    fn answer(&self, target: &Target, body: &[u8], partial: bool) -> Answer {
        match target.service {
            Service::DynamoDb => self.0.table.answer(&target.operation, body, partial),
            Service::Sqs => self.0.sqs.answer(&target.operation, body, partial),
            Service::Secrets => self.0.secrets.answer(&target.operation, body),
        }
    }
}

#[derive(Clone, Debug)]
struct Transport {
    aws: Aws,
    probe: Probe,
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.clone();
        HttpConnectorFuture::new(async move { transport.carry(request).await })
    }
}

/// Decides what the SDK draws next on this thread, when it is dropped: with an answer, and with a try that has waited too long.
///
/// The SDK draws a number for the log in the same stream, where somebody reads the log or once has: without this, whether
/// an earlier run had its log read would decide how long a try of this one waits.
struct NextDraws(u64);

impl Drop for NextDraws {
    fn drop(&mut self) {
        fastrand::seed(self.0);
    }
}

impl Transport {
    fn next_draws(&self) -> NextDraws {
        /// Odd, and half of its bits set: 2^64 divided by the golden ratio.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let tries = self.aws.0.tries.fetch_add(1, Ordering::Relaxed);
        NextDraws(self.aws.0.seed.wrapping_mul(SPREAD).wrapping_add(tries).wrapping_mul(SPREAD))
    }

    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let _next = self.next_draws();
        let target = Target::named(request.headers().get("x-amz-target").expect("a request names its target"));
        let body = request.body().bytes().expect("the SDK holds JSON bodies in memory");
        let answer = self.aws.carry(&self.probe, &target, body).await;
        answer.map(Answer::into_http).ok_or_else(|| ConnectorError::io("the connection was reset".into()))
    }
}

/// The operation that a request names in its `x-amz-target`.
struct Target {
    service: Service,
    operation: String,
}

#[derive(Clone, Copy)]
enum Service {
    DynamoDb,
    Sqs,
    Secrets,
}

impl Target {
    fn named(header: &str) -> Self {
        let (prefix, operation) = header.split_once('.').expect("a target is service.operation");
        let service = match prefix {
            "DynamoDB_20120810" => Service::DynamoDb,
            "AmazonSQS" => Service::Sqs,
            "secretsmanager" => Service::Secrets,
            _ => panic!("no model for the service of {header}"),
        };
        Self { service, operation: operation.to_owned() }
    }

    /// How the probe calls it.
    fn name(&self) -> String {
        let service = match self.service {
            Service::DynamoDb => "DynamoDB",
            Service::Sqs => "SQS",
            Service::Secrets => "SecretsManager",
        };
        format!("{service}.{}", self.operation)
    }

    fn throttled(&self) -> Answer {
        let shape = match self.service {
            Service::DynamoDb => "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            Service::Sqs => "com.amazonaws.sqs#RequestThrottled",
            Service::Secrets => "com.amazonaws.secretsmanager#ThrottlingException",
        };
        Answer::error(400, shape, "Rate exceeded")
    }

    fn server_error(&self) -> Answer {
        let shape = match self.service {
            Service::DynamoDb => "com.amazonaws.dynamodb.v20120810#InternalServerError",
            Service::Sqs => "com.amazonaws.sqs#InternalFailure",
            Service::Secrets => "com.amazonaws.secretsmanager#InternalServiceError",
        };
        Answer::error(500, shape, "Internal server error")
    }

    /// The answer to a write whose item is part of a running transaction.
    fn conflict(&self, body: &[u8]) -> Answer {
        match (self.service, self.operation.as_str()) {
            (Service::DynamoDb, "TransactWriteItems") => {
                let request: serde_json::Value = serde_json::from_slice(body).expect("the SDK sends JSON");
                let items = request["TransactItems"].as_array().map_or(0, Vec::len);
                let conflict =
                    json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" });
                let mut reasons = vec![json!({ "Code": "None" }); items];
                reasons[0] = conflict;
                let mut answer = Answer::ok(&json!({
                    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                    "CancellationReasons": reasons,
                }));
                answer.status = 400;
                answer
            }
            (Service::DynamoDb, "PutItem" | "UpdateItem" | "DeleteItem") => Answer::error(
                400,
                "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
                "Transaction is ongoing for the item",
            ),
            _ => self.server_error(),
        }
    }
}
