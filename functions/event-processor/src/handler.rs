//! event-processor: applies verified events, one transaction each, and publishes domain events.

use crossdock::domain::input::normalised_email;
use crossdock::domain::{Correlation, Timestamp};
use crossdock::effects::contact::{AppKeys, contact_id};
use crossdock::effects::inbound::{Event, Requeued};
use crossdock::effects::observation::Observation;
use crossdock::effects::{Nudge, WorkList};
use crossdock::error::{Error, Result};
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::lambda::receiver::decoded;
use crossdock::vendors::sendgrid;
use crossdock::vendors::stripe::{self, Stripe};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The InboundEvents queue's worker.
pub struct EventProcessor {
    list: WorkList,
    stripe: Stripe,
    stripe_keys: Keyring<stripe::Keys>,
    app_keys: Keyring<AppKeys>,
}

impl EventProcessor {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self {
            list: system.work_list()?,
            stripe: system.stripe()?,
            stripe_keys: system.stripe_keys()?,
            app_keys: system.app_keys()?,
        })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.stripe_keys.get().map(drop).boxed(), self.list.warm().boxed()]
    }

    fn now(&self) -> Timestamp {
        self.list.world().now()
    }

    async fn apply(&self, vendor: Vendor, event: Event, correlation: &Correlation) -> Result<()> {
        self.list.apply(vendor, event, correlation, &self.stripe).await.map(drop)
    }

    /// A customer's address is stored under an id that only our own key makes.
    async fn recognise(&self, event: &mut Event) -> Result<()> {
        let Some(Observation::Customer(seen)) = &mut event.seen else { return Ok(()) };
        let address = seen.email.as_ref().and_then(|email| normalised_email(email.expose()));
        match address {
            Some(address) => {
                seen.contact_id = Some(contact_id(&self.app_keys.get().await?, &address)?);
                seen.email = Some(address.into());
            }
            None => seen.email = None,
        }
        Ok(())
    }

    /// Applies what can be applied of a slice, and reports the first failure: a redelivery finds the good ones seen.
    async fn apply_slice(&self, slice: &[u8], correlation: &Correlation) -> Result<()> {
        let mut failed = None;
        for event in sendgrid::read_events(slice, self.now())? {
            let applied = match event {
                Ok(event) => self.apply(Vendor::SendGrid, event, correlation).await,
                Err(unreadable) => Err(unreadable),
            };
            if let Err(error) = applied {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// A message without a type is one of ours: an event to match again, or a nudge to publish.
    async fn own(&self, record: &Record) -> Result<()> {
        if let Some(requeued) = Requeued::parse(&record.body) {
            return self.list.apply_waiting(&requeued, &self.stripe).await.map(drop);
        }
        let (intent_id, _) = Nudge::parse(&record.body)?;
        self.list.publish(&[intent_id]).await
    }
}

impl Worker for EventProcessor {
    async fn handle(&self, record: &Record) -> Result<()> {
        let correlation = record.attributes.get("correlation").and_then(|text| Correlation::parse(text));
        let correlation =
            correlation.unwrap_or_else(|| Correlation::generate(self.now(), self.list.world().rng.next()));
        let body = decoded(&record.body, record.attributes.get("encoding").map(String::as_str))?;
        match record.attributes.get("type").map(String::as_str) {
            Some("stripe") => {
                let mut event = stripe::read_event(&body, self.now())?;
                self.recognise(&mut event).await?;
                self.apply(Vendor::Stripe, event, &correlation).await
            }
            Some("sendgrid") => self.apply_slice(&body, &correlation).await,
            Some(_) => Err(Error::bug("unknown_message", "a message of an unknown type")),
            None => self.own(record).await,
        }
    }

    /// Events of one object go one after the other.
    fn group(&self, record: &Record) -> String {
        match record.attributes.get("type").map(String::as_str) {
            Some("stripe") => stripe::object_id(record.body.as_bytes()).unwrap_or_else(|| record.message_id.clone()),
            // A slice holds events of many messages; slices of one batch are in the vendor's order.
            Some(vendor) => vendor.to_owned(),
            None => record.message_id.clone(),
        }
    }
}
