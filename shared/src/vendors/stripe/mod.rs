//! Stripe: payments. (docs.stripe.com/api; facts in the API version below.)

mod amount;
mod classify;
mod event;
mod request;
mod resolve;
pub mod verify;
mod wire;

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::classify::{classify, is_replay};
use self::wire::{ErrorAnswer, PaymentIntent};
use crate::domain::input::{ConfirmPayment, CreatePayment};
use crate::domain::{Correlation, IntentId, Private, StackId, Timestamp};
use crate::effects::intent::{Data, Intent, Kind, VendorRequest};
use crate::effects::observation::Observation;
use crate::effects::{Agent, Outcome, Subject, Verdict};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, Reply, Vendor, said_at};
use crate::world::{HttpRequest, HttpResponse};

pub use event::{object_id, read_event};

/// The API version that we speak, the one that the checked specification describes.
pub const API_VERSION: &str = "2023-08-16";
/// The base URL in production.
pub const API_BASE: &str = "https://api.stripe.com";

/// Time for a look at one object while an event is applied.
const FETCH_TIME: Duration = Duration::from_secs(8);
/// After an unknown outcome, how soon the same key is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The secret `/crossdock/<Stage>/stripe`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// `sk_…` or `rk_…`.
    pub api_key: Private<String>,
    /// The endpoint's signing secrets; two while one is rolled.
    #[serde(default)]
    pub webhook_secrets: Vec<WebhookSecret>,
}

/// A signing secret, and until when it counts.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookSecret {
    /// `whsec_…`
    pub secret: Private<String>,
    /// Unix seconds; none: until it is removed.
    #[serde(default)]
    pub not_after: Option<i64>,
}

impl Keys {
    /// The signing secrets that count now.
    pub fn live_webhook_secrets(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let live = move |secret: &&WebhookSecret| secret.not_after.is_none_or(|end| now.seconds() <= end);
        self.webhook_secrets.iter().filter(live).map(|secret| secret.secret.expose().as_str())
    }
}

/// Which keys a stage may use: only live ones in production, only test ones elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMode {
    /// Stage `production`.
    Live,
    /// Every other stage.
    Test,
}

/// Stripe.
#[derive(Clone)]
pub struct Stripe {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
    mode: KeyMode,
    stack: StackId,
}

impl Stripe {
    /// Stripe at this base URL, with these keys.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>, mode: KeyMode, stack: StackId) -> Self {
        Self { gateway, base, keys, mode, stack }
    }

    /// The request that creates a payment.
    ///
    /// # Errors
    /// 422 `amount_not_representable`.
    pub fn create_request(&self, input: &CreatePayment, intent: &IntentId) -> Result<VendorRequest> {
        request::create(input, &self.stack, intent)
    }

    /// The request that confirms a payment.
    pub fn confirm_request(&self, input: &ConfirmPayment, vendor_id: &str) -> VendorRequest {
        request::confirm(input, vendor_id)
    }

    async fn called(&self, intent: &Intent, subject: &Subject, call_by: Timestamp) -> Outcome {
        let request = match (&intent.data, intent.kind, subject.vendor_id()) {
            (Data::Payment { request: Some(request), .. }, _, _) => request.clone(),
            (Data::Payment { request: None, .. }, Kind::PaymentCancel, Some(vendor_id)) => request::cancel(vendor_id),
            _ => return Outcome::of(Verdict::GivenUp { code: "nothing_to_send" }),
        };
        let idempotency_key = intent.vendor_key(&self.stack);
        let call = Call {
            vendor: Vendor::Stripe,
            operation: operation_name(intent.kind),
            call_by,
            attempt: intent.attempt,
            correlation: &intent.correlation_id,
        };
        let reply = self.send(call, Method::POST, &request.path, Some((request.body, &idempotency_key))).await;
        self.outcome(intent, &reply)
    }

    /// What an answer to a create, confirm or cancel means.
    fn outcome(&self, intent: &Intent, reply: &Reply) -> Outcome {
        let now = self.gateway.world().now();
        let code = match reply.class {
            Class::Transient => "vendor_unavailable",
            Class::Throttled { .. } => "throttled",
            _ => "vendor_credentials",
        };
        let unknown = |ask_the_list| Outcome::of(Verdict::Unknown { look_at: now.plus(ASK_AGAIN), ask_the_list });
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => match parse::<PaymentIntent>(response) {
                Some(object) => Outcome::done(object.said(response, now)),
                None => unknown(false),
            },
            (Class::Refused, Some(response)) => refused(intent.kind, response, now),
            // A stored 500 stays one under this key; only the objects can tell.
            (Class::Unknown, Some(response)) => unknown(is_replay(response.headers()) || response.status() == 400),
            (Class::Throttled { after }, _) => not_done(code, after, true),
            (Class::Transient | Class::Credentials, response) => not_done(code, None, response.is_some()),
            (Class::Unknown | Class::Done | Class::Refused, None) => unknown(false),
        }
    }

    async fn get(
        &self,
        operation: &'static str,
        path: &str,
        attempt: u32,
        correlation: &Correlation,
        call_by: Timestamp,
    ) -> Reply {
        let call = Call { vendor: Vendor::Stripe, operation, call_by, attempt, correlation };
        self.send(call, Method::GET, path, None).await
    }

    /// Sends with the current key; on 401 once more with a key read anew, since keys are rotated while we run.
    async fn send(&self, call: Call<'_>, method: Method, path: &str, body: Option<(Private<String>, &str)>) -> Reply {
        let refused = Reply { class: Class::Credentials, response: None };
        let keys = match self.keys.get().await.and_then(|keys| self.allowed(keys)) {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(error = %error, "no usable Stripe key: put one into the secret");
                return refused;
            }
        };
        let (call_by, operation, attempt, correlation) = (call.call_by, call.operation, call.attempt, call.correlation);
        let Some(request) = self.request(&keys, &method, path, body.as_ref()) else { return refused };
        let reply = self.gateway.call(call, request, classify).await;
        let unauthorized = reply.response.as_ref().is_some_and(|response| response.status() == 401);
        if !unauthorized {
            return reply;
        }
        let Ok(Some(keys)) = self.keys.refresh().await.and_then(|keys| keys.map(|k| self.allowed(k)).transpose())
        else {
            return reply;
        };
        let Some(request) = self.request(&keys, &method, path, body.as_ref()) else { return reply };
        let call = Call { vendor: Vendor::Stripe, operation, call_by, attempt, correlation };
        self.gateway.call(call, request, classify).await
    }

    fn request(
        &self,
        keys: &Keys,
        method: &Method,
        path: &str,
        body: Option<&(Private<String>, &str)>,
    ) -> Option<HttpRequest> {
        let mut builder = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {}", keys.api_key.expose()))
            .header("stripe-version", API_VERSION);
        let mut bytes = bytes::Bytes::new();
        if let Some((form, idempotency_key)) = body {
            builder = builder
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("idempotency-key", *idempotency_key);
            bytes = form.expose().clone().into_bytes().into();
        }
        builder
            .body(bytes)
            .inspect_err(|_| tracing::error!("a Stripe request could not be built: is the key's text clean?"))
            .ok()
    }

    fn allowed(&self, keys: Keys) -> Result<Keys> {
        let key = keys.api_key.expose();
        let is_live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        match (self.mode, is_live) {
            (KeyMode::Live, true) | (KeyMode::Test, false) => Ok(keys),
            (KeyMode::Live, false) => Err(Error::misconfigured("wrong_key", "a test key in stage production")),
            (KeyMode::Test, true) => Err(Error::misconfigured("wrong_key", "a live key outside of stage production")),
        }
    }
}

impl Agent for Stripe {
    fn vendor(&self) -> Vendor {
        Vendor::Stripe
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, call_by: Timestamp) -> BoxFuture<'a, Outcome> {
        Box::pin(self.called(intent, subject, call_by))
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, call_by: Timestamp) -> BoxFuture<'a, Outcome> {
        Box::pin(self.resolved(intent, subject, call_by))
    }

    fn fetch<'a>(&'a self, vendor_id: &'a str, correlation: &'a Correlation) -> BoxFuture<'a, Option<Observation>> {
        Box::pin(self.fetched(vendor_id, correlation))
    }
}

impl PaymentIntent {
    /// The observation in an answer: as of the answer's Date, or, when it repeats an earlier one, of the creation.
    fn said(self, response: &HttpResponse, now: Timestamp) -> Observation {
        let at =
            if is_replay(response.headers()) { Timestamp::from_seconds(self.created) } else { said_at(response, now) };
        self.observation(at)
    }
}

/// A refusal. One that holds an object is news of the object: a declined create has made one.
fn refused(kind: Kind, response: &HttpResponse, now: Timestamp) -> Outcome {
    let error = parse::<ErrorAnswer>(response).map(|answer| answer.error);
    let declined = response.status() == 402;
    let object = error.and_then(|error| error.payment_intent);
    let seen = object.map(|object| object.said(response, now));
    let verdict = match (kind, declined, seen.is_some()) {
        // The call did its work: the attempt was made, and declined.
        (Kind::PaymentCreate | Kind::PaymentConfirm, true, true) => Verdict::Done,
        (_, true, _) => Verdict::Refused { code: "card_declined" },
        _ => Verdict::Refused { code: "vendor_refused" },
    };
    Outcome { verdict, seen }
}

fn not_done(code: &'static str, after: Option<Duration>, answered: bool) -> Outcome {
    Outcome::of(Verdict::NotDone { code, after, answered })
}

const fn operation_name(kind: Kind) -> &'static str {
    match kind {
        Kind::PaymentConfirm => "confirm_payment_intent",
        Kind::PaymentCancel => "cancel_payment_intent",
        Kind::PaymentCreate | Kind::MailSend | Kind::Publish => "create_payment_intent",
    }
}

fn parse<T: DeserializeOwned>(response: &HttpResponse) -> Option<T> {
    serde_json::from_slice(response.body())
        .inspect_err(|e| {
            tracing::error!(line = e.line(), column = e.column(), "an answer of Stripe's has an unknown shape");
        })
        .ok()
}
