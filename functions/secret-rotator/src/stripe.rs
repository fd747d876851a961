//! Stripe's webhook endpoint. A signing secret cannot be renewed by the API, so the endpoint is: another one is made, which is
//! sent nothing yet; when every receiver knows its secret it gets all event types; and when one webhook of it was verified, the
//! old one is deleted. In between every event comes twice, and is applied once. (docs.stripe.com/api/webhook_endpoints)

use std::time::Duration;

use crossdock::domain::{Private, Timestamp};
use crossdock::effects::KeyStep;
use crossdock::effects::archive::Archive;
use crossdock::error::{Error, Result};
use crossdock::gateway::Vendor;
use crossdock::lambda::System;
use crossdock::vendors::key_id;
use crossdock::vendors::stripe::{API_VERSION, EVENT_TYPES};
use crossdock::world::World;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::note::{Note, Step};
use crate::ups::was_verified_with;
use crate::vendor::{Admin, Body, parsed};
use crate::{Carried, Proposal, Tested};

const ENDPOINTS: &str = "/v1/webhook_endpoints";
/// An endpoint must have a type. This one is of cards that the account would issue itself; should it come, it is recorded and
/// changes nothing.
const NEVER_FIRES: &str = "issuing_dispute.created";
const FIELD: &str = "webhook_secrets";
/// Which rotation made an endpoint, in its metadata.
const METADATA: &str = "crossdock_rotation";
/// The steps.
const PROMOTE: &str = "promote_endpoint";
const DELETE: &str = "delete_endpoint";
const DELETE_UNUSED: &str = "delete_unused_endpoint";
/// How far back a webhook of the new endpoint is looked for.
const LOOKED_BACK: Duration = Duration::from_secs(24 * 3_600);

pub(crate) struct StripeEndpoint {
    admin: Admin,
    archive: Archive,
    url: String,
    world: World,
}

#[derive(Deserialize)]
struct Listed {
    data: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    id: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    enabled_events: Vec<String>,
    #[serde(default)]
    metadata: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    status: String,
    /// Only in the answer that made it.
    secret: Option<Private<String>>,
}

impl StripeEndpoint {
    pub(crate) fn new(system: &System) -> Result<Self> {
        Ok(Self {
            admin: Admin::new(system, "STRIPE_API_BASE")?,
            archive: system.archive()?,
            url: system.env().required("STRIPE_WEBHOOK_URL")?,
            world: system.world().clone(),
        })
    }

    pub(crate) async fn propose(&self, current: &Value, token: &str) -> Result<Proposal> {
        let made = self.make(token).await?;
        let secret =
            made.secret.ok_or_else(|| Error::transient("vendor_unavailable", "an endpoint without a secret"))?;
        let listed = self.all().await?;
        // Ours by the URL: of another deployment on this account the URL is another.
        let others: Vec<&Endpoint> = listed.iter().filter(|one| one.url == self.url && one.id != made.id).collect();
        let is_there = |id: &str| listed.iter().any(|one| one.id == id);
        let mut kept: Vec<Value> = current[FIELD].as_array().cloned().unwrap_or_default();
        let has_ours = kept.iter().any(|one| one["endpoint"].as_str().is_some_and(is_there));
        // What is signed with a secret whose endpoint is gone is nobody's.
        kept.retain(|one| one["endpoint"].as_str().map_or(!has_ours, is_there));
        kept.push(json!({ "secret": secret.expose(), "endpoint": made.id }));
        let mut value = current.clone();
        value[FIELD] = Value::Array(kept);
        let steps = std::iter::once(Step::new(PROMOTE, &made.id))
            .chain(others.iter().map(|old| Step::new(DELETE, &old.id)))
            .collect();
        let undo = vec![Step::new(DELETE_UNUSED, &made.id)];
        Ok(Proposal { value, note: Note { steps, undo, ..Note::default() } })
    }

    /// Whether Stripe still has it.
    pub(crate) async fn test(&self, pending: &Value) -> Result<Tested> {
        let Some((id, _)) = newest(pending) else { return Ok(Tested::Refused) };
        Ok(match self.found(&id).await? {
            Some(endpoint) if endpoint.status == "enabled" => Tested::Works,
            _ => Tested::Refused,
        })
    }

    pub(crate) async fn carry_out(&self, step: &KeyStep, current: &Value) -> Result<Carried> {
        match step.step.as_str() {
            PROMOTE => self.promote(&step.of, current).await,
            DELETE => self.replace(&step.of, current).await,
            // What the current version names is used.
            DELETE_UNUSED if names(current, &step.of) => Ok(Carried::Done),
            DELETE_UNUSED => self.delete(&step.of).await,
            _ => Ok(Carried::Later("unknown_step")),
        }
    }

    /// Gives the new endpoint its events, now that every receiver knows its secret.
    async fn promote(&self, id: &str, current: &Value) -> Result<Carried> {
        if !names(current, id) {
            // Whoever put another value has taken its secret away: its webhooks would be refused.
            return Ok(Carried::Done);
        }
        let form = EVENT_TYPES.iter().fold(form_urlencoded::Serializer::new(String::new()), |mut form, kind| {
            form.append_pair("enabled_events[]", kind);
            form
        });
        let answer = self.admin.call(Method::POST, &path(id), Body::Form({ form }.finish())).await?;
        if answer.status().as_u16() == 404 {
            return Ok(Carried::Later("endpoint_gone"));
        }
        parsed::<Endpoint>("promote_endpoint", &answer)?;
        Ok(Carried::Done)
    }

    /// Deletes the old endpoint, once a webhook of the new one was verified.
    async fn replace(&self, old: &str, current: &Value) -> Result<Carried> {
        let Some((new, secret)) = newest(current).filter(|(new, _)| new != old) else {
            return Ok(Carried::Done);
        };
        if self.found(old).await?.is_none() {
            return Ok(Carried::Done);
        }
        let is_promoted =
            |one: &Endpoint| EVENT_TYPES.iter().all(|kind| one.enabled_events.iter().any(|has| has == kind));
        match self.found(&new).await? {
            Some(endpoint) if is_promoted(&endpoint) && endpoint.status == "enabled" => {}
            Some(_) => return Ok(Carried::Later("not_promoted")),
            None => return Ok(Carried::Later("endpoint_gone")),
        }
        let now = self.world.now();
        let from = Timestamp::from_seconds(now.seconds() - i64::try_from(LOOKED_BACK.as_secs()).unwrap_or(0));
        if !was_verified_with(&self.archive, Vendor::Stripe, &key_id(&secret), (from, now)).await? {
            return Ok(Carried::Later("not_verified_yet"));
        }
        self.delete(old).await
    }

    async fn delete(&self, id: &str) -> Result<Carried> {
        let answer = self.admin.call(Method::DELETE, &path(id), Body::Nothing).await?;
        if answer.status().as_u16() != 404 {
            parsed::<Value>("delete_endpoint", &answer)?;
        }
        Ok(Carried::Done)
    }

    /// Makes the endpoint of this rotation. Stripe answers the same key with the same endpoint and its secret; after a day it may
    /// have forgotten the key, and then what is left of the first one is deleted.
    async fn make(&self, token: &str) -> Result<Endpoint> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("url", &self.url)
            .append_pair("enabled_events[]", NEVER_FIRES)
            .append_pair("api_version", API_VERSION)
            .append_pair("description", "Crossdock")
            .append_pair(&format!("metadata[{METADATA}]"), token)
            .finish();
        let once = format!("crossdock-endpoint-{token}");
        let made: Endpoint =
            parsed("create_endpoint", &self.admin.call(Method::POST, ENDPOINTS, Body::Once(form, &once)).await?)?;
        for left in self.all().await? {
            if left.id != made.id && left.metadata.get(METADATA).is_some_and(|of| of == token) {
                self.delete(&left.id).await?;
            }
        }
        Ok(made)
    }

    async fn all(&self) -> Result<Vec<Endpoint>> {
        let answer = self.admin.call(Method::GET, &format!("{ENDPOINTS}?limit=100"), Body::Nothing).await?;
        Ok(parsed::<Listed>("list_endpoints", &answer)?.data)
    }

    async fn found(&self, id: &str) -> Result<Option<Endpoint>> {
        let answer = self.admin.call(Method::GET, &path(id), Body::Nothing).await?;
        if answer.status().as_u16() == 404 { Ok(None) } else { parsed("retrieve_endpoint", &answer).map(Some) }
    }
}

fn path(id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{ENDPOINTS}/{id}")
}

/// The newest endpoint that a version of the secret names, with its secret.
fn newest(secret: &Value) -> Option<(String, String)> {
    let all = secret[FIELD].as_array()?;
    let of = |one: &Value| Some((one["endpoint"].as_str()?.to_owned(), one["secret"].as_str()?.to_owned()));
    all.iter().rev().find_map(of)
}

fn names(secret: &Value, id: &str) -> bool {
    secret[FIELD].as_array().is_some_and(|all| all.iter().any(|one| one["endpoint"] == id))
}
