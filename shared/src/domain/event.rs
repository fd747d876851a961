//! Domain events: what other systems hear of us, as CloudEvents 1.0 in JSON. The schemas in events/catalog/ are made
//! from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::payment::DeclineCode;
use super::{Money, OrderId, PaymentId, RefundId, Timestamp, id};

/// Every domain event. Serialises as `{"type": <CloudEvents type>, "data": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum DomainEvent {
    /// A payment was asked for.
    #[serde(rename = "crossdock.payment.requested.v1")]
    PaymentRequested(PaymentRequested),
    /// An order is paid.
    #[serde(rename = "crossdock.payment.succeeded.v1")]
    PaymentSucceeded(PaymentSucceeded),
    /// An attempt to pay failed.
    #[serde(rename = "crossdock.payment.failed.v1")]
    PaymentFailed(PaymentFailed),
    /// A refund was asked for.
    #[serde(rename = "crossdock.refund.requested.v1")]
    RefundRequested(RefundRequested),
    /// A refund came to its end, good or bad.
    #[serde(rename = "crossdock.refund.processed.v1")]
    RefundProcessed(RefundProcessed),
}

/// A storefront asked for a payment, and it is in the work list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRequested {
    /// The payment, `pay_…`.
    #[schemars(with = "String")]
    pub payment_id: PaymentId,
    /// The shop's order.
    #[schemars(with = "String")]
    pub order_id: OrderId,
    /// What is to be paid.
    pub amount: Money,
}

/// An order is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentSucceeded {
    /// The payment, `pay_…`.
    #[schemars(with = "String")]
    pub payment_id: PaymentId,
    /// The shop's order.
    #[schemars(with = "String")]
    pub order_id: OrderId,
    /// What was paid.
    pub amount: Money,
}

/// An attempt to pay was declined, or the payment cannot be made. The shopper may try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentFailed {
    /// The payment, `pay_…`.
    #[schemars(with = "String")]
    pub payment_id: PaymentId,
    /// The shop's order.
    #[schemars(with = "String")]
    pub order_id: OrderId,
    /// What was to be paid.
    pub amount: Money,
    /// Why, in words that hold for every provider.
    pub code: DeclineCode,
}

/// The shop asked for money to go back, and it is in the work list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequested {
    /// The refund, `ref_…`.
    #[schemars(with = "String")]
    pub refund_id: RefundId,
    /// The payment it is part of, `pay_…`.
    #[schemars(with = "String")]
    pub payment_id: PaymentId,
    /// The shop's order.
    #[schemars(with = "String")]
    pub order_id: OrderId,
    /// What goes back.
    pub amount: Money,
}

/// A refund came to its end. One that succeeded can still fail, days later, when a bank returns the money: then a
/// second event says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundProcessed {
    /// The refund, `ref_…`.
    #[schemars(with = "String")]
    pub refund_id: RefundId,
    /// The payment it is part of, `pay_…`.
    #[schemars(with = "String")]
    pub payment_id: PaymentId,
    /// The shop's order.
    #[schemars(with = "String")]
    pub order_id: OrderId,
    /// What goes back, or does not.
    pub amount: Money,
    /// Whether it does.
    pub outcome: RefundOutcome,
}

/// How a refund ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundOutcome {
    /// The money is on its way back.
    Succeeded,
    /// It did not go back.
    Failed,
}

impl DomainEvent {
    /// The CloudEvents subject: the object it is about.
    pub fn subject(&self) -> &str {
        match self {
            Self::PaymentRequested(PaymentRequested { payment_id, .. })
            | Self::PaymentSucceeded(PaymentSucceeded { payment_id, .. })
            | Self::PaymentFailed(PaymentFailed { payment_id, .. }) => payment_id.as_str(),
            Self::RefundRequested(RefundRequested { refund_id, .. })
            | Self::RefundProcessed(RefundProcessed { refund_id, .. }) => refund_id.as_str(),
        }
    }

    /// The CloudEvents id: the same for every copy of the event that tells of this object's reaching this status.
    pub fn id(&self, reached: &str) -> String {
        id::hashed("evt", &[self.subject(), reached])
    }
}

/// The envelope: CloudEvents 1.0, JSON format. `E` is [`DomainEvent`] when we write one, and one event's own
/// `type` and `data` in its schema.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "A domain event in a CloudEvents 1.0 envelope, JSON format.")]
pub struct CloudEvent<E> {
    /// Always `1.0`.
    #[schemars(extend("const" = "1.0"))]
    pub specversion: String,
    /// The same for every copy of one event: consumers deduplicate on it.
    pub id: String,
    /// `crossdock/<stage>`.
    pub source: String,
    /// The object it is about.
    pub subject: String,
    /// When it happened, RFC 3339 UTC with milliseconds.
    pub time: String,
    /// Always `application/json`.
    #[schemars(extend("const" = "application/json"))]
    pub datacontenttype: String,
    /// Ties the event to the request or webhook that caused it (a CloudEvents extension attribute).
    pub correlationid: String,
    /// `type` and `data`.
    #[serde(flatten)]
    pub event: E,
}

impl CloudEvent<DomainEvent> {
    /// Puts an event into its envelope.
    pub fn wrap(stage: &str, id: String, at: Timestamp, correlation: &str, event: DomainEvent) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id,
            source: format!("crossdock/{stage}"),
            subject: event.subject().to_owned(),
            time: at.to_rfc3339(),
            datacontenttype: "application/json".to_owned(),
            correlationid: correlation.to_owned(),
            event,
        }
    }
}

/// One event's `type` and `data`, for its schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes, is never built")]
struct Body<T> {
    /// The CloudEvents type.
    #[schemars(rename = "type")]
    type_name: String,
    /// The event itself.
    data: T,
}

/// Every event type with its JSON Schema (CloudEvents envelope included), as written to events/catalog/.
pub fn catalog() -> Vec<(&'static str, schemars::Schema)> {
    vec![
        schema::<PaymentRequested>("crossdock.payment.requested.v1"),
        schema::<PaymentSucceeded>("crossdock.payment.succeeded.v1"),
        schema::<PaymentFailed>("crossdock.payment.failed.v1"),
        schema::<RefundRequested>("crossdock.refund.requested.v1"),
        schema::<RefundProcessed>("crossdock.refund.processed.v1"),
    ]
}

/// One event's schema, which holds for no other type.
fn schema<T: JsonSchema>(name: &'static str) -> (&'static str, schemars::Schema) {
    let mut schema = schemars::schema_for!(CloudEvent<Body<T>>);
    schema.insert("title".to_owned(), name.into());
    if let Some(kind) = schema.pointer_mut("/properties/type").and_then(serde_json::Value::as_object_mut) {
        kind.insert("const".to_owned(), name.into());
    }
    (name, schema)
}
