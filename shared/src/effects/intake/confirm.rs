//! A confirm: the shopper gives a payment method.

use crate::aws::{Item, Transacted, Write};
use crate::domain::{Correlation, IntentId};
use crate::effects::intake::request::claim_at_birth;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Data, Intent, PaymentAct, VendorRequest};
use crate::effects::list::plan::{Context, timeline_row};
use crate::effects::subject::payment::{self, Payment};
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition};

/// Which of the writes fails when somebody has asked for a cancel.
const WANTED: usize = 2;

/// What asking for a confirm came to.
#[derive(Debug)]
pub enum Confirmed {
    /// It is new, and this request has claimed its intent.
    New(Box<Claimed>),
    /// The same confirm is in the work list already.
    Repeat(IntentId),
    /// An earlier confirm was settled since the payment was read: read it again.
    Outdated,
}

impl WorkList {
    /// Asks for a confirm of a payment that the vendor knows. The same confirm twice, before the first is settled, is
    /// one.
    ///
    /// # Errors
    /// 409 `confirmation_in_progress` when another confirm of this payment is not settled yet, 409 `payment_canceled` when
    /// somebody has asked for a cancel.
    pub async fn confirm_payment(
        &self,
        payment: &Payment,
        request: VendorRequest,
        correlation: &Correlation,
        lease: &Lease,
    ) -> Result<Confirmed> {
        let now = self.world.now();
        let intent_id = payment.confirm_intent_id();
        let data = Data::Payment { payment_id: payment.payment_id.clone(), request: Some(request.clone()) };
        let order = Some(payment.order_id.clone());
        let kind = payment.kind(PaymentAct::Confirm);
        let mut intent = Intent::new(intent_id.clone(), kind, data, order, correlation.clone(), now);
        claim_at_birth(&mut intent, lease, now);
        let context = Context::ours(now, correlation, intent_id.to_string()).asked_by(lease.asked_by.as_ref());
        let entry = payment.entry("payment.confirm_requested", None, &context);
        let wanted = Write::check(payment::key(&payment.payment_id))
            .when(&condition(Guard::CancelFirst, "attribute_not_exists(#cancel_requested) OR #cancel_requested = :no"))
            .bind(":no", &false)?;
        let row = timeline_row(&payment.order_id, &entry, &context.occasion)?.1;
        let writes = [Write::put_new(intent.key(), &intent)?, row, wanted];
        let obstacles = match self.table.transact(&writes).await? {
            Transacted::Done => return Ok(Confirmed::New(Box::new(Claimed::at_birth(intent, lease)))),
            Transacted::Lost(obstacles) => obstacles,
        };
        let found = obstacles.iter().find(|o| o.index == 0).and_then(|o| o.item.as_ref());
        let found = found.map(Item::parse::<Intent>).transpose()?;
        if let Some(own) = found.as_ref().and_then(|found| Claimed::own(found, lease)) {
            return Ok(Confirmed::New(Box::new(own)));
        }
        if obstacles.iter().any(|obstacle| obstacle.index == WANTED) {
            return Err(Error::rejected(409, "payment_canceled", "The payment is canceled, or about to be."));
        }
        let Some(found) = found else {
            return Err(Error::bug("intake", "a confirm met something that is no intent"));
        };
        match &found.data {
            Data::Payment { request: Some(before), .. } if *before == request => Ok(Confirmed::Repeat(intent_id)),
            _ if found.phase.is_settled() => Ok(Confirmed::Outdated),
            _ => Err(Error::rejected(
                409,
                "confirmation_in_progress",
                "Another confirmation of this payment is running.",
            )),
        }
    }
}
