//! Stripe: payment intents, refunds, customers, saved cards, idempotency keys, events.
//!
//! Simulated:
//! * payment intents: create, confirm, cancel, fetch, list; the cards of test mode; 3-D Secure; payments in absence of
//!   the shopper with a card that was saved before; a bank that answers late;
//! * refunds: create (all or a part), fetch, list; refunds that are pending or fail in the end; refunds by hand;
//! * customers: create, change, fetch, list; deleted by hand in the dashboard; saving, fetching and listing their cards;
//! * charges and balance transactions: fetch; fees, and exchange at made-up rates that never change;
//! * `expand[]`, the events of all these, and events of the second generation (without an object).
//!
//! Not simulated: card numbers (only test tokens), other kinds of payment method, setup intents, changing an intent,
//! manual capture, disputes, detaching cards, deleting customers by the API, connected accounts, fetching events. What is not
//! simulated is refused, never ignored.
//!
//! Time passes when a call comes in or webhooks are looked for: see `later.rs`.

mod api;
mod balance;
mod cards;
mod charging;
mod command;
mod currency;
mod customers;
mod endpoints;
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
mod unsure;

pub use balance::BalanceTransaction;
pub use customers::Customer;
pub use endpoints::Endpoint;
pub use objects::{Charge, PaymentIntent, Status};
pub use payment_methods::PaymentMethod;
pub use refunds::Refund;

use crate::Settings;
use crate::dials::Dials;
use crate::ids::Ids;
pub use charging::FailedAttempt;
pub(crate) use events::Outgoing;
use http::Method;
use idempotency::Keys;
use later::Later;
use route::Route;
use std::collections::BTreeSet;

/// The API version of the answers, and of an endpoint that names no other. The specification that this is written from is
/// of [`SPEC_VERSION`]; what has changed since is listed where it is simulated.
pub const API_VERSION: &str = "2024-10-28.acacia";

/// The API version of the specification at hand.
pub const SPEC_VERSION: &str = "2023-08-16";

/// From this version on `refund.created`, `refund.updated` and `refund.failed` are sent for every refund; before, only for
/// those of no charge. (docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update)
const REFUND_EVENTS_SINCE: &str = "2024-10-28";

/// The event types that exist here.
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

/// How long a webhook is tried, in milliseconds (3 days, as in live mode).
pub(crate) const RETRY_WINDOW_MS: i64 = 3 * 86_400_000;

/// Everything that Stripe knows about the account.
#[derive(Debug)]
pub struct State {
    api_key: String,
    admin_api_key: String,
    endpoints: Vec<Endpoint>,
    endpoint_version: String,
    /// What the key may not do.
    lacks: BTreeSet<String>,
    failed_attempts: Vec<FailedAttempt>,
    /// Whether charges come without what they brought in.
    books_late: bool,
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
    moments: Vec<Moment>,
    ids: Ids,
    dials: Dials,
}

/// How a payment intent has stood since a moment. It is for tests that ask whether what somebody was told was true: no
/// caller of Stripe's sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since when, in Unix milliseconds.
    pub at_ms: i64,
    /// `pi_…`
    pub payment_intent: String,
    /// Its status.
    pub status: String,
    /// Its last payment error: `code` and `decline_code`.
    pub error: Option<(String, String)>,
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    Route::of(method, path).operation()
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            api_key: settings.stripe_api_key.clone(),
            admin_api_key: settings.stripe_admin_api_key.clone(),
            endpoints: vec![Endpoint::first(&settings.stripe_webhook_url, &settings.stripe_event_types)],
            endpoint_version: settings.stripe_endpoint_version.clone(),
            lacks: BTreeSet::new(),
            failed_attempts: Vec::new(),
            books_late: false,
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
            moments: Vec::new(),
            ids: Ids::new(settings.seed),
            dials: Dials::default(),
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

    /// How payment intents stood and since when, oldest first.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
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

    /// One customer by its id, `cus_…`; none that was deleted.
    pub fn customer(&self, id: &str) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id && !customer.is_deleted)
    }

    /// Every attempt to pay that failed, oldest first.
    pub fn failed_attempts(&self) -> &[FailedAttempt] {
        &self.failed_attempts
    }

    /// From now on webhooks are made for an endpoint of this API version.
    pub(crate) fn set_endpoint_version(&mut self, version: &str) {
        version.clone_into(&mut self.endpoint_version);
    }

    /// From now on a charge does not say what it brought in: for some payment methods that takes days.
    pub(crate) fn set_books_late(&mut self) {
        self.books_late = true;
    }

    /// What the key may not do from now on: `payment_intents`, `charges`, `balance`, `refunds`, `customers`,
    /// `payment_methods`.
    pub(crate) fn set_lacking(&mut self, resources: &[&str]) {
        self.lacks = resources.iter().map(|resource| (*resource).to_owned()).collect();
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
        let outgoing = std::mem::take(&mut self.outgoing);
        self.in_the_order_of_delivery(outgoing)
    }
}
