//! The lattice: which move of a status is allowed. One rule for every kind of object, so that a webhook, an API
//! answer and the sweeper, in any order and any number, end in the same state.

use super::Timestamp;
use crate::guard::{Guard, holds};

/// What a status has to say about itself to take part in the lattice.
pub trait Status: Copy + PartialEq {
    /// A terminal status absorbs: nothing moves it any more.
    fn is_terminal(self) -> bool;

    /// Only we say this (deferred, manual …); it ranks below everything that the vendor said, and never absorbs.
    fn is_ours(self) -> bool;

    /// A terminal status that we may have said ourselves, of what we were certain: the vendor's word undoes it all the same.
    fn gives_way(self) -> bool {
        false
    }

    /// Breaks a tie between two open statuses of the same second: the one further along its life wins.
    fn rank(self) -> u8;
}

/// A status and when its vendor said so (`None`: we said so ourselves).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<S> {
    /// The status.
    pub status: S,
    /// The vendor's time, in the vendor's resolution (whole seconds for all of today's).
    pub vendor_at: Option<Timestamp>,
}

/// What to do with an incoming status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It is the new status.
    Advance,
    /// The object has it already.
    Same,
    /// It is old news: recorded, but the status stays.
    Stale,
}

/// Decides whether `incoming` replaces `current`.
pub fn decide<S: Status>(current: Said<S>, incoming: Said<S>) -> Move {
    let (now, next) = (current.status, incoming.status);
    if !holds(Guard::Lattice) {
        return Move::Advance;
    }
    if now.is_terminal() && !is_contradicted(current, incoming) {
        return if now == next { Move::Same } else { Move::Stale };
    }
    match (current.vendor_at, incoming.vendor_at) {
        (_, None) if now == next => Move::Same,
        (Some(_), None) => Move::Stale,
        // What we said ourselves gives way to whatever comes next.
        (None, _) => Move::Advance,
        (Some(_), Some(_)) if next.is_terminal() => Move::Advance,
        (Some(before), Some(after)) if now == next => {
            // A newer mention of the same open status moves only the time: still nothing that follows from it.
            if after > before { Move::Advance } else { Move::Same }
        }
        (Some(before), Some(after)) => match after.seconds().cmp(&before.seconds()) {
            std::cmp::Ordering::Greater => Move::Advance,
            std::cmp::Ordering::Equal if next.rank() > now.rank() => Move::Advance,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Less => Move::Stale,
        },
    }
}

/// Whether the vendor speaks of what we took for over without having heard so.
fn is_contradicted<S: Status>(current: Said<S>, incoming: Said<S>) -> bool {
    let only_we_said_so = current.vendor_at.is_none() && incoming.vendor_at.is_some();
    only_we_said_so && current.status.gives_way() && holds(Guard::OwnWordYields)
}

/// Two open vendor statuses of the same second: only the vendor knows which is later, so the object is fetched once.
pub fn is_tie<S: Status>(current: Said<S>, incoming: Said<S>) -> bool {
    let open = !current.status.is_terminal() && !incoming.status.is_terminal();
    match (current.vendor_at, incoming.vendor_at) {
        (Some(a), Some(b)) => open && current.status != incoming.status && a.seconds() == b.seconds(),
        _ => false,
    }
}
