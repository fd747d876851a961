//! Wires health: API Gateway → a constant.

use crossdock::lambda::{RuntimeError, System, http};
use health::Health;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    http::run(Health::new(&system)?, system.world().clone()).await
}
