//! Webhook endpoints: the one that the account has from the start, and those that are made by the API. Each has a secret of its
//! own, which only the answer that made it says, and is sent the event types that it wants. (stripe_spec3_subset.json)

use super::State;
use super::events::pretty;
use super::failure::Failure;
use super::form::Form;
use super::idempotency::Answered;
use super::parameters::refuse_unknown;
use super::route::Route;
use crate::answer::header_text;
use crate::faults::Mishap;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value, json};

/// The endpoint that the account has from the start.
pub(super) const FIRST: &str = "we_sandbox";
/// How many an account may have. (docs.stripe.com/webhooks: 16)
const ENDPOINTS_MAX: usize = 16;

/// A webhook endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `we_…`
    pub id: String,
    /// Where it is.
    pub url: String,
    /// What its webhooks are signed with; empty for the first one, whose secrets are rolled elsewhere.
    pub secret: String,
    /// The event types that it is sent; `*` is all.
    pub enabled_events: Vec<String>,
    api_version: Option<String>,
    metadata: Map<String, Value>,
    created_s: i64,
}

impl Endpoint {
    pub(super) fn first(url: &str, events: &[String]) -> Self {
        Self {
            id: FIRST.to_owned(),
            url: url.to_owned(),
            secret: String::new(),
            enabled_events: events.to_vec(),
            api_version: None,
            metadata: Map::new(),
            created_s: 0,
        }
    }

    pub(super) fn wants(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|wanted| wanted == kind || wanted == "*")
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": self.api_version,
            "application": null,
            "created": self.created_s,
            "description": null,
            "enabled_events": self.enabled_events,
            "livemode": false,
            "metadata": self.metadata,
            "status": "enabled",
            "url": self.url,
        })
    }
}

impl State {
    /// The webhook endpoints that there are, oldest first.
    pub fn webhook_endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// What a webhook is signed with that goes to this endpoint; `None` when it was deleted.
    pub(super) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// Answers a request about endpoints.
    pub(super) fn of_endpoints(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        wanted: Route<'_>,
        (mishap, took_ms): (Mishap, u64),
        request_id: &str,
    ) -> Result<(bool, Answered), Failure> {
        let form = match *request.method() {
            Method::GET => super::api::parse(request.uri().query().unwrap_or_default().as_bytes())?,
            _ => super::api::parse(request.body())?,
        };
        let path = request.uri().path();
        let key = header_text(request, "idempotency-key").filter(|_| *request.method() == Method::POST);
        if let Some(key) = key
            && let Some(first) = self.keys.look_up(now_ms, key, path, &form)?
        {
            return Ok((true, Answered { request_id: first.request_id, status: first.status, body: first.body }));
        }
        if let Mishap::During(status) = mishap {
            return Err(Failure::server(status));
        }
        let outcome = match wanted {
            Route::ListEndpoints => Ok(self.list_endpoints()),
            Route::CreateEndpoint => self.create_endpoint(now_ms, &form),
            Route::Endpoint(id) => self.found(id).map(|at| self.endpoints[at].to_json()),
            Route::UpdateEndpoint(id) => self.update_endpoint(id, &form),
            Route::DeleteEndpoint(id) => self.found(id).map(|at| {
                self.endpoints.remove(at);
                json!({ "id": id, "object": "webhook_endpoint", "deleted": true })
            }),
            _ => Err(Failure::no_such("endpoint", path, "path", 404)),
        };
        if let Mishap::After(status) = mishap {
            return Err(Failure::server(status));
        }
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(failure) => (failure.status, failure.body(request_id)),
        };
        let answered = Answered { request_id: request_id.to_owned(), status, body: pretty(&body) };
        if let Some(key) = key {
            self.keys.remember(now_ms, took_ms, key, path, &form, &answered);
        }
        Ok((false, answered))
    }

    fn found(&self, id: &str) -> Result<usize, Failure> {
        let missing = || Failure::no_such("webhook endpoint", id, "webhook_endpoint", 404);
        self.endpoints.iter().position(|endpoint| endpoint.id == id).ok_or_else(missing)
    }

    fn list_endpoints(&self) -> Value {
        let data: Vec<Value> = self.endpoints.iter().rev().map(Endpoint::to_json).collect();
        json!({ "object": "list", "url": "/v1/webhook_endpoints", "has_more": false, "data": data })
    }

    fn create_endpoint(&mut self, now_ms: i64, form: &Form) -> Result<Value, Failure> {
        refuse_unknown(form, &["url", "enabled_events", "api_version", "description", "metadata", "connect"])?;
        let url = form.get("url").ok_or_else(|| Failure::missing_parameter("url"))?.to_owned();
        let enabled_events: Vec<String> = form.parts("enabled_events").map(|(_, kind)| kind.to_owned()).collect();
        if enabled_events.is_empty() {
            return Err(Failure::missing_parameter("enabled_events"));
        }
        if self.endpoints.len() >= ENDPOINTS_MAX {
            let message = "You have reached the maximum of 16 test webhook endpoints.";
            return Err(Failure::invalid(None, None, message.to_owned()));
        }
        let endpoint = Endpoint {
            id: format!("we_{}", self.ids.next("we", 24)),
            url,
            secret: format!("whsec_{}", self.ids.next("whsec", 32)),
            enabled_events,
            api_version: form.get("api_version").map(str::to_owned),
            metadata: form.parts("metadata").map(|(name, value)| (name.to_owned(), json!(value))).collect(),
            created_s: now_ms / 1000,
        };
        let mut made = endpoint.to_json();
        made["secret"] = json!(endpoint.secret);
        self.endpoints.push(endpoint);
        Ok(made)
    }

    fn update_endpoint(&mut self, id: &str, form: &Form) -> Result<Value, Failure> {
        refuse_unknown(form, &["url", "enabled_events", "description", "disabled", "metadata"])?;
        let at = self.found(id)?;
        let events: Vec<String> = form.parts("enabled_events").map(|(_, kind)| kind.to_owned()).collect();
        if !events.is_empty() {
            self.endpoints[at].enabled_events = events;
        }
        Ok(self.endpoints[at].to_json())
    }
}
