//! The sweeper's part: nudge what is due, oldest first, and no more than the workers can do until the next minute.
//! Besides intents there are events in the index, which wait for their object to become known.

use std::collections::HashMap;

use futures_util::future::{join_all, try_join};
use serde::Deserialize;

use super::WorkList;
use super::inbound::Requeued;
use super::intent::{Kind, due_partition};
use super::nudge::Nudge;
use crate::aws::table::Index;
use crate::aws::{Item, Key};
use crate::domain::{Correlation, IntentId, Timestamp};
use crate::error::Result;

/// Rows read per shard and tick: 16 shards × 100 rows is more than all workers do in a minute.
const ROWS_PER_SHARD: i32 = 100;

/// What one tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Intents and waiting events found due.
    pub due: usize,
    /// Nudges sent.
    pub nudged: usize,
    /// Age of the oldest due intent, in milliseconds.
    pub oldest_ms: u64,
}

#[derive(Debug)]
struct Row {
    due: Timestamp,
    what: What,
}

#[derive(Debug)]
enum What {
    Intent(Nudge),
    Event(Key),
}

#[derive(Debug, Deserialize)]
struct IntentRow {
    intent_id: IntentId,
    kind: Kind,
    due: Timestamp,
    correlation_id: Correlation,
}

#[derive(Debug, Deserialize)]
struct EventRow {
    due: Timestamp,
}

impl Row {
    fn of(item: &Item) -> Result<Self> {
        if item.text("kind") == Some(Requeued::KIND) {
            let row: EventRow = item.parse()?;
            return Ok(Self { due: row.due, what: What::Event(item.key()) });
        }
        let IntentRow { intent_id, kind, due, correlation_id } = item.parse()?;
        Ok(Self { due, what: What::Intent(Nudge { intent_id, kind, correlation_id }) })
    }

    /// Whose worker looks at it.
    fn kind(&self) -> Kind {
        match &self.what {
            What::Intent(nudge) => nudge.kind,
            // The worker of inbound events publishes too.
            What::Event(_) => Kind::Publish,
        }
    }
}

/// What a queue's workers do in a minute: concurrency × 60 s ÷ the time of one call of a second or two; for mail the
/// vendor's quota of 10,000 an hour is less.
const fn per_minute(kind: Kind) -> usize {
    match kind {
        Kind::PaymentCreate
        | Kind::PaymentConfirm
        | Kind::PaymentCancel
        | Kind::PaymentSettlement
        | Kind::RefundCreate
        | Kind::CustomerCreate => 300,
        Kind::MailSend => 160,
        Kind::Publish => 3_000,
    }
}

impl WorkList {
    /// Nudges what is due now. Waits: the shards side by side with the queues' depths, then the nudges.
    pub async fn sweep(&self) -> Result<Swept> {
        let now = self.world.now();
        let (rows, room) = futures_util::join!(self.due_rows(now), self.room());
        let (mut rows, mut room) = (rows?, room?);
        rows.sort_by_key(|row| row.due);
        let mut swept = Swept { due: rows.len(), ..Swept::default() };
        swept.oldest_ms = rows.first().map_or(0, |row| u64::try_from(now.since(row.due).as_millis()).unwrap_or(0));
        let (mut nudges, mut events) = (Vec::new(), Vec::new());
        for row in rows {
            let Some(left) = self.routes.of(row.kind()).and_then(|url| room.get_mut(url)) else { continue };
            if *left > 0 {
                *left -= 1;
                match row.what {
                    What::Intent(nudge) => nudges.push(nudge),
                    What::Event(key) => events.push(Requeued::message(key)?),
                }
            }
        }
        swept.nudged = nudges.len() + events.len();
        let inbound = self.routes.inbound_events.as_deref().unwrap_or_default();
        let requeued = async { if events.is_empty() { Ok(()) } else { self.queues.send_all(inbound, events).await } };
        try_join(self.try_nudge(&nudges), requeued).await?;
        Ok(swept)
    }

    async fn due_rows(&self, now: Timestamp) -> Result<Vec<Row>> {
        let shards = (0..IntentId::DUE_SHARDS).map(|shard| async move {
            let items = self.table.query_index_until(Index::ByDue, &due_partition(shard), &now, ROWS_PER_SHARD).await?;
            // A row that cannot be read must not hide the others.
            let rows = items.iter().filter_map(|item| {
                Row::of(item).inspect_err(|error| tracing::error!(error = %error, "a due row cannot be read")).ok()
            });
            Ok(rows.collect::<Vec<_>>())
        });
        let shards: Result<Vec<Vec<Row>>> = join_all(shards).await.into_iter().collect();
        Ok(shards?.into_iter().flatten().collect())
    }

    /// How many more messages each queue should get.
    async fn room(&self) -> Result<HashMap<&str, usize>> {
        let mut queues: Vec<(&str, usize)> =
            Kind::ALL.iter().filter_map(|kind| Some((self.routes.of(*kind)?, per_minute(*kind)))).collect();
        queues.sort_unstable();
        queues.dedup();
        let depths = queues.iter().map(|(url, most)| async move {
            let visible = self.queues.visible(url).await?;
            Ok((*url, most.saturating_sub(visible)))
        });
        join_all(depths).await.into_iter().collect()
    }
}
