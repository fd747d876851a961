//! What the functions are given: the samples in `events/`, made new for each invocation.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::canned::hex;
use crate::environment::WEBHOOK_SECRET;

/// The size of a usual `payment_intent.succeeded`, in bytes. The sample is shorter, for people to read.
const WEBHOOK_BYTES: usize = 3_500;
/// The order of the sample, which each event replaces by one of its own.
const SAMPLE_ORDER: &str = "sample-1";

/// What is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// A Stripe event of 3.5 kB: verify, queue, acknowledge.
    Webhook,
    /// `POST /payments`: claim, Stripe, settle, nudge, answer.
    Payment,
}

impl Workload {
    /// The name in tables and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "stripe-webhook",
            Self::Payment => "payment-initiator",
        }
    }

    /// The status that an answer must have.
    pub const fn status(self) -> u64 {
        match self {
            Self::Webhook => 200,
            Self::Payment => 201,
        }
    }
}

/// Makes events.
#[derive(Clone, Debug)]
pub struct Events {
    webhook: Value,
    body: String,
    payment: String,
}

impl Events {
    /// Reads the samples of the workspace at `root`.
    ///
    /// # Errors
    /// When they are missing or no JSON.
    pub fn read(root: &Path) -> Result<Self> {
        let file = |name: &str| {
            let path = root.join("events").join(name);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let webhook: Value = serde_json::from_str(&file("stripe-webhook.payment-succeeded.json")?)?;
        let body = padded(webhook["body"].as_str().context("the sample has a body")?)?;
        Ok(Self { webhook, body, payment: file("payment-initiator.create.json")? })
    }

    /// The body of a Stripe event.
    pub fn webhook_body(&self) -> &str {
        &self.body
    }

    /// The `number`-th event of a workload; webhooks are signed at this moment.
    pub fn make(&self, workload: Workload, number: u64) -> Bytes {
        match workload {
            Workload::Webhook => self.webhook(&self.body),
            // The body is JSON within JSON, and the key a header: all are the sample's order.
            Workload::Payment => self.payment.replace(SAMPLE_ORDER, &format!("bench-{number}")).into(),
        }
    }

    /// The `number`-th payment that is confirmed within its request, with a card that pays.
    pub fn confirmed_payment(&self, number: u64) -> Bytes {
        let event = self.make(Workload::Payment, number);
        let mut event: Value = serde_json::from_slice(&event).unwrap_or_default();
        let mut body: Value =
            event["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        body["payment_method"] = json!("pm_card_visa");
        body["confirm"] = json!(true);
        event["body"] = json!(body.to_string());
        event.to_string().into()
    }

    /// A vendor's webhook as a function URL hands it over.
    pub fn delivered(&self, headers: &Map<String, Value>, body: &str) -> Bytes {
        let mut event = self.webhook.clone();
        event["body"] = json!(body);
        event["headers"] = json!(headers);
        event.to_string().into()
    }

    /// A webhook with this body, signed now.
    fn webhook(&self, body: &str) -> Bytes {
        let mut event = self.webhook.clone();
        event["body"] = json!(body);
        event["headers"]["stripe-signature"] = json!(signature(body, now_s()));
        event.to_string().into()
    }
}

/// `Stripe-Signature` at a time in Unix seconds.
pub fn signature(body: &str, at_s: u64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()) else { return String::new() };
    mac.update(format!("{at_s}.{body}").as_bytes());
    format!("t={at_s},v1={}", hex(&mac.finalize().into_bytes()))
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The event with the fields that the sample leaves out, as many as make it the usual size.
fn padded(body: &str) -> Result<String> {
    let mut event: Value = serde_json::from_str(body)?;
    let object = &mut event["data"]["object"];
    for name in ["application", "canceled_at", "cancellation_reason", "invoice", "next_action", "on_behalf_of"] {
        object[name] = Value::Null;
    }
    object["payment_method_types"] = json!(["card", "link"]);
    for number in 1.. {
        let pretty = serde_json::to_string_pretty(&event)?;
        if pretty.len() >= WEBHOOK_BYTES {
            return Ok(pretty);
        }
        event["data"]["object"]["metadata"][format!("shop_field_{number}")] =
            json!("a value that the shop keeps there");
    }
    Ok(body.to_owned())
}
