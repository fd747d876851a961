//! The lowest floor, what is written down: intents, what is said and found out of them, and the nudges to look at one.

pub mod intent;
pub(crate) mod kind;
pub mod nudge;
pub mod observation;
pub(crate) mod opaque;
pub mod outcome;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod reason;
pub(crate) mod reference;
pub(crate) mod requeue;
pub(crate) mod routes;

use std::sync::Arc;

use crate::aws::{Key, Queues, Table};
use crate::domain::{IntentId, StackId};
use crate::effects::list::intent::{Intent, Phase};
use crate::effects::list::reason::Reason;
use crate::effects::list::routes::Routes;
use crate::error::Result;
use crate::world::World;

/// The work list of one stack.
#[derive(Clone)]
pub struct WorkList {
    pub(crate) table: Table,
    pub(crate) queues: Queues,
    pub(crate) world: World,
    pub(crate) routes: Arc<Routes>,
    pub(crate) stack: StackId,
    pub(crate) stage: String,
}

impl WorkList {
    /// The work list in this table, nudging over these routes.
    pub fn new(table: Table, queues: Queues, world: World, routes: Routes, stack: StackId, stage: String) -> Self {
        Self { table, queues, world, routes: Arc::new(routes), stack, stage }
    }

    /// The deployment, part of every id that we derive.
    pub fn stack(&self) -> &StackId {
        &self.stack
    }

    /// The world it runs in, for time and randomness.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Opens the connection to the table with a read of a key that does not exist; failing is no matter.
    pub async fn warm(&self) {
        let _ = self.table.get(&Key::new("WARM", "WARM")).await;
    }

    /// The table behind it, for reads.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads an intent.
    pub async fn intent(&self, id: &IntentId) -> Result<Option<Intent>> {
        self.table.get(&intent::key(id)).await?.map(|item| item.parse()).transpose()
    }

    /// Why an intent was refused, if it was.
    pub async fn refusal(&self, id: &IntentId) -> Result<Option<Reason>> {
        Ok(self.intent(id).await?.and_then(|intent| intent.refusal))
    }

    /// Whether somebody is at this intent under a live lease.
    pub async fn is_running(&self, id: &IntentId) -> Result<bool> {
        let intent = self.intent(id).await?;
        Ok(intent.is_some_and(|intent| {
            matches!(intent.phase, Phase::Calling | Phase::Resolving)
                && intent.lease_until.is_some_and(|until| until > self.world.now())
        }))
    }
}
