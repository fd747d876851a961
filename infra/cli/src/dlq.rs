//! `crossdock dlq …`: what lies in the dead-letter queues, why, and back with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use crossdock::aws::Queues;
use crossdock::aws::queue::{Outgoing, Received};
use crossdock::effects::audit::Audit;

use crate::confirm::Confirm;
use crate::fingerprint::{Fingerprint, subject};
use crate::stack::{DeadLetters, Stack};

/// The most messages that are read from one queue. If there are more, they usually have one cause, and these show it.
const LOOKED_AT_MAX: usize = 1_000;
/// How long a message is hidden while it is read. If this program ends early, the message becomes visible again by itself.
const LOOKING: Duration = Duration::from_secs(60);
/// How long a message is hidden while it is sent back.
const REDRIVING: Duration = Duration::from_secs(900);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Count the dead letters, by their cause
    List {
        /// `Payments`, `InboundEvents` …; all when left out
        queue: Option<String>,
    },
    /// Show each message: time, cause, and the intent or event that it is about; never its content
    Show {
        /// `Payments`, `InboundEvents` …
        queue: String,
        /// Only messages with this cause (`code/payment.create`, or the beginning of it)
        #[arg(long)]
        fingerprint: Option<String>,
    },
    /// Send messages back to the queue that they came from. Sending one twice does no harm
    Redrive {
        /// `Payments`, `InboundEvents` …
        queue: String,
        /// Only messages with this cause (`code/payment.create`, or the beginning of it)
        #[arg(long)]
        fingerprint: Option<String>,
        /// Only this message
        #[arg(long, value_name = "ID")]
        message: Option<String>,
        /// Only show what would be sent
        #[arg(long)]
        dry_run: bool,
        /// Messages a second at most
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        per_second: u32,
    },
}

/// A dead message, and why it is dead.
struct Dead {
    message: Received,
    fingerprint: Fingerprint,
}

pub(crate) async fn run(stack: &Stack, command: Command, confirm: Confirm) -> Result<()> {
    match command {
        Command::List { queue } => {
            for queue in stack.dead_letters(queue.as_deref())? {
                let dead = look(stack, &queue, LOOKING).await?;
                release(stack, &queue, &dead).await;
                let or_more = if dead.len() >= LOOKED_AT_MAX { " or more" } else { "" };
                println!("{}: {}{or_more}", queue.name, dead.len());
                let mut groups: BTreeMap<&Fingerprint, Vec<&Dead>> = BTreeMap::new();
                for one in &dead {
                    groups.entry(&one.fingerprint).or_default().push(one);
                }
                for (fingerprint, group) in groups {
                    let oldest = group.iter().map(|dead| dead.message.sent_at).min().unwrap_or_default();
                    println!("  {:5} × {fingerprint}  since {}", group.len(), oldest.to_rfc3339());
                }
            }
        }
        Command::Show { queue, fingerprint } => {
            for queue in stack.dead_letters(Some(&queue))? {
                let dead = look(stack, &queue, LOOKING).await?;
                release(stack, &queue, &dead).await;
                for dead in dead.iter().filter(|dead| is_wanted(dead, fingerprint.as_deref(), None)) {
                    let (at, about) = (dead.message.sent_at.to_rfc3339(), subject(&dead.message, stack.now()));
                    println!("{}  {at}  {}  {about}", dead.message.id, dead.fingerprint);
                }
            }
        }
        Command::Redrive { queue, fingerprint, message, dry_run, per_second } => {
            for queue in stack.dead_letters(Some(&queue))? {
                let dead = look(stack, &queue, LOOKING).await?;
                // While somebody thinks about it, the queue's alarm must go on seeing them.
                release(stack, &queue, &dead).await;
                let wanted: Vec<&Dead> =
                    dead.iter().filter(|dead| is_wanted(dead, fingerprint.as_deref(), message.as_deref())).collect();
                if let (Some(id), true) = (&message, wanted.is_empty()) {
                    bail!("There is no such message {id} among the first {} of {}.", dead.len(), queue.name);
                }
                if agreed(&queue, &wanted, dry_run, confirm)? {
                    let ids: BTreeSet<String> = wanted.into_iter().map(|dead| dead.message.id.clone()).collect();
                    let dead = look(stack, &queue, REDRIVING).await?;
                    let (wanted, others): (Vec<_>, Vec<_>) =
                        dead.into_iter().partition(|dead| ids.contains(&dead.message.id));
                    release(stack, &queue, &others).await;
                    redrive(stack, &queue, wanted, per_second).await?;
                }
            }
        }
    }
    Ok(())
}

fn is_wanted(dead: &Dead, fingerprint: Option<&str>, message: Option<&str>) -> bool {
    fingerprint.is_none_or(|wanted| dead.fingerprint.to_string().starts_with(wanted))
        && message.is_none_or(|wanted| dead.message.id == wanted)
}

/// Whether there is something to send, and it was confirmed.
fn agreed(queue: &DeadLetters, wanted: &[&Dead], dry_run: bool, confirm: Confirm) -> Result<bool> {
    for dead in wanted {
        println!("{}  {}", dead.message.id, dead.fingerprint);
    }
    if wanted.is_empty() || dry_run {
        println!("{} of {} would be sent back.", wanted.len(), queue.name);
        return Ok(false);
    }
    confirm.ask(&format!("{} are sent back to {}.", wanted.len(), queue.name))?;
    Ok(true)
}

/// Sends each message, then deletes it. If the program is interrupted in between, the message is there twice, which does no harm.
/// If one cannot be sent, the others are still sent.
async fn redrive(stack: &Stack, queue: &DeadLetters, wanted: Vec<Dead>, per_second: u32) -> Result<()> {
    let causes: BTreeSet<String> = wanted.iter().map(|dead| dead.fingerprint.to_string()).collect();
    let detail = format!("{} messages: {}", wanted.len(), causes.into_iter().collect::<Vec<_>>().join(", "));
    let audit = Audit::of(stack.operator(), "dlq.redrive", &queue.name, Some(detail), stack.now());
    stack.record(&audit).await?;
    let queues = stack.queues();
    println!("Each is hidden from others until it is sent, for at most {} minutes.", REDRIVING.as_secs() / 60);
    let (mut sent, mut left, mut why) = (0, Vec::new(), None);
    for dead in wanted {
        let to = destination(stack, queue, &dead.message)?;
        match send_back(&queues, queue, &dead.message, to).await {
            Ok(()) => sent += 1,
            Err(error) => {
                why = Some(error);
                left.push(dead);
            }
        }
        stack.world().clock.sleep(Duration::from_secs(1) / per_second).await;
    }
    println!("{sent} were sent back to {}.", queue.name);
    release(stack, queue, &left).await;
    why.map_or(Ok(()), |why| {
        Err(why.context(format!("{} were not sent, and are still in the dead-letter queue", left.len())))
    })
}

/// Where a message belongs. Ids that an earlier release put into InboundEvents, which carries raw webhooks only by now, are for
/// InboundWork.
fn destination<'a>(stack: &'a Stack, queue: &'a DeadLetters, message: &Received) -> Result<&'a str> {
    let is_raw = message.attributes.contains_key("type");
    if queue.name == "InboundEvents" && !is_raw { stack.queue("InboundWork") } else { Ok(&queue.source_url) }
}

async fn send_back(queues: &Queues, queue: &DeadLetters, message: &Received, to: &str) -> Result<()> {
    let attributes = message.attributes.clone().into_iter().collect();
    let again = Outgoing { body: message.body.clone(), attributes, delay: Duration::ZERO };
    queues.send(to, again).await?;
    Ok(queues.delete(&queue.url, &message.receipt).await?)
}

/// Receives each message once. When messages come a second time, because their hiding has ended, all have been seen.
async fn look(stack: &Stack, queue: &DeadLetters, hidden: Duration) -> Result<Vec<Dead>> {
    let (queues, list) = (stack.queues(), stack.list()?);
    let mut dead: Vec<Dead> = Vec::new();
    while dead.len() < LOOKED_AT_MAX {
        let messages = queues.receive(&queue.url, hidden).await?;
        let is_new = |message: &Received| dead.iter().all(|before| before.message.id != message.id);
        if !messages.iter().any(is_new) {
            break;
        }
        for message in messages {
            let fingerprint = Fingerprint::of(&list, &message, stack.now()).await?;
            // A standard queue may give one twice; the later receipt is the one that counts.
            dead.retain(|before| before.message.id != message.id);
            dead.push(Dead { message, fingerprint });
        }
    }
    dead.sort_by_key(|dead| dead.message.sent_at);
    Ok(dead)
}

/// Makes the messages visible again. If that fails, they become visible by themselves later.
async fn release(stack: &Stack, queue: &DeadLetters, dead: &[Dead]) {
    let queues = stack.queues();
    for dead in dead {
        let _comes_back = queues.release(&queue.url, &dead.message.receipt).await;
    }
}
