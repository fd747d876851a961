//! The place where requests leave an invocation: counted, timed and stopped there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sandbox::CallFault;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::{CrashAt, Fault, Latency, Plan, When};

/// One request that left.
#[derive(Clone, Debug)]
pub struct Request {
    /// `DynamoDB.PutItem`, `SQS.SendMessage`, or what the vendor's transport called it.
    pub name: String,
    /// When it left, counted from the beginning of the plan.
    pub start: Duration,
    /// When its answer came back, or its caller gave up; `None` while it is under way.
    pub end: Option<Duration>,
    /// What was planned to go wrong with it.
    pub fault: Option<Fault>,
    /// What its vendor did to it.
    pub vendor_fault: Option<CallFault>,
}

/// Sees every request that leaves one invocation. Clones are the same probe.
///
/// ```text
/// let call = probe.before("stripe.create_payment").await;   // may never come back: the crash
/// let answer = vendor.answer(request);                      // the effect
/// probe.after(call).await;                                  // may never come back either
/// ```
#[derive(Clone, Debug)]
pub struct Probe(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    crash: Notify,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    rng: fastrand::Rng,
    origin: Instant,
    /// When the plan began, as the caller counts: Unix milliseconds.
    started_ms: i64,
    requests: Vec<Request>,
    crashed: bool,
    /// Set at the planned request, until the process has been frozen.
    freeze: Option<Duration>,
    /// How fast the instance's clock is, in milliseconds. Belongs to the instance: a new plan leaves it.
    clock_offset_ms: i64,
    /// Grows with each plan, so that a call of an earlier one does not write into this one's list.
    generation: u64,
}

/// A request under way, from [`Probe::before`] to [`Probe::after`]. Dropping it means that its caller gave up.
#[derive(Debug)]
pub struct Call {
    probe: Probe,
    generation: u64,
    index: usize,
    back: Duration,
    fault: Option<Fault>,
    vendor_fault: Option<CallFault>,
}

impl Call {
    /// What is planned to go wrong with this request. The transport that holds the call carries it out.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// What its vendor shall do to it; from now on it counts as done.
    pub(crate) fn vendor_fault(&self) -> Option<CallFault> {
        let fault = self.vendor_fault?;
        let mut state = self.probe.0.state.lock().unwrap();
        if state.generation == self.generation {
            state.requests[self.index].vendor_fault = Some(fault);
        }
        Some(fault)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.probe.0.state.lock().unwrap();
        if state.generation == self.generation {
            let now = state.origin.elapsed();
            state.requests[self.index].end.get_or_insert(now);
        }
    }
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl Probe {
    /// A probe that only looks: nothing goes wrong. Call it inside the runtime.
    pub fn new() -> Self {
        Self::with(Plan::default())
    }

    /// A probe that carries out `plan`.
    pub fn with(plan: Plan) -> Self {
        let probe = Self(Arc::new(Shared {
            state: Mutex::new(State {
                plan: Plan::default(),
                rng: fastrand::Rng::with_seed(0),
                origin: Instant::now(),
                started_ms: 0,
                requests: Vec::new(),
                crashed: false,
                freeze: None,
                clock_offset_ms: 0,
                generation: 0,
            }),
            crash: Notify::new(),
        }));
        probe.restart(plan);
        probe
    }

    /// Forgets all it saw and carries out `plan` from now on: the next invocation of a warm instance, whose clients keep
    /// their probe.
    pub fn restart(&self, plan: Plan) {
        let mut state = self.0.state.lock().unwrap();
        if let Latency::Between { seed, .. } = plan.latency {
            state.rng = fastrand::Rng::with_seed(seed);
        }
        state.plan = plan;
        state.origin = Instant::now();
        state.requests.clear();
        state.crashed = false;
        state.freeze = None;
        state.generation += 1;
    }

    /// Ends the invocation from outside: no request leaves any more.
    pub(crate) fn kill(&self) {
        self.0.state.lock().unwrap().crashed = true;
    }

    /// For how long the process stands still from now on, once.
    pub(crate) fn take_freeze(&self) -> Option<Duration> {
        self.0.state.lock().unwrap().freeze.take()
    }

    /// How fast the instance's clock is, in milliseconds; slow below 0.
    pub fn clock_offset_ms(&self) -> i64 {
        self.0.state.lock().unwrap().clock_offset_ms
    }

    /// Sets how fast the instance's clock is, in milliseconds.
    pub fn set_clock_offset_ms(&self, offset_ms: i64) {
        self.0.state.lock().unwrap().clock_offset_ms = offset_ms;
    }

    /// When its plan began, in Unix milliseconds, if it was told.
    pub(crate) fn started_ms(&self) -> i64 {
        self.0.state.lock().unwrap().started_ms
    }

    /// Tells it what time it is.
    pub(crate) fn set_started_ms(&self, now_ms: i64) {
        self.0.state.lock().unwrap().started_ms = now_ms;
    }

    /// Reports that a request is about to leave, and waits until it has arrived. Does not return when the invocation
    /// crashes before it, or has crashed already.
    pub async fn before(&self, name: impl Into<String>) -> Call {
        let Some((call, there)) = self.depart(name.into()) else {
            return std::future::pending().await;
        };
        pass(there).await;
        call
    }

    /// Reports that a request took its effect (or failed as planned), and waits until the answer is back. Does not return
    /// when the invocation crashes after it, or has crashed already.
    pub async fn after(&self, call: Call) {
        if self.crash_after(&call) {
            return std::future::pending().await;
        }
        pass(call.back).await;
        drop(call);
    }

    /// Returns when the planned crash has come; never without one.
    pub async fn crashed(&self) {
        while !self.is_crashed() {
            self.0.crash.notified().await;
        }
    }

    /// Whether the planned crash has come.
    pub fn is_crashed(&self) -> bool {
        self.0.state.lock().unwrap().crashed
    }

    /// Every request that left since the beginning of the plan, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.0.state.lock().unwrap().requests.clone()
    }

    /// The n-th request, from 1.
    pub(crate) fn request(&self, n: usize) -> Option<Request> {
        self.0.state.lock().unwrap().requests.get(n.checked_sub(1)?).cloned()
    }

    /// How many requests left: the `n` to crash at go from 1 to this.
    pub fn count(&self) -> usize {
        self.0.state.lock().unwrap().requests.len()
    }

    /// The numbers (from 1) of the requests that may have changed something at the other side. A crash before or after any
    /// other leaves the same world as one beside it.
    pub fn effects(&self) -> Vec<usize> {
        const READS: [&str; 9] = [
            "DynamoDB.GetItem",
            "DynamoDB.BatchGetItem",
            "DynamoDB.Query",
            "SQS.GetQueueAttributes",
            "SecretsManager.GetSecretValue",
            "SecretsManager.BatchGetSecretValue",
            "stripe.GET ",
            "sendgrid.GET ",
            "twilio.GET ",
        ];
        let state = self.0.state.lock().unwrap();
        let numbered = (1..).zip(&state.requests);
        let changing = numbered.filter(|(_, request)| !READS.iter().any(|read| request.name.starts_with(read)));
        changing.map(|(number, _)| number).collect()
    }

    /// The requests as sequential waits: a wave ends with its first answer, and what leaves from then on is the next one.
    /// The number of waves is the longest chain of requests that followed upon each other. Latencies must not be 0.
    pub fn waves(&self) -> Vec<Vec<String>> {
        let mut waves: Vec<Vec<String>> = Vec::new();
        let mut first_answer = Duration::ZERO;
        for request in self.requests() {
            let end = request.end.unwrap_or(Duration::MAX);
            match waves.last_mut() {
                Some(wave) if request.start < first_answer => {
                    wave.push(request.name);
                    first_answer = first_answer.min(end);
                }
                _ => {
                    waves.push(vec![request.name]);
                    first_answer = end;
                }
            }
        }
        waves
    }

    /// Records the departure and gives the call with its way there, or nothing when it must not leave.
    fn depart(&self, name: String) -> Option<(Call, Duration)> {
        let mut state = self.0.state.lock().unwrap();
        if state.crashed {
            return None;
        }
        let number = state.requests.len() + 1;
        if state.plan.crash == Some(CrashAt { n: number, when: When::Before }) {
            self.crash(&mut state);
            return None;
        }
        let fault = state.plan.faults.get(&number).copied();
        let vendor_fault = state.plan.vendor_faults.get(&number).copied();
        if let Some((_, ms)) = state.plan.freeze.filter(|(at, _)| *at == number) {
            state.freeze = Some(Duration::from_millis(ms));
        }
        if let Some((_, ms)) = state.plan.clock_jump.filter(|(at, _)| *at == number) {
            state.clock_offset_ms = ms;
        }
        let total_ms = state.latency_ms(number);
        let start = state.origin.elapsed();
        state.requests.push(Request { name, start, end: None, fault, vendor_fault: None });
        let there = Duration::from_millis(total_ms / 2);
        let back = Duration::from_millis(total_ms - total_ms / 2);
        let call =
            Call { probe: self.clone(), generation: state.generation, index: number - 1, back, fault, vendor_fault };
        Some((call, there))
    }

    fn crash_after(&self, call: &Call) -> bool {
        let mut state = self.0.state.lock().unwrap();
        if state.plan.crash == Some(CrashAt { n: call.index + 1, when: When::After }) {
            self.crash(&mut state);
        }
        state.crashed
    }

    fn crash(&self, state: &mut State) {
        state.crashed = true;
        self.0.crash.notify_one();
    }
}

impl State {
    fn latency_ms(&mut self, number: usize) -> u64 {
        if let Some(&ms) = self.plan.delays.get(&number) {
            return ms;
        }
        match self.plan.latency {
            Latency::Fixed(ms) => ms,
            Latency::Between { min_ms, max_ms, .. } => self.rng.u64(min_ms..=max_ms),
        }
    }
}

/// Lets simulated time pass; none at all for zero, which would otherwise cost a timer tick.
async fn pass(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
