//! What payment-worker may ask a payment provider about an event: reads, few and seldom. An outage of the vendor's must
//! not hold up its own events, so each of them may go unanswered.

use futures_util::future::BoxFuture;

use crate::domain::{Correlation, IntentId, StackId};
use crate::effects::list::observation::Observation;
use crate::effects::work::agent::Agent;

/// A payment provider, as events need it.
pub trait Lookup: Agent {
    /// Whether there is time to ask, and to apply what is heard: whoever has none comes back later.
    fn has_time(&self) -> bool;

    /// All refunds of a payment, in the vendor's order; `None` when the vendor cannot be asked for all of them.
    fn refunds<'a>(
        &'a self,
        payment: &'a str,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Vec<ListedRefund>>>;

    /// Whether a payment is this deployment's; `None` when the vendor cannot be asked.
    fn is_ours<'a>(
        &'a self,
        payment: &'a str,
        stack: &'a StackId,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<bool>>;
}

/// A refund, as the vendor lists it.
#[derive(Clone, Debug)]
pub struct ListedRefund {
    /// The vendor's id of it.
    pub vendor_id: String,
    /// In the vendor's units.
    pub amount: i64,
    /// The deployment in its metadata, when it has one.
    pub stack: Option<String>,
    /// Our intent in its metadata, when it has one.
    pub intent_id: Option<IntentId>,
    /// What the list says of it, as of its creation: a list may lag behind the events.
    pub observed: Observation,
}
