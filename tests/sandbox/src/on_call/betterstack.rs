//! Better Stack: its incoming webhook, which reads any JSON by rules that its user sets up, and a heartbeat.
//!
//! The rules are those of infra/monitoring/betterstack.json: what we send is understood only if both fit.
//!
//! | rule | source |
//! |---|---|
//! | incidents are started and resolved by rules on fields, an alert id avoids duplicates | page: betterstack.com/docs/uptime/incoming-webhooks |
//! | the names of the rules' fields, `match_type` equals and `match_everything` | SDK: github.com/BetterStackHQ/terraform-provider-better-uptime, docs/resources/betteruptime_incoming_webhook.md |
//! | a heartbeat is a GET or POST; `/fail` at the end reports a failure | page: betterstack.com/docs/uptime/cron-and-heartbeat-monitor |
//! | 201 for a webhook that was read, 404 for one that is unknown | guess: no page says it; the notifier takes any 2xx, and any other status for a failure |

use super::{Next, Told, json_of, ordered, throttled};
use crate::answer::answer;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;

/// The path of the incoming webhook.
pub const INCIDENTS_PATH: &str = "/api/v1/incoming-webhook/SANDBOX0123456789";
/// The path of the heartbeat.
pub const HEARTBEAT_PATH: &str = "/api/v1/heartbeat/SANDBOX0123456789";
/// How our account is set up.
pub(crate) const CONFIGURATION: &str = include_str!("../../../../infra/monitoring/betterstack.json");

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// What makes it one with its end.
    pub alert_id: String,
    /// What it is called.
    pub title: String,
    /// Its short description.
    pub cause: String,
    /// Epoch milliseconds.
    pub opened_ms: i64,
    /// Epoch milliseconds, once it is over.
    pub resolved_ms: Option<i64>,
}

/// A heartbeat that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Beat {
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Whether it reported a failure.
    pub is_failure: bool,
}

/// The account.
#[derive(Debug)]
pub struct State {
    webhook: Value,
    incidents: Vec<Incident>,
    beats: Vec<Beat>,
    next: VecDeque<Next>,
}

impl State {
    /// An account that is set up like this.
    pub(crate) fn new(configuration: &str) -> Self {
        let configuration: Value = serde_json::from_str(configuration).unwrap_or_default();
        Self {
            webhook: configuration["incoming_webhook"].clone(),
            incidents: Vec::new(),
            beats: Vec::new(),
            next: VecDeque::new(),
        }
    }

    /// All incidents, oldest first.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// All heartbeats, oldest first.
    pub fn beats(&self) -> &[Beat] {
        &self.beats
    }

    /// Orders what is answered next.
    pub fn answer_next(&mut self, next: impl IntoIterator<Item = Next>) {
        self.next.extend(next);
    }

    /// One request.
    pub fn call(&mut self, now_ms: i64, request: &Request<Bytes>) -> Told {
        match ordered(&mut self.next) {
            Next::Truth => Told::Answer(self.truth(now_ms, request)),
            Next::Throttled { retry_after_s } => Told::Answer(throttled(now_ms, retry_after_s)),
            Next::Refused { status } => Told::Answer(answer(now_ms, status, "application/json", "{}")),
            Next::Silent { after_ms } => Told::Broken { after_ms },
            Next::Lost => {
                let _ = self.truth(now_ms, request);
                Told::Broken { after_ms: 0 }
            }
        }
    }

    fn truth(&mut self, now_ms: i64, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let known = [Method::GET, Method::POST].contains(request.method());
        match path.strip_prefix(HEARTBEAT_PATH) {
            Some(end @ ("" | "/fail")) if known => {
                self.beats.push(Beat { at_ms: now_ms, is_failure: end == "/fail" });
                return answer(now_ms, 200, "text/plain", "OK");
            }
            _ => {}
        }
        if path != INCIDENTS_PATH || request.method() != Method::POST {
            return answer(now_ms, 404, "application/json", r#"{"errors":"Resource not found"}"#);
        }
        let Some(body) = json_of(request) else {
            return answer(now_ms, 422, "application/json", r#"{"errors":"Invalid payload"}"#);
        };
        if self.matches("started", &body) {
            self.start(now_ms, &body);
        } else if self.matches("resolved", &body) {
            let id = self.field("resolved_alert_id_field", &body);
            let of_it = |incident: &&mut Incident| incident.alert_id == id && incident.resolved_ms.is_none();
            if let Some(incident) = self.incidents.iter_mut().find(of_it) {
                incident.resolved_ms = Some(now_ms);
            }
        }
        answer(now_ms, 201, "application/json", "{}")
    }

    fn start(&mut self, now_ms: i64, body: &Value) {
        let alert_id = self.field("started_alert_id_field", body);
        if self.incidents.iter().any(|incident| incident.alert_id == alert_id && incident.resolved_ms.is_none()) {
            return;
        }
        let (title, cause) = (self.field("title_field", body), self.field("cause_field", body));
        self.incidents.push(Incident { alert_id, title, cause, opened_ms: now_ms, resolved_ms: None });
    }

    /// Whether a document satisfies all rules of this kind. Other kinds of rules than ours are not simulated.
    fn matches(&self, kind: &str, body: &Value) -> bool {
        let rules = self.webhook[format!("{kind}_rules")].as_array().cloned().unwrap_or_default();
        let fits = |rule: &Value| {
            let text = |name: &str| rule[name].as_str().unwrap_or_default();
            text("rule_target") == "json"
                && text("match_type") == "equals"
                && body[text("target_field")].as_str() == Some(text("content"))
        };
        self.webhook[format!("{kind}_rule_type")] == "all" && !rules.is_empty() && rules.iter().all(fits)
    }

    fn field(&self, name: &str, body: &Value) -> String {
        let field = &self.webhook[name];
        let is_simulated = field["field_target"] == "json" && field["match_type"] == "match_everything";
        let value = &body[field["target_field"].as_str().unwrap_or_default()];
        value.as_str().filter(|_| is_simulated).unwrap_or_default().to_owned()
    }
}
