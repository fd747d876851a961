//! The breakers of a vendor as an instance has seen them, and how they are read and forced.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aws::table::Written;
use crate::aws::{Key, Table, Write};
use crate::domain::Timestamp;
use crate::error::Result;
use crate::gateway::breaker::{Breaker, Forced, Standing, Switch};
use crate::gateway::policy::Vendor;

/// How long an instance trusts its knowledge of a closed breaker.
const CLOSED_CACHED: Duration = Duration::from_secs(1);
/// The same for an open breaker, unless its next test call is due earlier: an operator may have closed it.
const OPEN_CACHED: Duration = Duration::from_secs(10);

/// The breakers of one vendor as they were last read.
#[derive(Clone)]
pub(super) struct CachedBreakers {
    pub(super) breakers: BTreeMap<Switch, Breaker>,
    pub(super) at: Timestamp,
}

impl Default for CachedBreakers {
    fn default() -> Self {
        Self { breakers: BTreeMap::new(), at: Timestamp::from_ms(0) }
    }
}

impl CachedBreakers {
    /// One of them; closed, where nothing was ever written.
    pub(super) fn of(&self, switch: Switch) -> Breaker {
        self.breakers.get(&switch).cloned().unwrap_or_default()
    }

    /// Whether this knowledge is still fresh enough.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let mut cached = CLOSED_CACHED;
        for (switch, breaker) in &self.breakers {
            // Few pass it, and who probes it has to take its lease anyway: nobody else reads more often for it.
            if matches!(switch, Switch::MarketingKey | Switch::Right(_)) {
                continue;
            }
            match breaker.standing(now) {
                Standing::Closed => {}
                Standing::Shut { .. } => cached = cached.max(OPEN_CACHED),
                // Whether the lease is free is known only to the store.
                Standing::Probing => return false,
            }
        }
        now.since(self.at) < cached
    }
}

/// Every breaker of these vendors, in one read.
pub async fn read(table: &Table, vendors: &[Vendor]) -> Result<BTreeMap<(Vendor, Switch), Breaker>> {
    let all: Vec<(Vendor, Switch)> =
        vendors.iter().flat_map(|vendor| Switch::of(*vendor).map(|switch| (*vendor, switch))).collect();
    let keys: Vec<Key> = all.iter().map(|(vendor, switch)| switch.key(*vendor)).collect();
    let items = table.get_many(&keys).await?;
    all.into_iter()
        .zip(items)
        .map(|(which, item)| Ok((which, item.map(|item| item.parse()).transpose()?.unwrap_or_default())))
        .collect()
}

/// Holds a breaker open or closed until a given time, whatever the results of calls are; `None` removes the override.
pub async fn force(table: &Table, vendor: Vendor, switch: Switch, forced: Option<Forced>) -> Result<Breaker> {
    let write = Write::update(switch.key(vendor)).set("type", &"breaker")?.set("forced", &forced)?;
    match table.update(write).await? {
        Written::Done(item) | Written::Lost(Some(item)) => item.parse(),
        Written::Lost(None) => Ok(Breaker::default()),
    }
}
