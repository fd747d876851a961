//! `crossdock secret rotate …`: a new key for a vendor whose keys nobody can make by an API. The key is read without being shown,
//! tried with a harmless read, and put; then the command watches whether calls go on, and says when the old key may go.

mod tried;
mod typed;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_secretsmanager::Client;
use clap::{Subcommand, ValueEnum};
use crossdock::domain::Private;
use crossdock::gateway::breaker::{State, Switch};
use crossdock::gateway::{Vendor, breakers};
use secret_rotator::NOBODY_HAS_IT_AFTER;
use serde_json::{Map, Value};

use crate::confirm::Confirm;
use crate::stack::Stack;

/// How long calls are watched: every function has read the new key by then, and has made a call if there was one to make.
const WATCHED: Duration = Duration::from_secs(6 * 60);
/// How often we look.
const LOOK_EVERY: Duration = Duration::from_secs(15);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Put another key for a vendor: asks for it, tries it, watches the first calls, and says when the old one may go
    Rotate {
        /// The vendor
        vendor: ByHand,
        /// Do not watch the first calls
        #[arg(long)]
        no_watch: bool,
    },
}

/// The vendors whose keys a person makes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ByHand {
    Stripe,
    Twilio,
    Fedex,
    Ups,
    Dhl,
    Postmark,
}

/// A field of a secret that is asked for.
pub(crate) struct Field {
    /// Where it lies: names with dots between.
    path: &'static str,
    /// What a person calls it.
    says: &'static str,
    /// Whether it may be seen.
    is_shown: bool,
}

fn shown(path: &'static str, says: &'static str) -> Field {
    Field { path, says, is_shown: true }
}

fn hidden(path: &'static str, says: &'static str) -> Field {
    Field { path, says, is_shown: false }
}

impl ByHand {
    const fn vendor(self) -> Vendor {
        match self {
            Self::Stripe => Vendor::Stripe,
            Self::Twilio => Vendor::Twilio,
            Self::Fedex => Vendor::Fedex,
            Self::Ups => Vendor::Ups,
            Self::Dhl => Vendor::Dhl,
            Self::Postmark => Vendor::Postmark,
        }
    }

    /// What is asked for. The rest of the secret stays as it is.
    fn fields(self) -> Vec<Field> {
        match self {
            Self::Stripe => vec![hidden("api_key", "the new API key (rk_… or sk_…)")],
            Self::Twilio => {
                vec![shown("api_key.sid", "the SID of the new API key (SK…)"), hidden("api_key.secret", "its secret")]
            }
            Self::Fedex => {
                vec![shown("client_id", "the project's API key"), hidden("client_secret", "its new secret key")]
            }
            Self::Ups => {
                vec![shown("client_id", "the application's client id"), hidden("client_secret", "its new secret")]
            }
            Self::Dhl => vec![shown("username", "the API's user name"), hidden("password", "its new password")],
            Self::Postmark => vec![hidden("server_token", "the server's new API token")],
        }
    }

    /// Where the old one is taken away.
    const fn old_goes_at(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe: Developers, API keys",
            Self::Twilio => "Twilio: Account, API keys & tokens",
            Self::Fedex => "FedEx: the project's page, which has one key at a time",
            Self::Ups => "UPS: the application's page",
            Self::Dhl => "DHL: the developer portal",
            Self::Postmark => "Postmark: the server's API tokens",
        }
    }
}

pub(crate) async fn run(stack: &Stack, command: Command, confirm: Confirm) -> Result<()> {
    let Command::Rotate { vendor, no_watch } = command;
    let client = secret_rotator::client(stack.system());
    let id = format!("/crossdock/{}/{}", stack.stage(), vendor.vendor().as_str());
    let (version, mut secret) = read(&client, &id).await?;
    for field in vendor.fields() {
        let text = typed::line(field.says, field.is_shown)?;
        put_in(&mut secret, field.path, text.expose())?;
    }
    tried::works(stack, vendor, &secret).await?;
    println!("The vendor takes the new key.");
    confirm.ask(&format!("{id} gets it. Functions use it within five minutes."))?;
    if read(&client, &id).await?.0 != version {
        bail!("Somebody has put another version of {id} meanwhile. Nothing was done.");
    }
    let put = client.put_secret_value().secret_id(&id).secret_string(Value::Object(secret).to_string());
    put.send().await.map_err(|e| crossdock::aws::failure("PutSecretValue", e))?;
    let put_at = stack.now();
    println!("Put.");
    let until = put_at.plus(NOBODY_HAS_IT_AFTER).to_rfc3339();
    let taken = if no_watch { Ok(()) } else { watched(stack, vendor.vendor()).await };
    match taken {
        Ok(()) => println!("The old key may go after {until}, not earlier. {}.", vendor.old_goes_at()),
        Err(error) => return Err(error.context("Keep the old key: it may be needed again")),
    }
    Ok(())
}

/// Watches whether the vendor refuses the key: then the switch opens at once.
async fn watched(stack: &Stack, vendor: Vendor) -> Result<()> {
    let until = stack.now().plus(WATCHED);
    println!("Watching the calls for six minutes. Ctrl-C ends that; the key stays.");
    while stack.now() < until {
        let all = breakers(stack.list()?.table(), &[vendor]).await?;
        if let Some(breaker) = all.get(&(vendor, Switch::Key))
            && breaker.state != State::Closed
        {
            bail!("The switch {} key is not closed: `crossdock breaker show` says why.", vendor.as_str());
        }
        stack.world().clock.sleep(LOOK_EVERY).await;
    }
    println!("No call was refused for its key.");
    Ok(())
}

/// The current version, and what is in it.
async fn read(client: &Client, id: &str) -> Result<(String, Map<String, Value>)> {
    let answer = client.get_secret_value().secret_id(id).send().await;
    let answer = answer.map_err(|e| crossdock::aws::failure("GetSecretValue", e))?;
    // The text never stands in an error.
    let secret = serde_json::from_str(answer.secret_string.as_deref().unwrap_or("{}"));
    let secret = secret.ok().with_context(|| format!("{id} is no JSON object"))?;
    Ok((answer.version_id.unwrap_or_default(), secret))
}

/// Puts a value in its place, making what is on the way.
fn put_in(secret: &mut Map<String, Value>, path: &str, value: &str) -> Result<()> {
    match path.split_once('.') {
        None => {
            secret.insert(path.to_owned(), Value::from(value));
        }
        Some((first, rest)) => {
            let inner = secret.entry(first).or_insert_with(|| Value::Object(Map::new()));
            let inner = inner.as_object_mut().with_context(|| format!("{first} of the secret is no object"))?;
            put_in(inner, rest, value)?;
        }
    }
    Ok(())
}

/// A field of a secret, as text that does not print.
pub(crate) fn field(secret: &Map<String, Value>, path: &str) -> Private<String> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let found = secret.get(first);
    match (found, rest) {
        (Some(Value::Object(inner)), Some(rest)) => field(inner, rest),
        (Some(Value::String(text)), None) => Private::new(text.clone()),
        _ => Private::new(String::new()),
    }
}
