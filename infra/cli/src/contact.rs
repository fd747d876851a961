//! `crossdock contact …`: why somebody is not written to, and writing to them again. The address comes from the operator and is
//! printed nowhere.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use crossdock::domain::Correlation;
use crossdock::domain::input::{Lift, Lookup};
use crossdock::domain::message::Channel;
use crossdock::effects::audit::Audit;
use crossdock::effects::contact::Contact;
use crossdock::effects::intake::request_hash;
use serde_json::json;

use crate::confirm::Confirm;
use crate::stack::Stack;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what an address has agreed to, and what is not sent to it
    Lookup {
        /// `email` or `sms`
        channel: String,
        /// The address or number
        address: String,
    },
    /// Remove the suppression of an address that has bounced or whose owner has reported spam
    Lift {
        /// `email` or `sms`
        channel: String,
        /// The address or number
        address: String,
        /// Where the owner said that they want mail: `customer service`
        #[arg(long)]
        source: String,
        /// When they said it: `2026-01-31T10:00:00Z`
        #[arg(long)]
        at: String,
    },
}

pub(crate) async fn run(stack: &Stack, command: Command, confirm: Confirm) -> Result<()> {
    match command {
        Command::Lookup { channel, address } => {
            let asked = Lookup::parse(json!({ "channel": channel, "address": address }).to_string().as_bytes())?;
            show(&stack.contacts()?.lookup(&asked).await?, asked.channel);
        }
        Command::Lift { channel, address, source, at } => {
            let body = json!({ "channel": channel, "address": address, "proof": { "source": source, "at": at } });
            let body = body.to_string();
            let asked = Lift::parse(body.as_bytes(), stack.now())?;
            let contacts = stack.contacts()?;
            let lookup = Lookup { address: asked.address.clone(), channel: asked.channel };
            let contact = contacts.lookup(&lookup).await?;
            show(&contact, asked.channel);
            contact.consent().reason().context("This address is not suppressed.")?;
            confirm.ask(
                "We send to this address again. Remove it from the suppression lists of SendGrid and Postmark, too.",
            )?;
            // The record first: what cannot be kept is not done.
            let id = contact.contact_id.to_string();
            let audit = Audit::of(stack.operator(), "contact.lift", &id, Some(asked.source.clone()), stack.now());
            stack.record(&audit).await?;
            let correlation = Correlation::generate(stack.now(), stack.world().rng.next());
            let hash = request_hash("CLI", "contact lift", body.as_bytes());
            show(&contacts.lift(&asked, &hash, (&correlation, None)).await?, asked.channel);
        }
    }
    Ok(())
}

fn show(contact: &Contact, channel: Channel) {
    println!("{}", contact.contact_id);
    if let Some(fields) = contact.view(channel).as_object() {
        for (name, value) in fields {
            println!("  {name:19} {value}");
        }
    }
}
