//! Decides who may call, by the breakers and quotas in the table. If the table cannot be reached, calls continue under
//! a small local limit: a failure of the table must not cut off a vendor that works.

mod cached;
mod coalesce;
mod verdict;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cached::CachedBreakers;
pub use cached::{force, read};
use coalesce::Coalesced;
use futures_util::future::BoxFuture;
pub(super) use verdict::Health;

use super::breaker::{Breaker, Right, Standing, Switch, Tally};
use super::policy::{Lane, OperationClass, Vendor};
use super::quota::{self, Granted};
use crate::aws::table::Written;
use crate::aws::{Table, Write};
use crate::domain::Timestamp;
use crate::error::Result;
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;
use crate::world::World;

/// The longest wait for a breaker or a quota. After it, the table counts as unreachable.
const STORE_TIME: Duration = Duration::from_secs(1);
/// Calls of one instance in each [`LOCAL_WINDOW`] while the store cannot be asked.
const LOCAL_CALLS_MAX: u32 = 10;
/// The window of [`LOCAL_CALLS_MAX`].
const LOCAL_WINDOW: Duration = Duration::from_secs(10);
/// While our key is refused: how often an instance lets one intent through to check for a new key.
const KEY_LOOK: Duration = Duration::from_secs(60);
/// A call that was held back tries again after this time, even if the breaker stays open for longer.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Calls that were held back are spread over this time. The sweeper limits them as well.
const SPREAD: Duration = Duration::from_secs(60);

/// Why a call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// When it makes sense to ask again.
    pub until: Timestamp,
    /// `breaker_open`, `key_refused`, `quota_used_up`, `store_unreachable`.
    pub why: &'static str,
}

/// Permission to make one call.
#[derive(Debug)]
pub(super) struct Pass {
    /// The credential switch of the key that the call is made with.
    key: Switch,
    /// What says whether the key may do it; the operation class, where nothing else does.
    rights: Switch,
    /// The version of the secret that it is from.
    version: String,
    /// The switches that this call probes, as they were when their lease was taken.
    probes: Vec<(Switch, Breaker, String)>,
}

/// The key that a call is made with: its credential switch, and the version of the secret that it is from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credential<'a> {
    pub(super) switch: Switch,
    /// The permission that the call needs, where the vendor has keys with some permissions only.
    pub(super) right: Option<Right>,
    pub(super) version: &'a str,
}

/// What this instance remembers. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    breakers: BTreeMap<Vendor, CachedBreakers>,
    tallies: BTreeMap<(Vendor, Switch), Tally>,
    quotas: BTreeMap<String, quota::Memory>,
    coalesced: BTreeMap<(Vendor, Lane), Arc<Coalesced>>,
    key_looked_at: BTreeMap<Vendor, Timestamp>,
    local: (Timestamp, u32),
}

/// Decides for one process.
#[derive(Clone)]
pub(super) struct Admission {
    table: Table,
    world: World,
    memory: Memory,
}

impl Admission {
    pub(super) const fn new(table: Table, world: World, memory: Memory) -> Self {
        Self { table, world, memory }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.memory.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call would be denied, by what this instance saw last. It does not ask the table.
    pub(super) fn looks_shut(&self, vendor: Vendor, classes: &[OperationClass]) -> bool {
        let now = self.world.now();
        let mut remembered = self.remembered();
        let Some(cached) = remembered.breakers.get(&vendor).filter(|cached| cached.is_fresh(now)).cloned() else {
            return false;
        };
        let shut = |switch| matches!(cached.of(switch).standing(now), Standing::Shut { .. });
        if classes.iter().all(|class| shut(Switch::Class(*class))) {
            return true;
        }
        if !shut(Switch::Key) {
            return false;
        }
        let looked_at = remembered.key_looked_at.entry(vendor).or_insert(cached.at);
        let looks = now.since(*looked_at) >= KEY_LOOK;
        if looks {
            *looked_at = now;
        }
        !looks
    }

    /// Permission for one call of this class, if the breakers allow it.
    pub(super) async fn pass(
        &self,
        vendor: Vendor,
        class: OperationClass,
        credential: Credential<'_>,
    ) -> std::result::Result<Pass, Held> {
        let key = credential.switch;
        let rights = match (key, credential.right) {
            // What the key for marketing may not do says nothing of the mails of orders, nor the other way round.
            (Switch::MarketingKey, _) => key,
            (_, Some(right)) => Switch::Right(right),
            (_, None) => Switch::Class(class),
        };
        let mut pass = Pass { key, rights, version: credential.version.to_owned(), probes: Vec::new() };
        match self.pass_switches(vendor, class, credential.version, &mut pass).await {
            Ok(()) => Ok(pass),
            Err(held) => {
                self.give_back(vendor, pass).await;
                Err(held)
            }
        }
    }

    /// What is to be probed is in `pass` also when another switch is shut.
    async fn pass_switches(
        &self,
        vendor: Vendor,
        class: OperationClass,
        secret_version: &str,
        pass: &mut Pass,
    ) -> std::result::Result<(), Held> {
        let Some(cached) = self.cached(vendor).await else { return self.locally() };
        let own = Some(pass.rights).filter(|rights| matches!(rights, Switch::Right(_)));
        for switch in [pass.key, Switch::Class(class)].into_iter().chain(own) {
            let breaker = cached.of(switch);
            let now = self.world.now();
            match breaker.standing(now) {
                Standing::Closed => {}
                Standing::Shut { .. } | Standing::Probing if self.is_another_key(&breaker, secret_version) => {
                    self.close(vendor, switch, &breaker).await;
                }
                Standing::Shut { until } => return Err(self.held(switch, until)),
                Standing::Probing => {
                    let owner = format!("{:032x}", self.world.rng.next());
                    match self.take_probe(vendor, switch, &breaker, &owner).await {
                        Some(taken) => pass.probes.push((switch, taken, owner)),
                        None => return Err(self.held(switch, now.plus(vendor.policy().timeout))),
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives the lease of a test call back because no call follows, so that the next one may make it.
    pub(super) fn give_back(&self, vendor: Vendor, pass: Pass) -> BoxFuture<'_, ()> {
        // On the heap: it is seldom needed, and part of every future that calls a vendor.
        Box::pin(async move {
            for (switch, breaker, owner) in pass.probes {
                self.write(vendor, switch, breaker.probe_ended(switch.key(vendor), &owner)).await;
            }
        })
    }

    fn held(&self, switch: Switch, until: Timestamp) -> Held {
        let why = if switch.is_key() { "key_refused" } else { "breaker_open" };
        // Somebody may put another key, or take back their word, at any time. The sweeper leaves alone what is due while
        // the breaker is still open.
        let until = until.min(self.world.now().plus(LOOK_AGAIN));
        Held { until: until.plus(SPREAD.mul_f64(self.world.fraction())), why }
    }

    fn is_another_key(&self, breaker: &Breaker, secret_version: &str) -> bool {
        let forced = breaker.forced.is_some_and(|forced| forced.until > self.world.now());
        !forced && breaker.secret_version.as_deref().is_some_and(|refused| refused != secret_version)
    }

    /// One call of the vendor's quota, if there is one left for this lane. Those who ask at the same moment are served by
    /// one write.
    pub(super) async fn grant(&self, vendor: Vendor, lane: Lane) -> std::result::Result<(), Held> {
        let requests = self.remembered().coalesced.entry((vendor, lane)).or_default().clone();
        let take = async |wanted, now| self.take(vendor, lane, wanted, now).await;
        requests.call(&*self.world.clock, take).await
    }

    /// Up to so many calls of the vendor's quota at once, at least one.
    pub(super) async fn grant_many(&self, vendor: Vendor, lane: Lane, wanted: u32) -> std::result::Result<u32, Held> {
        self.take(vendor, lane, wanted, self.world.now()).await
    }

    async fn take(&self, vendor: Vendor, lane: Lane, wanted: u32, now: Timestamp) -> std::result::Result<u32, Held> {
        let quota = vendor.quota(lane);
        let shard = u8::try_from(self.world.rng.next() % u128::from(quota.shards.max(1))).unwrap_or(0);
        let key = quota::key(vendor.as_str(), &quota, shard);
        let mut memory = self.remembered().quotas.get(&key.pk).cloned().unwrap_or_default();
        let granted = self.in_time(memory.take(&self.table, &key, &quota, lane, wanted, now)).await;
        self.remembered().quotas.insert(key.pk, memory);
        match granted {
            Some(Granted::Yes { calls }) => Ok(calls),
            Some(Granted::No { until }) => {
                Metric::QuotaDenied.count(now, &[vendor.as_str()]);
                Err(Held { until, why: "quota_used_up" })
            }
            None => self.locally().map(|()| 1),
        }
    }

    /// Reads the breakers of a vendor if what is remembered is too old.
    pub(super) async fn refresh(&self, vendor: Vendor) {
        let _ = self.cached(vendor).await;
    }

    /// Every breaker of a vendor, at most a second old; `None` when the store cannot be asked.
    async fn cached(&self, vendor: Vendor) -> Option<CachedBreakers> {
        let now = self.world.now();
        let cached = self.remembered().breakers.get(&vendor).cloned().unwrap_or_default();
        if cached.is_fresh(now) {
            return Some(cached);
        }
        let read = self.in_time(read(&self.table, &[vendor])).await?;
        let cached = CachedBreakers {
            breakers: read.into_iter().map(|((_, switch), breaker)| (switch, breaker)).collect(),
            at: now,
        };
        self.remembered().breakers.insert(vendor, cached.clone());
        Some(cached)
    }

    /// One breaker as it was last read, however long ago.
    fn last_read(&self, vendor: Vendor, switch: Switch) -> Breaker {
        self.remembered().breakers.get(&vendor).map(|cached| cached.of(switch)).unwrap_or_default()
    }

    async fn close(&self, vendor: Vendor, switch: Switch, breaker: &Breaker) {
        let write = breaker.closed(switch.key(vendor), self.world.now());
        if let Some((_, true)) = self.write(vendor, switch, write).await {
            self.announce(vendor, switch, "closed", "another key");
        }
    }

    async fn take_probe(&self, vendor: Vendor, switch: Switch, breaker: &Breaker, owner: &str) -> Option<Breaker> {
        let write = breaker.probe_taken(switch.key(vendor), owner, vendor.policy().timeout, self.world.now());
        let (breaker, taken) = self.write(vendor, switch, write).await?;
        taken.then_some(breaker)
    }

    /// Writes one of a vendor's breakers and takes over what the store says: the breaker as it is, and whether the write
    /// was ours. `None` when the store cannot be asked. On the heap: it is part of every future that calls a vendor, and
    /// there would be a copy of it wherever a breaker is written.
    fn write(&self, vendor: Vendor, switch: Switch, write: Result<Write>) -> BoxFuture<'_, Option<(Breaker, bool)>> {
        Box::pin(async move {
            let (item, ours) = match self.in_time(async { self.table.update(write?).await }).await? {
                Written::Done(item) => (Some(item), true),
                Written::Lost(item) => (item, false),
            };
            let breaker: Breaker = item.and_then(|item| item.parse().ok()).unwrap_or_default();
            let mut remembered = self.remembered();
            remembered.breakers.entry(vendor).or_default().breakers.insert(switch, breaker.clone());
            Some((breaker, ours))
        })
    }

    /// Writes the metric and the log line of a transition. Only the instance that made the transition does this.
    fn announce(&self, vendor: Vendor, switch: Switch, what: &'static str, why: &str) {
        let transition = if what == "opened" { Metric::BreakersOpened } else { Metric::BreakersClosed };
        transition.count(self.world.now(), &[]);
        tracing::error!(
            { fields::VENDOR } = vendor.as_str(),
            breaker = switch.as_str(),
            reason = why,
            "a breaker has {what}"
        );
    }

    /// Permission while the table cannot be reached.
    fn locally(&self) -> std::result::Result<(), Held> {
        let now = self.world.now();
        let mut remembered = self.remembered();
        if now.since(remembered.local.0) >= LOCAL_WINDOW {
            remembered.local = (now, 0);
        }
        remembered.local.1 += 1;
        if remembered.local.1 <= LOCAL_CALLS_MAX {
            return Ok(());
        }
        Err(Held { until: remembered.local.0.plus(LOCAL_WINDOW), why: "store_unreachable" })
    }

    /// The table's answer, if it comes in time. `None` counts as unreachable.
    pub(super) async fn in_time<T>(&self, asking: impl Future<Output = Result<T>>) -> Option<T> {
        // On the heap: a request of the SDK's is large, and this is part of every future that calls a vendor.
        let asking = Box::pin(asking);
        match futures_util::future::select(asking, self.world.clock.sleep(STORE_TIME)).await {
            futures_util::future::Either::Left((Ok(answer), _)) => Some(answer),
            futures_util::future::Either::Left((Err(error), _)) => {
                tracing::warn!(error = %error.chain(), "a breaker, quota or token could not be asked");
                None
            }
            futures_util::future::Either::Right(_) => {
                tracing::warn!("a breaker, quota or token did not answer in time");
                None
            }
        }
    }
}
