//! shipment-worker: does what is due of the shipments: labels, pickups, looks where parcels are. One message, one intent.

use crossdock::effects::{Nudge, Verdict, WorkList, Worked};
use crossdock::error::Result;
use crossdock::gateway::Vendor;
use crossdock::lambda::System;
use crossdock::lambda::batch::{Record, Worker};
use crossdock::shipping::Carriers;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The Shipments queue's worker.
pub struct ShipmentWorker {
    list: WorkList,
    carriers: Carriers,
}

impl ShipmentWorker {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, carriers: system.carriers()? })
    }

    /// What is worth doing before the first message.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.list.warm().boxed()]
    }
}

impl Worker for ShipmentWorker {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, record: &Record) -> Result<()> {
        let (intent_id, _) = Nudge::parse(&record.body)?;
        // All carriers have the same.
        let timeout = Vendor::Fedex.policy().timeout;
        // Without enough time for a call the nudge is dropped: the intent stays due, and the sweeper nudges again.
        let Some(lease) = record.lease(timeout, self.list.world().now()) else { return Ok(()) };
        match self.list.work(&intent_id, &lease, &self.carriers, 1).await? {
            // One carrier certainly did not do it: the other one is asked at once.
            Worked::Settled(_, Verdict::Absent) => {
                self.list.work(&intent_id, &lease, &self.carriers, 1).await.map(drop)
            }
            Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => Ok(()),
        }
    }
}
