//! What each vendor allows, in one table, and when to try again.

use std::time::Duration;

use crate::domain::Provider;
use crate::domain::shipping::Carrier;
use crate::world::World;

/// The longest Retry-After that we obey.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Jittered wait between two tries inside one HTTP request: long enough for a blip, short for a shopper.
pub const IN_REQUEST_RETRY_MIN: Duration = Duration::from_millis(100);
/// The jitter on top of [`IN_REQUEST_RETRY_MIN`]: two tries are 100 to 800 ms apart.
pub const IN_REQUEST_RETRY_SPREAD: Duration = Duration::from_millis(700);

/// After a refused credential: how soon the next look. The credential switch keeps all but one of those who wait from
/// calling, and that one looks whether there is another key.
pub const CREDENTIAL_RETRY: Duration = Duration::from_secs(60);

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// Payments.
    Stripe,
    /// Mail.
    SendGrid,
    /// SMS.
    Twilio,
    /// Mail, where SendGrid certainly did not take it.
    Postmark,
    /// Parcels.
    Fedex,
    /// Parcels.
    Ups,
    /// Parcels: DHL Express.
    Dhl,
}

/// Operations of a vendor that fail together: each class has a breaker of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationClass {
    /// Changes something there.
    Effect,
    /// Only looks.
    Read,
}

/// Which part of a quota's burst a call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    /// A queue's work: what it does not get now, it gets a little later.
    Background,
    /// Marketing: another quota where the vendor has one for it, and otherwise what the others leave.
    Bulk,
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

/// A vendor's quota: limits that all must have room for a call.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// The name in its item's key and in metrics.
    pub name: &'static str,
    /// What is limited; checked and taken in one write.
    pub limits: &'static [Limit],
    /// Items that share it evenly: one partition key takes about 1,000 writes a second.
    pub shards: u8,
}

/// One limit of a quota: so many calls at once, and then one each `every`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// The name of its attribute.
    pub name: &'static str,
    /// Time between two calls at the sustained rate.
    pub every: Duration,
    /// Calls that may come at once.
    pub burst: u32,
}

impl Vendor {
    /// Every vendor.
    pub const ALL: [Self; 7] =
        [Self::Stripe, Self::SendGrid, Self::Twilio, Self::Postmark, Self::Fedex, Self::Ups, Self::Dhl];

    /// The name in logs, metrics, items and message attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::SendGrid => "sendgrid",
            Self::Twilio => "twilio",
            Self::Postmark => "postmark",
            Self::Fedex => "fedex",
            Self::Ups => "ups",
            Self::Dhl => "dhl",
        }
    }

    /// The vendor of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.as_str() == name)
    }

    /// The payment provider that it is, if it is one.
    pub fn provider(self) -> Option<Provider> {
        Provider::ALL.into_iter().find(|provider| Self::from(*provider) == self)
    }

    /// Whether its keys can be restricted to some permissions, so that one can lack what a call needs.
    pub const fn has_restricted_keys(self) -> bool {
        matches!(self, Self::Stripe)
    }

    /// The table.
    pub const fn policy(self) -> Policy {
        let (timeout, attempts, backoff, backoff_max) = match self {
            Self::Stripe => (30, 3, 60, 1_800),
            Self::SendGrid | Self::Postmark => (10, 5, 60, 10_800),
            // An SMS is worth its price while it is news: the steps are short, and then the mail goes out instead.
            Self::Twilio => (10, 3, 10, 300),
            // A label is good for four hours of trying; then another carrier, or a person, takes over.
            Self::Fedex | Self::Ups | Self::Dhl => (15, 3, 60, 1_800),
        };
        Policy {
            timeout: Duration::from_secs(timeout),
            attempts,
            backoff: Duration::from_secs(backoff),
            backoff_max: Duration::from_secs(backoff_max),
        }
    }

    /// Every quota of the vendor, each by a lane that uses it.
    pub const fn quotas(self) -> &'static [Lane] {
        match self {
            Self::SendGrid => &[Lane::Background, Lane::Bulk],
            Self::Stripe | Self::Twilio | Self::Postmark | Self::Fedex | Self::Ups | Self::Dhl => &[Lane::Background],
        }
    }

    /// What this lane may use of the vendor's rate limit. No figure is known for Postmark, so it has SendGrid's. Burst
    /// + window ÷ every is never more than the vendor's figure.
    pub const fn quota(self, lane: Lane) -> Quota {
        // 100 a second, bursts of 200.
        const STRIPE: [Limit; 1] = [Limit { name: "second", every: Duration::from_millis(10), burst: 200 }];
        // 10,000 an hour = 1,000 at once + 9,000 spread.
        const TRANSACTIONAL: [Limit; 1] = [Limit { name: "hour", every: Duration::from_millis(400), burst: 1_000 }];
        // 100,000 a day = 10,000 at once + 90,000 spread; of the hour no more than the key for orders has, with room for a
        // call of 1,000 in the bulk lane's half of the burst.
        const MARKETING: [Limit; 2] = [
            Limit { name: "hour", every: Duration::from_millis(450), burst: 2_000 },
            Limit { name: "day", every: Duration::from_millis(960), burst: 10_000 },
        ];
        // 1,000 a second = 200 at once + 800 spread. A two-factor code goes by the interactive lane, and finds its half of
        // the burst free whatever else is sent.
        const TWILIO: [Limit; 1] = [Limit { name: "second", every: Duration::from_micros(1_250), burst: 200 }];
        // Like SendGrid's hour.
        const POSTMARK: [Limit; 1] = [Limit { name: "hour", every: Duration::from_millis(400), burst: 1_000 }];
        // 1,000 an hour = 200 at once + 800 spread. A checkout's quote goes by the interactive lane, and finds its half of
        // the burst free whatever is tracked or shipped.
        const FEDEX: [Limit; 1] = [Limit { name: "hour", every: Duration::from_millis(4_500), burst: 200 }];
        // 500 an hour = 100 at once + 400 spread.
        const UPS: [Limit; 1] = [Limit { name: "hour", every: Duration::from_millis(9_000), burst: 100 }];
        // 2,000 an hour = 400 at once + 1,600 spread.
        const DHL: [Limit; 1] = [Limit { name: "hour", every: Duration::from_millis(2_250), burst: 400 }];
        match (self, lane) {
            (Self::Stripe, _) => Quota { name: "api", limits: &STRIPE, shards: 1 },
            (Self::SendGrid, Lane::Bulk) => Quota { name: "marketing", limits: &MARKETING, shards: 1 },
            (Self::SendGrid, _) => Quota { name: "transactional", limits: &TRANSACTIONAL, shards: 1 },
            (Self::Twilio, _) => Quota { name: "messages", limits: &TWILIO, shards: 16 },
            (Self::Postmark, _) => Quota { name: "transactional", limits: &POSTMARK, shards: 1 },
            (Self::Fedex, _) => Quota { name: "api", limits: &FEDEX, shards: 1 },
            (Self::Ups, _) => Quota { name: "api", limits: &UPS, shards: 1 },
            (Self::Dhl, _) => Quota { name: "api", limits: &DHL, shards: 1 },
        }
    }
}

impl From<Provider> for Vendor {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Stripe => Self::Stripe,
        }
    }
}

impl From<Carrier> for Vendor {
    fn from(carrier: Carrier) -> Self {
        match carrier {
            Carrier::Fedex => Self::Fedex,
            Carrier::Ups => Self::Ups,
            Carrier::Dhl => Self::Dhl,
        }
    }
}

impl OperationClass {
    /// Every class.
    pub const ALL: [Self; 2] = [Self::Effect, Self::Read];

    /// The name in keys, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Effect => "effect",
            Self::Read => "read",
        }
    }

    /// The class of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

impl Lane {
    /// The part of the burst that it may use, in percent. What is left is there for those whom somebody waits for; while
    /// they do not need it, the sustained rate is the lane's alone.
    pub const fn share_percent(self) -> u32 {
        match self {
            Self::Interactive => 100,
            Self::Background | Self::Bulk => 50,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls that a limit lets through in a window that begins rested.
    fn most_in(limit: &Limit, window: Duration) -> u128 {
        u128::from(limit.burst) + window.as_micros() / limit.every.as_micros()
    }

    #[test]
    fn no_vendor_is_called_more_often_than_it_allows() {
        let stripe = Vendor::Stripe.quota(Lane::Background);
        assert_eq!(most_in(&stripe.limits[0], Duration::from_secs(1)), 200 + 100);
        let orders = Vendor::SendGrid.quota(Lane::Background);
        assert_eq!(most_in(&orders.limits[0], Duration::from_secs(3_600)), 10_000);
        let marketing = Vendor::SendGrid.quota(Lane::Bulk);
        assert_eq!(most_in(&marketing.limits[0], Duration::from_secs(3_600)), 10_000);
        assert_eq!(most_in(&marketing.limits[1], Duration::from_secs(24 * 3_600)), 100_000);
        let twilio = Vendor::Twilio.quota(Lane::Background);
        assert_eq!(most_in(&twilio.limits[0], Duration::from_secs(1)), 1_000);
        let postmark = Vendor::Postmark.quota(Lane::Background);
        assert_eq!(most_in(&postmark.limits[0], Duration::from_secs(3_600)), 10_000);
        for (carrier, an_hour) in [(Vendor::Fedex, 1_000), (Vendor::Ups, 500), (Vendor::Dhl, 2_000)] {
            let quota = carrier.quota(Lane::Background);
            assert_eq!(most_in(&quota.limits[0], Duration::from_secs(3_600)), an_hour, "{carrier:?}");
        }
    }
}
