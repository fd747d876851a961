//! Many intents of one kind in one call: claimed, looked at and settled each by itself, as in mod.rs, and only the call is
//! shared. Whatever stops half-way leaves intents, and each of them says what is true of it.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

use crate::aws::Write;
use crate::aws::table::Written;
use crate::domain::{CampaignId, IntentId};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Intent, Phase};
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::reason::Reason;
use crate::effects::subject::Subject;
use crate::effects::subject::campaign::{self, Campaign};
use crate::effects::work::agent::Agent;
use crate::effects::work::claim::{Claim, Claimed, Lease};
use crate::error::{Error, ErrorKind, Result};
use crate::gateway::Permit;
use crate::guard::{Guard, holds};

/// Requests to the table at a time, where there is one for each of many.
const WIDTH: usize = 32;

/// A claim, and what it is about.
type Read = (Claimed, Result<Subject>);

/// Who makes one call for many.
pub trait Broadcaster: Agent {
    /// The provider's name for a campaign's mails, by which it stops them: made before the first of them is sent. It sends
    /// nothing by itself.
    ///
    /// # Errors
    /// What the campaign's mails come to when there is none.
    fn name_batch<'a>(
        &'a self,
        intent: &'a Intent,
        permit: &'a Permit,
    ) -> BoxFuture<'a, std::result::Result<String, Outcome>>;

    /// Makes one call for all of them, and says of each what became of it.
    fn call_for_all<'a>(
        &'a self,
        campaign: &'a Campaign,
        members: &'a [(Claimed, Subject)],
        permit: &'a Permit,
    ) -> BoxFuture<'a, Vec<Outcome>>;
}

impl WorkList {
    /// Works these intents. Those of a campaign share a call, any other has its own. The quota is asked first: whatever it
    /// has no room for is not claimed, and stays due.
    ///
    /// # Errors
    /// The first of what went wrong, when all that went well is settled.
    pub async fn work_in_shared_calls(&self, ids: &[IntentId], lease: &Lease, agent: &dyn Broadcaster) -> Result<()> {
        let permits = agent.gateway().permits(agent.vendor(), lease.lane, lease.call_by, ids.len());
        let (permit, granted) = permits.await;
        let mut claims: Vec<BoxFuture<'_, Result<Claim>>> = Vec::new();
        for id in ids.iter().take(granted) {
            claims.push(Box::pin(self.claim(id, lease)));
        }
        let claims = run_concurrently(claims).await;
        let mut failed = None;
        let mut others = Vec::new();
        let mut reads: Vec<BoxFuture<'_, Read>> = Vec::new();
        for claim in claims {
            match claim {
                Ok(Claim::Mine(claimed)) if claimed.intent.phase == Phase::Calling => {
                    reads.push(Box::pin(async {
                        let subject = self.subject(&claimed.intent).await;
                        (claimed, subject)
                    }));
                }
                Ok(claim) => others.push(claim),
                Err(error) => failed = Some(error),
            }
        }
        let mut groups: BTreeMap<Option<CampaignId>, Vec<(Claimed, Subject)>> = BTreeMap::new();
        let mut settling: Vec<BoxFuture<'_, Result<()>>> = Vec::new();
        for (claimed, subject) in run_concurrently(reads).await {
            match subject {
                Ok(subject) => groups.entry(subject.campaign().cloned()).or_default().push((claimed, subject)),
                Err(error) => {
                    settling.push(Box::pin(self.given_back(claimed, error.kind)));
                    failed = Some(error);
                }
            }
        }
        for (campaign_id, members) in groups {
            let claimed: Vec<Claimed> = members.iter().map(|(claimed, _)| claimed.clone()).collect();
            match self.called_for_all(campaign_id.as_ref(), members, agent, &permit).await {
                Ok(outcomes) => {
                    for (claimed, subject, outcome) in outcomes {
                        settling.push(Box::pin(self.settle_one(claimed, subject, outcome, agent)));
                    }
                }
                Err(error) => {
                    let why = error.kind;
                    settling.extend(claimed.into_iter().map(|one| self.given_back(one, why).boxed()));
                    failed = Some(error);
                }
            }
        }
        for claim in others {
            settling.push(Box::pin(self.worked_alone(claim, agent, lease)));
        }
        for result in run_concurrently(settling).await {
            failed = result.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }

    async fn given_back(&self, claimed: Claimed, why: ErrorKind) -> Result<()> {
        self.give_back(&claimed, why).await;
        Ok(())
    }

    async fn settle_one(
        &self,
        claimed: Claimed,
        subject: Subject,
        outcome: Outcome,
        agent: &dyn Broadcaster,
    ) -> Result<()> {
        self.settle(&claimed, agent.vendor(), subject, outcome, |_, _| Ok(None)).await.map(drop)
    }

    /// What is to be resolved or given up: nothing is called for it.
    async fn worked_alone(&self, claim: Claim, agent: &dyn Broadcaster, lease: &Lease) -> Result<()> {
        self.worked(claim, agent, &lease.permit(), 1).await.map(drop)
    }

    /// What each of these came to; with an error, nothing was called. Consent is looked at now, right before the call.
    async fn called_for_all(
        &self,
        campaign_id: Option<&CampaignId>,
        members: Vec<(Claimed, Subject)>,
        agent: &dyn Broadcaster,
        permit: &Permit,
    ) -> Result<Vec<(Claimed, Subject, Outcome)>> {
        let campaign = match campaign_id {
            Some(id) => Some(self.campaign(id).await.map_err(|error| match error.kind {
                ErrorKind::Rejected { .. } => Error::bug("subject_missing", id).caused_by(error),
                _ => error,
            })?),
            None => None,
        };
        let now = self.world.now();
        let mut known = Vec::new();
        let mut callable = Vec::new();
        for (claimed, subject) in members {
            let is_known = claimed.intent.kind.creates() && subject.vendor_id().is_some() && holds(Guard::KnownByEvent);
            let outcome = if is_known {
                // An event told us meanwhile: it happened.
                Some(Outcome::of(Verdict::Done))
            } else {
                campaign.as_ref().and_then(Campaign::withheld).or_else(|| subject.withheld(now))
            };
            match outcome {
                Some(outcome) => known.push((claimed, subject, outcome)),
                None => callable.push((claimed, subject)),
            }
        }
        let Some((first, _)) = callable.first() else { return Ok(known) };
        let outcomes = if let Some(campaign) = campaign {
            match self.named(campaign, &first.intent, agent, permit).await? {
                Ok(campaign) => agent.call_for_all(&campaign, &callable, permit).await,
                Err(outcome) => vec![outcome; callable.len()],
            }
        } else {
            let calls = callable.iter().map(|(claimed, subject)| agent.call(&claimed.intent, subject, permit));
            futures_util::future::join_all(calls).await
        };
        known.extend(
            callable.into_iter().zip(outcomes).map(|((claimed, subject), outcome)| (claimed, subject, outcome)),
        );
        Ok(known)
    }

    /// The campaign with the provider's name for its mails, which is written down before any of them is sent.
    async fn named(
        &self,
        campaign: Campaign,
        intent: &Intent,
        agent: &dyn Broadcaster,
        permit: &Permit,
    ) -> Result<std::result::Result<Campaign, Outcome>> {
        if campaign.batch_id.is_some() {
            return Ok(Ok(campaign));
        }
        let made = match agent.name_batch(intent, permit).await {
            Ok(made) => made,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let batch_id = self.campaign_batch(&campaign.campaign_id, &made).await?;
        let called_off = Outcome::of(Verdict::Refused { reason: Reason::Canceled });
        Ok(match batch_id {
            Some(_) => Ok(Campaign { batch_id, ..campaign }),
            None => Err(called_off),
        })
    }

    /// The provider's name for all mails of a campaign, made once: whoever calls the campaign off after this finds it.
    /// `None` when it was called off before.
    async fn campaign_batch(&self, id: &CampaignId, made: &str) -> Result<Option<String>> {
        let write = Write::update(campaign::key(id)).set("batch_id", &made)?;
        let free = "attribute_exists(#pk) AND attribute_not_exists(#batch_id) AND attribute_not_exists(#canceled_at)";
        let item = match self.table.update(write.when(free)).await? {
            Written::Done(item) | Written::Lost(Some(item)) => item,
            Written::Lost(None) => return Ok(None),
        };
        let campaign: Campaign = item.parse()?;
        Ok(campaign.batch_id.filter(|_| campaign.canceled_at.is_none()))
    }
}

/// Runs these, some at a time, and gives what they came to in the order in which they were done.
pub(crate) async fn run_concurrently<T>(tasks: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(tasks).buffer_unordered(WIDTH).collect().await
}
