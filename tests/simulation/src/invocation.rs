//! One invocation of a function, as Lambda makes it: an instance, a time limit, and whatever the plan does to it.

use std::any::Any;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage, SqsMessageAttribute};
use bytes::Bytes;
use crossdock::domain::Timestamp;
use crossdock::lambda::System;
use crossdock::lambda::batch::{self, Worker};
use crossdock::lambda::http::{self as edge, HttpFunction};
use crossdock::lambda::schedule;
use dead_letter_archiver::DeadLetterArchiver;
use email_sender::EmailSender;
use event_processor::EventProcessor;
use fedex_webhook::FedexWebhook;
use futures_util::future::LocalBoxFuture;
use lambda_http::{Body, RequestExt as _};
use mail_reporter::MailReporter;
use message_initiator::MessageInitiator;
use payment_initiator::PaymentInitiator;
use payment_worker::PaymentWorker;
use postmark_webhook::PostmarkWebhook;
use rate_quoter::RateQuoter;
use secret_rotator::{Asked as RotationAsked, Rotator};
use sendgrid_webhook::SendGridWebhook;
use serde_json::Value;
use shipment_initiator::ShipmentInitiator;
use shipment_worker::ShipmentWorker;
use sms_sender::SmsSender;
use stripe_webhook::StripeWebhook;
use sweeper::Sweeper;
use tokio::time::{Sleep, sleep};
use twilio_webhook::TwilioWebhook;
use unsubscriber::Unsubscriber;
use ups_webhook::UpsWebhook;

use crate::told::Asked;
use crate::{Message, Outcome, Probe, Sqs, run_until_crash};

/// Who sends whatever is in a queue, as SQS names them.
pub const SENDER: &str = "AROA0000000000000000:shop";

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
    /// twilio-webhook
    TwilioWebhook,
    /// postmark-webhook
    PostmarkWebhook,
    /// event-processor
    EventProcessor,
    /// email-sender
    EmailSender,
    /// message-initiator
    MessageInitiator,
    /// sms-sender
    SmsSender,
    /// unsubscriber
    Unsubscriber,
    /// rate-quoter
    RateQuoter,
    /// shipment-initiator
    ShipmentInitiator,
    /// shipment-worker
    ShipmentWorker,
    /// fedex-webhook
    FedexWebhook,
    /// ups-webhook
    UpsWebhook,
    /// sweeper
    Sweeper,
    /// mail-reporter
    MailReporter,
    /// secret-rotator, of whichever secret
    SecretRotator,
    /// dead-letter-archiver
    DeadLetterArchiver,
}

impl Function {
    /// Its timeout, as in template.yaml.
    pub const fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::PaymentWorker => 45,
            Self::EventProcessor | Self::ShipmentWorker | Self::MailReporter => 30,
            Self::Sweeper | Self::SecretRotator => 60,
            Self::DeadLetterArchiver => 300,
            Self::Unsubscriber
            | Self::StripeWebhook
            | Self::SendGridWebhook
            | Self::TwilioWebhook
            | Self::PostmarkWebhook
            | Self::FedexWebhook
            | Self::UpsWebhook => 10,
            Self::PaymentInitiator
            | Self::MessageInitiator
            | Self::RateQuoter
            | Self::ShipmentInitiator
            | Self::EmailSender
            | Self::SmsSender => 25,
        })
    }
}

/// One invocation that was made.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Whose.
    pub function: Function,
    /// What left it, in waves: requests that overlap are one wave. Empty while it runs.
    pub waves: Vec<Vec<String>>,
    /// How many requests left it.
    pub requests: usize,
    /// Numbers of the requests that changed something at the other side, from 1.
    pub effects: Vec<usize>,
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

    fn of(answer: http::Response<Body>) -> Self {
        let answer = answer.map(|body| match body {
            Body::Text(text) => Bytes::from(text),
            Body::Binary(bytes) => Bytes::from(bytes),
            _ => Bytes::new(),
        });
        let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        Self::Answer {
            status: answer.status().as_u16(),
            body: serde_json::from_slice(answer.body()).unwrap_or(Value::Null),
            replayed: answer.headers().contains_key("idempotent-replayed"),
            media_type: media_type.unwrap_or_default().to_owned(),
        }
    }
}

/// What Lambda is asked to run.
#[derive(Debug)]
pub(crate) enum Job {
    /// A request to a function behind HTTP, with its path as it came.
    Request(Function, Box<http::Request<Body>>, String),
    /// An event of the function's trigger, byte for byte.
    Event(Function, Vec<u8>),
    /// Messages for the worker of a queue, and the queue.
    Batch(Function, String, Vec<Message>),
    /// A tick of the sweeper's schedule.
    Tick,
    /// A day of the reporter's.
    Report,
    /// A step of a rotation, or what one has left to do.
    Rotate(RotationAsked),
    /// A look of the archiver's at the dead letters.
    KeepDeadLetters,
}

impl Job {
    pub(crate) const fn function(&self) -> Function {
        match self {
            Self::Request(function, ..) | Self::Event(function, _) | Self::Batch(function, ..) => *function,
            Self::Tick => Function::Sweeper,
            Self::Report => Function::MailReporter,
            Self::Rotate(_) => Function::SecretRotator,
            Self::KeepDeadLetters => Function::DeadLetterArchiver,
        }
    }
}

impl Job {
    /// What it asks of the API, if it is a request to that.
    pub(crate) fn asked(&self) -> Option<Asked> {
        match self {
            Self::Request(
                Function::PaymentInitiator
                | Function::MessageInitiator
                | Function::RateQuoter
                | Function::ShipmentInitiator,
                request,
                path,
            ) => Some(Asked::of(request, path)),
            _ => None,
        }
    }
}

/// What an invocation came to.
#[derive(Debug)]
pub(crate) enum Done {
    Answered(Response),
    /// The answer in the form that API Gateway and function URLs take; none where the invocation ended with an error.
    AnsweredEvent(Option<Value>),
    /// The ids of the messages that failed.
    Worked(Vec<String>),
    Ticked,
    /// The code of why it failed, if it did.
    Rotated(Result<(), &'static str>),
    /// It died, or ran into its timeout.
    Died,
}

/// An invocation under way. It may be awaited beside others; [`crate::universe::Universe::finish`] takes what it came to.
pub(crate) struct Running {
    pub(crate) number: usize,
    pub(crate) function: Function,
    pub(crate) probe: Probe,
    pub(crate) system: System,
    pub(crate) made: Made,
    /// Whether its instance is a new one.
    pub(crate) is_cold: bool,
    /// What is asked of the API, and when, in Unix milliseconds; none for receivers and workers.
    pub(crate) asked: Option<(Asked, i64)>,
    pub(crate) future: LocalBoxFuture<'static, Done>,
}

/// The function of an instance: made at its first invocation, and there for the next ones, as in Lambda.
#[derive(Clone, Default)]
pub(crate) struct Made(Rc<OnceCell<Rc<dyn Any>>>);

impl Made {
    fn take<F: 'static>(&self, make: impl FnOnce() -> crossdock::error::Result<F>) -> Rc<F> {
        let made = self.0.get_or_init(|| Rc::new(make().unwrap()));
        Rc::clone(made).downcast().expect("an instance runs one function")
    }
}

/// Runs a job on an instance.
pub(crate) fn run(
    job: Job,
    probe: &Probe,
    (system, made): (&System, &Made),
    request_id: String,
    now_ms: i64,
) -> LocalBoxFuture<'static, Done> {
    let function = job.function();
    let deadline_ms = now_ms + i64::try_from(function.timeout().as_millis()).unwrap_or(0);
    let (system, made, deadline) = (system.clone(), made.clone(), Timestamp::from_ms(deadline_ms));
    let context = context(&request_id, deadline_ms);
    let handled: LocalBoxFuture<'static, Done> = match job {
        Job::Request(function, request, path) => {
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            let query: HashMap<String, String> = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let request = request.with_raw_http_path(path).with_query_string_parameters(query);
            let request = request.with_lambda_context(context);
            behind_http(function, Came::Request(request), system, &made)
        }
        Job::Event(function, event) => behind_http(function, Came::Event(event, context), system, &made),
        Job::Batch(function, queue, messages) => {
            let event = sqs_event(&queue, &messages);
            match function {
                Function::EventProcessor => {
                    worked(made.take(|| EventProcessor::new(&system)), event, request_id, deadline, system)
                }
                Function::PaymentWorker => {
                    worked(made.take(|| PaymentWorker::new(&system)), event, request_id, deadline, system)
                }
                Function::EmailSender => {
                    worked(made.take(|| EmailSender::new(&system)), event, request_id, deadline, system)
                }
                Function::SmsSender => {
                    worked(made.take(|| SmsSender::new(&system)), event, request_id, deadline, system)
                }
                Function::ShipmentWorker => {
                    worked(made.take(|| ShipmentWorker::new(&system)), event, request_id, deadline, system)
                }
                other => panic!("{other:?} has no queue"),
            }
        }
        Job::Rotate(asked) => Box::pin(async move {
            let rotator = made.take(|| Rotator::new(&system));
            Done::Rotated(rotator.handle(asked).await.map_err(|error| error.code))
        }),
        Job::Report => Box::pin(async move {
            let reporter = made.take(|| MailReporter::new(&system));
            let _ = schedule::ticked(&*reporter, system.world()).await;
            Done::Ticked
        }),
        Job::KeepDeadLetters => Box::pin(async move {
            let archiver = made.take(|| DeadLetterArchiver::new(&system));
            let _ = schedule::ticked(&*archiver, system.world()).await;
            Done::Ticked
        }),
        Job::Tick => Box::pin(async move {
            let sweeper = made.take(|| Sweeper::new(&system));
            // A tick that failed is made up for by the next.
            let _ = schedule::ticked(&*sweeper, system.world()).await;
            Done::Ticked
        }),
    };
    let probe = probe.clone();
    Box::pin(async move {
        let inner = Box::pin(run_until_crash(&probe, handled));
        let limit = Box::pin(sleep(function.timeout()));
        match (Freezing { probe: probe.clone(), inner, limit, thaw: None }).await {
            Outcome::Finished(done) => done,
            Outcome::Crashed => {
                probe.kill();
                Done::Died
            }
        }
    })
}

/// How it comes to a function behind HTTP.
enum Came {
    /// As the request that is made of the event.
    Request(lambda_http::Request),
    /// As the event itself.
    Event(Vec<u8>, lambda_runtime::Context),
}

fn behind_http(function: Function, came: Came, system: System, made: &Made) -> LocalBoxFuture<'static, Done> {
    match function {
        Function::PaymentInitiator => answered(made.take(|| PaymentInitiator::new(&system)), came, system),
        Function::MessageInitiator => answered(made.take(|| MessageInitiator::new(&system)), came, system),
        Function::RateQuoter => answered(made.take(|| RateQuoter::new(&system)), came, system),
        Function::ShipmentInitiator => answered(made.take(|| ShipmentInitiator::new(&system)), came, system),
        Function::Unsubscriber => answered_at_url(made.take(|| Unsubscriber::new(&system)), came, system),
        Function::StripeWebhook => answered_at_url(made.take(|| StripeWebhook::new(&system)), came, system),
        Function::SendGridWebhook => answered_at_url(made.take(|| SendGridWebhook::new(&system)), came, system),
        Function::TwilioWebhook => answered_at_url(made.take(|| TwilioWebhook::new(&system)), came, system),
        Function::PostmarkWebhook => answered_at_url(made.take(|| PostmarkWebhook::new(&system)), came, system),
        Function::FedexWebhook => answered_at_url(made.take(|| FedexWebhook::new(&system)), came, system),
        Function::UpsWebhook => answered_at_url(made.take(|| UpsWebhook::new(&system)), came, system),
        other => panic!("{other:?} is not behind HTTP"),
    }
}

/// A function behind the REST API.
fn answered<F: HttpFunction + Sync + 'static>(
    function: Rc<F>,
    came: Came,
    system: System,
) -> LocalBoxFuture<'static, Done> {
    Box::pin(async move {
        match came {
            Came::Request(request) => {
                Done::Answered(Response::of(edge::respond(&*function, request, system.world()).await))
            }
            Came::Event(event, context) => {
                Done::AnsweredEvent(edge::answer_api_event(&*function, system.world(), &event, context).await)
            }
        }
    })
}

/// A function at a URL of its own.
fn answered_at_url<F: HttpFunction + Sync + 'static>(
    function: Rc<F>,
    came: Came,
    system: System,
) -> LocalBoxFuture<'static, Done> {
    Box::pin(async move {
        match came {
            Came::Request(request) => {
                Done::Answered(Response::of(edge::respond(&*function, request, system.world()).await))
            }
            Came::Event(event, context) => {
                Done::AnsweredEvent(edge::answer_url_event(&*function, system.world(), &event, context).await)
            }
        }
    })
}

fn worked<W: Worker + 'static>(
    worker: Rc<W>,
    event: SqsEvent,
    request_id: String,
    deadline: Timestamp,
    system: System,
) -> LocalBoxFuture<'static, Done> {
    Box::pin(async move {
        let response = batch::respond(&*worker, event, &request_id, deadline, system.world()).await;
        Done::Worked(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
    })
}

fn context(request_id: &str, deadline_ms: i64) -> lambda_runtime::Context {
    let mut context = lambda_runtime::Context::default();
    request_id.clone_into(&mut context.request_id);
    context.deadline = u64::try_from(deadline_ms).unwrap();
    context
}

fn sqs_event(queue: &str, messages: &[Message]) -> SqsEvent {
    let records = messages.iter().map(|message| {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.id.clone());
        record.receipt_handle = Some(message.receipt_handle.clone());
        record.body = Some(message.body.clone());
        record.event_source_arn = Some(Sqs::arn(queue));
        record.attributes.insert("ApproximateReceiveCount".to_owned(), message.receive_count.to_string());
        record.attributes.insert("SenderId".to_owned(), SENDER.to_owned());
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

/// Runs until the function's timeout, which is a crash like another. At the planned request it stops with all that runs
/// inside, and goes on after the planned time as if nothing had been: a process that the machine below did not run for a
/// while. What leaves it then may be beyond its lease, but never beyond its timeout: Lambda's own clock goes on, and a
/// process whose time is up is ended, not woken ("once execution completes or a timeout occurs", all execution ceases:
/// docs.aws.amazon.com/whitepapers/latest/serverless-architectures-lambda/timeout.html). Between invocations it may be
/// frozen for hours; then it holds no claim.
struct Freezing<F> {
    probe: Probe,
    inner: Pin<Box<F>>,
    limit: Pin<Box<Sleep>>,
    thaw: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = Outcome<Done>>> Future for Freezing<F> {
    type Output = Outcome<Done>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<Done>> {
        loop {
            if let Some(thaw) = &mut self.thaw {
                if thaw.as_mut().poll(cx).is_pending() {
                    return self.limit.as_mut().poll(cx).map(|()| Outcome::Crashed);
                }
                self.thaw = None;
            }
            if let Poll::Ready(out) = self.inner.as_mut().poll(cx) {
                return Poll::Ready(out);
            }
            let Some(frozen) = self.probe.take_freeze() else {
                return self.limit.as_mut().poll(cx).map(|()| Outcome::Crashed);
            };
            self.thaw = Some(Box::pin(sleep(frozen)));
        }
    }
}
