//! One intent from nudge to settled: claim → load → call or resolve → settle.

pub(crate) mod agent;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod commit;
pub(crate) mod key_step;
mod measure;
pub(crate) mod newest;
mod otherwise;
mod publish;
pub(crate) mod settle;
pub(crate) mod shared_call;

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::aws::Write;
use crate::domain::IntentId;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Intent, Phase};
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::reason::Reason;
use crate::effects::subject::Subject;
use crate::effects::subject::stop::Stop;
use crate::effects::work::agent::Agent;
use crate::effects::work::claim::{CALL_TIME_MIN, Claim, Claimed, Lease};
use crate::effects::work::settle::Settled;
use crate::error::{ErrorKind, Result};
use crate::gateway::policy::{IN_REQUEST_RETRY_MIN, IN_REQUEST_RETRY_SPREAD};
use crate::gateway::{OperationClass, Permit};
use crate::guard::{Guard, holds};

/// In an HTTP request the first call may take this long, so that a second still fits.
const FIRST_CALL_MAX: Duration = Duration::from_secs(8);

/// What working an intent came to.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one a record, on the stack for a moment")]
pub enum Worked {
    /// Called or resolved, and settled.
    Settled(Subject, Verdict),
    /// Nothing to do now; the intent as it is.
    Nothing(Intent),
    /// There is no such intent.
    Missing,
    /// Somebody else took it over meanwhile.
    Fenced,
}

impl WorkList {
    /// Works one intent. `tries` calls at most; a worker makes one. The quota is asked beside the claim; while the
    /// vendor's breaker is known to be open, the intent is looked at before it is claimed.
    pub async fn work(&self, id: &IntentId, lease: &Lease, agent: &dyn Agent, tries: u32) -> Result<Worked> {
        if let Some(waits) = self.waits_for_breaker(id, agent).await? {
            return Ok(Worked::Nothing(waits));
        }
        let (claim, permit) = with_permit(self.claim(id, lease), agent, lease).await?;
        self.worked(claim, agent, &permit, tries).await
    }

    /// Goes on with a claim: calls or resolves what is ours, and settles it.
    pub(crate) async fn worked(&self, claim: Claim, agent: &dyn Agent, permit: &Permit, tries: u32) -> Result<Worked> {
        match claim {
            Claim::Missing => Ok(Worked::Missing),
            Claim::Nothing(intent) => Ok(Worked::Nothing(intent)),
            Claim::Exhausted(claimed, reason) => {
                let subject = match self.subject(&claimed.intent).await {
                    Ok(subject) => subject,
                    // A newer version wrote it, or it is gone: it will not be read at the next claim either.
                    Err(unreadable) if unreadable.kind == ErrorKind::Bug => {
                        tracing::error!(error = %unreadable.chain(), "the object of an intent cannot be read");
                        let given_up = self.give_up_alone(&claimed, reason).await?;
                        return Ok(given_up.map_or(Worked::Fenced, Worked::Nothing));
                    }
                    Err(error) => return Err(error),
                };
                let given_up =
                    Outcome::of(subject.given_up(claimed.intent.kind, claimed.has_certainly_done_nothing(), reason));
                let vendor = agent.vendor_of(&claimed.intent, &subject);
                let settled = Box::pin(self.settle(&claimed, vendor, subject, given_up, |_, _| Ok(None)));
                Ok(settled.await?.into())
            }
            Claim::Mine(claimed) => {
                let subject = self.subject_of(&claimed).await?;
                self.carry_out(claimed, subject, agent, permit, tries, |_, _| Ok(None)).await
            }
        }
    }

    /// Calls what this request has claimed at its birth, once, and settles it.
    pub async fn work_claimed(&self, claimed: Claimed, agent: &dyn Agent, permit: &Permit) -> Result<Worked> {
        let subject = self.subject_of(&claimed).await?;
        self.carry_out(claimed, subject, agent, permit, 1, |_, _| Ok(None)).await
    }

    /// Calls or resolves what was claimed, and settles it.
    pub async fn carry_out(
        &self,
        claimed: Claimed,
        subject: Subject,
        agent: &dyn Agent,
        permit: &Permit,
        tries: u32,
        answer: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Worked> {
        let intent = &claimed.intent;
        let outcome = if intent.kind.creates() && subject.vendor_id().is_some() && holds(Guard::KnownByEvent) {
            // An event told us meanwhile: it happened.
            Outcome::of(Verdict::Done)
        } else {
            match subject.stopped(intent) {
                Some(Stop::For(verdict)) => Outcome::of(verdict),
                Some(Stop::ToAsk) => agent.resolve(intent, &subject, permit).await,
                None if intent.phase == Phase::Resolving => agent.resolve(intent, &subject, permit).await,
                None => match subject.withheld(self.world.now()).filter(|_| intent.kind.is_message()) {
                    Some(withheld) => withheld,
                    None => self.call(intent, &subject, agent, permit, tries).await,
                },
            }
        };
        Ok(self.settle_in_order(&claimed, agent, subject, outcome, answer).await?.into())
    }

    /// An intent that is only to be called, while the vendor's breaker is known to be open: it stays due as it is, and
    /// the sweeper nudges it when the breaker has closed. One whose budget is over, or whose outcome is unknown, is
    /// worked all the same.
    async fn waits_for_breaker(&self, id: &IntentId, agent: &dyn Agent) -> Result<Option<Intent>> {
        if !OperationClass::ALL.iter().any(|class| agent.is_shut(*class)) {
            return Ok(None);
        }
        let intent = self.intent(id).await?;
        Ok(intent.filter(|intent| {
            intent.phase == Phase::Ready
                && intent.give_up_at > self.world.now()
                && agent.is_shut(intent.kind.operation_class())
        }))
    }

    async fn call(
        &self,
        intent: &Intent,
        subject: &Subject,
        agent: &dyn Agent,
        permit: &Permit,
        tries: u32,
    ) -> Outcome {
        let mut tried = 1;
        let mut before: Option<Outcome> = None;
        let mut intent = intent.clone();
        loop {
            let now = self.world.now();
            let by = if tried < tries { now.plus(FIRST_CALL_MAX) } else { permit.call_by() };
            let outcome = agent.call(&intent, subject, &permit.shortened(by)).await;
            let outcome = match before.take() {
                // That this try did nothing, or was not made, says nothing of the one before it.
                Some(before) if before.is_unknown() && outcome.seems_not_done() => before,
                Some(before) if before.is_in_doubt() && outcome.is_not_done() => before,
                Some(before) if outcome.is_held_back() => before,
                _ => outcome,
            };
            if tried >= tries || !is_worth_repeating(&outcome.verdict, &intent, agent) {
                return outcome;
            }
            let wait = IN_REQUEST_RETRY_MIN + IN_REQUEST_RETRY_SPREAD.mul_f64(self.world.fraction());
            if permit.call_by().since(self.world.now().plus(wait)) < CALL_TIME_MIN {
                return outcome;
            }
            self.world.clock.sleep(wait).await;
            if intent.kind.is_called_off() && self.is_called_off_by_now(&intent).await {
                return outcome;
            }
            if outcome.is_in_doubt() {
                intent.in_doubt = true;
            }
            before = Some(outcome);
            tried += 1;
        }
    }

    /// Whether somebody has asked for a cancel meanwhile. Who cannot be told does not try again.
    async fn is_called_off_by_now(&self, intent: &Intent) -> bool {
        self.subject(intent).await.map_or(true, |subject| subject.is_called_off())
    }

    /// Reads what a claim is about; gives it back when that cannot be read now.
    async fn subject_of(&self, claimed: &Claimed) -> Result<Subject> {
        let read = self.subject(&claimed.intent).await;
        if let Err(error) = &read {
            self.give_back(claimed, error.kind).await;
        }
        read
    }
}

/// In an HTTP request: a try that certainly did nothing, or one that the vendor deduplicates. Not when the vendor
/// asked for more patience than a shopper has, and not when an operator has to act first.
fn is_worth_repeating(verdict: &Verdict, intent: &Intent, agent: &dyn Agent) -> bool {
    match verdict {
        Verdict::NotDone { reason, after, .. } => {
            *reason != Reason::VendorCredentials
                && after.is_none_or(|wait| wait <= IN_REQUEST_RETRY_MIN + IN_REQUEST_RETRY_SPREAD)
        }
        Verdict::ProbablyNotDone { after } => {
            agent.is_repeatable(intent)
                && after.is_none_or(|wait| wait <= IN_REQUEST_RETRY_MIN + IN_REQUEST_RETRY_SPREAD)
        }
        Verdict::Unknown { ask_the_list, .. } => agent.is_repeatable(intent) && !ask_the_list,
        Verdict::Done | Verdict::Refused { .. } | Verdict::Absent | Verdict::GivenUp { .. } => false,
    }
}

/// Asks for one call of the agent's vendor ahead of it, beside whatever claims the intent: one wait for both. What
/// fails before it waits takes nothing from the quota.
pub fn with_permit<'a, T: Send + 'a>(
    claiming: impl Future<Output = Result<T>> + Send + 'a,
    agent: &'a dyn Agent,
    lease: &'a Lease,
) -> BoxFuture<'a, Result<(T, Permit)>> {
    let permit = async { Ok(agent.permit(lease).await) };
    let (claiming, permit): (BoxFuture<'a, _>, BoxFuture<'a, _>) = (Box::pin(claiming), Box::pin(permit));
    Box::pin(futures_util::future::try_join(claiming, permit))
}

impl From<Settled> for Worked {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Written(subject, verdict) => Self::Settled(subject, verdict),
            Settled::Fenced => Self::Fenced,
        }
    }
}
