//! Postmark: mail, where SendGrid certainly did not take it. (postmarkapp.com/developer)

mod classify;
mod event;
pub mod verify;
mod wire;

use serde::Deserialize;

use crate::domain::{Private, Timestamp};

pub use event::{event_id, read_event};

/// The base URL in production.
pub const API_BASE: &str = "https://api.postmarkapp.com";

/// The secret `/crossdock/<Stage>/postmark`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// Opens one server's API.
    pub server_token: Private<String>,
    /// What the webhooks' URLs carry; two while one is rolled.
    #[serde(default)]
    pub webhook_credentials: Vec<WebhookCredential>,
}

/// A name and password of the webhooks', and until when they count.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookCredential {
    /// `name:password`
    pub secret: Private<String>,
    /// Unix seconds; none: until they are removed.
    #[serde(default)]
    pub not_after: Option<i64>,
}

impl Keys {
    /// The credentials that count now.
    pub fn live_webhook_credentials(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let live = move |credential: &&WebhookCredential| credential.not_after.is_none_or(|end| now.seconds() <= end);
        self.webhook_credentials.iter().filter(live).map(|credential| credential.secret.expose().as_str())
    }
}
