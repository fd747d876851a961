//! The carriers' part in the work list: which of them does an intent, its shipment says.

use futures_util::future::BoxFuture;

use super::carriers::Carriers;
use crate::domain::Correlation;
use crate::effects::intent::{Intent, Kind};
use crate::effects::observation::Observation;
use crate::effects::{Agent, Lease, Outcome, Reason, Subject, Verdict};
use crate::gateway::{Gateway, OperationClass, Permit, Vendor};
use crate::guard::{Guard, holds};
use crate::vendors::carrier::CallContext;

impl Agent for Carriers {
    fn vendor(&self) -> Vendor {
        Vendor::Fedex
    }

    fn vendor_of(&self, _intent: &Intent, subject: &Subject) -> Vendor {
        subject.carrier().map_or(self.vendor(), Vendor::from)
    }

    fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Whose quota it will be is known with the claim.
    fn permit<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Permit> {
        Box::pin(std::future::ready(lease.permit()))
    }

    /// Nor whose breaker.
    fn is_shut(&self, _class: OperationClass) -> bool {
        false
    }

    fn is_repeatable(&self, _intent: &Intent) -> bool {
        false
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let context = CallContext { permit, attempt: intent.attempt, correlation: &intent.correlation_id };
            match (intent.kind, subject) {
                (Kind::ShipmentCreate, Subject::Shipment(shipment)) => self.buy(intent, shipment, context).await,
                (Kind::ShipmentTrack, Subject::Shipment(shipment)) => self.look(shipment, context).await,
                (Kind::ShipmentSubscribe, Subject::Shipment(shipment)) => self.subscribe(shipment, context).await,
                (Kind::PickupCreate, Subject::Pickup(pickup)) => self.schedule(pickup, context).await,
                _ => Outcome::of(Verdict::GivenUp { reason: Reason::NotForCarriers }),
            }
        })
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let context = CallContext { permit, attempt: intent.attempt, correlation: &intent.correlation_id };
            match (intent.kind, subject) {
                (Kind::ShipmentCreate, Subject::Shipment(shipment)) => self.find_out(intent, shipment, context).await,
                // No carrier can be asked which visits it plans for a shop.
                (Kind::PickupCreate, _) if holds(Guard::PickupOnce) => {
                    Outcome::of(Verdict::GivenUp { reason: Reason::Other("pickup_unknown".to_owned()) })
                }
                // Looks do no harm.
                _ => self.call(intent, subject, permit).await,
            }
        })
    }

    /// Scans bear times, and of two with the same one their order does not matter.
    fn fetch<'a>(
        &'a self,
        _vendor: Vendor,
        _vendor_id: &'a str,
        _correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>> {
        Box::pin(std::future::ready(None))
    }
}
