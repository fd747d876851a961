//! Events from vendors, applied: seen mark, status, timeline and follow-ups in one transaction.
//!
//! An event is matched by our own id in the vendor's metadata, then by the vendor's id. One that matches nothing is
//! kept beside the place where that vendor id would be, and whoever writes that place looks for it.

mod foresee;
mod listed;
pub mod provider;
pub mod waiting;

use std::time::Duration;

pub use foresee::Foreseen;
use serde::{Deserialize, Serialize};

use crate::aws::{Key, Transacted, Write};
use crate::domain::status::{Said, is_tie};
use crate::domain::{Correlation, IntentId, RefundId, Timestamp};
use crate::effects::WorkList;
use crate::effects::inbound::provider::Provider;
use crate::effects::list::intent::{self, Intent, KEPT_AFTER, Kind, Phase};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::Observation;
use crate::effects::subject::doubt::{self, Difference};
use crate::effects::subject::payment::{Payment, VendorRef, ref_key};
use crate::effects::subject::refund::Refund;
use crate::effects::work::Subject;
use crate::effects::work::commit::{Committed, Context, Plan, Role};
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::guard::{Guard, condition, holds};
use crate::telemetry::fields;

/// The vendors' clocks show whole seconds.
const VENDOR_SECOND: Duration = Duration::from_secs(1);

/// A verified event, in our words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The vendor's id of the event.
    pub event_id: String,
    /// The vendor's name of what happened.
    pub kind: String,
    /// When the vendor says it happened.
    pub occurred_at: Timestamp,
    /// The deployment in the object's metadata, when it has one.
    pub stack: Option<String>,
    /// Our intent in the object's metadata, when it has one.
    pub intent_id: Option<IntentId>,
    /// The vendor's id of the object.
    pub vendor_id: Option<String>,
    /// The vendor's id of the payment that the object is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// That so much of the payment has gone back, in the vendor's units, and not by which refunds: they are to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<i64>,
    /// It says that the object exists, and what it says of it is news only where that was not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub introduces: bool,
    /// What it says of the object; `None` for types that we only record.
    pub seen: Option<Observation>,
    /// Where in the archive the webhook is that told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_key: Option<String>,
}

/// What applying an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its statement is written.
    Written,
    /// It was applied before; what is still due was nudged again.
    Duplicate,
    /// It matches nothing yet and is kept.
    Waiting,
    /// Recorded; there is nothing to apply.
    Recorded,
    /// It says of our object what that cannot be: kept for a person, and nothing moved.
    Doubted,
    /// It belongs to another deployment on the same vendor account.
    Foreign,
}

/// An event as it is recorded: the seen mark.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    #[serde(rename = "type")]
    item_type: String,
    vendor: String,
    kind: String,
    occurred_at: Timestamp,
    received_at: Timestamp,
    /// What it is about, by the vendor's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor_id: Option<String>,
    /// Where its bytes are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive_key: Option<String>,
    #[serde(default)]
    follow_ups: Vec<FollowUp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_pk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_sk: Option<String>,
    expires: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FollowUp {
    intent_id: IntentId,
    kind: Kind,
    correlation_id: Correlation,
}

/// What an event is about: the object, and the intent that it settles when nobody else can.
pub(crate) struct Target {
    pub(crate) subject: Subject,
    intent: Option<Intent>,
}

/// What makes applying it happen once.
pub(crate) enum Once<'a> {
    /// The seen mark.
    Mark,
    /// The waiting item, deleted with it.
    Waiting(&'a Key),
}

impl WorkList {
    /// Applies an event. `provider` is asked for the object when two of its open statuses carry the same second, and for
    /// a payment's refunds when all that is told is that there are some.
    pub async fn apply(
        &self,
        vendor: Vendor,
        event: Event,
        correlation: &Correlation,
        provider: &dyn Provider,
    ) -> Result<Applied> {
        if event.stack.as_deref().is_some_and(|stack| stack != self.stack.as_str()) {
            fields::count(self.world.now(), "events_of_other_stacks", &[("vendor", vendor.as_str())]);
            return Ok(Applied::Foreign);
        }
        // Becoming known in between is the only way to go round, and nothing becomes unknown again.
        for _ in 0..2 {
            let Some(target) = self.target(vendor, &event).await? else {
                match self.keep_waiting(vendor, &event, correlation).await? {
                    Some(applied) => return Ok(applied),
                    None => continue,
                }
            };
            if !self.refunds_taken(vendor, &event, &target, correlation, provider).await? {
                return self.keep_for_later(vendor, &event, correlation).await;
            }
            return self.apply_to(vendor, &event, target, correlation, Once::Mark, provider).await;
        }
        Err(Error::transient("object_contended", "the object became known and unknown again"))
    }

    pub(crate) async fn target(&self, vendor: Vendor, event: &Event) -> Result<Option<Target>> {
        if let Some(intent_id) = &event.intent_id
            && let Some(item) = self.table.get(&intent::key(intent_id)).await?
        {
            let intent: Intent = item.parse()?;
            if is_of(vendor, &intent) {
                let subject = self.subject(&intent).await?;
                return Ok(Some(Target { subject, intent: Some(intent) }));
            }
            // An event moves only what is its own vendor's.
            doubt::alarm_of_vendor(self.world.now(), vendor);
        }
        if let Some(Observation::Contact(seen)) = &event.seen {
            let contact = seen.contact_id.clone().map(Subject::Contact);
            return Ok(contact.map(|subject| Target { subject, intent: None }));
        }
        let Some(vendor_id) = &event.vendor_id else { return Ok(None) };
        let Some(named) = self.table.get(&ref_key(vendor.as_str(), vendor_id)).await? else {
            return self.adopted(vendor, event).await;
        };
        let named: VendorRef = named.parse()?;
        let Some(item) = self.table.get(&named.at).await? else { return Ok(None) };
        Ok(Some(Target { subject: Subject::stored(&item)?, intent: None }))
    }

    /// A refund that was made at the vendor, of a payment of ours: it becomes one of ours.
    async fn adopted(&self, vendor: Vendor, event: &Event) -> Result<Option<Target>> {
        let (Some(Observation::Refund(seen)), Some(vendor_id), Some(part_of)) =
            (&event.seen, &event.vendor_id, &event.part_of)
        else {
            return Ok(None);
        };
        let Some(amount) = seen.amount else { return Ok(None) };
        let Some(named) = self.table.get(&ref_key(vendor.as_str(), part_of)).await? else { return Ok(None) };
        let Some(item) = self.table.get(&named.parse::<VendorRef>()?.at).await? else { return Ok(None) };
        let payment: Payment = item.parse()?;
        if amount.currency != payment.amount.currency {
            // None of its sums can move by it: a person has to look.
            return Ok(Some(Target { subject: Subject::Payment(Box::new(payment)), intent: None }));
        }
        let context = self.context(vendor, event, payment.correlation_id.clone());
        let refund_id = RefundId::of_vendor(&payment.payment_id, vendor.as_str(), vendor_id);
        let mut refund = Refund::of(&payment, refund_id, amount, &context);
        refund.is_beyond = payment.refundable.is_some_and(|left| left < amount.value);
        Ok(Some(Target { subject: Subject::Refund(Box::new(refund)), intent: None }))
    }

    pub(crate) fn context(&self, vendor: Vendor, event: &Event, correlation: Correlation) -> Context {
        Context {
            now: self.world.now(),
            correlation,
            source: vendor.as_str(),
            occasion: event.event_id.clone(),
            settles_confirm: false,
            is_cancel: false,
            gives_cancel_up: false,
            asker_hears: false,
        }
    }

    pub(crate) async fn apply_to(
        &self,
        vendor: Vendor,
        event: &Event,
        target: Target,
        correlation: &Correlation,
        once: Once<'_>,
        provider: &dyn Provider,
    ) -> Result<Applied> {
        let seen = match (&event.seen, &event.vendor_id) {
            _ if event.introduces && target.subject.vendor_id().is_some() => None,
            (Some(seen), Some(vendor_id)) if ties(&target.subject, seen) => {
                // Rank decides when the vendor cannot be asked: an outage must not hold up its own events.
                let now = provider.fetch(vendor_id, correlation).await;
                now.map(|now| said_last(&target.subject, now).in_place_of(seen)).or_else(|| event.seen.clone())
            }
            (seen, _) => seen.clone(),
        };
        let correlation = target.intent.as_ref().map_or(correlation, |intent| &intent.correlation_id).clone();
        let context = self.context(vendor, event, correlation);
        let marks_first = matches!(once, Once::Mark) && !holds(Guard::SeenTogether);
        if marks_first {
            let (_, mark) = Self::once(&once, vendor, event, Some(&target.subject), &[], context.now)?;
            if let Transacted::Lost(_) = self.table.transact(&[mark]).await? {
                return Ok(Applied::Duplicate);
            }
        }
        let mut taken = None;
        let committed = loop {
            let plan = |subject: &Subject| -> Result<Plan> {
                let difference = taken.clone().or_else(|| {
                    Difference::of_object(subject, &event.kind, event.vendor_id.as_deref(), event.part_of.as_deref())
                });
                let mut plan = match (difference, &seen) {
                    (Some(difference), _) => difference.plan(subject, &context)?,
                    (None, Some(seen)) => subject.observe(seen, &context)?,
                    (None, None) => Plan::default(),
                };
                if plan.doubt.is_none()
                    && let Some(write) = Self::done_by_event(target.intent.as_ref(), event, &context)?
                {
                    plan.writes.push((Role::Once, write));
                }
                if !marks_first {
                    let mark = Self::once(&once, vendor, event, Some(subject), &plan.nudges, context.now)?;
                    plan.writes.insert(0, mark);
                }
                Ok(plan)
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
            Committed::Done(plan) => {
                futures_util::join!(self.nudge(&plan.nudges), self.requeue_waiting(plan.learned.as_ref()));
                Ok(match (plan.doubt, &seen) {
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

    pub(crate) fn once(
        once: &Once<'_>,
        vendor: Vendor,
        event: &Event,
        subject: Option<&Subject>,
        nudges: &[Nudge],
        now: Timestamp,
    ) -> Result<(Role, Write)> {
        if let Once::Waiting(key) = once {
            return Ok((Role::Fence, Write::delete((*key).clone()).when("attribute_exists(#pk)")));
        }
        let order_pk = subject.and_then(Subject::order_pk).map(str::to_owned);
        let mark = Mark {
            item_type: "event".to_owned(),
            vendor: vendor.as_str().to_owned(),
            kind: event.kind.clone(),
            occurred_at: event.occurred_at,
            received_at: now,
            vendor_id: event.vendor_id.clone(),
            archive_key: event.archive_key.clone(),
            follow_ups: nudges
                .iter()
                .map(|n| FollowUp {
                    intent_id: n.intent_id.clone(),
                    kind: n.kind,
                    correlation_id: n.correlation_id.clone(),
                })
                .collect(),
            order_sk: order_pk.as_ref().map(|_| format!("{:013}#{}", now.ms(), event.event_id)),
            order_pk,
            expires: now.plus(KEPT_AFTER).seconds(),
        };
        let key = Key::new(format!("EVENT#{}#{}", vendor.as_str(), event.event_id), "EVENT");
        let mark = Write::put(key, &mark)?.when(&condition(Guard::SeenMark, "attribute_not_exists(#pk)"));
        Ok((Role::Seen, mark))
    }

    /// An event that carries our intent's id proves that the intent's effect happened. Where nobody is about to
    /// settle it, the event does.
    fn done_by_event(intent: Option<&Intent>, event: &Event, context: &Context) -> Result<Option<Write>> {
        let Some(intent) = intent.filter(|_| holds(Guard::KnownByEvent)) else { return Ok(None) };
        let open = matches!(intent.phase, Phase::Unknown | Phase::Resolving | Phase::Ready | Phase::Manual);
        if !intent.kind.creates() || !open || event.seen.is_none() {
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

/// Whether this intent's effect is one of this vendor's, or of one that stands in for it.
fn is_of(vendor: Vendor, intent: &Intent) -> bool {
    match intent.kind.vendor() {
        Some(own) => own == vendor || (intent.kind.falls_back() && vendor == Vendor::Postmark),
        // Parcels: their object says which carrier's. Publications are nobody's.
        None => matches!(vendor, Vendor::Fedex | Vendor::Ups | Vendor::Dhl),
    }
}

/// What the vendor answers now comes after all that it has said before, even when its clock shows the same second.
fn said_last(subject: &Subject, mut now: Observation) -> Observation {
    if let (Subject::Payment(payment), Observation::Payment(seen)) = (subject, &mut now) {
        seen.vendor_at = seen.vendor_at.max(payment.vendor_at.map(|before| before.plus(VENDOR_SECOND)));
    }
    now
}

/// Two different open statuses of a payment in the same vendor second.
fn ties(subject: &Subject, seen: &Observation) -> bool {
    match (subject, seen) {
        (Subject::Payment(payment), Observation::Payment(seen)) => is_tie(
            Said { status: payment.status, vendor_at: payment.vendor_at },
            Said { status: seen.status, vendor_at: seen.vendor_at },
        ),
        _ => false,
    }
}
