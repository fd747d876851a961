//! Having parcels fetched.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

use super::{Carrier, Party};
use crate::domain::Timestamp;

/// Where a pickup stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickupStatus {
    /// Asked for; nobody knows yet whether the carrier will come.
    Processing,
    /// The carrier is down; the work list does it later.
    Deferred,
    /// The carrier will come.
    Scheduled,
    /// The carrier refused.
    Failed,
    /// A person has to look.
    Manual,
}

impl PickupStatus {
    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Deferred => "deferred",
            Self::Scheduled => "scheduled",
            Self::Failed => "failed",
            Self::Manual => "manual",
        }
    }
}

/// The wish to have parcels fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickupRequest {
    /// By whom.
    pub carrier: Carrier,
    /// Where, and whom to ask for. The phone number is there.
    pub party: Party,
    /// From when on they are ready; before `close`, and on the same day at the place.
    pub ready: Timestamp,
    /// Until when somebody is there.
    pub close: Timestamp,
    /// The place's offset from UTC, in minutes.
    pub offset_min: i16,
    /// How many parcels, from 1.
    pub parcels: u32,
    /// What they weigh together, in grams.
    pub weight_g: u64,
    /// The same in milligrams; absent in what was stored before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_mg: Option<u64>,
    /// What the heaviest of them weighs, in grams; 0 in what was stored before this was counted.
    #[serde(default)]
    pub heaviest_g: u32,
    /// The same in milligrams; absent in what was stored before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heaviest_mg: Option<u64>,
    /// Where they go: ISO 3166-1 alpha-2; the place's own country when the shop does not say.
    pub destination_country: String,
    /// The carrier's code of the service that they are sent with, when the shop says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

impl PickupRequest {
    /// What the parcels weigh together, in milligrams.
    pub fn weight_mg(&self) -> u64 {
        self.weight_mg.unwrap_or_else(|| self.weight_g.saturating_mul(1_000))
    }

    /// What the heaviest of them weighs, in milligrams.
    pub fn heaviest_mg(&self) -> u64 {
        self.heaviest_mg.unwrap_or_else(|| u64::from(self.heaviest_g) * 1_000)
    }

    /// An instant as the clock at the place shows it; `None` for an offset that no place has.
    pub fn local(&self, at: Timestamp) -> Option<OffsetDateTime> {
        let offset = UtcOffset::from_whole_seconds(i32::from(self.offset_min) * 60).ok()?;
        OffsetDateTime::from_unix_timestamp(at.seconds()).ok().map(|at| at.to_offset(offset))
    }
}
