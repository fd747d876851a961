//! Quotas, shared by all instances. Each limit is the generic cell rate algorithm (GCRA) in one attribute: the
//! theoretical arrival time of the next call (`tat`, in Unix microseconds). A call is allowed while that time is at
//! most the burst ahead of the clock, and moves it on by the time of one call. DynamoDB cannot compute the maximum of
//! two values, so there are two possible writes: from now, if the limit was idle, or from the stored time. What this
//! instance saw last decides which one is tried first. If the write fails, its answer shows the real state. Calls that
//! are requested at the same moment are taken in one write.

use std::collections::BTreeMap;
use std::time::Duration;

use super::policy::{Lane, Limit, Quota};
use crate::aws::table::Written;
use crate::aws::{Item, Key, Table, Write};
use crate::domain::Timestamp;
use crate::error::Result;
use crate::guard::{Guard, condition, holds};

/// Tries to take one call before it counts as denied. Each failed try means that another instance was faster.
const ROUNDS_MAX: u32 = 4;

/// What an instance remembers of one quota: when each limit has room again. These times only grow, so a call that they
/// deny is denied without asking the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    tats: BTreeMap<&'static str, i64>,
}

/// How many calls were ever taken of a shard: what the sweeper compares, see [`super::usage`].
pub(super) const TAKEN: &str = "taken";

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Granted {
    /// This many calls are granted, at least one.
    Yes { calls: u32 },
    /// No call before this time.
    No { until: Timestamp },
}

/// Where a shard of a quota lives.
pub fn key(vendor: &str, quota: &Quota, shard: u8) -> Key {
    let key = format!("QUOTA#{vendor}#{}#{shard}", quota.name);
    Key::new(key.clone(), key)
}

impl Memory {
    /// Takes up to so many calls from every limit in one write, or none from any.
    pub(super) async fn take(
        &mut self,
        table: &Table,
        key: &Key,
        quota: &Quota,
        lane: Lane,
        wanted: u32,
        now: Timestamp,
    ) -> Result<Granted> {
        let now_us = micros(now);
        for _ in 0..ROUNDS_MAX {
            let room = if holds(Guard::QuotaLimit) { self.room(quota, lane, now_us) } else { i64::MAX };
            let calls = i64::from(wanted).min(room);
            if calls <= 0 {
                return Ok(Granted::No { until: self.room_at(quota, lane, now) });
            }
            let mut write = Write::update(key.clone()).set("type", &"quota")?.bind(":now", &now_us)?.add(TAKEN, calls);
            for limit in quota.limits {
                let step = step_us(limit, quota.shards) * calls;
                let tat = format!("tat_{}", limit.name);
                write = if self.tat(limit) >= now_us {
                    let most = format!(":most_{}", limit.name);
                    write
                        .add(&tat, step)
                        .when(&condition(Guard::QuotaLimit, &format!("#{tat} >= :now AND #{tat} <= {most}")))
                        .bind(&most, &(now_us + burst_us(limit, quota.shards, lane) - step))?
                } else {
                    write.set(&tat, &(now_us + step))?.when(&format!("attribute_not_exists(#{tat}) OR #{tat} < :now"))
                };
            }
            match table.update(write).await? {
                Written::Done(item) => {
                    self.remember(&item, quota);
                    let calls = u32::try_from(calls).unwrap_or(1);
                    return Ok(Granted::Yes { calls });
                }
                Written::Lost(Some(item)) => self.remember(&item, quota),
                Written::Lost(None) => self.tats.clear(),
            }
        }
        // Others are served at this very moment; a call's time later there may be room.
        let slowest = quota.limits.iter().map(|limit| limit.every).max().unwrap_or_default();
        Ok(Granted::No { until: now.plus(slowest.max(Duration::from_millis(1))) })
    }

    fn tat(&self, limit: &Limit) -> i64 {
        self.tats.get(limit.name).copied().unwrap_or(0)
    }

    fn remember(&mut self, item: &Item, quota: &Quota) {
        for limit in quota.limits {
            self.tats.insert(limit.name, item.number(&format!("tat_{}", limit.name)).unwrap_or(0));
        }
    }

    /// Calls that this lane may make now, at most: others may have made some since.
    fn room(&self, quota: &Quota, lane: Lane, now_us: i64) -> i64 {
        let room = quota.limits.iter().map(|limit| {
            let end = now_us + burst_us(limit, quota.shards, lane);
            (end - self.tat(limit).max(now_us)) / step_us(limit, quota.shards)
        });
        room.min().unwrap_or(0)
    }

    /// When the fullest limit has room for one more call.
    fn room_at(&self, quota: &Quota, lane: Lane, now: Timestamp) -> Timestamp {
        let at = quota
            .limits
            .iter()
            .map(|limit| self.tat(limit) + step_us(limit, quota.shards) - burst_us(limit, quota.shards, lane));
        let at = at.max().map_or(now, |at| Timestamp::from_ms(at.div_euclid(1_000) + 1));
        at.max(now.plus(Duration::from_millis(1)))
    }

    #[expect(clippy::cast_precision_loss, reason = "a share, for a metric")]
    fn share(&self, limit: &Limit, shards: u8, now_us: i64) -> f64 {
        let ahead = (self.tat(limit) - now_us).max(0);
        let burst = i64::from((limit.burst / u32::from(shards.max(1))).max(1));
        ahead as f64 / (step_us(limit, shards) * burst) as f64
    }
}

/// How full each limit is: its name, and the share of its burst in use from 0 to 1. For people.
pub fn usage(item: &Item, quota: &Quota, now: Timestamp) -> Vec<(&'static str, f64)> {
    let mut memory = Memory::default();
    memory.remember(item, quota);
    quota.limits.iter().map(|limit| (limit.name, memory.share(limit, quota.shards, micros(now)))).collect()
}

const fn micros(at: Timestamp) -> i64 {
    at.ms() * 1_000
}

/// The time of one call in a shard, in microseconds.
fn step_us(limit: &Limit, shards: u8) -> i64 {
    i64::try_from(limit.every.as_micros()).unwrap_or(i64::MAX) * i64::from(shards.max(1))
}

/// How far a lane may move a limit ahead of the clock: its part of the burst.
fn burst_us(limit: &Limit, shards: u8, lane: Lane) -> i64 {
    let calls = (limit.burst / u32::from(shards.max(1)) * lane.share_percent() / 100).max(1);
    step_us(limit, shards) * i64::from(calls)
}
