//! A message: one mail to one person, and what became of it.

use serde::{Deserialize, Serialize};

use super::status::Status;

/// Where a message stands. The HTTP contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// In the work list.
    Queued,
    /// The provider has accepted it.
    Sent,
    /// In the recipient's mailbox. Terminal.
    Delivered,
    /// The recipient's server refused it for good. Terminal.
    Bounced,
    /// The provider did not even try. Terminal.
    Dropped,
    /// The provider refused the request, or nobody could find out what happened.
    Failed,
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
        }
    }
}

impl Status for MessageStatus {
    fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Bounced | Self::Dropped)
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Queued | Self::Failed)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Queued | Self::Failed => 0,
            Self::Sent => 1,
            Self::Delivered | Self::Bounced | Self::Dropped => 2,
        }
    }
}

/// Which message it is: decides template, urgency and what may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// "We have your order and your money."
    OrderConfirmation,
    /// "Something happened that you should know of": today, that money went back.
    AccountNotification,
}

impl MessageKind {
    /// The name in JSON, items and at the provider (as category).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderConfirmation => "order_confirmation",
            Self::AccountNotification => "account_notification",
        }
    }
}
