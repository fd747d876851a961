//! Orders on their way through the payment flow: real function processes, a table and queues that remember, the
//! vendors' sandbox. What each order costs is counted, not modelled: invocations and their time, requests, write units
//! of the items as they really are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::environment;
use crate::events::Events;
use crate::function::{Function, Launch};
use crate::installed::Workspace;
use crate::live::{Bill, Live, Message};
use crate::prices::{self, Usage};
use crate::race::{DELAYS, ms};
use crate::server::Server;
use crate::statistics::{Spread, median};

/// The functions of the payment flow, in the order in which an order meets them.
const FUNCTIONS: [&str; 6] =
    ["payment-initiator", "stripe-webhook", "event-processor", "email-sender", "sendgrid-webhook", "payment-worker"];
/// The queues with their workers and batch sizes, as in template.yaml.
const QUEUES: [(&str, &str, usize); 4] = [
    ("inbound-events", "event-processor", 10),
    ("inbound-work", "event-processor", 10),
    ("email", "email-sender", 10),
    ("payments", "payment-worker", 1),
];
/// How far ahead vendors' webhooks are taken, in milliseconds: SendGrid collects events for some seconds.
const WEBHOOKS_AHEAD_MS: i64 = 60_000;
/// Turns of webhooks and queues until an order must be at rest.
const TURNS_MAX: usize = 20;

/// One function's part.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Part {
    /// Milliseconds that each invocation took, calls taking as long as real ones.
    #[serde(skip)]
    pub took_ms: Vec<f64>,
    /// Invocations of an order.
    pub invocations: f64,
    /// Milliseconds of an invocation: median.
    pub median_ms: f64,
    /// Billed milliseconds of an order.
    pub billed_ms: f64,
    /// Bytes logged for an order.
    pub log_bytes: f64,
    /// What its requests were billed as, for all orders.
    pub bill: Bill,
}

/// What orders cost.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// How many.
    pub orders: u32,
    /// Orders at once: more share batches.
    pub at_once: u32,
    /// By function.
    pub parts: BTreeMap<String, Part>,
    /// What Lambda's pollers add: receives and deletes of an order.
    pub polls: f64,
    /// An order's use of everything that is billed.
    pub usage: Usage,
    /// Dollars for 1,000 orders, by what they are for.
    pub dollars: BTreeMap<&'static str, f64>,
}

/// Follows orders one at a time and then ten at once, prints what they cost, and writes it down.
///
/// # Errors
/// When a function fails, or an order does not come to rest with its mail sent.
pub fn run(workspace: &Workspace, orders: u32, runtime: &tokio::runtime::Runtime) -> Result<()> {
    for function in FUNCTIONS {
        workspace.build(function)?;
    }
    let mut text = String::from("# What an order costs\n");
    let mut all = Vec::new();
    for at_once in [1, 10] {
        eprintln!("{orders} orders, {at_once} at once …");
        let load = runtime.block_on(Drive::start(workspace))?;
        let load = runtime.block_on(load.orders(orders, at_once))?;
        load.describe(&mut text);
        all.push(load);
    }
    let folder = match workspace.profile.as_str() {
        "release" => workspace.sources().join("results"),
        _ => workspace.home().join("results"),
    };
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("load.json"), serde_json::to_string_pretty(&all)? + "\n")?;
    std::fs::write(folder.join("load.md"), &text)?;
    println!("{text}\nwritten to {}", folder.display());
    Ok(())
}

/// One deployment with a warm instance of each function.
struct Drive {
    live: Arc<Live>,
    events: Events,
    functions: BTreeMap<&'static str, (Function, Launch)>,
    parts: BTreeMap<String, Part>,
    polls: u64,
    server: Server,
}

impl Drive {
    async fn start(workspace: &Workspace) -> Result<Self> {
        let live = Arc::new(Live::new()?);
        let server = Server::start(live.clone(), None).await?;
        server.set_delays(DELAYS);
        let mut functions = BTreeMap::new();
        for name in FUNCTIONS {
            let launch = Launch {
                command: vec![workspace.program(name).display().to_string()],
                directory: workspace.home(),
                variables: environment::variables(name, &server.url()),
                cpu: None,
                log: workspace.home().join("logs").join(format!("load-{name}.log")),
            };
            let mut function = Function::start(&launch, None).await?;
            function.ready().await.context(name)?;
            functions.insert(name, (function, launch));
        }
        live.take_bill(); // what the warm-up asked for is no order's
        let events = Events::read(&workspace.root)?;
        Ok(Self { live, events, functions, parts: BTreeMap::new(), polls: 0, server })
    }

    async fn orders(mut self, orders: u32, at_once: u32) -> Result<Load> {
        let mut next = 1;
        while next <= orders {
            let until = (next + at_once - 1).min(orders);
            for number in next..=until {
                let event = self.events.confirmed_payment(u64::from(number));
                let answer = self.invoke("payment-initiator", event).await?;
                ensure!(answer["statusCode"] == 201, "payment-initiator answered {answer}");
            }
            self.come_to_rest().await?;
            let mails = self.live.mails();
            ensure!(mails == until as usize, "{until} orders, and {mails} mails");
            self.server.take_arrivals();
            next = until + 1;
        }
        self.summed(orders, at_once)
    }

    /// Carries webhooks and messages until nothing is left to carry.
    async fn come_to_rest(&mut self) -> Result<()> {
        for _ in 0..TURNS_MAX {
            let mut carried = 0;
            for delivery in self.live.deliveries(WEBHOOKS_AHEAD_MS) {
                let receiver = match delivery.vendor {
                    sandbox::Vendor::Stripe => "stripe-webhook",
                    sandbox::Vendor::SendGrid => "sendgrid-webhook",
                    _ => unreachable!("no function here calls the others"),
                };
                let (head, body) = delivery.request.into_parts();
                let event = self.events.delivered(&headers(&head.headers), &String::from_utf8_lossy(&body));
                let answer = self.invoke(receiver, event).await?;
                ensure!(answer["statusCode"] == 200, "{receiver} answered {answer}");
                self.live.delivered(delivery.id, 200);
                carried += 1;
            }
            for (queue, worker, most) in QUEUES {
                loop {
                    let messages = self.live.receive(queue, most);
                    if messages.is_empty() {
                        break;
                    }
                    carried += messages.len();
                    self.polls += 2; // a receive, and a delete of the batch
                    let answer = self.invoke(worker, batch(queue, messages)).await?;
                    let failures = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
                    ensure!(failures == 0, "{worker} answered {answer}");
                }
            }
            if carried == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("an order does not come to rest")
    }

    async fn invoke(&mut self, name: &'static str, event: Bytes) -> Result<Value> {
        let (function, _) = self.functions.get_mut(name).context("a function of the flow")?;
        let invoked = function.invoke(event).await.context(name)?;
        let part = self.parts.entry(name.to_owned()).or_default();
        part.took_ms.push(ms(invoked.took));
        part.bill.add(self.live.take_bill());
        Ok(serde_json::from_slice(&invoked.body)?)
    }

    fn summed(mut self, orders: u32, at_once: u32) -> Result<Load> {
        let share = 1.0 / f64::from(orders);
        let mut usage = Usage::default();
        for (name, part) in &mut self.parts {
            let launch = self.functions.get(name.as_str()).map(|(_, launch)| launch).context("a function")?;
            #[expect(clippy::cast_precision_loss, reason = "there are never 2^52 bytes or invocations")]
            {
                part.invocations = part.took_ms.len() as f64 * share;
                part.log_bytes = std::fs::metadata(&launch.log)?.len() as f64 * share;
            }
            part.median_ms = median(&part.took_ms).unwrap_or(f64::NAN);
            part.billed_ms = part.took_ms.iter().map(|ms| ms.ceil()).sum::<f64>() * share;
            usage.add(part, share);
        }
        #[expect(clippy::cast_precision_loss, reason = "there are never 2^52 polls")]
        let polls = self.polls as f64 * share;
        usage.queue_requests += polls;
        usage.api_requests = 1.0;
        let dollars = prices::of_thousand(&usage);
        Ok(Load { orders, at_once, parts: self.parts, polls, usage, dollars })
    }
}

impl Load {
    fn describe(&self, text: &mut String) {
        let per_order = |count: f64| count / f64::from(self.orders);
        let _ = write!(
            text,
            "\n## {} orders, {} at once\n\nEach: a payment confirmed at once, Stripe's events, the order's mail, \
             SendGrid's events. AWS answers after {} ms, vendors after {} ms.\n\n\
             | function | invocations | ms, median [p10–p90] | write units | read units | log bytes |\n\
             |---|---|---|---|---|---|\n",
            self.orders,
            self.at_once,
            DELAYS.aws.as_millis(),
            DELAYS.vendor.as_millis(),
        );
        for name in FUNCTIONS {
            let Some(part) = self.parts.get(name) else { continue };
            let Some(took) = Spread::of(&part.took_ms) else { continue };
            let _ = writeln!(
                text,
                "| {name} | {:.2} | {:.0} [{:.0}–{:.0}] | {:.1} | {:.1} | {:.0} |",
                part.invocations,
                took.median,
                took.p10,
                took.p90,
                per_order(part.bill.write_units),
                per_order(part.bill.read_units),
                part.log_bytes,
            );
        }
        text.push_str("\nRequests of an order:\n\n| function | requests |\n|---|---|\n");
        for name in FUNCTIONS {
            let Some(part) = self.parts.get(name) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "there are never 2^52 requests")]
            let counts = part.bill.requests.iter().map(|(what, n)| format!("{:.2} × {what}", per_order(*n as f64)));
            let _ = writeln!(text, "| {name} | {} |", counts.collect::<Vec<_>>().join(", "));
        }
        text.push_str("\nDollars for 1,000 orders:\n\n| for | used by one order | $ |\n|---|---|---|\n");
        for (what, used) in self.usage.entries() {
            let dollars = self.dollars.get(what).copied().unwrap_or(0.0);
            let _ = writeln!(text, "| {what} | {used:.2} | {dollars:.4} |");
        }
        let _ = writeln!(text, "| **all** | | **{:.4}** |", self.dollars.values().sum::<f64>());
    }
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &http::HeaderValue| json!(String::from_utf8_lossy(value.as_bytes()));
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// What an event source mapping hands to a function.
fn batch(queue: &str, messages: Vec<Message>) -> Bytes {
    let records: Vec<Value> = messages
        .into_iter()
        .enumerate()
        .map(|(number, message)| {
            let attributes: Map<String, Value> = message.attributes.as_object().map_or_else(Map::new, |attributes| {
                let received = |sent: &Value| {
                    json!({ "stringValue": sent["StringValue"], "dataType": sent["DataType"],
                            "stringListValues": [], "binaryListValues": [] })
                };
                attributes.iter().map(|(name, sent)| (name.clone(), received(sent))).collect()
            });
            json!({
                "messageId": format!("00000000-0000-4000-8000-{number:012}"),
                "receiptHandle": "bench",
                "body": message.body,
                "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1746093600000",
                                "SenderId": "bench", "ApproximateFirstReceiveTimestamp": "1746093600005" },
                "messageAttributes": attributes,
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:{}:000000000000:{queue}", environment::REGION),
                "awsRegion": environment::REGION,
            })
        })
        .collect();
    json!({ "Records": records }).to_string().into()
}
