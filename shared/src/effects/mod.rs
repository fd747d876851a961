//! The work list: the one durable record of what is to do, running and done.
//!
//! Every effect at a vendor is an **intent**, an item with a deterministic id. Whoever wants to do it must **claim**
//! it first, which marks it CALLING before the call leaves, and **settle** it afterwards, in one transaction with the
//! status, the timeline and the intents that follow. A claim whose lease is over is of unknown outcome and is
//! **resolved** by asking the vendor; it is never simply run again. A message in a queue is only a **nudge**.
//!
//! Reading order: intent.rs (what an intent is), kind.rs (which there are), claim.rs, settle.rs, work.rs (claim → call → settle as one story),
//! commit.rs (the transaction they all write), inbound.rs (the same for events), waiting.rs (events that come too early),
//! doubt.rs (what a vendor cannot mean), leave.rs (who may be written to), stop.rs (what a cancel stops), campaign.rs and together.rs (one mail to many), due.rs (the sweeper's part), archive.rs
//! (every webhook as it came), operate.rs (what a person may do by hand).

pub mod archive;
pub mod audit;
pub mod campaign;
mod claim;
mod commit;
pub mod contact;
pub mod customer;
pub mod doubt;
mod due;
mod foresee;
pub mod inbound;
pub mod intake;
pub mod intent;
mod kind;
mod leave;
mod listed;
pub mod message;
mod newest;
pub mod nudge;
pub mod observation;
mod opaque;
mod operate;
pub mod order;
mod otherwise;
pub mod outcome;
pub mod payment;
pub mod pickup;
pub mod provider;
mod publish;
pub mod refund;
pub mod report;
mod settle;
pub mod shipment;
mod stop;
pub mod template;
mod together;
pub mod waiting;
mod work;

use std::sync::Arc;

use crate::aws::{Queues, Table};
use crate::domain::StackId;
use crate::world::World;

pub use claim::{CALL_TIME_MIN, Claim, Claimed, LEASE_MARGIN, Lease, TAIL_TIME};
pub use commit::Context;
pub use due::Swept;
pub use foresee::Foreseen;
pub use intent::{Intent, Kind, Phase};
pub use nudge::{Nudge, Routes};
pub use opaque::Opaque;
pub use operate::{Finding, Waiting};
pub use outcome::{Agent, CALLED_OFF, HELD_BACK, OPTED_OUT, Outcome, TOO_EARLY, Verdict};
pub use settle::{Settled, owner};
pub use together::Broadcaster;
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
