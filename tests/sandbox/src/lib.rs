//! Simulators of the vendors that Crossdock calls: what a vendor accepts, refuses, remembers and sends back.
//!
//! Written from the vendors' side, from their specifications and documented behaviour, and never from the code under
//! test: one misunderstanding must not sit on both sides of a green test. The library opens no socket and reads no
//! clock. The caller hands in requests and the time and carries the webhooks, so that one seed and one list of calls
//! give the same bytes every time. The program `sandbox` puts the same thing behind real HTTP.
//!
//! * [`Sandbox`] is all vendors together: [`Sandbox::call`] is one API call, [`Sandbox::take_due`] the webhooks that
//!   are due, [`Sandbox::delivered`] what became of one.
//! * [`FaultDial`] decides what goes wrong, per vendor and operation.
//! * [`Dials`] decide what nobody outside of a vendor knows; [`sources`] says where everything else comes from.
//! * [`on_call`] is who tells people on call: Slack and Better Stack.
//! * [`Course`] is what becomes of a mail or an SMS; its address decides, or a rule on the dial.
//! * [`stripe`], [`sendgrid`], [`twilio`], [`postmark`], [`fedex`], [`ups`] and [`dhl`] are one vendor each: the API, the
//!   objects, the events, the signature. One more vendor is one more folder, one more [`Vendor`] and its lines in
//!   `sandbox.rs`. What the three carriers have in common, labels and parcels on their way, is in [`parcels`].

#![allow(clippy::result_large_err, reason = "a vendor's error carries whole objects, and this is no hot path")]

mod answer;
mod course;
mod deliveries;
pub mod dhl;
mod dials;
mod faults;
pub mod fedex;
mod ids;
pub mod on_call;
pub mod parcels;
pub mod postmark;
mod sandbox;
pub mod sendgrid;
mod settings;
pub mod sources;
pub mod stripe;
pub mod twilio;
pub mod ups;

pub use course::{Course, MessageRule};
pub use deliveries::{Delivery, DeliveryCounts};
pub use dials::{Dial, Dials, LIST_LAG_MS};
pub use faults::{CallFault, CallLimit, CallRule, FaultDial, RandomFaults, WebhookFault, WebhookRule};
pub use parcels::{OddRate, ParcelCourse, ParcelRule, RateRule, Scan};
pub use sandbox::{RecordedCall, Reply, Sandbox};
pub use settings::{Settings, Vendor};
