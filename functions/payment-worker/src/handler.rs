//! payment-worker: does what is due of the payments, and what commands ask for. One message, one intent, one call.

use crossdock::domain::command::{Command, Order};
use crossdock::domain::{Correlation, Timestamp};
use crossdock::effects::contact::AppKeys;
use crossdock::effects::intake::{Repeatable, request_hash};
use crossdock::effects::{Agent as _, Lease, Nudge, Worked};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::payments::{Asker, Payments};
use crossdock::vendors::stripe::Keys;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The Payments queue's worker.
pub struct PaymentWorker {
    payments: Payments,
    app_keys: Keyring<AppKeys>,
    stripe_keys: Keyring<Keys>,
}

impl PaymentWorker {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { payments: system.payments()?, app_keys: system.app_keys()?, stripe_keys: system.stripe_keys()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let (app, stripe) = (self.app_keys.get().map(drop).boxed(), self.stripe_keys.get().map(drop).boxed());
        vec![app, stripe, self.payments.list.warm().boxed()]
    }

    fn now(&self) -> Timestamp {
        self.payments.list.world().now()
    }

    /// A command is a request whose answer nobody waits for: a refusal goes to the DLQ, where a person sees it.
    async fn obey(&self, command: Command, lease: Lease) -> Result<()> {
        let correlation = Correlation::generate(self.now(), self.payments.list.world().rng.next());
        let asker = Asker { correlation, lease };
        let repeatable = |route| Repeatable {
            route,
            key: Some(command.id.clone()),
            hash: request_hash("COMMAND", route, command.data.as_bytes()),
        };
        match &command.order {
            Order::Payment(input) => {
                let repeatable = repeatable("payment.requested");
                self.payments.create(input, &repeatable, &asker, |_, _| Ok(None)).await.map(drop)
            }
            Order::Refund(payment_id, input) => {
                let repeatable = repeatable("refund.requested");
                let asked = self.payments.refund(payment_id, input, &repeatable, &asker, |_, _| Ok(None));
                asked.await.map(drop)
            }
        }
    }
}

impl Worker for PaymentWorker {
    async fn handle(&self, record: &Record) -> Result<()> {
        let command = Command::parse(&record.body)?;
        let timeout = self.payments.stripe.vendor().policy().timeout;
        let Some(lease) = record.lease(timeout, self.now()) else {
            // Without enough time for a call a nudge is dropped: its intent stays due, and the sweeper nudges again.
            // A command is nowhere but here, so it goes back to its queue.
            return match command {
                Some(_) => Err(crossdock::error::Error::transient("too_late", "a command came at the end of a batch")),
                None => Ok(()),
            };
        };
        if let Some(command) = command {
            return self.obey(command, lease).await;
        }
        let (intent_id, _) = Nudge::parse(&record.body)?;
        match self.payments.list.work(&intent_id, &lease, &self.payments.stripe, 1).await? {
            Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => Ok(()),
        }
    }
}
