//! The objects that Stripe keeps: payment intents and charges.

use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where a payment intent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No payment method yet, or the last one failed.
    RequiresPaymentMethod,
    /// A payment method is there, nobody has confirmed.
    RequiresConfirmation,
    /// The shopper must authenticate.
    RequiresAction,
    /// The bank has not answered yet.
    Processing,
    /// Charged. Final.
    Succeeded,
    /// Given up before it was charged. Final.
    Canceled,
}

impl Status {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// One payment, from the first request until money moved or nobody wants it any more.
#[derive(Clone, Debug, Serialize)]
pub struct PaymentIntent {
    /// `pi_…`
    pub id: String,
    /// Where it is in its life.
    pub status: Status,
    /// In the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Epoch seconds.
    pub created_s: i64,
    /// What the shopper's browser confirms with.
    pub client_secret: String,
    /// The caller's own keys and values.
    pub metadata: BTreeMap<String, String>,
    /// The caller's own words.
    pub description: Option<String>,
    /// Who pays, `cus_…`.
    pub customer: Option<String>,
    /// Whether the payment method is saved for the customer, and for what: `on_session` or `off_session`.
    pub setup_future_usage: Option<String>,
    /// The payment method in use, `pm_…`.
    pub payment_method: Option<String>,
    /// The newest charge, failed ones included, `ch_…`.
    pub latest_charge: Option<String>,
    /// Why the last try failed.
    pub last_payment_error: Option<Value>,
    /// What the shopper has to do.
    pub next_action: Option<Value>,
    /// Epoch seconds of the cancellation.
    pub canceled_at_s: Option<i64>,
    /// Why it was canceled, if the caller said so.
    pub cancellation_reason: Option<String>,
    /// Whether Stripe chooses the kinds of payment method (then a confirmation needs a return URL).
    pub automatic_payment_methods: bool,
    /// The idempotency key of the request that made it.
    pub idempotency_key: Option<String>,
}

impl PaymentIntent {
    /// The object as the API and the events show it.
    pub fn to_json(&self) -> Value {
        let received = if self.status == Status::Succeeded { self.amount } else { 0 };
        let automatic = self.automatic_payment_methods.then(|| json!({ "enabled": true }));
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": 0,
            "amount_received": received,
            "application": null,
            "automatic_payment_methods": automatic,
            "canceled_at": self.canceled_at_s,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": "automatic",
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created_s,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": self.next_action,
            "payment_method": self.payment_method,
            "payment_method_types": ["card"],
            "processing": null,
            "receipt_email": null,
            "setup_future_usage": self.setup_future_usage,
            "shipping": null,
            "statement_descriptor": null,
            "status": self.status.name(),
        })
    }
}

/// One try to take money.
#[derive(Clone, Debug, Serialize)]
pub struct Charge {
    /// `ch_…`
    pub id: String,
    /// The intent that it belongs to, `pi_…`.
    pub payment_intent: String,
    /// In the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// How much of it went back. A refund that fails is taken off again.
    pub amount_refunded: u64,
    /// What it did to the account's balance, `txn_…`; none for a failed one.
    pub balance_transaction: Option<String>,
    /// Who paid, `cus_…`.
    pub customer: Option<String>,
    /// Whether the money was taken.
    pub succeeded: bool,
    /// Epoch seconds.
    pub created_s: i64,
    /// The payment method charged, `pm_…`.
    pub payment_method: String,
    /// The intent's metadata.
    pub metadata: BTreeMap<String, String>,
    /// Error code and words, of a failed one.
    pub failure: Option<(String, String)>,
}

impl Charge {
    /// Whether all of it went back.
    pub fn refunded(&self) -> bool {
        self.succeeded && self.amount_refunded == self.amount
    }

    /// The object as the API and the events show it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": if self.succeeded { self.amount } else { 0 },
            "amount_refunded": self.amount_refunded,
            "balance_transaction": self.balance_transaction,
            "billing_details": { "address": null, "email": null, "name": null, "phone": null },
            "captured": self.succeeded,
            "created": self.created_s,
            "currency": self.currency,
            "customer": self.customer,
            "disputed": false,
            "failure_code": self.failure.as_ref().map(|(code, _)| code),
            "failure_message": self.failure.as_ref().map(|(_, message)| message),
            "livemode": false,
            "metadata": self.metadata,
            "paid": self.succeeded,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "refunded": self.refunded(),
            "status": if self.succeeded { "succeeded" } else { "failed" },
        })
    }
}
