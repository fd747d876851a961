//! event-processor: archives verified events, then applies them, one transaction each, and publishes domain events.

use std::collections::BTreeSet;

use crossdock::domain::input::normalised_email;
use crossdock::domain::{Correlation, Timestamp};
use crossdock::effects::archive::Archive;
use crossdock::effects::contact::{AppKeys, contact_id, other_ids};
use crossdock::effects::inbound::Event;
use crossdock::effects::observation::Observation;
use crossdock::effects::waiting::Requeued;
use crossdock::effects::{Nudge, WorkList};
use crossdock::error::Result;
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::batch::{Record, Worker};
use crossdock::lambda::{Inbound, InboundQueues, System, Webhook};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The worker of the queues InboundEvents and InboundWork.
pub struct EventProcessor {
    list: WorkList,
    archive: Archive,
    app_keys: Keyring<AppKeys>,
    queues: InboundQueues,
}

impl EventProcessor {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self {
            list: system.work_list()?,
            archive: system.archive()?,
            app_keys: system.app_keys()?,
            queues: system.inbound_queues()?,
        })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.list.warm().boxed(), self.archive.warm().boxed()]
    }

    fn now(&self) -> Timestamp {
        self.list.world().now()
    }

    async fn apply(&self, vendor: Vendor, mut event: Event, correlation: &Correlation) -> Result<()> {
        self.recognise(&mut event).await?;
        self.list.apply(vendor, event, correlation).await.map(drop)
    }

    /// Addresses are stored under ids that only our own key makes.
    async fn recognise(&self, event: &mut Event) -> Result<()> {
        for observed in [&mut event.observed, &mut event.otherwise].into_iter().flatten() {
            let Observation::Contact(observed) = observed else { continue };
            let keys = self.app_keys.get().await?;
            observed.contact_id = Some(contact_id(&keys, observed.address.expose())?);
            observed.also = other_ids(&keys, observed.address.expose())?;
        }
        let Some(Observation::Customer(observed)) = &mut event.observed else { return Ok(()) };
        if let Some(before) = &mut observed.before {
            let was = before.email.as_ref().and_then(|was| was.0.as_ref());
            let was = was.and_then(|email| normalised_email(email.expose()));
            before.contact_id = match was {
                Some(address) => Some(contact_id(&self.app_keys.get().await?, &address)?),
                None => None,
            };
        }
        let address = observed.email.as_ref().and_then(|email| normalised_email(email.expose()));
        match address {
            Some(address) => {
                observed.contact_id = Some(contact_id(&self.app_keys.get().await?, &address)?);
                observed.email = Some(address.into());
            }
            None => observed.email = None,
        }
        Ok(())
    }

    /// Applies what can be applied, and reports the first failure: a redelivery finds the good ones seen.
    async fn apply_all(&self, webhook: &Webhook, correlation: &Correlation) -> Result<()> {
        let mut failed = None;
        let events = webhook.events(self.now())?;
        let told = events.iter().flatten().map(|event| event.occurred_at).min();
        webhook.count_lag(told, self.now());
        for event in events {
            let applied = match event {
                Ok(event) => self.apply(webhook.vendor, event, correlation).await,
                Err(unreadable) => Err(unreadable),
            };
            if let Err(error) = applied {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Ids of what is in the table: an event to match again, or a nudge to publish.
    async fn own(&self, record: &Record) -> Result<()> {
        if let Some(requeued) = Requeued::parse(&record.body) {
            return self.list.apply_waiting(&requeued).await.map(drop);
        }
        let (intent_id, _) = Nudge::parse(&record.body)?;
        self.list.publish(&[intent_id]).await
    }
}

impl Worker for EventProcessor {
    const NAME: &str = env!("CARGO_PKG_NAME");

    /// Nothing is applied that is not in the archive, and nothing archived that came over the wrong queue.
    async fn prepare(&self, record: &Record) -> Result<()> {
        let Inbound::Webhook(webhook) = self.queues.read(record)? else { return Ok(()) };
        if webhook.replay.is_some() {
            return Ok(());
        }
        let key = webhook.archive_key();
        self.archive.keep(&key, webhook.bytes.into(), &webhook.delivery).await
    }

    async fn handle(&self, record: &Record) -> Result<()> {
        let correlation = record.attributes.get("correlation").and_then(|text| Correlation::parse(text));
        let correlation =
            correlation.unwrap_or_else(|| Correlation::generate(self.now(), self.list.world().rng.next()));
        match self.queues.read(record)? {
            Inbound::Webhook(webhook) => {
                self.apply_all(&webhook, &correlation).await?;
                webhook.count_processed(self.now());
                Ok(())
            }
            Inbound::Work => self.own(record).await,
        }
    }

    /// Publications: ten of a batch are read, sent and marked in as many waits as one.
    fn is_shared(&self, record: &Record) -> bool {
        matches!(self.queues.read(record), Ok(Inbound::Work)) && Nudge::parse(&record.body).is_ok()
    }

    async fn handle_shared(&self, records: &[Record]) -> Result<()> {
        let ids = records.iter().map(|record| Ok(Nudge::parse(&record.body)?.0)).collect::<Result<BTreeSet<_>>>()?;
        self.list.publish(&ids.into_iter().collect::<Vec<_>>()).await
    }

    /// Events of one object go one after the other.
    fn group(&self, record: &Record) -> String {
        let own = || Requeued::parse(&record.body).map(|requeued| requeued.group().to_owned());
        Webhook::group(record).or_else(own).unwrap_or_else(|| record.message_id.clone())
    }
}
