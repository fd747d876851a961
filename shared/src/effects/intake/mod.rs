//! Door 1, somebody asks: each wish comes into the work list in one transaction.

mod before;
pub mod campaign;
mod confirm;
mod customer;
mod message;
mod payment;
mod pickup;
mod refund;
mod request;
mod shipment;
mod texts_counted;

pub use confirm::Confirmed;
pub use customer::Known;
pub use message::{MessageCreated, MessageRequest};
pub use payment::Created;
pub use pickup::PickupCreated;
pub use refund::{RefundCreated, scoped};
pub use request::{Repeatable, Request, StoredAnswer, request_hash};
pub use shipment::{ShipmentCreated, ShipmentDraft};

pub use crate::effects::subject::read::{message_not_found, payment_not_found, shipment_not_found};
pub use crate::effects::work::cancel::Cancel;
