//! A message: one mail or SMS to one person, and what became of it.

mod content;
mod price;
mod text;
mod wording;

use serde::{Deserialize, Serialize};

use super::status::Status;

pub use content::{Content, DeliveryStep};
pub use price::{Estimate, Prices};
pub use text::{WayToStop, sms_text};
pub use wording::{Fields, MailText, POSTAL_ADDRESS, Wording, escaped, mail_fields, mail_text};

/// Where a message stands. The HTTP contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// In the work list.
    Queued,
    /// The provider has accepted it.
    Sent,
    /// With the recipient. Terminal.
    Delivered,
    /// The recipient's side refused it for good. Terminal.
    Bounced,
    /// The provider did not even try. Terminal.
    Dropped,
    /// The provider refused it, or nobody could find out what happened.
    Failed,
    /// Not sent, because the recipient does not want it or cannot get it.
    Suppressed,
    /// Taken back before it left.
    Canceled,
    /// An SMS that did not arrive; a mail of the same meaning was sent instead. It may still arrive.
    FellBack,
}

impl MessageStatus {
    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
            Self::Canceled => "canceled",
            Self::FellBack => "fell_back",
        }
    }

    /// Whether it will not arrive, as far as anybody knows.
    pub const fn is_lost(self) -> bool {
        matches!(self, Self::Bounced | Self::Dropped | Self::Failed | Self::Suppressed)
    }
}

impl Status for MessageStatus {
    fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Bounced | Self::Dropped)
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Queued | Self::Failed | Self::Suppressed | Self::Canceled)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Sent => 1,
            Self::Failed | Self::Suppressed | Self::Canceled | Self::FellBack => 2,
            Self::Delivered | Self::Bounced | Self::Dropped => 3,
        }
    }
}

/// The way that a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To a mailbox.
    Email,
    /// To a phone.
    Sms,
}

impl Channel {
    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The channel of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Email, Self::Sms].into_iter().find(|channel| channel.as_str() == name)
    }
}

/// Which message it is: decides what it says, how urgent it is, who may get it and what may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Mail: "We have your order and your money."
    OrderConfirmation,
    /// Mail: "Your parcel is on its way."
    ShippingNotification,
    /// Mail: a link to choose a new password.
    PasswordReset,
    /// Mail: "Good that you are here."
    Welcome,
    /// Mail or SMS: marketing, only to those who asked for it.
    Promotion,
    /// Mail: "Something happened that you should know of."
    AccountNotification,
    /// SMS: where the order stands.
    OrderStatus,
    /// SMS: "Your parcel comes today."
    DeliveryNotification,
    /// SMS: a code that proves who holds the phone.
    TwoFactorCode,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::OrderConfirmation,
        Self::ShippingNotification,
        Self::PasswordReset,
        Self::Welcome,
        Self::Promotion,
        Self::AccountNotification,
        Self::OrderStatus,
        Self::DeliveryNotification,
        Self::TwoFactorCode,
    ];

    /// The name in JSON, items and at the provider (as category).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderConfirmation => "order_confirmation",
            Self::ShippingNotification => "shipping_notification",
            Self::PasswordReset => "password_reset",
            Self::Welcome => "welcome",
            Self::Promotion => "promotion",
            Self::AccountNotification => "account_notification",
            Self::OrderStatus => "order_status",
            Self::DeliveryNotification => "delivery_notification",
            Self::TwoFactorCode => "two_factor_code",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it can go that way (the HTTP contract's table).
    pub const fn fits(self, channel: Channel) -> bool {
        match self {
            Self::OrderConfirmation
            | Self::ShippingNotification
            | Self::PasswordReset
            | Self::Welcome
            | Self::AccountNotification => matches!(channel, Channel::Email),
            Self::OrderStatus | Self::DeliveryNotification | Self::TwoFactorCode => matches!(channel, Channel::Sms),
            Self::Promotion => true,
        }
    }

    /// Whether it is about one order, which must then be named.
    pub const fn is_about_an_order(self) -> bool {
        matches!(
            self,
            Self::OrderConfirmation | Self::ShippingNotification | Self::OrderStatus | Self::DeliveryNotification
        )
    }

    /// Whether it is marketing: never without the recipient's consent.
    pub const fn is_marketing(self) -> bool {
        matches!(self, Self::Promotion)
    }

    /// Whether its recipient is owed it, whatever they think of our mails: it is about their order or their account.
    pub const fn is_owed(self) -> bool {
        !matches!(self, Self::Promotion | Self::Welcome)
    }

    /// Whether it may be watched whether it is opened and what is clicked. A link that lets somebody in goes through nobody
    /// else's hands.
    pub const fn may_be_tracked(self) -> bool {
        !matches!(self, Self::PasswordReset | Self::TwoFactorCode)
    }

    /// Whether it is worth nothing a while later, so that nobody has to look after one that was not sent.
    pub const fn is_perishable(self) -> bool {
        matches!(self, Self::PasswordReset | Self::Promotion | Self::TwoFactorCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_channel_and_only_promotions_have_two() {
        for kind in MessageKind::ALL {
            let channels = [Channel::Email, Channel::Sms].into_iter().filter(|channel| kind.fits(*channel)).count();
            assert_eq!(channels, if kind == MessageKind::Promotion { 2 } else { 1 }, "{kind:?}");
            assert_eq!(MessageKind::parse(kind.as_str()), Some(kind));
        }
    }
}
