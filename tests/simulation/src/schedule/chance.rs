//! What goes wrong in a schedule, and where: decided by the seed alone, so that a run can be repeated with one fault
//! less.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::{CallFault, Dial};

use crate::{CrashAt, Fault, Latency, Plan, When};

/// Requests of one invocation to which something may happen; longer ones are left alone at the end.
const REQUESTS_MAX: usize = 40;
/// The longest that a process stands still, in milliseconds: the longest timeout of a function that claims. Its lease is
/// over by then; where the timeout is shorter, Lambda ends the process before it wakes.
const FREEZE_MAX_MS: u64 = 45_000;
/// Requests that fail in a row when AWS is down: more than the SDK tries.
const DOWN_REQUESTS: usize = 12;
/// The most that an instance's clock may be wrong, in milliseconds. More is not promised: to a clock that is 20 s fast
/// the deadline of an invocation of 25 s seems so near that nothing is started.
pub(crate) const SKEW_MAX_MS: i64 = 15_000;
/// A slow answer of AWS, in milliseconds: beyond the SDK's timeout at the long end.
const AWS_SLOW_MAX_MS: u64 = 6_000;
/// A slow answer of a vendor, in milliseconds: beyond every timeout at the long end.
const VENDOR_SLOW_MAX_MS: u64 = 40_000;

/// Everything that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mishap {
    /// An invocation dies before or after a request.
    Crash,
    /// A process stands still, beyond its lease, and goes on if its time is not up.
    Freeze,
    /// An instance's clock jumps at a request.
    ClockJump,
    /// An instance's clock is wrong from the start.
    ClockSkew,
    /// AWS answers nothing but 500 from a request on.
    AwsDown,
    /// AWS refuses for the rate.
    AwsThrottled,
    /// AWS answers 500, nothing done.
    AwsServerError,
    /// The request to AWS is lost.
    AwsRequestLost,
    /// AWS did it, and its answer is lost.
    AwsAnswerLost,
    /// A transaction conflict.
    AwsConflict,
    /// Half of a batch fails.
    AwsPartial,
    /// AWS takes seconds.
    AwsSlow,
    /// 503 of a vendor, nothing done.
    VendorDown,
    /// 409 of a vendor.
    VendorCollision,
    /// 500 of a vendor before it did anything, remembered.
    VendorErrorDuring,
    /// 500 of a vendor that did it, remembered.
    VendorErrorAfter,
    /// 429 with Retry-After.
    VendorThrottled,
    /// 429 without.
    VendorLocked,
    /// A vendor takes seconds, or too long.
    VendorSlow,
    /// The request to a vendor is lost.
    VendorRequestLost,
    /// A vendor did it, and its answer is lost.
    VendorAnswerLost,
    /// The connection to a vendor is refused.
    VendorRefused,
    /// A vendor is down for a while.
    Outage,
    /// A vendor's API key is replaced.
    KeyRotated,
    /// A webhook's signing secret is rolled.
    WebhookSecretRolled,
    /// A webhook does not come through for a while, up to most of a day.
    WebhookLate,
    /// A webhook is sent again although it was accepted.
    WebhookRepeated,
    /// A webhook comes several times at once.
    WebhookDoubled,
    /// A webhook is overtaken by others.
    WebhookOvertaken,
    /// A batch of messages is delivered several times at once.
    MessageDoubled,
    /// Messages come late, and others overtake them.
    MessageLate,
    /// Two ticks of the schedule at once.
    TickDoubled,
    /// Expired items are deleted.
    ItemsExpired,
    /// All instances are replaced by cold ones.
    Redeployed,
    /// A message of a version of tomorrow.
    UnknownVersion,
    /// A newer version keeps something in items that this one does not know.
    UnknownAttributes,
    /// A newer version's messages say more than this one knows.
    UnknownFields,
    /// A newer version wants something done that this one cannot do.
    UnknownKind,
    /// Carriers do not accept their tokens any more.
    TokensRevoked,
    /// A vendor does, during all of a run, the other of two things of which nobody outside knows which it does.
    Dial(Dial),
    /// Stripe's endpoint has an API version with which only the charge is told of where something is refunded.
    OlderEndpoint,
    /// Somebody deletes customers in Stripe's dashboard.
    CustomersDeleted,
    /// Stripe's key may not do everything for a while.
    RightsTaken,
}

impl Mishap {
    /// Whether it can happen to a request of this name.
    pub(super) fn fits(self, request: &str) -> bool {
        let to_vendor = !["DynamoDB.", "SQS.", "SecretsManager.", "S3."].iter().any(|aws| request.starts_with(aws));
        match self {
            Self::AwsDown | Self::AwsThrottled | Self::AwsServerError | Self::AwsConflict => !to_vendor,
            Self::AwsPartial => request.contains("Batch") || request == "DynamoDB.Query",
            _ if Self::VendorDown <= self && self <= Self::VendorRefused => to_vendor,
            _ => true,
        }
    }

    /// Whether it happens to single requests.
    const fn is_of_requests(self) -> bool {
        matches!(
            self,
            Self::Freeze
                | Self::ClockJump
                | Self::AwsDown
                | Self::AwsThrottled
                | Self::AwsServerError
                | Self::AwsRequestLost
                | Self::AwsAnswerLost
                | Self::AwsConflict
                | Self::AwsPartial
                | Self::AwsSlow
                | Self::VendorDown
                | Self::VendorCollision
                | Self::VendorErrorDuring
                | Self::VendorErrorAfter
                | Self::VendorThrottled
                | Self::VendorLocked
                | Self::VendorSlow
                | Self::VendorRequestLost
                | Self::VendorAnswerLost
                | Self::VendorRefused
        )
    }
}

/// Every mishap with its usual probability: per request for those of requests, per invocation, webhook or batch for the
/// others. Those of a whole run (outages, rotations) happen or not.
const USUAL: [(Mishap, f64); 54] = [
    (Mishap::Crash, 0.08),
    (Mishap::Freeze, 0.015),
    (Mishap::ClockJump, 0.005),
    (Mishap::ClockSkew, 0.2),
    (Mishap::AwsDown, 0.003),
    (Mishap::AwsThrottled, 0.005),
    (Mishap::AwsServerError, 0.005),
    (Mishap::AwsRequestLost, 0.005),
    (Mishap::AwsAnswerLost, 0.01),
    (Mishap::AwsConflict, 0.01),
    (Mishap::AwsPartial, 0.01),
    (Mishap::AwsSlow, 0.005),
    (Mishap::VendorDown, 0.05),
    (Mishap::VendorCollision, 0.03),
    (Mishap::VendorErrorDuring, 0.03),
    (Mishap::VendorErrorAfter, 0.03),
    (Mishap::VendorThrottled, 0.03),
    (Mishap::VendorLocked, 0.02),
    (Mishap::VendorSlow, 0.05),
    (Mishap::VendorRequestLost, 0.03),
    (Mishap::VendorAnswerLost, 0.05),
    (Mishap::VendorRefused, 0.03),
    (Mishap::Outage, 0.15),
    (Mishap::KeyRotated, 0.1),
    (Mishap::WebhookSecretRolled, 0.1),
    (Mishap::WebhookLate, 0.08),
    (Mishap::WebhookRepeated, 0.1),
    (Mishap::WebhookDoubled, 0.05),
    (Mishap::WebhookOvertaken, 0.15),
    (Mishap::MessageDoubled, 0.08),
    (Mishap::MessageLate, 0.1),
    (Mishap::TickDoubled, 0.1),
    (Mishap::ItemsExpired, 0.2),
    (Mishap::Redeployed, 0.05),
    (Mishap::UnknownVersion, 0.05),
    (Mishap::UnknownAttributes, 0.2),
    (Mishap::UnknownFields, 0.1),
    (Mishap::UnknownKind, 0.1),
    (Mishap::TokensRevoked, 0.2),
    (Mishap::Dial(Dial::UnavailableYetDone), 0.4),
    (Mishap::Dial(Dial::RefundsComeUntold), 0.4),
    (Mishap::Dial(Dial::ProcessingIsKept), 0.4),
    (Mishap::Dial(Dial::SecondsAreTurnedRound), 0.4),
    (Mishap::Dial(Dial::LostAnswersForgetTheirKey), 0.1),
    (Mishap::Dial(Dial::ListsLag), 0.4),
    (Mishap::OlderEndpoint, 0.5),
    (Mishap::CustomersDeleted, 0.3),
    (Mishap::RightsTaken, 0.2),
    (Mishap::Dial(Dial::RecoveryHasCodesOfItsOwn), 0.4),
    (Mishap::Dial(Dial::OwnCurrencyCodesOnly), 0.4),
    (Mishap::Dial(Dial::UnavailableYetTaken), 0.4),
    (Mishap::Dial(Dial::LateStopsAreAccepted), 0.4),
    (Mishap::Dial(Dial::TakenWithoutCode), 0.4),
    (Mishap::Dial(Dial::AnswersArePacked), 0.4),
];

/// One mishap that happened: the piece of work, and its request (0: it is no request's).
pub type Fired = (u64, Mishap, usize);

/// What a repeated run leaves out.
#[derive(Clone, Debug, Default)]
pub struct Without {
    /// Orders, by number.
    pub orders: BTreeSet<usize>,
    /// Kinds of mishaps.
    pub kinds: BTreeSet<Mishap>,
    /// Single ones.
    pub single: BTreeSet<Fired>,
}

/// The seed's dice.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    seed: u64,
    probability: BTreeMap<Mishap, f64>,
    /// The mishaps of requests, each with the end of its share of 0..1.
    shares: Vec<(f64, Mishap)>,
    without: Without,
}

impl Chance {
    /// The dice of this seed: about half of all mishaps are possible at all, each with a probability of its own.
    pub(crate) fn new(seed: u64, without: Without) -> Self {
        let mut rng = stream(seed, "chance", 0);
        let mut probability = BTreeMap::new();
        for (kind, usual) in USUAL {
            let (possible, strength) = (rng.bool(), rng.f64());
            if possible && !without.kinds.contains(&kind) {
                // From a quarter of the usual to twice it.
                probability.insert(kind, usual * 2_f64.powf(strength.mul_add(3.0, -2.0)));
            }
        }
        let mut edge = 0.0;
        let of_requests = probability.iter().filter(|(kind, _)| kind.is_of_requests());
        let shares = of_requests.map(|(kind, share)| {
            edge += share;
            (edge, *kind)
        });
        let shares = shares.collect();
        Self { seed, probability, shares, without }
    }

    /// Random numbers for one purpose and number.
    pub(crate) fn stream(&self, purpose: &str, number: u64) -> fastrand::Rng {
        stream(self.seed, purpose, number)
    }

    /// Whether an order takes part.
    pub(crate) fn has_order(&self, number: usize) -> bool {
        !self.without.orders.contains(&number)
    }

    /// Whether a mishap that is no request's happens here.
    pub(crate) fn strikes(&self, kind: Mishap, number: u64) -> bool {
        let draw = self.stream(&format!("{kind:?}"), number).f64();
        let likely = self.probability.get(&kind).is_some_and(|probability| draw < *probability);
        likely && !self.without.single.contains(&(number, kind, 0))
    }

    /// How wrong the clock of an instance is that starts with this invocation, in milliseconds.
    pub(crate) fn skew_ms(&self, invocation: u64) -> i64 {
        if self.strikes(Mishap::ClockSkew, invocation) {
            return self.stream("skew", invocation).i64(-SKEW_MAX_MS..=SKEW_MAX_MS);
        }
        0
    }

    /// What happens to one invocation, and all of it as it may be left out.
    pub(crate) fn plan(&self, invocation: u64) -> (Plan, Vec<Fired>) {
        let mut rng = self.stream("plan", invocation);
        let latency = Latency::Between { min_ms: 2, max_ms: one_of(&mut rng, [8, 20, 120]), seed: rng.u64(..) };
        let mut plan = Plan { latency, ..Plan::default() };
        let mut planned = Vec::new();
        let crash = (rng.f64(), rng.usize(1..=12), rng.bool(), rng.f64());
        if self.is_likely(Mishap::Crash, crash.0) {
            // Half of them in the first three requests, which every invocation has.
            let n = if crash.3 < 0.5 { 1 + crash.1 % 3 } else { crash.1 };
            let when = if crash.2 { When::Before } else { When::After };
            if self.keeps((invocation, Mishap::Crash, n)) {
                plan.crash = Some(CrashAt { n, when });
                planned.push((invocation, Mishap::Crash, n));
            }
        }
        for n in 1..=REQUESTS_MAX {
            let (draw, amount) = (rng.f64(), rng.f64());
            let Some(kind) = self.pick(draw) else { continue };
            if !self.keeps((invocation, kind, n)) {
                continue;
            }
            planned.push((invocation, kind, n));
            Self::put(&mut plan, kind, n, amount);
        }
        (plan, planned)
    }

    /// The mishap of requests in whose share of 0..1 the draw falls.
    fn pick(&self, draw: f64) -> Option<Mishap> {
        let end = self.shares.last().map_or(0.0, |(end, _)| *end);
        // Most requests come to no harm.
        if draw >= end {
            return None;
        }
        self.shares.iter().find_map(|(edge, kind)| (draw < *edge).then_some(*kind))
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "milliseconds, far below 2^52"
    )]
    fn put(plan: &mut Plan, kind: Mishap, n: usize, amount: f64) {
        let up_to = |most: u64| (amount * most as f64) as u64;
        let aws = |fault| (Some(fault), None);
        let vendor = |fault| (None, Some(fault));
        let (aws, vendor) = match kind {
            Mishap::Freeze => {
                plan.freeze = plan.freeze.or(Some((n, up_to(FREEZE_MAX_MS))));
                (None, None)
            }
            Mishap::ClockJump => {
                let ms = (amount.mul_add(2.0, -1.0) * SKEW_MAX_MS as f64) as i64;
                plan.clock_jump = plan.clock_jump.or(Some((n, ms)));
                (None, None)
            }
            Mishap::AwsDown => {
                plan.faults.extend((n..n + DOWN_REQUESTS).map(|n| (n, Fault::ServerError)));
                (None, None)
            }
            Mishap::AwsThrottled => aws(Fault::Throttled),
            Mishap::AwsServerError => aws(Fault::ServerError),
            Mishap::AwsRequestLost => aws(Fault::RequestLost),
            Mishap::AwsAnswerLost => aws(Fault::AnswerLost),
            Mishap::AwsConflict => aws(Fault::Conflict),
            Mishap::AwsPartial => aws(Fault::Partial),
            Mishap::AwsSlow => {
                plan.delays.insert(n, up_to(AWS_SLOW_MAX_MS));
                (None, None)
            }
            Mishap::VendorDown => vendor(CallFault::ErrorBefore { status: 503 }),
            Mishap::VendorCollision => vendor(CallFault::ErrorBefore { status: 409 }),
            Mishap::VendorErrorDuring => vendor(CallFault::ErrorDuring { status: 500 }),
            Mishap::VendorErrorAfter => vendor(CallFault::ErrorAfter { status: 500 }),
            Mishap::VendorThrottled => vendor(CallFault::Throttled { retry_after_s: 1 + up_to(90) }),
            Mishap::VendorLocked => vendor(CallFault::LockTimeout),
            Mishap::VendorSlow => vendor(CallFault::Delay { ms: up_to(VENDOR_SLOW_MAX_MS) }),
            Mishap::VendorRequestLost => vendor(CallFault::LostRequest),
            Mishap::VendorAnswerLost => vendor(CallFault::LostAnswer),
            Mishap::VendorRefused => vendor(CallFault::Refused),
            _ => (None, None),
        };
        plan.faults.extend(aws.map(|fault| (n, fault)));
        plan.vendor_faults.extend(vendor.map(|fault| (n, fault)));
    }

    fn is_likely(&self, kind: Mishap, draw: f64) -> bool {
        self.probability.get(&kind).is_some_and(|probability| draw < *probability)
    }

    fn keeps(&self, fired: Fired) -> bool {
        !self.without.single.contains(&fired)
    }
}

/// Independent random numbers for each purpose and number of a seed.
fn stream(seed: u64, purpose: &str, number: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(mix(
        mix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), purpose.as_bytes()),
        &number.to_le_bytes(),
    ))
}

/// FNV-1a, going on from `from`: any mixing will do, as long as it is the same everywhere.
pub(super) fn mix(from: u64, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ from;
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One of these, each as likely.
pub(super) fn one_of<T: Copy, const N: usize>(rng: &mut fastrand::Rng, of: [T; N]) -> T {
    of[rng.usize(0..N)]
}
