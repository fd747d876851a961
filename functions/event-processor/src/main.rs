//! Wires event-processor: queues InboundEvents and InboundWork → work list → domain events.

use crossdock::lambda::{RuntimeError, System, batch};
use event_processor::EventProcessor;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let processor = EventProcessor::new(&system)?;
    system.warm(processor.warm_up()).await;
    batch::run(processor, system.world().clone()).await
}
