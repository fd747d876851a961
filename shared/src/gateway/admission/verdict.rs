//! What the result of a call means for the breakers: when they open, and when a test call closes them.

use super::{Admission, Credential, Pass};
use crate::gateway::breaker::{Breaker, FAILURES, FORBIDDEN, KEY_REFUSED, State, Switch};
use crate::gateway::{Call, Vendor};

/// Tries to write one result. Each failed try means that another instance counted, or changed the breaker.
const ROUNDS_MAX: u32 = 3;

/// What the result of a call says about the vendor's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Health {
    /// The vendor works, whatever it answered.
    Good,
    /// The vendor did not answer, or it failed (5xx).
    Bad,
    /// The vendor works, but told us to slow down (429, or a token service's 403). This is neither a success nor a
    /// failure.
    Unsaid,
    /// The vendor does not permit this call (403).
    Forbidden,
    /// The vendor works, but refuses our key (401). This concerns the key, not a class of operations.
    KeyRefused,
}

impl Admission {
    /// Records the result of a call. In most cases nothing has to be written.
    pub(in crate::gateway) async fn record(&self, call: &Call<'_>, pass: Pass, health: Health) {
        let (vendor, class) = (call.vendor, Switch::Class(call.class));
        let rights = pass.rights;
        let tells = |breaker: &Breaker| rights == class || health == Health::Bad || !breaker.is_about_forbidden();
        let is_probed = |switch| pass.probes.iter().any(|(probed, ..)| *probed == switch);
        match health {
            Health::Forbidden if !is_probed(rights) => self.count_forbidden(call, rights, &pass.version).await,
            Health::Good | Health::Bad if !is_probed(class) && tells(&self.last_read(vendor, class)) => {
                self.count(vendor, class, health == Health::Bad).await;
            }
            _ => {}
        }
        if health == Health::Good && rights != class && !is_probed(rights) {
            self.count(vendor, rights, false).await;
        }
        for (probed, breaker, owner) in pass.probes {
            if probed == class && !tells(&breaker) {
                self.write(vendor, probed, breaker.probe_ended(probed.key(vendor), &owner)).await;
                continue;
            }
            let succeeded = match health {
                Health::Good | Health::Unsaid => true,
                Health::Bad => false,
                Health::Forbidden => probed == class && probed != rights,
                Health::KeyRefused => !probed.is_key(),
            };
            self.probed(vendor, probed, &breaker, &owner, succeeded).await;
        }
    }

    /// The vendor refused the newest key. Calls stop until there is another key or a test call succeeds.
    pub(in crate::gateway) async fn key_refused(&self, vendor: Vendor, credential: Credential<'_>) {
        let Credential { switch, version, .. } = credential;
        let Some(cached) = self.cached(vendor).await else { return };
        let breaker = cached.of(switch);
        if breaker.state == State::Closed {
            self.open(vendor, switch, &breaker, KEY_REFUSED, Some(version)).await;
        }
    }

    async fn count(&self, vendor: Vendor, switch: Switch, failed: bool) {
        let now = self.world.now();
        let (mut breaker, tally) = {
            let breaker = self.last_read(vendor, switch);
            let mut remembered = self.remembered();
            let tally = remembered.tallies.entry((vendor, switch)).or_default();
            tally.count(now, failed);
            if !failed && !breaker.has_failures(now) {
                return;
            }
            (breaker, std::mem::take(tally))
        };
        for _ in 0..ROUNDS_MAX {
            let write = breaker.counted(switch.key(vendor), &tally, failed);
            let Some((now_is, counted)) = self.write(vendor, switch, write).await else { return };
            breaker = now_is;
            if breaker.state == State::Open {
                return;
            }
            if counted {
                if failed && breaker.is_over(now) {
                    self.open(vendor, switch, &breaker, FAILURES, None).await;
                }
                return;
            }
        }
    }

    async fn count_forbidden(&self, call: &Call<'_>, switch: Switch, version: &str) {
        let vendor = call.vendor;
        // A campaign's calls all bear its name: of a key that may do nothing each try counts, and another key ends it.
        let (request, version) = if switch.is_key() {
            (format!("{}/{}", call.correlation, call.attempt), Some(version))
        } else {
            (call.correlation.to_string(), None)
        };
        let Some(cached) = self.cached(vendor).await else { return };
        let mut breaker = cached.of(switch);
        for _ in 0..ROUNDS_MAX {
            if breaker.state == State::Open || breaker.has_forbidden(&request) {
                return;
            }
            let write = breaker.forbidden(switch.key(vendor), &request);
            let Some((now_is, counted)) = self.write(vendor, switch, write).await else { return };
            breaker = now_is;
            if counted {
                if breaker.is_forbidden() {
                    self.open(vendor, switch, &breaker, FORBIDDEN, version).await;
                }
                return;
            }
        }
    }

    async fn open(&self, vendor: Vendor, switch: Switch, breaker: &Breaker, cause: &str, version: Option<&str>) {
        let write = breaker.opened(switch.key(vendor), cause, version, self.world.now());
        if let Some((_, true)) = self.write(vendor, switch, write).await {
            self.announce(vendor, switch, "opened", cause);
        }
    }

    async fn probed(&self, vendor: Vendor, switch: Switch, breaker: &Breaker, owner: &str, succeeded: bool) {
        let write = breaker.probed(switch.key(vendor), owner, succeeded, self.world.now());
        if let Some((after, true)) = self.write(vendor, switch, write).await
            && after.state == State::Closed
        {
            self.announce(vendor, switch, "closed", "its probes succeeded");
        }
    }
}
