//! `crossdock breaker …`: the vendors' breakers, and an operator's word over them.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use crossdock::effects::audit::Audit;
use crossdock::gateway::breaker::{Breaker, Forced, Standing, State, Switch};
use crossdock::gateway::{Vendor, breakers, force};

use crate::confirm::Confirm;
use crate::stack::Stack;

/// The longest manual override. A forgotten one must not last longer than a day.
pub(crate) const MINUTES_MAX: u64 = 24 * 60;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show all circuit breakers
    Show,
    /// Stop all calls by hand, even if the vendor works
    Open(Which),
    /// Allow all calls by hand, even if the vendor fails
    Close(Which),
    /// Remove the manual override: the breaker decides by itself again
    Release(Target),
}

#[derive(clap::Args)]
pub(crate) struct Target {
    /// `stripe`, `sendgrid`, `twilio`, `postmark`, `fedex`, `ups`, `dhl`
    #[arg(value_parser = vendor)]
    pub(crate) vendor: Vendor,
    /// `effect`, `read`, `key` (the credential switch), or SendGrid's `marketing_key`
    #[arg(value_parser = switch)]
    pub(crate) switch: Switch,
}

#[derive(clap::Args)]
pub(crate) struct Which {
    #[command(flatten)]
    target: Target,
    /// Minutes until the override ends and the breaker decides by itself again
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MINUTES_MAX))]
    minutes: u64,
}

fn vendor(text: &str) -> Result<Vendor, String> {
    Vendor::parse(text).ok_or_else(|| format!("one of {}", Vendor::ALL.map(Vendor::as_str).join(", ")))
}

fn switch(text: &str) -> Result<Switch, String> {
    Switch::parse(text).ok_or_else(|| format!("one of {}", Switch::ALL.map(Switch::as_str).join(", ")))
}

pub(crate) async fn run(stack: &Stack, command: Command, confirm: Confirm) -> Result<()> {
    match command {
        Command::Show => {
            for ((vendor, switch), breaker) in breakers(stack.list()?.table(), &Vendor::ALL).await? {
                println!("{}", described(stack, vendor, switch, &breaker));
            }
            Ok(())
        }
        Command::Open(Which { target, .. }) | Command::Close(Which { target, .. }) | Command::Release(target)
            if !Switch::of(target.vendor).any(|switch| switch == target.switch) =>
        {
            let has: Vec<&str> = Switch::of(target.vendor).map(Switch::as_str).collect();
            bail!("{} has no such switch; it has {}", target.vendor.as_str(), has.join(", "))
        }
        Command::Open(which) => hold(stack, &which, State::Open, confirm).await,
        Command::Close(which) => hold(stack, &which, State::Closed, confirm).await,
        Command::Release(target) => {
            confirm.ask("The manual override is removed. The breaker opens and closes by itself again.")?;
            write(stack, &target, None, "breaker.release").await
        }
    }
}

async fn hold(stack: &Stack, which: &Which, state: State, confirm: Confirm) -> Result<()> {
    let forced = forced(stack, state, which.minutes);
    let (word, action) = match state {
        State::Open => ("No instance", "breaker.open"),
        State::Closed => ("Every instance", "breaker.close"),
    };
    let what = if which.target.switch.is_key() { "calls with this key" } else { "calls" };
    confirm.ask(&format!("{word} {what} until {}, whatever the vendor answers.", forced.until.to_rfc3339()))?;
    write(stack, &which.target, Some(forced), action).await
}

/// An operator's word, for so long from now.
pub(crate) fn forced(stack: &Stack, state: State, minutes: u64) -> Forced {
    Forced { state, until: stack.now().plus(Duration::from_secs(minutes * 60)) }
}

/// Writes the audit record first. If that fails, nothing is changed.
pub(crate) async fn write(stack: &Stack, target: &Target, forced: Option<Forced>, action: &str) -> Result<()> {
    let (list, now) = (stack.list()?, stack.now());
    let name = format!("{}/{}", target.vendor.as_str(), target.switch.as_str());
    let detail = forced.map(|forced| format!("until {}", forced.until.to_rfc3339()));
    stack.record(&Audit::of(stack.operator(), action, &name, detail, now)).await?;
    let breaker = force(list.table(), target.vendor, target.switch, forced).await?;
    println!("{}", described(stack, target.vendor, target.switch, &breaker));
    println!("Running instances notice it within 10 s.");
    Ok(())
}

fn described(stack: &Stack, vendor: Vendor, switch: Switch, breaker: &Breaker) -> String {
    let now = stack.now();
    let standing = match breaker.standing(now) {
        Standing::Closed => "closed".to_owned(),
        Standing::Shut { until } => format!("OPEN, next test call {}", until.to_rfc3339()),
        Standing::Probing => "OPEN, a test call may be made".to_owned(),
    };
    let held = breaker.forced.filter(|forced| forced.until > now).map(|_| "held by an operator".to_owned());
    let cause = breaker.cause.as_ref().map(|cause| format!("because of {cause}"));
    let since =
        breaker.opened_at.filter(|_| breaker.state == State::Open).map(|at| format!("since {}", at.to_rfc3339()));
    let fails = (breaker.fails > 0).then(|| format!("{} failures in a row", breaker.fails));
    let more: Vec<String> = [held, cause, since, fails].into_iter().flatten().collect();
    format!("{:9} {:13} {standing}  {}", vendor.as_str(), switch.as_str(), more.join(" · ")).trim_end().to_owned()
}
