//! Door 1, somebody asks: each wish comes into the work list in one transaction.

mod before;
pub mod campaign;
mod cancel;
mod confirm;
mod customer;
mod message;
mod payment;
mod refund;
mod shipment;

pub use cancel::Cancel;
pub use confirm::Confirmed;
pub use customer::Known;
pub use message::{MessageCreated, MessageRequest, message_not_found};
pub use payment::{Created, Repeatable, Request, StoredAnswer, payment_not_found, request_hash};
pub use refund::{RefundCreated, scoped};
pub use shipment::{PickupCreated, ShipmentCreated, ShipmentDraft, shipment_not_found};
