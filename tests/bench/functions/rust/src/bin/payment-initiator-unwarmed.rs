//! payment-initiator as it is shipped, but for the warm-up: what its init costs before it waits for anybody.

use crossdock::lambda::{RuntimeError, System, http};
use payment_initiator::PaymentInitiator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let initiator = PaymentInitiator::new(&system)?;
    http::run(initiator, system.world().clone()).await
}
