//! A campaign: one promotion to many. Each recipient has a message and an intent of their own, so that consent, one effect
//! once, unknown outcomes and events are what they are for any other message; the campaign holds what they have in common,
//! and whether it was called off. Its mails leave together (together.rs).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::table::{Index, Written};
use crate::aws::{Item, Key, Transacted, Write};
use crate::domain::input::{CreateCampaign, RECIPIENTS_MAX, Recipient};
use crate::domain::message::{Content, Estimate, MessageStatus};
use crate::domain::{CampaignId, Correlation, IntentId, MessageId, Timestamp};
use crate::effects::WorkList;
use crate::effects::intake::payment::same_request;
use crate::effects::list::intent::Kind;
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{MessageNews, MessageSeen};
use crate::effects::list::outcome::{HELD_BACK, Outcome, Verdict};
use crate::effects::subject::contact::{self, AppKeys, contact_id};
use crate::effects::subject::message::{self, Draft, Message};
use crate::effects::work::Subject;
use crate::effects::work::commit::{Committed, Context};
use crate::effects::work::together::side_by_side;
use crate::error::{Error, Result};

/// For how long the provider holds a campaign's mails before it sends them: so long it can be called off after it has left
/// us. Consent is looked at before.
pub const HELD_FOR: Duration = Duration::from_secs(300);
/// Recipients written in one transaction: four items each.
const RECIPIENTS_A_TRANSACTION: usize = 3;
/// How long a campaign is kept after it was due, like its messages.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);
/// How soon to look again whether all of a campaign's recipients are written.
const INCOMPLETE_WAIT: Duration = Duration::from_secs(600);

/// The code of what was called off before it left.
pub const CANCELED: &str = "canceled";

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

/// Who asks for a campaign, and how it may be repeated.
#[derive(Clone, Copy, Debug)]
pub struct CampaignRequest<'a> {
    /// The caller's Idempotency-Key.
    pub key: &'a str,
    /// Hash of method, path and body.
    pub hash: &'a str,
    /// What each of its mails is estimated to cost.
    pub estimate: Estimate,
    /// Ties together what the request causes.
    pub correlation: &'a Correlation,
}

/// What asking for a campaign came to.
#[derive(Debug)]
pub struct CampaignCreated {
    /// The campaign.
    pub campaign: Campaign,
    /// One for each recipient.
    pub nudges: Vec<Nudge>,
    /// Whether it was complete before.
    pub is_repeat: bool,
}

/// Where a campaign lives.
pub fn key(id: &CampaignId) -> Key {
    Key::new(partition(id), "CAMPAIGN")
}

/// The partition of a campaign, and of its messages in the index by order.
pub(crate) fn partition(id: &CampaignId) -> String {
    format!("CAMPAIGN#{id}")
}

impl Campaign {
    /// What stands in the way of its mails; `None` when nothing does.
    pub(crate) fn withheld(&self) -> Option<Outcome> {
        if self.canceled_at.is_some() {
            return Some(Outcome::of(Verdict::Refused { code: CANCELED }));
        }
        let later = Verdict::NotDone { code: HELD_BACK, after: Some(INCOMPLETE_WAIT), answered: false };
        (!self.complete).then(|| Outcome::of(later))
    }

    /// Whether the provider held this message when it was told to stop.
    fn has_stopped(&self, message: &Message) -> bool {
        let goes_out_at = message.vendor_at.map(|taken| taken.plus(HELD_FOR));
        message.status == MessageStatus::Sent && self.stopped_at < goes_out_at && self.stopped_at.is_some()
    }

    /// The campaign as the API shows it when it is new: all of its messages wait.
    pub fn new_view(&self, now: Timestamp) -> Value {
        self.view(&BTreeMap::from([(MessageStatus::Queued.as_str(), self.recipients)]), now)
    }

    /// The campaign as the API shows it, with the number of its messages in each status.
    fn view(&self, messages: &BTreeMap<&'static str, usize>, now: Timestamp) -> Value {
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

impl WorkList {
    /// Asks for a campaign. First the campaign is written, then its recipients, and only then that it is complete; none is
    /// sent before. A request that died on the way is finished by its repeat: whatever is there is left as it is.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub async fn create_campaign(
        &self,
        input: &CreateCampaign,
        keys: &AppKeys,
        asked: &CampaignRequest<'_>,
    ) -> Result<CampaignCreated> {
        let now = self.world.now();
        let campaign_id = CampaignId::of_request(asked.key);
        let wanted = Campaign {
            item_type: "campaign".to_owned(),
            campaign_id: campaign_id.clone(),
            name: input.name.clone(),
            content: input.content.clone(),
            recipients: input.recipients.len(),
            request_hash: asked.hash.to_owned(),
            complete: false,
            send_at: input.send_at.filter(|at| *at > now),
            batch_id: None,
            canceled_at: None,
            stopped_at: None,
            correlation_id: asked.correlation.clone(),
            created_at: now,
            expires: input.send_at.unwrap_or(now).max(now).plus(KEPT_AFTER).seconds(),
        };
        let campaign = match self.table.transact(&[Write::put_new(key(&campaign_id), &wanted)?]).await? {
            Transacted::Done => wanted,
            Transacted::Lost(_) => self.campaign(&campaign_id).await?,
        };
        same_request(&campaign.request_hash, asked.hash)?;
        if campaign.complete {
            return Ok(CampaignCreated { campaign, nudges: Vec::new(), is_repeat: true });
        }
        let mut parts: Vec<BoxFuture<'_, Result<Vec<Nudge>>>> = Vec::new();
        for recipients in input.recipients.chunks(RECIPIENTS_A_TRANSACTION) {
            parts.push(Box::pin(self.write_recipients(&campaign, recipients, keys, asked.estimate)));
        }
        let nudges = side_by_side(parts).await.into_iter().collect::<Result<Vec<_>>>()?;
        let write = Write::update(key(&campaign_id)).set("complete", &true)?.when("attribute_exists(#pk)");
        let Written::Done(item) = self.table.update(write).await? else { return Err(campaign_not_found()) };
        Ok(CampaignCreated { campaign: item.parse()?, nudges: nudges.concat(), is_repeat: false })
    }

    /// Some recipients in one transaction: all of them are there afterwards, or were before.
    async fn write_recipients(
        &self,
        campaign: &Campaign,
        recipients: &[Recipient],
        keys: &AppKeys,
        estimate: Estimate,
    ) -> Result<Vec<Nudge>> {
        let mut writes = Vec::new();
        let mut nudges = Vec::new();
        for recipient in recipients {
            let contact_id = contact_id(keys, recipient.email.expose())?;
            let message_id = MessageId::of_campaign(&campaign.campaign_id, &contact_id);
            let draft = Draft {
                intent_id: IntentId::of(Kind::MailPromotion.as_str(), message_id.as_str(), self.stack.as_str()),
                message_id,
                contact_id: contact_id.clone(),
                content: Content::OfCampaign { campaign_id: campaign.campaign_id.clone() },
                order_id: None,
                instead: None,
                estimate: Some(estimate),
                send_at: campaign.send_at,
                request_hash: None,
            };
            // All of them have the campaign's time: a repeat writes the same, and they stand together in the index.
            let context =
                Context::ours(campaign.created_at, &campaign.correlation_id, draft.intent_id.as_str().to_owned());
            let (message, intent) = Message::of(draft, &context);
            let name = recipient.name.as_ref();
            writes.push(contact::remember(&contact_id, &recipient.email, name, self.world.now())?);
            writes.push(message.queued_row(&context)?.1);
            writes.push(Write::put_new(message::key(&message.message_id), &message)?);
            writes.push(Write::put_new(intent.key(), &intent)?);
            nudges.push(Nudge::of(&intent));
        }
        match self.table.transact(&writes).await? {
            Transacted::Done | Transacted::Lost(_) => Ok(nudges),
        }
    }

    /// Reads a campaign.
    ///
    /// # Errors
    /// 404 `campaign_not_found`.
    pub async fn campaign(&self, id: &CampaignId) -> Result<Campaign> {
        match self.table.get(&key(id)).await? {
            Some(item) => item.parse(),
            None => Err(campaign_not_found()),
        }
    }

    /// The campaign as the API shows it. Messages are counted in an index, which may be a second behind.
    pub async fn campaign_view(&self, campaign: &Campaign) -> Result<Value> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for message in self.campaign_messages(campaign).await? {
            let status = if campaign.has_stopped(&message) { MessageStatus::Canceled } else { message.status };
            *counts.entry(status.as_str()).or_default() += 1;
        }
        Ok(campaign.view(&counts, self.world.now()))
    }

    async fn campaign_messages(&self, campaign: &Campaign) -> Result<Vec<Message>> {
        // Events of its messages stand in the same partition, but later.
        let until = format!("{:013}#~", campaign.created_at.ms());
        let read = |item: &Item| (item.text("type") == Some("message")).then(|| item.parse::<Message>());
        let pk = partition(&campaign.campaign_id);
        let found = self.table.find_in_index(Index::ByOrder, &pk, &until, RECIPIENTS_MAX, read, |_| true).await?;
        found.into_iter().collect()
    }

    /// Calls a campaign off: whatever has not left is refused when its turn comes. The campaign as it is then.
    ///
    /// # Errors
    /// 404 `campaign_not_found`.
    pub async fn cancel_campaign(&self, id: &CampaignId) -> Result<Campaign> {
        let write = Write::update(key(id)).set_if_absent("canceled_at", &self.world.now())?;
        match self.table.update(write.when("attribute_exists(#pk)")).await? {
            Written::Done(item) => item.parse(),
            Written::Lost(_) => Err(campaign_not_found()),
        }
    }

    /// Writes down that the provider stops what it holds of a campaign, and says so of the messages that it held then.
    pub async fn campaign_stopped(&self, campaign: &Campaign, at: Timestamp) -> Result<Campaign> {
        let write = Write::update(key(&campaign.campaign_id)).set_if_absent("stopped_at", &at)?;
        let Written::Done(item) = self.table.update(write.when("attribute_exists(#pk)")).await? else {
            return Err(campaign_not_found());
        };
        let campaign: Campaign = item.parse()?;
        let stopped_at = campaign.stopped_at.unwrap_or(at);
        let mut stopping: Vec<BoxFuture<'_, Result<()>>> = Vec::new();
        for message in self.campaign_messages(&campaign).await? {
            if campaign.has_stopped(&message) {
                stopping.push(Box::pin(self.message_stopped(message, stopped_at)));
            }
        }
        side_by_side(stopping).await.into_iter().collect::<Result<()>>()?;
        Ok(campaign)
    }

    async fn message_stopped(&self, message: Message, at: Timestamp) -> Result<()> {
        let what = MessageNews::Status(MessageStatus::Canceled);
        let seen = MessageSeen { what, vendor_at: Some(at), vendor_id: None, estimate: None };
        let mut context =
            Context::ours(self.world.now(), &message.correlation_id, format!("{}/stop", message.intent_id));
        context.source = crate::gateway::Vendor::SendGrid.as_str();
        // An event that says more of it has the last word: it is planned anew on the message as it is.
        let plan = |subject: &Subject| match subject {
            Subject::Message { message, .. } => message.observe(&seen, &context),
            _ => Err(Error::bug("observation_mismatch", "no message")),
        };
        let subject = Subject::Message { message: Box::new(message), contact: None };
        let _: Committed = self.commit(subject, plan).await?;
        Ok(())
    }

    /// The provider's name for all mails of a campaign, made once: whoever calls the campaign off after this finds it.
    /// `None` when it was called off before.
    pub(crate) async fn campaign_batch(&self, id: &CampaignId, made: &str) -> Result<Option<String>> {
        let write = Write::update(key(id)).set("batch_id", &made)?;
        let free = "attribute_exists(#pk) AND attribute_not_exists(#batch_id) AND attribute_not_exists(#canceled_at)";
        let item = match self.table.update(write.when(free)).await? {
            Written::Done(item) | Written::Lost(Some(item)) => item,
            Written::Lost(None) => return Ok(None),
        };
        let campaign: Campaign = item.parse()?;
        Ok(campaign.batch_id.filter(|_| campaign.canceled_at.is_none()))
    }
}

/// The campaign that a message is part of, if it is part of one.
pub(crate) fn campaign_of(subject: &Subject) -> Option<&CampaignId> {
    match subject {
        Subject::Message { message, .. } => match &message.content {
            Content::OfCampaign { campaign_id } => Some(campaign_id),
            _ => None,
        },
        _ => None,
    }
}

/// 404 for an id that nobody has.
pub fn campaign_not_found() -> Error {
    Error::rejected(404, "campaign_not_found", "There is no such campaign.")
}
