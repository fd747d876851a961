//! What an SMS says, in the shop's name.

use super::{Content, DeliveryStep};
use crate::domain::OrderId;

/// How somebody gets no more promotions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayToStop<'a> {
    /// By an answer.
    Reply,
    /// By a link: to a sender with a name nobody can answer. (47 CFR 64.1200(a)(10): where a text cannot be answered, it has
    /// to say so, and name another way.)
    Link(&'a str),
}

/// The text of an SMS. A promotion says how to stop it (TCPA, and the carriers' rules).
pub fn sms_text(content: &Content, order: Option<&OrderId>, shop: &str, stop: WayToStop<'_>) -> String {
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
        Content::SmsPromotion { text } => match stop {
            WayToStop::Reply => format!("{shop}: {} Reply STOP to get no more.", text.expose()),
            WayToStop::Link(url) => format!("{shop}: {} No replies. Stop: {url}", text.expose()),
        },
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
        assert!(sms_text(&sms, None, "Shop", WayToStop::Reply).contains("STOP"));
        let text = sms_text(&sms, None, "Shop", WayToStop::Link("https://u.example/t"));
        assert!(text.contains("https://u.example/t") && !text.contains("STOP"), "{text}");
    }
}
