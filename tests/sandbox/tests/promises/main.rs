//! What the simulators promise to whoever tests against them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![allow(clippy::disallowed_methods, reason = "the tests call the program over real sockets")]

mod caller;
mod carriers;
mod dhl;
mod faults;
mod fedex;
mod label_files;
mod on_call;
mod postmark;
mod sendgrid;
mod sendgrid_scheduled;
mod sendgrid_templates;
mod server;
mod spec;
mod stripe;
mod stripe_customers;
mod stripe_lifecycle;
mod stripe_money;
mod stripe_refunds;
mod twilio;
mod twilio_callbacks;
mod ups;
mod ups_pushes;
mod webhooks;
