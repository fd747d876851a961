//! Wires fedex-webhook: function URL or REST API → InboundEvents queue.

use crossdock::lambda::{RuntimeError, System, http};
use fedex_webhook::FedexWebhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let receiver = FedexWebhook::new(&system)?;
    system.warm(receiver.warm_up()).await;
    http::run_at_door(receiver, system.door(), system.world().clone()).await
}
