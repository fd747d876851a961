//! `crossdock manual …`: the intents that wait for a person.

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use crossdock::domain::IntentId;
use crossdock::effects::{Finding, Intent, Kind, Settled};

use crate::confirm::Confirm;
use crate::intent::described;
use crate::stack::Stack;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List them, the longest waiting first
    List,
    /// Start one again; if the call may have happened, the vendor is asked before anything is sent
    Retry {
        /// `int_…`
        id: String,
    },
    /// Say that you have checked an object at the vendor (`pi_…`, `re_…`, `cus_…`) that contradicts ours
    LookedAt {
        /// The vendor's id of the object
        vendor_id: String,
    },
    /// Write what you found out at the vendor
    Resolve {
        /// `int_…`
        id: String,
        #[command(flatten)]
        finding: Found,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Found {
    /// It happened; this is the vendor's id of it
    #[arg(long, value_name = "VENDOR ID")]
    done: Option<String>,
    /// It did not happen and must not happen: a short code that says why
    #[arg(long, value_name = "CODE", value_parser = code)]
    refused: Option<String>,
    /// It did not happen; do it now
    #[arg(long)]
    not_done: bool,
}

/// A code in the form of our own codes, so that other programs can compare it.
fn code(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if fits { Ok(text.to_owned()) } else { Err("1 to 64 lower-case letters and underscores".to_owned()) }
}

impl Found {
    fn finding(self) -> Finding {
        match (self.done, self.refused) {
            (Some(vendor_id), _) => Finding::Done { vendor_id },
            (None, Some(code)) => Finding::Refused { reason: code.into() },
            (None, None) => Finding::NotDone,
        }
    }
}

pub(crate) async fn run(stack: &Stack, command: Command, confirm: Confirm) -> Result<()> {
    let list = stack.list()?;
    match command {
        Command::List => {
            let waiting = list.manual().await?;
            let at_least = if waiting.there_may_be_more { " or more; the longest" } else { "" };
            println!("{}{at_least} wait for a person.", waiting.intents.len() + waiting.doubts.len());
            for key in waiting.unreadable {
                println!("{key}  cannot be read by this version");
            }
            for intent in waiting.intents {
                let order = intent.order_id.as_ref().map_or("-", |order| order.as_str());
                let why = intent.refusal.as_ref().map_or("-", |reason| reason.as_str());
                let (id, kind, since) = (&intent.intent_id, intent.kind.as_str(), intent.created_at.to_rfc3339());
                println!("{id}  {kind:18}  order {order}  {why}  since {since}");
            }
            for doubt in waiting.doubts {
                let order = doubt.order_id.as_ref().map_or("-", |order| order.as_str());
                let (id, object, since) = (&doubt.vendor_id, &doubt.object, doubt.due.to_rfc3339());
                println!("{id}  {:18}  order {order}  about {object}: {}  since {since}", doubt.why, doubt.told);
            }
        }
        Command::LookedAt { vendor_id } => {
            let waiting = list.manual().await?.doubts;
            let found: Vec<_> = waiting.into_iter().filter(|doubt| doubt.vendor_id == vendor_id).collect();
            if found.is_empty() {
                bail!("Nothing about {vendor_id} waits for a person.");
            }
            confirm.ask(
                "It is taken off this list. Nothing else changes: what the vendor says of it is still not applied.",
            )?;
            stack.lock_away("manual.looked_at", &vendor_id).await?;
            for doubt in &found {
                list.looked_at(doubt, stack.operator()).await?;
            }
            println!("{vendor_id} no longer waits for a person.");
        }
        Command::Retry { id } => {
            let seen = show(stack, &id).await?;
            confirm.ask("A worker tries it again, with new time to finish.")?;
            stack.lock_away("manual.retry", &id).await?;
            let phase = list.retry(&seen, stack.operator()).await?;
            println!("{id} is {} and due now.", phase.as_str());
        }
        Command::Resolve { id, finding } => {
            let seen = show(stack, &id).await?;
            let finding = finding.finding();
            if let Finding::Done { vendor_id } = &finding {
                has_form(seen.kind, vendor_id)?;
            }
            confirm.ask(match &finding {
                Finding::Done { .. } if seen.kind == Kind::ShipmentCreate => {
                    "It is recorded as bought, without a label to print. The customer is told this tracking number, and \
                     the parcel is tracked. This cannot be undone."
                }
                Finding::Done { .. } => {
                    "It is recorded as done and not sent again. What follows from it, such as a mail to the customer, is sent."
                }
                Finding::Refused { .. } => {
                    "It is recorded as refused. Nothing is sent, and the payment, refund, message or parcel that it belongs \
                     to fails."
                }
                Finding::NotDone => {
                    "It is sent now as a new request. If it did happen before, it happens twice."
                }
            })?;
            stack.lock_away("manual.resolve", &id).await?;
            if let Settled::Written(_, _) = list.resolve(&seen, &finding, stack.operator()).await? {
                println!("{id} is recorded{}.", now_is(stack, &seen.intent_id).await?);
            }
        }
    }
    Ok(())
}

/// The prefix of Stripe's ids of this kind. In the dashboard it is easy to copy the id of another object.
fn has_form(kind: Kind, vendor_id: &str) -> Result<()> {
    let begins: &[&str] = match kind {
        Kind::PaymentCreate => &["pi_"],
        Kind::RefundCreate => &["re_", "pyr_"],
        Kind::CustomerCreate => &["cus_"],
        _ => return Ok(()),
    };
    if begins.iter().any(|begin| vendor_id.starts_with(begin)) {
        return Ok(());
    }
    bail!("{vendor_id} is an id of another kind: here it has to begin with {}.", begins.join(" or "))
}

/// Shows the intent before it asks for confirmation.
async fn show(stack: &Stack, id: &str) -> Result<Intent> {
    let id = IntentId::from_stored(id);
    let found = stack.list()?.intent(&id).await?.with_context(|| format!("There is no intent {id}."))?;
    println!("{}\n", described(&found));
    Ok(found)
}

async fn now_is(stack: &Stack, id: &IntentId) -> Result<String> {
    let found = stack.list()?.intent(id).await?;
    Ok(found.map_or_else(String::new, |intent| format!(": it is {} now", intent.phase.as_str())))
}
