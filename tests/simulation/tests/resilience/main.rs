//! Outages stay quiet: what breakers, quotas and the credential switch promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

mod breaker;
mod key;
mod outage;
mod quota;
mod rights;

use crossdock::domain::{Correlation, Timestamp};
use crossdock::error::Result;
use crossdock::gateway::{Lane, Permit};
use crossdock::lambda::System;
use crossdock::vendors::payment_provider::{Methods, MethodsPage, PaymentProvider as _};
use crossdock::vendors::stripe::Stripe;
use serde_json::Value;
use simulation::Probe;
use simulation::invariants::{of_type, text};
use simulation::universe::{Function, Universe};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// One instance of a function that calls Stripe.
struct Instance {
    system: System,
    stripe: Stripe,
}

impl Instance {
    fn of(universe: &Universe) -> Self {
        Self::behind(universe, &Probe::new())
    }

    fn behind(universe: &Universe, probe: &Probe) -> Self {
        let system = universe.system(Function::PaymentInitiator, probe);
        Self { stripe: system.stripe().unwrap(), system }
    }

    /// Reads a page of somebody's payment methods: a call of class `read`.
    async fn read(&self, lane: Lane) -> Result<Methods> {
        Box::pin(self.read_for(&self.correlation(), lane)).await
    }

    /// The same for a request that may have been tried before.
    async fn read_for(&self, correlation: &Correlation, lane: Lane) -> Result<Methods> {
        Box::pin(self.read_within_ms(8_000, correlation, lane)).await
    }

    async fn read_within_ms(&self, ms: i64, correlation: &Correlation, lane: Lane) -> Result<Methods> {
        let permit = Permit::until(Timestamp::from_ms(self.system.world().now().ms() + ms), lane);
        self.stripe.methods(MethodsPage { customer: "cus_1", limit: 1, cursor: None }, correlation, &permit).await
    }

    /// A new request's.
    fn correlation(&self) -> Correlation {
        let world = self.system.world();
        Correlation::generate(world.now(), world.rng.next())
    }
}

/// Calls that reached Stripe.
fn stripe_calls(universe: &Universe) -> usize {
    universe.sandbox().calls().iter().filter(|call| call.vendor == sandbox::Vendor::Stripe).count()
}

/// A breaker's item.
fn breaker(universe: &Universe, key: &str) -> Value {
    let items = universe.aws().table().items();
    let found = of_type(&items, "breaker").find(|item| text(item, "pk") == Some(&format!("BREAKER#{key}")));
    found.cloned().unwrap_or_default()
}
