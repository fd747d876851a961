//! The payment as an item: what is known of it, and how what somebody says changes it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::event::{DomainEvent, PaymentFailed, PaymentRequested, PaymentSucceeded};
use crate::domain::payment::{DeclineCode, PaymentStatus, Settlement};
use crate::domain::status::{Move, Said, Status as _, decide};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{
    ContactId, Correlation, CustomerId, IntentId, Money, OrderId, PaymentId, Private, Provider, Timestamp, follow_up,
};
use crate::effects::list::intent::{self, Data, Intent, Kind, PaymentAct, Phase, order_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{FailedAttempt, Observation, PaymentSeen, PaymentStanding};
use crate::effects::list::outcome::{CALLED_OFF, SAID_MEANWHILE, Verdict};
use crate::effects::list::plan::{Charged, Context, Plan, Role, timeline_row};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::doubt::{Difference, Doubted};
use crate::effects::subject::message::{Cause, Message};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition, holds};

/// Payments that one order can have in turn: more means that somebody loops.
pub(crate) const ORDINAL_MAX: u32 = 50;

/// Why we ask ourselves for a cancel.
const TAKEN_FOR_OVER: &str = "it was taken for over";

/// A payment, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// `pay_…`
    pub payment_id: PaymentId,
    /// The shop's order.
    pub order_id: OrderId,
    /// The order's n-th payment.
    pub ordinal: u32,
    /// What is to be paid.
    pub amount: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The vendor's time of the status; absent while we say it ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// Grows with each change: who writes must have read the latest.
    pub version: u64,
    /// The intent that creates it at the vendor.
    pub intent_id: IntentId,
    /// Who pays, and is written to.
    pub contact_id: ContactId,
    /// The shop's id of the customer.
    pub customer_id: CustomerId,
    /// The Idempotency-Key that made it; kept for good.
    pub request_key: String,
    /// The hash of the request that made it; kept for good.
    pub request_hash: String,
    /// Whether that request came without a key, so that `request_key` is no key of anybody's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyless: bool,
    /// The payment provider, from birth on.
    #[serde(default, skip_serializing_if = "Provider::is_default")]
    pub provider: Provider,
    /// The vendor that has told its id, once it knows the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// What the shopper's browser needs to pay at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Private<String>>,
    /// What the shopper has to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<Value>,
    /// Why the last attempt was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<DeclineCode>,
    /// What can still be refunded, in minor units: set when it succeeds, taken from by each refund. Below zero when
    /// more was refunded at the vendor than we knew of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable: Option<i64>,
    /// What was refunded, in minor units.
    #[serde(default)]
    pub amount_refunded: i64,
    /// What it brought in and cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// Confirms that were settled: the next confirm is another intent.
    #[serde(default)]
    pub confirms_settled: u32,
    /// Somebody wants it canceled: what would charge is not sent any more, and what there is at the vendor is canceled as
    /// soon as it is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancel_requested: bool,
    /// When that was asked for first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_requested_at: Option<Timestamp>,
    /// Cancels at the vendor that came to nothing, or to something else meanwhile: the next one is another intent.
    #[serde(default)]
    pub cancel_ordinal: u32,
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
}

/// Where a payment lives.
pub fn key(id: &PaymentId) -> Key {
    Key::new(format!("PAYMENT#{id}"), "PAYMENT")
}

impl Payment {
    /// The payment as the API shows it. The client secret only goes into the answers to create and confirm.
    pub fn view(&self, with_secret: bool) -> Value {
        let mut view = json!({
            "payment_id": self.payment_id,
            "order_id": self.order_id,
            "status": self.shown_status(),
            "amount": self.amount,
            "amount_refunded": Money { value: self.amount_refunded, currency: self.amount.currency },
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        });
        if let (true, Some(secret)) = (with_secret, &self.client_secret) {
            view["client_secret"] = json!(secret.expose());
        }
        if let (PaymentStatus::RequiresAction, Some(action)) = (self.status, &self.next_action) {
            view["next_action"] = action.clone();
        }
        if let (PaymentStatus::RequiresPaymentMethod, Some(decline)) = (self.status, self.decline) {
            view["user_message"] = json!(decline.user_message());
        }
        if let Some(settlement) = &self.settlement {
            view["settlement"] = json!(settlement);
        }
        view
    }

    /// The status with what was refunded: a paid payment stays paid whatever goes back, so that part is shown, never
    /// stored.
    fn shown_status(&self) -> &'static str {
        match self.status {
            PaymentStatus::Succeeded if self.amount_refunded >= self.amount.value => "refunded",
            PaymentStatus::Succeeded if self.amount_refunded > 0 => "partially_refunded",
            status => status.as_str(),
        }
    }

    /// The kind of intent that does this of the payment at its provider.
    pub const fn kind(&self, act: PaymentAct) -> Kind {
        Kind::of_payment(self.provider, act)
    }

    /// How it stands, as far as the vendor's next word can change it.
    pub(crate) const fn standing(&self) -> PaymentStanding {
        PaymentStanding { status: self.status, vendor_at: self.vendor_at, decline: self.decline }
    }

    /// Whether something was said since it stood so, and nothing tells whether that was before or after this.
    fn was_told_meanwhile(&self, known: &PaymentStanding, seen: &PaymentSeen) -> bool {
        let seconds = |at: Option<Timestamp>| at.map(Timestamp::seconds);
        let are_open = !self.status.is_terminal() && !seen.status.is_terminal();
        let differs = (self.status, self.decline) != (seen.status, seen.decline);
        *known != self.standing() && differs && are_open && seconds(self.vendor_at) >= seconds(seen.vendor_at)
    }

    /// What a new payment starts with besides itself: its timeline row and the publication of its domain event.
    pub(crate) fn requested(&self, context: &Context) -> Result<(Vec<Write>, Nudge)> {
        let event = DomainEvent::PaymentRequested(PaymentRequested {
            payment_id: self.payment_id.clone(),
            order_id: self.order_id.clone(),
            amount: self.amount,
        });
        let publish = self.publication(event, "requested", context);
        let entry = self.entry("payment.requested", Some(self.amount.to_string()), context);
        let (_, row) = timeline_row(&self.order_id, &entry, &context.occasion)?;
        Ok((vec![row, Write::put_new(publish.key(), &publish)?], Nudge::of(&publish)))
    }

    /// What follows when somebody says this of the payment.
    pub(crate) fn observe(&self, seen: &PaymentSeen, context: &Context) -> Result<(Plan, Self)> {
        let current = Said { status: self.status, vendor_at: self.vendor_at };
        let incoming = Said { status: seen.status, vendor_at: seen.vendor_at };
        if seen.asked_when.is_some_and(|known| self.was_told_meanwhile(&known, seen)) {
            return Err(Error::transient(SAID_MEANWHILE, "the vendor said something else in the same second"));
        }
        // The answer to our newest call, and nobody has said anything since it was made.
        let is_newest = seen.asked_when == Some(self.standing()) && !self.status.is_terminal();
        let advances = is_newest || decide(current, incoming) == Move::Advance;
        let moved = advances && seen.status != self.status;
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        if advances {
            after.status = seen.status;
            // What only a person says has no time of the vendor's, and gives way to it.
            let is_answer = is_newest && seen.vendor_at.is_some();
            after.vendor_at = if is_answer { seen.vendor_at.max(self.vendor_at) } else { seen.vendor_at };
            after.decline = seen.decline;
            after.next_action.clone_from(&seen.next_action);
        }
        if after.decline.is_none() && after.status == seen.status {
            // A repeated answer is as old as the payment, but it still tells why.
            after.decline = seen.decline;
        }
        if context.settles_confirm {
            after.confirms_settled += 1;
        }
        if context.gives_cancel_up {
            (after.cancel_requested, after.cancel_requested_at) = (false, None);
        }
        if after.client_secret.is_none() {
            after.client_secret.clone_from(&seen.client_secret);
        }
        if let (None, Some(vendor_id)) = (&self.vendor_id, &seen.vendor_id) {
            after.vendor = Some(context.source.to_owned());
            after.vendor_id = Some(vendor_id.clone());
            plan.learned = vec![(context.source, vendor_id.clone())];
            let at = key(&self.payment_id);
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.payment_id.as_str(), at)?);
        }
        if let (None, Some(settlement)) = (&self.settlement, &seen.settlement) {
            after.settlement = Some(*settlement);
            let detail = format!("{}, fee {}", settlement.amount, settlement.fee);
            let entry = self.entry("payment.settled", Some(detail), context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        } else if moved || (seen.vendor_at.is_some() && seen.settlement.is_none()) {
            let event = format!("payment.{}", seen.status.as_str());
            // A row that moved nothing says so: an answer and the event of the same fact both tell of it.
            let known = if advances { None } else { Some("already known") };
            let detail = seen.decline.map(DeclineCode::as_str).or(known).map(str::to_owned);
            let entry = self.entry(&event, detail, context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        }
        if moved && seen.status == PaymentStatus::Succeeded {
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
            for FailedAttempt { attempt, code } in seen.failed_attempts() {
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
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
    }

    /// What differs between this payment and what is said of it.
    pub(crate) fn difference(&self, seen: &Observation) -> Option<Difference> {
        match seen {
            Observation::Payment(seen) => {
                let (vendor_id, status) = (seen.vendor_id.as_deref(), seen.status.as_str());
                let amount = || Difference::of_amounts(self.amount, seen.amount?, vendor_id, status);
                Difference::of_ids(self.vendor_id.as_deref(), vendor_id, status).or_else(amount)
            }
            Observation::Refund(seen) => {
                let is_its_currency = seen.amount.is_some_and(|amount| amount.currency == self.amount.currency);
                Some(Difference::of_refund(seen, is_its_currency))
            }
            other => Difference::of_kinds(other),
        }
    }

    /// What is written when something is said of it that it cannot be.
    pub(crate) fn doubted(&self, difference: &Difference, context: &Context) -> Result<(Plan, Self)> {
        let object = self.payment_id.as_str();
        let ours = Doubted { object, order_id: Some(&self.order_id), event: "payment.in_doubt" };
        let mut plan = difference.plan(&ours, context)?;
        let mut after = self.clone();
        if context.settles_confirm {
            // What it says is not believed, but the confirm was made: the next one is another intent.
            after.confirms_settled += 1;
            after.version += 1;
            let write = Write::update(key(&self.payment_id))
                .set("confirms_settled", &after.confirms_settled)?
                .set("updated_at", &context.now)?
                .add("version", 1)
                .when("#version = :version")
                .bind(":version", &self.version)?;
            plan.writes.push((Role::Object, write));
        }
        Ok((plan, after))
    }

    /// What a verdict says of it where the vendor has said nothing of the object.
    pub(crate) fn statement(&self, intent: &Intent, verdict: &Verdict) -> Option<Observation> {
        let status = match intent.kind.payment_act()? {
            PaymentAct::Create => match verdict {
                Verdict::Done => return None,
                Verdict::Refused { code: CALLED_OFF } => PaymentStatus::Canceled,
                Verdict::Refused { .. } => PaymentStatus::Failed,
                Verdict::NotDone { .. } | Verdict::ProbablyNotDone { .. } | Verdict::Absent => PaymentStatus::Deferred,
                Verdict::Unknown { .. } => PaymentStatus::Processing,
                Verdict::GivenUp { .. } => PaymentStatus::Manual,
            },
            // The status stays; what changes is that the confirm is settled.
            PaymentAct::Confirm if verdict.phase().is_settled() => self.status,
            // A person has seen what no answer told us: until the vendor says something else it is so.
            PaymentAct::Cancel if intent.phase == Phase::Manual => match verdict {
                Verdict::Done => {
                    let seen = PaymentSeen::ours(PaymentStatus::Canceled);
                    return Some(Observation::Payment(PaymentSeen { asked_when: Some(self.standing()), ..seen }));
                }
                Verdict::Refused { .. } => self.status,
                _ => return None,
            },
            _ => return None,
        };
        Some(Observation::Payment(PaymentSeen::ours(status)))
    }

    /// What certainly did not happen, of a payment that is to be canceled, is not tried again.
    pub(crate) fn meaning(&self, intent: &Intent, verdict: &Verdict) -> Option<Verdict> {
        let is_off = intent.kind.is_called_off() && self.cancel_requested;
        match verdict {
            Verdict::NotDone { .. } if is_off && !intent.in_doubt => Some(Verdict::Refused { code: CALLED_OFF }),
            Verdict::Absent if is_off => Some(Verdict::Refused { code: CALLED_OFF }),
            _ => None,
        }
    }

    /// A payment that certainly was not sent, and that nobody wants any more, is no case for a person.
    pub(crate) fn given_up(&self, kind: Kind) -> Option<Verdict> {
        (self.cancel_requested && kind.is_called_off()).then_some(Verdict::Refused { code: CALLED_OFF })
    }

    /// "It exists, under this id".
    pub(crate) fn named(vendor_id: &str) -> Observation {
        let vendor_id = Some(vendor_id.to_owned());
        Observation::Payment(PaymentSeen { vendor_id, ..PaymentSeen::ours(PaymentStatus::Processing) })
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

    fn publication(&self, event: DomainEvent, reached: &str, context: &Context) -> Intent {
        let id = IntentId::of(Kind::Publish.as_str(), self.payment_id.as_str(), reached);
        let data = Data::Publish { event_id: event.id(reached), at: context.now, event };
        Intent::new(id, Kind::Publish, data, Some(self.order_id.clone()), context.correlation.clone(), context.now)
    }

    /// The intent of the next confirm, or of the one that is not settled yet.
    pub(crate) fn confirm_intent_id(&self) -> IntentId {
        let discriminator = self.confirms_settled.to_string();
        IntentId::of(self.kind(PaymentAct::Confirm).as_str(), self.payment_id.as_str(), &discriminator)
    }

    /// Whether nobody wants this payment charged any more, or we have said that it never will be. Who asks for a cancel and
    /// hears at once that it came too late knows it already.
    fn charge_is_unexpected(&self, context: &Context) -> bool {
        self.status.is_over() || self.cancel_requested && !context.asker_hears
    }

    /// The intent that cancels this payment at the vendor: the one that is under way, or the next.
    pub(crate) fn cancel_intent(&self, context: &Context) -> Intent {
        let discriminator = if self.cancel_ordinal == 0 { String::new() } else { self.cancel_ordinal.to_string() };
        let kind = self.kind(PaymentAct::Cancel);
        let id = IntentId::of(kind.as_str(), self.payment_id.as_str(), &discriminator);
        let data = Data::Payment { payment_id: self.payment_id.clone(), request: None };
        let order = Some(self.order_id.clone());
        Intent::new(id, kind, data, order, context.correlation.clone(), context.now)
    }

    /// A timeline entry about this payment.
    pub(crate) fn entry(&self, event: &str, detail: Option<String>, context: &Context) -> TimelineEntry {
        TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.payment_id.to_string(),
            detail,
            source: context.source.to_owned(),
        }
    }

    /// The write that turns this payment into `after`, provided that nobody changed it since.
    fn write(&self, after: &Self) -> Result<Write> {
        // An addition, because refunds move it too, and without knowing the version.
        let captured = after.refundable.unwrap_or(0) - self.refundable.unwrap_or(0);
        let write = Write::update(key(&self.payment_id));
        let write = if captured == 0 { write } else { write.add("refundable", captured) };
        write
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

    /// Whether this says the same as that item of the index by order would.
    pub(crate) fn index(order: &OrderId, id: &PaymentId, now: Timestamp) -> (String, String) {
        (order_partition(order), format!("{:013}#{id}", now.ms()))
    }

    /// The key of the intent that creates this payment.
    pub fn create_intent_key(&self) -> Key {
        intent::key(&self.intent_id)
    }
}
