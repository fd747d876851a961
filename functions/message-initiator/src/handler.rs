//! message-initiator: takes messages to send, shows what became of them, and takes what people agree to.

use crossdock::domain::consent::ConsentChange;
use crossdock::domain::input::{CreateCampaign, CreateMessage, Preferences};
use crossdock::domain::message::{MessageKind, Prices};
use crossdock::domain::{CampaignId, MessageId};
use crossdock::effects::campaign::{CampaignRequest, campaign_not_found};
use crossdock::effects::contact::{AppKeys, contact_id};
use crossdock::effects::intake::{MessageCreated, MessageRequest, message_not_found, request_hash};
use crossdock::effects::{WorkList, with_permit};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::vendors::sendgrid::batch::Batches;
use crossdock::vendors::twilio::{Keys, Twilio};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::json;

/// The largest request for a campaign, in bytes: 1,000 addresses with names of usual length take half of it.
const CAMPAIGN_MAX_BYTES: usize = 512 * 1024;

/// The messages' API.
pub struct MessageInitiator {
    list: WorkList,
    twilio: Twilio,
    batches: Batches,
    app_keys: Keyring<AppKeys>,
    twilio_keys: Keyring<Keys>,
    prices: Prices,
    shop: String,
}

impl MessageInitiator {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self {
            list: system.work_list()?,
            twilio: system.twilio()?,
            batches: system.sendgrid_batches()?,
            app_keys: system.app_keys()?,
            twilio_keys: system.twilio_keys()?,
            prices: system.prices()?,
            shop: system.env().required("SHOP_NAME")?,
        })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let (app, twilio) = (self.app_keys.get().map(drop).boxed(), self.twilio_keys.get().map(drop).boxed());
        vec![app, twilio, self.list.warm().boxed()]
    }

    /// A code is sent by the request itself: somebody looks at their phone, and a queue may be long.
    async fn create(&self, request: &ApiRequest) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body()?;
        let input = CreateMessage::parse(body, request.received_at)?;
        let contact_id = contact_id(&self.app_keys.get().await?, input.to.expose())?;
        let (hash, lease) = (request_hash("POST", &request.path, body), request.lease());
        let (order, to) = (input.order_id.as_ref(), input.to.expose());
        let asked = MessageRequest {
            key: &key,
            hash: &hash,
            estimate: self.prices.estimate(&input.content, order, &self.shop, to),
            contact_id: &contact_id,
            correlation: &request.correlation,
            lease: &lease,
        };
        let creating = self.list.create_message(&input, &asked);
        if input.content.kind() != MessageKind::TwoFactorCode {
            return self.queued(creating.await?).await;
        }
        match with_permit(creating, &self.twilio, &lease).await? {
            (MessageCreated::Claimed(message, claimed), permit) => {
                self.list.work_claimed(*claimed, &self.twilio, &permit).await?;
                Ok(Answer::new(202, self.list.message(&message.message_id).await?.view()))
            }
            (created, _) => self.queued(created).await,
        }
    }

    async fn queued(&self, created: MessageCreated) -> Result<Answer> {
        match created {
            MessageCreated::Queued(message, nudge) => {
                self.list.nudge_when_due(&message, nudge).await;
                Ok(Answer::new(202, message.view()))
            }
            MessageCreated::Claimed(message, _) => Ok(Answer::new(202, message.view())),
            MessageCreated::Repeat(message) => Ok(Answer::new(202, message.view()).replayed()),
        }
    }

    async fn create_campaign(&self, request: &ApiRequest) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body_within(CAMPAIGN_MAX_BYTES)?;
        let input = CreateCampaign::parse(body, request.received_at)?;
        let asked = CampaignRequest {
            key: &key,
            hash: &request_hash("POST", &request.path, body),
            estimate: self.prices.of_mail(),
            correlation: &request.correlation,
        };
        let created = self.list.create_campaign(&input, &self.app_keys.get().await?, &asked).await?;
        if created.campaign.send_at.is_none() {
            self.list.nudge(&created.nudges).await;
        }
        if created.is_repeat {
            return Ok(Answer::new(202, self.list.campaign_view(&created.campaign).await?).replayed());
        }
        Ok(Answer::new(202, created.campaign.new_view(request.received_at)))
    }

    /// First ours, then SendGrid's: whatever leaves in between bears a name that SendGrid then stops.
    async fn cancel_campaign(&self, id: &str, request: &ApiRequest) -> Result<Answer> {
        let id = CampaignId::parse(id).ok_or_else(campaign_not_found)?;
        let mut campaign = self.list.cancel_campaign(&id).await?;
        if let Some(batch_id) = &campaign.batch_id {
            let stopped = self.batches.stop(batch_id, &request.correlation, &request.lease().permit()).await?;
            campaign = self.list.campaign_stopped(&campaign, stopped).await?;
        }
        Ok(Answer::new(200, self.list.campaign_view(&campaign).await?))
    }

    async fn prefer(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let wish = Preferences::parse(body, request.received_at)?;
        let id = contact_id(&self.app_keys.get().await?, wish.address.expose())?;
        let change = if wish.marketing { ConsentChange::OptedIn } else { ConsentChange::OptedOut };
        let proof = format!("{}/{}", wish.source, request_hash("PUT", &request.path, body));
        let now_is =
            self.list.change_consent(&id, Some(&wish.address), (change, wish.at), &proof, &request.correlation);
        let consent = now_is.await?;
        Ok(Answer::new(
            200,
            json!({
                "channel": wish.channel.as_str(),
                "marketing": consent.marketing,
                "suppressed": consent.suppressed.is_some(),
            }),
        ))
    }
}

impl HttpFunction for MessageInitiator {
    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["messages"]) => self.create(&request).await,
            (&Method::GET, ["messages", id]) => {
                let id = MessageId::parse(id).ok_or_else(message_not_found)?;
                Ok(Answer::new(200, self.list.message(&id).await?.view()))
            }
            (&Method::POST, ["campaigns"]) => self.create_campaign(&request).await,
            (&Method::GET, ["campaigns", id]) => {
                let id = CampaignId::parse(id).ok_or_else(campaign_not_found)?;
                let campaign = self.list.campaign(&id).await?;
                Ok(Answer::new(200, self.list.campaign_view(&campaign).await?))
            }
            (&Method::POST, ["campaigns", id, "cancel"]) => self.cancel_campaign(id, &request).await,
            (&Method::PUT, ["contacts", "preferences"]) => self.prefer(&request).await,
            _ => Err(no_such_route()),
        }
    }
}
