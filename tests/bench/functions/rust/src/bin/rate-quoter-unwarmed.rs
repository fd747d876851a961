//! rate-quoter as it is shipped, but for the warm-up: what its init costs before it waits for anybody.

use crossdock::lambda::{RuntimeError, System, http};
use rate_quoter::RateQuoter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let quoter = RateQuoter::new(&system)?;
    http::run(quoter, system.world().clone()).await
}
