//! What a cancel stops before anything is sent.
//!
//! Whoever claims a create or a confirm reads the payment after the claim. A cancel that was asked for before the claim is
//! therefore seen, and one that comes later finds the intent claimed, and waits for what becomes of it.

use crate::domain::payment::PaymentStatus;
use crate::effects::list::intent::{Intent, PaymentAct, Phase};
use crate::effects::list::outcome::Verdict;
use crate::effects::list::reason::Reason;
use crate::effects::subject::payment::Payment;
use crate::guard::{Guard, holds};

/// What is done instead of a call.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nothing: this is known already.
    For(Verdict),
    /// The vendor is asked, because an earlier call may have done it.
    ToAsk,
}

/// What is done instead of the call of this intent of a payment, if it is not to be made.
pub(crate) fn stopped(intent: &Intent, payment: &Payment) -> Option<Stop> {
    if intent.kind.payment_act() == Some(PaymentAct::Cancel) {
        return match payment.status {
            PaymentStatus::Canceled => Some(Stop::For(Verdict::Done)),
            PaymentStatus::Succeeded => Some(Stop::For(Verdict::Refused { reason: Reason::PaymentAlreadySucceeded })),
            _ => None,
        };
    }
    let is_off = intent.kind.is_called_off() && payment.cancel_requested && holds(Guard::CancelFirst);
    // What may have been called is resolved by whoever knows the vendor.
    (is_off && intent.phase == Phase::Calling).then_some(if intent.in_doubt {
        Stop::ToAsk
    } else {
        Stop::For(Verdict::Refused { reason: Reason::Canceled })
    })
}
