//! The versions of one secret, through the SDK: the only function that writes a secret, and so the only one that links its
//! client. Values that functions use are read elsewhere, by signed requests (infra/decisions/0011).

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use crossdock::aws::failure;
use crossdock::domain::Timestamp;
use crossdock::error::{Error, Result};
use crossdock::lambda::System;
use serde_json::Value;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
const PENDING: &str = "AWSPENDING";

/// The SDK's client, by a name that the other files may say.
pub(crate) type SecretsClient = Client;

/// One secret.
pub(crate) struct Versions {
    client: Client,
    id: String,
}

/// Which versions there are.
pub(crate) struct Standing {
    pub(crate) current: String,
    /// The version that a rotation is about, also before it has a value.
    pending: Option<String>,
}

impl Standing {
    /// # Errors
    /// 409 `version_not_pending` when no rotation is about this version: then nobody asked for it.
    pub(crate) fn expects(&self, token: &str) -> Result<()> {
        if !token.is_empty() && self.pending.as_deref() == Some(token) {
            return Ok(());
        }
        Err(Error::rejected(409, "version_not_pending", "No rotation is about this version."))
    }
}

impl Versions {
    pub(crate) fn new(system: &System, id: String) -> Self {
        Self { client: client(system), id }
    }

    pub(crate) async fn standing(&self) -> Result<Standing> {
        let answer = self.client.describe_secret().secret_id(&self.id).send().await;
        let answer = answer.map_err(|e| failure("DescribeSecret", e))?;
        let stages = answer.version_ids_to_stages.unwrap_or_default();
        let with = |label: &str| {
            let has = |labels: &Vec<String>| labels.iter().any(|found| found == label);
            stages.iter().find(|(_, labels)| has(labels)).map(|(version, _)| version.clone())
        };
        let current = with(CURRENT).ok_or_else(|| Error::misconfigured("secret_unusable", "no current version"))?;
        Ok(Standing { current, pending: with(PENDING) })
    }

    /// A version's value; `None` when it has none (yet).
    ///
    /// # Errors
    /// `secret_unusable` when it is no JSON; never with its content.
    pub(crate) async fn value(&self, version: &str) -> Result<Option<Value>> {
        let answer = match self.client.get_secret_value().secret_id(&self.id).version_id(version).send().await {
            Ok(answer) => answer,
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failure("GetSecretValue", error)),
        };
        let text = answer.secret_string.unwrap_or_default();
        let value = serde_json::from_str(&text);
        value
            .map(Some)
            .map_err(|e| Error::misconfigured("secret_unusable", format!("no JSON at column {}", e.column())))
    }

    /// Puts the pending version; false when it has another value already.
    pub(crate) async fn put_pending(&self, token: &str, value: &Value) -> Result<bool> {
        let put = self.client.put_secret_value().secret_id(&self.id).client_request_token(token);
        match put.secret_string(value.to_string()).version_stages(PENDING).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutSecretValueError::is_resource_exists_exception) => {
                Ok(false)
            }
            Err(error) => Err(failure("PutSecretValue", error)),
        }
    }

    /// Makes a version the current one, and only if this one is still current.
    pub(crate) async fn make_current(&self, token: &str, before: &str) -> Result<()> {
        let moved = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(CURRENT);
        let moved = moved.move_to_version_id(token).remove_from_version_id(before).send().await;
        moved.map(drop).map_err(|e| failure("UpdateSecretVersionStage", e))
    }

    /// Takes the label of a rotation from a version, so that the next rotation begins anew.
    pub(crate) async fn discard(&self, token: &str) -> Result<()> {
        let standing = self.standing().await?;
        if standing.pending.as_deref() != Some(token) {
            return Ok(());
        }
        let moved = self.client.update_secret_version_stage().secret_id(&self.id).version_stage(PENDING);
        let moved = moved.remove_from_version_id(token).send().await;
        moved.map(drop).map_err(|e| failure("UpdateSecretVersionStage", e))
    }
}

/// When a secret was last changed; `None` for one that nobody has filled: it has one version, as the deployment made it.
pub(crate) async fn last_changed(client: &Client, id: &str) -> Result<Option<Timestamp>> {
    let answer = client.describe_secret().secret_id(id).send().await.map_err(|e| failure("DescribeSecret", e))?;
    let stages = answer.version_ids_to_stages.unwrap_or_default();
    if !stages.values().flatten().any(|label| label == PREVIOUS) {
        return Ok(None);
    }
    let changed = answer.last_changed_date.or(answer.created_date);
    Ok(changed.map(|at| Timestamp::from_seconds(at.secs())))
}

/// A client with our clock and our way out, as the table's has.
pub fn client(system: &System) -> Client {
    let parts = system.aws();
    let (retries, timeouts) = parts.tries;
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(parts.region))
        .credentials_provider(parts.credentials)
        .http_client(parts.http)
        .time_source(parts.time)
        .sleep_impl(parts.sleep)
        .retry_config(retries)
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(parts.endpoint_url);
    Client::from_conf(config.build())
}
