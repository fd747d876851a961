//! Wires sms-sender: Sms queues → work list → Twilio.

use crossdock::lambda::{RuntimeError, System, batch};
use sms_sender::SmsSender;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let sender = SmsSender::new(&system)?;
    system.warm(sender.warm_up()).await;
    batch::run(sender, system.world().clone()).await
}
