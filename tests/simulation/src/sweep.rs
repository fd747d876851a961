//! The crash sweeps: each flow is run once to see its requests, and then once for each place at which a crash leaves a world
//! of its own; and, for pairs, once more for each such place in what is left of that run.

use std::time::Duration;

use crossdock::domain::fewer_due_shards;

use crate::schedule::FEW_SHARDS;
use crate::shop::Flow;
use crate::universe::{Invocation, Universe};
use crate::{Plan, When, invariants};

/// Flows that `cargo test` sweeps: of money and of a message, each with an answer that is lost on the way of a crash.
pub const SWEPT_BY_TESTS: [Flow; 2] = [Flow::PaidAtOnce, Flow::SmsAnswerLost];
/// The flow of which `cargo test` tries pairs of crashes, and each how-manieth place of the first one it tries.
pub const PAIRED_BY_TESTS: (Flow, usize) = (Flow::PaidAtOnce, 24);

/// What a sweep of one flow came to.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Invocations of the flow's own part, in the run without a crash.
    pub invocations: usize,
    /// Requests of that run, before and after each of which a process may die.
    pub requests: usize,
    /// Runs made, the first included: one for each world that such a crash leaves.
    pub runs: usize,
    /// What was wrong, with the crash that showed it.
    pub failures: Vec<String>,
}

/// Longer than any flow waits, on the clock of the simulation: a parcel is looked after for fifteen days.
const REST_WITHIN: Duration = Duration::from_secs(20 * 24 * 3_600);

/// One run of a flow.
struct Run {
    /// The invocations of the flow's own part.
    invocations: Vec<Invocation>,
    /// The number of the first of them.
    from: usize,
    /// The number of the first one that is too late for a pair.
    until: usize,
    /// What is wrong at rest.
    wrong: Vec<String>,
    /// A mail was given up because nothing was heard of it twice, so a person is told.
    gives_up_a_mail: bool,
}

/// Runs a flow with plans for some of its invocations.
fn run(flow: Flow, seed: u64, plans: &[(usize, Plan)]) -> Run {
    let _fewer = fewer_due_shards(FEW_SHARDS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut universe = Universe::new(seed);
        universe.plans.extend(plans.iter().cloned());
        let mut wrong = match tokio::time::timeout(REST_WITHIN, flow.run(&mut universe)).await {
            Ok(()) => Vec::new(),
            Err(_) => vec!["the run did not come to rest".to_owned()],
        };
        universe.ask_again().await;
        wrong.extend(invariants::violations(&universe));
        let gives_up_a_mail = invariants::of_type(&universe.aws().table().items(), "intent")
            .any(|intent| invariants::text(intent, "refusal") == Some("no_event_of_the_provider"));
        // Who dies twice between the claim of a mail and its call leaves it to a person, and no sooner.
        if !gives_up_a_mail || plans.len() < 2 {
            wrong.extend(flow.unmet(&mut universe).await);
        }
        let from = universe.own_part_from.min(universe.invocations.len());
        let until = universe.effect_known_at.unwrap_or(universe.invocations.len());
        Run { invocations: universe.invocations[from..].to_vec(), from, until, wrong, gives_up_a_mail }
    })
}

/// Sweeps one flow.
pub fn sweep(flow: Flow, seed: u64) -> Swept {
    let (whole, places) = places_of(flow, seed);
    places.into_iter().fold(whole, |swept, place| swept.and(crashed_at(flow, seed, place)))
}

/// Runs one flow without a crash, and says where it can crash.
pub fn places_of(flow: Flow, seed: u64) -> (Swept, Vec<Place>) {
    let whole = run(flow, seed, &[]);
    let requests = whole.invocations.iter().map(|invocation| invocation.requests).sum();
    let failures: Vec<String> = whole.wrong.iter().map(|wrong| format!("{flow:?} without a crash: {wrong}")).collect();
    // Where something is wrong anyhow, crashes tell nothing.
    let places = if failures.is_empty() { whole.places(0, whole.from + whole.invocations.len()) } else { Vec::new() };
    (Swept { invocations: whole.invocations.len(), requests, runs: 1, failures }, places)
}

/// One run of a flow with a crash.
pub fn crashed_at(flow: Flow, seed: u64, place: Place) -> Swept {
    let (number, n, when) = place;
    let wrong = run(flow, seed, &[(number, Plan::crash(n, when))]).wrong;
    let name = |wrong: String| format!("{flow:?}, invocation {number}, request {n}, {when:?}: {wrong}");
    Swept { runs: 1, failures: wrong.into_iter().map(name).collect(), ..Swept::default() }
}

impl Swept {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.invocations += other.invocations;
        self.requests += other.requests;
        self.runs += other.runs;
        self.failures.extend(other.failures);
        self
    }
}

/// A place to crash at: the invocation's number, its request, and the moment.
pub type Place = (usize, usize, When);

impl Run {
    /// The places in the invocations from `first` to before `until` at which a crash leaves another world than a crash
    /// elsewhere: before an invocation has done anything, and after each request that may have changed something. A crash
    /// beside a read, or before a request, leaves the world of one of these: what a process knows dies with it.
    fn places(&self, first: usize, until: usize) -> Vec<Place> {
        let mut places = Vec::new();
        let numbered = (self.from..until).zip(&self.invocations);
        for (number, invocation) in numbered.filter(|(number, _)| *number >= first) {
            if invocation.requests > 0 {
                places.push((number, 1, When::Before));
            }
            places.extend(invocation.effects.iter().map(|n| (number, *n, When::After)));
        }
        places
    }
}

/// What a sweep of pairs came to.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Places of the first crash.
    pub first: usize,
    /// Pairs, each a run of its own.
    pub pairs: usize,
    /// Of them, those after which a mail is left to a person: of neither try was anything heard.
    pub given_up: usize,
    /// What was wrong, with the crashes that showed it.
    pub failures: Vec<String>,
}

impl Pairs {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.first += other.first;
        self.pairs += other.pairs;
        self.given_up += other.given_up;
        self.failures.extend(other.failures);
        self
    }
}

/// The places of the first crash in a flow.
pub fn first_places(flow: Flow, seed: u64) -> Vec<Place> {
    let whole = run(flow, seed, &[]);
    whole.places(0, whole.until)
}

/// Crashes at the first place, and then, one run each, at each place of a later invocation of what follows.
pub fn pairs_after(flow: Flow, seed: u64, first: Place) -> Pairs {
    let plan = |(number, n, when): Place| (number, Plan::crash(n, when));
    let later = first.0 + 1;
    let mut pairs = Pairs { first: 1, ..Pairs::default() };
    let crashed = run(flow, seed, &[plan(first)]);
    for second in crashed.places(later, crashed.until) {
        let Run { wrong, gives_up_a_mail, .. } = run(flow, seed, &[plan(first), plan(second)]);
        pairs.pairs += 1;
        pairs.given_up += usize::from(gives_up_a_mail);
        let places = format!("{flow:?}, crashes at (invocation, request) {first:?} and {second:?}");
        pairs.failures.extend(wrong.into_iter().map(|wrong| format!("{places}: {wrong}")));
    }
    pairs
}
