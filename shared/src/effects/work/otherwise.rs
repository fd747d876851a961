//! The same effect, asked for in other words, or not at all: where the vendor certainly did nothing because of something in the
//! request that is not true any more.

use crate::aws::Write;
use crate::aws::table::Written;
use crate::domain::payment::PaymentStatus;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Data, Intent, KEPT_AFTER, Phase, VendorRequest};
use crate::effects::list::observation::{Observation, ObservedPayment};
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Plan, Role};
use crate::effects::list::reason::Reason;
use crate::effects::subject::Subject;
use crate::effects::work::Worked;
use crate::effects::work::commit::Committed;
use crate::error::{Error, Result};

impl WorkList {
    /// Gives a payment's intent other bytes, and with them another key at the vendor: it is due now. False when somebody has
    /// taken it meanwhile.
    pub async fn ask_otherwise(&self, intent: &Intent, request: VendorRequest) -> Result<bool> {
        let Data::Payment { payment_id, .. } = &intent.data else {
            return Err(Error::bug("intent_mismatch", "only a payment is asked for in other words"));
        };
        let data = Data::Payment { payment_id: payment_id.clone(), request: Some(request) };
        let write = Write::update(intent.key())
            .set("data", &data)?
            .set("generation", &(intent.generation + 1))?
            .set("due", &self.world.now())?
            .remove("first_called_at")
            .remove("held_until")
            .when("#phase = :ready AND #epoch = :epoch")
            .bind(":ready", &Phase::Ready)?
            .bind(":epoch", &intent.epoch)?;
        Ok(matches!(self.table.update(write).await?, Written::Done(_)))
    }

    /// Refuses a payment of which the vendor certainly did nothing, and for which there are no other words. `answer` may add one
    /// more write, as with a settle. `None` when somebody has taken its intent meanwhile.
    pub async fn refuse_if_not_called(
        &self,
        intent: &Intent,
        subject: Subject,
        reason: Reason,
        answer: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Option<Worked>> {
        let now = self.world.now();
        let context =
            Context::ours(now, &intent.correlation_id, format!("{}/{}/refused", intent.intent_id, intent.epoch));
        let verdict = Verdict::Refused { reason: reason.clone() };
        let failed = Observation::Payment(ObservedPayment::ours(PaymentStatus::Failed));
        let plan = |subject: &Subject| -> Result<(Plan, Subject)> {
            let (mut plan, after) = subject.observe(&failed, &context)?;
            let refused = Write::update(intent.key())
                .set("phase", &Phase::Refused)?
                .set("refusal", &reason)?
                .set("expires", &now.plus(KEPT_AFTER).seconds())?
                .remove("due_pk")
                .add("epoch", 1)
                .when("#phase = :ready AND #epoch = :epoch")
                .bind(":ready", &Phase::Ready)?
                .bind(":epoch", &intent.epoch)?;
            plan.writes.insert(0, (Role::Fence, refused));
            plan.writes.extend(answer(&after, &verdict)?.map(|write| (Role::Once, write)));
            Ok((plan, after))
        };
        let Committed::Done(done) = self.commit(subject, plan).await? else { return Ok(None) };
        let (plan, after) = *done;
        self.nudge(&plan.nudges).await;
        Ok(Some(Worked::Settled(after, verdict)))
    }
}
