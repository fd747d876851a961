//! Where alerts go: URLs that are secrets, because whoever has one may post.

use serde::Deserialize;

use crate::domain::Private;

/// The secret `/crossdock/<Stage>/alerts`. Every key may be missing: then nothing goes there, and the log says so.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AlertKeys {
    /// Slack's incoming webhook.
    #[serde(default)]
    pub slack_webhook_url: Option<Private<String>>,
    /// Better Stack's incoming webhook, set up as infra/monitoring/betterstack.json says.
    #[serde(default)]
    pub betterstack_incidents_url: Option<Private<String>>,
    /// Better Stack's heartbeat of the sweeper.
    #[serde(default)]
    pub betterstack_heartbeat_url: Option<Private<String>>,
    /// What a monitor sends to `health-ready` in a header.
    #[serde(default)]
    pub monitor_tokens: Vec<MonitorToken>,
}

/// One token of a monitor. There may be two while one is replaced.
#[derive(Clone, Debug, Deserialize)]
pub struct MonitorToken {
    /// At least 16 characters.
    pub secret: Private<String>,
    /// Unix seconds after which it no longer counts.
    #[serde(default)]
    pub not_after: Option<i64>,
}
