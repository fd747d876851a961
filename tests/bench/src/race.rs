//! Everybody in turn, round after round: each round starts every contender cold and then keeps it warm for a while.
//! The order rotates, so that whatever else the machine does falls on everybody alike.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use crate::certificate::RootFiles;
use crate::contenders::{Contender, Role};
use crate::events::{Events, Workload};
use crate::function::Function;
use crate::installed::Workspace;
use crate::server::{Delays, Server, Service};
use crate::statistics::{Spread, median};

/// Answers come this late in the second part of a round: a call within a region, and a vendor's create.
pub const DELAYS: Delays = Delays { aws: Duration::from_millis(5), vendor: Duration::from_millis(150) };
/// How long the first durable write of a cold instance may take.
const DURABLE_WITHIN: Duration = Duration::from_secs(20);

/// How much is done.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Amount {
    /// Rounds.
    pub rounds: usize,
    /// Invocations before the measured ones: caches fill, compilers compile.
    pub settling: u64,
    /// Measured invocations of a round, answers coming at once.
    pub warm: u64,
    /// Measured invocations of a round, answers coming late.
    pub delayed: u64,
}

/// What one round says about one contender.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Round {
    /// Spawn to ready, milliseconds.
    pub init_ms: f64,
    /// The first invocation, milliseconds.
    pub first_ms: f64,
    /// A warm invocation (median), milliseconds.
    pub warm_ms: f64,
    /// A warm invocation whose calls take as long as real ones (median), milliseconds.
    pub delayed_ms: f64,
    /// CPU time of a warm invocation (mean), milliseconds.
    pub cpu_ms: f64,
    /// Peak resident memory at the end, MiB.
    pub memory_mib: f64,
}

impl Round {
    /// A cold start as its caller sees it: init and the first invocation.
    pub fn cold_ms(&self) -> f64 {
        self.init_ms + self.first_ms
    }
}

/// Everything about one contender.
#[derive(Clone, Debug, Serialize)]
pub struct Runs {
    /// What it does.
    #[serde(skip)]
    pub workload: Workload,
    /// What it is to us.
    #[serde(skip)]
    pub role: Role,
    /// `workload/id`
    pub name: String,
    /// For tables.
    pub label: String,
    /// Requests that leave one warm invocation, by what they are.
    pub calls: BTreeMap<String, f64>,
    /// What is uploaded, bytes.
    pub zip_bytes: Option<u64>,
    /// One entry a round.
    pub rounds: Vec<Round>,
}

impl Runs {
    /// Middle and spread of one measure over the rounds.
    pub fn spread(&self, measure: impl Fn(&Round) -> f64) -> Option<Spread> {
        Spread::of(&self.rounds.iter().map(measure).collect::<Vec<_>>())
    }

    /// How many times as much as `other`, by the median of the rounds' own ratios.
    pub fn ratio(&self, other: &Self, measure: impl Fn(&Round) -> f64) -> Option<f64> {
        let ratios: Vec<f64> =
            self.rounds.iter().zip(&other.rounds).map(|(mine, other)| measure(mine) / measure(other)).collect();
        median(&ratios)
    }
}

/// Runs the contenders of one workload against each other. `cpu` is where the functions run.
///
/// # Errors
/// When one of them fails: a race with a broken contender says nothing.
pub async fn run(
    contenders: &[&Contender],
    workspace: &Workspace,
    server: &Server,
    events: &Events,
    amount: Amount,
    cpu: Option<usize>,
) -> Result<Vec<Runs>> {
    let mut all: Vec<Runs> = contenders.iter().map(|contender| no_runs(contender)).collect();
    let mut number = 0;
    for round in 0..amount.rounds {
        eprintln!("{}: round {} of {}", contenders[0].workload.name(), round + 1, amount.rounds);
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let contender = contenders[index];
            let launch = contender.launch(workspace, &server.url(), cpu, &[]);
            let mut instance = Instance { contender, events, server, number: &mut number };
            let (measured, calls) = instance.round(Function::start(&launch, None).await?, amount).await?;
            all[index].rounds.push(measured);
            all[index].calls = calls;
        }
    }
    Ok(all)
}

fn no_runs(contender: &Contender) -> Runs {
    Runs {
        workload: contender.workload,
        role: contender.role,
        name: format!("{}/{}", contender.workload.name(), contender.id),
        label: contender.label.to_owned(),
        calls: BTreeMap::new(),
        zip_bytes: contender.zip_bytes,
        rounds: Vec::new(),
    }
}

/// One instance's way through a round.
struct Instance<'a> {
    contender: &'a Contender,
    events: &'a Events,
    server: &'a Server,
    number: &'a mut u64,
}

impl Instance<'_> {
    async fn round(&mut self, mut function: Function, amount: Amount) -> Result<(Round, BTreeMap<String, f64>)> {
        self.server.set_delays(Delays::default());
        self.server.take_arrivals();
        let init = function.ready().await.with_context(|| self.contender.label)?;
        let first = self.invoke(&mut function, true).await?;
        self.many(&mut function, amount.settling).await?;

        self.server.take_arrivals();
        let cpu_before = function.cpu_time()?;
        let warm = self.many(&mut function, amount.warm).await?;
        let cpu = function.cpu_time()?.saturating_sub(cpu_before);
        let calls = counted(self.server, amount.warm);

        self.server.set_delays(DELAYS);
        let delayed = self.many(&mut function, amount.delayed).await?;
        #[expect(clippy::cast_precision_loss, reason = "there are never 2^52 KiB or invocations")]
        let measured = Round {
            init_ms: ms(init),
            first_ms: first,
            warm_ms: warm,
            delayed_ms: delayed,
            cpu_ms: ms(cpu) / amount.warm as f64,
            memory_mib: function.peak_memory_kib()? as f64 / 1024.0,
        };
        Ok((measured, calls))
    }

    /// The median of this many invocations, in milliseconds.
    async fn many(&mut self, function: &mut Function, count: u64) -> Result<f64> {
        let mut took = Vec::new();
        for _ in 0..count {
            took.push(self.invoke(function, false).await?);
        }
        Ok(median(&took).unwrap_or(f64::NAN))
    }

    /// One invocation, in milliseconds.
    async fn invoke(&mut self, function: &mut Function, check: bool) -> Result<f64> {
        *self.number += 1;
        let event = self.events.make(self.contender.workload, *self.number);
        let invoked = function.invoke(event).await.with_context(|| self.contender.label)?;
        if check && self.contender.role != Role::Empty && self.contender.role != Role::Bare {
            let answer: Value = serde_json::from_slice(&invoked.body)?;
            let arrivals = self.server.take_arrivals();
            self.contender.workload.check(&answer, &arrivals).with_context(|| self.contender.label)?;
        }
        Ok(ms(invoked.took))
    }
}

/// Requests of one invocation, by what they are.
fn counted(server: &Server, invocations: u64) -> BTreeMap<String, f64> {
    let mut calls: BTreeMap<String, f64> = BTreeMap::new();
    for arrival in server.take_arrivals() {
        *calls.entry(format!("{} {}", arrival.service.name(), arrival.operation)).or_default() += 1.0;
    }
    for count in calls.values_mut() {
        #[expect(clippy::cast_precision_loss, reason = "there are never 2^52 invocations")]
        let share = *count / invocations as f64;
        *count = share;
    }
    calls
}

/// From spawning a cold instance, whose event waits already, to its message lying whole in SQS's hands, over TLS.
#[derive(Clone, Debug, Serialize)]
pub struct Durable {
    /// For tables.
    pub label: String,
    /// Milliseconds, one a round.
    pub rounds_ms: Vec<f64>,
}

/// Runs the webhook contenders against each other, to their first durable write over TLS.
///
/// # Errors
/// When one of them writes nothing.
pub async fn to_durable(
    contenders: &[&Contender],
    workspace: &Workspace,
    server: &Server,
    root: &RootFiles,
    events: &Events,
    rounds: usize,
    cpu: Option<usize>,
) -> Result<Vec<Durable>> {
    let of = |contender: &&Contender| Durable { label: contender.label.to_owned(), rounds_ms: Vec::new() };
    let mut all: Vec<Durable> = contenders.iter().map(of).collect();
    let path = |file: &std::path::Path| file.display().to_string();
    let extra = [
        ("BENCH_ROOT_CERTIFICATE", path(&root.der)),
        ("AWS_CA_BUNDLE", path(&root.pem)),
        ("NODE_EXTRA_CA_CERTS", path(&root.pem)),
    ];
    for round in 0..rounds {
        eprintln!("first durable write over TLS: round {} of {rounds}", round + 1);
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let contender = contenders[index];
            let launch = contender.launch(workspace, &server.url(), cpu, &extra);
            server.take_arrivals();
            let function = Function::start(&launch, Some(events.make(Workload::Webhook, 1))).await?;
            let written = server.wait_for(|arrival| arrival.service == Service::Sqs, DURABLE_WITHIN).await;
            let written = written.with_context(|| contender.label)?;
            all[index].rounds_ms.push(ms(written.at.duration_since(function.spawned())));
        }
    }
    Ok(all)
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
