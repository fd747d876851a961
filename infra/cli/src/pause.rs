//! `crossdock pause <channel>`: no mail, or no SMS, until somebody says otherwise or the time is over. What is asked for is
//! taken and waits; only what is of no use later is given up, such as a code.

use anyhow::Result;
use clap::ValueEnum;
use crossdock::gateway::breaker::{State, Switch};
use crossdock::gateway::{OperationClass, Vendor};

use crate::breaker::{self, MINUTES_MAX, Target};
use crate::confirm::Confirm;
use crate::stack::Stack;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Channel {
    Email,
    Sms,
}

#[derive(clap::Args)]
pub(crate) struct Pause {
    /// What is held back
    channel: Channel,
    /// Minutes until it goes on by itself
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=MINUTES_MAX))]
    minutes: u64,
    /// Go on now
    #[arg(long, conflicts_with = "minutes")]
    resume: bool,
}

impl Channel {
    /// Who sends over it: whoever stands in for another one as well.
    const fn vendors(self) -> &'static [Vendor] {
        match self {
            Self::Email => &[Vendor::SendGrid, Vendor::Postmark],
            Self::Sms => &[Vendor::Twilio],
        }
    }
}

pub(crate) async fn run(stack: &Stack, pause: Pause, confirm: Confirm) -> Result<()> {
    let forced = (!pause.resume).then(|| breaker::forced(stack, State::Open, pause.minutes));
    confirm.ask(&match &forced {
        Some(forced) => format!("Nothing is sent over this channel until {}; it waits.", forced.until.to_rfc3339()),
        None => "What waits is sent.".to_owned(),
    })?;
    for vendor in pause.channel.vendors() {
        let target = Target { vendor: *vendor, switch: Switch::Class(OperationClass::Effect) };
        let action = if forced.is_some() { "channel.pause" } else { "channel.resume" };
        breaker::write(stack, &target, forced, action).await?;
    }
    Ok(())
}
