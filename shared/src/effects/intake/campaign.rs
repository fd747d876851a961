//! A campaign: one promotion to many. Each recipient has a message and an intent of their own, so that consent, one effect
//! once, unknown outcomes and events are what they are for any other message; the campaign holds what they have in common,
//! and whether it was called off. Its mails leave together (work/shared_call.rs).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::aws::table::{Index, Written};
use crate::aws::{Item, Transacted, Write};
use crate::domain::input::{CreateCampaign, RECIPIENTS_MAX, Recipient};
use crate::domain::message::{Content, Estimate, MessageStatus};
use crate::domain::{CampaignId, Correlation, IntentId, MessageId, Timestamp};
use crate::effects::intake::request::same_request;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Kind, campaign_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{MessageFact, Observation, ObservedMessage};
use crate::effects::list::plan::Context;
use crate::effects::subject::Subject;
use crate::effects::subject::campaign::{Campaign, key};
use crate::effects::subject::contact::{self, AppKeys, Called, contact_id, other_ids};
use crate::effects::subject::message::{self, Draft, Message};
use crate::effects::subject::read::campaign_not_found;
use crate::effects::work::commit::Committed;
use crate::effects::work::shared_call::run_concurrently;
use crate::error::Result;

/// Recipients written in one transaction: four items each.
const RECIPIENTS_A_TRANSACTION: usize = 3;
/// How long a campaign is kept after it was due, like its messages.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);

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
        let nudges = run_concurrently(parts).await.into_iter().collect::<Result<Vec<_>>>()?;
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
            let called = recipient.name.as_ref().map_or(Called::Unsaid, Called::From);
            let contact = contact::remember(&contact_id, &recipient.email, called, self.world.now())?;
            writes.push(contact::knowing(contact, &other_ids(keys, recipient.email.expose())?)?);
            writes.push(message.queued_row(&context)?.1);
            writes.push(Write::put_new(message::key(&message.message_id), &message)?);
            writes.push(Write::put_new(intent.key(), &intent)?);
            nudges.push(Nudge::of(&intent));
        }
        match self.table.transact(&writes).await? {
            Transacted::Done | Transacted::Lost(_) => Ok(nudges),
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
        let pk = campaign_partition(&campaign.campaign_id);
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
        run_concurrently(stopping).await.into_iter().collect::<Result<()>>()?;
        Ok(campaign)
    }

    /// Whether any of a campaign's mails may still be stopped, or may be on its way to the provider.
    pub async fn may_be_stopped(&self, campaign: &Campaign) -> Result<bool> {
        let now = self.world.now();
        let may = |message: &Message| message.status == MessageStatus::Queued || Campaign::could_stop(message, now);
        Ok(self.campaign_messages(campaign).await?.iter().any(may))
    }

    async fn message_stopped(&self, message: Message, at: Timestamp) -> Result<()> {
        let what = MessageFact::Status(MessageStatus::Canceled);
        let observed = Observation::Message(ObservedMessage { vendor_at: Some(at), ..ObservedMessage::of(what) });
        let mut context =
            Context::ours(self.world.now(), &message.correlation_id, format!("{}/stop", message.intent_id));
        context.source = crate::gateway::Vendor::SendGrid.as_str();
        // An event that says more of it has the last word: it is planned anew on the message as it is.
        let plan = |subject: &Subject| subject.observe(&observed, &context);
        let subject = Subject::Message { message: Box::new(message), contact: None };
        let _: Committed = self.commit(subject, plan).await?;
        Ok(())
    }
}
