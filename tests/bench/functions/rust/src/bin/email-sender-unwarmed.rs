//! email-sender as it is shipped, but for the warm-up: what its init costs before it waits for anybody.

use crossdock::lambda::{RuntimeError, System, batch};
use email_sender::EmailSender;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let sender = EmailSender::new(&system)?;
    batch::run(sender, system.world().clone()).await
}
