//! Stripe: payments, refunds, customers. (docs.stripe.com/api; facts in the API version below.)

mod amount;
mod answer;
mod attempt;
mod classify;
mod customer;
mod event;
mod methods;
mod provider;
mod request;
mod resolve;
pub mod verify;
mod wire;

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;

use self::classify::classify;
use self::request::path_segment;
use crate::domain::{Correlation, Private, StackId, Timestamp};
use crate::effects::intent::{Data, Intent, Kind};
use crate::effects::observation::Observation;
use crate::effects::{Agent, CALL_TIME_MIN, Outcome, Reason, Subject, Verdict};
use crate::error::{Error, Result};
use crate::gateway::breaker::Right;
use crate::gateway::{Call, Gateway, Keyring, Lane, OperationClass, Permit, Reply, Vendor};
use crate::vendors::rotated::{Rotated, live};
use crate::world::HttpRequest;

pub use event::{event_id, object_id, read_event};

/// The API version that we speak, and that the endpoint of our webhooks should have: the first that tells of every refund by
/// itself. (docs.stripe.com/changelog/acacia/2024-10-28)
pub const API_VERSION: &str = "2024-10-28.acacia";
/// The events that the endpoint of our webhooks is sent.
pub const EVENT_TYPES: [&str; 16] = [
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
];
/// The base URL in production.
pub const API_BASE: &str = "https://api.stripe.com";

/// Time for a look at one object while an event is applied.
const FETCH_TIME: Duration = Duration::from_secs(8);
/// How long to wait for a charge's balance transaction before looking again.
const SETTLEMENT_WAIT: Duration = Duration::from_secs(3_600);

/// The secret `/crossdock/<Stage>/stripe`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// `sk_…` or `rk_…`.
    pub api_key: Private<String>,
}

/// The secret `/crossdock/<Stage>/stripe-webhook`, the only one that the receiver of its webhooks reads.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookKeys {
    /// The endpoint's signing secrets; two while one is rolled.
    #[serde(default)]
    pub webhook_secrets: Vec<Rotated>,
}

impl WebhookKeys {
    /// The signing secrets that count now.
    pub fn live_webhook_secrets(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        live(&self.webhook_secrets, now)
    }

    /// Whether nothing was put there yet.
    pub fn is_empty(&self) -> bool {
        self.webhook_secrets.is_empty()
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
    /// When whoever asks about events has no time any more to apply what they hear.
    asked_until: Option<Timestamp>,
}

impl Stripe {
    /// Stripe at this base URL, with these keys.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>, mode: KeyMode, stack: StackId) -> Self {
        Self { gateway, base, keys, mode, stack, asked_until: None }
    }

    /// Leave to look at an object while an event is applied; none where there is too little time left.
    fn look_permit(&self) -> Option<Permit> {
        let now = self.gateway.world().now();
        let by = now.plus(FETCH_TIME);
        let by = self.asked_until.map_or(by, |until| until.min(by));
        (by.since(now) >= CALL_TIME_MIN).then(|| Permit::until(by, Lane::Background))
    }

    async fn called(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let request = match (&intent.data, intent.kind, subject.vendor_id()) {
            (
                Data::Payment { request: Some(request), .. }
                | Data::Refund { request, .. }
                | Data::Customer { request, .. },
                _,
                _,
            ) => request.clone(),
            (Data::Payment { request: None, .. }, Kind::PaymentCancel, Some(vendor_id)) => request::cancel(vendor_id),
            (Data::Payment { request: None, .. }, Kind::PaymentSettlement, Some(vendor_id)) => {
                return self.settlement(intent, vendor_id, permit).await;
            }
            _ => return Outcome::of(Verdict::GivenUp { reason: Reason::NothingToSend }),
        };
        let idempotency_key = intent.vendor_key(&self.stack);
        let call = Call {
            vendor: Vendor::Stripe,
            operation: operation_name(intent.kind),
            class: OperationClass::Effect,
            permit,
            attempt: intent.attempt,
            correlation: &intent.correlation_id,
        };
        let reply = self.send(&call, Method::POST, &request.path, Some((request.body, &idempotency_key))).await;
        let outcome = answer::outcome(intent.kind, &reply, self.gateway.world().now());
        match intent.kind {
            Kind::PaymentConfirm => self.attempted(outcome, &reply, intent, subject, permit).await,
            _ => outcome,
        }
    }

    /// What a paid payment brought in. Stripe knows soon after the charge, for some payment methods days later.
    async fn settlement(&self, intent: &Intent, vendor_id: &str, permit: &Permit) -> Outcome {
        let path =
            format!("/v1/payment_intents/{}?expand[]=latest_charge.balance_transaction", path_segment(vendor_id));
        let operation = operation_name(intent.kind);
        let reply = self.get(operation, &path, intent.attempt, &intent.correlation_id, permit).await;
        let now = self.gateway.world().now();
        let outcome = answer::outcome(intent.kind, &reply, now);
        match (&outcome.verdict, &outcome.observed) {
            (Verdict::Done, Some(Observation::Payment(observed))) if observed.settlement.is_none() => {
                if intent.give_up_at.since(now) < SETTLEMENT_WAIT {
                    // A missing fee is no reason to wake a person.
                    return Outcome::of(Verdict::Refused { reason: Reason::NoSettlement });
                }
                let after = Some(SETTLEMENT_WAIT);
                Outcome::of(Verdict::NotDone { reason: Reason::NotSettledYet, after, answered: true })
            }
            // A read: whatever is not known is simply read again.
            (Verdict::Unknown { .. }, _) => {
                Outcome::of(Verdict::NotDone { reason: Reason::VendorUnavailable, after: None, answered: false })
            }
            _ => outcome,
        }
    }

    async fn get(
        &self,
        operation: &'static str,
        path: &str,
        attempt: u32,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Reply {
        let class = OperationClass::Read;
        let call = Call { vendor: Vendor::Stripe, operation, class, permit, attempt, correlation };
        self.send(&call, Method::GET, path, None).await
    }

    async fn send(&self, call: &Call<'_>, method: Method, path: &str, body: Option<(Private<String>, &str)>) -> Reply {
        let build = |keys: &Keys| self.request(keys, &method, path, body.as_ref());
        self.gateway.call(call, &self.keys.with_right(right_for(path)), &build, classify).await
    }

    fn request(
        &self,
        keys: &Keys,
        method: &Method,
        path: &str,
        body: Option<&(Private<String>, &str)>,
    ) -> Result<HttpRequest> {
        self.allowed(keys)?;
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
        builder.body(bytes).map_err(|_| Error::misconfigured("wrong_key", "the key's text is no header value"))
    }

    fn allowed(&self, keys: &Keys) -> Result<()> {
        let key = keys.api_key.expose();
        let is_live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        match (self.mode, is_live) {
            (KeyMode::Live, true) | (KeyMode::Test, false) => Ok(()),
            (KeyMode::Live, false) => Err(Error::misconfigured("wrong_key", "a test key in stage production")),
            (KeyMode::Test, true) => Err(Error::misconfigured("wrong_key", "a live key outside of stage production")),
        }
    }
}

impl Agent for Stripe {
    fn vendor(&self) -> Vendor {
        Vendor::Stripe
    }

    fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    fn is_repeatable(&self, _intent: &Intent) -> bool {
        true
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = if self.is_beyond_its_key(intent) {
                self.resolved(intent, subject, permit).await
            } else {
                self.called(intent, subject, permit).await
            };
            let outcome = if intent.in_doubt { self.seek_if_refused(outcome, intent.kind) } else { outcome };
            attempt::dated(outcome, intent, subject)
        })
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { attempt::dated(self.resolved(intent, subject, permit).await, intent, subject) })
    }

    fn fetch<'a>(
        &'a self,
        _vendor: Vendor,
        vendor_id: &'a str,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>> {
        Box::pin(self.fetched(vendor_id, correlation))
    }
}

/// The permission that a request needs of a restricted key. (infra/docs/deploy.md has their names in Stripe's dashboard.)
fn right_for(path: &str) -> Right {
    let resource = path.trim_start_matches("/v1/").split(['/', '?']).next().unwrap_or_default();
    match resource {
        // The charge and its balance transaction are expanded, and each needs a permission of its own.
        _ if path.contains("balance_transaction") => Right::Fees,
        "refunds" => Right::Refunds,
        "customers" => Right::Customers,
        "payment_methods" => Right::PaymentMethods,
        _ => Right::Payments,
    }
}

const fn operation_name(kind: Kind) -> &'static str {
    match kind {
        Kind::PaymentConfirm => "confirm_payment_intent",
        Kind::PaymentCancel => "cancel_payment_intent",
        Kind::PaymentSettlement => "retrieve_settlement",
        Kind::RefundCreate => "create_refund",
        Kind::CustomerCreate => "create_customer",
        _ => "create_payment_intent",
    }
}
