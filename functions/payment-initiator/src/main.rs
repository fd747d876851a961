//! Wires payment-initiator: API Gateway → work list → Stripe.

use crossdock::lambda::{RuntimeError, System, http};
use payment_initiator::PaymentInitiator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let initiator = PaymentInitiator::new(&system)?;
    system.warm(initiator.warm_up()).await;
    http::run(initiator, system.world().clone()).await
}
