//! message-initiator: takes messages to send, shows what became of them, and takes what people agree to.

use crossdock::domain::input::{CreateCampaign, CreateMessage, Lift, Lookup, Preferences};
use crossdock::domain::{CampaignId, MessageId};
use crossdock::effects::campaign::campaign_not_found;
use crossdock::effects::contact::AppKeys;
use crossdock::effects::intake::{message_not_found, request_hash};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::messages::{Asker, Contacts, Messages};
use crossdock::vendors::twilio::Keys;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::json;

/// The largest request for a campaign, in bytes: 1,000 addresses with names of usual length take half of it.
const CAMPAIGN_MAX_BYTES: usize = 512 * 1024;

/// The messages' API.
pub struct MessageInitiator {
    messages: Messages,
    contacts: Contacts,
    app_keys: Keyring<AppKeys>,
    twilio_keys: Keyring<Keys>,
}

impl MessageInitiator {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let (messages, contacts) = (system.messages()?, system.contacts()?);
        Ok(Self { messages, contacts, app_keys: system.app_keys()?, twilio_keys: system.twilio_keys()? })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let (app, twilio) = (self.app_keys.get().map(drop).boxed(), self.twilio_keys.get().map(drop).boxed());
        vec![app, twilio, self.messages.list.warm().boxed()]
    }

    async fn create(&self, request: &ApiRequest) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body()?;
        let input = CreateMessage::parse(body, request.received_at)?;
        let (hash, lease) = (request_hash("POST", &request.path, body), request.lease());
        let asker = Asker { key: &key, hash: &hash, correlation: &request.correlation, lease: &lease };
        let asked = self.messages.create(&input, asker).await?;
        let answer = Answer::new(202, asked.message.view());
        Ok(if asked.is_repeat { answer.replayed() } else { answer })
    }

    async fn show(&self, id: &str) -> Result<Answer> {
        let id = MessageId::parse(id).ok_or_else(message_not_found)?;
        Ok(Answer::new(200, self.messages.list.message(&id).await?.view()))
    }

    async fn create_campaign(&self, request: &ApiRequest) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body_within(CAMPAIGN_MAX_BYTES)?;
        let input = CreateCampaign::parse(body, request.received_at)?;
        let (hash, lease) = (request_hash("POST", &request.path, body), request.lease());
        let asker = Asker { key: &key, hash: &hash, correlation: &request.correlation, lease: &lease };
        let created = self.messages.create_campaign(&input, asker).await?;
        let mut view = if created.is_repeat {
            self.messages.list.campaign_view(&created.campaign).await?
        } else {
            created.campaign.new_view(request.received_at)
        };
        let not_printed = input.names_not_printed();
        if not_printed > 0 {
            view["names_not_printed"] = json!(not_printed);
        }
        let answer = Answer::new(202, view);
        Ok(if created.is_repeat { answer.replayed() } else { answer })
    }

    async fn show_campaign(&self, id: &str) -> Result<Answer> {
        let id = CampaignId::parse(id).ok_or_else(campaign_not_found)?;
        let campaign = self.messages.list.campaign(&id).await?;
        Ok(Answer::new(200, self.messages.list.campaign_view(&campaign).await?))
    }

    async fn cancel_campaign(&self, request: &ApiRequest, id: &str) -> Result<Answer> {
        let id = CampaignId::parse(id).ok_or_else(campaign_not_found)?;
        let permit = request.lease().permit();
        let campaign = self.messages.cancel_campaign(&id, &request.correlation, &permit).await?;
        Ok(Answer::new(200, self.messages.list.campaign_view(&campaign).await?))
    }

    async fn prefer(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let wish = Preferences::parse(body, request.received_at)?;
        let hash = request_hash("PUT", &request.path, body);
        let consent = self.messages.prefer(&wish, &hash, (&request.correlation, request.caller.as_ref())).await?;
        let view = json!({
            "channel": wish.channel.as_str(),
            "marketing": consent.marketing,
            "suppressed": consent.reason().is_some(),
        });
        Ok(Answer::new(200, view))
    }
}

impl MessageInitiator {
    async fn lookup(&self, request: &ApiRequest) -> Result<Answer> {
        let asked = Lookup::parse(request.json_body()?)?;
        Ok(Answer::new(200, self.contacts.lookup(&asked).await?.view(asked.channel)))
    }

    async fn lift(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let asked = Lift::parse(body, request.received_at)?;
        let hash = request_hash("POST", &request.path, body);
        let contact = self.contacts.lift(&asked, &hash, (&request.correlation, request.caller.as_ref())).await?;
        Ok(Answer::new(200, contact.view(asked.channel)))
    }
}

impl HttpFunction for MessageInitiator {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["messages"]) => self.create(&request).await,
            (&Method::GET, ["messages", id]) => self.show(id).await,
            (&Method::POST, ["campaigns"]) => self.create_campaign(&request).await,
            (&Method::GET, ["campaigns", id]) => self.show_campaign(id).await,
            (&Method::POST, ["campaigns", id, "cancel"]) => self.cancel_campaign(&request, id).await,
            (&Method::PUT, ["contacts", "preferences"]) => self.prefer(&request).await,
            (&Method::POST, ["contacts", "lookup"]) => self.lookup(&request).await,
            (&Method::POST, ["contacts", "lift"]) => self.lift(&request).await,
            _ => Err(no_such_route()),
        }
    }
}
