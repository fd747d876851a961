//! What each vendor allows, in one table (seed 000), and when to try again.

use std::time::Duration;

use crate::world::World;

/// The longest wait that we take a vendor's word for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Jittered wait between two tries inside one HTTP request: long enough for a blip, short for a shopper.
pub const IN_REQUEST_RETRY_MIN: Duration = Duration::from_millis(100);
/// The jitter on top of [`IN_REQUEST_RETRY_MIN`]: two tries are 100 to 800 ms apart.
pub const IN_REQUEST_RETRY_SPREAD: Duration = Duration::from_millis(700);

/// After a refused credential: how soon the next try. An operator has to act first, so asking more often only
/// fills logs.
pub const CREDENTIAL_RETRY: Duration = Duration::from_secs(300);

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Payments.
    Stripe,
    /// Mail.
    SendGrid,
}

/// A vendor's limits.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Quick tries (answered calls). After them the intent is deferred: tried at the longest backoff until its
    /// budget ends.
    pub attempts: u32,
    /// First backoff; doubles with each answered try.
    pub backoff: Duration,
    /// Longest backoff.
    pub backoff_max: Duration,
}

impl Vendor {
    /// The name in logs, metrics, items and message attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::SendGrid => "sendgrid",
        }
    }

    /// The table.
    pub const fn policy(self) -> Policy {
        let (timeout, attempts, backoff, backoff_max) = match self {
            Self::Stripe => (30, 3, 60, 1_800),
            Self::SendGrid => (10, 5, 60, 10_800),
        };
        Policy {
            timeout: Duration::from_secs(timeout),
            attempts,
            backoff: Duration::from_secs(backoff),
            backoff_max: Duration::from_secs(backoff_max),
        }
    }
}

impl Policy {
    /// How long to wait after the n-th answered try (n from 1): exponential with full jitter, at least a tenth of
    /// the step so that a retry is never immediate.
    pub fn backoff(&self, attempt: u32, world: &World) -> Duration {
        if attempt > self.attempts {
            return self.backoff_max.mul_f64(0.5 + 0.5 * world.fraction());
        }
        let step = self.backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.backoff_max);
        step.mul_f64(0.1 + 0.9 * world.fraction())
    }
}
