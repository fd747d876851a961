//! Crossdock's adapter crate: everything that the functions share.
//!
//! Crossdock stands between a shop and its vendors. Requests and webhooks come in, effects at vendors happen once,
//! final statuses stay final, and nothing is lost when anything crashes. The modules, from the inside out:
//!
//! * [`domain`]: money, ids, payments, messages, events, and the lattices of their statuses. Pure.
//! * [`world`]: the three seams to the outside: HTTP, time, randomness.
//! * [`aws`]: the table, the queues, the secrets, the objects. The only place that names the AWS SDK.
//! * [`gateway`]: the one way to call a vendor: limits, deadline, classification.
//! * [`effects`]: the work list: claim, settle, resolve, due. The heart.
//! * [`vendors`]: one folder a vendor.
//! * [`payments`]: a payment, refund or customer asked for: into the list, to the provider, settled.
//! * [`shipping`]: prices, labels, pickups and scans, whoever the carrier is.
//! * [`messages`]: mails, SMS, campaigns and what people agree to, whoever the provider is.
//! * [`alerts`]: what people on call are told, and how.
//! * [`lambda`]: what all functions share: HTTP in and out, SQS batches, receivers, configuration.
//!
//! Who may name whom: `lambda → payments, shipping, messages, alerts → vendors → effects → gateway → aws → world → domain`, arrows only to the right,
//! and neighbours do not name each other.
//! [`error`], [`telemetry`]'s field names and [`guard`] may be named by all. tests/contract checks it.

pub mod alerts;
pub mod aws;
pub mod domain;
pub mod effects;
pub mod error;
pub mod gateway;
pub mod guard;
pub mod lambda;
pub mod messages;
pub mod payments;
pub mod shipping;
pub mod telemetry;
pub mod vendors;
pub mod world;
