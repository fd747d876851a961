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
use crate::effects::list::outcome::{CALLED_OFF, HELD_BACK, Outcome, Verdict};
use crate::effects::subject::message::Message;

/// For how long the provider holds a campaign's mails before it sends them: so long it can be called off after it has left
/// us. Consent is looked at before.
pub const HELD_FOR: Duration = Duration::from_secs(300);
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
            return Some(Outcome::of(Verdict::Refused { code: CALLED_OFF }));
        }
        let later = Verdict::NotDone { code: HELD_BACK, after: Some(INCOMPLETE_WAIT), answered: false };
        (!self.complete).then(|| Outcome::of(later))
    }

    /// Whether the provider held this message when it was told to stop.
    pub(crate) fn has_stopped(&self, message: &Message) -> bool {
        let goes_out_at = message.vendor_at.map(|taken| taken.plus(HELD_FOR));
        message.status == MessageStatus::Sent && self.stopped_at < goes_out_at && self.stopped_at.is_some()
    }

    /// The campaign as the API shows it when it is new: all of its messages wait.
    pub fn new_view(&self, now: Timestamp) -> Value {
        self.view(&BTreeMap::from([(MessageStatus::Queued.as_str(), self.recipients)]), now)
    }

    /// The campaign as the API shows it, with the number of its messages in each status.
    pub(crate) fn view(&self, messages: &BTreeMap<&'static str, usize>, now: Timestamp) -> Value {
        let is_open = messages.contains_key(MessageStatus::Queued.as_str());
        let status = match self.send_at {
            _ if self.canceled_at.is_some() => "canceled",
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
