//! What a vendor says of an object of ours, and cannot mean it: another object bears our mark, or the amount, the currency
//! or the kind is another one than ours. It moves nothing. It is kept where people look for what waits for them, shown
//! in the order's timeline, and an alarm is raised.

use serde::{Deserialize, Serialize};

use crate::aws::{Key, Write};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{Correlation, Money, OrderId, Timestamp};
use crate::effects::list::intent::MANUAL_PARTITION;
use crate::effects::list::observation::{Observation, ObservedRefund, VendorAmount};
use crate::effects::list::plan::{Context, Plan, Role, timeline_row};
use crate::error::Result;
use crate::gateway::Vendor;
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;

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

/// Ours, of which it is said.
pub(crate) struct Doubted<'a> {
    /// Our id of it.
    pub(crate) object: &'a str,
    /// The order that it belongs to.
    pub(crate) order_id: Option<&'a OrderId>,
    /// The row of the order's timeline.
    pub(crate) event: &'static str,
}

impl Difference {
    /// What is said is said of an object of another kind.
    pub(crate) fn of_kinds(observed: &Observation) -> Option<Self> {
        let vendor_id = match observed {
            Observation::Payment(observed) => observed.vendor_id.clone(),
            Observation::Refund(observed) => observed.vendor_id.clone(),
            Observation::Customer(observed) => observed.vendor_id.clone(),
            _ => return None,
        };
        Some(Self { why: "another_kind", vendor_id, told: "an object of another kind".to_owned() })
    }

    /// A refund is said of a payment: one of its own event's, or of another currency.
    pub(crate) fn of_refund(observed: &ObservedRefund, is_its_currency: bool) -> Self {
        let why = if is_its_currency { "another_kind" } else { "another_currency" };
        Self { why, vendor_id: observed.vendor_id.clone(), told: "refund".to_owned() }
    }

    /// It is part of another payment.
    pub(crate) fn of_payments(known: &str, said: &str, vendor_id: Option<&str>, what: &str) -> Option<Self> {
        (known != said).then(|| Self {
            why: "another_payment",
            vendor_id: vendor_id.map(str::to_owned),
            told: format!("{what} of {said}"),
        })
    }

    /// An object of the vendor's that bears the mark of this one of ours is another one's already.
    pub(crate) fn taken(kind: &str, vendor_id: Option<&str>) -> Self {
        Self { why: "another_object", vendor_id: vendor_id.map(str::to_owned), told: kind.to_owned() }
    }

    /// It has another id.
    pub(crate) fn of_ids(known: Option<&str>, said: Option<&str>, what: &str) -> Option<Self> {
        let (known, said) = (known?, said?);
        (known != said).then(|| Self { why: "another_object", vendor_id: Some(said.to_owned()), told: what.to_owned() })
    }

    /// It has another amount.
    pub(crate) fn of_amounts(ours: Money, told: VendorAmount, vendor_id: Option<&str>, what: &str) -> Option<Self> {
        let (why, told) = match told {
            VendorAmount::Amount(amount) if amount == ours => return None,
            VendorAmount::Amount(amount) if amount.currency == ours.currency => ("another_amount", amount.to_string()),
            VendorAmount::Amount(amount) => ("another_currency", amount.to_string()),
            VendorAmount::Unreadable => ("another_currency", "an amount that cannot be read".to_owned()),
        };
        Some(Self { why, vendor_id: vendor_id.map(str::to_owned), told: format!("{what}, {told}") })
    }

    /// What is written of it: nothing of what it says moves anything.
    pub(crate) fn plan(&self, ours: &Doubted<'_>, context: &Context) -> Result<Plan> {
        let mut plan = Plan { doubt: Some((context.source, self.why)), ..Plan::default() };
        let vendor_id = self.vendor_id.as_deref().unwrap_or("-");
        if let Some(order) = ours.order_id {
            let entry = TimelineEntry {
                at: context.now,
                event: ours.event.to_owned(),
                object: ours.object.to_owned(),
                detail: Some(format!("{} {vendor_id}: {}", self.why, self.told)),
                source: context.source.to_owned(),
                asked_by: context.asked_by.clone(),
            };
            plan.writes.push(timeline_row(order, &entry, &context.occasion)?);
        }
        let doubt = Doubt {
            item_type: "doubt".to_owned(),
            vendor: context.source.to_owned(),
            vendor_id: vendor_id.to_owned(),
            why: self.why.to_owned(),
            told: self.told.clone(),
            object: ours.object.to_owned(),
            order_id: ours.order_id.cloned(),
            occasion: context.occasion.clone(),
            correlation_id: context.correlation.clone(),
            due: context.now,
            due_pk: Some(MANUAL_PARTITION.to_owned()),
        };
        plan.writes.push((Role::Once, Write::put_new(doubt.key(), &doubt)?));
        Ok(plan)
    }
}

impl Doubt {
    /// Where it lives: once for each vendor object, object of ours and reason.
    pub(crate) fn key(&self) -> Key {
        Key::new(format!("DOUBT#{}#{}#{}#{}", self.vendor, self.vendor_id, self.object, self.why), "DOUBT")
    }
}

/// Tells whoever is on call.
pub(crate) fn alarm(now: Timestamp, vendor: &str, why: &str) {
    Metric::ObjectsInDoubt.count(now, &[]);
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
