//! `crossdock deploy check`: what stands against a deployment in this account, before and after it.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use clap::Subcommand;
use crossdock::aws::account::{Concurrency, configured};
use crossdock::aws::{Deployment, Settings};
use crossdock::lambda::Env;
use crossdock::world::World;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compare reserved concurrency with the account's quota, and what is called with what was deployed
    Check {
        /// Parameters of the next deployment, over those of the last one
        #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
        parameters: Vec<(String, String)>,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "NAME=VALUE".to_owned())
}

/// It works before there is a stack: a new account has ten executions, and nobody should learn that from a deployment that fails.
pub(crate) async fn run(stack: &str, command: Command) -> Result<()> {
    let Command::Check { parameters } = command;
    let (settings, world) = (Env::of_process().aws()?, World::real()?);
    let deployment = match Deployment::find(&settings, stack, &world).await {
        Ok(deployment) => Some(deployment),
        Err(error) if error.code == "stack_not_found" => None,
        Err(error) => return Err(error.into()),
    };
    let deployed = deployment.as_ref().map(|deployment| deployment.parameters.clone()).unwrap_or_default();
    let mut wanted = deployed.clone();
    wanted.extend(parameters);
    let account = Concurrency::of_account(&settings, &world).await?;
    println!("This account may run {} functions at once; {} are not reserved.", account.total, account.unreserved);
    let mut found = account.against(&wanted, &deployed);
    match deployment {
        Some(_) => found.extend(behind(&settings, &world, stack).await?),
        None => println!("There is no stack {stack} yet."),
    }
    for one in &found {
        println!("! {one}");
    }
    if found.is_empty() {
        println!("Nothing stands against it.");
        return Ok(());
    }
    bail!("{} to look at", found.len())
}

/// Functions whose alias calls another version than the one that was deployed last.
async fn behind(settings: &Settings, world: &World, stack: &str) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for function in Deployment::functions(settings, stack, world).await? {
        let live = configured(settings, world, &function, "live").await?;
        let latest = configured(settings, world, &function, "$LATEST").await?;
        if live != latest {
            found.insert(function);
        }
    }
    let say = |function| format!("{function}: the alias `live` is behind. Deploy again with another Release.");
    Ok(found.into_iter().map(say).collect())
}
