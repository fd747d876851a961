//! mail-reporter: each day, turns SendGrid's statistics into metrics: how many mails arrived, were opened, bounced, were
//! called spam. A day that is reported twice is the same metric at the same time.

use crossdock::effects::WorkList;
use crossdock::effects::report::beginning;
use crossdock::error::Result;
use crossdock::gateway::Vendor;
use crossdock::lambda::System;
use crossdock::lambda::schedule::Scheduled;
use crossdock::vendors::sendgrid::Stats;

/// The schedule's target.
pub struct MailReporter {
    list: WorkList,
    stats: Stats,
}

impl MailReporter {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, stats: system.sendgrid_stats()? })
    }
}

impl Scheduled for MailReporter {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn tick(&self) -> Result<()> {
        let days = self.list.unreported_days(Vendor::SendGrid).await?;
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
        let counted = self.stats.between(first, last).await?;
        for stats in counted.iter().filter(|stats| days.contains(&stats.day)) {
            let at = beginning(&stats.day).unwrap_or_else(|| self.list.world().now());
            stats.write(at);
            self.list.mark_reported(Vendor::SendGrid, &stats.day).await?;
        }
        tracing::info!(days = counted.len(), "reported");
        Ok(())
    }
}
