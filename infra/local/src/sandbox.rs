//! The vendor simulators: the sandbox program as a process of its own, and its admin calls.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::aws::loopback_client;
use crate::folder::{Folder, Running};
use crate::processes::{Group, LOOK_EVERY};
use crate::secrets::VendorKeys;

/// How long the start may take; it takes some milliseconds, and a second on a busy machine.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// What the sandbox prints, before its URL, when it is ready.
const READY_LINE: &str = "listening on http://127.0.0.1:";

/// The key that the simulated Stripe accepts. Its prefix says that it is a test key.
const STRIPE_API_KEY: &str = "sk_test_local_stack";
/// What the simulated Stripe signs its webhooks with.
const STRIPE_WEBHOOK_SECRET: &str = "whsec_local_stack";
/// The key that the simulated SendGrid accepts.
const SENDGRID_API_KEY: &str = "SG.local-stack";
/// The one for marketing.
const SENDGRID_MARKETING_API_KEY: &str = "SG.local-stack-marketing";
/// What the simulated Postmark wants, and what its webhooks carry.
const POSTMARK_SERVER_TOKEN: &str = "postmark-local-stack";
const POSTMARK_WEBHOOK_CREDENTIALS: &str = "postmark:local-stack-password";
/// The account, its keys and its number at the simulated Twilio.
const TWILIO_ACCOUNT_SID: &str = "AC0000000000000000000000000000010c";
const TWILIO_API_KEY_SID: &str = "SK0000000000000000000000000000010c";
const TWILIO_API_KEY_SECRET: &str = "twilio-local-stack-key";
const TWILIO_AUTH_TOKEN: &str = "twilio-local-stack";
const TWILIO_NUMBER: &str = "+15005550006";
/// The client, its secret and the account at the simulated FedEx, and what its webhooks are signed with.
const FEDEX_CLIENT_ID: &str = "fedex-local-stack";
const FEDEX_CLIENT_SECRET: &str = "fedex-local-stack-secret";
const FEDEX_ACCOUNT_NUMBER: &str = "740561073";
const FEDEX_WEBHOOK_TOKEN: &str = "fedex-local-stack-token";
/// The same at the simulated UPS, and what goes with its webhooks.
const UPS_CLIENT_ID: &str = "ups-local-stack";
const UPS_CLIENT_SECRET: &str = "ups-local-stack-secret";
const UPS_ACCOUNT_NUMBER: &str = "A1B2C3";
const UPS_WEBHOOK_CREDENTIAL: &str = "ups-local-stack-credential";
/// The user, the password and the account at the simulated DHL.
const DHL_USERNAME: &str = "dhl-local-stack";
const DHL_PASSWORD: &str = "dhl-local-stack-password";
const DHL_ACCOUNT_NUMBER: &str = "123456789";
/// Milliseconds before a failed webhook is sent again: a person is waiting, so sooner than a vendor would.
const FIRST_RETRY_MS: &str = "2000";

/// The running sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    http: reqwest::Client,
    port: u16,
}

impl Sandbox {
    /// Starts `program` on a port that it chooses itself. `seed` decides every id that it gives out.
    pub(crate) async fn start(
        program: &Path,
        seed: u64,
        folder: &Folder,
        started: impl FnOnce(&Running) -> Result<()>,
    ) -> Result<(Group, Self)> {
        let log = folder.log("sandbox");
        let mut command = Command::new(program);
        command.args(["--port", "0", "--seed", &seed.to_string()]);
        command.args(["--stripe-api-key", STRIPE_API_KEY, "--stripe-webhook-secret", STRIPE_WEBHOOK_SECRET]);
        command.args(["--sendgrid-api-key", SENDGRID_API_KEY, "--first-retry-ms", FIRST_RETRY_MS]);
        command.args(["--twilio-account-sid", TWILIO_ACCOUNT_SID, "--twilio-auth-tokens", TWILIO_AUTH_TOKEN]);
        command.args(["--twilio-api-key-sid", TWILIO_API_KEY_SID, "--twilio-api-key-secret", TWILIO_API_KEY_SECRET]);
        command.args(["--twilio-numbers", TWILIO_NUMBER, "--postmark-server-token", POSTMARK_SERVER_TOKEN]);
        command.args(["--postmark-webhook-credentials", POSTMARK_WEBHOOK_CREDENTIALS]);
        command.args(["--sendgrid-marketing-api-key", SENDGRID_MARKETING_API_KEY]);
        command.args(["--fedex-client-id", FEDEX_CLIENT_ID, "--fedex-client-secret", FEDEX_CLIENT_SECRET]);
        command.args(["--fedex-account-number", FEDEX_ACCOUNT_NUMBER, "--fedex-webhook-token", FEDEX_WEBHOOK_TOKEN]);
        command.args(["--ups-client-id", UPS_CLIENT_ID, "--ups-client-secret", UPS_CLIENT_SECRET]);
        command.args(["--ups-account-number", UPS_ACCOUNT_NUMBER, "--ups-webhook-credential", UPS_WEBHOOK_CREDENTIAL]);
        command.args(["--dhl-username", DHL_USERNAME, "--dhl-password", DHL_PASSWORD]);
        command.args(["--dhl-account-number", DHL_ACCOUNT_NUMBER]);
        let mut group = Group::start("the sandbox", &mut command, &log)?;
        let since = Instant::now();
        let port = loop {
            if let Some(port) = announced_port(&fs::read_to_string(&log)?) {
                break port;
            }
            group.must_be_running()?;
            if since.elapsed() > READY_WITHIN {
                bail!("the sandbox is not ready after {} s; see {}", READY_WITHIN.as_secs(), log.display());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        started(&Running { pid: group.pid(), port, mark: program.display().to_string() })?;
        Ok((group, Self::at(port)?))
    }

    /// Names the sandbox on `port`; nothing is sent yet.
    pub(crate) fn at(port: u16) -> Result<Self> {
        Ok(Self { http: loopback_client()?, port })
    }

    /// The base URL of the simulated `vendor` (`stripe`, `sendgrid`, `twilio`).
    pub fn vendor_base(&self, vendor: &str) -> String {
        format!("http://127.0.0.1:{}/{vendor}", self.port)
    }

    /// The secret of alerts: the simulated Slack and Better Stack. `GET /_sandbox/on-call` shows what they were told.
    pub(crate) fn alerts(&self) -> Value {
        let (slack, betterstack) = (self.vendor_base("slack"), self.vendor_base("betterstack"));
        json!({
            "slack_webhook_url": format!("{slack}/services/T0SANDBOX/B0SANDBOX/0123456789abcdefSANDBOX"),
            "betterstack_incidents_url": format!("{betterstack}/api/v1/incoming-webhook/SANDBOX0123456789"),
            "betterstack_heartbeat_url": format!("{betterstack}/api/v1/heartbeat/SANDBOX0123456789"),
            // What events/health-ready.json is sent with.
            "monitor_tokens": [{ "secret": "a-token-of-the-local-stack" }],
        })
    }

    /// An admin call, `path` without `/_sandbox/`. Gives the answer's JSON (null if it has none), or an error with
    /// what the sandbox said.
    pub async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("http://127.0.0.1:{}/_sandbox/{path}", self.port);
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.context("the sandbox does not answer")?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if !status.is_success() {
            bail!("sandbox {path}: {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The keys that the simulated vendors want and sign with.
    pub(crate) async fn keys(&self) -> Result<VendorKeys> {
        let keys = self.admin(Method::GET, "keys", None).await?;
        let public_key = keys["sendgrid_public_key"].as_str().context("the sandbox shows no public key")?;
        Ok(VendorKeys {
            stripe_api_key: STRIPE_API_KEY,
            stripe_webhook_secret: STRIPE_WEBHOOK_SECRET,
            sendgrid_api_key: SENDGRID_API_KEY,
            sendgrid_marketing_api_key: SENDGRID_MARKETING_API_KEY,
            postmark_server_token: POSTMARK_SERVER_TOKEN,
            postmark_webhook_credentials: POSTMARK_WEBHOOK_CREDENTIALS,
            sendgrid_public_key: public_key.to_owned(),
            twilio_account_sid: TWILIO_ACCOUNT_SID,
            twilio_api_key_sid: TWILIO_API_KEY_SID,
            twilio_api_key_secret: TWILIO_API_KEY_SECRET,
            twilio_auth_token: TWILIO_AUTH_TOKEN,
            twilio_number: TWILIO_NUMBER,
            fedex_client_id: FEDEX_CLIENT_ID,
            fedex_client_secret: FEDEX_CLIENT_SECRET,
            fedex_account_number: FEDEX_ACCOUNT_NUMBER,
            fedex_webhook_token: FEDEX_WEBHOOK_TOKEN,
            ups_client_id: UPS_CLIENT_ID,
            ups_client_secret: UPS_CLIENT_SECRET,
            ups_account_number: UPS_ACCOUNT_NUMBER,
            ups_webhook_credential: UPS_WEBHOOK_CREDENTIAL,
            dhl_username: DHL_USERNAME,
            dhl_password: DHL_PASSWORD,
            dhl_account_number: DHL_ACCOUNT_NUMBER,
        })
    }

    /// Tells the vendors where to send their webhooks: everything to `url`, with the virtual host of each receiver.
    pub(crate) async fn send_webhooks_to(&self, url: &str, hosts: &[(&str, String)]) -> Result<()> {
        let urls: Value = hosts.iter().map(|(vendor, host)| (*vendor, json!({ "url": url, "host": host }))).collect();
        self.admin(Method::PUT, "webhook-urls", Some(&urls)).await?;
        Ok(())
    }

    /// From now on every call to `vendor` is answered 503 and nothing is done, until [`Sandbox::heal`].
    pub async fn outage(&self, vendor: &str) -> Result<()> {
        self.admin(Method::POST, "faults", Some(&json!({ "outages": [vendor] }))).await?;
        Ok(())
    }

    /// From now on every call to `vendor` that names `text` (an order's id) is answered 503, and nothing is done, until
    /// [`Sandbox::heal_about`]. Other calls are left alone.
    pub async fn outage_about(&self, vendor: &str, text: &str) -> Result<()> {
        let rule = json!({ "vendor": vendor, "operation": "*", "fault": "error_before", "status": 503, "about": text });
        self.admin(Method::POST, "faults", Some(&json!({ "calls": [rule] }))).await?;
        Ok(())
    }

    /// Clears the faults that are about `text`, and no others.
    pub async fn heal_about(&self, text: &str) -> Result<()> {
        self.admin(Method::DELETE, &format!("faults/{text}"), None).await?;
        Ok(())
    }

    /// Clears every fault.
    pub async fn heal(&self) -> Result<()> {
        self.admin(Method::DELETE, "faults", None).await?;
        Ok(())
    }

    /// The shopper's browser pays at Stripe: confirms the payment intent of `client_secret`.
    pub async fn shopper_pays(&self, client_secret: &str, payment_method: &str) -> Result<()> {
        let body = json!({ "client_secret": client_secret, "payment_method": payment_method });
        self.admin(Method::POST, "shopper/confirm", Some(&body)).await?;
        Ok(())
    }

    /// The shopper passes the bank's 3-D Secure page.
    pub async fn shopper_authenticates(&self, payment_intent: &str) -> Result<()> {
        let body = json!({ "payment_intent": payment_intent, "success": true });
        self.admin(Method::POST, "shopper/authenticate", Some(&body)).await?;
        Ok(())
    }
}

fn announced_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once(READY_LINE)?;
    // Only a whole line counts: half a number is a number too.
    rest.split_once('\n')?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_ready_line_once_it_is_complete() {
        assert_eq!(announced_port("starting\n"), None);
        assert_eq!(announced_port("listening on http://127.0.0.1:405"), None);
        assert_eq!(announced_port("x\nlistening on http://127.0.0.1:40512\n"), Some(40512));
    }
}
