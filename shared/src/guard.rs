//! The guards on which the promises rest, by name: so that each can be taken away, alone, to see the simulation notice.
//!
//! Without the feature `mutations` every guard holds, and the compiler leaves nothing of this in a function. With it,
//! a test takes a guard away for its own thread ([`without`]). A build that is meant to be shipped cannot have it.

use std::borrow::Cow;

#[cfg(all(feature = "mutations", not(debug_assertions)))]
compile_error!("the feature `mutations` takes guards away: it is for simulations, never for a release");

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Something that keeps a promise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Guard {
            $($(#[$doc])* $name,)*
        }

        impl Guard {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

guards! {
    /// Only what is READY is called; what may have been called is resolved.
    ClaimPhase,
    /// Nothing is called before it is due.
    ClaimDue,
    /// What only a newer version can do is left to it.
    KnownKind,
    /// Nobody takes over before a lease is over.
    ClaimLease,
    /// CALLING is written before the call leaves.
    ClaimFirst,
    /// Five claims without a settle, and a person looks.
    ClaimLimit,
    /// Under a lease an intent stays in the due index.
    DueUnderLease,
    /// Only who holds the claim settles.
    SettleFence,
    /// Who changes an object has read its latest version.
    ObjectVersion,
    /// What follows is written together with what causes it.
    FollowUpsTogether,
    /// Only allowed moves of a status.
    Lattice,
    /// An event is applied once.
    SeenMark,
    /// An event counts as seen together with what it changes, not before.
    SeenTogether,
    /// An event that waits for its object is looked at again.
    WaitingDue,
    /// What an event has told is known to whoever resolves or calls.
    KnownByEvent,
    /// Who asks about a call and is turned away knows no more than before.
    UnknownStays,
    /// No refund takes more than is left.
    RefundReservation,
    /// A vendor's id names one thing of ours.
    RefFree,
    /// Another object of the vendor's, or another amount, moves nothing of ours.
    OwnObject,
    /// Each failed attempt to pay is told, whatever the payment's status is by then.
    EachFailureTold,
    /// An order has one payment at a time.
    OnePayment,
    /// The same key with another request is refused.
    RequestHash,
    /// A key names its payment also when that is over and the record of the request has expired.
    KeyForGood,
    /// Once an outcome is final, every repeat is answered with it: a refusal with the refusal.
    FinalAnswer,
    /// What a confirm is answered with is news of that confirm, not of an earlier one of the same second.
    NewestAttempt,
    /// An answer counts for a day, also when it has not been deleted by then.
    AnswerExpiry,
    /// Every repeat has the same key at the vendor.
    VendorKey,
    /// A payment that may have been sent is not canceled only here.
    CancelUnsent,
    /// What a cancel was asked for is not sent any more.
    CancelFirst,
    /// What may have charged is looked for once a cancel was asked for, and not sent again.
    CancelSeeks,
    /// A cancel has happened when the vendor says so, and not because it can be asked.
    CancelHappened,
    /// A cancel that came to nothing is no cancel: the next one is another.
    CancelAgain,
    /// A cancel stops the confirm that is still to be sent.
    CancelStopsConfirm,
    /// An answer that is no proof proves nothing.
    DoubtStays,
    /// That a repeat is refused is no proof that the call before it did nothing.
    DoubtIsSought,
    /// What is looked for is not there when it is on no page.
    EveryPage,
    /// What may still be under way is not said to be not there.
    UnderWay,
    /// What only we said gives way to what the vendor says.
    OwnWordYields,
    /// Somebody is told of a charge that nobody wanted any more.
    ChargeIsTold,
    /// A payment of which we have said that it is over is canceled when it turns out to be open.
    OverIsOver,
    /// When an order turns out to be paid, what was begun since is called off with it.
    OnePaysOnly,
    /// A webhook is acknowledged when it is durable.
    DurableBeforeAck,
    /// A domain event is marked as published when its queue has it.
    PublishBeforeMark,
    /// While a breaker is open, one probe at a time.
    ProbeLease,
    /// A result from before a breaker's transition changes nothing.
    BreakerEpoch,
    /// All instances together stay below a vendor's quota.
    QuotaLimit,
    /// What an address has agreed to is looked at right before a message is sent.
    ConsentHolds,
    /// An older wish does not undo a newer one.
    ConsentOrder,
    /// So many codes a number and hour, and no more.
    CodeLimit,
    /// After an unknown outcome the carrier is asked for the label before another one is bought.
    LabelSought,
    /// A label that is not found may still appear: it is waited for.
    LabelAppears,
    /// A label that is lost is voided before another one is bought.
    LabelVoided,
    /// Nobody hears of a label that cannot be printed.
    LabelKept,
    /// Another carrier is asked only where the shop allows it.
    FallbackAllowed,
    /// Another carrier is asked only when the first one certainly did nothing.
    FallbackCertain,
    /// A price counts for a while, and not longer.
    QuoteExpiry,
    /// A visit that may have been planned is not asked for again.
    PickupOnce,
    /// One fetches a token, the others wait for it.
    TokenLease,
    /// A token that was refused is replaced, and the call made once more.
    TokenRenewal,
    /// Nobody reads a token in the table.
    TokenSeal,
}

/// Whether a guard is in place.
#[cfg(not(feature = "mutations"))]
pub const fn holds(_: Guard) -> bool {
    true
}

/// A write's condition while its guard is in place; one that always holds otherwise.
pub fn condition(guard: Guard, condition: &str) -> Cow<'_, str> {
    if holds(guard) {
        return Cow::Borrowed(condition);
    }
    // The condition is still there: DynamoDB refuses values that no expression uses.
    Cow::Owned(format!("({condition}) OR attribute_exists(#pk) OR attribute_not_exists(#pk)"))
}

#[cfg(feature = "mutations")]
pub use taken::{Without, holds, without};

#[cfg(feature = "mutations")]
mod taken {
    use std::cell::Cell;

    use super::Guard;

    thread_local! {
        static TAKEN: Cell<Option<Guard>> = const { Cell::new(None) };
    }

    /// Whether a guard is in place on this thread.
    pub fn holds(guard: Guard) -> bool {
        TAKEN.get() != Some(guard)
    }

    /// Takes a guard away from this thread, until the value is dropped.
    #[must_use]
    pub fn without(guard: Guard) -> Without {
        Without(TAKEN.replace(Some(guard)))
    }

    /// While it lives, a guard is missing.
    #[derive(Debug)]
    pub struct Without(Option<Guard>);

    impl Drop for Without {
        fn drop(&mut self) {
            TAKEN.set(self.0);
        }
    }
}
