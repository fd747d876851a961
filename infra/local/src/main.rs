//! `crossdock-local`: the whole system on this machine. `cargo demo` and `cargo local …` are its short names.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]
#![allow(
    clippy::disallowed_methods,
    reason = "the system reads its configuration in one place; this is not the system"
)]

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use local::{Options, Progress, Stack, demo, status};
use timeline::Style;
use tokio::signal::unix::{SignalKind, signal};

/// The stack that `up` starts and the other commands talk to.
const KEPT: &str = "up";
/// The stack that `demo` starts and ends.
const DEMO: &str = "demo";

#[derive(Parser)]
#[command(name = "crossdock-local", about = "Runs the whole system on this machine.", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything, let its orders happen, show their timelines, end everything
    Demo(Deployment),
    /// Start everything and keep it running
    Up(Deployment),
    /// End what `up` started
    Down,
    /// Show whether each part works
    Status,
    /// Draw the timeline of an order
    Timeline {
        /// The order's id
        order: String,
    },
    /// Print the functions' environment, for `cargo lambda watch --env-file`
    Env,
    /// Print what a function has logged
    Logs {
        /// The function: payment-initiator, stripe-webhook …
        function: String,
    },
}

#[derive(clap::Args)]
struct Deployment {
    /// A template parameter, such as StripeApiBase=http://127.0.0.1:12111; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected Name=Value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Deployment {
    fn options(self, name: &str) -> Options {
        Options { parameters: self.parameters, progress: Progress::shown(), ..Options::named(name) }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // When a signal wins, the work is dropped, and with it everything that it has started.
    let result = tokio::select! {
        result = run(arguments.command) => result,
        signal = interrupted() => match signal {
            Ok(()) => Err(anyhow::anyhow!("interrupted; everything that was started has been ended")),
            Err(error) => Err(error),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn interrupted() -> Result<()> {
    let mut signals =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        _ = signals.0.recv() => {}
        _ = signals.1.recv() => {}
        _ = signals.2.recv() => {}
    }
    Ok(())
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(deployment) => demo::run(deployment.options(DEMO), style()).await,
        Command::Up(deployment) => up(deployment.options(KEPT)).await,
        Command::Down => {
            let ended = Stack::end(KEPT)?;
            println!("{}", if ended { "Ended." } else { "Nothing was running." });
            Ok(())
        }
        Command::Status => {
            println!("{}", status::describe(&Stack::find(KEPT)?).await?);
            Ok(())
        }
        Command::Timeline { order } => {
            let found =
                Stack::find(KEPT)?.order(&order).await?.with_context(|| format!("there is no order {order}"))?;
            println!("{}", timeline::draw(&found, style()));
            Ok(())
        }
        Command::Env => {
            for (name, value) in Stack::find(KEPT)?.environment().await? {
                println!("{name}=\"{value}\"");
            }
            Ok(())
        }
        Command::Logs { function } => {
            for line in Stack::find(KEPT)?.log_of(&function).await? {
                println!("{line}");
            }
            Ok(())
        }
    }
}

async fn up(options: Options) -> Result<()> {
    if let Ok(running) = Stack::find(KEPT) {
        println!("It is running already; `cargo local down` ends it.\n\n{}", status::how_to_call(&running)?);
        return Ok(());
    }
    let stack = Stack::up(options).await?;
    println!("\n{}", status::how_to_call(&stack)?);
    stack.leave();
    Ok(())
}

/// Colours only for a terminal, and not where the person wants none (no-color.org).
fn style() -> Style {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted { Style::Coloured } else { Style::Plain }
}
