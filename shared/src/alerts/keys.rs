//! Where alerts go: URLs that are secrets, because whoever has one may post.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::domain::{Private, Timestamp};

/// The fewest characters of a token that counts: an empty or guessable one in the secret must let nobody in.
const TOKEN_MIN_CHARS: usize = 16;

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

impl AlertKeys {
    /// Whether this is a monitor's token. How long it takes tells nothing of the tokens: hashes have one length, and all are compared.
    pub fn is_monitor(&self, token: &str, now: Timestamp) -> bool {
        let given = Sha256::digest(token);
        self.monitor_tokens.iter().fold(false, |known, MonitorToken { secret, not_after }| {
            let counts = secret.expose().len() >= TOKEN_MIN_CHARS && not_after.is_none_or(|end| now.seconds() < end);
            let is_same = bool::from(given.ct_eq(&Sha256::digest(secret.expose())));
            known || (counts && is_same)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_that_is_long_enough_and_not_over_counts() {
        let secret = r#"{"monitor_tokens":[{"secret":"0123456789abcdef"},{"secret":"short"},
            {"secret":"fedcba9876543210","not_after":100}]}"#;
        let keys: AlertKeys = serde_json::from_str(secret).expect("a secret");
        let at = Timestamp::from_seconds;
        assert!(keys.is_monitor("0123456789abcdef", at(200)));
        assert!(keys.is_monitor("fedcba9876543210", at(99)));
        assert!(!keys.is_monitor("fedcba9876543210", at(100)));
        for wrong in ["", "short", "0123456789abcde", "0123456789abcdeg"] {
            assert!(!keys.is_monitor(wrong, at(0)), "{wrong}");
        }
        assert!(!AlertKeys::default().is_monitor("", at(0)));
    }
}
