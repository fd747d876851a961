//! Incidents at Better Stack: its incoming webhook takes any JSON and is told which fields mean what. Our fields, and the rules that
//! read them, are in infra/monitoring/betterstack.json. (betterstack.com/docs/uptime/incoming-webhooks)

use std::time::Duration;

use serde_json::{Value, json};

use super::slack::{refused, send};
use crate::domain::{Private, Timestamp};
use crate::error::Result;
use crate::world::World;

/// How long we wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(8);

/// What Better Stack is told.
#[derive(Clone, Debug)]
pub(super) struct Incident<'a> {
    /// The same for the opening and the end: Better Stack opens one incident for it, however often it is told.
    pub(super) alert_id: &'a str,
    pub(super) is_open: bool,
    pub(super) title: String,
    pub(super) cause: String,
    pub(super) at: Timestamp,
    pub(super) runbook: Option<&'a str>,
}

impl Incident<'_> {
    fn document(&self) -> Value {
        json!({
            "alert_id": self.alert_id,
            "status": if self.is_open { "open" } else { "resolved" },
            "title": self.title,
            "cause": self.cause,
            "at": self.at.to_rfc3339(),
            "runbook": self.runbook,
        })
    }
}

/// Opens or ends an incident. Doing it twice does no harm.
///
/// # Errors
/// `alert_not_posted` (transient), `alert_url_unusable` (misconfigured).
pub(super) async fn tell(world: &World, url: &Private<String>, incident: &Incident<'_>) -> Result<()> {
    let answer = send(world, url, &incident.document(), TIMEOUT, "Better Stack").await?;
    if answer.status().is_success() { Ok(()) } else { Err(refused("Better Stack", &answer)) }
}
