//! Shipping: what a storefront asks of the carriers and what the worker does for it, whoever the carrier is. The work list
//! does not know carriers, and no carrier knows the work list.
//!
//! shipments.rs (what a request asks for), quoting.rs (what it costs), buying.rs (a label, once), tracking.rs (where it is), labels.rs (what to print).

mod agent;
mod buying;
mod carriers;
mod labels;
mod pickups;
mod problems;
mod quoting;
mod shipments;

mod tracking;

pub use carriers::Carriers;
pub use labels::{Labels, SignedLabel};
pub use problems::{into_result, no_such_parcel, refused};
pub use quoting::{Chosen, Quote, Quoted, Quotes, RateMemory};
pub use shipments::{Asked, Asker, Shipments};
