//! Wires payment-worker: Payments queue → work list → Stripe.

use crossdock::lambda::{RuntimeError, System, batch};
use payment_worker::PaymentWorker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let worker = PaymentWorker::new(&system)?;
    system.warm(worker.warm_up()).await;
    batch::run(worker, system.world().clone()).await
}
