//! stripe-webhook as it is shipped, but for one more root of trust: the bench's own, so that handshakes can be measured
//! against a server on this machine. The shipped function has no such switch.

use crossdock::aws::Transport;
use crossdock::lambda::{Env, RuntimeError, System, http};
use crossdock::telemetry;
use crossdock::world::World;
use stripe_webhook::StripeWebhook;

/// The variable with the path of the bench's root certificate (DER).
const ROOT: &str = "BENCH_ROOT_CERTIFICATE";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    let env = Env::of_process();
    telemetry::init("info", "bench");
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add(std::fs::read(env.required(ROOT)?)?.into())?;
    let world = World::trusting(roots)?;
    let transport = Transport::over(&world);
    let system = System::with(env, world, &transport)?;
    let receiver = StripeWebhook::new(&system)?;
    system.warm(receiver.warm_up()).await;
    http::run_at_door(receiver, http::Door::Url, system.world().clone()).await
}
