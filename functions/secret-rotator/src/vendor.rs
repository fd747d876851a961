//! The way to a vendor with its admin key. Not through the gateway: these calls are few, no order waits for them, and an admin
//! key that is refused must not open the switch that stops everybody else's calls.

use std::time::Duration;

use crossdock::aws::Secrets;
use crossdock::domain::Private;
use crossdock::error::{Error, Result};
use crossdock::lambda::System;
use crossdock::world::{HttpResponse, World};
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Time for one call.
const CALL_TIME: Duration = Duration::from_secs(10);

/// A vendor's API, opened with a key that may make and delete keys.
pub(crate) struct Admin {
    base: String,
    secrets: Secrets,
    secret_id: String,
    world: World,
}

/// The secret `/crossdock/<Stage>/<vendor>-admin`.
#[derive(Deserialize)]
struct AdminKey {
    api_key: Private<String>,
}

/// A request's form.
pub(crate) enum Body<'a> {
    Nothing,
    Json(serde_json::Value),
    Form(String),
    /// A form that the vendor answers once under this key.
    Once(String, &'a str),
}

impl Admin {
    /// # Errors
    /// `configuration` without its variables.
    pub(crate) fn new(system: &System, base: &str) -> Result<Self> {
        Ok(Self {
            base: system.env().vendor_base(base)?,
            secrets: system.secrets().clone(),
            secret_id: system.env().required("ADMIN_SECRET_ID")?,
            world: system.world().clone(),
        })
    }

    /// One call with the admin key. A key that is refused may have been replaced a moment ago: it is read once more.
    ///
    /// # Errors
    /// `admin_key_refused` (misconfigured); `vendor_unavailable` (transient) without an answer or with 429 or 5xx.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Body<'_>) -> Result<HttpResponse> {
        let (key, _) = self.secrets.get::<AdminKey>(&self.secret_id).await?;
        let answer = self.call_with(&key.api_key, &method, path, &body).await?;
        if !is_refused(&answer) {
            return Ok(answer);
        }
        if let Some((key, _)) = self.secrets.refresh::<AdminKey>(&self.secret_id).await? {
            let answer = self.call_with(&key.api_key, &method, path, &body).await?;
            if !is_refused(&answer) {
                return Ok(answer);
            }
        }
        Err(Error::misconfigured("admin_key_refused", format!("{method} {path}: {}", answer.status())))
    }

    /// The same with another key; a refusal is an answer.
    pub(crate) async fn call_with(
        &self,
        key: &Private<String>,
        method: &Method,
        path: &str,
        body: &Body<'_>,
    ) -> Result<HttpResponse> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {}", key.expose()));
        let (request, bytes) = match body {
            Body::Nothing => (request, Vec::new()),
            Body::Json(value) => (request.header(CONTENT_TYPE, "application/json"), value.to_string().into_bytes()),
            Body::Form(form) => {
                (request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"), form.clone().into_bytes())
            }
            Body::Once(form, once) => {
                let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                (request.header("idempotency-key", *once), form.clone().into_bytes())
            }
        };
        let request = request.body(bytes.into());
        let request = request.map_err(|_| Error::misconfigured("wrong_key", "the key's text is no header value"))?;
        let answer = self.world.http.send(request, CALL_TIME).await;
        let answer = answer.map_err(|e| Error::transient("vendor_unavailable", format!("{method} {path}: {e}")))?;
        if answer.status().is_server_error() || answer.status().as_u16() == 429 {
            return Err(Error::transient("vendor_unavailable", format!("{method} {path}: {}", answer.status())));
        }
        Ok(answer)
    }
}

/// Whether the vendor does not take the key.
pub(crate) fn is_refused(answer: &HttpResponse) -> bool {
    matches!(answer.status().as_u16(), 401 | 403)
}

/// What an answer says; it is not shown when it cannot be read, since it may hold a key.
///
/// # Errors
/// `vendor_unavailable` for a refusal, and for what cannot be read.
pub(crate) fn parsed<T: DeserializeOwned>(what: &'static str, answer: &HttpResponse) -> Result<T> {
    let unusable = || Error::transient("vendor_unavailable", format!("{what}: {}", answer.status()));
    if !answer.status().is_success() {
        return Err(unusable());
    }
    serde_json::from_slice(answer.body()).map_err(|_| unusable())
}
