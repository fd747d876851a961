//! email-sender: sends the mails that are due. Ten mails of a batch take the waits of one.

mod mailer;

use crossdock::effects::{Agent as _, Nudge, Verdict, WorkList, Worked};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::vendors::sendgrid::Keys;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mailer::Mailer;

/// The Email queues' worker.
pub struct EmailSender {
    list: WorkList,
    mailer: Mailer,
    keys: Keyring<Keys>,
}

impl EmailSender {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let mailer = Mailer { sendgrid: system.sendgrid()?, postmark: system.postmark_if_wanted()? };
        Ok(Self { list: system.work_list()?, mailer, keys: system.sendgrid_keys()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed(), self.list.warm().boxed()]
    }
}

impl Worker for EmailSender {
    async fn handle(&self, record: &Record) -> Result<()> {
        let (intent_id, _) = Nudge::parse(&record.body)?;
        let timeout = self.mailer.vendor().policy().timeout;
        // Without enough time for a call the nudge is dropped: the intent stays due, and the sweeper nudges again.
        let Some(lease) = record.lease(timeout, self.list.world().now()) else { return Ok(()) };
        match self.list.work(&intent_id, &lease, &self.mailer, 1).await? {
            // One provider certainly did not take it: the other one is asked at once.
            Worked::Settled(_, Verdict::Absent) => self.list.work(&intent_id, &lease, &self.mailer, 1).await.map(drop),
            Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => Ok(()),
        }
    }
}
