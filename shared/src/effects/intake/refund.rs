//! A refund: its amount is taken from what is left of the payment in the transaction that makes it.

use crate::aws::{Item, Key, Obstacle, Transacted, Write};
use crate::domain::input::CreateRefund;
use crate::domain::payment::PaymentStatus;
use crate::domain::{Correlation, IntentId, Money, PaymentId, RefundId};
use crate::effects::intake::request::{Repeatable, Request, StoredAnswer, claim_at_birth, same_request};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Data, Intent, PaymentAct, VendorRequest};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::plan::Context;
use crate::effects::subject::payment::{self, Payment};
use crate::effects::subject::read::payment_not_found;
use crate::effects::subject::refund::{self, Refund};
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition};

/// How often a refund without an amount is tried with what is left by then.
const ROUNDS_MAX: u32 = 3;

/// What asking for a refund came to.
#[derive(Debug)]
pub enum RefundCreated {
    /// It is new, and this request has claimed its intent. The nudge is for the domain event that tells of it.
    New(Box<Refund>, Box<Claimed>, Nudge),
    /// This request was made before; its answer, if it is final.
    Repeat(Box<Refund>, Option<StoredAnswer>),
}

impl WorkList {
    /// Asks for a refund under the request's Idempotency-Key. `build` makes the vendor's request. Waits: one read, one
    /// transaction.
    ///
    /// # Errors
    /// 400 `idempotency_key_required`, 404 `payment_not_found`, 409 `payment_not_refundable`, 422 `refund_exceeds_payment` (with `refundable`),
    /// `currency_mismatch`, `idempotency_key_reused`.
    pub async fn create_refund(
        &self,
        payment_id: &PaymentId,
        input: &CreateRefund,
        repeatable: &Repeatable,
        correlation: &Correlation,
        lease: &Lease,
        build: impl Fn(&Payment, Money, &IntentId) -> Result<VendorRequest>,
    ) -> Result<RefundCreated> {
        let required = || Error::rejected(400, "idempotency_key_required", "A refund needs an Idempotency-Key.");
        let key = repeatable.key.as_deref().ok_or_else(required)?;
        let refund_id = RefundId::of_request(payment_id, key);
        for _ in 0..ROUNDS_MAX {
            let request_key = Request::key(repeatable.route, &scoped(payment_id, key));
            let keys = [payment::key(payment_id), refund::key(payment_id, &refund_id), request_key];
            let mut items = self.table.get_many(&keys).await?.into_iter();
            let (payment, before, request) = (items.next().flatten(), items.next().flatten(), items.next().flatten());
            let payment: Payment = payment.ok_or_else(payment_not_found)?.parse()?;
            if let Some(before) = before {
                return repeat(&before.parse()?, request.as_ref(), &repeatable.hash);
            }
            let amount = asked_for(input, &payment)?;
            let context =
                Context::ours(self.world.now(), correlation, refund_id.to_string()).asked_by(lease.asked_by.as_ref());
            let kind = payment.kind(PaymentAct::Refund);
            let intent_id = IntentId::of(kind.as_str(), refund_id.as_str(), self.stack.as_str());
            let vendor_request = build(&payment, amount, &intent_id)?;
            let mut refund = Refund::of(&payment, refund_id.clone(), amount, &context);
            refund.version = 1;
            refund.reason = input.reason;
            refund.intent_id = Some(intent_id.clone());
            refund.request_key = Some(key.to_owned());
            refund.request_hash = Some(repeatable.hash.clone());
            let data =
                Data::Refund { refund_id: refund_id.clone(), payment_id: payment_id.clone(), request: vendor_request };
            let order = Some(payment.order_id.clone());
            let mut intent = Intent::new(intent_id, kind, data, order, correlation.clone(), context.now);
            claim_at_birth(&mut intent, lease, context.now);
            intent.by_command = repeatable.is_command();
            let (rows, requested) = refund.requested(&context)?;
            let mut writes = vec![
                take(&payment, amount, &context)?,
                Write::put_new(refund.key(), &refund)?,
                Write::put_new(intent.key(), &intent)?,
                Request::record(
                    Request::key(repeatable.route, &scoped(payment_id, key)),
                    &repeatable.hash,
                    refund_id.as_str(),
                    context.now,
                )?,
            ];
            writes.extend(rows);
            let obstacles = match self.table.transact(&writes).await? {
                Transacted::Done => {
                    let claimed = Claimed::at_birth(intent, lease);
                    return Ok(RefundCreated::New(Box::new(refund), Box::new(claimed), requested));
                }
                Transacted::Lost(obstacles) => obstacles,
            };
            if let Some(own) = own_claim(&obstacles, &intent, lease)? {
                return Ok(RefundCreated::New(Box::new(refund), Box::new(own), requested));
            }
            // Another refund was faster, or this very one: look again.
        }
        Err(Error::transient("object_contended", "others kept refunding the payment"))
    }
}

/// A key counts for one payment.
pub fn scoped(payment_id: &PaymentId, key: &str) -> String {
    format!("{payment_id}#{key}")
}

fn repeat(refund: &Refund, request: Option<&Item>, hash: &str) -> Result<RefundCreated> {
    same_request(refund.request_hash.as_deref().unwrap_or_default(), hash)?;
    let answer = request.map(Item::parse::<Request>).transpose()?.and_then(|request| request.answer);
    Ok(RefundCreated::Repeat(Box::new(refund.clone()), answer))
}

/// How much, if the payment has as much.
fn asked_for(input: &CreateRefund, payment: &Payment) -> Result<Money> {
    if payment.status != PaymentStatus::Succeeded || payment.vendor_id.is_none() {
        let detail = "Only a payment that has succeeded can be refunded.";
        return Err(Error::rejected(409, "payment_not_refundable", detail));
    }
    let left = payment.refundable.unwrap_or(0).max(0);
    let currency = payment.amount.currency;
    let amount = input.amount.unwrap_or(Money { value: left, currency });
    if amount.currency != currency {
        let detail = "A refund has the currency of its payment.";
        return Err(Error::rejected(422, "currency_mismatch", detail).with("currency", currency.code()));
    }
    if amount.value > left || amount.value == 0 {
        let detail = "The refund is more than is left of the payment.";
        return Err(Error::rejected(422, "refund_exceeds_payment", detail).with("refundable", left));
    }
    Ok(amount)
}

/// The write that takes the amount from what is left.
fn take(payment: &Payment, amount: Money, context: &Context) -> Result<Write> {
    Write::update(payment::key(&payment.payment_id))
        .add("refundable", -amount.value)
        .set("updated_at", &context.now)?
        .when(&condition(Guard::RefundReservation, "#refundable >= :amount"))
        .bind(":amount", &amount.value)
}

fn own_claim(obstacles: &[Obstacle], wanted: &Intent, lease: &Lease) -> Result<Option<Claimed>> {
    let key: Key = intent::key(&wanted.intent_id);
    let found = obstacles.iter().find(|o| o.key == key).and_then(|o| o.item.as_ref());
    let found = found.map(Item::parse::<Intent>).transpose()?;
    Ok(found.and_then(|found| Claimed::own(&found, lease)))
}
