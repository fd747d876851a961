//! What a status change sends. This table is the only place that says so.

use super::Money;
use super::message::{Content, DeliveryStep};
use super::payment::PaymentStatus;
use super::refund::RefundStatus;
use super::shipping::ShipmentStatus;

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

/// The message that a shipment's reaching a status causes. The notice of the label is a mail; of the last mile people want
/// to hear on the phone, and whoever has none gets [`Content::as_mail`] of it. An exception is for the shop to explain.
pub fn message_after_shipment(
    reached: ShipmentStatus,
    carrier: &str,
    tracking_number: &str,
    tracking_url: Option<String>,
) -> Option<Content> {
    let delivery = |step, tracking_url| Content::DeliveryNotification { step, tracking_url };
    match reached {
        ShipmentStatus::LabelCreated => Some(Content::ShippingNotification {
            carrier: carrier.to_owned(),
            tracking_number: tracking_number.to_owned(),
            tracking_url,
        }),
        ShipmentStatus::OutForDelivery => Some(delivery(DeliveryStep::OutForDelivery, tracking_url)),
        ShipmentStatus::Delivered => Some(delivery(DeliveryStep::Delivered, tracking_url)),
        ShipmentStatus::Processing
        | ShipmentStatus::Deferred
        | ShipmentStatus::Failed
        | ShipmentStatus::Manual
        | ShipmentStatus::PickedUp
        | ShipmentStatus::InTransit
        | ShipmentStatus::Exception
        | ShipmentStatus::Returned
        | ShipmentStatus::Voided => None,
    }
}
