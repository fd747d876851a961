//! Secrets Manager, cached: vendors' keys are read once in five minutes, and once more when a vendor or a signature
//! says that they changed. One operation, so it is asked by signed requests: the SDK's client for it is 60 kB of each zip
//! and 580,000 instructions of each init (infra/decisions/0011-webhooks-are-archived-by-signed-puts.md).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::client::Settings;
use super::signed::{Question, Service};
use crate::domain::{Private, Timestamp};
use crate::error::{Error, Result};
use crate::world::World;

/// How long a secret is used without asking again.
const CACHE_TTL: Duration = Duration::from_secs(300);
/// A forced re-read happens at most so often per instance: forged traffic must not become load on Secrets Manager.
const REFRESH_INTERVAL_MIN: Duration = Duration::from_secs(30);

/// GetSecretValue's answer, as far as we read it. (docs.aws.amazon.com/secretsmanager/latest/apireference)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<Private<Arc<str>>>,
    #[serde(default)]
    version_id: String,
}

#[derive(Clone)]
struct Cached {
    text: Private<Arc<str>>,
    version_id: String,
    read_at: Timestamp,
}

/// The secrets that the role may read.
#[derive(Clone)]
pub struct Secrets {
    service: Service,
    world: World,
    cache: Arc<Mutex<HashMap<String, Cached>>>,
}

impl Secrets {
    /// An empty cache before Secrets Manager.
    pub fn new(settings: Settings, world: World) -> Self {
        let service = Service::regional("secretsmanager", settings, world.clone());
        Self { service, world, cache: Arc::default() }
    }

    /// The secret's JSON as a type of ours, and its VersionId: from the cache, or read.
    ///
    /// # Errors
    /// `secret_unusable` (misconfigured) names the secret when it is missing keys; never its content.
    pub async fn get<T: DeserializeOwned>(&self, id: &str) -> Result<(T, String)> {
        parse(id, &self.load(id, CACHE_TTL).await?)
    }

    /// The same, read anew unless that was done in the last 30 s. `None` when it was: there is nothing newer to try.
    pub async fn refresh<T: DeserializeOwned>(&self, id: &str) -> Result<Option<(T, String)>> {
        let before = self.cache.lock().await.get(id).map(|cached| cached.read_at);
        let cached = self.load(id, REFRESH_INTERVAL_MIN).await?;
        if before == Some(cached.read_at) { Ok(None) } else { parse(id, &cached).map(Some) }
    }

    /// On the heap, since there would be a copy of it in each function's crate.
    fn load<'a>(&'a self, id: &'a str, ttl: Duration) -> BoxFuture<'a, Result<Cached>> {
        Box::pin(async move {
            // Held across the call on purpose: one instance asks once, whoever else needs it waits for the answer.
            let mut cache = self.cache.lock().await;
            if let Some(cached) = cache.get(id)
                && self.world.now().since(cached.read_at) < ttl
            {
                return Ok(cached.clone());
            }
            let question = Question {
                operation: "GetSecretValue",
                method: Method::POST,
                path_and_query: "/",
                headers: &[
                    ("content-type", "application/x-amz-json-1.1"),
                    ("x-amz-target", "secretsmanager.GetSecretValue"),
                ],
                body: Bytes::from(serde_json::json!({ "SecretId": id }).to_string()),
            };
            let answer = self.service.ask(&question).await?;
            let unusable = |what| Error::misconfigured("secret_unusable", format!("{id} {what}"));
            let value: SecretValue = serde_json::from_slice(answer.body())
                .map_err(|_| unusable("was answered with something unreadable"))?;
            let text = value.secret_string.ok_or_else(|| unusable("has no text value"))?;
            let cached = Cached { text, version_id: value.version_id, read_at: self.world.now() };
            cache.insert(id.to_owned(), cached.clone());
            Ok(cached)
        })
    }
}

fn parse<T: DeserializeOwned>(id: &str, cached: &Cached) -> Result<(T, String)> {
    let keys = serde_json::from_str(cached.text.expose()).map_err(|e| {
        // serde's message may quote a value; its position cannot.
        let place = format!("line {} column {}", e.line(), e.column());
        let version = &cached.version_id;
        Error::misconfigured("secret_unusable", format!("{id} ({version}): missing or malformed keys at {place}"))
    })?;
    Ok((keys, cached.version_id.clone()))
}
