//! SendGrid's API keys: one for orders, one for marketing. (github.com/twilio/sendgrid-oai: tsg_api_keys_v3.json)
//!
//! A key's text is answered once, when it is made. So a key that was made by a try that was cut off is of no use: it is found by
//! its name, deleted, and made again.

use crossdock::domain::{Private, id};
use crossdock::effects::KeyStep;
use crossdock::error::Result;
use crossdock::lambda::System;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::note::{Note, Step};
use crate::vendor::{Admin, Body, is_refused, parsed};
use crate::{Carried, Proposal, Tested};

/// Below the base URL.
const KEYS: &str = "/v3/api_keys";
/// What the new key must be allowed at least.
const SEND: &str = "mail.send";
/// What a key for orders is made for, the field it lies in, and what it may do: to send, to read what was sent, and to put our
/// templates there. A key that is made without a list may do everything.
const TRANSACTIONAL: (&str, &str, &[&str]) = (
    "transactional",
    "transactional_api_key",
    &[
        SEND,
        "stats.read",
        "stats.global.read",
        "templates.create",
        "templates.read",
        "templates.update",
        "templates.versions.create",
        "templates.versions.read",
        "templates.versions.update",
    ],
);
/// The same of a key for marketing: to send, and to hold and stop what waits.
const MARKETING: (&str, &str, &[&str]) = (
    "marketing",
    "marketing_api_key",
    &[
        SEND,
        "mail.batch.create",
        "mail.batch.read",
        "user.scheduled_sends.create",
        "user.scheduled_sends.read",
        "user.scheduled_sends.update",
        "user.scheduled_sends.delete",
    ],
);
/// The step that deletes a key.
const DELETE: &str = "delete_key";

/// The keys of SendGrid's secret.
pub(crate) struct SendGridKeys {
    admin: Admin,
    /// What the names of this deployment's keys begin with.
    prefix: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    result: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    api_key_id: String,
}

#[derive(Deserialize)]
struct Made {
    api_key: Private<String>,
    api_key_id: String,
}

#[derive(Deserialize)]
struct Scopes {
    scopes: Vec<String>,
}

impl SendGridKeys {
    pub(crate) fn new(system: &System) -> Result<Self> {
        let stack = id::digest(&["sendgrid key", system.work_list()?.stack().as_str()]);
        Ok(Self { admin: Admin::new(system, "SENDGRID_API_BASE")?, prefix: format!("crossdock-{stack}-") })
    }

    /// Makes a key for each that there is.
    pub(crate) async fn propose(&self, current: &Value, token: &str) -> Result<Proposal> {
        let listed: Listed = parsed("list_keys", &self.admin.call(Method::GET, KEYS, Body::Nothing).await?)?;
        // Ours, and not in use: what a rotation left that was cut off or given up.
        let is_left = |key: &&Named| key.name.starts_with(&self.prefix) && !names(current, &key.api_key_id);
        for left in listed.result.iter().filter(is_left) {
            self.delete(&left.api_key_id).await?;
        }
        let (mut value, mut note) = (current.clone(), Note::default());
        for (purpose, field, scopes) in [TRANSACTIONAL, MARKETING] {
            let Some(old) = current[field].as_str().filter(|key| !key.is_empty()) else { continue };
            let name = format!("{}{purpose}-{token}", self.prefix);
            let wish = Body::Json(json!({ "name": name, "scopes": scopes }));
            let made: Made = parsed("create_key", &self.admin.call(Method::POST, KEYS, wish).await?)?;
            value[field] = json!(made.api_key.expose());
            note.undo.push(Step::new(DELETE, made.api_key_id));
            if let Some(old) = key_id(old) {
                note.steps.push(Step::new(DELETE, old));
            } else {
                tracing::warn!(purpose, "the old key has no id in it: delete it at SendGrid by hand");
            }
        }
        Ok(Proposal { value, note })
    }

    /// Asks with each new key what it may do.
    pub(crate) async fn test(&self, pending: &Value) -> Result<Tested> {
        for (_, field, _) in [TRANSACTIONAL, MARKETING] {
            let Some(key) = pending[field].as_str().filter(|key| !key.is_empty()) else { continue };
            let key = Private::new(key.to_owned());
            let answer = self.admin.call_with(&key, &Method::GET, "/v3/scopes", &Body::Nothing).await?;
            if is_refused(&answer) || !parsed::<Scopes>("scopes", &answer)?.scopes.iter().any(|scope| scope == SEND) {
                return Ok(Tested::Refused);
            }
        }
        Ok(Tested::Works)
    }

    pub(crate) async fn carry_out(&self, step: &KeyStep, current: &Value) -> Result<Carried> {
        // Whoever put it back by hand has the last word.
        if step.step == DELETE && !names(current, &step.of) {
            self.delete(&step.of).await?;
        }
        Ok(Carried::Done)
    }

    /// Deletes a key; one that is gone is deleted.
    async fn delete(&self, key_id: &str) -> Result<()> {
        let path: String = form_urlencoded::byte_serialize(key_id.as_bytes()).collect();
        let answer = self.admin.call(Method::DELETE, &format!("{KEYS}/{path}"), Body::Nothing).await?;
        match answer.status().as_u16() {
            204 | 404 => Ok(()),
            _ => parsed::<Value>("delete_key", &answer).map(drop),
        }
    }
}

/// The id in a key's text: `SG.<id>.<secret>`.
fn key_id(key: &str) -> Option<&str> {
    let mut parts = key.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("SG"), Some(id), Some(_)) if !id.is_empty() => Some(id),
        _ => None,
    }
}

/// Whether a version of the secret has a key of this id.
fn names(secret: &Value, id: &str) -> bool {
    [TRANSACTIONAL.1, MARKETING.1].iter().any(|field| secret[field].as_str().and_then(key_id) == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_s_id_is_its_second_part() {
        assert_eq!(key_id("SG.abc.def"), Some("abc"));
        for other in ["SG.abc", "SG..def", "", "abc.def.ghi", "SG"] {
            assert_eq!(key_id(other), None, "{other}");
        }
    }
}
