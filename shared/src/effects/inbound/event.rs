//! An event of a vendor's, in our words, and what applying it came to.

use serde::{Deserialize, Serialize};

use crate::domain::{IntentId, Money, OrderId, Timestamp};
use crate::effects::list::observation::Observation;

/// A verified event, in our words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The vendor's id of the event.
    pub event_id: String,
    /// The vendor's name of what happened.
    pub kind: String,
    /// When the vendor says it happened.
    pub occurred_at: Timestamp,
    /// The deployment in the object's metadata, when it has one.
    pub stack: Option<String>,
    /// Our intent in the object's metadata, when it has one.
    pub intent_id: Option<IntentId>,
    /// The order in a payment's metadata: whoever looks for the payment guesses from it which one it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The vendor's id of the object.
    pub vendor_id: Option<String>,
    /// The vendor's id of the payment that the object is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// That so much of the payment has gone back, in the vendor's units, and not by which refunds: they are to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<i64>,
    /// The same in our units, where a request of ours was what made it go back: of that we hear by other ways, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_by_us: Option<Money>,
    /// It says that the object exists, and what it says of it is news only where that was not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub introduces: bool,
    /// What it says of the object; `None` for types that we only record.
    #[serde(rename = "seen")]
    pub observed: Option<Observation>,
    /// What it says where its object is not known: of the address that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Observation>,
    /// Where in the archive the webhook is that told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_key: Option<String>,
}

/// What applying an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its statement is written.
    Written,
    /// It was applied before; what is still due was nudged again.
    Duplicate,
    /// It matches nothing yet and is kept.
    Waiting,
    /// Recorded; there is nothing to apply.
    Recorded,
    /// It says of our object what that cannot be: kept for a person, and nothing moved.
    Doubted,
    /// It belongs to another deployment on the same vendor account.
    Foreign,
}
