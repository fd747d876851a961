//! Secrets Manager with a cache. Vendors' keys are read every five minutes, and at once if a vendor or a signature
//! shows that they have changed. If Secrets Manager does not answer, the last value is used for a while. A refusal ends
//! that.
//!
//! We use one operation only, by signed requests. The SDK's client would add 60 kB to each zip and 580,000 instructions
//! to each init (infra/decisions/0011-webhooks-are-archived-by-signed-puts.md).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, FutureExt as _, Shared, WeakShared, select};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Settings;
use super::signed::{Question, Service};
use crate::domain::{Private, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::telemetry::metrics::Metric;
use crate::world::World;

/// How long a secret is used without asking again.
pub const CACHE_TTL: Duration = Duration::from_secs(300);
/// The shortest time between two forced reads of one instance, so that forged webhooks do not become load on Secrets
/// Manager.
const REFRESH_INTERVAL_MIN: Duration = Duration::from_secs(30);
/// How long the last good value is used if Secrets Manager does not answer. This is longer than most of its outages; a
/// key that was withdrawn must not work for ever.
pub const LAST_GOOD_SERVES: Duration = Duration::from_secs(3_600);
/// The code of a secret that does not exist, or has no value yet.
pub(crate) const NO_SUCH_SECRET: &str = "secret_missing";
/// How long we wait for an answer if there is a last good value. Calls within a region take milliseconds.
const ANSWER_AWAITED: Duration = Duration::from_secs(1);

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

/// A read in progress. Others who need the secret wait for the same read.
type Reading = Shared<BoxFuture<'static, Result<Cached>>>;

/// What an instance knows of one secret.
#[derive(Default)]
struct Known {
    last_good: Option<Cached>,
    reading: Option<WeakShared<BoxFuture<'static, Result<Cached>>>>,
    /// When Secrets Manager was last asked in vain, since the last good value.
    failed_at: Option<Timestamp>,
}

impl Known {
    /// Whether Secrets Manager was asked in vain a moment ago: then the next one need not wait for the same.
    fn failed_lately(&self, now: Timestamp) -> bool {
        self.failed_at.is_some_and(|failed_at| now.since(failed_at) < REFRESH_INTERVAL_MIN)
    }

    fn younger_than(&self, limit: Duration, now: Timestamp) -> Option<Cached> {
        self.last_good.clone().filter(|cached| now.since(cached.read_at) < limit)
    }
}

/// The secrets that the role may read.
#[derive(Clone)]
pub struct Secrets {
    service: Service,
    world: World,
    /// Locked for moments only, never during a call, so nobody waits for another's call.
    known: Arc<Mutex<HashMap<String, Known>>>,
}

impl Secrets {
    /// An empty cache before Secrets Manager.
    pub fn new(settings: Settings, world: World) -> Self {
        let service = Service::regional("secretsmanager", settings, world.clone());
        Self { service, world, known: Arc::default() }
    }

    /// The secret's JSON as a type of ours, and its VersionId: from the cache, or read. While Secrets Manager gives no
    /// answer, the last good value serves on, for an hour at most.
    ///
    /// # Errors
    /// `secret_unusable` (misconfigured) names the secret when it is missing keys; never its content.
    pub async fn get<T: DeserializeOwned>(&self, id: &str) -> Result<(T, String)> {
        parse(id, &self.load(id).await?)
    }

    /// The same, read anew unless that was done in the last 30 s. `None` when it was: there is nothing newer to try.
    pub async fn refresh<T: DeserializeOwned>(&self, id: &str) -> Result<Option<(T, String)>> {
        match self.reload(id).await? {
            Some(cached) => parse(id, &cached).map(Some),
            None => Ok(None),
        }
    }

    /// Whether the secret is there and we may see that it is. Its value is not asked for.
    ///
    /// # Errors
    /// `aws_refused` (misconfigured), `aws_unavailable` (transient).
    pub async fn describe(&self, id: &str) -> Result<()> {
        let question = Question {
            operation: "DescribeSecret",
            method: Method::POST,
            path_and_query: "/",
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "secretsmanager.DescribeSecret"),
            ],
            body: Bytes::from(serde_json::json!({ "SecretId": id }).to_string()),
        };
        self.service.ask(&question).await.map(drop)
    }

    /// On the heap, since there would be a copy of it in each function's crate.
    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Cached>> {
        Box::pin(async move {
            let now = self.world.now();
            let (reading, last_good) = {
                let mut known = self.known();
                let known = known.entry(id.to_owned()).or_default();
                if let Some(cached) = known.younger_than(CACHE_TTL, now) {
                    return Ok(cached);
                }
                let last_good = known.younger_than(LAST_GOOD_SERVES, now);
                let is_asked = known.reading.as_ref().is_some_and(|reading| reading.upgrade().is_some());
                if let Some(cached) = &last_good
                    && (is_asked || known.failed_lately(now))
                {
                    return Ok(cached.clone());
                }
                (self.reading(known, id), last_good)
            };
            let Some(last_good) = last_good else { return reading.await };
            let failed = match select(reading, self.world.clock.sleep(ANSWER_AWAITED)).await {
                Either::Left((Err(error), _)) if !matches!(error.kind, ErrorKind::Transient { .. }) => {
                    return Err(error);
                }
                Either::Left((Err(error), _)) => error.chain().to_string(),
                Either::Left((Ok(cached), _)) => return Ok(cached),
                Either::Right(_) => "no answer in time".to_owned(),
            };
            let now = self.world.now();
            self.known().entry(id.to_owned()).or_default().failed_at = Some(now);
            let age_s = now.since(last_good.read_at).as_secs_f64();
            Metric::SecretServedOnSeconds.record(now, age_s, &[]);
            tracing::warn!(secret.id = id, error = failed, "a secret's last good value serves on");
            Ok(last_good)
        })
    }

    /// The secret read anew; `None` when the one that is known is.
    fn reload<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Cached>>> {
        Box::pin(async move {
            let now = self.world.now();
            let reading = {
                let mut known = self.known();
                let known = known.entry(id.to_owned()).or_default();
                if known.younger_than(REFRESH_INTERVAL_MIN, now).is_some() {
                    return Ok(None);
                }
                if known.failed_lately(now) {
                    return Err(Error::transient("aws_unavailable", "GetSecretValue was asked in vain a moment ago"));
                }
                self.reading(known, id)
            };
            reading.await.map(Some)
        })
    }

    /// The read that is under way, or a new one.
    fn reading(&self, known: &mut Known, id: &str) -> Reading {
        if let Some(reading) = known.reading.as_ref().and_then(WeakShared::upgrade) {
            return reading;
        }
        let (secrets, id) = (self.clone(), id.to_owned());
        let read: BoxFuture<'static, Result<Cached>> = Box::pin(async move {
            let read = secrets.read(&id).await;
            let mut known = secrets.known();
            let known = known.entry(id).or_default();
            match &read {
                Ok(cached) => (known.last_good, known.failed_at) = (Some(cached.clone()), None),
                Err(error) => {
                    known.failed_at = Some(secrets.world.now());
                    // A refusal is an answer: what was read before it serves nobody any more.
                    if !matches!(error.kind, ErrorKind::Transient { .. }) {
                        known.last_good = None;
                    }
                }
            }
            read
        });
        let reading = read.shared();
        known.reading = reading.downgrade();
        reading
    }

    async fn read(&self, id: &str) -> Result<Cached> {
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
        let answer = self.service.ask(&question).await.map_err(|refusal| named(id, refusal))?;
        let unusable = |what| Error::misconfigured("secret_unusable", format!("{id} {what}"));
        let value: SecretValue =
            serde_json::from_slice(answer.body()).map_err(|_| unusable("was answered with something unreadable"))?;
        let text = value.secret_string.ok_or_else(|| unusable("has no text value"))?;
        Ok(Cached { text, version_id: value.version_id, read_at: self.world.now() })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refusal that says that there is no such secret, under a code of its own.
fn named(id: &str, refusal: Error) -> Error {
    if refusal.kind == ErrorKind::Misconfigured && refusal.context.ends_with("ResourceNotFoundException") {
        return Error::misconfigured(NO_SUCH_SECRET, id).caused_by(refusal);
    }
    refusal
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
