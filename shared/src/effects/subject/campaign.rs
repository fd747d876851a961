//! The campaign as an item: one promotion to many. It holds what their messages have in common, and whether it was called
//! off.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::Key;
use crate::domain::message::{Content, MessageStatus};
use crate::domain::{CampaignId, Correlation, Timestamp};
use crate::effects::list::intent::campaign_partition;
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::reason::Reason;
use crate::effects::subject::message::Message;

/// For how long the provider holds a campaign's mails before it sends them. Consent is looked at before.
pub const HELD_FOR: Duration = Duration::from_secs(900);
/// How long before its time SendGrid no longer stops a mail for certain, so that a campaign can be called off for the rest of
/// [`HELD_FOR`], five minutes. (twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends: not later than 10 minutes before
/// `send_at`; the specification of scheduled sends: not guaranteed in the last 10 minutes.)
pub const STOPPED_AHEAD: Duration = Duration::from_secs(600);
/// How soon to look again whether all of a campaign's recipients are written.
const INCOMPLETE_WAIT: Duration = Duration::from_secs(600);

/// A campaign, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Campaign {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// `cmp_…`
    pub campaign_id: CampaignId,
    /// What the shop calls it.
    pub name: String,
    /// What its mails say.
    pub content: Content,
    /// How many get one.
    pub recipients: usize,
    /// Hash of the request that asked for it.
    pub request_hash: String,
    /// Whether all of its recipients are written: before that none is sent.
    #[serde(default)]
    pub complete: bool,
    /// When it is to be sent, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// The provider's name for all of its mails, by which it stops them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<String>,
    /// When it was called off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<Timestamp>,
    /// When the provider said that it stops what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// Ties together what its request caused.
    pub correlation_id: Correlation,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// TTL, in seconds.
    pub expires: i64,
}

/// Where a campaign lives.
pub fn key(id: &CampaignId) -> Key {
    Key::new(campaign_partition(id), "CAMPAIGN")
}

impl Campaign {
    /// What stands in the way of its mails; `None` when nothing does.
    pub(crate) fn withheld(&self) -> Option<Outcome> {
        if self.canceled_at.is_some() {
            return Some(Outcome::of(Verdict::Refused { reason: Reason::Canceled }));
        }
        let later = Verdict::NotDone { reason: Reason::HeldBack, after: Some(INCOMPLETE_WAIT), answered: false };
        (!self.complete).then(|| Outcome::of(later))
    }

    /// Whether the provider was told in time to stop this message. Of one whose time is not known nobody can say so.
    pub(crate) fn has_stopped(&self, message: &Message) -> bool {
        self.stopped_at.is_some_and(|stopped_at| Self::could_stop(message, stopped_at))
    }

    /// Whether the provider holds this message at this time, and stops it for certain when it is told to.
    pub(crate) fn could_stop(message: &Message, at: Timestamp) -> bool {
        let last = message.held_until.map(|until| until.minus(STOPPED_AHEAD));
        message.status == MessageStatus::Sent && last.is_some_and(|last| at <= last)
    }

    /// The campaign as the API shows it when it is new: all of its messages wait.
    pub fn new_view(&self, now: Timestamp) -> Value {
        self.view(&BTreeMap::from([(MessageStatus::Queued.as_str(), self.recipients)]), now)
    }

    /// The campaign as the API shows it, with the number of its messages in each status.
    pub(crate) fn view(&self, messages: &BTreeMap<&'static str, usize>, now: Timestamp) -> Value {
        let is_open = messages.contains_key(MessageStatus::Queued.as_str());
        // A campaign is canceled when it reaches nobody. What was called off too late is what became of it.
        let was_sent = |status: &str| !matches!(status, "queued" | "canceled" | "suppressed" | "failed");
        let status = match self.send_at {
            _ if self.canceled_at.is_some() && !messages.keys().any(|status| was_sent(status)) => "canceled",
            _ if !self.complete => "incomplete",
            Some(at) if at > now => "scheduled",
            _ if is_open => "sending",
            _ => "sent",
        };
        let mut view = json!({
            "campaign_id": self.campaign_id,
            "name": self.name,
            "status": status,
            "recipients": self.recipients,
            "messages": messages,
            "created_at": self.created_at.to_rfc3339(),
        });
        for (name, at) in [("send_at", self.send_at), ("canceled_at", self.canceled_at)] {
            if let Some(at) = at {
                view[name] = json!(at.to_rfc3339());
            }
        }
        view
    }
}
