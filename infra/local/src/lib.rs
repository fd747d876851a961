//! The local stack runner: the whole system on one machine, without AWS, vendors or containers.
//!
//! [`Stack::up`] does what a person would do by hand: it makes the Python environments of the AWS emulator and the SAM
//! CLI, builds the functions, starts emulator and simulated vendors, deploys `template.yaml`, puts the secrets and
//! connects the webhooks. The command-line program, the demonstration and the end-to-end tests all use it.
//!
//! The files, each of one idea: `folder` (where things are kept), `processes` (nothing is left running), `progress`
//! (what a person sees), `python`, `functions`, `emulator`, `sandbox`, `deploy`, `secrets` (the steps), `aws` (signed
//! calls), `stack` and `calls` ([`Stack`]: all of it together, and what it can be asked), [`status`] and [`demo`]
//! (what there is to look at).

#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the seams to the outside are those of the system; this is what stands around it"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed test may end its process"))]

mod aws;
mod calls;
pub mod demo;
mod deploy;
mod emulator;
mod folder;
mod functions;
pub mod phone;
mod processes;
mod progress;
mod python;
mod sandbox;
mod secrets;
mod stack;
pub mod status;

pub use aws::{ACCESS_KEY, Answer, REGION, SECRET_KEY};
pub use calls::{Judge, QueueDepth, judge_answers};
pub use processes::FunctionProcess;
pub use progress::Progress;
pub use sandbox::Sandbox;
pub use stack::{Options, Stack};
