//! An event applied to its object: seen mark, status, timeline and follow-ups in one transaction.

use crate::aws::{Transacted, Write};
use crate::domain::Correlation;
use crate::effects::inbound::event::{Applied, Event};
use crate::effects::inbound::mark::{self, Mark, Once};
use crate::effects::inbound::provider::Lookup;
use crate::effects::inbound::target::{Target, is_all_known};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Intent, KEPT_AFTER, Phase};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::plan::{Context, Plan, Role};
use crate::effects::subject::Subject;
use crate::effects::subject::doubt::Difference;
use crate::effects::subject::payment::Payment;
use crate::effects::work::commit::Committed;
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::guard::{Guard, holds};

impl WorkList {
    /// Applies an event to its object, in one transaction with whatever makes it happen once.
    pub(super) async fn apply_to(
        &self,
        vendor: Vendor,
        event: &Event,
        target: Target,
        correlation: &Correlation,
        once: Once<'_>,
        provider: Option<&dyn Lookup>,
    ) -> Result<Applied> {
        let observed = match (&event.observed, &event.vendor_id, provider) {
            _ if is_known_by_now(event, &target.subject) => None,
            (Some(observed), Some(vendor_id), Some(provider)) if target.subject.ties_with(observed) => {
                // Rank decides when the vendor cannot be asked: an outage must not hold up its own events.
                let now = provider.fetch(vendor, vendor_id, correlation).await;
                now.map(|now| target.subject.said_last(now).in_place_of(observed)).or_else(|| event.observed.clone())
            }
            (observed, ..) => observed.clone(),
        };
        let correlation = target.intent.as_ref().map_or(correlation, |intent| &intent.correlation_id).clone();
        let context = self.context(vendor, event, correlation);
        let marks_first = matches!(once, Once::Mark) && !holds(Guard::SeenTogether);
        if marks_first {
            let (_, mark) = mark::once(&once, vendor, event, Some(&target.subject), &[], context.now)?;
            if let Transacted::Lost(_) = self.table.transact(&[mark]).await? {
                return Ok(Applied::Duplicate);
            }
        }
        let mut taken = None;
        let committed = loop {
            let plan = |subject: &Subject| -> Result<(Plan, Subject)> {
                let difference = taken.clone().or_else(|| {
                    subject.difference_of_object(&event.kind, event.vendor_id.as_deref(), event.part_of.as_deref())
                });
                let (mut plan, after) = match (difference, &observed) {
                    (Some(difference), _) => subject.doubted(&difference, &context)?,
                    (None, Some(observed)) => subject.observe(observed, &context)?,
                    (None, None) => (Plan::default(), subject.clone()),
                };
                if plan.doubt.is_none()
                    && let Some(write) = Self::done_by_event(target.intent.as_ref(), event, &context)?
                {
                    plan.writes.push((Role::Once, write));
                }
                if !marks_first {
                    let mark = mark::once(&once, vendor, event, Some(subject), &plan.nudges, context.now)?;
                    plan.writes.insert(0, mark);
                }
                Ok((plan, after))
            };
            match self.commit(target.subject.clone(), plan).await? {
                // What the vendor says of this object of ours it says of one that is another's.
                Committed::RefTaken if taken.is_none() => {
                    taken = Some(Difference::taken(&event.kind, event.vendor_id.as_deref()));
                }
                committed => break committed,
            }
        };
        match committed {
            Committed::Done(done) => {
                let (plan, _) = *done;
                futures_util::join!(self.nudge(&plan.nudges), self.requeue_waiting(&plan.learned));
                Ok(match (plan.doubt, &observed) {
                    (Some(_), _) => Applied::Doubted,
                    (None, Some(_)) => Applied::Written,
                    (None, None) => Applied::Recorded,
                })
            }
            Committed::Seen(item) => {
                let mark: Mark = item.parse()?;
                let again: Vec<Nudge> = mark
                    .follow_ups
                    .into_iter()
                    .map(|f| Nudge { intent_id: f.intent_id, kind: f.kind, correlation_id: f.correlation_id })
                    .collect();
                self.nudge(&again).await;
                Ok(Applied::Duplicate)
            }
            Committed::Fenced => Ok(Applied::Duplicate),
            Committed::RefTaken => Err(Error::bug("vendor_object_taken", vendor.as_str())),
        }
    }

    /// An event that carries our intent's id proves that the intent's effect happened. Where nobody is about to
    /// settle it, the event does.
    fn done_by_event(intent: Option<&Intent>, event: &Event, context: &Context) -> Result<Option<Write>> {
        let Some(intent) = intent.filter(|_| holds(Guard::KnownByEvent)) else { return Ok(None) };
        let open = matches!(intent.phase, Phase::Unknown | Phase::Resolving | Phase::Ready | Phase::Manual);
        if !intent.kind.creates() || !open || event.observed.is_none() {
            return Ok(None);
        }
        let write = Write::update(intent.key())
            .set("phase", &Phase::Done)?
            .set("vendor_id", &event.vendor_id)?
            .set("claims", &0)?
            .set("expires", &context.now.plus(KEPT_AFTER).seconds())?
            .remove("due_pk")
            .add("epoch", 1)
            .when("#phase = :phase AND #epoch = :epoch")
            .bind(":phase", &intent.phase)?
            .bind(":epoch", &intent.epoch)?;
        Ok(Some(write))
    }
}

/// Whether it says only that an object exists, which is known.
fn is_known_by_now(event: &Event, subject: &Subject) -> bool {
    event.introduces && subject.vendor_id().is_some()
}

/// Whether only the vendor can say what an event means: which of two open statuses of the same second is the later one, or
/// which refunds it tells of.
pub(super) fn leaves_open(event: &Event, subject: &Subject) -> bool {
    let is_tie = || {
        !is_known_by_now(event, subject) && event.observed.as_ref().is_some_and(|observed| subject.ties_with(observed))
    };
    let is_of_another = |payment: &Payment| payment.vendor_id.is_some() && payment.vendor_id != event.vendor_id;
    let asks_for_refunds =
        |payment: &Payment| event.refunded.is_some() && !is_of_another(payment) && !is_all_known(event, payment);
    let has_refunds = matches!(subject, Subject::Payment(payment) if asks_for_refunds(payment));
    has_refunds || event.vendor_id.is_some() && is_tie()
}
