//! Twilio: SMS. (www.twilio.com/docs/messaging/api)

mod classify;
mod event;
pub mod verify;
mod wire;

use serde::Deserialize;

use crate::domain::{Private, Timestamp};

pub use event::{event_id, object_id, read_event};

/// The base URL in production.
pub const API_BASE: &str = "https://api.twilio.com";

/// The secret `/crossdock/<Stage>/twilio`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// `AC…`
    pub account_sid: String,
    /// The account's auth tokens; two while one is rolled. The first that counts is the one that we call with.
    pub auth_tokens: Vec<AuthToken>,
    /// A number of ours in E.164, a name, or a messaging service (`MG…`).
    pub from: Private<String>,
}

/// An auth token, and until when it counts.
#[derive(Clone, Debug, Deserialize)]
pub struct AuthToken {
    /// Opens the API, and signs webhooks.
    pub secret: Private<String>,
    /// Unix seconds; none: until it is removed.
    #[serde(default)]
    pub not_after: Option<i64>,
}

impl Keys {
    /// The tokens that count now.
    pub fn live_tokens(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let live = move |token: &&AuthToken| token.not_after.is_none_or(|end| now.seconds() <= end);
        // An empty one in the secret would let anybody sign.
        let tokens = self.auth_tokens.iter().filter(live).map(|token| token.secret.expose().as_str());
        tokens.filter(|token| !token.is_empty())
    }
}
