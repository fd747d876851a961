//! The work list: the one durable record of what is to do, running and done.
//!
//! Every effect at a vendor is an **intent**, an item with a deterministic id. Whoever wants to do it must **claim**
//! it first, which marks it CALLING before the call leaves, and **settle** it afterwards, in one transaction with the
//! status, the timeline and the intents that follow. A claim whose lease is over is of unknown outcome and is
//! **resolved** by asking the vendor; it is never simply run again. A message in a queue is only a **nudge**.
//!
//! Three floors, each of which names only those below it: `list/` is what is written down, `subject/` what an intent is about,
//! `work/` the way of an intent from nudge to settled. Four doors lead in: `intake/` (somebody asks), `inbound/` (a vendor
//! tells), `operate/` (a person decides) and sweep.rs (the clock comes round). Beside them are `records/` and order.rs.

pub mod inbound;
pub mod intake;
mod list;
mod operate;
pub mod order;
mod records;
mod subject;
mod sweep;
mod work;

use std::sync::Arc;

use crate::aws::{Queues, Table};
use crate::domain::StackId;
use crate::world::World;

pub use inbound::{Foreseen, provider, waiting};
pub use intake::campaign;
pub use list::intent::{Intent, Kind, Phase};
pub use list::nudge::{Nudge, Routes};
pub use list::opaque::Opaque;
pub use list::outcome::{Agent, CALLED_OFF, HELD_BACK, OPTED_OUT, Outcome, TOO_EARLY, Verdict};
pub use list::{intent, nudge, observation, outcome};
pub use operate::{Finding, Waiting, audit};
pub use records::{archive, report, template};
pub use subject::{contact, customer, doubt, message, payment, pickup, refund, shipment};
pub use sweep::Swept;
pub use work::claim::{CALL_TIME_MIN, Claim, Claimed, LEASE_MARGIN, Lease, TAIL_TIME};
pub use work::commit::Context;
pub use work::settle::{Settled, owner};
pub use work::together::Broadcaster;
pub use work::{Subject, Worked, with_permit};

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
        let _ = self.table.get(&crate::aws::Key::new("WARM", "WARM")).await;
    }

    /// The table behind it, for reads.
    pub fn table(&self) -> &Table {
        &self.table
    }
}
