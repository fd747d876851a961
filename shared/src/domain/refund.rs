//! A refund: money of a payment that goes back, and what became of it.

use serde::{Deserialize, Serialize};

use super::status::Status;

/// Where a refund stands. The HTTP contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The vendor is at it, or we do not know yet what the vendor did.
    Processing,
    /// The money is on its way back. Not terminal: a bank may return it days later.
    Succeeded,
    /// The vendor refused it, or the bank returned the money. Terminal.
    Failed,
    /// Given up at the vendor. Terminal.
    Canceled,
    /// The vendor is down; the work list does it later.
    Deferred,
    /// A person has to look.
    Manual,
}

impl RefundStatus {
    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Deferred => "deferred",
            Self::Manual => "manual",
        }
    }

    /// Whether the amount can be refunded again: it certainly did not go back.
    pub const fn gives_back(self) -> bool {
        matches!(self, Self::Failed | Self::Canceled)
    }
}

impl Status for RefundStatus {
    fn is_terminal(self) -> bool {
        self.gives_back()
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Deferred | Self::Manual)
    }

    fn gives_way(self) -> bool {
        self.gives_back()
    }

    fn rank(self) -> u8 {
        match self {
            Self::Deferred | Self::Manual => 0,
            Self::Processing => 1,
            Self::Succeeded => 2,
            Self::Failed | Self::Canceled => 3,
        }
    }
}

/// Why money goes back, in words that every payment provider knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The order was charged twice.
    Duplicate,
    /// The order was a fraud.
    Fraudulent,
    /// The customer wants it.
    RequestedByCustomer,
}

impl RefundReason {
    /// Every reason, by its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Duplicate, Self::Fraudulent, Self::RequestedByCustomer].into_iter().find(|r| r.as_str() == text)
    }

    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::status::{Move, Said, decide};

    const fn vendor(status: RefundStatus, second: i64) -> Said<RefundStatus> {
        Said { status, vendor_at: Some(Timestamp::from_seconds(second)) }
    }

    use RefundStatus::{Failed, Processing, Succeeded};

    #[test]
    fn money_that_a_bank_returns_days_later_turns_a_succeeded_refund_into_a_failed_one() {
        assert_eq!(decide(vendor(Succeeded, 1), vendor(Failed, 9)), Move::Advance);
        assert_eq!(decide(vendor(Failed, 9), vendor(Succeeded, 10)), Move::Stale);
    }

    #[test]
    fn a_refund_that_only_we_took_for_failed_was_made_when_the_vendor_says_so() {
        let ours = Said { status: Failed, vendor_at: None };
        assert_eq!(decide(ours, vendor(Succeeded, 1)), Move::Advance);
        assert_eq!(decide(ours, Said { status: Processing, vendor_at: None }), Move::Stale);
    }

    #[test]
    fn news_of_a_pending_refund_that_comes_late_never_takes_success_back() {
        assert_eq!(decide(vendor(Succeeded, 2), vendor(Processing, 1)), Move::Stale);
        assert_eq!(decide(vendor(Succeeded, 2), vendor(Processing, 2)), Move::Stale);
    }
}
