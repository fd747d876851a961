//! What a call or a resolver found out, in the only words that the work list needs.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::domain::{Correlation, Timestamp};
use crate::effects::list::intent::Intent;
use crate::effects::list::observation::Observation;
use crate::effects::work::Subject;
use crate::effects::work::claim::Lease;
use crate::gateway::{Class, Gateway, OperationClass, Permit, Reply, Vendor};

/// The code of a call that we did not make ourselves: a breaker is open, or a quota used up.
pub const HELD_BACK: &str = "held_back";

/// The code of what the vendor does not do yet, and keeps refusing under the same key: later, as another request, it may.
pub const TOO_EARLY: &str = "too_early";

/// The code of what nobody wants any more.
pub const CALLED_OFF: &str = "canceled";

/// The code of a message that the provider refuses because its recipient has opted out there.
pub const OPTED_OUT: &str = "opted_out";

/// What is true of the effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It happened (or the vendor holds an object for it, declined or not).
    Done,
    /// The vendor's final no; nothing exists there.
    Refused {
        /// Stable code.
        code: &'static str,
    },
    /// It certainly did not happen; later it may work.
    NotDone {
        /// Stable code: `throttled`, `vendor_unavailable`, `vendor_credentials`, [`HELD_BACK`], [`TOO_EARLY`].
        code: &'static str,
        /// How long to wait, when somebody said so.
        after: Option<Duration>,
        /// Whether the vendor answered (only answered calls count as attempts).
        answered: bool,
    },
    /// It probably did not happen. The same request may be sent again later, since the vendor deduplicates it; who needs a
    /// proof that it did not happen, as a cancel does, has none.
    ProbablyNotDone {
        /// How long to wait, when the vendor said so.
        after: Option<Duration>,
    },
    /// It may have happened.
    Unknown {
        /// When asking the vendor makes sense.
        look_at: Timestamp,
        /// Repeating the request cannot tell; the vendor's list must.
        ask_the_list: bool,
    },
    /// A resolver's: it certainly did not happen, so it is to be called again, as another request.
    Absent,
    /// Nobody can find out, or the budget is over: a person has to look.
    GivenUp {
        /// Why.
        code: &'static str,
    },
}

/// A verdict and, where the vendor's answer holds one, the object it speaks of.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is true of the effect.
    pub verdict: Verdict,
    /// What the vendor said of the object.
    pub seen: Option<Observation>,
}

impl Outcome {
    /// Done, and the vendor said this of the object.
    pub fn done(seen: Observation) -> Self {
        Self { verdict: Verdict::Done, seen: Some(seen) }
    }

    /// It certainly was not done.
    pub fn not_done(code: &'static str, after: Option<Duration>, answered: bool) -> Self {
        Self::of(Verdict::NotDone { code, after, answered })
    }

    /// What a reply means that was turned away before anything was done; `None` for those of which only the vendor's own
    /// rules can tell.
    pub fn turned_away(reply: &Reply) -> Option<Self> {
        let answered = reply.response.is_some();
        match reply.class {
            Class::Throttled { after } => Some(Self::not_done("throttled", after, true)),
            Class::Held { after } => Some(Self::not_done(HELD_BACK, Some(after), false)),
            Class::Transient => Some(Self::not_done("vendor_unavailable", None, answered)),
            Class::Unavailable { after } => Some(Self::of(Verdict::ProbablyNotDone { after })),
            Class::Credentials => Some(Self::not_done("vendor_credentials", None, answered)),
            Class::Done | Class::Refused | Class::Unknown => None,
        }
    }

    /// Whether no call was made, because we held it back ourselves.
    pub fn is_held_back(&self) -> bool {
        matches!(self.verdict, Verdict::NotDone { code: HELD_BACK, .. })
    }

    /// Whether it certainly did not happen, and may later.
    pub fn is_not_done(&self) -> bool {
        matches!(self.verdict, Verdict::NotDone { .. })
    }

    /// Whether it did not happen, certainly or probably, and may later.
    pub fn seems_not_done(&self) -> bool {
        self.is_not_done() || matches!(self.verdict, Verdict::ProbablyNotDone { .. })
    }

    /// Whether it may have happened.
    pub fn is_unknown(&self) -> bool {
        matches!(self.verdict, Verdict::Unknown { .. })
    }

    /// Whether nothing proves that it did not happen, or that it did.
    pub fn is_in_doubt(&self) -> bool {
        self.is_unknown() || matches!(self.verdict, Verdict::ProbablyNotDone { .. })
    }

    /// A verdict without an object.
    pub fn of(verdict: Verdict) -> Self {
        Self { verdict, seen: None }
    }
}

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
    fn is_repeatable(&self) -> bool;

    /// Makes the effect's one call, under this permit.
    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome>;

    /// Finds out whether the effect happened, with one call at most.
    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome>;

    /// Asks how an object stands now; `None` when the vendor cannot be asked.
    fn fetch<'a>(&'a self, vendor_id: &'a str, correlation: &'a Correlation) -> BoxFuture<'a, Option<Observation>>;
}
