//! Wires dead-letter-archiver: a schedule → dead letters of InboundEvents → the archive.

use crossdock::lambda::{RuntimeError, System, schedule};
use dead_letter_archiver::DeadLetterArchiver;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    schedule::run(DeadLetterArchiver::new(&system)?, system.world()).await
}
