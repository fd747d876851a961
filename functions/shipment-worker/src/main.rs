//! Wires shipment-worker: Shipments queue → work list → carrier.

use crossdock::lambda::{RuntimeError, System, batch};
use shipment_worker::ShipmentWorker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let worker = ShipmentWorker::new(&system)?;
    system.warm(worker.warm_up()).await;
    batch::run(worker, system.world().clone()).await
}
