//! Wires message-initiator: API Gateway → work list (→ Twilio, for codes).

use crossdock::lambda::{RuntimeError, System, http};
use message_initiator::MessageInitiator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let initiator = MessageInitiator::new(&system)?;
    system.warm(initiator.warm_up()).await;
    http::run(initiator, system.world().clone()).await
}
