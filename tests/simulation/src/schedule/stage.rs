//! What all actors of a run share: the universe, the dice, and what they complain of.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use super::chance::{Chance, Fired, Mishap};
use super::identity::{Identity, Seen, of_job};
use super::{Played, Schedule, add, tomorrow, trace};
use crate::invocation::{Done, Job};
use crate::universe::{Response, Universe, api_request, behind};

/// What there is to count in runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// Runs.
    pub seeds: u64,
    /// Orders of shops.
    pub orders: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Requests that left them.
    pub requests: u64,
    /// The requests by function.
    pub requests_of: BTreeMap<String, u64>,
    /// Invocations that died.
    pub crashes: u64,
    /// Mishaps that happened, by kind.
    pub mishaps: BTreeMap<String, u64>,
    /// Effects at vendors: payments, charges, refunds, customers, mails.
    pub effects: BTreeMap<String, u64>,
    /// Intents at rest, by phase.
    pub intents: BTreeMap<String, u64>,
    /// Intents that were given up, by reason.
    pub given_up: BTreeMap<String, u64>,
    /// Mails that were sent a second time, because no event of the first came within its ten minutes.
    pub mails_repeated: u64,
    /// Runs in which the embedded database had to be asked, by what it was asked first: they take twice as long.
    pub asked_database: BTreeMap<String, u64>,
    /// Simulated milliseconds.
    pub simulated_ms: u64,
}

impl Stats {
    /// Adds those of other runs.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.orders += other.orders;
        self.invocations += other.invocations;
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.mails_repeated += other.mails_repeated;
        self.simulated_ms += other.simulated_ms;
        add(&mut self.requests_of, &other.requests_of);
        add(&mut self.mishaps, &other.mishaps);
        add(&mut self.effects, &other.effects);
        add(&mut self.intents, &other.intents);
        add(&mut self.given_up, &other.given_up);
        add(&mut self.asked_database, &other.asked_database);
    }
}

/// One run while it is under way. Nothing of it may be borrowed over an await.
pub(super) struct Stage {
    universe: RefCell<Universe>,
    pub(super) chance: Chance,
    /// Whether anything may still go wrong.
    is_calm: Cell<bool>,
    /// Woken when a function has ended or an actor did something that a queue or a vendor may have noticed.
    pub(super) news: tokio::sync::Notify,
    complaints: RefCell<Vec<String>>,
    seen: RefCell<Seen>,
    webhooks: RefCell<BTreeMap<u64, Identity>>,
    fired: RefCell<Vec<Fired>>,
    pub(super) orders: RefCell<Vec<usize>>,
    /// Items to which a newer version has added something.
    pub(super) marked: RefCell<BTreeSet<tomorrow::Place>>,
    lines: RefCell<trace::Lines>,
    started_ms: i64,
}

impl Stage {
    pub(super) fn new(schedule: &Schedule) -> Rc<Self> {
        let chance = Chance::new(schedule.seed, schedule.without.clone());
        let mut universe = Universe::new(schedule.seed);
        universe.keeps_instances = true;
        universe.validates_answers = schedule.validates;
        if schedule.compares {
            universe.aws().table().compare();
        }
        universe.watch.clocks_wrong_by_ms = super::chance::SKEW_MAX_MS;
        let started_ms = universe.now_ms();
        Rc::new(Self {
            universe: RefCell::new(universe),
            chance,
            is_calm: Cell::new(false),
            news: tokio::sync::Notify::new(),
            complaints: RefCell::default(),
            seen: RefCell::default(),
            webhooks: RefCell::default(),
            fired: RefCell::default(),
            orders: RefCell::default(),
            marked: RefCell::default(),
            lines: RefCell::new(trace::Lines::new(schedule.traced, started_ms)),
            started_ms,
        })
    }

    /// Looks at the universe, or changes it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Universe) -> T) -> T {
        look(&mut self.universe.borrow_mut())
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.universe.borrow().now_ms()
    }

    pub(super) fn is_calm(&self) -> bool {
        self.is_calm.get()
    }

    /// From now on nothing goes wrong: vendors are up, and every instance is a new one with a right clock.
    pub(super) fn calm_down(&self) {
        self.is_calm.set(true);
        self.with(|universe| {
            universe.sandbox().faults().clear();
            universe.forget_instances();
        });
        self.note(|| "from here on nothing goes wrong".to_owned());
    }

    /// Takes note of what is wrong.
    pub(super) fn complain(&self, what: String) {
        self.note(|| format!("WRONG: {what}"));
        self.complaints.borrow_mut().push(what);
    }

    pub(super) fn take_complaints(&self) -> Vec<String> {
        self.complaints.take()
    }

    /// Writes a line into the trace, if there is one.
    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        let mut lines = self.lines.borrow_mut();
        if lines.is_wanted() {
            let at_ms = self.now_ms();
            lines.write(at_ms, line());
        }
    }

    /// Whether a mishap that is no request's happens here; takes note of it.
    pub(super) fn strikes(&self, kind: Mishap, number: Identity) -> bool {
        let strikes = !self.is_calm() && self.chance.strikes(kind, number);
        if strikes {
            self.fired.borrow_mut().push((number, kind, 0));
            self.note(|| format!("{kind:?}"));
        }
        strikes
    }

    /// Names a piece of work, this time that it comes up.
    pub(super) fn identity(&self, work: &str) -> Identity {
        self.seen.borrow_mut().next(work)
    }

    /// Names a webhook: the same at each of its tries.
    pub(super) fn identity_of_webhook(&self, id: u64, work: &str) -> Identity {
        *self.webhooks.borrow_mut().entry(id).or_insert_with(|| self.identity(work))
    }

    /// Lets time pass.
    pub(super) async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }

    /// Calls the API once.
    pub(super) async fn call(&self, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Response {
        let request = Box::new(api_request(method, path, key, body));
        let job = Job::Request(behind(path), request, path.to_owned());
        let (number, done) = self.invoke(job).await;
        let Done::Answered(answer) = done else { return Response::Died };
        self.note(|| {
            let body = answer.body();
            let told = ["code", "status", "payment_id", "refund_id", "shipment_id"];
            let told = told.map(|name| body[name].as_str().unwrap_or("-").to_owned());
            format!("#{number} {method} {path} {} → {} {}", key.unwrap_or("-"), answer.status(), told.join(" "))
        });
        answer
    }

    /// Runs one invocation, with whatever goes wrong in it.
    pub(super) async fn invoke(&self, job: Job) -> (usize, Done) {
        let identity = self.identity(&of_job(&job));
        if self.strikes(Mishap::Redeployed, identity) {
            self.with(Universe::forget_instances);
        }
        let mut planned = Vec::new();
        let mut running = self.with(|universe| {
            if !self.is_calm() {
                let plan;
                (plan, planned) = self.chance.plan(identity);
                universe.plans.insert(universe.invocations.len(), plan);
            }
            universe.start(job)
        });
        let number = running.number;
        if running.is_cold && !self.is_calm() {
            running.probe.set_clock_offset_ms(self.chance.skew_ms(identity));
            if running.probe.clock_offset_ms() != 0 {
                self.fired.borrow_mut().push((identity, Mishap::ClockSkew, 0));
            }
        }
        self.note(|| format!("#{number} {:?} begins", running.function));
        let done = (&mut running.future).await;
        self.with(|universe| universe.finish(&running, &done));
        self.book(&running, &done, &planned);
        self.news.notify_one();
        (number, done)
    }

    /// Writes down what left an invocation, and which of its mishaps happened.
    fn book(&self, running: &crate::invocation::Running, done: &Done, planned: &[Fired]) {
        let number = running.number;
        let mut happening = Vec::new();
        let reached = running.probe.count();
        for (identity, kind, n) in planned {
            let request = running.probe.request(*n);
            let happened = match (kind, &request) {
                (Mishap::Crash, _) => running.probe.is_crashed() && *n <= reached + 1,
                (_, Some(request)) => kind.fits(&request.name),
                (_, None) => false,
            };
            if happened {
                happening.push((*identity, *kind, *n));
            }
        }
        let mut lines = self.lines.borrow_mut();
        if lines.is_wanted() {
            lines.requests(number, running.function, &running.probe, &happening);
            let at_ms = self.now_ms();
            let end = match done {
                Done::Answered(answer) => format!("answers {}", answer.status()),
                Done::Worked(failed) if failed.is_empty() => "ends".to_owned(),
                Done::Worked(failed) => format!("returns {} messages", failed.len()),
                Done::AnsweredEvent(_) | Done::Ticked | Done::Rotated(_) => "ends".to_owned(),
                Done::Died => "DIES".to_owned(),
            };
            lines.write(at_ms, format!("#{number} {:?} {end}", running.function));
        }
        self.fired.borrow_mut().extend(happening);
    }

    /// What the run came to, violations left out.
    pub(super) fn played(&self) -> Played {
        let fired = self.fired.take();
        let mut stats = Stats { seeds: 1, orders: self.orders.borrow().len() as u64, ..Stats::default() };
        for (_, kind, _) in &fired {
            *stats.mishaps.entry(format!("{kind:?}")).or_default() += 1;
        }
        self.with(|universe| {
            universe.count(&mut stats);
            stats.simulated_ms = u64::try_from(universe.now_ms() - self.started_ms).unwrap_or(0);
        });
        let changes = self.with(|universe| std::mem::take(&mut universe.watch.moves));
        let trace = self.lines.take().finish(&changes);
        Played { violations: Vec::new(), fired, orders: self.orders.borrow().clone(), stats, trace }
    }
}
