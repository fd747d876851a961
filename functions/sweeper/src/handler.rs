//! sweeper: each minute, nudges what is due. Running twice at once does no harm: a nudge is only a nudge.

use crossdock::effects::WorkList;
use crossdock::error::Result;
use crossdock::gateway::Vendor;
use crossdock::lambda::System;
use crossdock::lambda::schedule::Scheduled;

/// The schedule's target.
pub struct Sweeper {
    list: WorkList,
    mail_fallback: Option<Vendor>,
}

impl Sweeper {
    /// Takes table, queues and who sends mails in SendGrid's place from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, mail_fallback: system.mail_fallback()? })
    }
}

impl Scheduled for Sweeper {
    async fn tick(&self) -> Result<()> {
        let swept = self.list.sweep(self.mail_fallback).await?;
        tracing::info!(due = swept.due, nudged = swept.nudged, held = swept.held, oldest_ms = swept.oldest_ms, "swept");
        Ok(())
    }
}
