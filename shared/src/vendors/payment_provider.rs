//! What every payment provider does, in one shape, and the providers of a stack. A provider's words stay in its folder.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::stripe::Stripe;
use crate::domain::input::{ConfirmPayment, CreateCustomer, CreatePayment, CreateRefund};
use crate::domain::{Correlation, IntentId, Money, Provider, Timestamp};
use crate::effects::intent::VendorRequest;
use crate::effects::payment::Payment;
use crate::effects::provider::Lookup;
use crate::error::Result;
use crate::gateway::Permit;

/// The code of a call that was refused because of its customer, whom somebody has deleted at the provider: nothing was done,
/// and the same may be asked for with another customer.
pub const CUSTOMER_MISSING: &str = "customer_missing";

/// A page of saved payment methods, as the API shows it.
#[derive(Debug)]
pub struct Methods {
    /// Each with its id, type, and what of a card may be shown.
    pub data: Vec<Value>,
    /// Where the next page begins; none on the last.
    pub next_cursor: Option<String>,
}

/// Which page of payment methods.
#[derive(Clone, Copy, Debug)]
pub struct MethodsPage<'a> {
    /// The provider's id of the customer.
    pub customer: &'a str,
    /// Methods on it at most.
    pub limit: u8,
    /// Where it begins; none for the first.
    pub cursor: Option<&'a str>,
}

/// A payment provider: it does what intents ask for, it is asked about its events, and it writes the requests that intents
/// keep.
pub trait PaymentProvider: Lookup {
    /// Reads its keys, before the first request needs them.
    fn warm(&self) -> BoxFuture<'_, ()>;

    /// The same for whoever asks about an event, and has to be done by then: later nothing is asked any more.
    fn asked_until(&self, by: Timestamp) -> Box<dyn Lookup>;

    /// The request that creates a payment.
    ///
    /// # Errors
    /// 422 `amount_not_representable`.
    fn create_request(&self, input: &CreatePayment, customer: Option<&str>, intent: &IntentId)
    -> Result<VendorRequest>;

    /// The request that confirms a payment.
    fn confirm_request(&self, input: &ConfirmPayment, vendor_id: &str) -> VendorRequest;

    /// The request that refunds so much of a payment.
    ///
    /// # Errors
    /// 409 `payment_not_refundable` when the provider does not know the payment, 422 `amount_not_representable`.
    fn refund_request(
        &self,
        payment: &Payment,
        amount: Money,
        input: &CreateRefund,
        intent: &IntentId,
    ) -> Result<VendorRequest>;

    /// The request that creates a customer.
    fn customer_request(&self, input: &CreateCustomer, intent: &IntentId) -> VendorRequest;

    /// The customer that the request of a payment names.
    fn customer_of(&self, request: &VendorRequest) -> Option<String>;

    /// Whether a request makes no sense without its customer: it saves a payment method for them, or charges a saved one.
    fn needs_customer(&self, request: &VendorRequest) -> bool;

    /// The same request for another customer, or for none.
    fn with_customer(&self, request: &VendorRequest, customer: Option<&str>) -> VendorRequest;

    /// Reads a page of a customer's payment methods: a read, so nothing is written down and nothing repeated.
    ///
    /// # Errors
    /// 400 `invalid_input` naming `cursor`, 404 [`CUSTOMER_MISSING`], 503 `vendor_unavailable` with Retry-After, 500 when the
    /// key is refused.
    fn methods<'a>(
        &'a self,
        page: MethodsPage<'a>,
        correlation: &'a Correlation,
        permit: &'a Permit,
    ) -> BoxFuture<'a, Result<Methods>>;
}

/// The payment providers of a stack: a closed set, so whoever adds one to it finds by the compiler what it needs.
#[derive(Clone)]
pub struct Providers {
    stripe: Stripe,
}

impl Providers {
    /// These providers.
    pub const fn new(stripe: Stripe) -> Self {
        Self { stripe }
    }

    /// One of them.
    pub const fn of(&self, provider: Provider) -> &dyn PaymentProvider {
        match provider {
            Provider::Stripe => &self.stripe,
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &dyn PaymentProvider> {
        Provider::ALL.into_iter().map(|provider| self.of(provider))
    }
}
