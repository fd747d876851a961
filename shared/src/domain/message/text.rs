//! What an SMS says, in the shop's name.

use super::{Content, DeliveryStep};
use crate::domain::OrderId;

/// The text of an SMS. A promotion says how to stop it (TCPA, and the carriers' rules).
pub fn sms_text(content: &Content, order: Option<&OrderId>, shop: &str) -> String {
    let order = order.map_or("", OrderId::as_str);
    match content {
        Content::OrderStatus { text } => format!("{shop}: {}", text.expose()),
        Content::DeliveryNotification { step, tracking_url } => {
            let said = match step {
                DeliveryStep::OutForDelivery => "is out for delivery",
                DeliveryStep::Delivered => "was delivered",
            };
            let follow = tracking_url.as_deref().map(|url| format!(" {url}")).unwrap_or_default();
            format!("{shop}: your order {order} {said}.{follow}")
        }
        Content::TwoFactorCode { code } => format!("{} is your code at {shop}. Tell it to nobody.", code.expose()),
        Content::SmsPromotion { text } => format!("{shop}: {} Reply STOP to get no more.", text.expose()),
        Content::OrderConfirmation { .. }
        | Content::ShippingNotification { .. }
        | Content::PasswordReset { .. }
        | Content::Welcome {}
        | Content::MailPromotion { .. }
        | Content::OfCampaign { .. }
        | Content::AccountNotification { .. }
        | Content::RefundNotice { .. } => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promotion_says_how_to_get_no_more_of_them() {
        let sms = Content::SmsPromotion { text: "20 % off today.".to_owned().into() };
        assert!(sms_text(&sms, None, "Shop").contains("STOP"));
    }
}
