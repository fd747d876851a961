//! `crossdock`: what a person on call does with a deployed stack. Each command is a file; what it may do to the work list
//! is decided in the crate `crossdock` (effects/operate/, lambda/webhook.rs), which the simulation tests.
//!
//! Nothing personal is printed: no address, no content of a mail, no bytes of a webhook or request.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod alert;
mod breaker;
mod confirm;
mod contact;
mod deploy;
mod dlq;
mod fingerprint;
mod intent;
mod manual;
mod pause;
mod quota;
mod replay;
mod secret;
mod stack;
mod templates;
mod timeline_of;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use confirm::Confirm;
use stack::Stack;

#[derive(Parser)]
#[command(name = "crossdock", version, about = "Looks at a deployed Crossdock stack, and repairs what needs a person.")]
struct Arguments {
    /// The CloudFormation stack
    #[arg(long, global = true, default_value = "crossdock", env = "CROSSDOCK_STACK")]
    stack: String,
    /// Do not ask before writing
    #[arg(long, global = true)]
    yes: bool,
    /// The reason, in a few words without personal data; it is recorded
    #[arg(long, global = true, value_name = "WORDS")]
    why: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Draw what happened to an order
    Timeline {
        /// The order's id
        order: String,
    },
    /// Show an intent
    Intent {
        /// `int_…`
        id: String,
    },
    /// List what waits for a person, and decide it
    #[command(subcommand)]
    Manual(manual::Command),
    /// Show dead-letter queues, and send messages back
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Show circuit breakers, and switch them by hand
    #[command(subcommand)]
    Breaker(breaker::Command),
    /// Show how much of each vendor's rate limit is in use
    Quota,
    /// Store the texts of mails as templates at SendGrid
    #[command(subcommand)]
    Templates(templates::Command),
    /// Show why nothing is sent to an address, and send to it again
    #[command(subcommand)]
    Contact(contact::Command),
    /// Put another key of a vendor
    #[command(subcommand)]
    Secret(secret::Command),
    /// Send no mail, or no SMS, for a while; what is asked for waits
    Pause(pause::Pause),
    /// Look whether a deployment fits the account
    #[command(subcommand)]
    Deploy(deploy::Command),
    /// Apply archived webhooks again
    Replay(replay::What),
    /// Tell people on call something, or test that they are told
    Alert(alert::Alert),
    /// Show what was done by hand on a day
    Audit {
        /// `2026-01-31` (UTC); the default is today
        day: Option<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", said(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error for a person: without the line of our code where it was made.
fn said(error: &anyhow::Error) -> String {
    // What stands before one of ours was put there for a person, and says more.
    match error.chain().next().and_then(|outermost| outermost.downcast_ref::<crossdock::error::Error>()) {
        Some(ours) => {
            let words =
                |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<crossdock::error::Error>() {
                    Some(ours) => ours.context.to_string(),
                    None => cause.to_string(),
                };
            let why: Vec<String> = error.chain().map(words).filter(|words| !words.is_empty()).collect();
            if why.is_empty() {
                ours.detail.clone()
            } else {
                format!("{} ({}: {})", ours.detail, ours.code, why.join(": "))
            }
        }
        None => format!("{error:#}"),
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    if let Command::Deploy(command) = arguments.command {
        return deploy::run(&arguments.stack, command).await;
    }
    let stack = Stack::find(&arguments.stack, arguments.why).await?;
    let confirm = Confirm { yes: arguments.yes };
    match arguments.command {
        Command::Timeline { order } => timeline_of::run(&stack, &order).await,
        Command::Intent { id } => intent::run(&stack, &id).await,
        Command::Manual(command) => Box::pin(manual::run(&stack, command, confirm)).await,
        Command::Dlq(command) => dlq::run(&stack, command, confirm).await,
        Command::Breaker(command) => breaker::run(&stack, command, confirm).await,
        Command::Quota => quota::run(&stack).await,
        Command::Templates(command) => Box::pin(templates::run(&stack, command, confirm)).await,
        Command::Contact(command) => Box::pin(contact::run(&stack, command, confirm)).await,
        Command::Secret(command) => Box::pin(secret::run(&stack, command, confirm)).await,
        Command::Pause(what) => pause::run(&stack, what, confirm).await,
        // It was done above, without a stack.
        Command::Deploy(_) => Ok(()),
        Command::Replay(what) => replay::run(&stack, what, confirm).await,
        Command::Alert(alert) => Box::pin(alert::run(&stack, alert)).await,
        Command::Audit { day } => intent::audits(&stack, day.as_deref()).await,
    }
}
