//! Claim: one conditional write takes the intent and marks it CALLING before any call leaves.

use std::sync::LazyLock;
use std::time::Duration;

use crate::aws::Write;
use crate::aws::table::Written;
use crate::domain::{IntentId, Private, Timestamp};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Intent, Kind, Phase};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::reason::Reason;
use crate::error::{ErrorKind, Result};
use crate::gateway::{Lane, OperationClass, Permit};
use crate::guard::{Guard, condition, holds};
use crate::telemetry::metrics::Metric;

/// Added to the deadline of the last call: clocks differ, and a settle takes its time.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// Time kept after the call for settling and answering.
pub const TAIL_TIME: Duration = Duration::from_secs(2);
/// With less time than this for the call, nothing is started.
pub const CALL_TIME_MIN: Duration = Duration::from_secs(3);
/// After this time what could not be read is tried again where somebody waits: longer than a throttled table needs.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Claims in a row without a settle. The fifth does not reach vendor code: whatever breaks there would break again.
const CLAIMS_MAX: u32 = 5;

/// Who claims, and until when they may call.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Unique to this invocation and record, so that a lost reply is recognised as one's own.
    pub owner: String,
    /// No call is sent at or after this time.
    pub call_by: Timestamp,
    /// Whose part of the vendor's quota is used.
    pub lane: Lane,
    /// Who asks for it, where somebody does: the ARN of an API's caller, or a command's sender.
    pub asked_by: Option<Private<String>>,
}

impl Lease {
    /// Until when the claim holds.
    pub fn until(&self) -> Timestamp {
        self.call_by.plus(LEASE_MARGIN)
    }

    /// Leave to call a vendor for as long as the claim may.
    pub fn permit(&self) -> Permit {
        Permit::until(self.call_by, self.lane)
    }
}

/// A claimed intent: settling needs its owner and epoch.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The intent as claimed.
    pub intent: Intent,
    /// The claim's lease.
    pub lease: Lease,
    /// It was never claimed for a call before, so when this claim makes none, none was ever made.
    pub is_first: bool,
    /// Whatever was called before did nothing, as far as the answers tell: it was READY. Nothing is known for certain while
    /// the intent is in doubt.
    pub certainly_not_called: bool,
}

impl Claimed {
    /// The claim of a new intent that its own request works at once.
    pub(crate) fn at_birth(intent: Intent, lease: &Lease) -> Self {
        Self { intent, lease: lease.clone(), is_first: true, certainly_not_called: true }
    }

    /// The claim of an intent that was found running: ours, when it is our own write whose reply was lost.
    pub(crate) fn own(found: &Intent, lease: &Lease) -> Option<Self> {
        let running = matches!(found.phase, Phase::Calling | Phase::Resolving);
        let ours = running && found.owner.as_deref() == Some(&lease.owner);
        ours.then(|| Self { intent: found.clone(), lease: lease.clone(), is_first: false, certainly_not_called: false })
    }

    /// Whether whatever was called did nothing, for certain.
    pub(crate) const fn has_certainly_done_nothing(&self) -> bool {
        self.certainly_not_called && !self.intent.in_doubt
    }
}

/// What a claim came to.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Ours to do (CALLING) or to resolve (RESOLVING).
    Mine(Claimed),
    /// Ours, but only to be given up: claimed too often, or its budget is over.
    Exhausted(Claimed, Reason),
    /// Nothing to do now: settled, not due, or somebody is at it. The intent as it is.
    Nothing(Intent),
    /// There is no such intent.
    Missing,
}

impl WorkList {
    /// Claims an intent that is due, or that a shopper asks for who does not have to wait.
    pub async fn claim(&self, id: &IntentId, lease: &Lease) -> Result<Claim> {
        let now = self.world.now();
        if !holds(Guard::ClaimFirst)
            && let Some(found) = self.intent(id).await?
            && found.phase == Phase::Ready
            && found.due <= now
        {
            let claimed = Claimed { intent: found, lease: lease.clone(), is_first: false, certainly_not_called: true };
            return Ok(Claim::Mine(claimed));
        }
        let write = take(id, lease, Phase::Calling)?
            .set_if_absent("first_called_at", &now)?
            .set("called_until", &lease.until())?
            .when(&condition(Guard::ClaimPhase, "#phase = :ready"))
            .when(&condition(Guard::ClaimDue, is_due(lease)))
            .when("#give_up_at > :now")
            .when(&condition(Guard::KnownKind, &KNOWN_KINDS))
            .when(&condition(Guard::ClaimLimit, "#claims < :claims_max"))
            .bind(":ready", &Phase::Ready)?
            .bind(":now", &now)?
            .bind(":claims_max", &(CLAIMS_MAX - 1))?;
        let known = Kind::ALL.iter().zip(&*KIND_NAMES);
        let write = known.into_iter().try_fold(write, |write, (kind, name)| write.bind(name, kind))?;
        match self.table.update(write).await? {
            Written::Done(item) => {
                let mut intent: Intent = item.parse()?;
                let is_first = intent.first_called_at == Some(now);
                intent.in_doubt |= !is_first && !intent.was_certainly_not_called(intent.epoch.saturating_sub(1));
                Ok(Claim::Mine(Claimed { intent, lease: lease.clone(), is_first, certainly_not_called: true }))
            }
            Written::Lost(None) => Ok(Claim::Missing),
            Written::Lost(Some(item)) => self.claim_otherwise(item.parse()?, lease, now).await,
        }
    }

    /// Gives a claim back of which no call was made, because what it needs could not be read: READY and due, as it was.
    /// Otherwise the call would have to be found out about when the lease is over, for minutes or by a person. It is tried
    /// until its budget is over. What is there and makes no sense stays claimed: claims are counted, and the fifth gives it
    /// up.
    pub(crate) async fn give_back(&self, claimed: &Claimed, why: ErrorKind) {
        if why == ErrorKind::Bug || claimed.intent.phase != Phase::Calling || !claimed.certainly_not_called {
            return;
        }
        let given_back = async {
            let write = Write::update(claimed.intent.key())
                .set("phase", &Phase::Ready)?
                .set("due", &self.world.now())?
                .add("claims", -1)
                .when("#owner = :owner AND #epoch = :epoch AND #phase = :calling")
                .bind(":owner", &claimed.lease.owner)?
                .bind(":epoch", &claimed.intent.epoch)?
                .bind(":calling", &Phase::Calling)?;
            let write = if claimed.is_first { write.remove("first_called_at") } else { write };
            let write = if claimed.intent.in_doubt {
                write.set("in_doubt", &true)?
            } else {
                write.set("undone_epoch", &claimed.intent.epoch)?
            };
            self.table.update(write).await
        };
        match given_back.await {
            // A code is good for two minutes: the sweeper's minute is too long.
            Ok(Written::Done(_)) if claimed.intent.kind == Kind::SmsTwoFactorCode => {
                self.nudge_later(&Nudge::of(&claimed.intent), READ_AGAIN_AFTER).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = %error.chain(), "a claim was not given back: it is looked into when its lease is over");
            }
        }
    }

    /// The intent was not simply READY and due.
    async fn claim_otherwise(&self, found: Intent, lease: &Lease, now: Timestamp) -> Result<Claim> {
        if let Some(own) = Claimed::own(&found, lease) {
            return Ok(Claim::Mine(own));
        }
        // Under a lease `due` is the lease's end, so this one comparison covers every phase.
        if found.phase.is_settled() || found.due > now && holds(Guard::ClaimLease) {
            return Ok(Claim::Nothing(found));
        }
        let exhausted = if found.claims + 1 >= CLAIMS_MAX && holds(Guard::ClaimLimit) {
            Some(Reason::ClaimedTooOften)
        } else if found.give_up_at <= now {
            Some(Reason::BudgetOver)
        } else {
            None
        };
        // Whatever was CALLING when its lease ended may have happened: it is resolved, never run again.
        let write = take(&found.intent_id, lease, Phase::Resolving)?;
        let is_opened = found.phase == Phase::Calling && found.kind.operation_class() == OperationClass::Effect;
        // Whoever resolved it and never came back may have sent the request once more, until their own lease's end. So may
        // whoever came back without an answer: an older version wrote down no other time of it.
        let may_have_called = found.kind.is_resolved_by_repeating()
            && (found.phase == Phase::Resolving || found.phase == Phase::Unknown && !found.ask_the_list);
        let write = match found.lease_until.max(found.called_until) {
            Some(until) if may_have_called => write.set("called_until", &until)?,
            _ => write,
        };
        let write = write
            .when("#phase = :phase AND #epoch = :epoch")
            .bind(":phase", &found.phase)?
            .bind(":epoch", &found.epoch)?;
        let now_is: Intent = match self.table.update(write).await? {
            Written::Done(item) | Written::Lost(Some(item)) => item.parse()?,
            Written::Lost(None) => return Ok(Claim::Missing),
        };
        let own = Claimed::own(&now_is, lease);
        if is_opened && own.is_some() {
            Metric::UnknownOpened.count(now, &[]);
        }
        Ok(match (own, exhausted) {
            (Some(claimed), Some(why)) => {
                let certainly_not_called = found.phase == Phase::Ready && found.was_certainly_not_called(found.epoch);
                Claim::Exhausted(Claimed { certainly_not_called, ..claimed }, why)
            }
            (Some(claimed), None) => Claim::Mine(claimed),
            (None, _) => Claim::Nothing(now_is),
        })
    }
}

/// Somebody who waits before a screen and asks again is not held to a time that we set ourselves: a breaker that was open
/// may have closed. What the vendor asked us to wait for, and a backoff, they wait for like everybody.
const fn is_due(lease: &Lease) -> &'static str {
    match lease.lane {
        Lane::Interactive => "#due <= :now OR #held_until = #due",
        _ => "#due <= :now",
    }
}

/// A kind that only a newer version knows is left to it: while two run at once, its nudges may come here too.
static KNOWN_KINDS: LazyLock<String> = LazyLock::new(|| format!("#kind IN ({})", KIND_NAMES.join(", ")));

/// What each kind is called in that condition.
static KIND_NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| Kind::ALL.iter().map(|kind| format!(":kind_{}", kind.as_str().replace('.', "_"))).collect());

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
