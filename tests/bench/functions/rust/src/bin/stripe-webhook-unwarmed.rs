//! stripe-webhook as it is shipped, but for the warm-up: what its init costs before it waits for anybody.

use crossdock::lambda::{RuntimeError, System, http};
use stripe_webhook::StripeWebhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let system = System::start()?;
    let receiver = StripeWebhook::new(&system)?;
    http::run_at_door(receiver, http::Door::Url, system.world().clone()).await
}
