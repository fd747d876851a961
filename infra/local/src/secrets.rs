//! Fills the secrets that the template has created: the sandbox's keys, and our own, which are kept between runs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::Aws;

/// Bytes of a key: what HMAC-SHA-256 takes at most.
const KEY_BYTES: usize = 32;

/// What events/stripe-webhook.payment-succeeded.json is signed with: public, and good for samples only.
const SAMPLES_STRIPE_SECRET: &str = "whsec_dGVzdC1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0";
/// The same for events/sendgrid-webhook.delivered.json.
const SAMPLES_SENDGRID_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEv+T+9jNPzQVdQuJ+daiZMNwNawQyUmQ2OHNecNNx83xakvg5\
    2NlqTY3iN4dL6qmlf9kOAHgAizl+SPce4sEh4w==";

/// With what the simulated vendors make keys, unless they are told another one.
mod sandbox_admin {
    pub(super) const STRIPE: &str = "rk_test_sandbox_admin";
    pub(super) const SENDGRID: &str = "SG.sandbox-admin";
}

/// The `app` secret. The person key is never rotated: what was hashed with it must be found again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AppKeys {
    person_key: String,
    link_key: String,
}

impl AppKeys {
    /// The keys kept in `home`, made on first use.
    pub(crate) fn kept_in(home: &Path) -> Result<Self> {
        let file = home.join("app-keys.json");
        if let Ok(kept) = fs::read(&file) {
            return serde_json::from_slice(&kept).with_context(|| format!("{} cannot be read", file.display()));
        }
        let keys = Self { person_key: random_key()?, link_key: random_key()? };
        fs::create_dir_all(home)?;
        fs::write(&file, serde_json::to_vec_pretty(&keys)?)?;
        Ok(keys)
    }
}

/// What the simulated vendors want and sign with.
pub(crate) struct VendorKeys {
    pub(crate) stripe_api_key: &'static str,
    pub(crate) stripe_webhook_secret: &'static str,
    pub(crate) sendgrid_api_key: &'static str,
    pub(crate) sendgrid_marketing_api_key: &'static str,
    /// SPKI in base64.
    pub(crate) sendgrid_public_key: String,
    pub(crate) postmark_server_token: &'static str,
    pub(crate) postmark_webhook_credentials: &'static str,
    pub(crate) twilio_account_sid: &'static str,
    pub(crate) twilio_api_key_sid: &'static str,
    pub(crate) twilio_api_key_secret: &'static str,
    pub(crate) twilio_auth_token: &'static str,
    pub(crate) twilio_number: &'static str,
    pub(crate) fedex_client_id: &'static str,
    pub(crate) fedex_client_secret: &'static str,
    pub(crate) fedex_account_number: &'static str,
    pub(crate) fedex_webhook_token: &'static str,
    pub(crate) ups_client_id: &'static str,
    pub(crate) ups_client_secret: &'static str,
    pub(crate) ups_account_number: &'static str,
    pub(crate) ups_webhook_credential: &'static str,
    pub(crate) dhl_username: &'static str,
    pub(crate) dhl_password: &'static str,
    pub(crate) dhl_account_number: &'static str,
}

/// Puts every secret of `stage`.
pub(crate) async fn put_all(aws: &Aws, stage: &str, app: &AppKeys, vendors: &VendorKeys) -> Result<()> {
    put(aws, stage, "app", &serde_json::to_value(app)?).await?;
    let api_keys = [
        ("stripe", json!({ "api_key": vendors.stripe_api_key })),
        (
            "sendgrid",
            json!({
                "transactional_api_key": vendors.sendgrid_api_key,
                "marketing_api_key": vendors.sendgrid_marketing_api_key,
            }),
        ),
        (
            "twilio",
            json!({
                "account_sid": vendors.twilio_account_sid,
                "api_key": { "sid": vendors.twilio_api_key_sid, "secret": vendors.twilio_api_key_secret },
                "from": vendors.twilio_number,
            }),
        ),
        ("postmark", json!({ "server_token": vendors.postmark_server_token })),
        (
            "fedex",
            json!({
                "client_id": vendors.fedex_client_id,
                "client_secret": vendors.fedex_client_secret,
                "account_number": vendors.fedex_account_number,
            }),
        ),
        (
            "ups",
            json!({
                "client_id": vendors.ups_client_id,
                "client_secret": vendors.ups_client_secret,
                "account_number": vendors.ups_account_number,
            }),
        ),
        (
            "dhl",
            json!({
                "username": vendors.dhl_username,
                "password": vendors.dhl_password,
                "account_number": vendors.dhl_account_number,
            }),
        ),
    ];
    let webhooks = [
        ("stripe", "webhook_secrets", vec![vendors.stripe_webhook_secret, SAMPLES_STRIPE_SECRET]),
        ("sendgrid", "webhook_public_keys", vec![vendors.sendgrid_public_key.as_str(), SAMPLES_SENDGRID_KEY]),
        ("twilio", "auth_tokens", vec![vendors.twilio_auth_token]),
        ("postmark", "webhook_credentials", vec![vendors.postmark_webhook_credentials]),
        ("fedex", "webhook_tokens", vec![vendors.fedex_webhook_token]),
        ("ups", "webhook_credentials", vec![vendors.ups_webhook_credential]),
    ];
    let sandbox = [("stripe-admin", sandbox_admin::STRIPE), ("sendgrid-admin", sandbox_admin::SENDGRID)];
    for (name, key) in sandbox {
        put(aws, stage, name, &json!({ "api_key": key })).await?;
    }
    for (vendor, keys) in api_keys {
        put(aws, stage, vendor, &keys).await?;
    }
    for (vendor, name, live) in webhooks {
        let live: Vec<Value> = live.into_iter().map(|secret| json!({ "secret": secret })).collect();
        put(aws, stage, &format!("{vendor}-webhook"), &json!({ name: live })).await?;
    }
    Ok(())
}

/// Puts the secret `/crossdock/<stage>/<name>`.
pub(crate) async fn put(aws: &Aws, stage: &str, name: &str, value: &Value) -> Result<()> {
    let body = json!({ "SecretId": format!("/crossdock/{stage}/{name}"), "SecretString": value.to_string() });
    aws.json("secretsmanager", "secretsmanager.PutSecretValue", &body).await?;
    Ok(())
}

fn random_key() -> Result<String> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_keys_of_the_first_run_are_those_of_the_second() {
        let home = std::env::temp_dir().join(format!("crossdock-secrets-{}", std::process::id()));
        let first = AppKeys::kept_in(&home).unwrap();
        let second = AppKeys::kept_in(&home).unwrap();
        assert_eq!(first.person_key, second.person_key);
        assert_eq!(first.link_key, second.link_key);
        assert_ne!(first.person_key, first.link_key);
        fs::remove_dir_all(home).unwrap();
    }
}
