//! A payment asked for: into the list in one transaction.
//!
//! Nothing is read first. The writes say what must not be there yet, and when one is, its item says what to do: a
//! repeat, another payment of the same order, or a refusal.

use serde_json::Value;

use crate::aws::{Item, Key, Obstacle, Transacted, Write};
use crate::domain::input::CreatePayment;
use crate::domain::payment::PaymentStatus;
use crate::domain::{ContactId, Correlation, IntentId, PaymentId, Timestamp};
use crate::effects::intake::request::{Repeatable, Request, StoredAnswer, claim_at_birth, same_request};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Data, Intent, Kind, PaymentAct, VendorRequest};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::plan::Context;
use crate::effects::subject::contact::{self, Called};
use crate::effects::subject::payment::{self, FIRST_ORDINAL, ORDINAL_MAX, Payment};
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition, holds};

/// What asking for a payment came to.
#[derive(Debug)]
pub enum Created {
    /// It is new, and this request has claimed its intent. The nudge is for the domain event that tells of it.
    New(Box<Payment>, Box<Claimed>, Nudge),
    /// This request was made before; its answer, if it is final.
    Repeat(PaymentId, Option<StoredAnswer>),
}

impl WorkList {
    /// Asks for the order's payment. `build` makes the vendor's request for the ids that it gets.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`, 409 `order_already_has_payment` (with `payment_id`), 409
    /// `order_has_too_many_payments`.
    pub async fn create_payment(
        &self,
        input: &CreatePayment,
        repeatable: &Repeatable,
        contact_id: &ContactId,
        correlation: &Correlation,
        lease: &Lease,
        build: impl Fn(&PaymentId, &IntentId) -> Result<VendorRequest>,
    ) -> Result<Created> {
        for ordinal in FIRST_ORDINAL..=ORDINAL_MAX {
            let now = self.world.now();
            let (payment, intent) =
                self.new_payment(input, repeatable, contact_id, correlation, lease, ordinal, now, &build)?;
            let (writes, requested) = self.creation(&payment, &intent, input, repeatable, correlation, now)?;
            let obstacles = match self.table.transact(&writes).await? {
                Transacted::Done => {
                    let claimed = Claimed::at_birth(intent, lease);
                    return Ok(Created::New(Box::new(payment), Box::new(claimed), requested));
                }
                Transacted::Lost(obstacles) => obstacles,
            };
            if let Some(created) = Self::met(&obstacles, &payment, &requested, repeatable, lease)? {
                return Ok(created);
            }
        }
        Err(Error::rejected(
            409,
            "order_has_too_many_payments",
            "This order has had too many payments that came to nothing.",
        ))
    }

    /// Who stood in the way? `None`: a payment that is over and that another request made, so the next ordinal is free to
    /// try.
    ///
    /// A key names its payment for good: whoever repeats the request that made a payment is told of that payment, also
    /// when it is over and the record of the request has expired. Without a key only the order's open payment can be
    /// meant.
    fn met(
        obstacles: &[Obstacle],
        wanted: &Payment,
        requested: &Nudge,
        repeatable: &Repeatable,
        lease: &Lease,
    ) -> Result<Option<Created>> {
        let item = |key: Key| obstacles.iter().find(|o| o.key == key).and_then(|o| o.item.as_ref());
        if let Some(item) = item(intent::key(&wanted.intent_id)) {
            let intent: Intent = item.parse()?;
            if let Some(own) = Claimed::own(&intent, lease) {
                return Ok(Some(Created::New(Box::new(wanted.clone()), Box::new(own), requested.clone())));
            }
        }
        let request = item(wanted.request_record(repeatable.route)).map(Item::parse::<Request>).transpose()?;
        let existing = item(payment::key(&wanted.payment_id)).map(Item::parse::<Payment>).transpose()?;
        if let (Some(request), false) = (&request, wanted.keyless) {
            same_request(&request.hash, &repeatable.hash)?;
            let id = PaymentId::from_stored(request.thing.clone());
            return Ok(Some(Created::Repeat(id, request.answer.clone())));
        }
        let Some(existing) = existing else {
            // Only the check on the payment before failed: it came to life again, or this is a race; look again.
            return Err(Error::transient("object_contended", "the order's payments changed meanwhile"));
        };
        let is_its_key = !wanted.keyless && !existing.keyless && existing.request_key == wanted.request_key;
        if is_its_key && holds(Guard::KeyForGood) {
            same_request(&existing.request_hash, &repeatable.hash)?;
            return Ok(Some(Created::Repeat(existing.payment_id, None)));
        }
        if existing.status.is_over() || !holds(Guard::OnePayment) {
            return Ok(None);
        }
        if wanted.keyless && existing.request_hash == wanted.request_hash {
            let answer = request.filter(|request| request.thing == existing.payment_id.as_str());
            return Ok(Some(Created::Repeat(existing.payment_id, answer.and_then(|request| request.answer))));
        }
        Err(Error::rejected(409, "order_already_has_payment", "This order already has a payment.")
            .with("payment_id", existing.payment_id.as_str()))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one new item")]
    fn new_payment(
        &self,
        input: &CreatePayment,
        repeatable: &Repeatable,
        contact_id: &ContactId,
        correlation: &Correlation,
        lease: &Lease,
        ordinal: u32,
        now: Timestamp,
        build: &impl Fn(&PaymentId, &IntentId) -> Result<VendorRequest>,
    ) -> Result<(Payment, Intent)> {
        let order = &input.order_id;
        let payment_id = PaymentId::nth(&self.stack, order, ordinal);
        let provider = input.provider;
        let kind = Kind::of_payment(provider, PaymentAct::Create);
        let intent_id = IntentId::of(kind.as_str(), payment_id.as_str(), self.stack.as_str());
        let request = Some(build(&payment_id, &intent_id)?);
        let data = Data::Payment { payment_id: payment_id.clone(), request };
        let mut intent = Intent::new(intent_id.clone(), kind, data, Some(order.clone()), correlation.clone(), now);
        claim_at_birth(&mut intent, lease, now);
        intent.by_command = repeatable.is_command();
        let (order_pk, order_sk) = Payment::index(order, &payment_id, now);
        let payment = Payment {
            outcome: None,
            declined: None,
            look_at: None,
            item_type: "payment".to_owned(),
            payment_id,
            order_id: order.clone(),
            ordinal,
            amount: input.amount,
            status: PaymentStatus::Processing,
            vendor_at: None,
            version: 1,
            intent_id,
            contact_id: contact_id.clone(),
            customer_id: input.customer.id.clone(),
            names_payer: input.customer.name.is_some(),
            request_key: repeatable.key.clone().unwrap_or_else(|| format!("{order}#{ordinal}")),
            request_hash: repeatable.hash.clone(),
            keyless: repeatable.key.is_none(),
            provider,
            vendor: None,
            vendor_id: None,
            client_secret: None,
            next_action: None,
            decline: None,
            refundable: None,
            amount_refunded: 0,
            settlement: None,
            confirms_settled: 0,
            cancel_requested: false,
            cancel_requested_at: None,
            cancel_ordinal: 0,
            correlation_id: correlation.clone(),
            created_at: now,
            updated_at: now,
            order_pk,
            order_sk,
        };
        Ok((payment, intent))
    }

    fn creation(
        &self,
        payment: &Payment,
        intent: &Intent,
        input: &CreatePayment,
        repeatable: &Repeatable,
        correlation: &Correlation,
        now: Timestamp,
    ) -> Result<(Vec<Write>, Nudge)> {
        let context = Context::ours(now, correlation, intent.intent_id.to_string()).asked_by(intent.asked_by.as_ref());
        let (rows, requested) = payment.requested(&context)?;
        let thing = payment.payment_id.as_str();
        let name = input.customer.name.as_ref();
        let called = name.map_or(Called::Unsaid, |name| Called::OncePaid(name, &payment.payment_id));
        let mut writes = vec![
            Request::record(payment.request_record(repeatable.route), &repeatable.hash, thing, now)?,
            Write::put_new(payment::key(&payment.payment_id), payment)?,
            Write::put_new(intent.key(), intent)?,
            contact::remember(&payment.contact_id, &input.customer.email, called, now)?,
        ];
        writes.extend(rows);
        if payment.ordinal > 1 {
            let before = PaymentId::nth(&self.stack, &payment.order_id, payment.ordinal - 1);
            writes.push(
                Write::check(payment::key(&before))
                    .when(&condition(Guard::OnePayment, "#status IN (:canceled, :failed)"))
                    .bind(":canceled", &PaymentStatus::Canceled)?
                    .bind(":failed", &PaymentStatus::Failed)?,
            );
        }
        Ok((writes, requested))
    }

    /// Keeps the final answer to the request that made this payment, where whoever was first to ask got none: from now on
    /// its repeats get this one. Nothing is kept once the record of the request has expired.
    pub async fn keep_answer(&self, route: &str, payment: &Payment, (status, body): (u16, Value)) -> Result<()> {
        let answer = StoredAnswer { status, body: body.into() };
        let write = Write::update(payment.request_record(route))
            .set("answer", &answer)?
            .when("attribute_exists(#pk) AND attribute_not_exists(#answer) AND #thing = :thing AND #expires >= :now_s")
            .bind(":thing", &payment.payment_id)?
            .bind(":now_s", &self.world.now().seconds())?;
        self.table.update(write).await.map(drop)
    }
}
