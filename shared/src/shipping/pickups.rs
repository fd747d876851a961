//! Having parcels fetched.

use std::time::Duration;

use super::carriers::Carriers;
use crate::effects::observation::{Observation, ObservedPickup};
use crate::effects::pickup::Pickup;
use crate::effects::{Outcome, Reason, Verdict};
use crate::vendors::carrier::{CallContext, CarrierAnswer};

/// After an unknown outcome a person has to ask the carrier; this long an answer may still come to somebody.
const ASK_AFTER: Duration = Duration::from_secs(60);

impl Carriers {
    /// The pickup's one call. A visit that was asked for twice is two vans, so after an unknown outcome nobody asks again.
    pub(super) async fn schedule(&self, pickup: &Pickup, context: CallContext<'_>) -> Outcome {
        let Ok(wish) = pickup.wish.read() else {
            return Outcome::of(Verdict::GivenUp { reason: Reason::WishUnreadable });
        };
        match self.get(wish.carrier).schedule_pickup(&wish, context).await {
            CarrierAnswer::Done(confirmation) => {
                Outcome::done(Observation::Pickup(ObservedPickup::Scheduled { confirmation }))
            }
            CarrierAnswer::Refused(refusal) => Outcome::of(Verdict::Refused { reason: refusal.reason() }),
            CarrierAnswer::NotDone { reason, after, answered } => Outcome::not_done(reason, after, answered),
            CarrierAnswer::Unknown => {
                let look_at = self.gateway.world().now().plus(ASK_AFTER);
                Outcome::of(Verdict::Unknown { look_at, ask_the_list: false })
            }
        }
    }
}
