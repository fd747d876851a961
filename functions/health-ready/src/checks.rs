//! What is checked: the table, each queue, that each secret is there, and whether Stripe's calls pass.

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock::aws::{Key, Queues, Secrets, Table};
use crossdock::error::{Error, Result};
use crossdock::gateway::breaker::{Standing, State};
use crossdock::gateway::{Vendor, breakers};
use crossdock::lambda::System;
use crossdock::world::World;
use futures_util::future::{BoxFuture, Either, FutureExt as _, join_all, select};

/// How long one check may take: a monitor waits for ten seconds or so, and calls within a region take milliseconds.
const CHECK_MAX: Duration = Duration::from_secs(4);
/// A key that no item has.
const NOBODY: &str = "READY";

/// How one check went: `ok`, or in a word why not.
pub(crate) type Outcome = String;

/// How all of them went.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) checks: BTreeMap<String, Outcome>,
}

impl Report {
    pub(crate) fn is_well(&self) -> bool {
        self.checks.values().all(|outcome| outcome == "ok")
    }
}

/// What is needed to check.
pub(crate) struct Checks {
    world: World,
    table: Table,
    queues: Queues,
    secrets: Secrets,
    queue_urls: Vec<String>,
    secret_ids: Vec<String>,
}

impl Checks {
    pub(crate) fn new(system: &System) -> Result<Self> {
        let list = |name: &str| -> Result<Vec<String>> {
            Ok(system.env().required(name)?.split(',').map(str::to_owned).collect())
        };
        Ok(Self {
            world: system.world().clone(),
            table: system.work_list()?.table().clone(),
            queues: system.queues(),
            secrets: system.secrets().clone(),
            queue_urls: list("READY_QUEUE_URLS")?,
            secret_ids: list("READY_SECRET_IDS")?,
        })
    }

    /// Everything side by side, each within its time.
    pub(crate) async fn run(&self) -> Report {
        let table = ("table".to_owned(), self.reads_table().boxed());
        let stripe = ("stripe".to_owned(), self.stripe_passes().boxed());
        let queues = self.queue_urls.iter().map(|url| {
            let seen: BoxFuture<'_, Result<()>> = async { self.queues.visible(url).await.map(drop) }.boxed();
            (format!("queue {}", last_part(url)), seen)
        });
        let secrets = self.secret_ids.iter().map(|id| {
            let seen: BoxFuture<'_, Result<()>> = self.secrets.describe(id).boxed();
            (format!("secret {}", name_of_secret(id)), seen)
        });
        let all = [table, stripe].into_iter().chain(queues).chain(secrets);
        let limited = all.map(async |(name, check)| {
            let outcome = match select(check, self.world.clock.sleep(CHECK_MAX)).await {
                Either::Left((Ok(()), _)) => "ok".to_owned(),
                Either::Left((Err(error), _)) => error.code.to_owned(),
                Either::Right(_) => "no_answer".to_owned(),
            };
            (name, outcome)
        });
        Report { checks: join_all(limited).await.into_iter().collect() }
    }

    async fn reads_table(&self) -> Result<()> {
        self.table.get(&Key::new(NOBODY, NOBODY)).await.map(drop)
    }

    /// Whether Stripe is called. Other vendors are missed by fewer, and their alarms tell of them.
    async fn stripe_passes(&self) -> Result<()> {
        let now = self.world.now();
        let found = breakers(&self.table, &[Vendor::Stripe]).await?;
        let shut = found.iter().any(|((_, switch), breaker)| {
            let stops_payments = switch.is_key() || switch.as_str() == "effect";
            let is_open = breaker.state == State::Open || matches!(breaker.standing(now), Standing::Shut { .. });
            stops_payments && is_open
        });
        if shut { Err(Error::transient("breaker_open", "calls to Stripe are held back")) } else { Ok(()) }
    }
}

fn last_part(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// `arn:…:secret:/crossdock/production/stripe-AbCdEf` → `stripe`; Secrets Manager adds a hyphen and six characters.
fn name_of_secret(id: &str) -> &str {
    let last = last_part(id);
    if id.starts_with("arn:") { last.rsplit_once('-').map_or(last, |(name, _)| name) } else { last }
}
