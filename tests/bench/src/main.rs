//! `cargo measure`: builds, installs, measures, and writes the results down. `cargo measure build` stops before it
//! measures, for a machine that is not quiet yet; `cargo measure load` follows orders, `cargo measure deadline` asks slow
//! carriers for prices, `cargo measure instructions` only counts.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use bench::callgrind;
use bench::canned::Canned;
use bench::certificate::Identity;
use bench::contenders::{Field, Role};
use bench::deadline;
use bench::events::{Events, Workload};
use bench::function::bind_this_thread;
use bench::installed::{Workspace, version, which};
use bench::package;
use bench::race::{self, Amount, DELAYS};
use bench::report::Results;
use bench::server::Server;
use bench::targets;
use bench::verification::{self, Verification};
use clap::{Parser, Subcommand};

/// A run whose numbers are worth publishing.
const THOROUGH: Amount = Amount { rounds: 15, settling: 50, warm: 200, delayed: 7 };
/// A run that shows that everything works.
const QUICK: Amount = Amount { rounds: 2, settling: 10, warm: 30, delayed: 2 };
/// Where functions run, and where the bench with its server: apart, where there are two CPUs.
const FUNCTION_CPU: usize = 0;
const BENCH_CPU: usize = 1;

/// Measures our functions beside floors and competitors.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// A short run: does everything work?
    #[arg(long)]
    quick: bool,
    /// Rounds (15, or 2 when quick).
    #[arg(long)]
    rounds: Option<usize>,
    /// Cargo's profile for the functions. Only `release` is what is shipped.
    #[arg(long, default_value = "release", global = true)]
    profile: String,
    /// Without the competitors in Python and Node.
    #[arg(long, global = true)]
    no_peers: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Follows orders through the payment flow and counts what each costs.
    Load {
        /// How many.
        #[arg(long, default_value_t = 200)]
        orders: u32,
    },
    /// Only builds and installs everything that the others measure.
    Build,
    /// Only asks for prices while carriers are slow, broken or silent, and writes nothing down.
    Deadline,
    /// Only counts instructions, and writes nothing down.
    Instructions,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let workspace = Workspace::of_this_program(&arguments.profile)?;
    match arguments.command {
        Some(Command::Load { orders }) => return bench::load::run(&workspace, orders, &on_one_thread()?),
        Some(Command::Build) => return build(&workspace, !arguments.no_peers),
        Some(Command::Deadline) => return quotes(&workspace),
        Some(Command::Instructions) => return on_one_thread()?.block_on(instructions(&workspace)),
        None => {}
    }
    let field = Field::gather(&workspace, !arguments.no_peers)?;
    let zips = zips(&workspace, arguments.quick)?;

    let apart = apart()?;
    let mut amount = if arguments.quick { QUICK } else { THOROUGH };
    amount.rounds = arguments.rounds.unwrap_or(amount.rounds);
    ensure!(amount.rounds > 0, "no rounds, no results");
    let cpu = apart.then_some(FUNCTION_CPU);
    let mut results = on_one_thread()?.block_on(measure(&workspace, &field, amount, cpu))?;
    results.zips = zips;
    results.circumstances.extend(circumstances(&workspace, apart));
    results.judge();

    let quick_or_local = arguments.quick || arguments.profile != "release";
    let folder = if quick_or_local { workspace.home().join("results") } else { workspace.sources().join("results") };
    results.write(&folder)?;
    println!("{}", results.text());
    println!("written to {}", folder.display());
    Ok(())
}

/// Keeps this thread off the functions' CPU, where there are two. Called when everything is built: a build may use both.
fn apart() -> Result<bool> {
    let apart = std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > BENCH_CPU);
    if apart {
        bind_this_thread(BENCH_CPU)?;
    }
    Ok(apart)
}

fn on_one_thread() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Builds and installs everybody, and says who can be measured.
fn build(workspace: &Workspace, with_peers: bool) -> Result<()> {
    workspace.build_all()?;
    let field = Field::gather(workspace, with_peers)?;
    for contender in &field.present {
        println!("ready: {}, {}", contender.workload.name(), contender.label);
    }
    for (label, why) in &field.absent {
        println!("left out: {label}: {why}");
    }
    Ok(())
}

/// Only what carriers cost a quote.
fn quotes(workspace: &Workspace) -> Result<()> {
    workspace.build(deadline::FUNCTION)?;
    let cpu = apart()?.then_some(FUNCTION_CPU);
    let events = Events::read(&workspace.root)?;
    let waited = on_one_thread()?.block_on(deadline::run(workspace, &events, cpu))?;
    print!("{}\n{}", deadline::table(&waited), targets::table(&targets::of_quotes(&waited)));
    Ok(())
}

async fn measure(workspace: &Workspace, field: &Field, amount: Amount, cpu: Option<usize>) -> Result<Results> {
    let events = Events::read(&workspace.root)?;
    let plain = Server::start(Arc::new(Canned), None).await?;
    let mut left_out: BTreeMap<String, String> = field.absent.iter().cloned().collect();

    let mut race = Vec::new();
    for workload in Workload::ALL {
        let contenders = field.of(workload, &[Role::Ours, Role::Unwarmed, Role::Empty, Role::Bare, Role::Peer]);
        race.extend(race::run(&contenders, workspace, &plain, &events, amount, cpu).await?);
    }

    let deadline = deadline::run(workspace, &events, cpu).await?;

    let identity = Identity::new()?;
    let root = identity.write_root(&workspace.home().join("tls"))?;
    let tls = Server::start(Arc::new(Canned), Some(&identity)).await?;
    let contenders = field.of(Workload::Webhook, &[Role::Tls, Role::Peer]);
    let mut in_order = contenders.clone();
    in_order.sort_by_key(|contender| contender.role != Role::Tls);
    let durable = race::to_durable(&in_order, workspace, &tls, &root, &events, amount.rounds, cpu).await?;

    let mut instructions = Vec::new();
    if let Some(why) = callgrind::missing() {
        left_out.insert("instructions".to_owned(), why);
    } else {
        instructions = callgrind::all(field, workspace, &plain, &events).await?;
    }
    let verification = signatures(workspace, &events, &left_out)?;
    Ok(Results {
        circumstances: BTreeMap::new(),
        amount,
        race,
        durable,
        deadline,
        instructions,
        verification,
        zips: BTreeMap::new(),
        left_out,
        targets: Vec::new(),
    })
}

async fn instructions(workspace: &Workspace) -> Result<()> {
    if let Some(why) = callgrind::missing() {
        bail!(why);
    }
    let field = Field::gather(workspace, false)?;
    let (events, server) = (Events::read(&workspace.root)?, Server::start(Arc::new(Canned), None).await?);
    for counted in callgrind::all(&field, workspace, &server, &events).await? {
        println!("{}: init {}, invocation {}", counted.label, counted.init, counted.invocation);
    }
    Ok(())
}

fn signatures(
    workspace: &Workspace,
    events: &Events,
    left_out: &BTreeMap<String, String>,
) -> Result<Vec<Verification>> {
    let body = events.webhook_body();
    let mut all = verification::ours(body)?;
    let scripts = [
        ("Python, stripe: construct_event", "python-powertools", "bin/python", "verification.py"),
        ("Node, stripe: constructEvent", "node-stripe", "", "verification.mjs"),
    ];
    for (label, name, interpreter, script) in scripts {
        let folder = workspace.home().join(name);
        let program = if interpreter.is_empty() { which("node") } else { Some(folder.join(interpreter)) };
        let script = match name {
            "node-stripe" => folder.join(script), // beside its packages
            _ => workspace.sources().join("functions").join(name).join(script),
        };
        if let Some(program) = program.filter(|program| program.is_file() && script.is_file() && left_out.is_empty()) {
            all.push(verification::peer(label, &program, &script, &folder, body)?);
        }
    }
    Ok(all)
}

/// The zips of all functions; of those that are built anyway when quick.
fn zips(workspace: &Workspace, quick: bool) -> Result<BTreeMap<String, u64>> {
    let mut zips = BTreeMap::new();
    for name in workspace.functions()? {
        if !quick {
            workspace.build(&name)?;
        }
        let program = workspace.program(&name);
        if program.is_file() {
            zips.insert(name, package::zipped(&[("bootstrap".to_owned(), program)])?);
        }
    }
    Ok(zips)
}

fn circumstances(workspace: &Workspace, apart: bool) -> BTreeMap<String, String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cpus = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let of = |program: &str| which(program).map_or_else(|| "missing".to_owned(), |found| version(&found));
    let bound = if apart {
        format!("functions on CPU {FUNCTION_CPU}, the bench and its server on CPU {BENCH_CPU}")
    } else {
        "none".to_owned()
    };
    [
        ("CPU", format!("{} × {}", cpus, model.trim_start_matches([' ', '\t', ':']))),
        ("Bound to CPUs", bound),
        ("Profile", workspace.profile.clone()),
        ("Rust", of("rustc")),
        ("Python", version(&workspace.home().join("python-boto3/bin/python"))),
        ("Node", of("node")),
        ("Delays", format!("AWS {} ms, vendor {} ms", DELAYS.aws.as_millis(), DELAYS.vendor.as_millis())),
        ("Command", std::env::args().skip(1).fold("cargo measure".to_owned(), |all, one| all + " " + &one)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
