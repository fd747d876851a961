//! The refund as an item: what is known of it, and how what somebody says changes it and its payment.
//!
//! The payment's two sums move in the transactions that move the refund, under the refund's own version: asking takes
//! the amount from `refundable`, failing gives it back, success counts it as refunded. They are additions, so refunds
//! of one payment do not get in each other's way.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::event::{DomainEvent, RefundOutcome, RefundProcessed, RefundRequested};
use crate::domain::refund::{RefundReason, RefundStatus};
use crate::domain::status::{Move, Said, decide};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{ContactId, Correlation, IntentId, Money, OrderId, PaymentId, RefundId, Timestamp, follow_up};
use crate::effects::list::intent::{Data, Intent, Kind, PaymentAct, order_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{Observation, ObservedRefund, VendorAmount};
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Measured, Plan, Role, timeline_row};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::doubt::{Difference, Doubted};
use crate::effects::subject::message::{Cause, Message};
use crate::effects::subject::payment::{self, Payment};
use crate::error::Result;
use crate::guard::{Guard, condition};
use crate::telemetry::metrics::Metric;

/// A refund, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// `ref_…`
    pub refund_id: RefundId,
    /// The payment it is part of.
    pub payment_id: PaymentId,
    /// The shop's order.
    pub order_id: OrderId,
    /// What goes back.
    pub amount: Money,
    /// Why, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RefundReason>,
    /// Where it stands.
    pub status: RefundStatus,
    /// The vendor's time of the status; absent while we say it ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// Grows with each change; 0 for a refund of the vendor's own that is about to be written.
    pub version: u64,
    /// The intent that makes it; none for one that was made at the vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent_id: Option<IntentId>,
    /// Who is written to.
    pub contact_id: ContactId,
    /// The Idempotency-Key that made it; kept for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_key: Option<String>,
    /// The hash of the request that made it; kept for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_hash: Option<String>,
    /// The payment provider's id of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_vendor_id: Option<String>,
    /// The payment provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Index by order.
    pub order_pk: String,
    /// Index by order.
    pub order_sk: String,
    /// More goes back than is left of the payment: it is written all the same, and somebody is told.
    #[serde(skip)]
    pub(crate) is_beyond: bool,
}

/// Where a refund lives: beside its payment.
pub fn key(payment: &PaymentId, id: &RefundId) -> Key {
    Key::new(format!("PAYMENT#{payment}"), format!("REFUND#{id}"))
}

impl Refund {
    /// A new refund of a payment, not written yet.
    pub(crate) fn of(payment: &Payment, refund_id: RefundId, amount: Money, context: &Context) -> Self {
        let now = context.now;
        Self {
            item_type: "refund".to_owned(),
            payment_id: payment.payment_id.clone(),
            order_id: payment.order_id.clone(),
            amount,
            reason: None,
            status: RefundStatus::Processing,
            vendor_at: None,
            version: 0,
            intent_id: None,
            contact_id: payment.contact_id.clone(),
            request_key: None,
            request_hash: None,
            payment_vendor_id: payment.vendor_id.clone(),
            vendor_id: None,
            correlation_id: context.correlation.clone(),
            created_at: now,
            updated_at: now,
            order_pk: order_partition(&payment.order_id),
            order_sk: format!("{:013}#{refund_id}", now.ms()),
            is_beyond: false,
            refund_id,
        }
    }

    /// Where this refund lives.
    pub fn key(&self) -> Key {
        key(&self.payment_id, &self.refund_id)
    }

    /// The refund as the API shows it.
    pub fn view(&self) -> Value {
        let mut view = json!({
            "refund_id": self.refund_id,
            "payment_id": self.payment_id,
            "order_id": self.order_id,
            "status": self.status,
            "amount": self.amount,
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        });
        if let Some(reason) = self.reason {
            view["reason"] = json!(reason);
        }
        view
    }

    /// What a new refund starts with besides itself: its timeline row and the publication of its domain event.
    pub(crate) fn requested(&self, context: &Context) -> Result<(Vec<Write>, Nudge)> {
        let event = DomainEvent::RefundRequested(RefundRequested {
            refund_id: self.refund_id.clone(),
            payment_id: self.payment_id.clone(),
            order_id: self.order_id.clone(),
            amount: self.amount,
        });
        let publish = self.publication(event, "requested", context);
        let entry = self.entry("refund.requested", Some(self.amount.to_string()), context);
        let (_, row) = timeline_row(&self.order_id, &entry, &context.occasion)?;
        Ok((vec![row, Write::put_new(publish.key(), &publish)?], Nudge::of(&publish)))
    }

    /// What follows when somebody says this of the refund.
    pub(crate) fn observe(&self, observed: &ObservedRefund, context: &Context) -> Result<(Plan, Self)> {
        let is_new = self.version == 0;
        let current = Said { status: self.status, vendor_at: self.vendor_at };
        let incoming = Said { status: observed.status, vendor_at: observed.vendor_at };
        let advances = decide(current, incoming) == Move::Advance;
        let moved = advances && observed.status != self.status;
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        if advances {
            after.status = observed.status;
            after.vendor_at = observed.vendor_at;
        }
        if let (None, Some(vendor_id)) = (&self.vendor_id, &observed.vendor_id) {
            after.vendor_id = Some(vendor_id.clone());
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.refund_id.as_str(), self.key())?);
        }
        if moved || observed.vendor_at.is_some() {
            let detail = match (is_new, advances) {
                (true, _) => format!("{}, made at the vendor", self.amount),
                (false, true) => self.amount.to_string(),
                (false, false) => "already known".to_owned(),
            };
            let entry = self.entry(&format!("refund.{}", observed.status.as_str()), Some(detail), context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        }
        if moved {
            if matches!(observed.status, RefundStatus::Succeeded | RefundStatus::Failed | RefundStatus::Canceled) {
                plan.measured.push(Measured::one_of(Metric::Refunds, observed.status.as_str()));
            }
            self.plan_end(&mut plan, observed.status, context)?;
        }
        plan.writes.extend(self.sums(&after, context)?);
        plan.refunded_beyond = self.is_beyond.then(|| (context.source, self.payment_id.clone()));
        plan.writes.push((Role::Object, self.write(&mut after)?));
        Ok((plan, after))
    }

    /// What differs between this refund and what is said of it.
    pub(crate) fn difference(&self, observed: &Observation) -> Option<Difference> {
        let Observation::Refund(observed) = observed else { return Difference::of_kinds(observed) };
        let (vendor_id, status) = (observed.vendor_id.as_deref(), observed.status.as_str());
        // A vendor always names the amount; who does not is a person, or ourselves.
        let told = observed.vendor_at.map(|_| observed.amount.map_or(VendorAmount::Unreadable, VendorAmount::Amount));
        let amount = || Difference::of_amounts(self.amount, told?, vendor_id, status);
        Difference::of_ids(self.vendor_id.as_deref(), vendor_id, status).or_else(amount)
    }

    /// The same for an event that says nothing of a status: only which refund it is about, and of which payment.
    pub(crate) fn difference_of_object(
        &self,
        kind: &str,
        vendor_id: Option<&str>,
        part_of: Option<&str>,
    ) -> Option<Difference> {
        let (known, said) = (self.payment_vendor_id.as_deref()?, part_of?);
        let id = || Difference::of_ids(self.vendor_id.as_deref(), vendor_id, kind);
        Difference::of_payments(known, said, vendor_id, kind).or_else(id)
    }

    /// What is written when something is said of it that it cannot be.
    pub(crate) fn doubted(&self, difference: &Difference, context: &Context) -> Result<Plan> {
        let object = self.refund_id.as_str();
        difference.plan(&Doubted { object, order_id: Some(&self.order_id), event: "refund.in_doubt" }, context)
    }

    /// What a verdict says of a refund where the vendor has said nothing of the object.
    pub(crate) fn statement(kind: Kind, verdict: &Verdict) -> Option<Observation> {
        if kind.payment_act() != Some(PaymentAct::Refund) {
            return None;
        }
        let status = match verdict {
            Verdict::Done => return None,
            Verdict::Refused { .. } => RefundStatus::Failed,
            Verdict::NotDone { .. } | Verdict::ProbablyNotDone { .. } | Verdict::Absent => RefundStatus::Deferred,
            Verdict::Unknown { .. } => RefundStatus::Processing,
            Verdict::GivenUp { .. } => RefundStatus::Manual,
        };
        Some(Observation::Refund(ObservedRefund::ours(status)))
    }

    /// "It exists, under this id".
    pub(crate) fn named(vendor_id: &str) -> Observation {
        let vendor_id = Some(vendor_id.to_owned());
        Observation::Refund(ObservedRefund { vendor_id, ..ObservedRefund::ours(RefundStatus::Processing) })
    }

    /// What a refund's coming to an end sends.
    fn plan_end(&self, plan: &mut Plan, reached: RefundStatus, context: &Context) -> Result<()> {
        let outcome = match reached {
            RefundStatus::Succeeded => RefundOutcome::Succeeded,
            RefundStatus::Failed | RefundStatus::Canceled => RefundOutcome::Failed,
            RefundStatus::Processing | RefundStatus::Deferred | RefundStatus::Manual => return Ok(()),
        };
        let event = DomainEvent::RefundProcessed(RefundProcessed {
            refund_id: self.refund_id.clone(),
            payment_id: self.payment_id.clone(),
            order_id: self.order_id.clone(),
            amount: self.amount,
            outcome,
        });
        let publish = self.publication(event, reached.as_str(), context);
        plan.writes.push((Role::Once, Write::put_new(publish.key(), &publish)?));
        plan.nudges.push(Nudge::of(&publish));
        if let Some(notice) = follow_up::mail_after_refund(reached, self.amount) {
            let cause = Cause {
                object: self.refund_id.as_str(),
                reached: reached.as_str(),
                order_id: Some(&self.order_id),
                contact_id: &self.contact_id,
                instead: None,
            };
            Message::plan(plan, &cause, notice, context)?;
        }
        Ok(())
    }

    /// How the payment's two sums change when the refund becomes `after`.
    fn sums(&self, after: &Self, context: &Context) -> Result<Option<(Role, Write)>> {
        let amount = self.amount.value;
        // A refund that nobody reserved takes its amount when it is first heard of.
        let taken_before = i64::from(self.version > 0 && !self.status.gives_back());
        let refunded_before = i64::from(self.status == RefundStatus::Succeeded);
        let taken = i64::from(!after.status.gives_back()) - taken_before;
        let refunded = i64::from(after.status == RefundStatus::Succeeded) - refunded_before;
        if taken == 0 && refunded == 0 {
            return Ok(None);
        }
        let write = Write::update(payment::key(&self.payment_id))
            .add("refundable", -taken * amount)
            .add("amount_refunded", refunded * amount)
            .set("updated_at", &context.now)?
            .when("attribute_exists(#pk)");
        if taken <= 0 || self.is_beyond {
            return Ok(Some((Role::Sum, write)));
        }
        let write =
            write.when("attribute_not_exists(#refundable) OR #refundable >= :amount").bind(":amount", &amount)?;
        Ok(Some((Role::Sum, write)))
    }

    /// The write that turns this refund into `after`, provided that nobody changed it since.
    fn write(&self, after: &mut Self) -> Result<Write> {
        after.version += 1;
        if self.version == 0 {
            return Write::put_new(self.key(), after);
        }
        Write::update(self.key())
            .set("status", &after.status)?
            .set("vendor_at", &after.vendor_at)?
            .set("vendor_id", &after.vendor_id)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }

    fn publication(&self, event: DomainEvent, reached: &str, context: &Context) -> Intent {
        let id = IntentId::of(Kind::Publish.as_str(), self.refund_id.as_str(), reached);
        let data = Data::Publish { event_id: event.id(reached), at: context.now, event };
        Intent::new(id, Kind::Publish, data, Some(self.order_id.clone()), context.correlation.clone(), context.now)
    }

    fn entry(&self, event: &str, detail: Option<String>, context: &Context) -> TimelineEntry {
        TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.refund_id.to_string(),
            detail,
            source: context.source.to_owned(),
            asked_by: context.asked_by.clone(),
        }
    }
}
