//! The second floor, what an intent is about: one file for each kind of object.

pub mod contact;
pub mod customer;
pub mod doubt;
pub(crate) mod may_be_sent;
pub mod message;
pub mod payment;
pub mod pickup;
pub mod refund;
pub mod shipment;
pub(crate) mod stop;
