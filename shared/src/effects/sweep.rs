//! The sweeper's part: nudge what is due, oldest first, and no more than the workers can do until the next minute.
//! Besides intents there are events in the index, which wait for their object to become known.
//!
//! What a vendor's open breaker holds back stays due and is left alone, but for one candidate for each probe, and for mails
//! that another provider can send. When the breaker has closed, the nudges grow back to their full number over some minutes.

mod gauges;
mod outcomes;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use futures_util::future::{join, join_all, try_join};
use serde::Deserialize;

use crate::aws::table::Index;
use crate::aws::{Item, Key};
use crate::domain::{Correlation, IntentId, Timestamp};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Kind, Phase, due_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::queue::Queue;
use crate::effects::list::requeue::Requeued;
use crate::effects::subject::payment::outcome;
use crate::effects::sweep::gauges::Minute;
use crate::error::Result;
use crate::gateway::breaker::{Breaker, Standing, Switch};
use crate::gateway::{OperationClass, Vendor, breakers};

/// Rows wanted per shard and tick: 16 shards × 100 rows is more than all workers do in a minute.
const ROWS_PER_SHARD: usize = 100;
/// After a breaker has closed: how long until a vendor gets all that its workers can do. One that has just come back
/// has everybody's backlog before it.
const RAMP: Duration = Duration::from_secs(180);
/// What it gets at once, as a part of that.
const RAMP_FROM: f64 = 0.1;

/// What one tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Intents and waiting events found due.
    pub due: usize,
    /// Nudges sent.
    pub nudged: usize,
    /// Left alone, because their vendor's breaker is open.
    pub held: usize,
    /// Age of the oldest due intent, in milliseconds.
    pub oldest_ms: u64,
}

#[derive(Debug)]
struct Row {
    due: Timestamp,
    what: What,
    turn: Turn,
}

#[derive(Debug)]
enum What {
    Intent(Nudge),
    Event(Key),
    /// A payment that was declined: has anything followed?
    Declined(Key),
}

#[derive(Debug, Deserialize)]
struct IntentRow {
    intent_id: IntentId,
    kind: Kind,
    phase: Phase,
    due: Timestamp,
    /// Absent in rows that an index without it projects.
    #[serde(default)]
    give_up_at: Option<Timestamp>,
    correlation_id: Correlation,
}

/// How the vendors stand at this tick.
struct VendorStates {
    now: Timestamp,
    breakers: BTreeMap<(Vendor, Switch), Breaker>,
    mail_fallback: Option<Vendor>,
}

/// What a tick does with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is worked.
    Now,
    /// It may be the one that tries whether this switch can be closed.
    Candidate(Vendor, Switch),
    /// It waits.
    Held,
}

#[derive(Debug, Deserialize)]
struct EventRow {
    due: Timestamp,
}

impl Row {
    fn of(item: &Item, vendors: &VendorStates) -> Result<Self> {
        if item.text("kind") == Some(Requeued::KIND) {
            let row: EventRow = item.parse()?;
            return Ok(Self { due: row.due, what: What::Event(item.key()), turn: Turn::Now });
        }
        if item.text("kind") == Some(outcome::KIND) {
            let row: EventRow = item.parse()?;
            return Ok(Self { due: row.due, what: What::Declined(item.key()), turn: Turn::Now });
        }
        let row: IntentRow = item.parse()?;
        let turn = vendors.turn(&row);
        let IntentRow { intent_id, kind, due, correlation_id, .. } = row;
        Ok(Self { due, what: What::Intent(Nudge { intent_id, kind, correlation_id }), turn })
    }

    /// Whose worker looks at it.
    fn kind(&self) -> Kind {
        match &self.what {
            What::Intent(nudge) => nudge.kind,
            // Who matches events publishes too.
            What::Event(_) => Kind::Publish,
            What::Declined(_) => Kind::PaymentSettlement,
        }
    }
}

impl VendorStates {
    fn breaker(&self, vendor: Vendor, switch: Switch) -> Option<&Breaker> {
        self.breakers.get(&(vendor, switch))
    }

    fn turn(&self, row: &IntentRow) -> Turn {
        let Some(vendor) = row.kind.vendor() else { return Turn::Now };
        // An outcome is looked up, and a budget ends, whatever the vendor does.
        if row.phase != Phase::Ready || row.give_up_at.is_none_or(|at| at <= self.now) {
            return Turn::Now;
        }
        let own = self.turn_at(vendor, row.kind);
        let instead = self.mail_fallback.filter(|_| row.kind.falls_back()).map(|vendor| self.turn_at(vendor, row.kind));
        // Whose turn it is, its worker knows: here it is enough that one of the two can be called.
        match (own, instead) {
            (_, Some(Turn::Now)) => Turn::Now,
            (Turn::Held, Some(instead)) => instead,
            _ => own,
        }
    }

    /// What this vendor's switches say of an intent of this kind.
    fn turn_at(&self, vendor: Vendor, kind: Kind) -> Turn {
        for switch in kind.switches() {
            match self.breaker(vendor, switch).map(|breaker| breaker.standing(self.now)) {
                None | Some(Standing::Closed) => {}
                Some(Standing::Probing) => return Turn::Candidate(vendor, switch),
                // Somebody has to look whether there is another key.
                Some(Standing::Shut { .. }) if switch.is_key() => return Turn::Candidate(vendor, switch),
                Some(Standing::Shut { .. }) => return Turn::Held,
            }
        }
        Turn::Now
    }

    /// The part of its work that a vendor gets of this kind.
    fn ramp(&self, kind: Kind) -> f64 {
        let breakers = kind.switches().filter_map(|switch| self.breaker(kind.vendor()?, switch));
        let closed = breakers.filter_map(|breaker| breaker.closed_at).max();
        let grown = closed.map_or(1.0, |at| self.now.since(at).as_secs_f64() / RAMP.as_secs_f64());
        grown.clamp(RAMP_FROM, 1.0)
    }
}

impl VendorStates {
    /// What is to be shown of this minute.
    fn minute(&self, rows: &[Row]) -> Minute {
        let oldest = |queue: &str| {
            let of_it = rows.iter().filter(|row| row.kind().queue().as_str() == queue);
            of_it.map(|row| self.now.since(row.due)).max().unwrap_or_default()
        };
        let mut queues = Queue::ALL.map(Queue::as_str).to_vec();
        queues.sort_unstable();
        queues.dedup();
        Minute {
            now: self.now,
            vendors: Vendor::ALL.map(|vendor| (vendor, self.is_shut(vendor))).to_vec(),
            queues: queues.into_iter().map(|queue| (queue, oldest(queue))).collect(),
        }
    }

    /// Whether calls that change something at this vendor are held back: by the breaker, by a key that is refused, or by an
    /// operator.
    fn is_shut(&self, vendor: Vendor) -> bool {
        Switch::of(vendor)
            .filter(|switch| *switch != Switch::Class(OperationClass::Read))
            .filter_map(|switch| self.breaker(vendor, switch))
            .any(|breaker| breaker.standing(self.now) != Standing::Closed)
    }
}

/// What of that one shard is looked through for: twice its part, because shards are never even.
const fn per_shard(kind: Kind) -> usize {
    2 * kind.queue().per_minute() / IntentId::DUE_SHARDS as usize + 1
}

impl WorkList {
    /// Nudges what is due now; `mail_fallback` sends mails where their own provider cannot. Waits: the breakers, the shards
    /// side by side, the depths of the queues that may get something, then the nudges. When nothing is due, which is most
    /// minutes, no queue is asked.
    pub async fn sweep(&self, mail_fallback: Option<Vendor>) -> Result<Swept> {
        let now = self.world.now();
        let vendors = VendorStates { now, breakers: breakers(&self.table, &Vendor::ALL).await?, mail_fallback };
        let mut rows = self.due_rows(&vendors).await?;
        let declined = rows.extract_if(.., |row| matches!(row.what, What::Declined(_)));
        let declined = declined.filter_map(|row| if let What::Declined(key) = row.what { Some(key) } else { None });
        let declined: Vec<Key> = declined.collect();
        let minute = vendors.minute(&rows);
        let beside = join(self.decide_outcomes(&declined), self.gauges(&minute));
        let (room, _) = join(self.room(&vendors, &rows), Box::pin(beside)).await;
        let mut room = room?;
        rows.sort_by_key(|row| row.due);
        let mut swept = Swept { due: rows.len(), ..Swept::default() };
        swept.oldest_ms = rows.first().map_or(0, |row| u64::try_from(now.since(row.due).as_millis()).unwrap_or(0));
        let (mut nudges, mut events, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
        let mut groups: HashSet<Correlation> = HashSet::new();
        for row in rows {
            match row.turn {
                Turn::Candidate(vendor, switch) if !candidates.contains(&(vendor, switch)) => {
                    candidates.push((vendor, switch));
                }
                Turn::Candidate(..) | Turn::Held => {
                    swept.held += 1;
                    continue;
                }
                Turn::Now => {}
            }
            // What shares a call shares a message: only the first of them needs room in the queue.
            if let What::Intent(nudge) = &row.what
                && nudge.shares_a_call()
                && groups.contains(&nudge.correlation_id)
            {
                nudges.push(nudge.clone());
                continue;
            }
            let Some(left) = self.routes.of(row.kind()).and_then(|url| room.get_mut(url)) else { continue };
            if *left > 0 {
                *left -= 1;
                match row.what {
                    What::Intent(nudge) => {
                        if nudge.shares_a_call() {
                            groups.insert(nudge.correlation_id.clone());
                        }
                        nudges.push(nudge);
                    }
                    What::Event(key) => events.push(Requeued::message(key)?),
                    What::Declined(_) => {}
                }
            }
        }
        swept.nudged = nudges.len() + events.len();
        let work = self.routes.inbound_work.as_deref().unwrap_or_default();
        let requeued = async { if events.is_empty() { Ok(()) } else { self.queues.send_all(work, events).await } };
        try_join(self.try_nudge(&nudges), requeued).await?;
        Ok(swept)
    }

    async fn due_rows(&self, vendors: &VendorStates) -> Result<Vec<Row>> {
        let shards = (0..IntentId::due_shards()).map(|shard| async move {
            // A row that cannot be read must not hide the others.
            let read = |item: &Item| {
                Row::of(item, vendors)
                    .inspect_err(|error| tracing::error!(error = %error.chain(), "a due row cannot be read"))
                    .ok()
            };
            // A backlog of one kind that its workers cannot do in a minute must not hide the others behind it.
            let mut found: HashMap<Kind, usize> = HashMap::new();
            let wanted = |row: &Row| {
                let so_far = found.entry(row.kind()).or_default();
                *so_far += usize::from(row.turn == Turn::Now);
                row.turn == Turn::Now && *so_far <= per_shard(row.kind())
            };
            let (pk, until) = (due_partition(shard), vendors.now);
            self.table.find_in_index(Index::ByDue, &pk, &until, ROWS_PER_SHARD, read, wanted).await
        });
        let shards: Result<Vec<Vec<Row>>> = join_all(shards).await.into_iter().collect();
        Ok(shards?.into_iter().flatten().collect())
    }

    /// How many more messages each queue should get that gets any.
    async fn room(&self, vendors: &VendorStates, rows: &[Row]) -> Result<HashMap<&str, usize>> {
        let moving = rows.iter().filter(|row| row.turn != Turn::Held);
        let wanted: HashSet<&str> = moving.filter_map(|row| self.routes.of(row.kind())).collect();
        let mut queues: BTreeMap<&str, usize> = BTreeMap::new();
        for kind in Kind::ALL {
            let Some(url) = self.routes.of(kind).filter(|url| wanted.contains(url)) else { continue };
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "thousands"
            )]
            let most = (kind.queue().per_minute() as f64 * vendors.ramp(kind)).ceil() as usize;
            queues.entry(url).and_modify(|so_far| *so_far = most.min(*so_far)).or_insert(most);
        }
        let depths = queues.into_iter().map(|(url, most)| async move {
            let visible = self.queues.visible(url).await?;
            Ok((url, most.saturating_sub(visible)))
        });
        join_all(depths).await.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, RAMP, RAMP_FROM, VendorStates};
    use crate::domain::Timestamp;
    use crate::gateway::Vendor;
    use crate::gateway::breaker::{Breaker, Switch};

    #[test]
    fn work_grows_again_for_those_only_whose_own_switch_was_open() {
        let closed_at = Timestamp::from_seconds(1_700_000_000);
        let mut closed = Breaker::default();
        closed.closed_at = Some(closed_at);
        let breakers = [((Vendor::SendGrid, Switch::MarketingKey), closed)].into();
        let mut vendors = VendorStates { now: closed_at, breakers, mail_fallback: None };
        let ramps =
            |vendors: &VendorStates| [Kind::MailPromotion, Kind::MailSend].map(|kind| vendors.ramp(kind).to_string());
        assert_eq!(ramps(&vendors), [RAMP_FROM.to_string(), "1".to_owned()]);
        vendors.now = closed_at.plus(RAMP);
        assert_eq!(ramps(&vendors), ["1", "1"]);
    }
}
