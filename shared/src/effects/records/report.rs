//! Which days' statistics were reported: each is asked for once.

use std::time::Duration;

use crate::aws::{Key, Write};
use crate::domain::Timestamp;
use crate::effects::list::WorkList;
use crate::error::Result;
use crate::gateway::Vendor;

/// Days that are made up for, when nothing was reported for a while.
const DAYS_BACK: u64 = 3;
/// How long it is known that a day was reported: longer than it could be asked for again.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);
/// A day.
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl WorkList {
    /// The last days that are over and were not reported, the oldest first, as `2026-01-31` (UTC).
    pub async fn unreported_days(&self, vendor: Vendor) -> Result<Vec<String>> {
        let now = self.world.now();
        let day = |back: u64| now.minus(DAY * u32::try_from(back).unwrap_or(0)).to_rfc3339().chars().take(10).collect();
        let days: Vec<String> = (1..=DAYS_BACK).rev().map(day).collect();
        let keys: Vec<Key> = days.iter().map(|day| key(vendor, day)).collect();
        let found = self.table.get_many(&keys).await?;
        Ok(days.into_iter().zip(found).filter(|(_, item)| item.is_none()).map(|(day, _)| day).collect())
    }

    /// Writes down that a day was reported.
    pub async fn mark_reported(&self, vendor: Vendor, day: &str) -> Result<()> {
        let now = self.world.now();
        let write = Write::update(key(vendor, day))
            .set("type", &"report")?
            .set("reported_at", &now)?
            .set("expires", &now.plus(KEPT_AFTER).seconds())?;
        self.table.update(write).await.map(drop)
    }
}

/// When a day begins.
pub fn beginning(day: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z"))
}

fn key(vendor: Vendor, day: &str) -> Key {
    let key = format!("REPORT#{}#{day}", vendor.as_str());
    Key::new(key.clone(), key)
}
