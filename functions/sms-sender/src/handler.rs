//! sms-sender: sends the SMS that are due. Ten SMS of a batch take the waits of one.

use crossdock::effects::{Agent as _, Nudge, WorkList, Worked};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::vendors::twilio::{Keys, Twilio};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The Sms queues' worker.
pub struct SmsSender {
    list: WorkList,
    twilio: Twilio,
    keys: Keyring<Keys>,
}

impl SmsSender {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, twilio: system.twilio()?, keys: system.twilio_keys()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed(), self.list.warm().boxed()]
    }
}

impl Worker for SmsSender {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, record: &Record) -> Result<()> {
        let (intent_id, _) = Nudge::parse(&record.body)?;
        let timeout = self.twilio.vendor().policy().timeout;
        // Without enough time for a call the nudge is dropped: the intent stays due, and the sweeper nudges again.
        let Some(lease) = record.lease(timeout, self.list.world().now()) else { return Ok(()) };
        match self.list.work(&intent_id, &lease, &self.twilio, 1).await? {
            Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => Ok(()),
        }
    }
}
