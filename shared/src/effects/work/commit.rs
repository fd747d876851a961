//! The transaction that settle and event-processor write: the outcome, the object's status, the timeline row, the
//! vendor's id and the intents that follow stand or fall together.
//!
//! When the object was changed by somebody else in between, the plan is made anew on the object as it is now: a
//! status that lost is then old news, and what would have followed from it is left out.

use std::collections::HashSet;
use std::time::Duration;

use crate::aws::{Item, Key, Transacted, Write};
use crate::domain::shipping::Carrier;
use crate::domain::timeline::TimelineEntry;
use crate::domain::{Correlation, OrderId, PaymentId, Timestamp};
use crate::effects::WorkList;
use crate::effects::list::nudge::Nudge;
use crate::effects::work::Subject;
use crate::error::{Error, Result};
use crate::guard::{Guard, holds};
use crate::telemetry::fields;

/// Plans made for one commit before it counts as a failure. Each round means that another writer won.
const ROUNDS_MAX: u32 = 6;

/// Who says it, when, and because of what.
#[derive(Clone, Debug)]
pub struct Context {
    /// When we learned of it.
    pub now: Timestamp,
    /// Ties together what one request caused.
    pub correlation: Correlation,
    /// A vendor's name, or `crossdock`.
    pub source: &'static str,
    /// Makes the timeline row's key unique: an event id, or intent and epoch.
    pub occasion: String,
    /// It settles a confirm of a payment, so that the next confirm is another intent.
    pub settles_confirm: bool,
    /// It comes from a cancel of a payment, which goes on or is over: no other one follows from it.
    pub is_cancel: bool,
    /// A person has decided that what was to be canceled is not: it is as if nobody had asked.
    pub gives_cancel_up: bool,
    /// Whoever asks for the cancel waits for what this comes to, and is told.
    pub asker_hears: bool,
}

impl Context {
    /// What a caller of ours asks for.
    pub(crate) fn ours(now: Timestamp, correlation: &Correlation, occasion: String) -> Self {
        Self {
            now,
            correlation: correlation.clone(),
            source: "crossdock",
            occasion,
            settles_confirm: false,
            is_cancel: false,
            gives_cancel_up: false,
            asker_hears: false,
        }
    }
}

/// What a write is for, which decides what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The claim's fence: lost means that the claim is no longer ours.
    Fence,
    /// An event's seen mark: lost means that it was applied before.
    Seen,
    /// The object's new state: lost means that somebody else changed it.
    Object,
    /// A vendor's id of ours: lost means that it belongs to something.
    Ref,
    /// A row, message or intent that may be there already.
    Once,
    /// What is written of another object with it: lost means that somebody else changed that.
    Beside,
    /// An addition to another item, or a renewal of one: whatever that item is, it fits, but for a refund of more than is left.
    Sum,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<(Role, Write)>,
    pub(crate) nudges: Vec<Nudge>,
    /// The object as it will be.
    pub(crate) after: Option<Subject>,
    /// A vendor id is learned: events may be waiting for it.
    pub(crate) learned: Option<(&'static str, String)>,
    /// A scan moves a shipment's status: whose, and how long after it we know.
    pub(crate) scan_known_after: Option<(Carrier, Duration)>,
    /// Money was taken of which we thought that it would not be: what else was begun of the order is called off.
    pub(crate) charged_unexpectedly: Option<Charged>,
    /// More of a payment has gone back than was left of it: says who, and of which.
    pub(crate) refunded_beyond: Option<(&'static str, PaymentId)>,
    /// Who says it, and why it is not believed: then the plan writes down that it was said, and moves nothing.
    pub(crate) doubt: Option<(&'static str, &'static str)>,
}

/// A payment that was charged.
#[derive(Clone, Debug)]
pub(crate) struct Charged {
    pub(crate) payment_id: PaymentId,
    /// By whom.
    pub(crate) vendor: &'static str,
    pub(crate) order_id: OrderId,
    /// The order's n-th payment.
    pub(crate) ordinal: u32,
}

impl Charged {
    /// Tells whoever is on call.
    fn alarm(&self, now: Timestamp) {
        fields::alert(now, "charged_unexpectedly", 1.0, "Count", &[("vendor", self.vendor)]);
        tracing::error!(
            payment.id = self.payment_id.as_str(),
            "a payment was charged that was to be canceled, or that we took for over: somebody has to decide on a refund"
        );
    }
}

impl Plan {
    /// Tells whoever is on call, before it is written: who dies afterwards finds it known, and would tell nobody. Twice does no
    /// harm.
    fn alarm(&self, now: Timestamp) -> bool {
        if let Some(charged) = &self.charged_unexpectedly {
            charged.alarm(now);
        }
        if let Some((vendor, why)) = self.doubt {
            crate::effects::subject::doubt::alarm(now, vendor, why);
        }
        if let Some((vendor, payment_id)) = &self.refunded_beyond {
            // Whatever we reserved and the vendor refused will be given back; until then a person should look.
            fields::alert(now, "refunds_beyond_the_payment", 1.0, "Count", &[("vendor", vendor)]);
            tracing::error!(
                payment.id = payment_id.as_str(),
                "more was refunded at the vendor than was left of the payment: a person has to look"
            );
        }
        self.charged_unexpectedly.is_some() || self.doubt.is_some() || self.refunded_beyond.is_some()
    }

    /// Counts what is true once the plan is written.
    fn count(&self, now: Timestamp) {
        if let Some((carrier, delay)) = self.scan_known_after {
            let dimensions = [("vendor", carrier.as_str())];
            fields::metric(now, &dimensions, &[("tracking_update_delay", delay.as_secs_f64(), "Seconds")]);
        }
    }
}

#[derive(Debug)]
pub(crate) enum Committed {
    Done(Box<Plan>),
    /// The fence did not hold: what somebody else wrote since stands.
    Fenced,
    /// The event was applied before.
    Seen(Item),
    /// The vendor's id belongs to something else.
    RefTaken,
}

impl WorkList {
    /// Plans on the subject as it is, writes, and plans again as long as somebody else was faster.
    pub(crate) async fn commit(
        &self,
        mut subject: Subject,
        plan: impl Fn(&Subject) -> Result<Plan>,
    ) -> Result<Committed> {
        let mut there: HashSet<Key> = HashSet::new();
        let mut is_told = false;
        for _ in 0..ROUNDS_MAX {
            let mut planned = plan(&subject)?;
            is_told = is_told || planned.alarm(self.world.now());
            if let Some(charged) = planned.charged_unexpectedly.clone().filter(|_| holds(Guard::OnePaysOnly)) {
                // On the heap: it is seldom needed, and part of every future that settles.
                Box::pin(self.call_off_later_payments(&charged, &mut planned)).await?;
            }
            planned
                .writes
                .retain(|(role, write)| !matches!(role, Role::Once | Role::Ref) || !there.contains(write.key()));
            let mut writes: Vec<Write> = planned.writes.iter().map(|(_, write)| write.clone()).collect();
            let mut afterwards = Vec::new();
            if !holds(Guard::FollowUpsTogether) {
                let follows = |write: &Write| write.key().pk.starts_with("INTENT#") && write.is_put();
                (afterwards, writes) = writes.into_iter().partition(follows);
            }
            let lost = match self.table.transact(&writes).await? {
                Transacted::Done => {
                    for write in afterwards {
                        self.table.transact(&[write]).await?;
                    }
                    planned.count(self.world.now());
                    return Ok(Committed::Done(Box::new(planned)));
                }
                Transacted::Lost(obstacles) => obstacles,
            };
            for obstacle in lost {
                let role = planned.writes[obstacle.index].0;
                match (role, obstacle.item) {
                    (Role::Fence, _) => return Ok(Committed::Fenced),
                    (Role::Seen, Some(item)) => return Ok(Committed::Seen(item)),
                    (Role::Object, Some(item)) => subject.replace(&item)?,
                    (Role::Ref, Some(item)) if !subject.is_named_by(&item) => return Ok(Committed::RefTaken),
                    // It is read again.
                    (Role::Beside, _) => {}
                    (Role::Once | Role::Ref, _) => {
                        there.insert(obstacle.key);
                    }
                    // There is less left than goes back. What the vendor has done it has done: it is told, and written.
                    (Role::Sum, Some(_)) if subject.goes_beyond() => {}
                    // Its only other condition is that the item is there.
                    (role @ Role::Sum, Some(_)) | (role, None) => {
                        return Err(Error::bug("item_vanished", format!("{role:?} {}", obstacle.key.pk)));
                    }
                }
            }
        }
        Err(Error::transient("object_contended", "others kept changing the object"))
    }
}

/// A timeline row. Its key holds time and occasion, so the same occasion never makes two rows. Of rows of the same
/// millisecond those about messages come last: what follows from a payment or refund is read after it.
pub(crate) fn timeline_row(order: &OrderId, entry: &TimelineEntry, occasion: &str) -> Result<(Role, Write)> {
    timeline_row_in(crate::effects::list::intent::order_partition(order), entry, occasion)
}

/// The same in the partition of something that belongs to no order.
pub(crate) fn timeline_row_in(partition: String, entry: &TimelineEntry, occasion: &str) -> Result<(Role, Write)> {
    let at = entry.at.ms();
    let id = crate::domain::id::digest(&[occasion, &entry.event, &entry.object]);
    let key = Key::new(partition, format!("T#{at:013}#{}{id}", u8::from(entry.object.starts_with("msg_"))));
    Ok((Role::Once, Write::put_new(key, entry)?))
}
