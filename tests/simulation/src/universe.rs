//! The whole system in one process: the shipping handlers behind their real edges, the real AWS SDK before simulated
//! AWS, the vendors' sandbox, and simulated time. Lambda's part (event source mappings, function URLs, the schedule)
//! is played here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use crossdock::aws::Transport;
use crossdock::lambda::{Env, System};
use lambda_http::Body;
use sandbox::{Sandbox, Settings, Vendor};
use serde_json::{Value, json};

use crate::invocation::{Done, Job, Made, Running, run};
use crate::seams::{DHL_BASE, FEDEX_BASE, POSTMARK_BASE, SENDGRID_BASE, STRIPE_BASE, TWILIO_BASE, UPS_BASE, world};
use crate::told::{There, Told};
use crate::{Aws, Message, Plan, Probe, QueueSettings, Redrive, SimClock, TABLE_NAME};

pub use crate::invocation::{Function, Invocation, Response, SENDER};

/// A Saturday. Any time does; this one is easy to recognise in traces.
pub const START_MS: i64 = 1_714_265_330_000;
/// Where Twilio's callbacks go, and what they are signed for.
const TWILIO_WEBHOOK_URL: &str = "https://twilio-webhook.sim/";
/// The deployment's name in every run.
pub const STACK_ID: &str = "000000000000/sim/crossdock";
/// Receives before the DLQ, as in template.yaml.
const RECEIVES_MAX: u32 = 10;
/// How often whoever was told to wait asks again in the end.
const ASKS_AGAIN_MAX: usize = 3;
/// The sweeper's schedule.
pub(crate) const SWEEP_EVERY_MS: i64 = 60_000;

/// The whole system. Build it inside a current-thread runtime whose clock is paused.
#[expect(clippy::struct_excessive_bools, reason = "switches that have nothing to do with each other")]
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
    /// The first invocation after what must not happen twice is known to have happened, where a flow goes on for long: pairs
    /// of crashes are before it.
    pub effect_known_at: Option<usize>,
    /// What receivers have acknowledged: the request, as it came.
    pub acknowledged: Vec<(Function, http::Request<Bytes>)>,
    /// What to check after every invocation; returns what is wrong.
    pub watch: crate::Watch,
    /// What callers of the API were told, and whether it was so.
    pub told: Told,
    /// Whether every answer of the API is held against infra/openapi.yaml.
    pub validates_answers: bool,
    /// Messages that must end in a dead-letter queue: its name and their body.
    pub expected_dead: Vec<(String, String)>,
    /// Messages that may end in one, because they may be refused.
    pub may_die: Vec<String>,
    /// Whether instances live on for their function's next invocation, with whatever they have cached. Otherwise each
    /// invocation gets a cold one. An instance that crashed never lives on.
    pub keeps_instances: bool,
    /// Whether Postmark stands in for SendGrid.
    pub has_mail_fallback: bool,
    /// Whether the shop says where it is.
    pub has_postal_address: bool,
    /// Whether SendGrid only checks mails.
    pub has_mail_sandbox: bool,
    /// Whether functions know the secret of alerts: then the sweeper has a heartbeat.
    pub has_alerts: bool,
    /// Whether receivers may read where the keys of webhooks were before they had secrets of their own.
    pub reads_old_secrets: bool,
    /// Which secret the rotator rotates: the last part of its name.
    pub rotates: &'static str,
    /// Further variables of the functions' environment.
    pub variables: Vec<(String, String)>,
    instances: BTreeMap<Function, Vec<(Probe, System, Made)>>,
    last_sweep_ms: i64,
}

/// The queues with their workers: name, worker, visibility timeout in seconds, batch size.
pub(crate) const QUEUES: [(&str, Function, u32, usize); 8] = [
    ("inbound-events", Function::EventProcessor, 180, 10),
    ("inbound-work", Function::EventProcessor, 180, 10),
    ("payments", Function::PaymentWorker, 270, 1),
    ("email", Function::EmailSender, 150, 10),
    ("email-bulk", Function::EmailSender, 150, 10),
    ("sms", Function::SmsSender, 150, 10),
    ("sms-bulk", Function::SmsSender, 150, 10),
    ("shipments", Function::ShipmentWorker, 180, 1),
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
        let settings = Settings { seed, twilio_webhook_url: TWILIO_WEBHOOK_URL.to_owned(), ..Settings::default() };
        let sandbox = Sandbox::new(settings.clone());
        let secrets = aws.secrets();
        secrets.put("app", &json!({ "person_key": "a key of tests", "link_key": "another" }));
        secrets.put("stripe", &json!({ "api_key": settings.stripe_api_key }));
        secrets.put("stripe-webhook", &json!({ "webhook_secrets": [{ "secret": settings.stripe_webhook_secret }] }));
        secrets.put(
            "sendgrid",
            &json!({
                "transactional_api_key": settings.sendgrid_api_key,
                "marketing_api_key": settings.sendgrid_marketing_api_key,
            }),
        );
        let public_key = sandbox.sendgrid_public_key();
        secrets.put("sendgrid-webhook", &json!({ "webhook_public_keys": [{ "secret": public_key }] }));
        secrets.put("postmark", &json!({ "server_token": settings.postmark_server_token }));
        let credentials = &settings.postmark_webhook_credentials;
        secrets.put("postmark-webhook", &json!({ "webhook_credentials": [{ "secret": credentials }] }));
        secrets.put(
            "twilio",
            &json!({
                "account_sid": settings.twilio_account_sid,
                "api_key": { "sid": settings.twilio_api_key_sid, "secret": settings.twilio_api_key_secret },
                "from": settings.twilio_numbers[0],
            }),
        );
        let tokens: Vec<_> = settings.twilio_auth_tokens.iter().map(|token| json!({ "secret": token })).collect();
        secrets.put("twilio-webhook", &json!({ "auth_tokens": tokens }));
        secrets.put(
            "fedex",
            &json!({
                "client_id": settings.fedex_client_id,
                "client_secret": settings.fedex_client_secret,
                "account_number": settings.fedex_account_number,
            }),
        );
        secrets.put("fedex-webhook", &json!({ "webhook_tokens": [{ "secret": settings.fedex_webhook_token }] }));
        secrets.put(
            "ups",
            &json!({
                "client_id": settings.ups_client_id,
                "client_secret": settings.ups_client_secret,
                "account_number": settings.ups_account_number,
            }),
        );
        secrets.put("ups-webhook", &json!({ "webhook_credentials": [{ "secret": settings.ups_webhook_credential }] }));
        secrets.put(
            "dhl",
            &json!({
                "username": settings.dhl_username,
                "password": settings.dhl_password,
                "account_number": settings.dhl_account_number,
            }),
        );
        secrets.put("stripe-admin", &json!({ "api_key": settings.stripe_admin_api_key }));
        secrets.put("sendgrid-admin", &json!({ "api_key": settings.sendgrid_admin_api_key }));
        Self {
            clock,
            aws,
            sandbox: Arc::new(Mutex::new(sandbox)),
            seed,
            plans: BTreeMap::new(),
            invocations: Vec::new(),
            own_part_from: 0,
            effect_known_at: None,
            acknowledged: Vec::new(),
            watch: crate::Watch::default(),
            told: Told::default(),
            validates_answers: true,
            expected_dead: Vec::new(),
            may_die: Vec::new(),
            keeps_instances: false,
            has_mail_fallback: false,
            has_postal_address: true,
            has_mail_sandbox: false,
            has_alerts: false,
            reads_old_secrets: false,
            rotates: "",
            variables: Vec::new(),
            instances: BTreeMap::new(),
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

    /// Writes a new version of a secret.
    pub fn change_secret(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut secret = self.aws.secrets().current(name);
        change(&mut secret);
        self.aws.secrets().put(name, &secret);
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
        self.call_raw(behind(path), api_request(method, path, key, body), path).await
    }

    /// Calls the API once, and does something else while the call is under way.
    pub async fn call_while(
        &mut self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
        meanwhile: impl AsyncFnOnce(&mut Self),
    ) -> Response {
        let request = Box::new(api_request(method, path, key, body));
        let mut running = self.start(Job::Request(behind(path), request, path.to_owned()));
        let (done, ()) = futures_util::join!(&mut running.future, meanwhile(&mut *self));
        self.finish(&running, &done);
        response(done)
    }

    /// Calls a function behind HTTP with a request of any form.
    pub async fn call_raw(&mut self, function: Function, request: http::Request<Body>, path: &str) -> Response {
        let as_it_came = copied(&request);
        let response = response(self.invoke(Job::Request(function, Box::new(request), path.to_owned())).await);
        let is_receiver = matches!(
            function,
            Function::StripeWebhook
                | Function::SendGridWebhook
                | Function::TwilioWebhook
                | Function::PostmarkWebhook
                | Function::FedexWebhook
                | Function::UpsWebhook
        );
        if is_receiver && matches!(response.status(), 200 | 204) {
            self.acknowledged.push((function, as_it_came));
        }
        response
    }

    /// Hands a function an event of its trigger, byte for byte; none where the invocation ends with an error.
    pub async fn event(&mut self, function: Function, event: Vec<u8>) -> Option<Value> {
        match self.invoke(Job::Event(function, event)).await {
            Done::AnsweredEvent(answer) => answer,
            Done::Died => None,
            other => panic!("{other:?}"),
        }
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
        let queued = QUEUES.iter().any(|(name, ..)| !self.aws.sqs().is_empty(name));
        !queued && self.aws.table().first_due_ms().is_none() && self.sandbox().next_delivery_at().is_none()
    }

    fn next_event_ms(&self) -> i64 {
        let webhooks = self.sandbox().next_delivery_at();
        let queues = QUEUES.iter().filter_map(|(name, ..)| self.aws.sqs().next_visible_at_ms(name));
        queues.chain(webhooks).chain(self.next_useful_sweep_ms()).min().unwrap_or(i64::MAX)
    }

    /// The first tick of the schedule that finds something due; ticks that find nothing are left out to save time.
    fn next_useful_sweep_ms(&self) -> Option<i64> {
        let earliest = self.aws.table().first_due_ms()?.max(self.last_sweep_ms + 1) - START_MS;
        Some(START_MS + (earliest + SWEEP_EVERY_MS - 1) / SWEEP_EVERY_MS * SWEEP_EVERY_MS)
    }

    async fn deliver_webhooks(&mut self) -> bool {
        let due = self.sandbox().take_due(self.clock.now_ms());
        let any = !due.is_empty();
        for delivery in due {
            let function = match delivery.vendor {
                Vendor::Stripe => Function::StripeWebhook,
                Vendor::SendGrid => Function::SendGridWebhook,
                Vendor::Twilio => Function::TwilioWebhook,
                Vendor::Postmark => Function::PostmarkWebhook,
                Vendor::FedEx => Function::FedexWebhook,
                Vendor::Ups => Function::UpsWebhook,
                Vendor::Dhl => panic!("DHL tells nothing unasked"),
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
        let done = self.invoke(Job::Batch(function, queue.to_owned(), messages.clone())).await;
        self.acknowledge(queue, &messages, &done);
    }

    /// Lambda's part after a batch: what was not reported as failed is deleted.
    pub(crate) fn acknowledge(&self, queue: &str, messages: &[Message], done: &Done) {
        if let Done::Worked(failed) = done {
            for message in messages.iter().filter(|message| !failed.contains(&message.id)) {
                self.aws.sqs().delete(queue, &message.receipt_handle);
            }
        }
    }

    /// One tick of the schedule.
    pub async fn sweep(&mut self) {
        self.invoke(Job::Tick).await;
    }

    /// A day of the reporter's schedule.
    pub async fn report(&mut self) {
        self.invoke(Job::Report).await;
    }

    /// A run of the archiver of dead letters.
    pub async fn keep_dead_letters(&mut self) {
        self.invoke(Job::KeepDeadLetters).await;
    }

    /// A step of a rotation of [`Self::rotates`], as Secrets Manager asks for it. The code of why it failed, if it did; `None`
    /// when it died.
    pub async fn rotate(&mut self, step: &str, token: &str) -> Option<Result<(), &'static str>> {
        let asked = secret_rotator::Asked {
            step: Some(step.to_owned()),
            secret_id: Some(self.rotates.to_owned()),
            client_request_token: Some(token.to_owned()),
        };
        self.rotated(asked).await
    }

    /// The rotator's schedule: what a rotation has left to do, if it is due.
    pub async fn do_what_a_rotation_left(&mut self) -> Option<Result<(), &'static str>> {
        self.rotated(secret_rotator::Asked::default()).await
    }

    async fn rotated(&mut self, asked: secret_rotator::Asked) -> Option<Result<(), &'static str>> {
        match self.invoke(Job::Rotate(asked)).await {
            Done::Rotated(came_to) => Some(came_to),
            _ => None,
        }
    }

    /// The next invocation of each function gets a new instance.
    pub(crate) fn forget_instances(&mut self) {
        self.instances.clear();
    }

    async fn invoke(&mut self, job: Job) -> Done {
        let mut running = self.start(job);
        let done = (&mut running.future).await;
        self.finish(&running, &done);
        done
    }

    /// Starts an invocation, carrying out the plan for it.
    pub(crate) fn start(&mut self, job: Job) -> Running {
        let (number, function) = (self.invocations.len(), job.function());
        let plan = self.plans.get(&number).cloned().unwrap_or_default();
        let idle = self.instances.get_mut(&function).and_then(Vec::pop);
        let is_cold = idle.is_none();
        let (probe, system, made) = idle.unwrap_or_else(|| {
            let probe = Probe::new();
            let system = self.system(function, &probe);
            (probe, system, Made::default())
        });
        probe.restart(plan);
        probe.set_started_ms(self.now_ms());
        let asked = job.asked().map(|asked| (asked, self.now_ms()));
        let (waves, effects) = (Vec::new(), Vec::new());
        self.invocations.push(Invocation { function, waves, requests: 0, effects, crashed: false });
        let future = run(job, &probe, (&system, &made), format!("sim-{}-{number}", self.seed), self.now_ms());
        Running { number, function, probe, system, made, is_cold, asked, future }
    }

    /// Takes note of an invocation that is over.
    pub(crate) fn finish(&mut self, running: &Running, done: &Done) {
        let (probe, crashed) = (&running.probe, matches!(done, Done::Died));
        if self.keeps_instances && !crashed {
            let idle = self.instances.entry(running.function).or_default();
            idle.push((probe.clone(), running.system.clone(), running.made.clone()));
        }
        let invocation = &mut self.invocations[running.number];
        invocation.waves = probe.waves();
        invocation.requests = probe.count();
        invocation.effects = probe.effects();
        invocation.crashed = crashed;
        self.look();
        self.listen(running, done);
    }

    /// Judges what a caller of the API is told.
    fn listen(&mut self, running: &Running, done: &Done) {
        let Some((asked, from_ms)) = &running.asked else { return };
        let response = if let Done::Answered(response) = done { response } else { &Response::Died };
        let during = (*from_ms, self.now_ms());
        let sandbox = self.sandbox.lock().unwrap();
        let there = There { moments: sandbox.stripe().moments(), calls: sandbox.calls() };
        self.told.hear(asked, response, during, &there);
        drop(sandbox);
        if let (true, Response::Answer { status, body, media_type, .. }) = (self.validates_answers, response) {
            let (method, path) = (asked.method.as_str(), asked.path.as_str());
            let answer = contract::answers::Answer { method, path, status: *status, media_type, body };
            let wrong = contract::answers::differences(&answer);
            self.told.violations.extend(wrong.into_iter().map(|wrong| format!("W3: {wrong}")));
        }
    }

    /// When everything is at rest: whoever was told to wait asks again, and is told what it came to.
    pub async fn ask_again(&mut self) {
        // Who dies at it asks once more: a pair of crashes may have its second one here.
        for _ in 0..ASKS_AGAIN_MAX {
            for asked in self.told.open() {
                let body = asked.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
                self.call(&asked.method, &asked.path, asked.key.as_deref(), body.as_ref()).await;
            }
        }
        self.told.at_rest();
    }

    /// Shows the table's latest changes to the watch.
    pub fn look(&mut self) {
        for change in self.aws.table().take_changes() {
            self.watch.see(&change);
            self.told.see(&change);
        }
    }

    /// A function's parts, whose requests pass this probe: for what a test does by hand.
    pub fn system(&self, function: Function, probe: &Probe) -> System {
        let number = self.invocations.len();
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let world = world(self.clock, &self.aws, &self.sandbox, probe, seed);
        let transport = Transport::of(self.aws.http_client(probe.clone()));
        let transport = if self.aws.table().is_compared() { transport } else { transport.tuned(crate::sdk::lean()) };
        let mut env = environment(self.has_mail_fallback, self.has_mail_sandbox, self.has_postal_address);
        if self.reads_old_secrets {
            let vendors = ["stripe", "sendgrid", "twilio", "postmark", "fedex", "ups"];
            env =
                env.with(vendors.map(|vendor| (format!("{}_OLD_SECRET_ID", vendor.to_uppercase()), vendor.to_owned())));
        }
        if self.has_alerts {
            env = env.with(alerts_environment());
        }
        if !self.rotates.is_empty() {
            let vendor = self.rotates.trim_end_matches("-webhook");
            let own = [
                ("ROTATED_SECRET", self.rotates.to_owned()),
                ("ROTATED_SECRET_ID", self.rotates.to_owned()),
                ("ADMIN_SECRET_ID", format!("{vendor}-admin")),
                ("STRIPE_WEBHOOK_URL", sandbox::Settings::default().stripe_webhook_url),
                ("WATCHED_SECRETS", if self.rotates == "app" { "stripe,twilio,postmark" } else { "" }.to_owned()),
            ];
            env = env.with(own.map(|(name, value)| (name.to_owned(), value)));
        }
        let env = env.with(self.variables.iter().cloned());
        System::with(env, world, &transport).unwrap_or_else(|e| panic!("{function:?}: {e}"))
    }
}

fn response(done: Done) -> Response {
    match done {
        Done::Answered(response) => response,
        Done::Died => Response::Died,
        Done::AnsweredEvent(_) | Done::Worked(_) | Done::Ticked | Done::Rotated(_) => panic!("a request is answered"),
    }
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

/// The function behind a path of the API.
pub(crate) fn behind(path: &str) -> Function {
    match path.split('/').nth(1) {
        Some("messages" | "campaigns" | "contacts") => Function::MessageInitiator,
        Some("rates" | "addresses" | "tracking") => Function::RateQuoter,
        Some("shipments" | "pickups") => Function::ShipmentInitiator,
        _ => Function::PaymentInitiator,
    }
}

pub(crate) fn api_request(method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> http::Request<Body> {
    let mut request = http::Request::builder().method(method).uri(format!("https://api.sim{path}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let body = body.map_or(Body::Empty, |body| Body::Text(body.to_string()));
    request.header("content-type", "application/json").body(body).unwrap()
}

/// What alert-notifier and health-ready have besides, and the sweeper's heartbeat.
fn alerts_environment() -> impl Iterator<Item = (String, String)> {
    let variables = [
        ("ALERTS_SECRET_ID", "alerts".to_owned()),
        ("RUNBOOK_BASE_URL", "https://pages.sim/runbooks".to_owned()),
        ("READY_QUEUE_URLS", [crate::Sqs::url("payments"), crate::Sqs::url("inbound-events")].join(",")),
        ("READY_SECRET_IDS", "app,stripe".to_owned()),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value))
}

fn environment(has_mail_fallback: bool, has_mail_sandbox: bool, has_postal_address: bool) -> Env {
    let queue = |name: &str| crate::Sqs::url(name);
    let variables = [
        ("STAGE", "sim".to_owned()),
        ("STACK_ID", STACK_ID.to_owned()),
        ("TABLE_NAME", TABLE_NAME.to_owned()),
        ("INBOUND_EVENTS_QUEUE_URL", queue("inbound-events")),
        ("INBOUND_EVENTS_QUEUE_ARN", crate::Sqs::arn("inbound-events")),
        ("INBOUND_EVENTS_DLQ_URL", queue("inbound-events-dlq")),
        ("INBOUND_WORK_QUEUE_URL", queue("inbound-work")),
        ("INBOUND_WORK_QUEUE_ARN", crate::Sqs::arn("inbound-work")),
        ("PAYMENTS_QUEUE_URL", queue("payments")),
        ("EMAIL_QUEUE_URL", queue("email")),
        ("EMAIL_BULK_QUEUE_URL", queue("email-bulk")),
        ("SMS_QUEUE_URL", queue("sms")),
        ("SMS_BULK_QUEUE_URL", queue("sms-bulk")),
        ("UNSUBSCRIBE_URL", "https://unsubscribe.sim".to_owned()),
        ("SHIPMENTS_QUEUE_URL", queue("shipments")),
        ("DOMAIN_EVENTS_QUEUE_URL", queue("domain-events")),
        ("ARCHIVE_BUCKET", crate::s3::ARCHIVE.to_owned()),
        ("LABELS_BUCKET", crate::s3::LABELS.to_owned()),
        ("APP_SECRET_ID", "app".to_owned()),
        ("STRIPE_SECRET_ID", "stripe".to_owned()),
        ("SENDGRID_SECRET_ID", "sendgrid".to_owned()),
        ("TWILIO_SECRET_ID", "twilio".to_owned()),
        ("POSTMARK_SECRET_ID", "postmark".to_owned()),
        ("FEDEX_SECRET_ID", "fedex".to_owned()),
        ("UPS_SECRET_ID", "ups".to_owned()),
        ("DHL_SECRET_ID", "dhl".to_owned()),
        ("STRIPE_WEBHOOK_SECRET_ID", "stripe-webhook".to_owned()),
        ("SENDGRID_WEBHOOK_SECRET_ID", "sendgrid-webhook".to_owned()),
        ("TWILIO_WEBHOOK_SECRET_ID", "twilio-webhook".to_owned()),
        ("POSTMARK_WEBHOOK_SECRET_ID", "postmark-webhook".to_owned()),
        ("FEDEX_WEBHOOK_SECRET_ID", "fedex-webhook".to_owned()),
        ("UPS_WEBHOOK_SECRET_ID", "ups-webhook".to_owned()),
        ("STRIPE_API_BASE", STRIPE_BASE.to_owned()),
        ("SENDGRID_API_BASE", SENDGRID_BASE.to_owned()),
        ("TWILIO_API_BASE", TWILIO_BASE.to_owned()),
        ("POSTMARK_API_BASE", POSTMARK_BASE.to_owned()),
        ("FEDEX_API_BASE", FEDEX_BASE.to_owned()),
        ("UPS_API_BASE", UPS_BASE.to_owned()),
        ("DHL_API_BASE", DHL_BASE.to_owned()),
        ("MAIL_FALLBACK", if has_mail_fallback { "postmark" } else { "none" }.to_owned()),
        ("TWILIO_CALLBACK_URL", TWILIO_WEBHOOK_URL.to_owned()),
        ("MAIL_SANDBOX", has_mail_sandbox.to_string()),
        ("MAIL_FROM", "orders@shop.example".to_owned()),
        ("MAIL_FROM_NAME", "Shop".to_owned()),
        ("SHOP_NAME", "Shop".to_owned()),
        ("POSTAL_ADDRESS", if has_postal_address { "Shop, Market Square 1, 0150 Oslo" } else { "" }.to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "sim".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "sim".to_owned()),
    ];
    Env::of(variables.map(|(name, value)| (name.to_owned(), value)))
}
