//! Wires rate-quoter: API Gateway → carriers, all at once.

use crossdock::lambda::{RuntimeError, System, http};
use rate_quoter::RateQuoter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let quoter = RateQuoter::new(&system)?;
    system.warm(quoter.warm_up()).await;
    http::run(quoter, system.world().clone()).await
}
