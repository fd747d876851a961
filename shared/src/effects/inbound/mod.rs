//! Events from vendors, applied: seen mark, status, timeline and follow-ups in one transaction.
//!
//! An event is matched by our own id in the vendor's metadata, then by the vendor's id. One that matches nothing is
//! kept beside the place where that vendor id would be, and whoever writes that place looks for it.

mod apply;
mod event;
mod listed;
mod mark;
pub(crate) mod preview;
pub mod provider;
mod target;
mod waiting;

pub use event::{Applied, Event};

use crate::domain::Correlation;
use crate::effects::inbound::apply::leaves_open;
use crate::effects::inbound::mark::Once;
use crate::effects::inbound::provider::Lookup;
use crate::effects::inbound::waiting::WaitingEvent;
use crate::effects::list::WorkList;
use crate::effects::list::requeue::Requeued;
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::telemetry::metrics::Metric;

impl WorkList {
    /// Applies an event. What leaves a question open that only the vendor can answer waits, and payment-worker asks at once:
    /// whoever applies events calls no vendor.
    pub async fn apply(&self, vendor: Vendor, mut event: Event, correlation: &Correlation) -> Result<Applied> {
        if event.stack.as_deref().is_some_and(|stack| stack != self.stack.as_str()) {
            Metric::EventsOfOtherStacks.count(self.world.now(), &[]);
            return Ok(Applied::Foreign);
        }
        // Becoming known in between is the only way to go round, and nothing becomes unknown again; or it speaks of an address.
        for _ in 0..3 {
            let Some(target) = self.target(vendor, &event).await? else {
                if let Some(otherwise) = event.otherwise.take() {
                    event.observed = Some(otherwise);
                    continue;
                }
                match self.keep_waiting(vendor, &event, correlation).await? {
                    Some(applied) => return Ok(applied),
                    None => continue,
                }
            };
            if leaves_open(&event, &target.subject) {
                return self.keep_for_later(vendor, &event, correlation).await;
            }
            return self.apply_to(vendor, &event, target, correlation, Once::Mark, None).await;
        }
        Err(Error::transient("object_contended", "the object became known and unknown again"))
    }

    /// Applies an event that was kept waiting, now that its object is known. What only the vendor can answer is handed on to
    /// payment-worker.
    pub async fn apply_waiting(&self, requeued: &Requeued) -> Result<Applied> {
        self.match_again(requeued, None).await
    }

    /// Asks the vendor what an event that waits leaves open, and applies it.
    pub async fn ask_about(&self, requeued: &Requeued, provider: &dyn Lookup) -> Result<Applied> {
        self.match_again(requeued, Some(provider)).await
    }

    async fn match_again(&self, requeued: &Requeued, provider: Option<&dyn Lookup>) -> Result<Applied> {
        let Some(item) = self.table.get(&requeued.waiting).await? else { return Ok(Applied::Duplicate) };
        let waiting: WaitingEvent = item.parse()?;
        let vendor = Vendor::parse(&waiting.vendor).ok_or_else(|| Error::bug("vendor_unknown", &waiting.vendor))?;
        let target = self.target(vendor, &waiting.event).await?;
        let asks = target.as_ref().map_or(waiting.may_be_anybodys(), |to| leaves_open(&waiting.event, &to.subject));
        if asks && provider.is_none() {
            // Not due while it is in the queue: otherwise a queue that is long gets each of them again every minute.
            let waits = self.wait_on(requeued, &waiting, waiting.is_ours).await?;
            self.hand_on(requeued.waiting.clone()).await;
            return Ok(waits);
        }
        let Some(target) = target else {
            return match self.owner(vendor, &waiting, provider).await {
                Some(false) => self.let_go(vendor, requeued).await,
                owner => self.wait_on(requeued, &waiting, owner.unwrap_or(waiting.is_ours)).await,
            };
        };
        if let Some(provider) = provider {
            let taken = self.refunds_taken(vendor, &waiting.event, &target, &waiting.correlation_id, provider);
            if !taken.await? {
                return self.wait_on(requeued, &waiting, true).await;
            }
        }
        let once = Once::Waiting(&requeued.waiting);
        self.apply_to(vendor, &waiting.event, target, &waiting.correlation_id, once, provider).await
    }
}
