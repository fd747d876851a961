//! What the functions are given: the samples in `events/`, made new for each invocation.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::canned::hex;
use crate::environment::WEBHOOK_SECRET;
use crate::server::Arrival;

/// The size of a usual `payment_intent.succeeded`, in bytes. The sample is shorter, for people to read.
const WEBHOOK_BYTES: usize = 3_500;
/// The id of the sample's intent, without its prefix.
const NUDGED: &str = "3TDMQAQT8RSK5S3QGCJ3ZG2WSC";
/// The postal code to which the sample's parcel goes: each event's own, since what was asked before is answered from memory.
const DESTINATION: &str = "75008";
/// What carriers are asked for prices by.
const RATES: [&str; 3] = ["POST /rate/v1/rates/quotes", "POST /api/rating/v2409/Shop", "POST /rates"];
/// Records of a batch: as many as template.yaml gives the workers at once.
const BATCH: u64 = 10;

/// What is done again and again. Another one is a variant, its row, its place in [`Workload::ALL`], and what the
/// competitors do in `functions/*/<script>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// A Stripe event of 3.5 kB: verify, queue, acknowledge.
    Webhook,
    /// `POST /payments`: claim, Stripe, settle, nudge, answer.
    Payment,
    /// One nudge of a mail: claim, message and contact in one read, SendGrid, settle.
    Mail,
    /// The same for a batch. Ours works its mails side by side, the competitors one after the other: boto3 waits for
    /// every call, and so do Powertools' batches of SQS unless a handler is asynchronous.
    Mails,
    /// `POST /rates`: earlier answers, FedEx, UPS and DHL at once, their answers kept, prices in order.
    Rates,
}

/// What sets a workload apart.
struct Row {
    /// In tables and files.
    name: &'static str,
    /// Ours that does it.
    function: &'static str,
    /// The competitors' module, without its ending.
    script: &'static str,
    /// The sample in `events/`.
    sample: &'static str,
    form: Form,
    /// What is asked for once for each thing that is to be done: operations.
    asks: &'static [&'static str],
}

/// How an event is made of its sample.
#[derive(Clone, Copy)]
enum Form {
    /// A vendor's webhook, signed at that moment; answered with this status.
    Signed(u64),
    /// A request to the REST API; this text of the sample becomes each event's own; answered with this status.
    Request(&'static str, u64),
    /// So many nudges; this text of the sample's record becomes each record's own; answered with a list of failures.
    Nudges(u64, &'static str),
}

impl Workload {
    /// Everything that is measured, in the order of the tables.
    pub const ALL: [Self; 5] = [Self::Webhook, Self::Payment, Self::Mail, Self::Mails, Self::Rates];

    const fn row(self) -> Row {
        match self {
            Self::Webhook => Row {
                name: "stripe-webhook",
                function: "stripe-webhook",
                script: "webhook",
                sample: "stripe-webhook.payment-succeeded.json",
                form: Form::Signed(200),
                asks: &["SendMessage"],
            },
            Self::Payment => Row {
                name: "payment-initiator",
                function: "payment-initiator",
                script: "payments",
                sample: "payment-initiator.create.json",
                form: Form::Request("sample-1", 201),
                asks: &["POST /v1/payment_intents"],
            },
            Self::Mail => Row {
                name: "email-sender",
                function: "email-sender",
                script: "mail",
                sample: "email-sender.nudge.json",
                form: Form::Nudges(1, NUDGED),
                asks: &["POST /v3/mail/send"],
            },
            Self::Mails => Row { name: "email-sender-ten", form: Form::Nudges(BATCH, NUDGED), ..Self::Mail.row() },
            Self::Rates => Row {
                name: "rate-quoter",
                function: "rate-quoter",
                script: "rates",
                sample: "rate-quoter.quote.json",
                form: Form::Request(DESTINATION, 200),
                asks: &RATES,
            },
        }
    }

    /// The name in tables and files.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The function of ours that does it.
    pub const fn function(self) -> &'static str {
        self.row().function
    }

    /// The competitors' module, without its ending.
    pub const fn script(self) -> &'static str {
        self.row().script
    }

    /// Whether it is another workload's function with another event: its init is the same.
    pub fn is_variant(self) -> bool {
        self.name() != self.function()
    }

    /// Whether the answer to an event, and what was asked for it meanwhile, say that the work was done.
    ///
    /// # Errors
    /// When they do not.
    pub fn check(self, answer: &Value, arrivals: &[Arrival]) -> Result<()> {
        let (wanted, good) = match self.row().form {
            Form::Signed(status) | Form::Request(_, status) => (1, answer["statusCode"].as_u64() == Some(status)),
            Form::Nudges(count, _) => (count, answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty)),
        };
        ensure!(good, "{} was answered {answer}", self.name());
        for operation in self.row().asks {
            let asked = arrivals.iter().filter(|arrival| arrival.operation == *operation).count() as u64;
            ensure!(asked == wanted, "{}: {operation} was asked {asked} times, not {wanted}", self.name());
        }
        Ok(())
    }
}

/// Makes events.
#[derive(Clone, Debug)]
pub struct Events {
    samples: BTreeMap<Workload, String>,
    webhook: Value,
    body: String,
}

impl Events {
    /// Reads the samples of the workspace at `root`.
    ///
    /// # Errors
    /// When they are missing or no JSON.
    pub fn read(root: &Path) -> Result<Self> {
        let mut samples = BTreeMap::new();
        for workload in Workload::ALL {
            let path = root.join("events").join(workload.row().sample);
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            samples.insert(workload, text);
        }
        let webhook: Value = serde_json::from_str(&samples[&Workload::Webhook])?;
        let body = padded(webhook["body"].as_str().context("the sample has a body")?)?;
        Ok(Self { samples, webhook, body })
    }

    /// The body of a Stripe event.
    pub fn webhook_body(&self) -> &str {
        &self.body
    }

    /// The `number`-th event of a workload; webhooks are signed at this moment.
    pub fn make(&self, workload: Workload, number: u64) -> Bytes {
        let sample = &self.samples[&workload];
        match workload.row().form {
            Form::Signed(_) => self.webhook(&self.body),
            // The body is JSON within JSON, and the key a header: all are the sample's order. A postal code has at most ten
            // characters.
            Form::Request(own, _) => sample.replace(own, &format!("bench{number}")).into(),
            Form::Nudges(count, own) => nudges(sample, own, number * count, count).into(),
        }
    }

    /// The `number`-th payment that is confirmed within its request, with a card that pays.
    pub fn confirmed_payment(&self, number: u64) -> Bytes {
        let card = [("payment_method", json!("pm_card_visa")), ("confirm", json!(true))];
        with_body(&self.make(Workload::Payment, number), &card)
    }

    /// The `number`-th request for prices, of a shop that waits this long at most.
    pub fn rates_within(&self, deadline: Duration, number: u64) -> Bytes {
        with_body(&self.make(Workload::Rates, number), &[("deadline_ms", json!(deadline.as_millis()))])
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

/// A request with these fields in its body.
fn with_body(event: &[u8], fields: &[(&str, Value)]) -> Bytes {
    let mut event: Value = serde_json::from_slice(event).unwrap_or_default();
    let body = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    let mut body: Value = body.unwrap_or_default();
    for (name, value) in fields {
        body[*name] = value.clone();
    }
    event["body"] = json!(body.to_string());
    event.to_string().into()
}

/// An SQS event of so many records, each with the sample's nudge for an intent of its own.
fn nudges(sample: &str, own: &str, first: u64, count: u64) -> String {
    let sample: Value = serde_json::from_str(sample).unwrap_or_default();
    let records: Vec<String> = (first..first + count)
        .map(|number| {
            let mut record = sample["Records"][0].clone();
            record["messageId"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
            record.to_string().replace(own, &format!("{number:026}"))
        })
        .collect();
    format!("{{\"Records\":[{}]}}", records.join(","))
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
