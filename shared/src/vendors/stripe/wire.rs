//! Stripe's words, and their way into ours. Only the fields that we read; unknown values and fields are no errors.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::amount::from_stripe_units;
use crate::domain::payment::{DeclineCode, PaymentStatus, Settlement};
use crate::domain::refund::RefundStatus;
use crate::domain::{IntentId, Private, Timestamp};
use crate::effects::observation::{
    CustomerBefore, Observation, ObservedCustomer, ObservedPayment, ObservedRefund, VendorAmount, Was,
};

/// A Stripe object that we make, in answers, events and lists.
pub(super) trait Object: serde::de::DeserializeOwned {
    /// Our metadata on it.
    fn metadata(&self) -> &Metadata;

    /// Stripe's id of it.
    fn id(&self) -> &str;

    /// When Stripe made it.
    fn created(&self) -> Timestamp;

    /// What Stripe says of it, at this time of Stripe's.
    fn observation(self, vendor_at: Timestamp) -> Observation;

    /// Whether this intent of this deployment made it.
    fn is_of(&self, stack: &str, intent: &IntentId) -> bool {
        let metadata = self.metadata();
        metadata.crossdock_stack.as_deref() == Some(stack)
            && metadata.crossdock_intent.as_deref() == Some(intent.as_str())
    }
}

/// A PaymentIntent.
#[derive(Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    status: String,
    #[serde(default)]
    client_secret: Option<Private<String>>,
    created: i64,
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default)]
    amount_received: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    next_action: Option<Value>,
    #[serde(default)]
    last_payment_error: Option<ErrorBody>,
    #[serde(default)]
    latest_charge: Option<Value>,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Metadata,
}

/// A Refund.
#[derive(Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    currency: String,
    created: i64,
    /// Null on refunds of charges that have no payment intent.
    #[serde(default)]
    status: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Metadata,
}

/// A Customer.
#[derive(Deserialize)]
pub(super) struct Customer {
    id: String,
    created: i64,
    #[serde(default)]
    email: Option<Private<String>>,
    #[serde(default)]
    name: Option<Private<String>>,
    #[serde(default)]
    phone: Option<Private<String>>,
    #[serde(default, deserialize_with = "nullable")]
    metadata: Metadata,
}

/// A BalanceTransaction: what a charge brought in, in the currency in which Stripe settles.
#[derive(Deserialize)]
struct BalanceTransaction {
    amount: i64,
    fee: i64,
    currency: String,
}

/// A saved payment method, as far as a shopper may see it.
#[derive(Deserialize)]
pub(super) struct PaymentMethod {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) card: Option<Card>,
}

/// A card, as far as a shopper may see it.
#[derive(Deserialize, serde::Serialize)]
pub(super) struct Card {
    brand: String,
    last4: String,
    exp_month: u8,
    exp_year: u16,
}

/// Our metadata on a Stripe object.
#[expect(clippy::struct_field_names, reason = "these are the keys at Stripe")]
#[derive(Deserialize, Default)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) crossdock_stack: Option<String>,
    #[serde(default)]
    pub(super) crossdock_order: Option<String>,
    #[serde(default)]
    pub(super) crossdock_intent: Option<String>,
}

/// Of refunds the specification calls it nullable: who does not say whose it is says that it is not ours.
fn nullable<'de, D: serde::Deserializer<'de>>(field: D) -> Result<Metadata, D::Error> {
    Option::deserialize(field).map(Option::unwrap_or_default)
}

/// The body of an error answer.
#[derive(Deserialize)]
pub(super) struct ErrorResponse {
    pub(super) error: ErrorBody,
}

/// An error, in an answer or on an object.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) param: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    /// The failed charge, where there was one.
    #[serde(default)]
    charge: Option<String>,
    #[serde(default)]
    pub(super) payment_intent: Option<Box<PaymentIntent>>,
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// An event's envelope, borrowed from the raw bytes.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) created: Option<Value>,
    /// Of whoever caused it; in old versions its id alone. (docs.stripe.com/api/events/object#event_object-request)
    #[serde(default)]
    pub(super) request: Option<Value>,
    #[serde(default, borrow)]
    pub(super) data: Option<EventData<'a>>,
}

#[derive(Deserialize)]
pub(super) struct EventData<'a> {
    #[serde(borrow)]
    pub(super) object: Option<&'a RawValue>,
    /// What was changed, as it was before.
    #[serde(default, borrow)]
    pub(super) previous_attributes: Option<&'a RawValue>,
}

/// What every Stripe object tells about itself.
#[derive(Deserialize, Default)]
pub(super) struct AnyObject {
    #[serde(default)]
    pub(super) id: Option<String>,
    /// On charges and refunds.
    #[serde(default)]
    pub(super) payment_intent: Option<String>,
    /// On charges: what has gone back of it.
    #[serde(default)]
    pub(super) amount_refunded: Option<i64>,
    #[serde(default)]
    pub(super) currency: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

impl Object for PaymentIntent {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> Timestamp {
        Timestamp::from_seconds(self.created)
    }

    fn observation(self, vendor_at: Timestamp) -> Observation {
        let status = self.status();
        let decline = match status {
            PaymentStatus::RequiresPaymentMethod => self.last_payment_error.as_ref().map(ErrorBody::decline),
            _ => None,
        };
        let settlement = self.settlement();
        let amount = self.told();
        // The latest charge may be that of an earlier attempt: a bank's check that was not passed has none.
        let attempt = self.last_payment_error.filter(|_| decline.is_some()).and_then(|error| error.charge);
        let charge = match self.latest_charge {
            Some(Value::String(id)) => Some(id),
            Some(Value::Object(charge)) => charge.get("id").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        Observation::Payment(ObservedPayment {
            status,
            vendor_at: Some(vendor_at),
            vendor_id: Some(self.id),
            amount,
            client_secret: self.client_secret,
            next_action: self.next_action,
            decline,
            charge,
            attempt,
            failed_before: Vec::new(),
            settlement,
            asked_when: None,
        })
    }
}

impl PaymentIntent {
    /// What is to be paid; of a paid one, what came in.
    fn told(&self) -> Option<VendorAmount> {
        let received = self.amount_received.filter(|_| self.status() == PaymentStatus::Succeeded);
        let (amount, currency) = (received.or(self.amount)?, self.currency.as_deref()?);
        Some(from_stripe_units(amount, currency).map_or(VendorAmount::Unreadable, VendorAmount::Amount))
    }

    /// What the charge brought in, where the answer has its balance transaction.
    fn settlement(&self) -> Option<Settlement> {
        let transaction = self.latest_charge.as_ref()?.get("balance_transaction")?;
        let transaction = BalanceTransaction::deserialize(transaction).ok()?;
        let money = |amount| from_stripe_units(amount, &transaction.currency);
        Some(Settlement { amount: money(transaction.amount)?, fee: money(transaction.fee)? })
    }

    /// Stripe's status in our words. Whatever is not known to be final is processing, never success.
    pub(super) fn status(&self) -> PaymentStatus {
        match self.status.as_str() {
            "succeeded" => PaymentStatus::Succeeded,
            "canceled" => PaymentStatus::Canceled,
            "requires_action" => PaymentStatus::RequiresAction,
            // A payment method is attached but not confirmed: for a storefront, the same thing to do.
            "requires_payment_method" | "requires_confirmation" => PaymentStatus::RequiresPaymentMethod,
            _ => PaymentStatus::Processing,
        }
    }
}

impl Object for Refund {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> Timestamp {
        Timestamp::from_seconds(self.created)
    }

    fn observation(self, vendor_at: Timestamp) -> Observation {
        let status = match self.status.as_deref() {
            Some("succeeded") => RefundStatus::Succeeded,
            Some("failed") => RefundStatus::Failed,
            Some("canceled") => RefundStatus::Canceled,
            // Pending, waiting for the customer, or a word that is not known yet.
            _ => RefundStatus::Processing,
        };
        Observation::Refund(ObservedRefund {
            status,
            vendor_at: Some(vendor_at),
            vendor_id: Some(self.id),
            amount: from_stripe_units(self.amount, &self.currency),
        })
    }
}

impl Object for Customer {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> Timestamp {
        Timestamp::from_seconds(self.created)
    }

    fn observation(self, vendor_at: Timestamp) -> Observation {
        Observation::Customer(ObservedCustomer {
            vendor_at: Some(vendor_at),
            vendor_id: Some(self.id),
            email: self.email,
            contact_id: None,
            name: self.name,
            phone: self.phone,
            before: None,
            is_deleted: false,
        })
    }
}

/// What `customer.updated` says of the time before: a field that is here was changed, and null is "had none".
#[derive(Deserialize, Default)]
pub(super) struct PreviousCustomer {
    #[serde(default, deserialize_with = "was")]
    email: Option<Was>,
    #[serde(default, deserialize_with = "was")]
    name: Option<Was>,
    #[serde(default, deserialize_with = "was")]
    phone: Option<Was>,
}

fn was<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Was>, D::Error> {
    Option::<Private<String>>::deserialize(value).map(|value| Some(Was(value)))
}

impl From<PreviousCustomer> for CustomerBefore {
    fn from(previous: PreviousCustomer) -> Self {
        Self { email: previous.email, name: previous.name, phone: previous.phone, contact_id: None }
    }
}

impl ErrorBody {
    /// Stripe's decline in our words; what is not known is a plain decline.
    pub(super) fn decline(&self) -> DeclineCode {
        match (self.code.as_deref(), self.decline_code.as_deref()) {
            (_, Some("insufficient_funds")) => DeclineCode::InsufficientFunds,
            (Some("expired_card"), _) | (_, Some("expired_card")) => DeclineCode::ExpiredCard,
            (Some("incorrect_cvc" | "invalid_cvc"), _) | (_, Some("incorrect_cvc" | "invalid_cvc")) => {
                DeclineCode::IncorrectCvc
            }
            (Some("processing_error"), _) | (_, Some("processing_error" | "try_again_later")) => {
                DeclineCode::ProcessingError
            }
            (Some("payment_intent_authentication_failure" | "authentication_required"), _)
            | (_, Some("authentication_required")) => DeclineCode::AuthenticationRequired,
            _ => DeclineCode::CardDeclined,
        }
    }
}
