//! Quotas, shared by all instances. Each limit is the generic cell rate algorithm (GCRA) in one attribute: the
//! theoretical arrival time of the next call (`tat`, in Unix microseconds). A call is allowed while that time is at
//! most the burst ahead of the clock, and moves it on by the time of one call. DynamoDB has no maximum of two values,
//! so the write is one of two: from now, when the limit has rested, or from the stored time. What was last seen of the
//! item says which is tried first; a write that lost says how it really is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::policy::{Lane, Limit, Quota};
use crate::aws::table::Written;
use crate::aws::{Item, Key, Table, Write};
use crate::domain::Timestamp;
use crate::error::Result;

/// Writes tried for one call before it counts as denied: each that lost means that another instance was served.
const ROUNDS_MAX: u32 = 4;

/// What an instance remembers of one quota's item.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// When each limit has room again, as last seen.
    tats: BTreeMap<&'static str, i64>,
    /// Until when it is useless to ask, by lane.
    denied_until: BTreeMap<Lane, Timestamp>,
}

/// What asking came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Granted {
    /// Go ahead. How much of the fullest limit's burst is in use, from 0 to 1.
    Yes {
        used: f64,
    },
    No {
        until: Timestamp,
    },
}

/// Where a shard of a quota lives.
pub(super) fn key(vendor: &str, quota: &Quota, shard: u8) -> Key {
    let key = format!("QUOTA#{vendor}#{}#{shard}", quota.name);
    Key::new(key.clone(), key)
}

impl Memory {
    /// Denied without asking: it was denied before, and the time has not come.
    pub(super) fn still_denied(&self, lane: Lane, now: Timestamp) -> Option<Timestamp> {
        self.denied_until.get(&lane).copied().filter(|until| *until > now)
    }

    /// Takes one call from every limit in one write, or from none.
    pub(super) async fn take(
        &mut self,
        table: &Table,
        key: &Key,
        quota: &Quota,
        lane: Lane,
        now: Timestamp,
    ) -> Result<Granted> {
        let now_us = micros(now);
        for _ in 0..ROUNDS_MAX {
            let mut write = Write::update(key.clone()).set("type", &"quota")?.bind(":now", &now_us)?;
            for limit in quota.limits {
                let step = step_us(limit, quota.shards);
                let tat = format!("tat_{}", limit.name);
                if self.tats.get(limit.name).is_some_and(|tat| *tat >= now_us) {
                    let most = format!(":most_{}", limit.name);
                    write = write
                        .add(&tat, step)
                        .when(&format!("#{tat} >= :now AND #{tat} <= {most}"))
                        .bind(&most, &(now_us + tolerance_us(limit, quota.shards, lane)))?;
                } else {
                    write = write
                        .set(&tat, &(now_us + step))?
                        .when(&format!("attribute_not_exists(#{tat}) OR #{tat} < :now"));
                }
            }
            match table.update(write).await? {
                Written::Done(item) => {
                    self.remember(&item, quota)?;
                    self.denied_until.remove(&lane);
                    return Ok(Granted::Yes { used: self.used(quota, now_us) });
                }
                Written::Lost(Some(item)) => {
                    self.remember(&item, quota)?;
                    if let Some(until) = self.full_until(quota, lane, now_us) {
                        self.denied_until.insert(lane, until);
                        return Ok(Granted::No { until });
                    }
                }
                Written::Lost(None) => self.tats.clear(),
            }
        }
        // Others are served at this very moment; a call's time later there may be room.
        let slowest = quota.limits.iter().map(|limit| limit.every).max().unwrap_or_default();
        Ok(Granted::No { until: now.plus(slowest.max(Duration::from_millis(1))) })
    }

    fn remember(&mut self, item: &Item, quota: &Quota) -> Result<()> {
        let stored: BTreeMap<String, serde_json::Value> = item.parse()?;
        for limit in quota.limits {
            let tat = stored.get(&format!("tat_{}", limit.name)).and_then(serde_json::Value::as_i64);
            self.tats.insert(limit.name, tat.unwrap_or(0));
        }
        Ok(())
    }

    /// When the fullest limit has room for this lane; `None` when all have.
    fn full_until(&self, quota: &Quota, lane: Lane, now_us: i64) -> Option<Timestamp> {
        let room_at = quota
            .limits
            .iter()
            .map(|limit| self.tats.get(limit.name).copied().unwrap_or(0) - tolerance_us(limit, quota.shards, lane));
        room_at.max().filter(|at| *at > now_us).map(|at| Timestamp::from_ms(at.div_euclid(1_000) + 1))
    }

    fn used(&self, quota: &Quota, now_us: i64) -> f64 {
        quota.limits.iter().map(|limit| self.share(limit, quota.shards, now_us)).fold(0.0, f64::max)
    }

    #[expect(clippy::cast_precision_loss, reason = "a share, for a metric")]
    fn share(&self, limit: &Limit, shards: u8, now_us: i64) -> f64 {
        let ahead = (self.tats.get(limit.name).copied().unwrap_or(0) - now_us).max(0);
        let burst = i64::from((limit.burst / u32::from(shards.max(1))).max(1));
        ahead as f64 / (step_us(limit, shards) * burst) as f64
    }
}

/// How full each limit is: its name, and the share of its burst in use from 0 to 1. For people.
pub fn usage(item: &Item, quota: &Quota, now: Timestamp) -> Result<Vec<(&'static str, f64)>> {
    let mut memory = Memory::default();
    memory.remember(item, quota)?;
    Ok(quota.limits.iter().map(|limit| (limit.name, memory.share(limit, quota.shards, micros(now)))).collect())
}

const fn micros(at: Timestamp) -> i64 {
    at.ms() * 1_000
}

/// The time of one call in a shard, in microseconds.
fn step_us(limit: &Limit, shards: u8) -> i64 {
    i64::try_from(limit.every.as_micros()).unwrap_or(i64::MAX) * i64::from(shards.max(1))
}

/// How far ahead of the clock the next call's time may be for one more to be allowed: the lane's part of the burst,
/// less the call itself.
fn tolerance_us(limit: &Limit, shards: u8, lane: Lane) -> i64 {
    let calls = (limit.burst / u32::from(shards.max(1)) * lane.share_percent() / 100).max(1);
    step_us(limit, shards) * i64::from(calls - 1)
}
