//! What a vendor says of an object of ours, and cannot mean it: another object bears our mark, or the amount, the currency
//! or the kind is another one than ours. It moves nothing. It is kept where people look for what waits for them, shown
//! in the order's timeline, and an alarm is raised.

use serde::{Deserialize, Serialize};

use crate::aws::{Key, Transacted, Write};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{Correlation, Money, OrderId, Timestamp};
use crate::effects::WorkList;
use crate::effects::list::intent::MANUAL_PARTITION;
use crate::effects::list::observation::{Observation, Told};
use crate::effects::operate::audit::{Audit, Operator};
use crate::effects::subject::payment;
use crate::effects::work::Subject;
use crate::effects::work::commit::{Context, Plan, Role, timeline_row};
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::guard::{Guard, holds};
use crate::telemetry::fields;

/// A vendor's object that says what ours cannot be, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Doubt {
    #[serde(rename = "type")]
    item_type: String,
    /// Whose object.
    pub vendor: String,
    /// The vendor's id of it.
    pub vendor_id: String,
    /// What differs: `another_object`, `another_payment`, `another_amount`, `another_currency`, `another_kind`.
    pub why: String,
    /// What is said of it.
    pub told: String,
    /// Ours, of which it is said.
    pub object: String,
    /// The order that ours belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The event, or the intent and its claim, that told it first.
    pub occasion: String,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// Since when.
    pub due: Timestamp,
    /// Present until a person has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_pk: Option<String>,
}

/// What differs, before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    why: &'static str,
    vendor_id: Option<String>,
    told: String,
}

impl Difference {
    /// What differs between our object and what is said of it; nothing where nobody named an id or an amount.
    pub(crate) fn between(subject: &Subject, seen: &Observation) -> Option<Self> {
        if !holds(Guard::OwnObject) {
            return None;
        }
        match (subject, seen) {
            (Subject::Payment(payment), Observation::Payment(seen)) => {
                let status = seen.status.as_str();
                let id = || Self::of_ids(payment.vendor_id.as_deref(), seen.vendor_id.as_deref(), status);
                let amount = || Self::of_amounts(payment.amount, seen.amount?, seen.vendor_id.as_deref(), status);
                id().or_else(amount)
            }
            (Subject::Refund(refund), Observation::Refund(seen)) => {
                let status = seen.status.as_str();
                let id = || Self::of_ids(refund.vendor_id.as_deref(), seen.vendor_id.as_deref(), status);
                // A vendor always names the amount; who does not is a person, or ourselves.
                let told = seen.vendor_at.map(|_| seen.amount.map_or(Told::Unreadable, Told::Amount));
                let amount = || Self::of_amounts(refund.amount, told?, seen.vendor_id.as_deref(), status);
                id().or_else(amount)
            }
            (Subject::Customer(customer), Observation::Customer(seen)) => {
                let is_former = |id: &str| customer.former_vendor_ids.iter().any(|former| former == id);
                let said = seen.vendor_id.as_deref().filter(|id| !is_former(id));
                Self::of_ids(customer.vendor_id.as_deref(), said, "customer")
            }
            (Subject::Payment(payment), Observation::Refund(seen)) => {
                let differs = seen.amount.is_none_or(|amount| amount.currency != payment.amount.currency);
                let why = if differs { "another_currency" } else { "another_kind" };
                Some(Self { why, vendor_id: seen.vendor_id.clone(), told: "refund".to_owned() })
            }
            (Subject::Payment(_) | Subject::Refund(_) | Subject::Customer(_), other) => {
                let vendor_id = match other {
                    Observation::Payment(seen) => seen.vendor_id.clone(),
                    Observation::Refund(seen) => seen.vendor_id.clone(),
                    Observation::Customer(seen) => seen.vendor_id.clone(),
                    _ => return None,
                };
                Some(Self { why: "another_kind", vendor_id, told: "an object of another kind".to_owned() })
            }
            _ => None,
        }
    }

    /// The same for an event that says nothing of a status: only which object it is about, and what that is part of.
    pub(crate) fn of_object(
        subject: &Subject,
        kind: &str,
        vendor_id: Option<&str>,
        part_of: Option<&str>,
    ) -> Option<Self> {
        if !holds(Guard::OwnObject) {
            return None;
        }
        match subject {
            Subject::Payment(payment) => Self::of_ids(payment.vendor_id.as_deref(), vendor_id, kind),
            Subject::Refund(refund) => {
                let id = || Self::of_ids(refund.vendor_id.as_deref(), vendor_id, kind);
                let (known, said) = (refund.payment_vendor_id.as_deref()?, part_of?);
                let payment = (known != said).then(|| Self {
                    why: "another_payment",
                    vendor_id: vendor_id.map(str::to_owned),
                    told: format!("{kind} of {said}"),
                });
                payment.or_else(id)
            }
            Subject::Customer(customer) => {
                let is_former = |id: &str| customer.former_vendor_ids.iter().any(|former| former == id);
                Self::of_ids(customer.vendor_id.as_deref(), vendor_id.filter(|id| !is_former(id)), kind)
            }
            _ => None,
        }
    }

    /// An object of the vendor's that bears the mark of this one of ours is another one's already.
    pub(crate) fn taken(kind: &str, vendor_id: Option<&str>) -> Self {
        Self { why: "another_object", vendor_id: vendor_id.map(str::to_owned), told: kind.to_owned() }
    }

    fn of_ids(known: Option<&str>, said: Option<&str>, what: &str) -> Option<Self> {
        let (known, said) = (known?, said?);
        (known != said).then(|| Self { why: "another_object", vendor_id: Some(said.to_owned()), told: what.to_owned() })
    }

    fn of_amounts(ours: Money, told: Told, vendor_id: Option<&str>, what: &str) -> Option<Self> {
        let (why, told) = match told {
            Told::Amount(amount) if amount == ours => return None,
            Told::Amount(amount) if amount.currency == ours.currency => ("another_amount", amount.to_string()),
            Told::Amount(amount) => ("another_currency", amount.to_string()),
            Told::Unreadable => ("another_currency", "an amount that cannot be read".to_owned()),
        };
        Some(Self { why, vendor_id: vendor_id.map(str::to_owned), told: format!("{what}, {told}") })
    }

    /// What is written of it: nothing of what it says moves anything.
    pub(crate) fn plan(&self, subject: &Subject, context: &Context) -> Result<Plan> {
        let mut plan = Plan { doubt: Some((context.source, self.why)), ..Plan::default() };
        let (object, order_id, event) = match subject {
            Subject::Payment(payment) => (payment.payment_id.as_str(), Some(&payment.order_id), "payment.in_doubt"),
            Subject::Refund(refund) => (refund.refund_id.as_str(), Some(&refund.order_id), "refund.in_doubt"),
            Subject::Customer(customer) => (customer.customer_id.as_str(), None, "customer.in_doubt"),
            _ => return Err(Error::bug("doubt", "of what only we say")),
        };
        let vendor_id = self.vendor_id.as_deref().unwrap_or("-");
        if let Some(order) = order_id {
            let entry = TimelineEntry {
                at: context.now,
                event: event.to_owned(),
                object: object.to_owned(),
                detail: Some(format!("{} {vendor_id}: {}", self.why, self.told)),
                source: context.source.to_owned(),
            };
            plan.writes.push(timeline_row(order, &entry, &context.occasion)?);
        }
        let doubt = Doubt {
            item_type: "doubt".to_owned(),
            vendor: context.source.to_owned(),
            vendor_id: vendor_id.to_owned(),
            why: self.why.to_owned(),
            told: self.told.clone(),
            object: object.to_owned(),
            order_id: order_id.cloned(),
            occasion: context.occasion.clone(),
            correlation_id: context.correlation.clone(),
            due: context.now,
            due_pk: Some(MANUAL_PARTITION.to_owned()),
        };
        plan.writes.push((Role::Once, Write::put_new(doubt.key(), &doubt)?));
        if let (Subject::Payment(payment), true) = (subject, context.settles_confirm) {
            // What it says is not believed, but the confirm was made: the next one is another intent.
            let mut after = payment.clone();
            after.confirms_settled += 1;
            after.version += 1;
            let write = Write::update(payment::key(&payment.payment_id))
                .set("confirms_settled", &after.confirms_settled)?
                .set("updated_at", &context.now)?
                .add("version", 1)
                .when("#version = :version")
                .bind(":version", &payment.version)?;
            plan.writes.push((Role::Object, write));
            plan.after = Some(Subject::Payment(after));
        }
        Ok(plan)
    }
}

impl Doubt {
    /// Where it lives: once for each vendor object, object of ours and reason.
    fn key(&self) -> Key {
        Key::new(format!("DOUBT#{}#{}#{}#{}", self.vendor, self.vendor_id, self.object, self.why), "DOUBT")
    }
}

/// Tells whoever is on call.
pub(crate) fn alarm(now: Timestamp, vendor: &str, why: &str) {
    fields::alert(now, "objects_in_doubt", 1.0, "Count", &[("vendor", vendor), ("outcome", why)]);
    tracing::error!(
        { fields::VENDOR } = vendor,
        reason = why,
        "a vendor's object says of ours what it cannot be: a person has to look"
    );
}

/// An event that names an intent of another vendor's.
pub(crate) fn alarm_of_vendor(now: Timestamp, vendor: Vendor) {
    alarm(now, vendor.as_str(), "another_vendor");
}

impl WorkList {
    /// A person has looked at it: it no longer waits for one. It stays in the table, as known.
    ///
    /// # Errors
    /// 409 `not_manual` when somebody has looked before.
    pub async fn looked_at(&self, doubt: &Doubt, operator: &Operator) -> Result<()> {
        let now = self.world.now();
        let detail = Some(format!("{} of {}: {}", doubt.vendor_id, doubt.object, doubt.why));
        let audit = Audit::of(operator, "manual.looked_at", &doubt.vendor_id, detail, now);
        let mut writes =
            vec![Write::update(doubt.key()).set("looked_at", &now)?.remove("due_pk").when("attribute_exists(#due_pk)")];
        let occasion = format!("operator/{}/{}", doubt.vendor_id, doubt.object);
        writes.extend(audit.writes(doubt.order_id.as_ref(), &occasion)?.into_iter().map(|(_, write)| write));
        match self.table.transact(&writes).await? {
            Transacted::Done => Ok(()),
            Transacted::Lost(_) => Err(Error::rejected(409, "not_manual", "Somebody has looked at it before you.")),
        }
    }
}
