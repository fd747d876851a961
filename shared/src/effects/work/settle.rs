//! Settle: one transaction, fenced by owner and epoch, writes what is true of the effect and everything that follows.

use std::time::Duration;

use crate::aws::Write;
use crate::aws::table::Written;
use crate::domain::{Timestamp, id};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Intent, KEPT_AFTER, Kind, MANUAL_PARTITION, PaymentAct, Phase, due_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::plan::{Context, Plan, Role};
use crate::effects::list::reason::Reason;
use crate::effects::subject::Subject;
use crate::effects::work::claim::Claimed;
use crate::effects::work::commit::Committed;
use crate::effects::work::measure;
use crate::error::Result;
use crate::gateway::{Lane, OperationClass, Vendor, policy};
use crate::guard::{Guard, condition, holds};
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;

/// What a settle came to.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one a record, on the stack for a moment")]
pub enum Settled {
    /// Written; the subject as it is now.
    Written(Subject, Verdict),
    /// The claim was no longer ours: the lease was over and somebody else took it. What they wrote stands.
    Fenced,
}

impl WorkList {
    /// Settles a claim. `answer` may add one more write that depends on the subject as it will be (the stored answer
    /// of an HTTP request).
    pub async fn settle(
        &self,
        claimed: &Claimed,
        vendor: Vendor,
        subject: Subject,
        outcome: Outcome,
        answer: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Settled> {
        let also = |after: &Subject, verdict: &Verdict| {
            Ok(answer(after, verdict)?.map(|write| (Role::Once, write)).into_iter().collect())
        };
        self.settle_with(claimed, vendor, subject, outcome, also).await
    }

    /// Gives up an intent whose object cannot be read, and writes nothing else: without this it would be claimed for
    /// ever. `None` when the claim was no longer ours.
    pub(crate) async fn give_up_alone(&self, claimed: &Claimed, reason: Reason) -> Result<Option<Intent>> {
        let write = Write::update(claimed.intent.key())
            .set("phase", &Phase::Manual)?
            .set("claims", &0)?
            .set("due_pk", &MANUAL_PARTITION)?
            .set("refusal", &reason)?
            .when("#owner = :owner AND #epoch = :epoch AND #phase = :resolving")
            .bind(":owner", &claimed.lease.owner)?
            .bind(":epoch", &claimed.intent.epoch)?
            .bind(":resolving", &Phase::Resolving)?;
        match self.table.update(write).await? {
            Written::Done(item) => {
                self.report(claimed, None, &Verdict::GivenUp { reason });
                item.parse().map(Some)
            }
            Written::Lost(_) => Ok(None),
        }
    }

    /// The same with any number of writes more.
    pub(crate) async fn settle_with(
        &self,
        claimed: &Claimed,
        vendor: Vendor,
        subject: Subject,
        mut outcome: Outcome,
        also: impl Fn(&Subject, &Verdict) -> Result<Vec<(Role, Write)>>,
    ) -> Result<Settled> {
        let now = self.world.now();
        let answered =
            matches!(outcome.verdict, Verdict::NotDone { answered: true, .. } | Verdict::ProbablyNotDone { .. });
        let attempt = claimed.intent.attempt + u32::from(answered);
        let backoff = vendor.policy().backoff(attempt.max(1), &self.world);
        let intent = &claimed.intent;
        let act = intent.kind.payment_act();
        loop {
            let plan = |subject: &Subject| -> Result<(Plan, Subject)> {
                let verdict = effective(&outcome.verdict, intent, subject, now, backoff);
                let context = Context {
                    now,
                    correlation: intent.correlation_id.clone(),
                    source: if outcome.observed.is_some() { vendor.as_str() } else { "crossdock" },
                    occasion: format!("{}/{}", intent.intent_id, intent.epoch),
                    settles_confirm: act == Some(PaymentAct::Confirm) && verdict.phase().is_settled(),
                    is_cancel: act == Some(PaymentAct::Cancel),
                    gives_cancel_up: act == Some(PaymentAct::Cancel)
                        && intent.phase == Phase::Manual
                        && matches!(verdict, Verdict::Refused { .. }),
                    // Whoever was answered 202 has gone: a worker's cancel tells them nothing.
                    asker_hears: act == Some(PaymentAct::Cancel) && claimed.lease.lane == Lane::Interactive,
                    other_mailer: false,
                    asked_by: None,
                };
                // The vendor's words where there are any, ours otherwise.
                let observed = outcome.observed.clone().or_else(|| subject.statement(intent, &verdict));
                let (mut plan, after) = match observed {
                    Some(observed) => subject.observe(&observed, &context)?,
                    None => (Plan::default(), subject.clone()),
                };
                plan.writes.extend(also(&after, &verdict)?);
                plan.writes
                    .insert(0, (Role::Fence, Self::outcome_write(claimed, &verdict, &after, attempt, backoff, now)?));
                Ok((plan, after))
            };
            let committed = self.commit(subject.clone(), plan).await?;
            match committed {
                Committed::Done(done) => {
                    let (plan, after) = *done;
                    let verdict = effective(&outcome.verdict, intent, &after, now, backoff);
                    self.report(claimed, Some(&after), &verdict);
                    // A code is good for two minutes: the sweeper's minute is too long.
                    let again = async {
                        let wait = match &verdict {
                            Verdict::NotDone { reason, after, .. } => wait_after(reason, *after, backoff),
                            Verdict::ProbablyNotDone { after } => {
                                wait_after(&Reason::VendorUnavailable, *after, backoff)
                            }
                            Verdict::Unknown { look_at, .. } => look_at.since(now),
                            Verdict::Absent => Duration::ZERO,
                            Verdict::Done | Verdict::Refused { .. } | Verdict::GivenUp { .. } => return,
                        };
                        if intent.kind == Kind::SmsTwoFactorCode {
                            self.nudge_later(&Nudge::of(intent), wait).await;
                        }
                    };
                    futures_util::join!(self.nudge(&plan.nudges), self.requeue_waiting(&plan.learned), again);
                    return Ok(Settled::Written(after, verdict));
                }
                Committed::RefTaken => {
                    // What a resolver found belongs to another of our objects: never adopt it twice.
                    outcome = Outcome::of(Verdict::GivenUp { reason: Reason::VendorObjectTaken });
                }
                Committed::Fenced | Committed::Seen(_) => {
                    Metric::SettlesFenced.count(now, &[]);
                    tracing::warn!(
                        { fields::CORRELATION } = intent.correlation_id.as_str(),
                        intent.id = intent.intent_id.as_str(),
                        "a settle came after its lease; what was written since stands"
                    );
                    return Ok(Settled::Fenced);
                }
            }
        }
    }

    fn outcome_write(
        claimed: &Claimed,
        verdict: &Verdict,
        after: &Subject,
        attempt: u32,
        backoff: Duration,
        now: Timestamp,
    ) -> Result<Write> {
        let intent = &claimed.intent;
        let phase = verdict.phase();
        let write = Write::update(intent.key())
            .set("phase", &phase)?
            .set("claims", &0)?
            .set("attempt", &attempt)?
            .bind(":epoch", &intent.epoch)?;
        let by_hand = intent.phase == Phase::Manual;
        let write = if by_hand {
            // Nobody has claimed it: a person settles what they saw waiting, once.
            write.add("epoch", 1).when("#epoch = :epoch AND #phase = :manual").bind(":manual", &Phase::Manual)?
        } else {
            write
                .when(&condition(
                    Guard::SettleFence,
                    "#owner = :owner AND #epoch = :epoch AND #phase IN (:calling, :resolving)",
                ))
                .bind(":owner", &claimed.lease.owner)?
                .bind(":calling", &Phase::Calling)?
                .bind(":resolving", &Phase::Resolving)?
        };
        let write = match phase {
            Phase::Manual => write.set("due_pk", &MANUAL_PARTITION)?,
            phase if phase.is_settled() => write.remove("due_pk"),
            _ if by_hand => write
                .set("due_pk", &due_partition(intent.intent_id.due_shard()))?
                .set("give_up_at", &now.plus(intent.kind.budget()))?
                .remove("refusal"),
            _ => write,
        };
        let kept = now.plus(KEPT_AFTER).seconds();
        // Jitter must not carry an intent past its budget: at its end a person looks, not some time after.
        let at_most = |at: Timestamp| at.min(intent.give_up_at);
        match verdict {
            Verdict::Done => write.set("vendor_id", &after.vendor_id())?.set("expires", &kept),
            Verdict::Refused { reason } => write.set("refusal", reason)?.set("expires", &kept),
            Verdict::NotDone { after, reason, .. } => {
                let write = if *reason == Reason::HeldBack && claimed.is_first {
                    write.remove("first_called_at")
                } else {
                    write
                };
                let due = at_most(now.plus(wait_after(reason, *after, backoff)));
                let write = write.set("due", &due)?;
                let write = if *reason == Reason::TooEarly {
                    as_another_request(write, intent)?
                } else if intent.in_doubt {
                    write.set("in_doubt", &true)?
                } else {
                    write.set("undone_epoch", &intent.epoch)?
                };
                if *reason == Reason::HeldBack { write.set("held_until", &due) } else { Ok(write.remove("held_until")) }
            }
            Verdict::ProbablyNotDone { after } => {
                let due = at_most(now.plus(wait_after(&Reason::VendorUnavailable, *after, backoff)));
                let write = write.set("due", &due)?.remove("held_until");
                if holds(Guard::DoubtStays) {
                    write.set("in_doubt", &true)
                } else {
                    write.set("undone_epoch", &intent.epoch)
                }
            }
            Verdict::Unknown { look_at, ask_the_list } => {
                let write = write
                    .set("due", &at_most(*look_at))?
                    .set("ask_the_list", &(intent.ask_the_list || *ask_the_list))?;
                let may_have_sent_it_again = intent.phase == Phase::Resolving
                    && !ask_the_list
                    && intent.kind.is_resolved_by_repeating()
                    && holds(Guard::UnderWay);
                if may_have_sent_it_again { write.set("called_until", &claimed.lease.until()) } else { Ok(write) }
            }
            Verdict::Absent => as_another_request(write, intent)?.set("due", &now),
            Verdict::GivenUp { reason } => write.set("refusal", reason),
        }
    }

    fn report(&self, claimed: &Claimed, after: Option<&Subject>, verdict: &Verdict) {
        let intent = &claimed.intent;
        measure::settled(intent, after, verdict, self.world.now());
        if let Verdict::GivenUp { reason } = verdict {
            tracing::error!(
                { fields::CORRELATION } = intent.correlation_id.as_str(),
                intent.id = intent.intent_id.as_str(),
                intent.kind = intent.kind.as_str(),
                reason = reason.as_str(),
                "an intent was given up: a person has to look"
            );
        }
    }
}

/// What was asked so far certainly did nothing, and what is asked next counts as something else.
fn as_another_request(write: Write, intent: &Intent) -> Result<Write> {
    let write = if intent.ask_the_list { write.set("turned_away", &(intent.turned_away + 1))? } else { write };
    write
        .set("generation", &(intent.generation + 1))?
        .remove("first_called_at")
        .remove("in_doubt")
        .set("ask_the_list", &false)
}

/// How long what was not done waits.
fn wait_after(reason: &Reason, after: Option<Duration>, backoff: Duration) -> Duration {
    match (reason, after) {
        (Reason::HeldBack, Some(wait)) => wait,
        (Reason::VendorCredentials, _) => policy::CREDENTIAL_RETRY,
        (_, Some(wait)) => wait.max(backoff.mul_f64(0.1)),
        _ => backoff,
    }
}

/// What a verdict means for this intent.
///
/// A resolver that was turned away has learned nothing of the call that it asks about.
fn effective(verdict: &Verdict, intent: &Intent, subject: &Subject, now: Timestamp, backoff: Duration) -> Verdict {
    let (kind, later) = (intent.kind, now.plus(backoff));
    let is_read = kind.operation_class() == OperationClass::Read;
    match verdict {
        // It was done with asking: the vendor has told how things are.
        Verdict::NotDone { reason: Reason::TooEarly, .. } => verdict.clone(),
        Verdict::NotDone { after, .. } | Verdict::ProbablyNotDone { after }
            if intent.phase == Phase::Resolving && !is_read && holds(Guard::UnknownStays) =>
        {
            Verdict::Unknown { look_at: after.map_or(later, |wait| later.max(now.plus(wait))), ask_the_list: false }
        }
        // A status that nobody told is no reason to wake a person, nor a fee that was not found in time; nor is a parcel that
        // nobody saw for a month: that is for the shop and its carrier to talk about.
        Verdict::GivenUp { reason }
            if is_read && (kind.payment_act() != Some(PaymentAct::Settlement) || *reason == Reason::BudgetOver) =>
        {
            Verdict::Refused { reason: reason.clone() }
        }
        _ => subject.meaning(intent, verdict).unwrap_or_else(|| verdict.clone()),
    }
}

/// The owner of one claim: unique to request and record.
pub fn owner(request_id: &str, record_id: &str) -> String {
    id::hashed("own", &[request_id, record_id])
}
