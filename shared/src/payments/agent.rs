//! The payment providers' part in the work list: which of them does an intent, its kind says.

use futures_util::future::BoxFuture;

use crate::domain::{Correlation, Provider};
use crate::effects::intent::Intent;
use crate::effects::observation::Observation;
use crate::effects::{Agent, Outcome, Subject};
use crate::gateway::{Gateway, OperationClass, Permit, Vendor};
use crate::vendors::payment_provider::{PaymentProvider, Providers};

impl Providers {
    /// Who does this intent. What is no payment provider's comes here by mistake, and whoever gets it gives it up.
    fn of_intent(&self, intent: &Intent) -> &dyn PaymentProvider {
        self.of(intent.kind.provider().unwrap_or_default())
    }
}

impl Agent for Providers {
    /// Whose quota is asked beside the claim, before the intent is known.
    fn vendor(&self) -> Vendor {
        Vendor::from(Provider::default())
    }

    fn vendor_of(&self, intent: &Intent, _subject: &Subject) -> Vendor {
        self.of_intent(intent).vendor()
    }

    fn gateway(&self) -> &Gateway {
        self.of(Provider::default()).gateway()
    }

    fn is_shut(&self, class: OperationClass) -> bool {
        self.all().all(|provider| provider.is_shut(class))
    }

    fn is_repeatable(&self, intent: &Intent) -> bool {
        self.of_intent(intent).is_repeatable(intent)
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        self.of_intent(intent).call(intent, subject, permit)
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        self.of_intent(intent).resolve(intent, subject, permit)
    }

    fn fetch<'a>(
        &'a self,
        vendor: Vendor,
        vendor_id: &'a str,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>> {
        match vendor.provider() {
            Some(provider) => self.of(provider).fetch(vendor, vendor_id, correlation),
            None => Box::pin(std::future::ready(None)),
        }
    }
}
