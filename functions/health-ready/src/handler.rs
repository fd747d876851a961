//! health-ready: whether everything that Crossdock needs can be reached. A stranger learns "ok" or that something is ill; a monitor with
//! a token, and whoever signs, learn what.

mod checks;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use checks::{Checks, Report};
use crossdock::alerts::AlertKeys;
use crossdock::domain::Timestamp;
use crossdock::error::{Error, Result};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use serde_json::json;

/// How long a report is given again: whoever asks every second costs no more than who asks every ten.
const CACHED_FOR: Duration = Duration::from_secs(10);
/// Where a monitor puts its token.
const TOKEN_HEADER: &str = "x-monitor-token";

/// `GET /health/ready` and `GET /health/ready/details`.
pub struct HealthReady {
    system: System,
    checks: Checks,
    secret_id: String,
    last: Mutex<Option<(Timestamp, Report)>>,
}

impl HealthReady {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let secret_id = system.env().required("ALERTS_SECRET_ID")?;
        Ok(Self { system: system.clone(), checks: Checks::new(system)?, secret_id, last: Mutex::default() })
    }

    async fn report(&self) -> Report {
        let now = self.system.world().now();
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, report)) = known.filter(|(at, _)| now.since(*at) < CACHED_FOR) {
            return report;
        }
        let report = self.checks.run().await;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, report.clone()));
        report
    }

    /// Whether a monitor asks. Without a token nothing is looked up.
    async fn is_monitor(&self, request: &ApiRequest) -> bool {
        let Some(token) = request.header(TOKEN_HEADER) else { return false };
        let keys = self.system.secrets().get::<AlertKeys>(&self.secret_id).await;
        keys.is_ok_and(|(keys, _)| keys.is_monitor(token, self.system.world().now()))
    }
}

impl HttpFunction for HealthReady {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let knows = match segments.as_slice() {
            ["health", "ready"] => Box::pin(self.is_monitor(&request)).await,
            // API Gateway has checked the signature.
            ["health", "ready", "details"] => true,
            _ => return Err(no_such_route()),
        };
        let report = Box::pin(self.report()).await;
        let details = knows.then(|| json!(report.checks));
        if report.is_well() {
            let mut body = json!({ "status": "ok" });
            if let Some(details) = details {
                body["checks"] = details;
            }
            return Ok(Answer::new(200, body));
        }
        let mut ill = Error::transient("not_ready", "a check failed");
        "Not everything that Crossdock needs can be reached.".clone_into(&mut ill.detail);
        Ok(Answer::problem(&match details {
            Some(details) => ill.with("checks", details),
            None => ill,
        }))
    }
}
