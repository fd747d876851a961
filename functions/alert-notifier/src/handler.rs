//! alert-notifier: alarms, deployments and people's words come over SNS and are told in Slack; critical ones are incidents at Better
//! Stack too. Each minute it looks at the alarms that it knows: what was held back, could not be told or is still open.

use crossdock::alerts::{Alerts, Delivery};
use crossdock::error::Result;
use crossdock::lambda::System;
use crossdock::lambda::sns::Listener;

/// The topics' subscriber.
pub struct AlertNotifier {
    alerts: Alerts,
}

impl AlertNotifier {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { alerts: system.alerts()? })
    }
}

impl Listener for AlertNotifier {
    async fn hear(&self, delivery: &Delivery, owner: &str) -> Result<()> {
        Box::pin(self.alerts.hear(delivery, owner)).await
    }

    async fn look(&self, owner: &str) -> Result<()> {
        Box::pin(self.alerts.look(owner)).await
    }
}
