//! payment-worker: does what is due of the payments, what commands ask for, and what events leave open. One message, one
//! intent, one call.

use crossdock::domain::command::{Command, Order};
use crossdock::domain::payment::PaymentStatus;
use crossdock::domain::refund::RefundStatus;
use crossdock::domain::{Correlation, Timestamp};
use crossdock::effects::contact::AppKeys;
use crossdock::effects::intake::{Repeatable, request_hash};
use crossdock::effects::waiting::Requeued;
use crossdock::effects::{Intent, Lease, Nudge, Reason, Verdict, Worked};
use crossdock::error::{Error, Result};
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::payments::{Asked, Asker, Payments};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The Payments queue's worker.
pub struct PaymentWorker {
    payments: Payments,
    app_keys: Keyring<AppKeys>,
}

impl PaymentWorker {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { payments: system.payments()?, app_keys: system.app_keys()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let own = [self.app_keys.get().map(drop).boxed(), self.payments.list.warm().boxed()];
        self.payments.warm().chain(own).collect()
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
                let asked = self.payments.create(input, &repeatable, &asker, |_, _| Ok(None)).await?;
                refused(&asked, |payment| payment.status == PaymentStatus::Failed)
            }
            Order::Refund(payment_id, input) => {
                let repeatable = repeatable("refund.requested");
                let asked = self.payments.refund(payment_id, input, &repeatable, &asker, |_, _| Ok(None)).await?;
                // What was made and came back later was not refused.
                refused(&asked, |refund| refund.status == RefundStatus::Failed && refund.vendor_id.is_none())
            }
        }
    }
}

impl Worker for PaymentWorker {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, record: &Record) -> Result<()> {
        let command = Command::parse(&record.body)?;
        let timeout = self.payments.timeout();
        let Some(lease) = record.lease(timeout, self.now()) else {
            // Without enough time for a call a nudge is dropped: what it is about stays due, and the sweeper nudges again.
            // A command is nowhere but here, so it goes back to its queue.
            return match command {
                Some(_) => Err(crossdock::error::Error::transient("too_late", "a command came at the end of a batch")),
                None => Ok(()),
            };
        };
        if let Some(command) = command {
            return self.obey(command, Lease { asked_by: record.sender.clone(), ..lease }).await;
        }
        if let Some(waiting) = Requeued::parse(&record.body) {
            return self.payments.ask_about(&waiting, record.deadline).await.map(drop);
        }
        let (intent_id, correlation) = Nudge::parse(&record.body)?;
        let refused = match self.payments.work(&intent_id, &lease, &correlation).await? {
            // It was put off when it was commanded, and the command is gone: now this message is what a person finds.
            Worked::Settled(_, Verdict::Refused { .. }) => self.payments.list.intent(&intent_id).await?,
            Worked::Nothing(intent) => Some(intent),
            Worked::Settled(..) | Worked::Missing | Worked::Fenced => None,
        };
        match refused.filter(Intent::is_refused_command) {
            Some(_) => Err(not_accepted("vendor_refused")),
            None => Ok(()),
        }
    }

    /// Events that wait for one object go one after the other: the first that learns that it is somebody else's lets all go.
    fn group(&self, record: &Record) -> String {
        let waiting = Requeued::parse(&record.body);
        waiting.map_or_else(|| record.message_id.clone(), |waiting| waiting.group().to_owned())
    }
}

/// A command that the provider refused, now or when it came before, goes to the DLQ. A card that was declined is no
/// refusal: the payment is there, another card may pay it, and `payment.failed` tells of it.
fn refused<T>(asked: &Asked<T>, is_refused: impl Fn(&T) -> bool) -> Result<()> {
    let code = match asked {
        Asked::Worked(Worked::Settled(_, Verdict::Refused { reason }))
        | Asked::Resumed(Worked::Settled(_, Verdict::Refused { reason }))
            if *reason != Reason::Canceled =>
        {
            reason.known().unwrap_or("vendor_refused")
        }
        Asked::Standing(thing, _) if is_refused(thing) => "vendor_refused",
        Asked::Worked(_) | Asked::Answered(_) | Asked::Resumed(_) | Asked::Standing(..) => return Ok(()),
    };
    Err(not_accepted(code))
}

fn not_accepted(code: &'static str) -> Error {
    Error::rejected(422, code, "The payment provider does not accept this command.")
}
