//! Settling an answer that others may have overtaken: while we asked, an event of the same second of the vendor's clock came
//! in, and nothing that either says tells which of the two is later. The vendor is asked, once.

use crate::aws::Write;
use crate::effects::list::WorkList;
use crate::effects::list::observation::Observation;
use crate::effects::list::outcome::{Outcome, SAID_MEANWHILE, Verdict};
use crate::effects::subject::Subject;
use crate::effects::work::agent::Agent;
use crate::effects::work::claim::Claimed;
use crate::effects::work::settle::Settled;
use crate::error::Result;

/// Looks at the vendor for one settle: each further one means that something else was said during the one before.
const LOOKS_MAX: u32 = 2;

impl WorkList {
    /// Settles what was called or resolved, in the vendor's order.
    pub(crate) async fn settle_in_order(
        &self,
        claimed: &Claimed,
        agent: &dyn Agent,
        mut subject: Subject,
        mut outcome: Outcome,
        answer: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Settled> {
        let vendor = agent.vendor_of(&claimed.intent, &subject);
        for _ in 0..LOOKS_MAX {
            // Boxed: every caller's future would hold all of it.
            let settled = Box::pin(self.settle(claimed, vendor, subject.clone(), outcome.clone(), &answer)).await;
            match settled {
                Err(error) if error.code == SAID_MEANWHILE => {}
                settled => return settled,
            }
            subject = self.subject(&claimed.intent).await?;
            let known = subject.standing();
            let found = match subject.vendor_id() {
                Some(vendor_id) => agent.fetch(vendor, vendor_id, &claimed.intent.correlation_id).await,
                None => None,
            };
            let found = match (found, &outcome.observed) {
                (Some(found), Some(before)) => Some(found.in_place_of(before)),
                (found, before) => found.or_else(|| before.clone()),
            };
            outcome.observed = found.map(|mut found| {
                if let Observation::Payment(observed) = &mut found {
                    observed.asked_when = known;
                }
                found
            });
        }
        // Whoever keeps being overtaken is put in order by the statuses alone.
        if let Some(Observation::Payment(observed)) = &mut outcome.observed {
            observed.asked_when = None;
        }
        Box::pin(self.settle(claimed, vendor, subject, outcome, answer)).await
    }
}
