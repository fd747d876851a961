//! How old the vendors' keys are, for the alarm that reminds of those that are renewed by hand. Only when a secret was changed is
//! asked, never its value. One rotator does it for all.

use crossdock::domain::Timestamp;
use crossdock::lambda::System;
use crossdock::telemetry::metrics::Metric;
use crossdock::world::World;

use crate::versions::{SecretsClient, client, last_changed};

const SECONDS_A_DAY: f64 = 86_400.0;

pub(crate) struct Ages {
    client: Option<SecretsClient>,
    secrets: Vec<String>,
    world: World,
}

impl Ages {
    pub(crate) fn of(system: &System) -> Self {
        let secrets = system.env().optional("WATCHED_SECRETS").unwrap_or_default();
        let secrets: Vec<String> = secrets.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Self { client: (!secrets.is_empty()).then(|| client(system)), secrets, world: system.world().clone() }
    }

    /// Writes the age of the oldest down. One that cannot be asked hides no other.
    pub(crate) async fn report(&self) {
        let Some(client) = &self.client else { return };
        let now = self.world.now();
        let mut oldest: Option<(Timestamp, &str)> = None;
        for id in &self.secrets {
            match last_changed(client, id).await {
                Ok(Some(at)) if oldest.is_none_or(|(so_far, _)| at < so_far) => oldest = Some((at, id)),
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error.chain(), secret.id = id, "a secret's age is not known"),
            }
        }
        if let Some((at, id)) = oldest {
            let days = now.since(at).as_secs_f64() / SECONDS_A_DAY;
            Metric::KeyAgeSeconds.record(now, now.since(at).as_secs_f64(), &[]);
            tracing::info!(secret.id = id, days, "the oldest key");
        }
    }
}
