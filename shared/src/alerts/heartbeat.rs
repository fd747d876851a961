//! The heartbeat at Better Stack: whoever is expected each minute and does not come is missed, even if all of AWS is away.
//! (betterstack.com/docs/uptime/cron-and-heartbeat-monitor)

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::Method;

use super::keys::AlertKeys;
use crate::aws::Secrets;
use crate::error::{Error, Result};
use crate::world::World;

/// The time that a heartbeat may take in all, reading the secret included: the work is done, and nobody waits for it.
pub const BEAT_BUDGET: Duration = Duration::from_secs(2);
/// Bad ticks in a row before the heartbeat says that something is wrong. One tick that fails is made up for by the next.
pub const FAILS_BEFORE_ALARM: u32 = 3;

/// The heartbeat of a function on a schedule.
#[derive(Clone)]
pub struct Heartbeat {
    world: World,
    secrets: Secrets,
    secret_id: String,
    /// Bad ticks in a row, as far as this instance knows. An instance that dies is missed anyway.
    fails: Arc<AtomicU32>,
}

impl Heartbeat {
    /// The heartbeat whose URL is in this secret.
    pub fn new(world: World, secrets: Secrets, secret_id: String) -> Self {
        Self { world, secrets, secret_id, fails: Arc::default() }
    }

    /// Says how a tick went. Nothing here fails the tick: what cannot be said is missed at the other side.
    pub async fn beat(&self, went_well: bool) {
        let fails = if went_well { 0 } else { self.fails.load(Ordering::Relaxed).saturating_add(1) };
        self.fails.store(fails, Ordering::Relaxed);
        // One or two bad ticks are neither well nor an alarm: silence, which Better Stack's grace period covers.
        let is_bad = match fails {
            0 => false,
            FAILS_BEFORE_ALARM.. => true,
            _ => return,
        };
        let saying = Box::pin(self.say(is_bad));
        let said = match select(saying, self.world.clock.sleep(BEAT_BUDGET)).await {
            Either::Left((said, _)) => said,
            Either::Right(_) => Err(Error::transient("heartbeat_not_heard", "no answer in 2 s")),
        };
        if let Err(error) = said {
            tracing::warn!(error = %error.chain(), "the heartbeat was not heard");
        }
    }

    async fn say(&self, is_bad: bool) -> Result<()> {
        let (keys, _) = self.secrets.get::<AlertKeys>(&self.secret_id).await?;
        let Some(url) = keys.betterstack_heartbeat_url else { return Ok(()) };
        let unusable = |_| Error::misconfigured("alert_url_unusable", "Better Stack: the heartbeat's URL is none");
        let url = url.expose().trim_end_matches('/');
        let url = if is_bad { format!("{url}/fail") } else { url.to_owned() };
        let request = http::Request::builder().method(Method::POST).uri(url).body(bytes::Bytes::new());
        let answer = self.world.http.send(request.map_err(unusable)?, BEAT_BUDGET).await;
        let answer = answer.map_err(|e| Error::transient("heartbeat_not_heard", e))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Error::transient("heartbeat_not_heard", answer.status().as_u16()))
    }
}
