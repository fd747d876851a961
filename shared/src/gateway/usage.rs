//! How much of the quotas was used in the last minute and in the last hour, of what their rate allows in that time.
//!
//! How full a burst is at a moment says little: lanes keep others from the half of it, so it never comes near 100 %. So each shard
//! of a quota counts what was ever taken of it, in the write that takes it, and the sweeper notes the sums each minute: one item
//! with an hour of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{Quota, Vendor};
use super::quota::{TAKEN, key};
use crate::aws::{Key, Table, Write};
use crate::domain::Timestamp;
use crate::error::Result;

/// The windows in which use is measured.
const WINDOWS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(3_600)];
/// Notes come each minute; one that is so much late still stands for its minute.
const LATE: Duration = Duration::from_secs(30);
/// Longer than an hour nothing is kept.
const NOTES_MAX: usize = 62;
/// Quotas of all vendors are few shards; a batch read takes 100 keys.
const KEYS_MAX: usize = 100;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Notes {
    #[serde(default, rename = "type")]
    item_type: String,
    /// The newest last.
    #[serde(default)]
    notes: Vec<Note>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    at: Timestamp,
    /// What was ever taken, by the quota's name.
    taken: BTreeMap<String, i64>,
}

impl Notes {
    /// What had been taken of a quota by then.
    fn taken_by(&self, quota: &str, then: Timestamp) -> i64 {
        let oldest = self.notes.first().filter(|_| self.notes.len() >= NOTES_MAX);
        let note = self.notes.iter().rev().find(|note| note.at <= then).or(oldest);
        note.and_then(|note| note.taken.get(quota)).copied().unwrap_or_default()
    }
}

fn place() -> Key {
    Key::new("QUOTA#NOTES", "QUOTA#NOTES")
}

/// How much of each vendor's fullest quota was used, in percent of what the rate allows: the larger of the two windows. And notes
/// how it stands now.
pub async fn quotas_used(table: &Table, now: Timestamp) -> Result<Vec<(Vendor, f64)>> {
    let quotas: Vec<(Vendor, Quota)> =
        Vendor::ALL.into_iter().flat_map(|v| v.quotas().iter().map(move |lane| (v, v.quota(*lane)))).collect();
    let shards = |(vendor, quota): &(Vendor, Quota)| {
        (0..quota.shards.max(1)).map(|shard| key(vendor.as_str(), quota, shard)).collect::<Vec<_>>()
    };
    let mut keys: Vec<Key> = vec![place()];
    keys.extend(quotas.iter().flat_map(shards));
    keys.truncate(KEYS_MAX);
    let mut items = table.get_many(&keys).await?.into_iter();
    let mut notes: Notes = items.next().flatten().map(|item| item.parse()).transpose()?.unwrap_or_default();
    let mut taken = BTreeMap::new();
    for of in &quotas {
        let shards = shards(of).len();
        let sum: i64 = items.by_ref().take(shards).flatten().filter_map(|item| item.number(TAKEN)).sum();
        taken.insert(name(of), sum);
    }
    let mut used: BTreeMap<Vendor, f64> = BTreeMap::new();
    for of in &quotas {
        let now_taken = taken.get(&name(of)).copied().unwrap_or_default();
        let shares = WINDOWS.iter().map(|window| {
            let earlier = notes.taken_by(&name(of), now.minus(window.saturating_sub(LATE)));
            #[expect(clippy::cast_precision_loss, reason = "calls of an hour")]
            let calls = (now_taken - earlier).max(0) as f64;
            calls / allowed(&of.1, *window) * 100.0
        });
        let share = shares.fold(0.0, f64::max);
        let so_far = used.entry(of.0).or_default();
        *so_far = so_far.max(share);
    }
    // Where nothing was taken, the note before still holds.
    if notes.notes.last().map_or(taken.values().all(|taken| *taken == 0), |last| last.taken == taken) {
        return Ok(used.into_iter().collect());
    }
    notes.notes.push(Note { at: now, taken });
    let too_many = notes.notes.len().saturating_sub(NOTES_MAX);
    notes.notes.drain(..too_many);
    let write = Write::update(place()).set("type", &"quota_notes")?.set("notes", &notes.notes)?;
    table.update(write).await?;
    Ok(used.into_iter().collect())
}

fn name((vendor, quota): &(Vendor, Quota)) -> String {
    format!("{}/{}", vendor.as_str(), quota.name)
}

/// Calls that the strictest limit lets through in a window.
fn allowed(quota: &Quota, window: Duration) -> f64 {
    let of = quota.limits.iter().map(|limit| f64::from(limit.burst) + window.as_secs_f64() / limit.every.as_secs_f64());
    of.fold(f64::INFINITY, f64::min)
}
