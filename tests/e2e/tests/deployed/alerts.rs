//! People on call, told by the deployed topics and notifier: what Slack and Better Stack, real HTTP servers, were told.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::operator::done;
use crate::{Deployed, SOON, until};

/// The emulator counts transitions in whole seconds.
const A_SECOND: Duration = Duration::from_millis(1_100);

fn on_call(deployed: &Deployed) -> Result<Value> {
    deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "on-call", None))
}

/// The messages in Slack that have these words.
fn messages(deployed: &Deployed, words: &str) -> Result<Vec<String>> {
    let told = on_call(deployed)?;
    let all = told["slack"].as_array().context("the sandbox shows no messages")?;
    let texts = all.iter().filter_map(|message| message["text"].as_str()).filter(|text| text.contains(words));
    Ok(texts.map(str::to_owned).collect())
}

pub(crate) fn test_to_the_end(deployed: &Deployed) -> Result<()> {
    let said = done(deployed, &["alert", "test"])?;
    ensure!(said.contains("Everybody is told."), "{said}");
    ensure!(messages(deployed, "Title: A test")?.len() == 3, "{:?}", on_call(deployed)?);
    let told = on_call(deployed)?;
    let incidents = told["incidents"].as_array().context("the sandbox shows no incidents")?;
    let of_test: Vec<&Value> = incidents.iter().filter(|incident| incident["title"] == "A test").collect();
    ensure!(of_test.len() == 1 && !of_test[0]["resolved_ms"].is_null(), "{incidents:?}");
    let said = done(deployed, &["alert", "The sale begins", "--severity", "info"])?;
    ensure!(said.contains("told in Slack"), "{said}");
    ensure!(messages(deployed, "Title: The sale begins")?.len() == 1, "{:?}", on_call(deployed)?);
    Ok(())
}

/// One critical message at the beginning and one at the end, through CloudWatch, the topic and the notifier of the stack.
pub(crate) fn alarm_and_its_end(deployed: &Deployed) -> Result<()> {
    let topic = deployed.stack.output("CriticalTopicArn")?;
    let stack = topic.rsplit(':').next().and_then(|name| name.strip_suffix("-critical")).context("the topic's name")?;
    let title = format!("Title: {} refunds beyond the payment", stack.replace('-', " "));
    let set = |state: &str| -> Result<()> {
        let alarm = json!({ "AlarmName": format!("{stack}-refunds-beyond-the-payment"), "StateValue": state, "StateReason": "a test" });
        let target = "GraniteServiceVersion20100801.SetAlarmState";
        deployed.runtime.block_on(deployed.stack.aws_json("monitoring", target, &alarm)).map(drop)
    };
    set("ALARM")?;
    until("the alarm is told", SOON, || Ok((messages(deployed, &title)?.len() == 1).then_some(())))?;
    sleep(A_SECOND);
    set("OK")?;
    until("its end is told", SOON, || Ok((messages(deployed, &title)?.len() == 2).then_some(())))?;
    let told = messages(deployed, &title)?;
    ensure!(
        told[0].contains("Alert: Critical\n") && told[0].contains("next: `cargo crossdock manual list`"),
        "{told:?}"
    );
    ensure!(told[1].contains("Alert: Critical, over\n") && told[1].contains("It lasted "), "{told:?}");
    let incidents = on_call(deployed)?["incidents"].clone();
    let of_it = incidents.as_array().context("the sandbox shows no incidents")?.iter();
    let of_it: Vec<&Value> = of_it
        .filter(|one| one["alert_id"].as_str().is_some_and(|id| id.ends_with("refunds-beyond-the-payment")))
        .collect();
    ensure!(
        of_it.len() == 1 && of_it[0]["resolved_ms"].is_null(),
        "it lasts until somebody can have been called: {of_it:?}"
    );
    Ok(())
}

/// A monitor asks without a signature; a stranger learns that all is well, and nothing else. The sweeper's heartbeat came.
pub(crate) fn readiness_and_heartbeat(deployed: &Deployed) -> Result<()> {
    let ask = |path: &str, headers: &[(&str, &str)]| {
        deployed.runtime.block_on(deployed.stack.call_unsigned(Method::GET, path, headers, Bytes::new()))
    };
    // Other trials may have opened Stripe's breaker for a moment.
    let well = until("all is well", SOON, || {
        let answer = ask("/health/ready", &[])?;
        Ok((answer.status.as_u16() == 200).then_some(answer))
    })?;
    ensure!(well.json() == json!({ "status": "ok" }), "{}", well.json());
    let told = ask("/health/ready", &[("x-monitor-token", "a-token-of-the-local-stack")])?;
    ensure!(told.json()["checks"]["table"] == "ok", "{}", told.json());
    ensure!(ask("/health/ready/details", &[])?.status.as_u16() == 403, "details are for who signs");
    ensure!(deployed.get("/health/ready/details")?.json()["checks"]["table"] == "ok", "who signs sees each check");
    let beats = on_call(deployed)?["heartbeats"].as_array().map_or(0, Vec::len);
    ensure!(beats > 0, "the sweeper's heartbeat was not heard");
    Ok(())
}
