//! What a key's rotation leaves to do at the vendor, later: give a new endpoint its events, delete the old key. Every step
//! may be done twice, so none needs a claim. Steps of one secret are in a partition of their own of the due index, since
//! only that secret's rotator has the admin key for them.

use std::time::Duration;

use crate::aws::table::{Index, QUERY_LIMIT};
use crate::aws::{Item, Transacted, Write};
use crate::domain::{Correlation, IntentId, Timestamp};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Data, Intent, KEPT_AFTER, Kind, MANUAL_PARTITION, Phase};
use crate::error::Result;

/// One step that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStep {
    /// The secret, by the last part of its name.
    pub secret: String,
    /// What: a word of the rotator's.
    pub step: String,
    /// To what: the vendor's id of a key or endpoint.
    pub of: String,
    /// The version of the secret whose rotation it completes.
    pub version: String,
}

/// Steps of a secret that are not done.
#[derive(Clone, Debug, Default)]
pub struct OpenSteps {
    /// Those that are due.
    pub due: Vec<(KeyStep, Intent)>,
    /// How many there are in all.
    pub all: usize,
}

impl KeyStep {
    fn id(&self) -> IntentId {
        IntentId::of(Kind::KeyStep.as_str(), &self.secret, &[&self.step, "/", &self.of, "/", &self.version].concat())
    }

    fn of_intent(intent: &Intent) -> Option<Self> {
        let Data::KeyStep { secret, step, of, version } = &intent.data else { return None };
        Some(Self { secret: secret.clone(), step: step.clone(), of: of.clone(), version: version.clone() })
    }
}

/// The partition of the due index in which one secret's steps are.
fn partition(secret: &str) -> String {
    format!("DUE#KEYS#{secret}")
}

impl WorkList {
    /// Writes down that this is to be done in a while. What is written down already stays as it is.
    pub async fn plan_key_step(&self, step: &KeyStep, after: Duration) -> Result<()> {
        let now = self.world.now();
        let data = Data::KeyStep {
            secret: step.secret.clone(),
            step: step.step.clone(),
            of: step.of.clone(),
            version: step.version.clone(),
        };
        let correlation = Correlation::generate(now, self.world.rng.next());
        let mut intent = Intent::new(step.id(), Kind::KeyStep, data, None, correlation, now);
        intent.due = now.plus(after);
        intent.give_up_at = intent.due.plus(Kind::KeyStep.budget());
        intent.due_pk = Some(partition(&step.secret));
        match self.table.transact(&[Write::put_new(intent.key(), &intent)?]).await? {
            Transacted::Done | Transacted::Lost(_) => Ok(()),
        }
    }

    /// The steps of a secret that are not done, as far as the index knows.
    pub async fn open_key_steps(&self, secret: &str) -> Result<OpenSteps> {
        let now = self.world.now();
        let rows = self.table.query_index(Index::ByDue, &partition(secret), QUERY_LIMIT).await?;
        let keys: Vec<_> = rows.iter().map(Item::key).collect();
        let mut open = OpenSteps::default();
        // One rotation leaves three at most.
        for item in self.table.get_many(&keys[..keys.len().min(100)]).await?.into_iter().flatten() {
            let intent: Intent = item.parse()?;
            if intent.phase.is_settled() {
                continue;
            }
            open.all += 1;
            if intent.due <= now
                && let Some(step) = KeyStep::of_intent(&intent)
            {
                open.due.push((step, intent));
            }
        }
        Ok(open)
    }

    /// It is done, or need not be done any more.
    pub async fn key_step_done(&self, intent: &Intent) -> Result<()> {
        let write = Write::update(intent.key())
            .set("phase", &Phase::Done)?
            .set("expires", &self.world.now().plus(KEPT_AFTER).seconds())?
            .remove("due_pk")
            .when("attribute_exists(#pk)");
        self.table.update(write).await.map(drop)
    }

    /// It could not be done now. After its budget a person has to look.
    pub async fn key_step_later(&self, intent: &Intent, at: Timestamp, why: &str) -> Result<()> {
        let is_over = intent.give_up_at <= self.world.now();
        let write = Write::update(intent.key()).set("due", &at)?.set("refusal", &why)?.add("attempt", 1);
        let write = if is_over { write.set("phase", &Phase::Manual)?.set("due_pk", &MANUAL_PARTITION)? } else { write };
        let write = write.when("#phase = :ready").bind(":ready", &Phase::Ready)?;
        if is_over {
            tracing::error!(intent.id = %intent.intent_id, error = why, "a key's step waits for a person");
        }
        self.table.update(write).await.map(drop)
    }
}
