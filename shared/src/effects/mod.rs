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

pub use inbound::preview::Preview;
pub use inbound::provider;
pub use list::intent::{Intent, Kind, Phase};
pub use list::nudge::Nudge;
pub use list::opaque::Opaque;
pub use list::outcome::{Outcome, Verdict};
pub use list::plan::Context;
pub use list::queue::Queue;
pub use list::reason::Reason;
pub use list::routes::Routes;
pub use list::{WorkList, intent, nudge, observation, outcome};
pub use operate::{Finding, ManualWork, audit};
pub use records::{archive, report, template};
pub use subject::{Subject, contact, customer, doubt, message, payment, pickup, refund, shipment};
pub use sweep::Swept;
pub use work::agent::Agent;
pub use work::claim::{CALL_TIME_MIN, Claim, Claimed, LEASE_MARGIN, Lease, TAIL_TIME};
pub use work::key_step::{KeyStep, OpenSteps};
pub use work::settle::{Settled, owner};
pub use work::shared_call::Broadcaster;
pub use work::{Worked, with_permit};

/// Campaigns: the item, and how one is asked for.
pub mod campaign {
    pub use super::intake::campaign::{CampaignCreated, CampaignRequest};
    pub use super::subject::campaign::{Campaign, HELD_FOR, STOPPED_AHEAD, key};
    pub use super::subject::read::campaign_not_found;
}

/// Events that wait for their object.
pub mod waiting {
    pub use super::list::requeue::Requeued;
}
