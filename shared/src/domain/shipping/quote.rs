//! What carriers ask for carrying something.

use serde::{Deserialize, Serialize};

use super::{Carrier, Day};
use crate::domain::Money;

/// One service of a carrier at its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Whose.
    pub carrier: Carrier,
    /// The carrier's own code of the service (`FEDEX_GROUND`, `03`, `P`): what a label is bought with.
    pub service: String,
    /// What people call it.
    pub name: String,
    /// Everything included: what the shop pays with its account.
    pub price: Money,
    /// Working days on the way, when the carrier says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_days: Option<u16>,
    /// The day it arrives, when the carrier says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_date: Option<Day>,
}
