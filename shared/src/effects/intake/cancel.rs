//! A cancel: before anything was sent, at the vendor, or as soon as it is known what there is to cancel.

use crate::aws::table::Written;
use crate::aws::{Transacted, Write};
use crate::domain::payment::PaymentStatus;
use crate::domain::{Correlation, IntentId, PaymentId};
use crate::effects::commit::{Context, timeline_row};
use crate::effects::intent::{self, Phase};
use crate::effects::observation::{Observation, PaymentSeen};
use crate::effects::payment::{self, Payment};
use crate::effects::{Subject, WorkList};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition};

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
    pub async fn cancel_payment(&self, id: &PaymentId, correlation: &Correlation) -> Result<Cancel> {
        for _ in 0..3 {
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
            let now = self.world.now();
            let context = Context::ours(now, correlation, format!("cancel/{id}/{}", payment.version));
            if payment.vendor_id.is_some() {
                let intent = payment.cancel_intent(&context);
                let entry = payment.entry("payment.cancel_requested", None, &context);
                let row = timeline_row(&payment.order_id, &entry, &context.occasion)?.1;
                // Lost means that it was asked for before: the same intent.
                self.table.transact(&[Write::put_new(intent.key(), &intent)?, row]).await?;
                return Ok(Cancel::AtVendor(intent.intent_id));
            }
            if let Some(canceled) = self.cancel_unsent(&payment, &context).await? {
                return Ok(Cancel::Canceled(canceled));
            }
            let write = Write::update(payment::key(id))
                .set("cancel_requested", &true)?
                .set("updated_at", &now)?
                .add("version", 1)
                .when("#version = :version AND attribute_not_exists(#vendor_id)")
                .bind(":version", &payment.version)?;
            if let Written::Done(item) = self.table.update(write).await? {
                return Ok(Cancel::Requested(Box::new(item.parse()?)));
            }
        }
        Err(Error::transient("object_contended", "others kept changing the payment"))
    }

    /// READY and never called: refused as canceled in one transaction, before anything was sent.
    async fn cancel_unsent(&self, payment: &Payment, context: &Context) -> Result<Option<Box<Payment>>> {
        let seen = Observation::Payment(PaymentSeen::ours(PaymentStatus::Canceled));
        let subject = Subject::Payment(Box::new(payment.clone()));
        let plan = subject.observe(&seen, context)?;
        let refuse = Write::update(intent::key(&payment.intent_id))
            .set("phase", &Phase::Refused)?
            .set("refusal", &"canceled")?
            .set("expires", &context.now.plus(intent::KEPT_AFTER).seconds())?
            .remove("due_pk")
            .add("epoch", 1)
            .when(&condition(Guard::CancelUnsent, "#phase = :ready AND attribute_not_exists(#first_called_at)"))
            .bind(":ready", &Phase::Ready)?;
        let mut writes = vec![refuse];
        writes.extend(plan.writes.into_iter().map(|(_, write)| write));
        match (self.table.transact(&writes).await?, plan.after) {
            (Transacted::Done, Some(Subject::Payment(after))) => Ok(Some(after)),
            _ => Ok(None),
        }
    }
}
