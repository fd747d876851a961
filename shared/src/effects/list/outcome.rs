//! What a call or a resolver found out, in the only words that the work list needs.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::effects::list::intent::Phase;
use crate::effects::list::observation::Observation;
use crate::gateway::{Class, Reply};

/// The code of a call that we did not make ourselves: a breaker is open, or a quota used up.
pub const HELD_BACK: &str = "held_back";

/// The code of what the vendor does not do yet, and keeps refusing under the same key: later, as another request, it may.
pub const TOO_EARLY: &str = "too_early";

/// The code of what nobody wants any more.
pub const CALLED_OFF: &str = "canceled";

/// The code of a message that the provider refuses because its recipient has opted out there.
pub const OPTED_OUT: &str = "opted_out";

/// The code of a message that the recipient does not want, or cannot get.
pub(crate) const SUPPRESSED: &str = "suppressed";

/// The code of an answer that cannot be put in order with what was said meanwhile.
pub(crate) const SAID_MEANWHILE: &str = "said_meanwhile";

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
        Self { verdict, observed: None }
    }
}
