//! The roles are least privilege, and somebody checks: the same template without one statement does not work.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use http::Method;
use local::Options;

use crate::{Deployed, SOON, confirmed_payment, expect, until};

/// The statement that lets stripe-webhook send to the queue, as template.yaml writes it.
const SEND: &str = "            - Effect: Allow
              Action: sqs:SendMessage
              Resource: !GetAtt InboundEventsQueue.Arn
";
/// The statement that lets event-processor put objects into the archive.
const PUT: &str = "            - Effect: Allow
              Action: s3:PutObject
              Resource: # one folder a vendor
                - !Sub ${ArchiveBucket.Arn}/stripe/*
                - !Sub ${ArchiveBucket.Arn}/sendgrid/*
                - !Sub ${ArchiveBucket.Arn}/twilio/*
                - !Sub ${ArchiveBucket.Arn}/postmark/*
                - !Sub ${ArchiveBucket.Arn}/fedex/*
                - !Sub ${ArchiveBucket.Arn}/ups/*
";

pub(crate) fn webhook_not_queued(deployed: &Deployed) -> Result<()> {
    without(deployed, "StripeWebhook", SEND, |beside| {
        let deliveries = paid_and_told(beside, "tries")?;
        ensure!(deliveries["accepted"] == 0, "an event was acknowledged that the role could not queue: {deliveries}");
        Ok(())
    })
}

pub(crate) fn event_not_archived(deployed: &Deployed) -> Result<()> {
    without(deployed, "EventProcessor", PUT, |beside| {
        paid_and_told(beside, "accepted")?;
        let (runtime, stack) = (&beside.runtime, &beside.stack);
        until("the archive has refused an event", SOON, || {
            let lines = runtime.block_on(stack.log_of("event-processor"))?;
            Ok(lines.iter().any(|line| line.contains("PutObject: 403")).then_some(()))
        })?;
        let waiting = runtime.block_on(stack.queue("InboundEventsQueueUrl"))?;
        ensure!(waiting.visible + waiting.in_flight > 0, "an event was taken from the queue: {waiting:?}");
        let order = runtime.block_on(stack.order("e2e-role"))?.context("the order is not there")?;
        let rows = order["timeline"].as_array().context("no timeline")?;
        // Stripe's answer says that it is paid; its event would be a second row.
        let succeeded = rows.iter().filter(|row| row["event"] == "payment.succeeded").count();
        ensure!(succeeded == 1, "an event was applied that is not in the archive: {order}");
        Ok(())
    })
}

/// Runs a trial on a stack without this statement of a function's role.
fn without(
    deployed: &Deployed,
    function: &str,
    statement: &str,
    trial: impl FnOnce(&Deployed) -> Result<()>,
) -> Result<()> {
    let path = template_without(function, statement)?;
    let named = Options::named(&format!("e2e-without-{function}"));
    let outcome = deployed.on_a_stack_of_its_own(Options { template: Some(path.clone()), ..named }, trial);
    std::fs::remove_file(&path)?;
    outcome
}

fn template_without(function: &str, statement: &str) -> Result<PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut template = std::fs::read_to_string(root.join("template.yaml"))?;
    let start = template.find(&format!("\n  {function}:\n")).context("template.yaml has no such function")?;
    let offset = template[start..].find(statement).context("the statement is written otherwise by now")?;
    template.replace_range(start + offset..start + offset + statement.len(), "");
    let path = std::env::temp_dir().join(format!("crossdock-e2e-{function}-{}.yaml", std::process::id()));
    std::fs::write(&path, template)?;
    Ok(path)
}

/// Pays, and waits until Stripe's deliveries of the event have come so far: `tries`, or `accepted`.
fn paid_and_told(beside: &Deployed, so_far: &str) -> Result<serde_json::Value> {
    expect(&beside.post("/payments", &[], &confirmed_payment("e2e-role", "pm_card_visa"))?, 201)?;
    until("Stripe has told of it", SOON, || {
        let state = beside.runtime.block_on(beside.stack.sandbox().admin(Method::GET, "state", None))?;
        let deliveries = state["deliveries"]["stripe"].clone();
        Ok(deliveries[so_far].as_u64().is_some_and(|times| times > 0).then_some(deliveries))
    })
}
