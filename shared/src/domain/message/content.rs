//! What a message is filled with: each kind has its own fields, checked before anything is queued.

use serde::{Deserialize, Serialize};

use super::{Channel, MessageKind};
use crate::domain::{CampaignId, Money, Private};

/// The fields of one message. Texts that a shopper or a clerk may have written, links that let somebody in, and codes
/// never print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum Content {
    /// Mail `order_confirmation`.
    OrderConfirmation {
        /// What was paid.
        amount: Money,
    },
    /// Mail `shipping_notification`.
    ShippingNotification {
        /// Who brings it.
        carrier: String,
        /// The carrier's number of the parcel.
        tracking_number: String,
        /// Where to follow it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracking_url: Option<String>,
    },
    /// Mail `password_reset`.
    PasswordReset {
        /// Where to choose a new one.
        reset_url: Private<String>,
    },
    /// Mail `welcome`.
    Welcome {},
    /// Mail `promotion`.
    MailPromotion {
        /// The subject line.
        subject: Private<String>,
        /// The text.
        text: Private<String>,
        /// Where the offer is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// Mail `promotion`, one of many: what it says is in the campaign.
    OfCampaign {
        /// The campaign that it belongs to.
        campaign_id: CampaignId,
    },
    /// Mail `account_notification`.
    AccountNotification {
        /// The subject line.
        subject: Private<String>,
        /// The text.
        text: Private<String>,
    },
    /// Mail `account_notification`, of our own: money went back.
    RefundNotice {
        /// How much.
        amount: Money,
    },
    /// SMS `order_status`.
    OrderStatus {
        /// The text, without the shop's name.
        text: Private<String>,
    },
    /// SMS `delivery_notification`.
    DeliveryNotification {
        /// What happens.
        step: DeliveryStep,
        /// Where to follow it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracking_url: Option<String>,
    },
    /// SMS `two_factor_code`.
    TwoFactorCode {
        /// The code.
        code: Private<String>,
    },
    /// SMS `promotion`.
    SmsPromotion {
        /// The text, without the shop's name and how to stop.
        text: Private<String>,
    },
}

/// What a delivery notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStep {
    /// It comes today.
    OutForDelivery,
    /// It is there.
    Delivered,
}

impl DeliveryStep {
    /// The step of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "out_for_delivery" => Some(Self::OutForDelivery),
            "delivered" => Some(Self::Delivered),
            _ => None,
        }
    }
}

impl Content {
    /// Which message it fills.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::OrderConfirmation { .. } => MessageKind::OrderConfirmation,
            Self::ShippingNotification { .. } => MessageKind::ShippingNotification,
            Self::PasswordReset { .. } => MessageKind::PasswordReset,
            Self::Welcome {} => MessageKind::Welcome,
            Self::MailPromotion { .. } | Self::OfCampaign { .. } | Self::SmsPromotion { .. } => MessageKind::Promotion,
            Self::AccountNotification { .. } | Self::RefundNotice { .. } => MessageKind::AccountNotification,
            Self::OrderStatus { .. } => MessageKind::OrderStatus,
            Self::DeliveryNotification { .. } => MessageKind::DeliveryNotification,
            Self::TwoFactorCode { .. } => MessageKind::TwoFactorCode,
        }
    }

    /// Which way it goes.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::OrderStatus { .. }
            | Self::DeliveryNotification { .. }
            | Self::TwoFactorCode { .. }
            | Self::SmsPromotion { .. } => Channel::Sms,
            Self::OrderConfirmation { .. }
            | Self::ShippingNotification { .. }
            | Self::PasswordReset { .. }
            | Self::Welcome {}
            | Self::MailPromotion { .. }
            | Self::OfCampaign { .. }
            | Self::AccountNotification { .. }
            | Self::RefundNotice { .. } => Channel::Email,
        }
    }

    /// The mail that says the same, for an SMS that will not arrive. A code by mail would prove something else, and a
    /// promotion was agreed to for the phone.
    pub fn as_mail(&self) -> Option<Self> {
        let (subject, text) = match self {
            Self::OrderStatus { text } => ("News of your order", text.expose().clone()),
            Self::DeliveryNotification { step, tracking_url } => {
                let (subject, mut text) = match step {
                    DeliveryStep::OutForDelivery => {
                        ("Your parcel comes today", "Your parcel is out for delivery.".to_owned())
                    }
                    DeliveryStep::Delivered => ("Your parcel is there", "Your parcel was delivered.".to_owned()),
                };
                if let Some(url) = tracking_url {
                    text = format!("{text} {url}");
                }
                (subject, text)
            }
            _ => return None,
        };
        Some(Self::AccountNotification { subject: subject.to_owned().into(), text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_an_order_becomes_a_mail() {
        let code = Content::TwoFactorCode { code: "123456".to_owned().into() };
        let promotion = Content::SmsPromotion { text: "20 % off".to_owned().into() };
        assert!(code.as_mail().is_none() && promotion.as_mail().is_none());
        let status = Content::OrderStatus { text: "packed".to_owned().into() };
        assert_eq!(status.as_mail().map(|mail| mail.channel()), Some(Channel::Email));
    }

    #[test]
    fn neither_a_code_nor_a_reset_link_prints() {
        let code = Content::TwoFactorCode { code: "918273".to_owned().into() };
        let link = Content::PasswordReset { reset_url: "https://shop.example/r/s3cr3t".to_owned().into() };
        let printed = format!("{code:?}{link:?}");
        assert!(!printed.contains("918273") && !printed.contains("s3cr3t"), "{printed}");
    }
}
