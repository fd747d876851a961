//! Where a parcel was seen.

use serde::{Deserialize, Serialize};

use super::ShipmentStatus;
use crate::domain::Timestamp;

/// One scan of a parcel by its carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// When, by the carrier's clock.
    pub at: Timestamp,
    /// What it means to us; `None` for a code that we do not know: it is recorded and moves nothing.
    pub status: Option<ShipmentStatus>,
    /// The carrier's own code.
    pub code: String,
    /// The carrier's own words, at most 200 characters.
    pub description: String,
    /// Where: city and country, no street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// All that a carrier tells of one parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// The carrier's number.
    pub tracking_number: String,
    /// Oldest first.
    pub scans: Vec<Scan>,
}

impl Tracking {
    /// The newest scan that means something to us.
    pub fn latest(&self) -> Option<&Scan> {
        self.scans.iter().filter(|scan| scan.status.is_some()).max_by_key(|scan| scan.at)
    }
}
