//! Wires shipment-initiator: API Gateway → work list → carrier.

use crossdock::lambda::{RuntimeError, System, http};
use shipment_initiator::ShipmentInitiator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let initiator = ShipmentInitiator::new(&system)?;
    system.warm(initiator.warm_up()).await;
    http::run(initiator, system.world().clone()).await
}
