//! A payment: the shop's wish to be paid for an order, and what became of it.

use serde::{Deserialize, Serialize};

use super::Money;
use super::status::Status;

/// Where a payment stands. The HTTP contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The shopper has to give a (or another) payment method.
    RequiresPaymentMethod,
    /// The shopper has to do something at the bank, 3-D Secure mostly.
    RequiresAction,
    /// The vendor is at it, or we do not know yet what the vendor did.
    Processing,
    /// Paid. Terminal.
    Succeeded,
    /// Given up before it was paid. Terminal.
    Canceled,
    /// The vendor refused the request itself; nothing exists there.
    Failed,
    /// The vendor is down; the work list does it later.
    Deferred,
    /// A person has to look.
    Manual,
}

impl PaymentStatus {
    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Deferred => "deferred",
            Self::Manual => "manual",
        }
    }

    /// Whether the order may have another payment: certainly no live vendor object stands behind this one.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Canceled | Self::Failed)
    }
}

impl Status for PaymentStatus {
    fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Canceled)
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Deferred | Self::Manual | Self::Failed)
    }

    fn gives_way(self) -> bool {
        matches!(self, Self::Canceled)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Failed | Self::Deferred | Self::Manual => 0,
            Self::RequiresPaymentMethod => 1,
            Self::RequiresAction => 2,
            Self::Processing => 3,
            Self::Succeeded | Self::Canceled => 4,
        }
    }
}

/// What a payment brought in and what it cost, in the currency in which the vendor settles with the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The amount in the settlement currency, before the fee.
    pub amount: Money,
    /// The vendor's fee.
    pub fee: Money,
}

/// What a payment came to, for those who watch how payments go: one outcome each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentOutcome {
    /// It was paid.
    Succeeded,
    /// It was declined, and nothing followed.
    Declined,
    /// The provider refused what we asked.
    Failed,
    /// It was declined, and another payment of the order was paid: that one counts.
    PaidByAnother,
}

/// Why a payment attempt was declined, in words that hold for every payment provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeclineCode {
    /// The bank said no and nothing more.
    CardDeclined,
    /// Not enough money on the account.
    InsufficientFunds,
    /// The card's date is over.
    ExpiredCard,
    /// The security code is wrong.
    IncorrectCvc,
    /// Something went wrong at the bank or the vendor; another try may work.
    ProcessingError,
    /// The shopper did not pass, or has yet to pass, the bank's authentication.
    AuthenticationRequired,
}

impl DeclineCode {
    /// The stable code in problem documents and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::ProcessingError => "processing_error",
            Self::AuthenticationRequired => "authentication_required",
        }
    }

    /// What a shopper may be shown. No vendor words, nothing that helps a thief.
    pub const fn user_message(self) -> &'static str {
        match self {
            Self::CardDeclined => "Your card was declined. Please try another payment method.",
            Self::InsufficientFunds => "Your card has insufficient funds. Please try another payment method.",
            Self::ExpiredCard => "Your card has expired. Please try another card.",
            Self::IncorrectCvc => "The security code is incorrect. Please check it and try again.",
            Self::ProcessingError => "Your payment could not be processed. Please try again in a moment.",
            Self::AuthenticationRequired => "Your bank could not confirm it was you. Please try again.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::status::{Move, Said, decide, is_tie};

    const fn vendor(status: PaymentStatus, second: i64) -> Said<PaymentStatus> {
        Said { status, vendor_at: Some(Timestamp::from_seconds(second)) }
    }

    const fn ours(status: PaymentStatus) -> Said<PaymentStatus> {
        Said { status, vendor_at: None }
    }

    use PaymentStatus::{Canceled, Deferred, Manual, Processing, RequiresAction, RequiresPaymentMethod, Succeeded};

    #[test]
    fn a_terminal_status_absorbs_whatever_comes_later() {
        for later in [vendor(RequiresAction, 9), vendor(Canceled, 9), ours(Manual), ours(Deferred)] {
            assert_eq!(decide(vendor(Succeeded, 1), later), Move::Stale);
        }
        assert_eq!(decide(vendor(Succeeded, 1), vendor(Succeeded, 9)), Move::Same);
    }

    #[test]
    fn among_open_statuses_the_newer_vendor_time_wins_even_downwards() {
        assert_eq!(decide(vendor(RequiresAction, 1), vendor(RequiresPaymentMethod, 2)), Move::Advance);
        assert_eq!(decide(vendor(RequiresPaymentMethod, 2), vendor(RequiresAction, 1)), Move::Stale);
    }

    #[test]
    fn a_terminal_status_wins_over_an_open_one_with_a_newer_time() {
        assert_eq!(decide(vendor(Processing, 9), vendor(Succeeded, 1)), Move::Advance);
    }

    #[test]
    fn in_the_same_second_rank_breaks_the_tie_in_either_order() {
        assert_eq!(decide(vendor(RequiresPaymentMethod, 1), vendor(RequiresAction, 1)), Move::Advance);
        assert_eq!(decide(vendor(RequiresAction, 1), vendor(RequiresPaymentMethod, 1)), Move::Stale);
        assert!(is_tie(vendor(RequiresAction, 1), vendor(RequiresPaymentMethod, 1)));
        assert!(!is_tie(vendor(RequiresAction, 1), vendor(Succeeded, 1)));
    }

    #[test]
    fn a_cancel_that_only_we_know_of_gives_way_to_the_vendor_and_to_nobody_else() {
        for told in [vendor(Succeeded, 1), vendor(Canceled, 1), vendor(RequiresPaymentMethod, 1)] {
            assert_eq!(decide(ours(Canceled), told), Move::Advance);
        }
        for said in [Deferred, Manual, Processing, PaymentStatus::Failed] {
            assert_eq!(decide(ours(Canceled), ours(said)), Move::Stale);
        }
        assert_eq!(decide(vendor(Canceled, 1), vendor(Succeeded, 9)), Move::Stale);
        assert_eq!(decide(ours(PaymentStatus::Failed), vendor(Succeeded, 1)), Move::Advance);
    }

    #[test]
    fn what_we_say_ourselves_never_hides_what_the_vendor_said() {
        assert_eq!(decide(vendor(RequiresPaymentMethod, 1), ours(Manual)), Move::Stale);
        assert_eq!(decide(ours(Manual), vendor(RequiresPaymentMethod, 1)), Move::Advance);
        assert_eq!(decide(ours(Deferred), ours(Processing)), Move::Advance);
    }
}
