//! The operator's program, as it is built, against the deployed stack.

use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::{Deployed, SOON, archive, confirmed_payment, expect, until};

/// Runs `crossdock <arguments>`; gives what it printed and whether it said that all is well.
fn crossdock(deployed: &Deployed, arguments: &[&str]) -> Result<(String, bool)> {
    let mut command = deployed.runtime.block_on(deployed.stack.operators_program())?;
    let Output { status, stdout, stderr } = command.args(arguments).output()?;
    Ok((format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)), status.success()))
}

/// The same, which must go well.
pub(crate) fn done(deployed: &Deployed, arguments: &[&str]) -> Result<String> {
    let (said, well) = crossdock(deployed, arguments)?;
    ensure!(well, "crossdock {}: {said}", arguments.join(" "));
    ensure!(!said.contains("ada@example.com") && !said.contains("client_secret"), "personal data: {said}");
    Ok(said)
}

/// The same, which must be refused with these words.
fn refused(deployed: &Deployed, arguments: &[&str], words: &str) -> Result<()> {
    let (said, well) = crossdock(deployed, arguments)?;
    ensure!(!well && said.contains(words), "crossdock {}: {said}", arguments.join(" "));
    Ok(())
}

fn create_intent_of(deployed: &Deployed, order: &str) -> Result<String> {
    let charged = deployed.charged(order)?;
    let metadata = &charged.first().context("Stripe has no payment of the order")?["metadata"];
    Ok(metadata["crossdock_intent"].as_str().context("the payment names no intent")?.to_owned())
}

pub(crate) fn looks(deployed: &Deployed) -> Result<()> {
    expect(&deployed.post("/payments", &[], &confirmed_payment("e2e-cli", "pm_card_visa"))?, 201)?;
    deployed.paid_and_mailed("e2e-cli", SOON)?;
    let drawing = done(deployed, &["timeline", "e2e-cli"])?;
    ensure!(drawing.contains("payment.succeeded") && drawing.contains("message.delivered"), "{drawing}");
    refused(deployed, &["timeline", "e2e-nobody"], "There is no order e2e-nobody")?;
    let id = create_intent_of(deployed, "e2e-cli")?;
    let shown = done(deployed, &["intent", &id])?;
    ensure!(shown.contains("payment.create") && shown.contains("DONE") && shown.contains("pi_"), "{shown}");
    refused(deployed, &["intent", "int_nobody"], "There is no intent int_nobody")?;
    refused(deployed, &["--stack", "crossdock-nowhere", "timeline", "e2e-cli"], "There is no stack crossdock-nowhere")
}

pub(crate) fn breakers(deployed: &Deployed) -> Result<()> {
    let of_mails =
        |said: &str| said.lines().find(|line| line.starts_with("sendgrid  effect")).unwrap_or_default().to_owned();
    ensure!(of_mails(&done(deployed, &["breaker", "show"])?).contains("closed"), "a breaker is open at rest");
    refused(deployed, &["breaker", "open", "sendgrid", "effect"], "Nothing was done")?;
    let used = done(deployed, &["quota"])?;
    ensure!(used.contains("stripe") && used.contains("10000 calls at once"), "{used}");
    refused(deployed, &["breaker", "open", "fax", "effect"], "stripe, sendgrid")?;

    // The functions obey an operator's word, and its end.
    let dhl_is_asked = || Ok::<_, anyhow::Error>(deployed.get("/tracking/dhl/0000000000")?.status);
    ensure!(dhl_is_asked()? == 404, "DHL is asked at rest, and knows no such number");
    let said =
        done(deployed, &["--yes", "--why", "DHL asked for it", "breaker", "open", "dhl", "read", "--minutes", "5"])?;
    ensure!(said.contains("OPEN") && said.contains("held by an operator"), "{said}");
    until("nobody asks DHL", SOON, || Ok((dhl_is_asked()? == 503).then_some(())))?;
    done(deployed, &["--yes", "breaker", "release", "dhl", "read"])?;
    until("DHL is asked again", SOON, || Ok((dhl_is_asked()? == 404).then_some(())))?;
    let audits = done(deployed, &["audit"])?;
    ensure!(audits.contains("breaker.open") && audits.contains("DHL asked for it"), "{audits}");
    ensure!(audits.contains("breaker.release") && audits.contains("dhl/read"), "{audits}");
    Ok(())
}

/// A payment that could not be made, and that nobody tries any more; gives its intent.
fn given_up(deployed: &Deployed, order: &str) -> Result<String> {
    let (runtime, stack) = (&deployed.runtime, &deployed.stack);
    runtime.block_on(stack.sandbox().outage_about("stripe", order))?;
    let created = deployed.post("/payments", &[], &confirmed_payment(order, "pm_card_visa"))?;
    let payment_id = expect(&created, 202)?["payment_id"].as_str().context("no payment_id")?.to_owned();
    let payment = runtime.block_on(stack.item(&format!("PAYMENT#{payment_id}"), "PAYMENT"))?;
    let payment = payment.context("the payment is not in the table")?;
    let id = payment["intent_id"]["S"].as_str().context("the payment names no intent")?.to_owned();
    until("the payment is deferred", SOON, || {
        let intent = runtime.block_on(stack.item(&format!("INTENT#{id}"), "INTENT"))?;
        Ok(intent.is_some_and(|intent| intent["phase"]["S"] == "READY").then_some(()))
    })?;
    let update = json!({
        "TableName": stack.output("TableName")?,
        "Key": { "pk": { "S": format!("INTENT#{id}") }, "sk": { "S": "INTENT" } },
        "UpdateExpression": "SET phase = :manual, due_pk = :waiting, refusal = :why ADD epoch :one",
        "ExpressionAttributeValues": {
            ":manual": { "S": "MANUAL" }, ":waiting": { "S": "DUE#MANUAL" }, ":why": { "S": "budget_over" },
            ":one": { "N": "1" },
        },
    });
    runtime.block_on(stack.aws_json("dynamodb", "DynamoDB_20120810.UpdateItem", &update))?;
    runtime.block_on(stack.sandbox().heal_about(order))?;
    Ok(id)
}

pub(crate) fn decides(deployed: &Deployed) -> Result<()> {
    let id = given_up(deployed, "e2e-retry")?;
    let listed = done(deployed, &["manual", "list"])?;
    ensure!(listed.contains(&id) && listed.contains("budget_over") && listed.contains("e2e-retry"), "{listed}");
    refused(deployed, &["manual", "retry", &id], "There is no terminal to ask")?;
    let said = done(deployed, &["--yes", "--why", "Stripe is back", "manual", "retry", &id])?;
    ensure!(said.contains("UNKNOWN"), "{said}");
    refused(deployed, &["--yes", "manual", "retry", &id], "It does not wait for a person")?;
    refused(deployed, &["--yes", "manual", "retry", "int_nobody"], "There is no intent int_nobody")?;
    deployed.paid_and_mailed("e2e-retry", SOON)?;
    ensure!(deployed.charged("e2e-retry")?.len() == 1, "one order, one payment");
    let drawing = done(deployed, &["timeline", "e2e-retry"])?;
    ensure!(drawing.contains("operator.manual.retry"), "{drawing}");

    let id = given_up(deployed, "e2e-resolve")?;
    done(deployed, &["--yes", "manual", "resolve", &id, "--refused", "not_wanted"])?;
    refused(
        deployed,
        &["--yes", "manual", "resolve", &id, "--refused", "not_wanted"],
        "It does not wait for a person",
    )?;
    let order = deployed.runtime.block_on(deployed.stack.order("e2e-resolve"))?.context("no order")?;
    ensure!(order["payment"]["status"] == "failed", "{order}");
    let audits = done(deployed, &["audit"])?;
    ensure!(audits.contains("manual.retry") && audits.contains("Stripe is back"), "{audits}");
    ensure!(audits.contains("manual.resolve") && audits.contains("refused: not_wanted"), "{audits}");
    ensure!(audits.contains("arn:aws:"), "who is not said: {audits}");
    Ok(())
}

pub(crate) fn redrives(deployed: &Deployed) -> Result<()> {
    let (runtime, stack) = (&deployed.runtime, &deployed.stack);
    let url = stack.output("PaymentsDlqUrl")?.to_owned();
    let nudge = json!({ "v": 1, "intent_id": "int_nobody", "correlation_id": "e2e-redrive" }).to_string();
    for body in ["not one of ours", &nudge, &nudge] {
        let message = json!({ "QueueUrl": url, "MessageBody": body });
        runtime.block_on(stack.aws_json("sqs", "AmazonSQS.SendMessage", &message))?;
    }
    let listed = done(deployed, &["dlq", "list", "payments"])?;
    ensure!(listed.contains("Payments: 3"), "{listed}");
    ensure!(listed.contains("2 × data/unknown_intent") && listed.contains("1 × poison/message"), "{listed}");
    let shown = done(deployed, &["dlq", "show", "Payments", "--fingerprint", "data"])?;
    ensure!(shown.matches("int_nobody").count() == 2 && !shown.contains("not one of ours"), "{shown}");
    let tried = done(deployed, &["dlq", "redrive", "Payments", "--fingerprint", "data", "--dry-run"])?;
    ensure!(tried.contains("2 of Payments would be sent back"), "{tried}");
    refused(deployed, &["dlq", "redrive", "Payments"], "There is no terminal to ask")?;
    let said = done(deployed, &["--yes", "dlq", "redrive", "Payments", "--fingerprint", "data"])?;
    ensure!(said.contains("2 were sent back to Payments"), "{said}");
    let left = done(deployed, &["dlq", "list", "Payments"])?;
    ensure!(left.contains("Payments: 1") && left.contains("poison/message"), "{left}");
    refused(deployed, &["dlq", "list", "Nothing"], "There is no queue Nothing")?;
    until("what was sent back is taken", SOON, || {
        let depth = runtime.block_on(stack.queue("PaymentsQueueUrl"))?;
        Ok((depth.visible == 0).then_some(()))
    })?;
    // The others expect the one empty, and what was taken would be dead again after a few tries.
    for url in [&url, stack.output("PaymentsQueueUrl")?] {
        runtime.block_on(stack.aws_json("sqs", "AmazonSQS.PurgeQueue", &json!({ "QueueUrl": url })))?;
    }
    Ok(())
}

pub(crate) fn replays(deployed: &Deployed) -> Result<()> {
    let (runtime, stack) = (&deployed.runtime, &deployed.stack);
    expect(&deployed.post("/payments", &[], &confirmed_payment("e2e-replay", "pm_card_visa"))?, 201)?;
    deployed.paid_and_mailed("e2e-replay", SOON)?;
    let (_, object) = archive::succeeded(deployed, "e2e-replay")?;
    let event = object.json()["id"].as_str().context("an event without id")?.to_owned();
    let mark = |nonce: &str| runtime.block_on(stack.item(&format!("EVENT#stripe#{event}~{nonce}"), "EVENT"));
    until("the event is applied", SOON, || {
        Ok(runtime.block_on(stack.item(&format!("EVENT#stripe#{event}"), "EVENT"))?.map(drop))
    })?;
    let would = done(deployed, &["replay", &event, "--shadow"])?;
    ensure!(would.contains("stays succeeded") && would.contains("Nothing was changed"), "{would}");
    refused(deployed, &["replay", "evt_nobody"], "There is no event evt_nobody")?;
    for _ in 0..2 {
        done(deployed, &["--yes", "replay", &event, "--nonce", "e2e-nonce-1"])?;
    }
    until("the replay is applied", SOON, || Ok(mark("e2e-nonce-1")?.map(drop)))?;
    let range = ["replay", "--from", "2020-01-01T00:00:00Z", "--type", "payment_intent.succeeded", "--shadow"];
    refused(deployed, &range, "choose a shorter time")?;
    let day = done(deployed, &["audit"])?;
    let from = day.lines().find_map(|line| line.split(' ').next()).context("no audit has a time")?;
    let from = format!("{}T00:00:00Z", &from[..10]);
    let of_today = ["replay", "--from", &from, "--type", "payment_intent.succeeded", "--shadow"];
    let would = done(deployed, &of_today)?;
    ensure!(would.contains(&event) && !would.contains("payment_intent.created"), "{would}");
    let order = runtime.block_on(stack.order("e2e-replay"))?.context("no order")?;
    let mails = order["messages"].as_array().map_or(0, Vec::len);
    ensure!(order["payment"]["status"] == "succeeded" && mails == 1, "{order}");
    Ok(())
}
