//! email-sender: sends the mails that are due. Ten mails of a batch take the waits of one.

use crossdock::domain::IntentId;
use crossdock::effects::template::Templates;
use crossdock::effects::{Agent as _, Lease, Nudge, Verdict, WorkList, Worked};
use crossdock::error::Result;
use crossdock::gateway::{Keyring, Lane};
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::messages::Mailer;
use crossdock::vendors::sendgrid::Keys;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The Email queues' worker.
pub struct EmailSender {
    list: WorkList,
    mailer: Mailer,
    keys: Keyring<Keys>,
    templates: Templates,
}

impl EmailSender {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let (list, mailer) = (system.work_list()?, system.mailer()?);
        Ok(Self { list, mailer, keys: system.sendgrid_keys()?, templates: system.templates()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed(), self.templates.look().boxed()]
    }
}

impl EmailSender {
    async fn work(&self, intents: &[IntentId], lease: &Lease) -> Result<()> {
        // Marketing is SendGrid's alone, and what one request asked for leaves together.
        if lease.lane == Lane::Bulk {
            return self.list.work_in_shared_calls(intents, lease, self.mailer.broadcaster()).await;
        }
        for id in intents {
            if let Worked::Settled(_, Verdict::Absent) = self.list.work(id, lease, &self.mailer, 1).await? {
                // One provider certainly did not take it: the other one is asked at once.
                self.list.work(id, lease, &self.mailer, 1).await?;
            }
        }
        Ok(())
    }
}

impl Worker for EmailSender {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, record: &Record) -> Result<()> {
        let intents = Nudge::parse_all(&record.body)?;
        let timeout = self.mailer.vendor().policy().timeout;
        // Without enough time for a call the nudge is dropped: the intent stays due, and the sweeper nudges again.
        let Some(lease) = record.lease(timeout, self.list.world().now()) else { return Ok(()) };
        // The templates are read beside the claim: that is no wait of its own.
        let (worked, ()) = futures_util::join!(self.work(&intents, &lease), self.templates.look());
        worked
    }

    /// Campaigns wait for each other: each takes what one instance can do.
    fn group(&self, record: &Record) -> String {
        let is_campaign = Nudge::parse_all(&record.body).is_ok_and(|intents| intents.len() > 1);
        if is_campaign { "campaigns".to_owned() } else { record.message_id.clone() }
    }
}
