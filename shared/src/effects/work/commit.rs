//! The transaction that settle and event-processor write: the outcome, the object's status, the timeline row, the
//! vendor's id and the intents that follow stand or fall together.
//!
//! When the object was changed by somebody else in between, the plan is made anew on the object as it is now: a
//! status that lost is then old news, and what would have followed from it is left out.

use std::collections::HashSet;

use crate::aws::{Item, Key, Transacted, Write};
use crate::domain::Timestamp;
use crate::effects::list::WorkList;
use crate::effects::list::plan::{Plan, Role};
use crate::effects::subject::{Subject, doubt};
use crate::error::{Error, Result};
use crate::guard::{Guard, holds};
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;

/// Plans made for one commit before it counts as a failure. Each round means that another writer won.
const ROUNDS_MAX: u32 = 6;

/// Tells whoever is on call, before it is written: who dies afterwards finds it known, and would tell nobody. Twice does no
/// harm.
fn alarm(plan: &Plan, now: Timestamp) -> bool {
    if let Some(charged) = &plan.charged_unexpectedly {
        Metric::ChargedUnexpectedly.count(now, &[]);
        tracing::error!(
            { fields::VENDOR } = charged.vendor,
            payment.id = charged.payment_id.as_str(),
            "a payment was charged that was to be canceled, or that we took for over: somebody has to decide on a refund"
        );
    }
    if let Some((vendor, why)) = plan.doubt {
        doubt::alarm(now, vendor, why);
    }
    if let Some((vendor, payment_id)) = &plan.refunded_beyond {
        // Whatever we reserved and the vendor refused will be given back; until then a person should look.
        Metric::RefundsBeyondThePayment.count(now, &[]);
        tracing::error!(
            { fields::VENDOR } = *vendor,
            payment.id = payment_id.as_str(),
            "more was refunded at the vendor than was left of the payment: a person has to look"
        );
    }
    plan.charged_unexpectedly.is_some() || plan.doubt.is_some() || plan.refunded_beyond.is_some()
}

/// Counts what is true once the plan is written.
fn count(plan: &Plan, now: Timestamp) {
    if let Some((carrier, delay)) = plan.scan_known_after {
        Metric::TrackingDelaySeconds.record(now, delay.as_secs_f64(), &[carrier.as_str()]);
    }
    plan.measured.iter().for_each(|measured| measured.write(now));
}

/// What a commit came to.
#[derive(Debug)]
pub(crate) enum Committed {
    /// Written: the plan, and the object as it is now.
    Done(Box<(Plan, Subject)>),
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
        plan: impl Fn(&Subject) -> Result<(Plan, Subject)>,
    ) -> Result<Committed> {
        let mut there: HashSet<Key> = HashSet::new();
        let mut is_told = false;
        for _ in 0..ROUNDS_MAX {
            let (mut planned, after) = plan(&subject)?;
            is_told = is_told || alarm(&planned, self.world.now());
            if let Some(charged) = planned.charged_unexpectedly.clone().filter(|_| holds(Guard::OnePaysOnly)) {
                // On the heap: it is seldom needed, and part of every future that settles.
                Box::pin(self.call_off_later_payments(&charged, &mut planned)).await?;
            }
            planned
                .writes
                .retain(|(role, write)| !matches!(role, Role::Once | Role::Ref) || !there.contains(write.key()));
            let mut writes: Vec<&Write> = planned.writes.iter().map(|(_, write)| write).collect();
            let mut afterwards = Vec::new();
            if !holds(Guard::FollowUpsTogether) {
                let follows = |write: &&Write| write.key().pk.starts_with("INTENT#") && write.is_put();
                (afterwards, writes) = writes.into_iter().partition(follows);
            }
            let lost = match self.table.transact_all(&writes).await? {
                Transacted::Done => {
                    for write in afterwards {
                        self.table.transact_all(&[write]).await?;
                    }
                    count(&planned, self.world.now());
                    return Ok(Committed::Done(Box::new((planned, after))));
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
                        return Err(Error::bug("item_vanished", format!("{role:?} {}", obstacle.key.logged())));
                    }
                }
            }
        }
        Err(Error::transient("object_contended", "others kept changing the object"))
    }
}
