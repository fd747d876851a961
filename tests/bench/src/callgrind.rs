//! Instructions, counted by valgrind: the same on every run, whatever else the machine does. SHA-2 runs in software
//! there, so signing counts more than on a real CPU. What it counted stays in `target/bench/callgrind`, one file for each
//! run, for `callgrind_annotate`.

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::contenders::{Contender, Field, Role};
use crate::events::{Events, Workload};
use crate::function::Function;
use crate::installed::{Workspace, answers};
use crate::server::Server;

/// Invocations of the shorter and of the longer run: what lies between them is what an invocation costs.
const INVOCATIONS: [u64; 2] = [10, 60];

/// What one function executes.
#[derive(Clone, Debug, Serialize)]
pub struct Instructions {
    /// Name and label of the contender.
    pub label: String,
    /// From exec to the first request for an event.
    pub init: u64,
    /// One warm invocation.
    pub invocation: u64,
}

/// Why it cannot be counted here, if it cannot.
pub fn missing() -> Option<String> {
    let there = answers("valgrind", &["--version"]);
    (!there).then(|| "valgrind is missing (Debian: apt-get install valgrind)".to_owned())
}

/// Counts for all that are written in Rust.
///
/// # Errors
/// When one does not run under valgrind.
pub async fn all(field: &Field, workspace: &Workspace, server: &Server, events: &Events) -> Result<Vec<Instructions>> {
    let mut all = Vec::new();
    for workload in Workload::ALL {
        for contender in field.of(workload, &[Role::Ours, Role::Unwarmed, Role::Empty, Role::Bare]) {
            eprintln!("counting instructions of {}: {}", workload.name(), contender.label);
            all.push(count(contender, workspace, server, events).await?);
        }
    }
    Ok(all)
}

/// Counts for one contender.
///
/// # Errors
/// When it does not run under valgrind.
async fn count(contender: &Contender, workspace: &Workspace, server: &Server, events: &Events) -> Result<Instructions> {
    let init = total(contender, workspace, server, events, 0).await?;
    let [short, long] = INVOCATIONS;
    let less = total(contender, workspace, server, events, short).await?;
    let more = total(contender, workspace, server, events, long).await?;
    let invocation = more.saturating_sub(less) / (long - short);
    Ok(Instructions { label: format!("{}: {}", contender.workload.name(), contender.label), init, invocation })
}

async fn total(
    contender: &Contender,
    workspace: &Workspace,
    server: &Server,
    events: &Events,
    invocations: u64,
) -> Result<u64> {
    let folder = workspace.home().join("callgrind");
    std::fs::create_dir_all(&folder)?;
    let output = folder.join(format!("{}-{}.{invocations}", contender.workload.name(), contender.id));
    let file = format!("--callgrind-out-file={}", output.display());
    let valgrind = ["/usr/bin/env", "valgrind", "--quiet", "--tool=callgrind", &file].map(str::to_owned);
    let launch = contender.clone().behind(valgrind.to_vec()).launch(workspace, &server.url(), None, &[]);
    let mut function = Function::start(&launch, None).await?;
    function.ready().await?;
    for number in 0..invocations {
        function.invoke(events.make(contender.workload, number)).await?;
    }
    function.terminate().await?;
    let counted = std::fs::read_to_string(&output).context("valgrind wrote no counts")?;
    let total = counted.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    total.and_then(|text| text.trim().parse().ok()).context("valgrind's counts have no total")
}
