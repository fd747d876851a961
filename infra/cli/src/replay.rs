//! `crossdock replay`: webhooks of the archive, applied once more by event-processor. What is there already stays as it is;
//! what was lost is written.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use crossdock::domain::{Correlation, Timestamp};
use crossdock::effects::Preview;
use crossdock::effects::audit::Audit;
use crossdock::effects::inbound::Event;
use crossdock::gateway::Vendor;
use crossdock::lambda::{Replay, Webhook};

use crate::confirm::Confirm;
use crate::intent::time_of;
use crate::stack::Stack;

/// How long webhooks are kept (template.yaml). Each hour of a range costs a request, so a typing error must not ask for years.
const KEPT: Duration = Duration::from_secs(35 * 24 * 3_600);

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Whose {
    Stripe,
    Sendgrid,
    Twilio,
    Postmark,
    Fedex,
    Ups,
}

#[derive(clap::Args)]
pub(crate) struct What {
    /// Ids of events (`evt_…`); with --from all that came in that time
    ids: Vec<String>,
    /// Received at or after this time (2026-01-31T09:00:00Z)
    #[arg(long, conflicts_with = "ids")]
    from: Option<String>,
    /// Received at or before this time; now when left out
    #[arg(long, requires = "from")]
    to: Option<String>,
    /// Of this vendor only
    #[arg(long, requires = "from")]
    vendor: Option<Whose>,
    /// Events of this type only, in the vendor's words (`payment_intent.succeeded`, `delivered`)
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only say what would change
    #[arg(long)]
    shadow: bool,
    /// The nonce of an interrupted replay: continue it, without applying anything twice
    #[arg(long, value_parser = nonce)]
    nonce: Option<String>,
    /// Webhooks a second at most
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    per_second: u32,
}

/// It is part of keys, and ties together what the replay causes.
fn nonce(text: &str) -> Result<String, String> {
    Correlation::parse(text).map(|nonce| nonce.to_string()).ok_or_else(|| "8 to 64 letters, digits and -".to_owned())
}

/// An object of the archive, and which event of it, where one is meant.
type Place = (String, Option<String>);

pub(crate) async fn run(stack: &Stack, what: What, confirm: Confirm) -> Result<()> {
    let places = places(stack, &what).await?;
    let nonce = what.nonce.clone().unwrap_or_else(|| stack.fresh_id());
    let correlation = Correlation::parse(&nonce).context("a nonce has 8 to 64 letters, digits and -")?;
    let mut webhooks = Vec::new();
    let mut unreadable = 0;
    for (key, event_id) in places {
        let replay = Replay { nonce: nonce.clone(), archive_key: key.clone(), event_id, kind: what.kind.clone() };
        let read = stack.archive()?.read(&key).await;
        // One that is gone or damaged does not keep the others.
        let Ok(webhook) = read.and_then(|(bytes, told)| Webhook::archived(&key, bytes.to_vec(), told, Some(replay)))
        else {
            println!("{key} cannot be read.");
            unreadable += 1;
            continue;
        };
        match webhook.events(stack.now()) {
            Ok(events) if events.is_empty() => {}
            Ok(events) => webhooks.push((webhook, events.into_iter().flatten().collect::<Vec<Event>>())),
            Err(_) => unreadable += 1,
        }
    }
    if unreadable > 0 {
        println!("{unreadable} cannot be read and are left out.");
    }
    let count: usize = webhooks.iter().map(|(_, events)| events.len()).sum();
    if what.shadow {
        for (webhook, events) in &webhooks {
            for event in events {
                println!("{}", previewed(stack, webhook.vendor, event, &correlation).await?);
            }
        }
        println!("{count} events. Nothing was changed.");
        return Ok(());
    }
    if count == 0 {
        println!("There is nothing to replay.");
        return Ok(());
    }
    confirm.ask(&format!("{count} events of {} webhooks are applied again.", webhooks.len()))?;
    println!("If this is interrupted, repeat the command with --nonce {nonce}");
    let detail = format!("{count} events, {} webhooks", webhooks.len());
    let audit = Audit::of(stack.operator(), "replay", &nonce, Some(detail), stack.now());
    stack.record(&audit).await?;
    for (webhook, _) in &webhooks {
        stack.queues().send(stack.queue("InboundEvents")?, webhook.again(&correlation)?).await?;
        stack.world().clock.sleep(Duration::from_secs(1) / what.per_second).await;
    }
    println!("{count} events of {} webhooks are in the queue, nonce {nonce}.", webhooks.len());
    Ok(())
}

/// Where what is meant is archived.
async fn places(stack: &Stack, what: &What) -> Result<Vec<Place>> {
    let vendors = match what.vendor {
        Some(Whose::Stripe) => vec![Vendor::Stripe],
        Some(Whose::Sendgrid) => vec![Vendor::SendGrid],
        Some(Whose::Twilio) => vec![Vendor::Twilio],
        Some(Whose::Postmark) => vec![Vendor::Postmark],
        Some(Whose::Fedex) => vec![Vendor::Fedex],
        Some(Whose::Ups) => vec![Vendor::Ups],
        None => Vendor::ALL.to_vec(),
    };
    if let Some(from) = &what.from {
        let from = time_of(from)?;
        let to = what.to.as_deref().map_or_else(|| Ok(stack.now()), time_of)?;
        if to.since(from) > KEPT {
            bail!("The archive keeps 35 days: choose a shorter time.");
        }
        let mut places = Vec::new();
        for vendor in vendors {
            let keys = stack.archive()?.received(vendor, from, to).await?;
            places.extend(keys.into_iter().map(|key| (key, None)));
        }
        return Ok(places);
    }
    if what.ids.is_empty() {
        bail!("Name the ids of events, or a time with --from.");
    }
    let mut places = Vec::new();
    for id in &what.ids {
        places.push((archived(stack, &vendors, id).await?, Some(id.clone())));
    }
    Ok(places)
}

async fn archived(stack: &Stack, vendors: &[Vendor], id: &str) -> Result<String> {
    for vendor in vendors {
        match stack.list()?.recorded(*vendor, id).await? {
            Some(Some(key)) => return Ok(key),
            Some(None) => bail!("{id} is older than the archive."),
            None => {}
        }
    }
    bail!("There is no event {id} that was applied. Find one that was never applied with --from and its time.")
}

async fn previewed(stack: &Stack, vendor: Vendor, event: &Event, correlation: &Correlation) -> Result<String> {
    let id = event.event_id.split('~').next().unwrap_or_default();
    let would = match stack.list()?.preview(vendor, event, correlation).await? {
        Preview::Foreign => "belongs to another deployment: nothing would change".to_owned(),
        Preview::Unmatched => "its object is not known: it would wait".to_owned(),
        Preview::Recorded => "has no status: it would only be recorded".to_owned(),
        Preview::Asked => {
            "does not say enough: payment-worker would ask the vendor and write down the answer".to_owned()
        }
        Preview::Wish { change } => {
            format!("changes what may be sent to an address: {change}, unless a newer change is known")
        }
        Preview::Applied { object, from, to, follow_ups, changes_consent } => {
            let status = if from == to { format!("stays {to}") } else { format!("{from} → {to}") };
            let consent = changes_consent.then_some("what may be sent to the address");
            let then: Vec<&str> = follow_ups.iter().map(|kind| kind.as_str()).chain(consent).collect();
            let then = if then.is_empty() { String::new() } else { format!(", then {}", then.join(", ")) };
            format!("{object} {status}{then}")
        }
    };
    Ok(format!("{id}  {}  {}  {would}", Timestamp::to_rfc3339(event.occurred_at), event.kind))
}
