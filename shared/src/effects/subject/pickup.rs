//! The pickup as an item: a carrier's visit to fetch parcels.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::shipping::{Carrier, PickupRequest, PickupStatus};
use crate::domain::{Correlation, IntentId, PickupId, StackId, Timestamp};
use crate::effects::list::intent::{Data, Intent, Kind};
use crate::effects::list::observation::{Observation, ObservedPickup};
use crate::effects::list::opaque::Opaque;
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Plan, Role};
use crate::error::Result;
use crate::guard::{Guard, condition};

/// How long a pickup is kept after it was asked for.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);

/// A pickup, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pickup {
    /// Tells items apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// `pck_…`
    pub pickup_id: PickupId,
    /// By whom.
    pub carrier: Carrier,
    /// From when on the parcels are ready.
    pub ready: Timestamp,
    /// Until when somebody is there.
    pub close: Timestamp,
    /// All of it; a name and an address.
    pub wish: Opaque<PickupRequest>,
    /// Where it stands.
    pub status: PickupStatus,
    /// Grows with each change.
    pub version: u64,
    /// The intent that asks the carrier.
    pub intent_id: IntentId,
    /// Hash of the request that asked for it; kept as long as the pickup.
    pub request_hash: String,
    /// The confirmation's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// TTL, in seconds.
    pub expires: i64,
}

/// Where a pickup lives.
pub fn key(id: &PickupId) -> Key {
    Key::new(format!("PICKUP#{id}"), "PICKUP")
}

impl Pickup {
    /// A new pickup and the intent that asks the carrier.
    pub(crate) fn of(
        pickup_id: PickupId,
        wish: &PickupRequest,
        request_hash: &str,
        stack: &StackId,
        context: &Context,
    ) -> Result<(Self, Intent)> {
        let now = context.now;
        let intent_id = IntentId::of(Kind::PickupCreate.as_str(), pickup_id.as_str(), stack.as_str());
        let data = Data::Pickup { pickup_id: pickup_id.clone() };
        let correlation = context.correlation.clone();
        let mut intent = Intent::new(intent_id.clone(), Kind::PickupCreate, data, None, correlation.clone(), now);
        // Nobody comes after the hour is over.
        intent.give_up_at = intent.give_up_at.min(wish.close);
        let pickup = Self {
            item_type: "pickup".to_owned(),
            pickup_id,
            expires: wish.close.max(now).plus(KEPT_AFTER).seconds(),
            carrier: wish.carrier,
            ready: wish.ready,
            close: wish.close,
            wish: Opaque::of(wish)?,
            status: PickupStatus::Processing,
            version: 1,
            intent_id,
            request_hash: request_hash.to_owned(),
            vendor_id: None,
            correlation_id: correlation,
            created_at: now,
            updated_at: now,
        };
        Ok((pickup, intent))
    }

    /// The pickup as the API shows it.
    pub fn view(&self) -> Value {
        let mut view = json!({
            "pickup_id": self.pickup_id,
            "carrier": self.carrier,
            "status": self.status,
            "ready_at": self.ready.to_rfc3339(),
            "close_at": self.close.to_rfc3339(),
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        });
        if let Some(confirmation) = &self.vendor_id {
            view["confirmation"] = json!(confirmation);
        }
        view
    }

    /// What follows when somebody says this of the pickup.
    pub(crate) fn observe(&self, observed: &ObservedPickup, context: &Context) -> Result<(Plan, Self)> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        match observed {
            ObservedPickup::Scheduled { confirmation } if self.vendor_id.is_none() => {
                after.vendor_id = Some(confirmation.clone());
                after.status = PickupStatus::Scheduled;
            }
            ObservedPickup::Status(status) if self.vendor_id.is_none() => after.status = *status,
            ObservedPickup::Scheduled { .. } | ObservedPickup::Status(_) => {}
        }
        let write = Write::update(key(&self.pickup_id))
            .set("status", &after.status)?
            .set("vendor_id", &after.vendor_id)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)?;
        plan.writes.push((Role::Object, write));
        after.version += 1;
        Ok((plan, after))
    }

    /// What a verdict says of a pickup where its carrier has said nothing of it.
    pub(crate) fn statement(kind: Kind, verdict: &Verdict) -> Option<Observation> {
        if kind != Kind::PickupCreate {
            return None;
        }
        let status = match verdict {
            Verdict::Done => return None,
            Verdict::Refused { .. } => PickupStatus::Failed,
            Verdict::NotDone { .. } | Verdict::ProbablyNotDone { .. } | Verdict::Absent => PickupStatus::Deferred,
            Verdict::Unknown { .. } => PickupStatus::Processing,
            Verdict::GivenUp { .. } => PickupStatus::Manual,
        };
        Some(Observation::Pickup(ObservedPickup::Status(status)))
    }

    /// "The carrier will come, and calls it this".
    pub(crate) fn named(confirmation: &str) -> Observation {
        Observation::Pickup(ObservedPickup::Scheduled { confirmation: confirmation.to_owned() })
    }
}
