//! payment-worker: does what is due of the payments. One message, one intent, one call.

use crossdock::domain::Timestamp;
use crossdock::effects::{Agent as _, Nudge, WorkList, Worked};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::vendors::stripe::{Keys, Stripe};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The Payments queue's worker.
pub struct PaymentWorker {
    list: WorkList,
    stripe: Stripe,
    keys: Keyring<Keys>,
}

impl PaymentWorker {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, stripe: system.stripe()?, keys: system.stripe_keys()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed(), self.list.warm().boxed()]
    }

    fn now(&self) -> Timestamp {
        self.list.world().now()
    }
}

impl Worker for PaymentWorker {
    async fn handle(&self, record: &Record) -> Result<()> {
        let (intent_id, _) = Nudge::parse(&record.body)?;
        // Without enough time for a call the nudge is dropped: the intent stays due, and the sweeper nudges again.
        let Some(lease) = record.lease(self.stripe.vendor().policy().timeout, self.now()) else { return Ok(()) };
        match self.list.work(&intent_id, &lease, &self.stripe, 1).await? {
            Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => Ok(()),
        }
    }
}
