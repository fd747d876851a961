//! Messages, as HTTP requests ask for them: mails, SMS, campaigns, and what people agree to. Whoever the provider is.
//!
//! mailer.rs decides which mail provider makes a try; here is what a request does: codes leave at once, everything else goes
//! into the work list and is sent from its queue.

mod contacts;
mod mailer;

use crate::domain::consent::{Consent, ConsentChange};
use crate::domain::input::{CreateCampaign, CreateMessage, Preferences};
use crate::domain::message::{Channel, Content, MessageKind, Prices};
use crate::domain::sms::{Caps, Destinations};
use crate::domain::{CampaignId, Correlation, Private};
use crate::effects::campaign::{Campaign, CampaignCreated, CampaignRequest};
use crate::effects::contact::{AppKeys, contact_id, other_ids};
use crate::effects::intake::{MessageCreated, MessageRequest};
use crate::effects::message::Message;
use crate::effects::{Lease, WorkList, with_permit};
use crate::error::{Error, Result};
use crate::gateway::{Keyring, Permit};
use crate::telemetry::metrics::Metric;
use crate::vendors::sendgrid::batch::Batches;
use crate::vendors::twilio::Twilio;

pub use contacts::Contacts;
pub use mailer::Mailer;

/// The work list, and the providers that a request calls itself.
pub struct Messages {
    /// The work list.
    pub list: WorkList,
    texts: Twilio,
    batches: Batches,
    app_keys: Keyring<AppKeys>,
    pricing: Pricing,
}

/// What messages are estimated to cost, and what of the shop goes into them. An SMS costs by its length, and the shop's name is part of it.
#[derive(Clone, Debug)]
pub struct Pricing {
    /// Per mail, and per part of an SMS.
    pub prices: Prices,
    /// The shop's name as SMS have it.
    pub shop: String,
    /// Whether it is known where the shop is: without that no marketing mail is sent.
    pub has_postal_address: bool,
    /// Where SMS may go.
    pub destinations: Destinations,
    /// How many SMS may be asked for.
    pub caps: Caps,
}

/// Who asks, and how the request may be repeated.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The caller's Idempotency-Key.
    pub key: &'a str,
    /// Hash of method, concrete path and body.
    pub hash: &'a str,
    /// Ties together what the request causes.
    pub correlation: &'a Correlation,
    /// Until when the request may call.
    pub lease: &'a Lease,
}

/// The message that was asked for, as it is.
#[derive(Debug)]
pub struct Asked {
    /// The message.
    pub message: Message,
    /// Whether this very request was made before.
    pub is_repeat: bool,
}

impl Messages {
    /// Messages over this work list and these providers; `app_keys` make contact ids.
    pub const fn new(
        list: WorkList,
        texts: Twilio,
        batches: Batches,
        app_keys: Keyring<AppKeys>,
        pricing: Pricing,
    ) -> Self {
        Self { list, texts, batches, app_keys, pricing }
    }

    /// Takes a message. A code is sent by the request itself: somebody looks at their phone, and a queue may be long.
    ///
    /// # Errors
    /// What [`WorkList::create_message`] refuses.
    pub async fn create(&self, input: &CreateMessage, asker: Asker<'_>) -> Result<Asked> {
        self.allow_advertising(&input.content)?;
        self.allow_text(input, asker.key).await?;
        let (order, to) = (input.order_id.as_ref(), input.to.expose());
        let keys = self.app_keys.get().await?;
        let Pricing { prices, shop, .. } = &self.pricing;
        let asked = MessageRequest {
            key: asker.key,
            hash: asker.hash,
            estimate: prices.estimate(&input.content, order, shop, to),
            contact_id: &contact_id(&keys, to)?,
            also: &other_ids(&keys, to)?,
            correlation: asker.correlation,
            lease: asker.lease,
        };
        let creating = self.list.create_message(input, &asked);
        if input.content.kind() != MessageKind::TwoFactorCode {
            return Ok(self.queued(creating.await?).await);
        }
        match with_permit(creating, &self.texts, asker.lease).await? {
            (MessageCreated::Claimed(message, claimed), permit) => {
                self.list.work_claimed(*claimed, &self.texts, &permit).await?;
                Ok(Asked { message: self.list.message(&message.message_id).await?, is_repeat: false })
            }
            (created, _) => Ok(self.queued(created).await),
        }
    }

    async fn queued(&self, created: MessageCreated) -> Asked {
        let (message, is_repeat) = match created {
            MessageCreated::Queued(message, nudge) => {
                self.list.nudge_when_due(&message, nudge).await;
                (message, false)
            }
            MessageCreated::Claimed(message, _) => (message, false),
            MessageCreated::Repeat(message) => (message, true),
        };
        Asked { message: *message, is_repeat }
    }

    /// An SMS goes only where the shop sends SMS, and only while there are not too many of them. Who was answered before is
    /// answered again.
    async fn allow_text(&self, input: &CreateMessage, key: &str) -> Result<()> {
        if input.content.channel() != Channel::Sms {
            return Ok(());
        }
        let number = input.to.expose();
        let refusal = if !self.pricing.destinations.allow(number) {
            let detail = "This shop sends no SMS to numbers of this country.";
            Error::rejected(422, "sms_country_not_allowed", detail)
        } else if !self.list.count_text(number, &self.pricing.caps).await? {
            Error::rejected(
                429,
                "sms_limit_reached",
                "Too many SMS were sent within the hour, the day, or to this country.",
            )
        } else {
            return Ok(());
        };
        if self.list.is_known(key).await? {
            return Ok(());
        }
        Metric::SmsWithheld.count(self.list.world().now(), &[]);
        Err(refusal)
    }

    /// Whoever advertises by mail says where they are.
    fn allow_advertising(&self, content: &Content) -> Result<()> {
        let needs_address = content.channel() == Channel::Email && content.kind().is_marketing();
        if needs_address && !self.pricing.has_postal_address {
            let detail = "Marketing mail must have the shop's postal address: set the stack's parameter PostalAddress.";
            return Err(Error::rejected(422, "postal_address_missing", detail));
        }
        Ok(())
    }

    /// Takes a campaign; it starts at once unless it is for later.
    ///
    /// # Errors
    /// What [`WorkList::create_campaign`] refuses.
    pub async fn create_campaign(&self, input: &CreateCampaign, asker: Asker<'_>) -> Result<CampaignCreated> {
        self.allow_advertising(&input.content)?;
        let asked = CampaignRequest {
            key: asker.key,
            hash: asker.hash,
            estimate: self.pricing.prices.of_mail(),
            correlation: asker.correlation,
        };
        let created = self.list.create_campaign(input, &self.app_keys.get().await?, &asked).await?;
        if created.campaign.send_at.is_none() {
            self.list.nudge(&created.nudges).await;
        }
        Ok(created)
    }

    /// Stops a campaign: first in the work list, then at the provider. What leaves in between has a name that the provider
    /// then stops.
    ///
    /// # Errors
    /// What [`WorkList::cancel_campaign`] refuses; `vendor_unavailable` when nobody can say whether the provider has stopped
    /// it: to be asked for again.
    pub async fn cancel_campaign(
        &self,
        id: &CampaignId,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Result<Campaign> {
        let campaign = self.list.cancel_campaign(id).await?;
        let Some(batch_id) = &campaign.batch_id else { return Ok(campaign) };
        match self.batches.stop(batch_id, correlation, permit).await? {
            Some(stopped) => self.list.campaign_stopped(&campaign, stopped).await,
            // Too late: what it was called off for has become of it.
            None if !self.list.may_be_stopped(&campaign).await? => Ok(campaign),
            None => Err(Error::transient("vendor_unavailable", "the provider does not stop the campaign")),
        }
    }

    /// Writes down what somebody agrees to, with its proof: where they said it, and the hash of the request that tells of it.
    pub async fn prefer(
        &self,
        wish: &Preferences,
        hash: &str,
        asked: (&Correlation, Option<&Private<String>>),
    ) -> Result<Consent> {
        let keys = self.app_keys.get().await?;
        let address = wish.address.expose();
        let (id, also) = (contact_id(&keys, address)?, other_ids(&keys, address)?);
        let change = if wish.marketing { ConsentChange::OptedIn } else { ConsentChange::OptedOut };
        let proof = format!("{}/{hash}", wish.source);
        self.list.change_consent(&id, Some((&wish.address, &also)), (change, wish.at), &proof, asked).await
    }
}
