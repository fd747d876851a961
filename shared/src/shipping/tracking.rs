//! Where a shipment is: looks that repeat themselves until it has arrived, and asking carriers to tell of it.

use std::time::Duration;

use super::carriers::Carriers;
use crate::domain::shipping::Tracking;
use crate::effects::observation::{Observation, ObservedShipment};
use crate::effects::shipment::Shipment;
use crate::effects::{Outcome, Reason, Verdict};
use crate::vendors::carrier::{CallContext, CarrierAnswer, Refusal};

/// How soon a subscription is asked for again: UPS ends each after 14 days.
const RENEW_AFTER: Duration = Duration::from_secs(13 * 24 * 3_600);
/// A number that the carrier does not know yet is asked for again.
const KNOWN_WITHIN: Duration = Duration::from_secs(3_600);

impl Carriers {
    /// One look: a read. It is due again until the shipment has arrived.
    pub(super) async fn look(&self, shipment: &Shipment, context: CallContext<'_>) -> Outcome {
        let Some(number) = shipment.vendor_id.as_deref().filter(|_| !shipment.is_over()) else {
            return Outcome::of(Verdict::Done);
        };
        let again = || Outcome::not_done(Reason::OnItsWay, Some(shipment.carrier.look_every()), false);
        let api = self.get(shipment.carrier);
        let scans = if shipment.parcel_numbers.len() > 1 {
            let all = api.track_all(number, &shipment.parcel_numbers, context).await;
            all.map(|all| all.into_iter().flat_map(Tracking::of_parcel).collect())
        } else {
            api.track(number, context).await.map(|tracking| tracking.scans)
        };
        match scans {
            CarrierAnswer::Done(scans) => {
                let observed = Some(Observation::Shipment(ObservedShipment::Scanned(scans)));
                Outcome { observed, ..again() }
            }
            // The label is there; the parcel was not handed over yet.
            CarrierAnswer::Refused(Refusal::NotFound) => again(),
            // One look that was refused must not end them all: DHL tells of a parcel in no other way.
            CarrierAnswer::Refused(refusal) => {
                Outcome::not_done(refusal.reason(), Some(shipment.carrier.look_every()), true)
            }
            CarrierAnswer::NotDone { reason, after, answered } => Outcome::not_done(reason, after, answered),
            CarrierAnswer::Unknown => Outcome::not_done(Reason::VendorUnavailable, None, true),
        }
    }

    /// Has the carrier tell of the shipment, and again before it stops telling.
    pub(super) async fn subscribe(&self, shipment: &Shipment, context: CallContext<'_>) -> Outcome {
        let number = shipment.vendor_id.as_ref().filter(|_| !shipment.is_over());
        let Some(number) = number.filter(|_| shipment.carrier.wants_subscriptions()) else {
            return Outcome::of(Verdict::Done);
        };
        // Each parcel's scans are told under its own number; the shipment's is the first one's.
        let own = std::slice::from_ref(number);
        let numbers = if shipment.parcel_numbers.len() > 1 { &shipment.parcel_numbers } else { own };
        match self.ups.subscribe(numbers, context).await {
            CarrierAnswer::Done(subscribed) if numbers.iter().all(|number| subscribed.valid.contains(number)) => {
                Outcome::not_done(Reason::RenewedLater, Some(RENEW_AFTER), false)
            }
            CarrierAnswer::Done(_) => Outcome::not_done(Reason::NotKnownYet, Some(KNOWN_WITHIN), true),
            CarrierAnswer::Refused(refusal) => Outcome::of(Verdict::Refused { reason: refusal.reason() }),
            CarrierAnswer::NotDone { reason, after, answered } => Outcome::not_done(reason, after, answered),
            CarrierAnswer::Unknown => Outcome::not_done(Reason::VendorUnavailable, None, true),
        }
    }
}
