//! What a status change sends. This table is the only place that says so.

use super::message::MessageKind;
use super::payment::PaymentStatus;
use super::refund::RefundStatus;

/// The mail that a payment's reaching a status causes. Failed and canceled send nothing: the shopper is still at the
/// checkout and sees it there.
pub const fn mail_after_payment(reached: PaymentStatus) -> Option<MessageKind> {
    match reached {
        PaymentStatus::Succeeded => Some(MessageKind::OrderConfirmation),
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
pub const fn mail_after_refund(reached: RefundStatus) -> Option<MessageKind> {
    match reached {
        RefundStatus::Succeeded => Some(MessageKind::AccountNotification),
        RefundStatus::Processing
        | RefundStatus::Failed
        | RefundStatus::Canceled
        | RefundStatus::Deferred
        | RefundStatus::Manual => None,
    }
}
