//! Claim: one conditional write takes the intent and marks it CALLING before any call leaves.

use std::time::Duration;

use super::WorkList;
use super::intent::{self, Intent, Phase};
use crate::aws::Write;
use crate::aws::table::Written;
use crate::domain::{IntentId, Timestamp};
use crate::error::Result;
use crate::guard::{Guard, condition, holds};

/// Added to the deadline of the last call: clocks differ, and a settle takes its time.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// Time kept after the call for settling and answering.
pub const TAIL_TIME: Duration = Duration::from_secs(2);
/// With less time than this for the call, nothing is started.
pub const CALL_TIME_MIN: Duration = Duration::from_secs(3);
/// Claims in a row without a settle. The fifth does not reach vendor code: whatever breaks there would break again.
const CLAIMS_MAX: u32 = 5;

/// Who claims, and until when they may call.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Unique to this invocation and record, so that a lost reply is recognised as one's own.
    pub owner: String,
    /// No call is sent at or after this time.
    pub call_by: Timestamp,
}

impl Lease {
    /// Until when the claim holds.
    pub fn until(&self) -> Timestamp {
        self.call_by.plus(LEASE_MARGIN)
    }
}

/// A claimed intent: settling needs its owner and epoch.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The intent as claimed.
    pub intent: Intent,
    /// The claim's lease.
    pub lease: Lease,
}

/// What a claim came to.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Ours to do (CALLING) or to resolve (RESOLVING).
    Mine(Claimed),
    /// Ours, but only to be given up: claimed too often, or its budget is over.
    Exhausted(Claimed, &'static str),
    /// Nothing to do now: settled, not due, or somebody is at it. The intent as it is.
    Nothing(Intent),
    /// There is no such intent.
    Missing,
}

impl WorkList {
    /// Claims an intent that is due.
    pub async fn claim(&self, id: &IntentId, lease: &Lease) -> Result<Claim> {
        let now = self.world.now();
        if !holds(Guard::ClaimFirst)
            && let Some(found) = self.intent(id).await?
            && found.phase == Phase::Ready
            && found.due <= now
        {
            return Ok(Claim::Mine(Claimed { intent: found, lease: lease.clone() }));
        }
        let write = take(id, lease, Phase::Calling)?
            .set_if_absent("first_called_at", &now)?
            .set("called_until", &lease.until())?
            .when(&condition(Guard::ClaimPhase, "#phase = :ready"))
            .when(&condition(Guard::ClaimDue, "#due <= :now"))
            .when("#give_up_at > :now")
            .when(&condition(Guard::ClaimLimit, "#claims < :claims_max"))
            .bind(":ready", &Phase::Ready)?
            .bind(":now", &now)?
            .bind(":claims_max", &(CLAIMS_MAX - 1))?;
        match self.table.update(write).await? {
            Written::Done(item) => Ok(Claim::Mine(Claimed { intent: item.parse()?, lease: lease.clone() })),
            Written::Lost(None) => Ok(Claim::Missing),
            Written::Lost(Some(item)) => self.claim_otherwise(item.parse()?, lease, now).await,
        }
    }

    /// The intent was not simply READY and due.
    async fn claim_otherwise(&self, found: Intent, lease: &Lease, now: Timestamp) -> Result<Claim> {
        let running = matches!(found.phase, Phase::Calling | Phase::Resolving);
        if running && found.owner.as_deref() == Some(&lease.owner) {
            // Our own write, whose reply was lost.
            return Ok(Claim::Mine(Claimed { intent: found, lease: lease.clone() }));
        }
        // Under a lease `due` is the lease's end, so this one comparison covers every phase.
        if found.phase.is_settled() || found.due > now && holds(Guard::ClaimLease) {
            return Ok(Claim::Nothing(found));
        }
        let exhausted = if found.claims + 1 >= CLAIMS_MAX && holds(Guard::ClaimLimit) {
            Some("claimed_too_often")
        } else if found.give_up_at <= now {
            Some("budget_over")
        } else {
            None
        };
        // Whatever was CALLING when its lease ended may have happened: it is resolved, never run again.
        let write = take(&found.intent_id, lease, Phase::Resolving)?
            .when("#phase = :phase AND #epoch = :epoch")
            .bind(":phase", &found.phase)?
            .bind(":epoch", &found.epoch)?;
        match self.table.update(write).await? {
            Written::Done(item) => {
                let claimed = Claimed { intent: item.parse()?, lease: lease.clone() };
                Ok(exhausted.map_or_else(|| Claim::Mine(claimed.clone()), |why| Claim::Exhausted(claimed.clone(), why)))
            }
            Written::Lost(item) => match item.map(|item| item.parse::<Intent>()).transpose()? {
                Some(now_owned) if now_owned.owner.as_deref() == Some(&lease.owner) => {
                    let claimed = Claimed { intent: now_owned, lease: lease.clone() };
                    Ok(exhausted
                        .map_or_else(|| Claim::Mine(claimed.clone()), |why| Claim::Exhausted(claimed.clone(), why)))
                }
                Some(other) => Ok(Claim::Nothing(other)),
                None => Ok(Claim::Missing),
            },
        }
    }
}

fn take(id: &IntentId, lease: &Lease, phase: Phase) -> Result<Write> {
    let write = Write::update(intent::key(id))
        .set("phase", &phase)?
        .set("owner", &lease.owner)?
        .set("lease_until", &lease.until())?
        .set("due", &lease.until())?
        .add("epoch", 1)
        .add("claims", 1);
    Ok(if holds(Guard::DueUnderLease) { write } else { write.remove("due_pk") })
}
