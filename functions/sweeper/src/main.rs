//! Wires sweeper: a schedule → the due index → nudges.

use crossdock::lambda::{RuntimeError, System, schedule};
use sweeper::Sweeper;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    schedule::run(Sweeper::new(&system)?, system.world()).await
}
