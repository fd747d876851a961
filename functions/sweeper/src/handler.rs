//! sweeper: each minute, nudges what is due. Running twice at once does no harm: a nudge is only a nudge.

use crossdock::alerts::Heartbeat;
use crossdock::effects::WorkList;
use crossdock::error::Result;
use crossdock::gateway::Vendor;
use crossdock::lambda::System;
use crossdock::lambda::schedule::Scheduled;

/// The schedule's target.
pub struct Sweeper {
    list: WorkList,
    mail_fallback: Option<Vendor>,
    heartbeat: Option<Heartbeat>,
}

impl Sweeper {
    /// Takes table, queues and who sends mails in SendGrid's place from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, mail_fallback: system.mail_fallback()?, heartbeat: system.heartbeat() })
    }
}

impl Scheduled for Sweeper {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn tick(&self) -> Result<()> {
        let swept = self.list.sweep(self.mail_fallback).await;
        // After the work: a heartbeat that takes long or fails changes nothing.
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.beat(swept.is_ok()).await;
        }
        let swept = swept?;
        tracing::info!(due = swept.due, nudged = swept.nudged, held = swept.held, oldest_ms = swept.oldest_ms, "swept");
        Ok(())
    }
}
