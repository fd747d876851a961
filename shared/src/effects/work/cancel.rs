//! A cancel: before anything was sent, at the vendor, or as soon as it is known what there is to cancel.

use crate::aws::{Transacted, Write};
use crate::domain::payment::PaymentStatus;
use crate::domain::status::Status as _;
use crate::domain::{Correlation, IntentId, PaymentId, Private};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Intent, Phase};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::ObservedPayment;
use crate::effects::list::plan::{Charged, Context, Plan, Role, timeline_row};
use crate::effects::list::reason::Reason;
use crate::effects::subject::payment::{self, ORDINAL_MAX, Payment};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition, holds};

/// Looks at a payment that others keep changing.
const ROUNDS_MAX: u32 = 4;

/// What asking for a cancel came to.
#[derive(Debug)]
pub enum Cancel {
    /// Canceled: nothing was ever sent, or it was canceled before.
    Canceled(Box<Payment>),
    /// This intent cancels it at the vendor.
    AtVendor(IntentId),
    /// It will be canceled as soon as it is known what there is to cancel.
    Requested(Box<Payment>),
}

impl WorkList {
    /// Asks for a cancel.
    ///
    /// # Errors
    /// 409 `payment_already_succeeded`.
    pub async fn cancel_payment(
        &self,
        id: &PaymentId,
        asked_by: Option<&Private<String>>,
        correlation: &Correlation,
    ) -> Result<Cancel> {
        for _ in 0..ROUNDS_MAX {
            let payment = self.payment(id).await?;
            match payment.status {
                PaymentStatus::Succeeded => {
                    return Err(Error::rejected(
                        409,
                        "payment_already_succeeded",
                        "The payment has already succeeded.",
                    ));
                }
                PaymentStatus::Canceled | PaymentStatus::Failed => return Ok(Cancel::Canceled(Box::new(payment))),
                _ => {}
            }
            let context = Context::ours(self.world.now(), correlation, format!("cancel/{id}/{}", payment.version))
                .asked_by(asked_by);
            if payment.vendor_id.is_some() {
                match self.cancel_at_vendor(payment, &context).await? {
                    Some(intent_id) => return Ok(Cancel::AtVendor(intent_id)),
                    None => continue,
                }
            }
            if holds(Guard::CancelFirst)
                && let Some(canceled) = self.cancel_unsent(&payment, &context).await?
            {
                return Ok(Cancel::Canceled(canceled));
            }
            if payment.cancel_requested {
                return Ok(Cancel::Requested(Box::new(payment)));
            }
            let write = asked_for(&payment, &context)?.when("attribute_not_exists(#vendor_id)");
            let row = asked_row(&payment, &context)?;
            if let Transacted::Done = self.table.transact(&[write, row]).await? {
                let asked = Payment { cancel_requested: true, version: payment.version + 1, ..payment };
                return Ok(Cancel::Requested(Box::new(asked)));
            }
        }
        Err(Error::transient("object_contended", "others kept changing the payment"))
    }

    /// The order is paid, although we had said that this payment was over: whatever was begun since is called off in the same
    /// transaction, and nothing can be begun meanwhile.
    pub(crate) async fn call_off_later_payments(&self, charged: &Charged, plan: &mut Plan) -> Result<()> {
        for ordinal in charged.ordinal + 1..=ORDINAL_MAX {
            let at = payment::key(&PaymentId::nth(&self.stack, &charged.order_id, ordinal));
            let Some(later) = self.table.get(&at).await? else {
                plan.writes.push((Role::Beside, Write::check(at).when("attribute_not_exists(#pk)")));
                return Ok(());
            };
            let later: Payment = later.parse()?;
            if later.status.is_over() || later.status.is_terminal() {
                continue;
            }
            let occasion = format!("cancel/{}/{}", later.payment_id, later.version);
            let context = Context::ours(self.world.now(), &later.correlation_id, occasion);
            let writes = if later.vendor_id.is_some() {
                let (writes, cancel) = self.canceling_at_vendor(later, &context).await?;
                plan.nudges.push(Nudge::of(&cancel));
                writes
            } else {
                // Whoever has its create looks at this before they call.
                vec![asked_for(&later, &context)?, asked_row(&later, &context)?]
            };
            plan.writes.extend(writes.into_iter().map(|write| (Role::Beside, write)));
        }
        Ok(())
    }

    /// Puts the cancel into the list, and takes a confirm out of it that was not sent yet. `None` when the payment has
    /// changed meanwhile.
    async fn cancel_at_vendor(&self, payment: Payment, context: &Context) -> Result<Option<IntentId>> {
        let (writes, cancel) = self.canceling_at_vendor(payment, context).await?;
        if writes.is_empty() {
            return Ok(Some(cancel.intent_id));
        }
        Ok(match self.table.transact(&writes).await? {
            Transacted::Done => Some(cancel.intent_id),
            Transacted::Lost(_) => None,
        })
    }

    /// The cancel of a payment that the vendor knows, and the writes that put it into the list; none when it is there.
    async fn canceling_at_vendor(&self, mut payment: Payment, context: &Context) -> Result<(Vec<Write>, Intent)> {
        let confirm = intent::key(&payment.confirm_intent_id());
        let keys = [payment.cancel_intent(context).key(), confirm];
        let mut found = self.table.get_many(&keys).await?.into_iter();
        let before: Option<Intent> = found.next().flatten().map(|item| item.parse()).transpose()?;
        let confirm: Option<Intent> = found.next().flatten().map(|item| item.parse()).transpose()?;
        let is_under_way = before.as_ref().is_some_and(|before| !before.phase.is_settled());
        // One that was settled, and the payment is not canceled: it came to nothing.
        let came_to_nothing = before.is_some() && !is_under_way && holds(Guard::CancelAgain);
        payment.cancel_ordinal += u32::from(came_to_nothing);
        let cancel = payment.cancel_intent(context);
        if payment.cancel_requested && before.is_some() && !came_to_nothing {
            return Ok((Vec::new(), cancel));
        }
        let flag = asked_for(&payment, context)?.set("cancel_ordinal", &payment.cancel_ordinal)?;
        let mut writes = vec![flag, asked_row(&payment, context)?];
        if before.is_none() || came_to_nothing {
            writes.push(Write::put_new(cancel.key(), &cancel)?);
        }
        if let Some(confirm) =
            confirm.filter(|confirm| confirm.phase == Phase::Ready && confirm.was_certainly_not_called(confirm.epoch))
            && holds(Guard::CancelStopsConfirm)
        {
            writes.push(refused(&confirm, context)?);
        }
        Ok((writes, cancel))
    }

    /// Certainly not called: refused as canceled in one transaction, before anything is sent.
    async fn cancel_unsent(&self, payment: &Payment, context: &Context) -> Result<Option<Box<Payment>>> {
        let observed = ObservedPayment::ours(PaymentStatus::Canceled);
        // If the vendor has made something of it all the same, that is canceled when it is heard of.
        let asked_at = payment.cancel_requested_at.or(Some(context.now));
        let payment = Payment { cancel_requested: true, cancel_requested_at: asked_at, ..payment.clone() };
        let (plan, after) = payment.observe(&observed, context)?;
        let key = intent::key(&payment.intent_id);
        // What waits for a person may be of unknown outcome, unless no call was ever begun.
        // As `Intent::was_certainly_not_called`.
        let never_done = "(#phase = :ready AND (attribute_not_exists(#in_doubt) OR #in_doubt = :no) AND \
                          (attribute_not_exists(#first_called_at) OR #undone_epoch = #epoch)) OR \
                          (#phase = :manual AND attribute_not_exists(#first_called_at))";
        let refuse = refuse(key, context)?
            .when(&condition(Guard::CancelUnsent, never_done))
            .bind(":ready", &Phase::Ready)?
            .bind(":manual", &Phase::Manual)?
            .bind(":no", &false)?;
        let mut writes = vec![refuse];
        writes.extend(plan.writes.into_iter().map(|(_, write)| write));
        match self.table.transact(&writes).await? {
            Transacted::Done => Ok(Some(Box::new(after))),
            Transacted::Lost(_) => Ok(None),
        }
    }
}

/// The write that says of a payment that somebody wants it canceled, provided that nobody changed it since.
fn asked_for(payment: &Payment, context: &Context) -> Result<Write> {
    Write::update(payment::key(&payment.payment_id))
        .set("cancel_requested", &true)?
        .set_if_absent("cancel_requested_at", &context.now)?
        .set("updated_at", &context.now)?
        .add("version", 1)
        .when("#version = :version")
        .bind(":version", &payment.version)
}

fn asked_row(payment: &Payment, context: &Context) -> Result<Write> {
    let entry = payment.entry("payment.cancel_requested", None, context);
    Ok(timeline_row(&payment.order_id, &entry, &context.occasion)?.1)
}

/// Takes an intent out of the list that is READY, and as it was found.
fn refused(found: &Intent, context: &Context) -> Result<Write> {
    refuse(found.key(), context)?
        .when("#phase = :ready AND #epoch = :epoch")
        .bind(":ready", &Phase::Ready)?
        .bind(":epoch", &found.epoch)
}

fn refuse(key: crate::aws::Key, context: &Context) -> Result<Write> {
    Ok(Write::update(key)
        .set("phase", &Phase::Refused)?
        .set("refusal", &Reason::Canceled)?
        .set("expires", &context.now.plus(intent::KEPT_AFTER).seconds())?
        .remove("due_pk")
        .add("epoch", 1))
}
