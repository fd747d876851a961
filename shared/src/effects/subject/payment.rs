//! The payment as an item: what is known of it, and how what somebody says changes it.

mod observe;
pub(crate) mod outcome;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::event::{DomainEvent, PaymentRequested};
use crate::domain::payment::{DeclineCode, PaymentOutcome, PaymentStatus, Settlement};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{
    ContactId, Correlation, CustomerId, IntentId, Money, OrderId, PaymentId, Private, Provider, Timestamp,
};
use crate::effects::list::intent::{self, Data, Intent, Kind, PaymentAct, Phase, order_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{Observation, ObservedPayment, PaymentStanding};
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Plan, Role, timeline_row};
use crate::effects::list::reason::Reason;
use crate::effects::subject::doubt::{Difference, Doubted};
use crate::error::Result;

/// The ordinal of an order's first payment.
pub(crate) const FIRST_ORDINAL: u32 = 1;
/// Payments that one order can have in turn: more means that somebody loops.
pub(crate) const ORDINAL_MAX: u32 = 50;

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
    /// Whether its checkout gave the payer's name, which counts once it succeeds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_payer: bool,
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
    /// What it came to, once that is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PaymentOutcome>,
    /// Why it was declined last, while nobody knows whether anything follows.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "look")]
    pub declined: Option<DeclineCode>,
    /// When to look whether anything followed. (Index of what is due.)
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "due")]
    pub look_at: Option<Timestamp>,
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

    /// What differs between this payment and what is said of it.
    pub(crate) fn difference(&self, observed: &Observation) -> Option<Difference> {
        match observed {
            Observation::Payment(observed) => {
                let (vendor_id, status) = (observed.vendor_id.as_deref(), observed.status.as_str());
                let amount = || Difference::of_amounts(self.amount, observed.amount?, vendor_id, status);
                Difference::of_ids(self.vendor_id.as_deref(), vendor_id, status).or_else(amount)
            }
            Observation::Refund(observed) => {
                let is_its_currency = observed.amount.is_some_and(|amount| amount.currency == self.amount.currency);
                Some(Difference::of_refund(observed, is_its_currency))
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
                Verdict::Refused { reason: Reason::Canceled } => PaymentStatus::Canceled,
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
                    let observed = ObservedPayment::ours(PaymentStatus::Canceled);
                    return Some(Observation::Payment(ObservedPayment {
                        asked_when: Some(self.standing()),
                        ..observed
                    }));
                }
                Verdict::Refused { .. } => self.status,
                _ => return None,
            },
            _ => return None,
        };
        Some(Observation::Payment(ObservedPayment::ours(status)))
    }

    /// What certainly did not happen, of a payment that is to be canceled, is not tried again.
    pub(crate) fn meaning(&self, intent: &Intent, verdict: &Verdict) -> Option<Verdict> {
        let is_off = intent.kind.is_called_off() && self.cancel_requested;
        match verdict {
            Verdict::NotDone { .. } if is_off && !intent.in_doubt => {
                Some(Verdict::Refused { reason: Reason::Canceled })
            }
            Verdict::Absent if is_off => Some(Verdict::Refused { reason: Reason::Canceled }),
            _ => None,
        }
    }

    /// A payment that certainly was not sent, and that nobody wants any more, is no case for a person.
    pub(crate) fn given_up(&self, kind: Kind) -> Option<Verdict> {
        (self.cancel_requested && kind.is_called_off()).then_some(Verdict::Refused { reason: Reason::Canceled })
    }

    /// "It exists, under this id".
    pub(crate) fn named(vendor_id: &str) -> Observation {
        let vendor_id = Some(vendor_id.to_owned());
        Observation::Payment(ObservedPayment { vendor_id, ..ObservedPayment::ours(PaymentStatus::Processing) })
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

    /// The intent that cancels this payment at the vendor: the one that is under way, or the next.
    pub(crate) fn cancel_intent(&self, context: &Context) -> Intent {
        let discriminator = if self.cancel_ordinal == 0 { String::new() } else { self.cancel_ordinal.to_string() };
        let kind = self.kind(PaymentAct::Cancel);
        let id = IntentId::of(kind.as_str(), self.payment_id.as_str(), &discriminator);
        let data = Data::Payment { payment_id: self.payment_id.clone(), request: None };
        let order = Some(self.order_id.clone());
        let mut intent = Intent::new(id, kind, data, order, context.correlation.clone(), context.now);
        intent.asked_by.clone_from(&context.asked_by);
        intent
    }

    /// A timeline entry about this payment.
    pub(crate) fn entry(&self, event: &str, detail: Option<String>, context: &Context) -> TimelineEntry {
        TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.payment_id.to_string(),
            detail,
            source: context.source.to_owned(),
            asked_by: context.asked_by.clone(),
        }
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
