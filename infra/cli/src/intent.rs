//! `crossdock intent <id>` and `crossdock audit [<day>]`

use anyhow::{Context as _, Result};
use crossdock::domain::{IntentId, Timestamp};
use crossdock::effects::Intent;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::stack::Stack;

/// Shows an intent: where it stands, never what it sends.
pub(crate) async fn run(stack: &Stack, id: &str) -> Result<()> {
    let found = stack.list()?.intent(&IntentId::from_stored(id)).await?;
    println!("{}", described(&found.with_context(|| format!("There is no intent {id}."))?));
    Ok(())
}

/// An intent's lines.
pub(crate) fn described(intent: &Intent) -> String {
    let at = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    let order = intent.order_id.as_ref().map(ToString::to_string);
    let lines = [
        ("intent", Some(intent.intent_id.to_string())),
        ("kind", Some(intent.kind.as_str().to_owned())),
        ("phase", Some(intent.phase.as_str().to_owned())),
        ("why", intent.refusal.as_ref().map(ToString::to_string)),
        ("order", order),
        ("vendor id", intent.vendor_id.clone()),
        ("created", Some(intent.created_at.to_rfc3339())),
        ("due", (!intent.phase.is_settled()).then(|| intent.due.to_rfc3339())),
        ("give up at", (!intent.phase.is_settled()).then(|| intent.give_up_at.to_rfc3339())),
        ("first called", at(intent.first_called_at)),
        ("last call until", at(intent.called_until)),
        ("lease until", at(intent.lease_until)),
        ("answered calls", Some(intent.attempt.to_string())),
        ("unsettled claims", Some(intent.claims.to_string())),
        ("epoch", Some(intent.epoch.to_string())),
        ("generation", Some(intent.generation.to_string())),
        ("asked by", intent.asked_by.as_ref().map(|caller| caller.expose().clone())),
        ("correlation", Some(intent.correlation_id.to_string())),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name:17} {}", value?)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Lists what was done by hand on a day.
pub(crate) async fn audits(stack: &Stack, day: Option<&str>) -> Result<()> {
    let at = match day {
        Some(day) => time_of(&format!("{day}T00:00:00Z"))?,
        None => stack.now(),
    };
    let done = stack.list()?.audits(at).await?;
    if done.audits.is_empty() && done.unreadable == 0 {
        println!("Nothing was done by hand on {}.", &at.to_rfc3339()[..10]);
    }
    for audit in done.audits {
        let more = [audit.detail, audit.why].into_iter().flatten().collect::<Vec<_>>().join(" · ");
        println!("{}  {}  {} {}  {more}", audit.at.to_rfc3339(), audit.who, audit.action, audit.target);
    }
    if done.unreadable > 0 {
        println!("{} more were written by a newer version and cannot be read.", done.unreadable);
    }
    if done.there_may_be_more {
        println!("This is the beginning of that day; there may be more.");
    }
    Ok(())
}

/// Reads `2026-01-31T09:00:00Z`.
pub(crate) fn time_of(text: &str) -> Result<Timestamp> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    let parsed = parsed.with_context(|| format!("{text} is no time such as 2026-01-31T09:00:00Z"))?;
    Ok(Timestamp::from_ms(i64::try_from(parsed.unix_timestamp_nanos() / 1_000_000)?))
}
