//! Wires health-ready: API Gateway → table, queues, secrets, breakers.

use crossdock::lambda::{RuntimeError, System, http};
use health_ready::HealthReady;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    http::run(HealthReady::new(&system)?, system.world().clone()).await
}
