//! Wires alert-notifier: SNS topics, their queue of failures and a schedule → Slack and Better Stack.

use alert_notifier::AlertNotifier;
use crossdock::lambda::{RuntimeError, System, sns};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    sns::run(AlertNotifier::new(&system)?, system.world().clone()).await
}
