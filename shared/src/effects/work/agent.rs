//! A vendor's part: whoever calls and resolves.

use futures_util::future::BoxFuture;

use crate::domain::Correlation;
use crate::effects::list::intent::Intent;
use crate::effects::list::observation::Observation;
use crate::effects::list::outcome::Outcome;
use crate::effects::subject::Subject;
use crate::effects::work::claim::Lease;
use crate::gateway::{Gateway, OperationClass, Permit, Vendor};

/// A vendor's part in the work list: it calls and it resolves. One for each vendor, and one for the two that send mails.
pub trait Agent: Send + Sync {
    /// Whose limits apply.
    fn vendor(&self) -> Vendor;

    /// Whose effect this intent's is, where there is a choice.
    fn vendor_of(&self, _intent: &Intent, _subject: &Subject) -> Vendor {
        self.vendor()
    }

    /// Leave to call, asked for beside the claim: for one call of the vendor's quota. Whoever learns of the vendor from
    /// what it claims asks for nothing ahead.
    fn permit<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Permit> {
        Box::pin(self.gateway().permit(self.vendor(), lease.lane, lease.call_by))
    }

    /// Whether it is useless to claim an intent of this class, as far as this instance knows.
    fn is_shut(&self, class: OperationClass) -> bool {
        self.gateway().looks_shut(self.vendor(), &[class])
    }

    /// The way to the vendor.
    fn gateway(&self) -> &Gateway;

    /// Whether the same request may be sent again after an unknown outcome, because the vendor deduplicates it.
    fn is_repeatable(&self, intent: &Intent) -> bool;

    /// Makes the effect's one call, under this permit.
    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome>;

    /// Finds out whether the effect happened, with one call at most.
    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome>;

    /// Asks how an object of this vendor's stands now; `None` when the vendor cannot be asked.
    fn fetch<'a>(
        &'a self,
        vendor: Vendor,
        vendor_id: &'a str,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>>;
}
