//! What becomes of a mail or an SMS after the vendor has accepted it.

use crate::Vendor;
use serde::{Deserialize, Serialize};

/// The course of a message to one recipient. The address decides ([`Course::of_mailbox`], for SMS the number), unless a
/// [`MessageRule`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "course", rename_all = "snake_case")]
pub enum Course {
    /// It arrives.
    Delivered,
    /// Nobody ever says what became of it.
    Silent,
    /// It arrives, ten minutes late.
    Deferred,
    /// The address does not exist. SMS: undelivered, 30005.
    Bounced,
    /// Refused, but perhaps not the next time. SMS: undelivered, 30008.
    Blocked,
    /// The vendor does not even try. SMS: failed, 30001.
    Dropped,
    /// It arrives and is called spam. SMS: it arrives.
    SpamReported,
    /// It arrives, and the recipient wants no more mail from this sender. SMS: it arrives.
    Unsubscribed,
    /// It arrives, and the recipient wants no more mail of this group. SMS: it arrives.
    GroupUnsubscribed,
    /// It arrives, and the recipient wants mail of this group again. SMS: it arrives.
    GroupResubscribed,
    /// SMS: the carrier reports a failure. Mail: bounced.
    Undelivered {
        /// Twilio's error code.
        code: u32,
    },
    /// SMS: it never leaves the vendor. Mail: dropped.
    Failed {
        /// Twilio's error code.
        code: u32,
    },
    /// SMS: the carrier reports a failure and a minute later that it arrived. Mail: it arrives late.
    DeliveredAfterAll {
        /// Twilio's error code of the failure.
        code: u32,
    },
}

impl Course {
    /// The course of mail to this address, by what stands before `@` (or `+`): `bounce`, `blocked`, `drop`, `defer`,
    /// `silent`, `spam`, `unsubscribe`, `group_unsubscribe`, `group_resubscribe`; every other is delivered.
    pub fn of_mailbox(address: &str) -> Self {
        match address.split(['@', '+']).next().unwrap_or_default() {
            "silent" => Self::Silent,
            "defer" => Self::Deferred,
            "bounce" => Self::Bounced,
            "blocked" => Self::Blocked,
            "drop" => Self::Dropped,
            "spam" => Self::SpamReported,
            "unsubscribe" => Self::Unsubscribed,
            "group_unsubscribe" => Self::GroupUnsubscribed,
            "group_resubscribe" => Self::GroupResubscribed,
            _ => Self::Delivered,
        }
    }
}

/// A course for messages of one vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRule {
    /// Whose messages.
    pub vendor: Vendor,
    /// What becomes of them.
    #[serde(flatten)]
    pub course: Course,
    /// For how many messages (each recipient is one); none: until the dial is cleared.
    #[serde(default)]
    pub times: Option<u32>,
}
