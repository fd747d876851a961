//! Intake: how a payment, its confirm, cancel and refunds, and a customer come into the work list, each in one
//! transaction.
//!
//! Nothing is read first. The writes say what must not be there yet, and when one is, its item says what to do: a
//! repeat, another payment of the same order, or a refusal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{Item, Key, Obstacle, Transacted, Write};
use crate::domain::input::CreatePayment;
use crate::domain::payment::PaymentStatus;
use crate::domain::{ContactId, Correlation, IntentId, PaymentId, Timestamp, id};
use crate::effects::WorkList;
use crate::effects::list::intent::{self, Data, Intent, Kind, Phase, VendorRequest};
use crate::effects::list::nudge::Nudge;
use crate::effects::subject::contact;
use crate::effects::subject::payment::{self, Payment};
use crate::effects::work::claim::{Claimed, Lease};
use crate::effects::work::commit::Context;
use crate::error::{Error, Result};
use crate::guard::{Guard, condition, holds};

/// How long the answer to an API request is kept for repeats. The thing itself keeps key and hash for good.
const ANSWER_KEPT: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);
/// Payments that one order can have in turn: more means that somebody loops.
pub(super) const ORDINAL_MAX: u32 = 50;

/// The route in the record of requests for payments that came without a key. Its own, so that nobody's key is one of them.
const WITHOUT_A_KEY: &str = "POST /payments without a key";

/// A request that may be repeated.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// `POST /payments`
    pub route: &'static str,
    /// The caller's Idempotency-Key, if there is one.
    pub key: Option<String>,
    /// Hash of method, concrete path and body.
    pub hash: String,
}

/// The record of an API request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    #[serde(rename = "type")]
    item_type: String,
    /// Hash of method, concrete path and body.
    pub hash: String,
    /// What it made.
    pub thing: String,
    /// The final answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<StoredAnswer>,
    pub(super) expires: i64,
}

/// An answer as it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: crate::domain::Private<Value>,
}

/// What asking for a payment came to.
#[derive(Debug)]
pub enum Created {
    /// It is new, and this request has claimed its intent. The nudge is for the domain event that tells of it.
    New(Box<Payment>, Box<Claimed>, Nudge),
    /// This request was made before; its answer, if it is final.
    Repeat(PaymentId, Option<StoredAnswer>),
}

impl Repeatable {
    /// Whether a message asks, and no HTTP request.
    pub(super) fn is_command(&self) -> bool {
        !self.route.starts_with("POST ")
    }
}

impl Request {
    /// Where the record of a request lives.
    pub(super) fn key(route: &str, key: &str) -> Key {
        Key::new(format!("REQUEST#{route}#{key}"), "REQUEST")
    }

    fn of(hash: &str, thing: &str, answer: Option<StoredAnswer>, now: Timestamp) -> Self {
        Self {
            item_type: "request".to_owned(),
            hash: hash.to_owned(),
            thing: thing.to_owned(),
            answer,
            expires: now.plus(ANSWER_KEPT).seconds(),
        }
    }

    /// The write that records a request, unless it is recorded already. Expiry is compared, never inferred from
    /// absence: TTL deletes hours late.
    pub(super) fn record(at: Key, hash: &str, thing: &str, now: Timestamp) -> Result<Write> {
        let free = if holds(Guard::AnswerExpiry) {
            "attribute_not_exists(#pk) OR #expires < :now_s"
        } else {
            "attribute_not_exists(#pk) OR (attribute_not_exists(#pk) AND #expires < :now_s)"
        };
        Write::put(at, &Self::of(hash, thing, None, now))?.when(free).bind(":now_s", &now.seconds())
    }

    /// The write that keeps a final answer for repeats: the first one counts.
    pub fn answered(
        route: &str,
        key: &str,
        hash: &str,
        thing: &str,
        (status, body): (u16, Value),
        now: Timestamp,
    ) -> Result<Write> {
        let answer = StoredAnswer { status, body: body.into() };
        let write = Write::put(Self::key(route, key), &Self::of(hash, thing, Some(answer), now))?;
        Ok(write.when("attribute_not_exists(#answer)"))
    }

    /// The write that keeps the final answer to the request that made this payment.
    ///
    /// # Errors
    /// A bug when it is no JSON.
    pub fn payment_answered(route: &str, payment: &Payment, answer: (u16, Value), now: Timestamp) -> Result<Write> {
        let route = if payment.keyless { WITHOUT_A_KEY } else { route };
        let (key, hash) = (&payment.request_key, &payment.request_hash);
        Self::answered(route, key, hash, payment.payment_id.as_str(), answer, now)
    }
}

impl Payment {
    /// Where the request that makes it is recorded.
    pub(super) fn request_record(&self, route: &str) -> Key {
        Request::key(if self.keyless { WITHOUT_A_KEY } else { route }, &self.request_key)
    }
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
        for ordinal in 1..=ORDINAL_MAX {
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
        let intent_id = IntentId::of(Kind::PaymentCreate.as_str(), payment_id.as_str(), self.stack.as_str());
        let request = Some(build(&payment_id, &intent_id)?);
        let data = Data::Payment { payment_id: payment_id.clone(), request };
        let mut intent =
            Intent::new(intent_id.clone(), Kind::PaymentCreate, data, Some(order.clone()), correlation.clone(), now);
        claim_at_birth(&mut intent, lease, now);
        intent.by_command = repeatable.is_command();
        let (order_pk, order_sk) = Payment::index(order, &payment_id, now);
        let payment = Payment {
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
            request_key: repeatable.key.clone().unwrap_or_else(|| format!("{order}#{ordinal}")),
            request_hash: repeatable.hash.clone(),
            keyless: repeatable.key.is_none(),
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
        let context = Context::ours(now, correlation, intent.intent_id.to_string());
        let (rows, requested) = payment.requested(&context)?;
        let thing = payment.payment_id.as_str();
        let mut writes = vec![
            Request::record(payment.request_record(repeatable.route), &repeatable.hash, thing, now)?,
            Write::put_new(payment::key(&payment.payment_id), payment)?,
            Write::put_new(intent.key(), intent)?,
            contact::remember(&payment.contact_id, &input.customer.email, input.customer.name.as_ref(), now)?,
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

    /// Reads a payment.
    ///
    /// # Errors
    /// 404 `payment_not_found`.
    pub async fn payment(&self, id: &PaymentId) -> Result<Payment> {
        match self.table.get(&payment::key(id)).await? {
            Some(item) => item.parse(),
            None => Err(payment_not_found()),
        }
    }

    /// Reads an intent.
    pub async fn intent(&self, id: &IntentId) -> Result<Option<Intent>> {
        self.table.get(&intent::key(id)).await?.map(|item| item.parse()).transpose()
    }

    /// Why an intent was refused, if it was.
    pub async fn refusal(&self, id: &IntentId) -> Result<Option<String>> {
        Ok(self.intent(id).await?.and_then(|intent| intent.refusal))
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

    /// Whether somebody is at this intent under a live lease.
    pub async fn is_running(&self, id: &IntentId) -> Result<bool> {
        let intent = self.intent(id).await?;
        Ok(intent.is_some_and(|intent| {
            matches!(intent.phase, Phase::Calling | Phase::Resolving)
                && intent.lease_until.is_some_and(|until| until > self.world.now())
        }))
    }
}

/// A new intent that its own request works at once: born CALLING, as a claim would have made it.
pub(super) fn claim_at_birth(intent: &mut Intent, lease: &Lease, now: Timestamp) {
    intent.phase = Phase::Calling;
    intent.owner = Some(lease.owner.clone());
    intent.epoch = 1;
    intent.claims = 1;
    intent.lease_until = Some(lease.until());
    intent.due = lease.until();
    intent.called_until = Some(lease.until());
    intent.first_called_at = Some(now);
}

pub(super) fn same_request(before: &str, now: &str) -> Result<()> {
    if before == now || !holds(Guard::RequestHash) {
        return Ok(());
    }
    let detail = "This Idempotency-Key was used for another request.";
    Err(Error::rejected(422, "idempotency_key_reused", detail))
}

/// 404 for an id that nobody has.
pub fn payment_not_found() -> Error {
    Error::rejected(404, "payment_not_found", "There is no such payment.")
}

/// The hash that tells whether a repeat is the same request.
pub fn request_hash(method: &str, path: &str, body: &[u8]) -> String {
    id::digest(&[method, path, &String::from_utf8_lossy(body)])
}
