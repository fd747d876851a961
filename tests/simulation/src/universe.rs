//! The whole system in one process: the shipping handlers behind their real edges, the real AWS SDK before simulated
//! AWS, the vendors' sandbox, and simulated time. Lambda's part (event source mappings, function URLs, the schedule)
//! is played here.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use bytes::Bytes;
use crossdock::aws::Transport;
use crossdock::domain::Timestamp;
use crossdock::effects::intent::MANUAL_PARTITION;
use crossdock::lambda::batch::{self, Worker};
use crossdock::lambda::http::{self as edge, HttpFunction};
use crossdock::lambda::schedule::Scheduled as _;
use crossdock::lambda::{Env, System};
use email_sender::EmailSender;
use event_processor::EventProcessor;
use lambda_http::{Body, RequestExt as _};
use payment_initiator::PaymentInitiator;
use payment_worker::PaymentWorker;
use sandbox::{Sandbox, Settings, Vendor};
use sendgrid_webhook::SendGridWebhook;
use serde_json::{Value, json};
use stripe_webhook::StripeWebhook;
use sweeper::Sweeper;

use crate::seams::{SENDGRID_BASE, STRIPE_BASE, world};
use crate::{Aws, Message, Outcome, Plan, Probe, QueueSettings, Redrive, SimClock, TABLE_NAME, run_until_crash};

/// A Saturday. Any time does; this one is easy to recognise in traces.
pub const START_MS: i64 = 1_714_265_330_000;
/// The deployment's name in every run.
pub const STACK_ID: &str = "000000000000/sim/crossdock";
/// Receives before the DLQ, as in template.yaml.
const RECEIVES_MAX: u32 = 10;
/// The sweeper's schedule.
const SWEEP_EVERY_MS: i64 = 60_000;

/// The functions, by the names in template.yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// payment-initiator
    PaymentInitiator,
    /// payment-worker
    PaymentWorker,
    /// stripe-webhook
    StripeWebhook,
    /// sendgrid-webhook
    SendGridWebhook,
    /// event-processor
    EventProcessor,
    /// email-sender
    EmailSender,
    /// sweeper
    Sweeper,
}

/// One invocation that was made.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Whose.
    pub function: Function,
    /// What left it, in waves: requests that overlap are one wave.
    pub waves: Vec<Vec<String>>,
    /// How many requests left it.
    pub requests: usize,
    /// Whether it was stopped.
    pub crashed: bool,
}

/// What a caller of the API gets.
#[derive(Clone, Debug)]
pub enum Response {
    /// An HTTP answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its JSON body; null for none.
        body: Value,
        /// Whether it was marked as a repeat.
        replayed: bool,
        /// Its Content-Type; empty for none.
        media_type: String,
    },
    /// The function died: API Gateway says 502.
    Died,
}

impl Response {
    /// The status that the caller sees.
    pub fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            Self::Died => 502,
        }
    }

    /// The body that the caller sees.
    pub fn body(&self) -> Value {
        match self {
            Self::Answer { body, .. } => body.clone(),
            Self::Died => Value::Null,
        }
    }
}

/// The whole system. Build it inside a current-thread runtime whose clock is paused.
pub struct Universe {
    clock: SimClock,
    aws: Aws,
    sandbox: Arc<Mutex<Sandbox>>,
    seed: u64,
    /// What happens to the n-th invocation, counted from 0 over all functions.
    pub plans: BTreeMap<usize, Plan>,
    /// Every invocation so far.
    pub invocations: Vec<Invocation>,
    /// The first invocation of the flow's own part: what comes before is another flow's, and swept there.
    pub own_part_from: usize,
    /// What receivers have acknowledged: the request, as it came.
    pub acknowledged: Vec<(Function, http::Request<Bytes>)>,
    /// What to check after every invocation; returns what is wrong.
    pub watch: crate::invariants::Watch,
    /// Whether instances live on for their function's next invocation, with whatever they have cached. Otherwise each
    /// invocation gets a cold one. An instance that crashed never lives on.
    pub keeps_instances: bool,
    instances: BTreeMap<Function, (Probe, System)>,
    requests_made: Cell<u64>,
    last_sweep_ms: i64,
}

/// The queues with their workers: name, worker, visibility timeout in seconds, batch size.
const QUEUES: [(&str, Function, u32, usize); 3] = [
    ("inbound-events", Function::EventProcessor, 180, 10),
    ("payments", Function::PaymentWorker, 270, 1),
    ("email", Function::EmailSender, 150, 10),
];

impl Universe {
    /// A fresh deployment, with the vendors' accounts and secrets in place.
    pub fn new(seed: u64) -> Self {
        let clock = SimClock::new(START_MS);
        let aws = Aws::new(clock, seed);
        for (name, _, visibility_timeout_s, _) in QUEUES {
            let dlq = format!("{name}-dlq");
            aws.sqs().create(&dlq, QueueSettings { visibility_timeout_s: 30, redrive: None });
            let redrive = Some(Redrive { dlq, max_receive_count: RECEIVES_MAX });
            aws.sqs().create(name, QueueSettings { visibility_timeout_s, redrive });
        }
        aws.sqs().create("domain-events", QueueSettings { visibility_timeout_s: 30, redrive: None });
        let settings = Settings { seed, ..Settings::default() };
        let sandbox = Sandbox::new(settings.clone());
        let secrets = aws.secrets();
        secrets.put("app", &json!({ "person_key": "a key of tests", "link_key": "another" }));
        secrets.put(
            "stripe",
            &json!({ "api_key": settings.stripe_api_key, "webhook_secrets": [{ "secret": settings.stripe_webhook_secret }] }),
        );
        secrets.put(
            "sendgrid",
            &json!({
                "transactional_api_key": settings.sendgrid_api_key,
                "marketing_api_key": "SG.other",
                "webhook_public_keys": [{ "secret": sandbox.sendgrid_public_key() }],
            }),
        );
        Self {
            clock,
            aws,
            sandbox: Arc::new(Mutex::new(sandbox)),
            seed,
            plans: BTreeMap::new(),
            invocations: Vec::new(),
            own_part_from: 0,
            acknowledged: Vec::new(),
            watch: crate::invariants::Watch::default(),
            keeps_instances: false,
            instances: BTreeMap::new(),
            requests_made: Cell::new(0),
            last_sweep_ms: START_MS,
        }
    }

    /// Simulated AWS.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The vendors. Not to be held over an await.
    pub fn sandbox(&self) -> std::sync::MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap()
    }

    /// Now, in Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Lets time pass without doing anything.
    pub async fn sleep_ms(&self, ms: u64) {
        self.clock.sleep_ms(ms).await;
    }

    /// Calls the API once.
    pub async fn call(&mut self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Response {
        self.call_raw(Function::PaymentInitiator, api_request(method, path, key, body), path).await
    }

    /// Calls the API once, and does something else while the call is under way. The call's invocation is listed after
    /// those that were made meanwhile, and carries out no plan.
    pub async fn call_while(
        &mut self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
        meanwhile: impl AsyncFnOnce(&mut Self),
    ) -> Response {
        let probe = Probe::new();
        let system = self.system(Function::PaymentInitiator, &probe);
        let request = api_request(method, path, key, body);
        let request = request.with_raw_http_path(path).with_lambda_context(self.context(25_000));
        let function = PaymentInitiator::new(&system).unwrap();
        let (outcome, ()) =
            futures_util::join!(invoke_http(&function, &probe, request, &system), meanwhile(&mut *self));
        self.finished(Function::PaymentInitiator, &probe, matches!(outcome, Outcome::Crashed));
        response(outcome)
    }

    /// Calls a function behind HTTP with a request of any form.
    pub async fn call_raw(&mut self, function: Function, request: http::Request<Body>, path: &str) -> Response {
        let (probe, system) = self.instance(function);
        let as_it_came = copied(&request);
        let request = request.with_raw_http_path(path).with_lambda_context(self.context(25_000));
        let outcome = match function {
            Function::PaymentInitiator => {
                invoke_http(&PaymentInitiator::new(&system).unwrap(), &probe, request, &system).await
            }
            Function::StripeWebhook => {
                invoke_http(&StripeWebhook::new(&system).unwrap(), &probe, request, &system).await
            }
            Function::SendGridWebhook => {
                invoke_http(&SendGridWebhook::new(&system).unwrap(), &probe, request, &system).await
            }
            other => panic!("{other:?} is not behind HTTP"),
        };
        self.finished(function, &probe, matches!(outcome, Outcome::Crashed));
        let response = response(outcome);
        if function != Function::PaymentInitiator && response.status() == 200 {
            self.acknowledged.push((function, as_it_came));
        }
        response
    }

    /// Runs until nothing happens any more, or `most_ms` of simulated time have passed.
    pub async fn run_until_quiet(&mut self, most_ms: i64) {
        let end_ms = self.now_ms() + most_ms;
        while self.now_ms() < end_ms {
            if self.deliver_webhooks().await || self.work_queues().await {
                continue;
            }
            if self.is_quiet() {
                return;
            }
            if self.next_useful_sweep_ms().is_some_and(|at_ms| self.now_ms() >= at_ms) {
                self.last_sweep_ms = self.now_ms();
                self.sweep().await;
                continue;
            }
            let next_ms = self.next_event_ms().min(end_ms);
            let wait_ms = u64::try_from(next_ms - self.now_ms()).unwrap_or(0).max(1);
            self.clock.sleep_ms(wait_ms).await;
        }
    }

    /// Whether nothing is due any more, now or later.
    pub fn is_quiet(&self) -> bool {
        let queued = QUEUES.iter().any(|(name, ..)| !self.aws.sqs().messages(name).is_empty());
        let due = self.aws.table().items().iter().any(is_due);
        !queued && !due && self.sandbox().next_delivery_at().is_none()
    }

    fn next_event_ms(&self) -> i64 {
        let webhooks = self.sandbox().next_delivery_at();
        let queues = QUEUES.iter().filter_map(|(name, ..)| self.aws.sqs().next_visible_at_ms(name));
        queues.chain(webhooks).chain(self.next_useful_sweep_ms()).min().unwrap_or(i64::MAX)
    }

    /// The first tick of the schedule that finds something due; ticks that find nothing are left out to save time.
    fn next_useful_sweep_ms(&self) -> Option<i64> {
        let items = self.aws.table().items();
        let dues = items.iter().filter(|item| is_due(item));
        let first_due_ms = dues.filter_map(|item| item.get("due").and_then(Value::as_i64)).min()?;
        let earliest = first_due_ms.max(self.last_sweep_ms + 1) - START_MS;
        Some(START_MS + (earliest + SWEEP_EVERY_MS - 1) / SWEEP_EVERY_MS * SWEEP_EVERY_MS)
    }

    async fn deliver_webhooks(&mut self) -> bool {
        let due = self.sandbox().take_due(self.clock.now_ms());
        let any = !due.is_empty();
        for delivery in due {
            let function = match delivery.vendor {
                Vendor::Stripe => Function::StripeWebhook,
                Vendor::SendGrid => Function::SendGridWebhook,
            };
            let request = delivery.request.map(|body: Bytes| Body::Binary(body.to_vec()));
            let response = self.call_raw(function, request, "/").await;
            let status = matches!(response, Response::Answer { .. }).then(|| response.status());
            let now_ms = self.now_ms();
            self.sandbox().delivered(delivery.id, status, now_ms);
        }
        any
    }

    async fn work_queues(&mut self) -> bool {
        let mut any = false;
        for (name, function, _, batch) in QUEUES {
            let messages = self.aws.sqs().receive(name, batch);
            if !messages.is_empty() {
                any = true;
                self.work(name, function, messages).await;
            }
        }
        any
    }

    /// One batch to its worker; what it did not report as failed is deleted.
    pub async fn work(&mut self, queue: &str, function: Function, messages: Vec<Message>) {
        let (probe, system) = self.instance(function);
        let event = sqs_event(&messages);
        let (request_id, deadline) = (self.request_id(), self.deadline(function));
        let outcome = match function {
            Function::EventProcessor => {
                invoke_batch(&EventProcessor::new(&system).unwrap(), &probe, event, &request_id, deadline, &system)
                    .await
            }
            Function::PaymentWorker => {
                invoke_batch(&PaymentWorker::new(&system).unwrap(), &probe, event, &request_id, deadline, &system).await
            }
            Function::EmailSender => {
                invoke_batch(&EmailSender::new(&system).unwrap(), &probe, event, &request_id, deadline, &system).await
            }
            other => panic!("{other:?} has no queue"),
        };
        self.finished(function, &probe, matches!(outcome, Outcome::Crashed));
        if let Outcome::Finished(failed) = outcome {
            for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
                self.aws.sqs().delete(queue, &message.receipt_handle);
            }
        }
    }

    /// One tick of the schedule.
    pub async fn sweep(&mut self) {
        let (probe, system) = self.instance(Function::Sweeper);
        let sweeper = Sweeper::new(&system).unwrap();
        let outcome = run_until_crash(&probe, sweeper.tick()).await;
        self.finished(Function::Sweeper, &probe, matches!(outcome, Outcome::Crashed));
    }

    /// An instance for the next invocation, carrying out the plan for it: a cold one, or one that lived on.
    fn instance(&mut self, function: Function) -> (Probe, System) {
        let plan = self.plans.get(&self.invocations.len()).cloned().unwrap_or_default();
        if let Some((probe, system)) = self.instances.get(&function) {
            probe.restart(plan);
            return (probe.clone(), system.clone());
        }
        let probe = Probe::with(plan);
        let system = self.system(function, &probe);
        if self.keeps_instances {
            self.instances.insert(function, (probe.clone(), system.clone()));
        }
        (probe, system)
    }

    /// A function's parts, whose requests pass this probe: for what a test does by hand.
    pub fn system(&self, function: Function, probe: &Probe) -> System {
        let number = self.invocations.len();
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let world = world(self.clock, &self.aws, &self.sandbox, probe, seed);
        let transport = Transport::of(self.aws.http_client(probe.clone()));
        System::with(environment(), world, &transport).unwrap_or_else(|e| panic!("{function:?}: {e}"))
    }

    fn finished(&mut self, function: Function, probe: &Probe, crashed: bool) {
        if crashed {
            self.instances.remove(&function);
        }
        self.invocations.push(Invocation { function, waves: probe.waves(), requests: probe.count(), crashed });
        self.watch.look(&self.aws.table().items());
    }

    fn request_id(&self) -> String {
        self.requests_made.set(self.requests_made.get() + 1);
        format!("sim-{}-{}", self.seed, self.requests_made.get())
    }

    fn deadline(&self, function: Function) -> Timestamp {
        let seconds = match function {
            Function::PaymentWorker => 45,
            Function::EventProcessor => 30,
            Function::Sweeper => 60,
            _ => 25,
        };
        Timestamp::from_ms(self.now_ms() + seconds * 1_000)
    }

    fn context(&self, time_ms: i64) -> lambda_runtime::Context {
        let mut context = lambda_runtime::Context::default();
        context.request_id = self.request_id();
        context.deadline = u64::try_from(self.now_ms() + time_ms).unwrap();
        context
    }
}

/// Whether a sweeper will look at it, now or later. What waits for a person is in the index too.
fn is_due(item: &Value) -> bool {
    item.get("due_pk").and_then(Value::as_str).is_some_and(|partition| partition != MANUAL_PARTITION)
}

/// The request's headers and bytes.
fn copied(request: &http::Request<Body>) -> http::Request<Bytes> {
    let bytes = match request.body() {
        Body::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
        Body::Binary(bytes) => Bytes::copy_from_slice(bytes),
        _ => Bytes::new(),
    };
    let mut copy = http::Request::new(bytes);
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn api_request(method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> http::Request<Body> {
    let mut request = http::Request::builder().method(method).uri(format!("https://api.sim{path}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let body = body.map_or(Body::Empty, |body| Body::Text(body.to_string()));
    request.header("content-type", "application/json").body(body).unwrap()
}

fn response(outcome: Outcome<http::Response<Bytes>>) -> Response {
    let Outcome::Finished(answer) = outcome else { return Response::Died };
    let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    Response::Answer {
        status: answer.status().as_u16(),
        body: serde_json::from_slice(answer.body()).unwrap_or(Value::Null),
        replayed: answer.headers().contains_key("idempotent-replayed"),
        media_type: media_type.unwrap_or_default().to_owned(),
    }
}

async fn invoke_http<F: HttpFunction>(
    function: &F,
    probe: &Probe,
    request: lambda_http::Request,
    system: &System,
) -> Outcome<http::Response<Bytes>> {
    let outcome = run_until_crash(probe, edge::respond(function, request, system.world())).await;
    match outcome {
        Outcome::Crashed => Outcome::Crashed,
        Outcome::Finished(response) => Outcome::Finished(response.map(|body| match body {
            Body::Text(text) => Bytes::from(text),
            Body::Binary(bytes) => Bytes::from(bytes),
            _ => Bytes::new(),
        })),
    }
}

async fn invoke_batch<W: Worker>(
    worker: &W,
    probe: &Probe,
    event: SqsEvent,
    request_id: &str,
    deadline: Timestamp,
    system: &System,
) -> Outcome<Vec<String>> {
    match run_until_crash(probe, batch::respond(worker, event, request_id, deadline, system.world())).await {
        Outcome::Crashed => Outcome::Crashed,
        Outcome::Finished(response) => {
            Outcome::Finished(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
        }
    }
}

fn sqs_event(messages: &[Message]) -> SqsEvent {
    let records = messages.iter().map(|message| {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.id.clone());
        record.receipt_handle = Some(message.receipt_handle.clone());
        record.body = Some(message.body.clone());
        record.attributes.insert("ApproximateReceiveCount".to_owned(), message.receive_count.to_string());
        for (name, attribute) in &message.attributes {
            let mut value = SqsMessageAttribute::default();
            value.string_value = Some(attribute.value.clone());
            value.data_type = Some("String".to_owned());
            record.message_attributes.insert(name.clone(), value);
        }
        record
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}

fn environment() -> Env {
    let queue = |name: &str| crate::Sqs::url(name);
    let variables = [
        ("STAGE", "sim".to_owned()),
        ("STACK_ID", STACK_ID.to_owned()),
        ("TABLE_NAME", TABLE_NAME.to_owned()),
        ("INBOUND_EVENTS_QUEUE_URL", queue("inbound-events")),
        ("PAYMENTS_QUEUE_URL", queue("payments")),
        ("EMAIL_QUEUE_URL", queue("email")),
        ("DOMAIN_EVENTS_QUEUE_URL", queue("domain-events")),
        ("ARCHIVE_BUCKET", crate::s3::BUCKET.to_owned()),
        ("APP_SECRET_ID", "app".to_owned()),
        ("STRIPE_SECRET_ID", "stripe".to_owned()),
        ("SENDGRID_SECRET_ID", "sendgrid".to_owned()),
        ("STRIPE_API_BASE", STRIPE_BASE.to_owned()),
        ("SENDGRID_API_BASE", SENDGRID_BASE.to_owned()),
        ("MAIL_FROM", "orders@shop.example".to_owned()),
        ("MAIL_FROM_NAME", "Shop".to_owned()),
        ("SHOP_NAME", "Shop".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "sim".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "sim".to_owned()),
    ];
    Env::of(variables.map(|(name, value)| (name.to_owned(), value)))
}
