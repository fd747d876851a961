//! What a status change sends. This table is the only place that says so.

use super::Money;
use super::message::Content;
use super::payment::PaymentStatus;
use super::refund::RefundStatus;

/// The mail that a payment's reaching a status causes. Failed and canceled send nothing: the shopper is still at the
/// checkout and sees it there.
pub const fn mail_after_payment(reached: PaymentStatus, amount: Money) -> Option<Content> {
    match reached {
        PaymentStatus::Succeeded => Some(Content::OrderConfirmation { amount }),
        PaymentStatus::RequiresPaymentMethod
        | PaymentStatus::RequiresAction
        | PaymentStatus::Processing
        | PaymentStatus::Canceled
        | PaymentStatus::Failed
        | PaymentStatus::Deferred
        | PaymentStatus::Manual => None,
    }
}

/// The mail that a refund's reaching a status causes. A refund that failed is for the shop to explain.
pub const fn mail_after_refund(reached: RefundStatus, amount: Money) -> Option<Content> {
    match reached {
        RefundStatus::Succeeded => Some(Content::RefundNotice { amount }),
        RefundStatus::Processing
        | RefundStatus::Failed
        | RefundStatus::Canceled
        | RefundStatus::Deferred
        | RefundStatus::Manual => None,
    }
}
