//! Wires mail-reporter: a schedule → SendGrid's statistics → metrics.

use crossdock::lambda::{RuntimeError, System, schedule};
use mail_reporter::MailReporter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    schedule::run(MailReporter::new(&system)?, system.world()).await
}
