//! `crossdock alert …`: telling people on call something, and testing that they are told.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use crossdock::alerts::{NoticeRecord, Outcome, Severity, notice_key};
use serde_json::json;

use crate::stack::Stack;

/// How long we wait for alert-notifier to write down what became of an alert: longer than Slack may ask for patience.
const TOLD_WITHIN: Duration = Duration::from_secs(75);
/// How often we look.
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Alert {
    #[command(subcommand)]
    command: Option<Command>,
    /// The title, in a few words without personal data
    title: Option<String>,
    /// `critical` wakes somebody at night, `warning` waits for the morning, `info` is for information
    #[arg(long, default_value = "warning", value_parser = severity)]
    severity: Severity,
    /// More text
    #[arg(long, default_value = "")]
    text: String,
}

#[derive(Subcommand)]
enum Command {
    /// Send one test alert of each severity to everybody; fails if somebody does not get it
    Test,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| format!("one of {}", Severity::ALL.map(Severity::as_str).join(", ")))
}

pub(crate) async fn run(stack: &Stack, alert: Alert) -> Result<()> {
    match (alert.command, alert.title) {
        (Some(Command::Test), _) => test(stack).await,
        (None, Some(title)) => {
            let by = format!("By {}.", stack.operator().who);
            let text = [alert.text.as_str(), by.as_str()].join(" ");
            let id = publish(stack, alert.severity, &title, text.trim(), false).await?;
            println!("{}", described(alert.severity, &told(stack, &id).await?)?);
            Ok(())
        }
        (None, None) => bail!("say what to tell, or `test`"),
    }
}

async fn publish(stack: &Stack, severity: Severity, title: &str, text: &str, is_test: bool) -> Result<String> {
    let message = json!({ "crossdock_alert": title, "text": text, "is_test": is_test });
    Ok(stack.topics()?.publish(stack.topic(severity)?, &message.to_string()).await?)
}

/// One of each, side by side, and everybody who has not confirmed.
async fn test(stack: &Stack) -> Result<()> {
    let mut problems = Vec::new();
    for severity in Severity::ALL {
        // SNS forgets who has not confirmed within two days, and who has clicked on "unsubscribe"; the stack does not notice.
        let mail = stack.parameter(&format!("{}Mail", severity.title()));
        let mut is_missing = mail.is_some();
        for subscription in stack.topics()?.subscriptions(stack.topic(severity)?).await? {
            let confirmed = if subscription.is_confirmed { "confirmed" } else { "NOT CONFIRMED" };
            // A mail address is whose it is, and whoever runs this has set it.
            println!("{:9} {:7} {confirmed}", severity.as_str(), subscription.protocol);
            is_missing &= mail != Some(subscription.endpoint.as_str());
            if !subscription.is_confirmed {
                problems.push(format!(
                    "{}: the mail of SNS to {} is not confirmed",
                    severity.as_str(),
                    subscription.endpoint
                ));
            }
        }
        if let Some(mail) = mail.filter(|_| is_missing) {
            problems.push(format!(
                "{}: {mail} is not subscribed any more; subscribe it again with `aws sns subscribe`",
                severity.as_str()
            ));
        }
    }
    for severity in Severity::ALL {
        let text = "Nothing is wrong: this tests that alerts arrive.";
        let id = publish(stack, severity, "A test", text, true).await?;
        match told(stack, &id).await.and_then(|record| described(severity, &record)) {
            Ok(said) => println!("{said}"),
            Err(problem) => problems.push(format!("{}: {problem:#}", severity.as_str())),
        }
    }
    if problems.is_empty() {
        println!("Everybody is told.");
        return Ok(());
    }
    bail!("Not everybody is told:\n{}", problems.join("\n"))
}

/// What alert-notifier has written down of a message.
async fn told(stack: &Stack, id: &str) -> Result<NoticeRecord> {
    #[derive(serde::Deserialize)]
    struct Row {
        record: NoticeRecord,
    }
    let list = stack.list()?;
    let end = stack.now().plus(TOLD_WITHIN);
    let mut last = None;
    while stack.now() < end {
        if let Some(item) = list.table().get(&notice_key(id)).await? {
            let Row { record } = item.parse()?;
            if record.slack.is_some() {
                return Ok(record);
            }
            last = record.failure;
        }
        stack.world().clock.sleep(LOOK_EVERY).await;
    }
    match last {
        Some(failure) => bail!("it could not be told: {failure}; it is tried again for six hours"),
        None => bail!("alert-notifier has not heard it within {} s: look at its log", TOLD_WITHIN.as_secs()),
    }
}

fn described(severity: Severity, record: &NoticeRecord) -> Result<String> {
    if record.slack == Some(Outcome::NotConfigured) {
        bail!("Slack is not set up: slack_webhook_url is missing in the secret `alerts`");
    }
    let incident = match record.incident {
        Some(Outcome::Told) => ", and an incident at Better Stack",
        Some(Outcome::NotConfigured) => {
            ", and no incident: betterstack_incidents_url is missing in the secret `alerts`"
        }
        Some(Outcome::NotWanted) | None => "",
    };
    Ok(format!("{:9} told in Slack{incident}", severity.as_str()))
}
