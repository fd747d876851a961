//! One folder a vendor, the same rooms in each: mod.rs (what we ask of it), wire.rs (its words), verify.rs (its
//! signatures), classify.rs (what its answers mean), resolve.rs (whether something happened). Wire types never leave
//! their folder; vendors never name each other. webhooks.rs is the table of how each one's events are read.

pub mod carrier;
pub mod dhl;
pub mod fedex;
mod lenient;
pub mod payment_provider;
pub mod postmark;
mod rotated;
pub mod sendgrid;
pub mod stripe;
pub mod twilio;
pub mod ups;
mod verified;
pub mod webhooks;

pub use rotated::Rotated;
pub use verified::{Verified, key_id};
