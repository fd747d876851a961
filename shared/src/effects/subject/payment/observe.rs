//! How what somebody says of a payment changes it, and what follows.

use std::time::Duration;

use super::{Payment, key};
use crate::aws::Write;
use crate::domain::event::{DomainEvent, PaymentFailed, PaymentSucceeded};
use crate::domain::payment::{DeclineCode, PaymentStatus};
use crate::domain::status::{Move, Said, Status as _, decide, is_tie};
use crate::domain::{IntentId, Timestamp, follow_up};
use crate::effects::list::intent::{Data, Intent, PaymentAct};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{FailedAttempt, ObservedPayment, PaymentStanding};
use crate::effects::list::outcome::SAID_MEANWHILE;
use crate::effects::list::plan::{Charged, Context, Plan, Role, timeline_row};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::contact;
use crate::effects::subject::message::{Cause, Message};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition, holds};

/// The vendors' clocks show whole seconds.
const VENDOR_SECOND: Duration = Duration::from_secs(1);

/// Why we ask ourselves for a cancel.
const TAKEN_FOR_OVER: &str = "it was taken for over";

impl Payment {
    /// What follows when somebody says this of the payment.
    pub(crate) fn observe(&self, observed: &ObservedPayment, context: &Context) -> Result<(Plan, Self)> {
        let current = Said { status: self.status, vendor_at: self.vendor_at };
        let incoming = Said { status: observed.status, vendor_at: observed.vendor_at };
        if observed.asked_when.is_some_and(|known| self.was_told_meanwhile(&known, observed)) {
            return Err(Error::transient(SAID_MEANWHILE, "the vendor said something else in the same second"));
        }
        // The answer to our newest call, and nobody has said anything since it was made.
        let is_newest = observed.asked_when == Some(self.standing()) && !self.status.is_terminal();
        let advances = is_newest || decide(current, incoming) == Move::Advance;
        let moved = advances && observed.status != self.status;
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        if advances {
            after.status = observed.status;
            // What only a person says has no time of the vendor's, and gives way to it.
            let is_answer = is_newest && observed.vendor_at.is_some();
            after.vendor_at = if is_answer { observed.vendor_at.max(self.vendor_at) } else { observed.vendor_at };
            after.decline = observed.decline;
            after.next_action.clone_from(&observed.next_action);
        }
        if after.decline.is_none() && after.status == observed.status {
            // A repeated answer is as old as the payment, but it still tells why.
            after.decline = observed.decline;
        }
        if context.settles_confirm {
            after.confirms_settled += 1;
        }
        if context.gives_cancel_up {
            (after.cancel_requested, after.cancel_requested_at) = (false, None);
        }
        if after.client_secret.is_none() {
            after.client_secret.clone_from(&observed.client_secret);
        }
        if let (None, Some(vendor_id)) = (&self.vendor_id, &observed.vendor_id) {
            after.vendor = Some(context.source.to_owned());
            after.vendor_id = Some(vendor_id.clone());
            plan.learned = vec![(context.source, vendor_id.clone())];
            let at = key(&self.payment_id);
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.payment_id.as_str(), at)?);
        }
        if let (None, Some(settlement)) = (&self.settlement, &observed.settlement) {
            after.settlement = Some(*settlement);
            let detail = format!("{}, fee {}", settlement.amount, settlement.fee);
            let entry = self.entry("payment.settled", Some(detail), context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        } else if moved || (observed.vendor_at.is_some() && observed.settlement.is_none()) {
            let event = format!("payment.{}", observed.status.as_str());
            // A row that moved nothing says so: an answer and the event of the same fact both tell of it.
            let known = if advances { None } else { Some("already known") };
            let detail = observed.decline.map(DeclineCode::as_str).or(known).map(str::to_owned);
            let entry = self.entry(&event, detail, context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        }
        if moved && observed.status == PaymentStatus::Succeeded {
            if self.charge_is_unexpected(context) && holds(Guard::ChargeIsTold) {
                plan.charged_unexpectedly = Some(Charged {
                    payment_id: self.payment_id.clone(),
                    vendor: context.source,
                    order_id: self.order_id.clone(),
                    ordinal: self.ordinal,
                });
                let entry = self.entry("payment.charged_unexpectedly", Some(self.amount.to_string()), context);
                plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
            }
            after.refundable = Some(self.refundable.unwrap_or(0) + self.amount.value);
            self.plan_success(&mut plan, context)?;
        }
        // The answer to a confirm and the event of it tell of the same failed attempt, and both may come when the payment has
        // moved on.
        if advances || holds(Guard::EachFailureTold) {
            for FailedAttempt { attempt, code } in observed.failed_attempts() {
                let event = DomainEvent::PaymentFailed(PaymentFailed {
                    payment_id: self.payment_id.clone(),
                    order_id: self.order_id.clone(),
                    amount: self.amount,
                    code,
                });
                self.plan_publication(&mut plan, event, &format!("failed#{attempt}"), context)?;
            }
        }
        let is_new_there = self.vendor_id.is_none() && after.vendor_id.is_some();
        let is_another_case =
            moved && self.vendor_at.is_some() && after.vendor_at.is_some() && holds(Guard::CancelAgain);
        let comes_to_life = moved && self.status.is_over() && after.vendor_id.is_some() && !after.status.is_terminal();
        if comes_to_life && !after.cancel_requested && holds(Guard::OverIsOver) {
            // The shop was told that it is over, and may have begun another payment of the order since.
            after.cancel_requested = true;
            after.cancel_requested_at = after.cancel_requested_at.or(Some(context.now));
            let entry = self.entry("payment.cancel_requested", Some(TAKEN_FOR_OVER.to_owned()), context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        }
        let cancels = after.cancel_requested && !after.status.is_terminal() && !context.is_cancel;
        if cancels && after.vendor_id.is_some() && (is_new_there || is_another_case || comes_to_life) {
            // What the vendor did not cancel before, it may cancel now: that is another cancel.
            after.cancel_ordinal += u32::from(!is_new_there);
            let cancel = after.cancel_intent(context);
            plan.writes.push((Role::Once, Write::put_new(cancel.key(), &cancel)?));
            plan.nudges.push(Nudge::of(&cancel));
        }
        self.come_to(&mut after, &mut plan.measured, context.now);
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
    }

    /// Whether something was said since it stood so, and nothing tells whether that was before or after this.
    fn was_told_meanwhile(&self, known: &PaymentStanding, observed: &ObservedPayment) -> bool {
        let seconds = |at: Option<Timestamp>| at.map(Timestamp::seconds);
        let are_open = !self.status.is_terminal() && !observed.status.is_terminal();
        let differs = (self.status, self.decline) != (observed.status, observed.decline);
        *known != self.standing() && differs && are_open && seconds(self.vendor_at) >= seconds(observed.vendor_at)
    }

    fn plan_success(&self, plan: &mut Plan, context: &Context) -> Result<()> {
        let event = DomainEvent::PaymentSucceeded(PaymentSucceeded {
            payment_id: self.payment_id.clone(),
            order_id: self.order_id.clone(),
            amount: self.amount,
        });
        self.plan_publication(plan, event, PaymentStatus::Succeeded.as_str(), context)?;
        let look = self.settlement_intent(context);
        plan.writes.push((Role::Once, Write::put_new(look.key(), &look)?));
        plan.nudges.push(Nudge::of(&look));
        if self.names_payer {
            plan.writes.push((Role::Once, contact::paid(&self.contact_id, &self.payment_id)?));
        }
        if let Some(notice) = follow_up::mail_after_payment(PaymentStatus::Succeeded, self.amount) {
            let cause = Cause {
                object: self.payment_id.as_str(),
                reached: PaymentStatus::Succeeded.as_str(),
                order_id: Some(&self.order_id),
                contact_id: &self.contact_id,
                instead: None,
            };
            Message::plan(plan, &cause, notice, context)?;
        }
        Ok(())
    }

    /// The intent that looks up what this payment cost.
    fn settlement_intent(&self, context: &Context) -> Intent {
        let kind = self.kind(PaymentAct::Settlement);
        let id = IntentId::of(kind.as_str(), self.payment_id.as_str(), "");
        let data = Data::Payment { payment_id: self.payment_id.clone(), request: None };
        let order = Some(self.order_id.clone());
        Intent::new(id, kind, data, order, context.correlation.clone(), context.now)
    }

    fn plan_publication(&self, plan: &mut Plan, event: DomainEvent, reached: &str, context: &Context) -> Result<()> {
        let publish = self.publication(event, reached, context);
        plan.writes.push((Role::Once, Write::put_new(publish.key(), &publish)?));
        plan.nudges.push(Nudge::of(&publish));
        Ok(())
    }

    /// Whether nobody wants this payment charged any more, or we have said that it never will be. Who asks for a cancel and
    /// hears at once that it came too late knows it already.
    fn charge_is_unexpected(&self, context: &Context) -> bool {
        self.status.is_over() || self.cancel_requested && !context.asker_hears
    }

    /// The write that turns this payment into `after`, provided that nobody changed it since.
    fn write(&self, after: &Self) -> Result<Write> {
        // An addition, because refunds move it too, and without knowing the version.
        let captured = after.refundable.unwrap_or(0) - self.refundable.unwrap_or(0);
        let write = Write::update(key(&self.payment_id));
        let write = if captured == 0 { write } else { write.add("refundable", captured) };
        self.write_outcome(after, write)?
            .set("status", &after.status)?
            .set("vendor_at", &after.vendor_at)?
            .set("vendor", &after.vendor)?
            .set("vendor_id", &after.vendor_id)?
            .set("client_secret", &after.client_secret)?
            .set("next_action", &after.next_action)?
            .set("decline", &after.decline)?
            .set("settlement", &after.settlement)?
            .set("confirms_settled", &after.confirms_settled)?
            .set("cancel_requested", &after.cancel_requested)?
            .set("cancel_requested_at", &after.cancel_requested_at)?
            .set("cancel_ordinal", &after.cancel_ordinal)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }

    /// Whether this is another open status than the known one, of the same vendor second: only the vendor knows which is later.
    pub(crate) fn ties_with(&self, observed: &ObservedPayment) -> bool {
        is_tie(
            Said { status: self.status, vendor_at: self.vendor_at },
            Said { status: observed.status, vendor_at: observed.vendor_at },
        )
    }

    /// What the vendor answers now comes after all that it has said before, even when its clock shows the same second.
    pub(crate) fn said_last(&self, now: &mut ObservedPayment) {
        now.vendor_at = now.vendor_at.max(self.vendor_at.map(|before| before.plus(VENDOR_SECOND)));
    }
}
