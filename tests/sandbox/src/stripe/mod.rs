//! Stripe: payment intents, idempotency keys, events.
//!
//! Simulated: creating, confirming, cancelling, fetching and listing payment intents with the cards of test mode; the
//! shopper's browser; the bank. Not simulated: customers, refunds, manual capture, disputes. What is not simulated is
//! refused, never ignored.

mod cards;
mod command;
mod events;
mod failure;
mod form;
mod idempotency;
mod lifecycle;
mod listing;
mod objects;

pub use objects::{Charge, PaymentIntent, Status};

use crate::Settings;
use crate::answer::{answer, header_text, set};
use crate::faults::Mishap;
use crate::ids::Ids;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cards::TestCard;
use command::{Command, Confirmation};
pub(crate) use events::Outgoing;
use events::{Origin, pretty};
use failure::Failure;
use form::Form;
use http::{HeaderName, Method, Request, Response, header};
use idempotency::{Answered, Keys};
use serde_json::Value;
use std::collections::BTreeMap;

/// The API version of the events, and of the specification that this is written from.
pub const API_VERSION: &str = "2023-08-16";

/// The event types that exist here.
pub const EVENT_TYPES: [&str; 8] = [
    "charge.failed",
    "charge.succeeded",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
];

/// How long a webhook is tried, in milliseconds (3 days, as in live mode).
pub(crate) const RETRY_WINDOW_MS: i64 = 3 * 86_400_000;

/// Everything that Stripe knows about the account.
#[derive(Debug)]
pub struct State {
    api_key: String,
    event_types: Vec<String>,
    /// Each with the time (epoch milliseconds) until which it signs; none: for good.
    webhook_secrets: Vec<(String, Option<i64>)>,
    payment_intents: Vec<PaymentIntent>,
    charges: Vec<Charge>,
    payment_methods: BTreeMap<String, &'static TestCard>,
    keys: Keys,
    outgoing: Vec<Outgoing>,
    ids: Ids,
}

enum Route<'a> {
    Create,
    List,
    Retrieve(&'a str),
    Confirm(&'a str),
    Cancel(&'a str),
    Unknown,
}

fn route<'a>(method: &Method, path: &'a str) -> Route<'a> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "payment_intents"]) => Route::Create,
        ("GET", ["v1", "payment_intents"]) => Route::List,
        ("GET", ["v1", "payment_intents", id]) => Route::Retrieve(id),
        ("POST", ["v1", "payment_intents", id, "confirm"]) => Route::Confirm(id),
        ("POST", ["v1", "payment_intents", id, "cancel"]) => Route::Cancel(id),
        _ => Route::Unknown,
    }
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match route(method, path) {
        Route::Create => "create_payment_intent",
        Route::List => "list",
        Route::Retrieve(_) => "retrieve",
        Route::Confirm(_) => "confirm",
        Route::Cancel(_) => "cancel",
        Route::Unknown => "unknown",
    }
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            api_key: settings.stripe_api_key.clone(),
            event_types: settings.stripe_event_types.clone(),
            webhook_secrets: vec![(settings.stripe_webhook_secret.clone(), None)],
            payment_intents: Vec::new(),
            charges: Vec::new(),
            payment_methods: BTreeMap::new(),
            keys: Keys::default(),
            outgoing: Vec::new(),
            ids: Ids::new(settings.seed),
        }
    }

    /// All payment intents, oldest first.
    pub fn payment_intents(&self) -> &[PaymentIntent] {
        &self.payment_intents
    }

    /// One payment intent by its id, `pi_…`.
    pub fn payment_intent(&self, id: &str) -> Option<&PaymentIntent> {
        self.payment_intents.iter().find(|intent| intent.id == id)
    }

    /// All charges, failed ones included, oldest first.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// The charges of one intent that took money. More than one would be a double charge.
    pub fn succeeded_charges(&self, payment_intent: &str) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(move |charge| charge.succeeded && charge.payment_intent == payment_intent)
    }

    /// From now on only this API key is accepted.
    pub(crate) fn set_api_key(&mut self, key: String) {
        self.api_key = key;
    }

    /// Adds a webhook secret; the old ones go on signing until `old_until_ms`.
    pub(crate) fn roll_webhook_secret(&mut self, secret: String, old_until_ms: i64) {
        for (_, until_ms) in &mut self.webhook_secrets {
            *until_ms = Some(until_ms.unwrap_or(old_until_ms).min(old_until_ms));
        }
        self.webhook_secrets.push((secret, None));
    }

    /// The webhooks that have come into being since the last time.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outgoing)
    }

    /// One API call. `took_ms` is how late its answer will be: until then its key counts as in use.
    pub(crate) fn call(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        took_ms: u64,
    ) -> Response<Bytes> {
        let request_id = format!("req_{}", self.ids.next("req", 14));
        let (replayed, outcome) = match self.respond(now_ms, request, mishap, took_ms, &request_id) {
            Ok((replayed, answered)) => (replayed, answered),
            Err(failure) => {
                let body = pretty(&failure.body(&request_id));
                (false, Answered { request_id: request_id.clone(), status: failure.status, body })
            }
        };
        let mut response = answer(now_ms, outcome.status, "application/json", outcome.body);
        set(&mut response, HeaderName::from_static("request-id"), &request_id);
        set(&mut response, HeaderName::from_static("stripe-version"), API_VERSION);
        if let Some(key) = header_text(request, "idempotency-key") {
            set(&mut response, HeaderName::from_static("idempotency-key"), key);
        }
        if replayed {
            set(&mut response, HeaderName::from_static("idempotent-replayed"), "true");
            set(&mut response, HeaderName::from_static("original-request"), &outcome.request_id);
        }
        if let Mishap::Throttled(seconds) = mishap {
            set(&mut response, header::RETRY_AFTER, &seconds.to_string());
            set(&mut response, HeaderName::from_static("stripe-rate-limited-reason"), "global-rate");
        }
        response
    }

    /// The answer, and whether it is a replay. What fails here is not remembered.
    fn respond(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        took_ms: u64,
        request_id: &str,
    ) -> Result<(bool, Answered), Failure> {
        self.authorize(request)?;
        if matches!(mishap, Mishap::Throttled(_)) {
            return Err(Failure::throttled());
        }
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let wanted = route(request.method(), path);
        if *request.method() == Method::GET {
            let found = self.read(&wanted, &parse(query.as_bytes())?, request)?;
            return match mishap {
                Mishap::During(status) | Mishap::After(status) => Err(Failure::server(status)),
                _ => Ok((false, Answered { request_id: request_id.to_owned(), status: 200, body: pretty(&found) })),
            };
        }
        refuse_other_than_form(request)?;
        let form = parse(request.body())?;
        let key = header_text(request, "idempotency-key");
        if let Some(key) = key
            && let Some(first) = self.keys.look_up(now_ms, key, path, &form)?
        {
            let answered = Answered { request_id: first.request_id, status: first.status, body: first.body };
            return Ok((true, answered));
        }
        let command = match wanted {
            Route::Create => Command::Create(command::create(&form)?),
            Route::Confirm(id) => command::confirm(id, &form)?,
            Route::Cancel(id) => command::cancel(id, &form)?,
            Route::List | Route::Retrieve(_) | Route::Unknown => return Err(unrecognized(request)),
        };
        self.look_up(&command)?;
        let origin = Origin { request_id: Some(request_id.to_owned()), idempotency_key: key.map(str::to_owned) };
        let outcome = match mishap {
            Mishap::During(status) => Err(Failure::server(status)),
            Mishap::After(status) => {
                let _ = self.execute(now_ms, command, &origin);
                Err(Failure::server(status))
            }
            Mishap::None | Mishap::Throttled(_) => self.execute(now_ms, command, &origin),
        };
        let (status, body) = match outcome {
            Ok(object) => (200, object),
            Err(failure) => (failure.status, failure.body(request_id)),
        };
        let answered = Answered { request_id: request_id.to_owned(), status, body: pretty(&body) };
        if let Some(key) = key {
            self.keys.remember(now_ms, took_ms, key, path, &form, &answered);
        }
        Ok((false, answered))
    }

    fn read(&self, wanted: &Route<'_>, query: &Form, request: &Request<Bytes>) -> Result<Value, Failure> {
        match wanted {
            Route::List => self.list(query),
            Route::Retrieve(id) => {
                command::refuse_unknown(query, &[])?;
                let found = self.payment_intent(id);
                Ok(found.ok_or_else(|| Failure::no_such("payment_intent", id, "intent", 404))?.to_json())
            }
            _ => Err(unrecognized(request)),
        }
    }

    fn authorize(&self, request: &Request<Bytes>) -> Result<(), Failure> {
        let Some(given) = header_text(request, header::AUTHORIZATION) else {
            return Err(Failure::unauthorized("You did not provide an API key."));
        };
        let basic = || {
            let decoded = STANDARD.decode(given.strip_prefix("Basic ")?).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            Some(text.strip_suffix(':').unwrap_or(&text).to_owned())
        };
        let key = given.strip_prefix("Bearer ").map(str::to_owned).or_else(basic).unwrap_or_default();
        if key == self.api_key {
            return Ok(());
        }
        let shown: String = key.chars().take(8).collect();
        Err(Failure::unauthorized(format!("Invalid API Key provided: {shown}****")))
    }

    /// The shopper's browser confirms with the client secret. The error is Stripe's error body.
    pub(crate) fn shopper_confirms(
        &mut self,
        now_ms: i64,
        client_secret: &str,
        payment_method: &str,
    ) -> Result<Value, Value> {
        let position = self.payment_intents.iter().position(|intent| intent.client_secret == client_secret);
        let confirmation = Confirmation {
            payment_method: Some(payment_method.to_owned()),
            return_url: Some("https://shop.example/return".to_owned()),
            nobody_there: false,
        };
        let origin = self.shoppers_origin();
        let missing = || Failure::no_such("payment_intent", client_secret, "client_secret", 404);
        position
            .ok_or_else(missing)
            .and_then(|position| {
                let id = self.payment_intents[position].id.clone();
                self.look_up(&Command::Confirm { id, confirmation: confirmation.clone() })?;
                self.confirm(now_ms, position, &confirmation, &origin)?;
                Ok(self.payment_intents[position].to_json())
            })
            .map_err(|failure| failure.body(origin.request_id.as_deref().unwrap_or_default()))
    }

    /// The shopper passes or fails the bank's check. The error is Stripe's error body.
    pub(crate) fn shopper_authenticates(&mut self, now_ms: i64, id: &str, passed: bool) -> Result<Value, Value> {
        self.move_by_id(id, |state, position| state.authenticate(now_ms, position, passed))
    }

    /// The bank answers for an intent in `processing`. The error is Stripe's error body.
    pub(crate) fn bank_answers(&mut self, now_ms: i64, id: &str, charged: bool) -> Result<Value, Value> {
        self.move_by_id(id, |state, position| state.settle_processing(now_ms, position, charged))
    }

    fn move_by_id(
        &mut self,
        id: &str,
        step: impl FnOnce(&mut Self, usize) -> Result<(), Failure>,
    ) -> Result<Value, Value> {
        let position = self.payment_intents.iter().position(|intent| intent.id == id);
        let missing = || Failure::no_such("payment_intent", id, "intent", 404);
        position
            .ok_or_else(missing)
            .and_then(|position| {
                step(self, position)?;
                Ok(self.payment_intents[position].to_json())
            })
            .map_err(|failure| failure.body(""))
    }

    /// A browser's request has an id, and no idempotency key of the shop.
    fn shoppers_origin(&mut self) -> Origin {
        Origin { request_id: Some(format!("req_{}", self.ids.next("req", 14))), idempotency_key: None }
    }
}

fn parse(bytes: &[u8]) -> Result<Form, Failure> {
    Form::parse(bytes).map_err(|name| {
        Failure::invalid(Some("parameter_unknown"), Some(&name), format!("Received unknown parameter: {name}"))
    })
}

fn refuse_other_than_form(request: &Request<Bytes>) -> Result<(), Failure> {
    let content_type = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
    if request.body().is_empty() || content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded).";
    Err(Failure::invalid(None, None, message))
}

fn unrecognized(request: &Request<Bytes>) -> Failure {
    let message = format!("Unrecognized request URL ({}: {}).", request.method(), request.uri().path());
    Failure { status: 404, ..Failure::invalid(None, None, message) }
}
