//! Stripe: payment intents, refunds, customers, saved cards, idempotency keys, events.
//!
//! Simulated:
//! * payment intents: create, confirm, cancel, fetch, list; the cards of test mode; 3-D Secure; payments in absence of
//!   the shopper with a card that was saved before; a bank that answers late;
//! * refunds: create (all or a part), fetch, list; refunds that are pending or fail in the end; refunds by hand;
//! * customers: create, change, fetch, list; saving, fetching and listing their cards;
//! * charges and balance transactions: fetch; fees, and exchange at made-up rates that never change;
//! * `expand[]`, the events of all these, and events of the second generation (without an object).
//!
//! Not simulated: card numbers (only test tokens), other kinds of payment method, setup intents, changing an intent,
//! manual capture, disputes, detaching cards, deleting customers, connected accounts, fetching events. What is not
//! simulated is refused, never ignored.
//!
//! Time passes when a call comes in or webhooks are looked for: see `later.rs`.

mod balance;
mod cards;
mod charging;
mod command;
mod currency;
mod customers;
mod events;
mod expand;
mod failure;
mod form;
mod idempotency;
mod later;
mod lifecycle;
mod listing;
mod objects;
mod parameters;
mod payment_methods;
mod people;
mod refunds;
mod route;

pub use balance::BalanceTransaction;
pub use customers::Customer;
pub use objects::{Charge, PaymentIntent, Status};
pub use payment_methods::PaymentMethod;
pub use refunds::Refund;

use crate::Settings;
use crate::answer::{answer, header_text, set};
use crate::faults::Mishap;
use crate::ids::Ids;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use command::Command;
pub(crate) use events::Outgoing;
use events::{Origin, pretty};
use failure::Failure;
use form::Form;
use http::{HeaderName, Method, Request, Response, header};
use idempotency::{Answered, Keys};
use later::Later;
use parameters::refuse_unknown;
use route::Route;
use serde_json::Value;

/// The API version of the events, and of the specification that this is written from.
pub const API_VERSION: &str = "2023-08-16";

/// The event types that exist here.
pub const EVENT_TYPES: [&str; 14] = [
    "charge.failed",
    "charge.refunded",
    "charge.succeeded",
    "customer.created",
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
    refunds: Vec<Refund>,
    customers: Vec<Customer>,
    payment_methods: Vec<PaymentMethod>,
    balance_transactions: Vec<BalanceTransaction>,
    settlement_currency: String,
    /// Each with the time (epoch milliseconds) at which it happens.
    planned: Vec<(i64, Later)>,
    keys: Keys,
    outgoing: Vec<Outgoing>,
    ids: Ids,
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    Route::of(method, path).operation()
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            api_key: settings.stripe_api_key.clone(),
            event_types: settings.stripe_event_types.clone(),
            webhook_secrets: vec![(settings.stripe_webhook_secret.clone(), None)],
            payment_intents: Vec::new(),
            charges: Vec::new(),
            refunds: Vec::new(),
            customers: Vec::new(),
            payment_methods: Vec::new(),
            balance_transactions: Vec::new(),
            settlement_currency: settings.stripe_settlement_currency.clone(),
            planned: Vec::new(),
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

    /// One charge by its id, `ch_…`.
    pub fn charge(&self, id: &str) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.id == id)
    }

    /// All refunds, failed ones included, oldest first.
    pub fn refunds(&self) -> &[Refund] {
        &self.refunds
    }

    /// One refund by its id, `re_…`.
    pub fn refund(&self, id: &str) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    /// All customers, oldest first.
    pub fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// One customer by its id, `cus_…`.
    pub fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id)
    }

    /// All payment methods that were ever used or saved, oldest first.
    pub fn payment_methods(&self) -> &[PaymentMethod] {
        &self.payment_methods
    }

    /// One payment method by its id, `pm_…`. Test tokens are none.
    pub fn payment_method(&self, id: &str) -> Option<&PaymentMethod> {
        self.payment_methods.iter().find(|method| method.id == id)
    }

    /// All movements on the balance, oldest first.
    pub fn balance_transactions(&self) -> &[BalanceTransaction] {
        &self.balance_transactions
    }

    /// One movement on the balance by its id, `txn_…`.
    pub fn balance_transaction(&self, id: &str) -> Option<&BalanceTransaction> {
        self.balance_transactions.iter().find(|movement| movement.id == id)
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
        self.pass_time(now_ms);
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
        match mishap {
            Mishap::Throttled(_) => return Err(Failure::throttled()),
            Mishap::Locked => return Err(Failure::locked()),
            Mishap::None | Mishap::During(_) | Mishap::After(_) => {}
        }
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let wanted = Route::of(request.method(), path);
        if *request.method() == Method::GET {
            let query = parse(query.as_bytes())?;
            let paths = expand::paths(&query, wanted.answers_with())?;
            let mut found = self.read(now_ms, wanted, &query, request)?;
            self.expand(now_ms, &mut found, &paths);
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
        let paths = expand::paths(&form, wanted.answers_with())?;
        let command = match wanted {
            Route::CreateIntent => Command::Create(command::create(&form)?),
            Route::Confirm(id) => command::confirm(id, &form)?,
            Route::Cancel(id) => command::cancel(id, &form)?,
            Route::CreateRefund => refunds::refund(&form)?,
            Route::CreateCustomer => Command::CreateCustomer(customers::changes(&form)?),
            Route::UpdateCustomer(id) => {
                Command::UpdateCustomer { id: id.to_owned(), changes: customers::changes(&form)? }
            }
            Route::Attach(id) => command::attach(id, &form)?,
            _ => return Err(unrecognized(request)),
        };
        self.look_up(&command)?;
        let origin = Origin { request_id: Some(request_id.to_owned()), idempotency_key: key.map(str::to_owned) };
        let outcome = match mishap {
            Mishap::During(status) => Err(Failure::server(status)),
            Mishap::After(status) => {
                let _ = self.execute(now_ms, command, &origin);
                Err(Failure::server(status))
            }
            _ => self.execute(now_ms, command, &origin),
        };
        let (status, body) = match outcome {
            Ok(mut object) => {
                self.expand(now_ms, &mut object, &paths);
                (200, object)
            }
            Err(failure) => (failure.status, failure.body(request_id)),
        };
        let answered = Answered { request_id: request_id.to_owned(), status, body: pretty(&body) };
        if let Some(key) = key {
            self.keys.remember(now_ms, took_ms, key, path, &form, &answered);
        }
        Ok((false, answered))
    }

    fn read(&self, now_ms: i64, wanted: Route<'_>, query: &Form, request: &Request<Bytes>) -> Result<Value, Failure> {
        let (what, param, id, found) = match wanted {
            Route::ListIntents => return self.list_intents(query),
            Route::ListRefunds => return self.list_refunds(query),
            Route::ListCustomers => return self.list_customers(query),
            Route::ListPaymentMethods => return self.list_payment_methods(query, None),
            Route::ListPaymentMethodsOf(customer) => return self.list_payment_methods(query, Some(customer)),
            Route::Intent(id) => ("payment_intent", "intent", id, self.payment_intent(id).map(PaymentIntent::to_json)),
            Route::Refund(id) => ("refund", "refund", id, self.refund(id).map(Refund::to_json)),
            Route::Customer(id) => ("customer", "id", id, self.customer(id).map(Customer::to_json)),
            Route::Charge(id) => ("charge", "id", id, self.charge(id).map(Charge::to_json)),
            Route::PaymentMethod(id) => {
                ("PaymentMethod", "payment_method", id, self.payment_method(id).map(PaymentMethod::to_json))
            }
            Route::BalanceTransaction(id) => {
                let found = self.balance_transaction(id).map(|movement| movement.to_json(now_ms / 1000));
                ("balance transaction", "id", id, found)
            }
            _ => return Err(unrecognized(request)),
        };
        refuse_unknown(query, &[])?;
        found.ok_or_else(|| Failure::no_such(what, id, param, 404))
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
