//! What a run decides beforehand about the requests of one invocation.

use std::collections::BTreeMap;

use sandbox::CallFault;

use crate::{CrashAt, When};

/// Time of a request that nobody said anything about, in milliseconds: what DynamoDB and SQS take in one region, and
/// enough that requests sent together overlap visibly.
const DEFAULT_LATENCY_MS: u64 = 5;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused for its rate; no effect. The SDK tries again by itself.
    Throttled,
    /// Answered 500; no effect. The SDK tries again by itself.
    ServerError,
    /// The connection broke before the request arrived; no effect. The caller cannot tell this from [`Fault::AnswerLost`].
    RequestLost,
    /// It took effect, then the connection broke.
    AnswerLost,
    /// A transaction met another one on the same item; no effect, and the SDK does not try again. For a request that is
    /// no DynamoDB write it is a [`Fault::ServerError`].
    Conflict,
    /// Half of it is done, at least one element is not: entries of an SQS batch fail, keys of a batch read come back
    /// unprocessed, an index query answers as if the index had seen nothing yet. Other requests run as if nothing
    /// was planned.
    Partial,
}

/// How long a request takes, there and back, in milliseconds of simulated time.
#[derive(Clone, Debug)]
pub enum Latency {
    /// Every request the same.
    Fixed(u64),
    /// Drawn for each request, both ends included.
    Between {
        /// The shortest.
        min_ms: u64,
        /// The longest.
        max_ms: u64,
        /// Where the draws start.
        seed: u64,
    },
}

/// What happens to the requests of one invocation. Requests are numbered from 1 in the order they leave.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The request at which the invocation ends.
    pub crash: Option<CrashAt>,
    /// Faults by request number.
    pub faults: BTreeMap<usize, Fault>,
    /// The time of every request not named in `delays`.
    pub latency: Latency,
    /// Times in milliseconds by request number.
    pub delays: BTreeMap<usize, u64>,
    /// What a vendor does with a request, by request number; where the request goes to AWS nothing happens.
    pub vendor_faults: BTreeMap<usize, CallFault>,
    /// The request at which the whole process stands still, and for how many milliseconds.
    pub freeze: Option<(usize, u64)>,
    /// The request at which the instance's clock jumps, and how fast it is from then on, in milliseconds.
    pub clock_jump: Option<(usize, i64)>,
}

impl Default for Plan {
    /// Nothing goes wrong, every request takes 5 ms.
    fn default() -> Self {
        Self {
            crash: None,
            faults: BTreeMap::new(),
            latency: Latency::Fixed(DEFAULT_LATENCY_MS),
            delays: BTreeMap::new(),
            vendor_faults: BTreeMap::new(),
            freeze: None,
            clock_jump: None,
        }
    }
}

impl Plan {
    /// Nothing goes wrong but a crash at request `n` (from 1).
    pub fn crash(n: usize, when: When) -> Self {
        Self { crash: Some(CrashAt { n, when }), ..Self::default() }
    }

    /// Nothing goes wrong but `fault` at request `n` (from 1).
    pub fn fault(n: usize, fault: Fault) -> Self {
        Self { faults: BTreeMap::from([(n, fault)]), ..Self::default() }
    }
}
