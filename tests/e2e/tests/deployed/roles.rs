//! The roles are least privilege, and somebody checks: the same template without one statement does not work.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use local::{Options, Stack};

use crate::{Deployed, SOON, confirmed_payment, expect};

/// The statement that lets stripe-webhook send to the queue, as template.yaml writes it.
const STATEMENT: &str = "            - Effect: Allow
              Action: sqs:SendMessage
              Resource: !GetAtt InboundEventsQueue.Arn
";

pub(crate) fn one_statement_removed(deployed: &Deployed) -> Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let template = std::fs::read_to_string(root.join("template.yaml"))?;
    let function = template.find("\n  StripeWebhook:\n").context("template.yaml has no StripeWebhook")?;
    let statement = template[function..].find(STATEMENT).context("the statement is written otherwise by now")?;
    let mut without = template.clone();
    without.replace_range(function + statement..function + statement + STATEMENT.len(), "");
    let path = std::env::temp_dir().join(format!("crossdock-e2e-{}.yaml", std::process::id()));
    std::fs::write(&path, without)?;

    let runtime = &deployed.runtime;
    let options = Options { template: Some(path.clone()), ..Options::named("e2e-role") };
    let stack = runtime.block_on(Stack::up(options))?;
    let refused = deliver(deployed, &stack);
    runtime.block_on(stack.save_logs());
    stack.down()?;
    std::fs::remove_file(&path)?;
    refused
}

/// A payment is made, so Stripe has an event to tell; its receiver must not acknowledge what it could not queue.
fn deliver(deployed: &Deployed, stack: &Stack) -> Result<()> {
    let runtime = &deployed.runtime;
    let body = confirmed_payment("e2e-role", "pm_card_visa");
    let created = runtime.block_on(stack.call(Method::POST, "/payments", &[], Some(&body)))?;
    expect(&created, 201)?;
    let tried = super::until("Stripe has tried to deliver", SOON, || {
        let state = runtime.block_on(stack.sandbox().admin(Method::GET, "state", None))?;
        let deliveries = state["deliveries"]["stripe"].clone();
        Ok(deliveries["tries"].as_u64().is_some_and(|tries| tries > 0).then_some(deliveries))
    })?;
    ensure!(tried["accepted"] == 0, "an event was acknowledged that the role could not queue: {tried}");
    Ok(())
}
