//! One instance of a function: the SDK's clients over the modelled AWS, and the probe they pass.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use simulation::{Aws, Plan, Probe, SimClock, TABLE_NAME};

/// 2026-01-01T00:00:00Z in Unix milliseconds.
pub(crate) const START_MS: i64 = 1_767_225_600_000;

pub(crate) struct Instance {
    pub(crate) clock: SimClock,
    pub(crate) aws: Aws,
    pub(crate) probe: Probe,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
}

macro_rules! client {
    ($sdk:ident, $aws:expr, $probe:expr, $clock:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
                .region($sdk::config::Region::new("sim-region-1"))
                .credentials_provider(Credentials::from_keys("id", "key", None))
                .http_client($aws.http_client($probe.clone()))
                .sleep_impl(TokioSleep::new())
                .time_source($clock)
                .retry_config(RetryConfig::standard().with_max_attempts(3))
                .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3)).build())
                .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
                .build(),
        )
    };
}

impl Instance {
    /// An instance in a new account.
    pub(crate) fn new(plan: Plan) -> Self {
        let clock = SimClock::new(START_MS);
        Self::of(Aws::new(clock, 7), clock, plan)
    }

    /// A further instance in the account `aws`.
    pub(crate) fn of(aws: Aws, clock: SimClock, plan: Plan) -> Self {
        let probe = Probe::with(plan);
        Self {
            dynamodb: client!(aws_sdk_dynamodb, aws, probe, clock),
            sqs: client!(aws_sdk_sqs, aws, probe, clock),
            secrets: client!(aws_sdk_secretsmanager, aws, probe, clock),
            clock,
            aws,
            probe,
        }
    }

    /// A put of an item with `pk` and sk `S`, to be given more attributes.
    pub(crate) fn put(&self, pk: &str) -> PutItemFluentBuilder {
        self.dynamodb.put_item().table_name(TABLE_NAME).item("pk", text(pk)).item("sk", text("S"))
    }

    /// A put that fails when there is such an item.
    pub(crate) fn put_new(&self, pk: &str) -> PutItemFluentBuilder {
        self.put(pk).condition_expression("attribute_not_exists(pk)")
    }

    /// How many items the table has.
    pub(crate) fn items(&self) -> usize {
        self.aws.table().items().len()
    }
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
