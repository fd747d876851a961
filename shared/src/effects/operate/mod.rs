//! What a person may do to an intent that waits for one. Each is one conditional write or transaction on "it is MANUAL,
//! and nobody touched it since I looked", so that doing it twice, or at the same moment as somebody else, is refused.

pub mod audit;

use crate::aws::table::{Index, QUERY_LIMIT, there_may_be_more};
use crate::aws::{Transacted, Write};
use crate::domain::{IntentId, Timestamp};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Intent, MANUAL_PARTITION, Phase};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::reason::Reason;
use crate::effects::operate::audit::{Audit, Operator};
use crate::effects::subject::Subject;
use crate::effects::subject::doubt::Doubt;
use crate::effects::work::claim::{Claimed, Lease};
use crate::effects::work::settle::Settled;
use crate::error::{Error, Result};
use crate::gateway::{Lane, Vendor};

/// What a person found out about an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It happened; this is the vendor's id of it.
    Done {
        /// The vendor's id.
        vendor_id: String,
    },
    /// It did not happen and will not; the reason is kept with the intent.
    Refused {
        /// Why it will not happen.
        reason: Reason,
    },
    /// It did not happen and is to be done now, as another request.
    NotDone,
}

impl WorkList {
    /// The intents that wait for a person, the longest first, and what vendors said that nobody believes.
    pub async fn manual(&self) -> Result<ManualWork> {
        let rows = self.table.query_index(Index::ByDue, MANUAL_PARTITION, QUERY_LIMIT).await?;
        let mut waiting = ManualWork { there_may_be_more: there_may_be_more(&rows), ..ManualWork::default() };
        // The index has little of each, and may be behind; a hundred at a time is what one read takes.
        for keys in rows.iter().map(crate::aws::Item::key).collect::<Vec<_>>().chunks(100) {
            for item in self.table.get_many(keys).await?.into_iter().flatten() {
                if item.text("type") == Some("doubt") {
                    match item.parse::<Doubt>() {
                        Ok(doubt) if doubt.due_pk.is_some() => waiting.doubts.push(doubt),
                        Ok(_) => {}
                        Err(_) => waiting.unreadable.push(item.key().pk),
                    }
                    continue;
                }
                match item.parse::<Intent>() {
                    Ok(intent) if intent.phase == Phase::Manual => waiting.intents.push(intent),
                    Ok(_) => {}
                    // Of a newer version, or damaged: it must not hide the others.
                    Err(_) => waiting.unreadable.push(item.key().pk),
                }
            }
        }
        Ok(waiting)
    }

    /// Gives an intent that waits for a person back to the workers, with a new budget. As UNKNOWN when a call may have
    /// happened, so that the vendor is asked first; as READY only when nothing was ever sent. Gives the phase.
    ///
    /// `found` is the intent as the person saw it.
    ///
    /// # Errors
    /// 409 `not_manual`, 409 `intent_changed` when somebody touched it since.
    pub async fn retry(&self, found: &Intent, operator: &Operator) -> Result<Phase> {
        let id = &found.intent_id;
        waits(found)?;
        let now = self.world.now();
        let phase = if may_have_happened(found) { Phase::Unknown } else { Phase::Ready };
        let write = Write::update(found.key())
            .set("phase", &phase)?
            .set("due", &now)?
            .set("due_pk", &intent::due_partition(id.due_shard()))?
            .set("claims", &0)?
            .set("attempt", &0)?
            .set("give_up_at", &now.plus(found.kind.budget()))?
            .remove("refusal")
            .add("epoch", 1)
            .when("#phase = :manual AND #epoch = :epoch")
            .bind(":manual", &Phase::Manual)?
            .bind(":epoch", &found.epoch)?;
        let detail = Some(format!("{} as {}", found.kind.as_str(), phase.as_str()));
        let audit = Audit::of(operator, "manual.retry", id.as_str(), detail, now);
        let mut writes = vec![write];
        let also = audit.writes(found.order_id.as_ref(), &occasion(found))?;
        writes.extend(also.into_iter().map(|(_, write)| write));
        match self.table.transact(&writes).await? {
            Transacted::Done => {}
            Transacted::Lost(_) => return Err(self.changed(id).await?),
        }
        self.nudge(&[Nudge::of(found)]).await;
        Ok(phase)
    }

    /// Writes what a person found out, as if the vendor had said it: by the same settle, with the same rules and
    /// everything that follows. What a done payment's status is, its events say: those that waited for the vendor's id
    /// come at once, older ones by a replay of the archive. `found` is the intent as the person saw it.
    ///
    /// # Errors
    /// 409 `not_manual`, 409 `intent_changed` when somebody touched it since, 409 `vendor_id_mismatch` when the object is
    /// known by another id, 409 `vendor_object_taken` when the id is that of another object of ours. Nothing is written
    /// then.
    pub async fn resolve(&self, found: &Intent, finding: &Finding, operator: &Operator) -> Result<Settled> {
        let id = &found.intent_id;
        waits(found)?;
        let now = self.world.now();
        let subject = self.subject(found).await?;
        let (outcome, detail) = match finding {
            Finding::Done { vendor_id } => {
                if subject.vendor_id().is_some_and(|known| known != vendor_id)
                    || !found.kind.creates() && subject.vendor_id().is_none()
                {
                    let known = subject.vendor_id().unwrap_or("nothing");
                    let detail = format!("The vendor's id of it is {known}, not {vendor_id}.");
                    return Err(Error::rejected(409, "vendor_id_mismatch", detail));
                }
                let observed = found.kind.creates().then(|| subject.named(vendor_id)).transpose()?;
                (Outcome { verdict: Verdict::Done, observed }, format!("done as {vendor_id}"))
            }
            Finding::Refused { reason } => {
                (Outcome::of(Verdict::Refused { reason: reason.clone() }), format!("refused: {reason}"))
            }
            Finding::NotDone => (Outcome::of(Verdict::Absent), "not done, to be done".to_owned()),
        };
        let audit = Audit::of(operator, "manual.resolve", id.as_str(), Some(detail), now);
        let also = audit.writes(found.order_id.as_ref(), &occasion(found))?;
        let vendor = vendor_of(found, &subject)?;
        let nudge = Nudge::of(found);
        let claimed =
            Claimed { intent: found.clone(), lease: nobody(now), is_first: false, certainly_not_called: false };
        let also = |_: &Subject, verdict: &Verdict| match verdict {
            // It goes on waiting, as if nobody had said anything.
            Verdict::GivenUp { reason } => Err(Error::rejected(
                409,
                reason.known().unwrap_or("vendor_object_taken"),
                "That object belongs to another one of ours.",
            )),
            _ => Ok(also.clone()),
        };
        let settled = self.settle_with(&claimed, vendor, subject, outcome, also).await?;
        match &settled {
            Settled::Fenced => return Err(self.changed(id).await?),
            Settled::Written(_, Verdict::Absent) => self.nudge(&[nudge]).await,
            Settled::Written(..) => {}
        }
        Ok(settled)
    }

    /// A person has looked at it: it no longer waits for one. It stays in the table, as known.
    ///
    /// # Errors
    /// 409 `not_manual` when somebody has looked before.
    pub async fn looked_at(&self, doubt: &Doubt, operator: &Operator) -> Result<()> {
        let now = self.world.now();
        let detail = Some(format!("{} of {}: {}", doubt.vendor_id, doubt.object, doubt.why));
        let audit = Audit::of(operator, "manual.looked_at", &doubt.vendor_id, detail, now);
        let mut writes =
            vec![Write::update(doubt.key()).set("looked_at", &now)?.remove("due_pk").when("attribute_exists(#due_pk)")];
        let occasion = format!("operator/{}/{}", doubt.vendor_id, doubt.object);
        writes.extend(audit.writes(doubt.order_id.as_ref(), &occasion)?.into_iter().map(|(_, write)| write));
        match self.table.transact(&writes).await? {
            Transacted::Done => Ok(()),
            Transacted::Lost(_) => Err(Error::rejected(409, "not_manual", "Somebody has looked at it before you.")),
        }
    }

    /// Why what somebody wanted was not written: what has become of the intent meanwhile.
    async fn changed(&self, id: &IntentId) -> Result<Error> {
        Ok(match self.intent(id).await? {
            Some(now_is) if now_is.phase != Phase::Manual => not_manual(&now_is),
            _ => Error::rejected(409, "intent_changed", "Somebody has dealt with it since you looked. Look again."),
        })
    }
}

/// What waits for a person.
#[derive(Debug, Default)]
pub struct ManualWork {
    /// At most 500.
    pub intents: Vec<Intent>,
    /// What a vendor said and cannot mean.
    pub doubts: Vec<Doubt>,
    /// The keys of those that this version cannot read.
    pub unreadable: Vec<String>,
    /// Whether these are only the first.
    pub there_may_be_more: bool,
}

/// Whether a request may have reached the vendor and nobody has said that it did nothing.
fn may_have_happened(intent: &Intent) -> bool {
    intent.first_called_at.is_some() || intent.called_until.is_some()
}

fn waits(intent: &Intent) -> Result<()> {
    if intent.phase == Phase::Manual { Ok(()) } else { Err(not_manual(intent)) }
}

fn not_manual(intent: &Intent) -> Error {
    let detail = format!("It does not wait for a person: it is {}.", intent.phase.as_str());
    Error::rejected(409, "not_manual", detail)
}

/// The same for every try of the same thing, another one when it is MANUAL once more.
fn occasion(intent: &Intent) -> String {
    format!("operator/{}/{}", intent.intent_id, intent.epoch)
}

/// A MANUAL intent has no lease: what fences it is its phase and epoch.
fn nobody(now: Timestamp) -> Lease {
    Lease { owner: String::new(), call_by: now, lane: Lane::Background, asked_by: None }
}

/// Whose effect it is.
///
/// # Errors
/// A bug for what is nobody's.
fn vendor_of(intent: &Intent, subject: &Subject) -> Result<Vendor> {
    let vendor = intent.kind.vendor().or_else(|| subject.carrier().map(Vendor::from));
    // A publication never waits for a person.
    vendor.ok_or_else(|| Error::bug("vendor_unknown", intent.kind.as_str()))
}
