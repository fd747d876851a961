//! What a run leaves behind, counted.

use sandbox::Vendor;
use sandbox::parcels::Parcels;

use crate::invariants::{of_type, repeated_mails, text};
use crate::schedule::Stats;
use crate::universe::Universe;

impl Universe {
    /// Adds what there is to count.
    pub(crate) fn count(&self, stats: &mut Stats) {
        stats.invocations += self.invocations.len() as u64;
        stats.requests += self.invocations.iter().map(|invocation| invocation.requests as u64).sum::<u64>();
        for invocation in &self.invocations {
            let requests = stats.requests_of.entry(format!("{:?}", invocation.function)).or_default();
            *requests += invocation.requests as u64;
        }
        stats.crashes += self.invocations.iter().filter(|invocation| invocation.crashed).count() as u64;
        let sandbox = self.sandbox();
        let stripe = sandbox.stripe();
        let labels = || Vendor::CARRIERS.into_iter().filter_map(|carrier| sandbox.parcels(carrier));
        let labels = || labels().flat_map(Parcels::shipments);
        let effects = [
            ("payments", stripe.payment_intents().len()),
            ("charges", stripe.charges().iter().filter(|charge| charge.succeeded).count()),
            ("declines", stripe.charges().iter().filter(|charge| !charge.succeeded).count()),
            ("refunds", stripe.refunds().len()),
            ("customers", stripe.customers().len()),
            ("mails", sandbox.sendgrid().mails().len()),
            ("SMS", sandbox.twilio().messages().len()),
            ("labels", labels().count()),
            ("labels voided", labels().filter(|label| label.voided_ms.is_some()).count()),
            ("calls", sandbox.calls().len()),
        ];
        for (name, count) in effects {
            *stats.effects.entry(name.to_owned()).or_default() += count as u64;
        }
        drop(sandbox);
        if let Some(request) = self.aws().table().unknown.get() {
            *stats.asked_database.entry(request.clone()).or_default() += 1;
        }
        stats.mails_repeated += repeated_mails(self).count() as u64;
        for intent in of_type(&self.aws().table().items(), "intent") {
            let phase = text(intent, "phase").unwrap_or_default();
            *stats.intents.entry(phase.to_owned()).or_default() += 1;
            if phase == "MANUAL" {
                let name = |field| text(intent, field).unwrap_or_default();
                *stats.given_up.entry(format!("{}: {}", name("kind"), name("refusal"))).or_default() += 1;
            }
        }
    }
}
