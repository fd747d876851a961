//! What a payment comes to, for those who watch how payments go: one outcome each, counted once.
//!
//! A success counts at once. A decline does not: the shopper tries another card, and most of them succeed. So the payment itself
//! goes into the due index for a quarter of an hour after its last decline, and the sweeper looks whether anything followed.
//! Payments that were canceled without a decline, or left alone, come to nothing and count as nothing.
//!
//! The outcome is written with the object, so it is decided once whoever dies. Its metric line is written afterwards: it is lost
//! where the process dies in between, or where the table's answer is, and never written twice. A lost line makes a figure too
//! small by one; the exact figures are in the table and at the provider.

use std::time::Duration;

use super::{Payment, key};
use crate::aws::Write;
use crate::domain::Timestamp;
use crate::domain::payment::{PaymentOutcome, PaymentStatus};
use crate::effects::list::intent::due_partition;
use crate::effects::list::plan::Measured;
use crate::error::Result;
use crate::telemetry::metrics::Metric;

/// How long a decline waits for another try: what a shopper needs to find another card. (The confirm's budget is as long.)
pub(crate) const LOOK_AFTER: Duration = Duration::from_secs(15 * 60);
/// A payment that its provider is at is looked at again, but not for longer than this.
const PROCESSING_MAX: Duration = Duration::from_secs(24 * 3_600);
/// The kind of such a row in the due index.
pub(crate) const KIND: &str = "payment.outcome";

impl Payment {
    /// Decides what this payment comes to, as far as `after` tells; and what is to be counted of it.
    pub(super) fn come_to(&self, after: &mut Self, measured: &mut Vec<Measured>, now: Timestamp) {
        let moved = after.status != self.status;
        if moved && after.status == PaymentStatus::Succeeded {
            (after.declined, after.look_at) = (None, None);
            if self.outcome.is_none() {
                after.outcome = Some(PaymentOutcome::Succeeded);
                measured.push(Measured::one(Metric::PaymentsSucceeded));
            }
            #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52 minor units")]
            let amount = self.amount.value as f64;
            let seconds = now.since(self.created_at).as_secs_f64();
            measured.push(Measured { metric: Metric::PaymentSeconds, value: seconds, of: None });
            let of = Some(self.amount.currency.code());
            measured.push(Measured { metric: Metric::RevenueMinorUnits, value: amount, of });
        }
        if let (None, Some(settlement)) = (&self.settlement, &after.settlement) {
            #[expect(clippy::cast_precision_loss, reason = "fees are far below 2^52 minor units")]
            let fee = settlement.fee.value as f64;
            let of = Some(settlement.fee.currency.code());
            measured.push(Measured { metric: Metric::FeesMinorUnits, value: fee, of });
        }
        if self.outcome.is_some() || after.outcome.is_some() {
            return;
        }
        if moved && after.status == PaymentStatus::Failed {
            after.outcome = Some(PaymentOutcome::Failed);
            measured.push(Measured::one(Metric::PaymentsFailed));
        }
        let is_declined = after.status == PaymentStatus::RequiresPaymentMethod && after.decline.is_some();
        let is_news = (after.status, after.decline, after.vendor_at) != (self.status, self.decline, self.vendor_at);
        if is_declined && is_news {
            (after.declined, after.look_at) = (after.decline, Some(now.plus(LOOK_AFTER)));
        }
    }

    /// The part of the write that turns this payment into `after` which is about its outcome.
    pub(super) fn write_outcome(&self, after: &Self, write: Write) -> Result<Write> {
        let write = if self.outcome == after.outcome { write } else { write.set("outcome", &after.outcome)? };
        if (self.declined, self.look_at) == (after.declined, after.look_at) {
            return Ok(write);
        }
        let write = write.set("look", &after.declined)?;
        match after.look_at {
            Some(due) => {
                write.set("due", &due)?.set("kind", &KIND)?.set("due_pk", &due_partition(self.intent_id.due_shard()))
            }
            None => Ok(write.remove("due").remove("due_pk")),
        }
    }

    /// What the look comes to when it is due; `paid_by_another` when another payment of the order was paid.
    pub(crate) fn looked(&self, paid_by_another: bool, now: Timestamp) -> Option<Looked> {
        let due = self.look_at.filter(|due| *due <= now)?;
        let write = Write::update(key(&self.payment_id));
        let is_young = now.since(self.created_at) < PROCESSING_MAX;
        if self.status == PaymentStatus::Processing && is_young {
            let later = now.plus(LOOK_AFTER);
            return Some(Looked { due, outcome: None, write: write.set("due", &later).ok()? });
        }
        let outcome = match self.status {
            // An older version wrote it, which knows nothing of outcomes.
            PaymentStatus::Succeeded => PaymentOutcome::Succeeded,
            _ if paid_by_another => PaymentOutcome::PaidByAnother,
            _ => PaymentOutcome::Declined,
        };
        let write = write.set("outcome", &outcome).ok()?.remove("due").remove("due_pk");
        Some(Looked { due, outcome: Some(outcome), write })
    }
}

/// What a look at a declined payment comes to.
pub(crate) struct Looked {
    /// The look that it is.
    due: Timestamp,
    /// The outcome; `None` when it is looked at again.
    pub(crate) outcome: Option<PaymentOutcome>,
    write: Write,
}

impl Looked {
    /// The write, which happens once for each look: whoever pays, or is declined, in between takes it away.
    pub(crate) fn write(self) -> Result<Write> {
        // Who plans on the payment as it was before plans again.
        self.write.add("version", 1).when("#due = :due AND attribute_exists(#due_pk)").bind(":due", &self.due)
    }
}
