//! What the shop and its vendors talk about: money, ids, payments, messages, events, and how their statuses move.
//!
//! Pure: no I/O, no async, no clock. A rule of the business that does not need a vendor's or AWS's name lives here.

pub mod command;
pub mod consent;
pub mod event;
pub mod follow_up;
pub mod id;
pub mod input;
pub mod mail_address;
pub mod message;
pub mod money;
pub mod payment;
pub mod phone;
pub mod printed_name;
pub mod private;
pub mod provider;
pub mod quiet_hours;
pub mod refund;
pub mod shipping;
pub mod sms;
pub mod status;
pub mod timeline;
pub mod timestamp;

pub use id::{
    CampaignId, ContactId, Correlation, CustomerId, IntentId, MessageId, OrderId, PaymentId, PickupId, QuoteId,
    RefundId, ShipmentId, StackId,
};
#[cfg(feature = "mutations")]
pub use id::{FewerShards, fewer_due_shards};
pub use mail_address::normalised_email;
pub use money::{Currency, Money};
pub use phone::normalised_phone;
pub use printed_name::{NotPrinted, PrintedName};
pub use private::Private;
pub use provider::Provider;
pub use timestamp::Timestamp;
