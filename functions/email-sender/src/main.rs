//! Wires email-sender: Email queues → work list → SendGrid.

use crossdock::lambda::{RuntimeError, System, batch};
use email_sender::EmailSender;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let sender = EmailSender::new(&system)?;
    system.warm(sender.warm_up()).await;
    batch::run(sender, system.world().clone()).await
}
