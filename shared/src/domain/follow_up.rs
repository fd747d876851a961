//! What a status change sends. This table is the only place that says so.

use super::message::MessageKind;
use super::payment::PaymentStatus;

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
