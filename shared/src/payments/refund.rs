//! Refunds.

use super::{Asked, Asker, Payments, TRIES};
use crate::aws::Write;
use crate::domain::PaymentId;
use crate::domain::input::CreateRefund;
use crate::effects::intake::{RefundCreated, Repeatable};
use crate::effects::payment::Payment;
use crate::effects::refund::Refund;
use crate::effects::{Subject, Verdict, Worked, with_permit};
use crate::error::Result;

impl Payments {
    /// Refunds a payment, or a part of it, once for each key. `store` may keep the final answer in the settling
    /// transaction. Waits: read, transaction, vendor, settle; the nudges go beside.
    ///
    /// # Errors
    /// What [`crate::effects::WorkList::create_refund`] refuses.
    pub async fn refund(
        &self,
        payment_id: &PaymentId,
        input: &CreateRefund,
        repeatable: &Repeatable,
        asker: &Asker,
        store: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Asked<Refund>> {
        let build = |payment: &Payment, amount, intent: &_| {
            self.providers.of(payment.provider).refund_request(payment, amount, input, intent)
        };
        let (correlation, lease) = (&asker.correlation, &asker.lease);
        let created = self.list.create_refund(payment_id, input, repeatable, correlation, lease, build);
        let (created, permit) = with_permit(created, &self.providers, lease).await?;
        match created {
            RefundCreated::Repeat(_, Some(answer)) => Ok(Asked::Answered(answer)),
            RefundCreated::Repeat(refund, None) => self.repeated_refund(*refund, asker).await,
            RefundCreated::New(refund, claimed, requested) => {
                let requested = [requested];
                let subject = Subject::Refund(refund);
                let carried_out = self.list.carry_out(*claimed, subject, &self.providers, &permit, TRIES, store);
                let (worked, ()) = futures_util::join!(carried_out, self.list.nudge(&requested));
                worked.map(Asked::Worked)
            }
        }
    }

    /// A repeat whose first request has no final answer that is still kept: somebody is at it, or died at it, or it was
    /// answered more than a day ago.
    async fn repeated_refund(&self, refund: Refund, asker: &Asker) -> Result<Asked<Refund>> {
        let Some(intent_id) = &refund.intent_id else { return Ok(Asked::Standing(refund, None)) };
        if let settled @ Worked::Settled(..) = self.list.work(intent_id, &asker.lease, &self.providers, 1).await? {
            return Ok(Asked::Resumed(settled));
        }
        let refund = self.list.refund(&refund.payment_id, &refund.refund_id).await?;
        Ok(Asked::Standing(refund, None))
    }
}
