//! What a call or a resolver found out, in the only words that the work list needs.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::effects::list::intent::Phase;
use crate::effects::list::observation::Observation;
use crate::effects::list::reason::Reason;
use crate::gateway::{Class, Reply};

/// The code of an answer that cannot be put in order with what was said meanwhile.
pub(crate) const SAID_MEANWHILE: &str = "said_meanwhile";

/// What is true of the effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It happened (or the vendor holds an object for it, declined or not).
    Done,
    /// The vendor's final no; nothing exists there.
    Refused {
        /// Why the vendor, or we, refused it.
        reason: Reason,
    },
    /// It certainly did not happen; later it may work.
    NotDone {
        /// Why it was not done.
        reason: Reason,
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
        /// Why nobody can find out.
        reason: Reason,
    },
}

impl Verdict {
    /// The phase that it leads to.
    pub(crate) const fn phase(&self) -> Phase {
        match self {
            Self::Done => Phase::Done,
            Self::Refused { .. } => Phase::Refused,
            Self::NotDone { .. } | Self::ProbablyNotDone { .. } | Self::Absent => Phase::Ready,
            Self::Unknown { .. } => Phase::Unknown,
            Self::GivenUp { .. } => Phase::Manual,
        }
    }
}

/// A verdict and, where the vendor's answer holds one, the object it speaks of.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is true of the effect.
    pub verdict: Verdict,
    /// What the vendor said of the object.
    pub observed: Option<Observation>,
}

impl Outcome {
    /// Done, and the vendor said this of the object.
    pub fn done(observed: Observation) -> Self {
        Self { verdict: Verdict::Done, observed: Some(observed) }
    }

    /// It certainly was not done.
    pub fn not_done(reason: Reason, after: Option<Duration>, answered: bool) -> Self {
        Self::of(Verdict::NotDone { reason, after, answered })
    }

    /// What a reply means that was turned away before anything was done; `None` for those of which only the vendor's own
    /// rules can tell.
    pub fn turned_away(reply: &Reply) -> Option<Self> {
        let answered = reply.response.is_some();
        match reply.class {
            Class::Throttled { after } => Some(Self::not_done(Reason::Throttled, after, true)),
            Class::Held { after } => Some(Self::not_done(Reason::HeldBack, Some(after), false)),
            Class::Transient => Some(Self::not_done(Reason::VendorUnavailable, None, answered)),
            Class::Unavailable { after } => Some(Self::of(Verdict::ProbablyNotDone { after })),
            Class::Credentials => Some(Self::not_done(Reason::VendorCredentials, None, answered)),
            Class::Done | Class::Refused | Class::Unknown => None,
        }
    }

    /// Whether no call was made, because we held it back ourselves.
    pub fn is_held_back(&self) -> bool {
        matches!(self.verdict, Verdict::NotDone { reason: Reason::HeldBack, .. })
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
        Self { verdict, observed: None }
    }
}
