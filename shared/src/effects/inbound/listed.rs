//! "So much of the payment has gone back": the payment's refunds are listed at the vendor, those with our mark go to their
//! intents, and the others become ours.
//!
//! Endpoints of an API version before 2024-10-28.acacia hear nothing else of a refund that somebody makes in Stripe's
//! dashboard; on newer ones it makes up for an event that was lost.

use crate::domain::Correlation;
use crate::effects::inbound::event::{Applied, Event};
use crate::effects::inbound::mark::Once;
use crate::effects::inbound::provider::{ListedRefund, Lookup};
use crate::effects::inbound::target::{Target, is_all_known};
use crate::effects::list::WorkList;
use crate::effects::list::observation::Observation;
use crate::effects::subject::Subject;
use crate::error::Result;
use crate::gateway::Vendor;

impl WorkList {
    /// Takes over the payment's refunds, where that is what an event asks for. False when the vendor cannot be asked now, lists
    /// less than the event says has gone back, or there is no time for all of it: then the event has to wait.
    pub(super) async fn refunds_taken(
        &self,
        vendor: Vendor,
        event: &Event,
        target: &Target,
        correlation: &Correlation,
        provider: &dyn Lookup,
    ) -> Result<bool> {
        let (Some(refunded), Subject::Payment(payment)) = (event.refunded, &target.subject) else { return Ok(true) };
        // Of another payment than the one that is known nothing is believed, its refunds neither.
        let Some(id) = payment.vendor_id.as_ref().filter(|id| Some(*id) == event.vendor_id.as_ref()) else {
            return Ok(payment.vendor_id.is_some());
        };
        if is_all_known(event, payment) {
            return Ok(true);
        }
        let Some(listed) = provider.refunds(id, correlation).await else { return Ok(false) };
        // Those that failed count too: they had gone back when the event was made.
        if listed.iter().map(|refund| refund.amount).sum::<i64>() < refunded {
            return Ok(false);
        }
        for refund in listed {
            // What is taken over by then is known the next time.
            if !provider.has_time() {
                return Ok(false);
            }
            self.take_refund(vendor, event, refund, correlation, provider).await?;
        }
        Ok(true)
    }

    /// Takes over one refund, unless it is known as it is.
    async fn take_refund(
        &self,
        vendor: Vendor,
        event: &Event,
        listed: ListedRefund,
        correlation: &Correlation,
        provider: &dyn Lookup,
    ) -> Result<()> {
        if listed.stack.as_deref().is_some_and(|stack| stack != self.stack.as_str()) {
            return Ok(());
        }
        let Observation::Refund(observed) = &listed.observed else { return Ok(()) };
        let told = Event {
            // With its status: the list may be read again later, when a refund that was still open has come to an end.
            event_id: format!("{}/{}/{}", event.event_id, listed.vendor_id, observed.status.as_str()),
            kind: event.kind.clone(),
            occurred_at: event.occurred_at,
            stack: listed.stack,
            intent_id: listed.intent_id,
            order_id: None,
            vendor_id: Some(listed.vendor_id),
            part_of: event.vendor_id.clone(),
            refunded: None,
            refunded_by_us: None,
            introduces: false,
            otherwise: None,
            observed: Some(listed.observed),
            archive_key: event.archive_key.clone(),
        };
        let Some(target) = self.target(vendor, &told).await? else { return Ok(()) };
        if is_known(&target.subject, &told) {
            return Ok(());
        }
        let applied: Applied = self.apply_to(vendor, &told, target, correlation, Once::Mark, Some(provider)).await?;
        tracing::info!(event = told.event_id, applied = ?applied, "a refund was found in the payment's list");
        Ok(())
    }
}

/// Whether this refund is ours with this status already: then there is nothing to write of it.
fn is_known(subject: &Subject, told: &Event) -> bool {
    match (subject, &told.observed) {
        (Subject::Refund(refund), Some(Observation::Refund(observed))) => {
            refund.version > 0 && refund.vendor_id == observed.vendor_id && refund.status == observed.status
        }
        _ => false,
    }
}
