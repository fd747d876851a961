//! Wires unsubscriber: function URL and REST API → contact.

use crossdock::lambda::{RuntimeError, System, http};
use unsubscriber::Unsubscriber;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let unsubscriber = Unsubscriber::new(&system)?;
    system.warm(unsubscriber.warm_up()).await;
    http::run_at_both(unsubscriber, system.world().clone()).await
}
