//! Programs that no one here wrote, against the system: what they and we took from the documents must be the same.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use local::Options;
use serde_json::{Value, json};

use crate::door::{Door, To};
use crate::{Deployed, LOOK_EVERY, SOON, confirmed_payment, expect, payment, until};

/// The examples bound what schemathesis does (schemathesis.toml), not the time: only when it has asked for nothing so long
/// is it taken for stuck. It thinks for some seconds before it begins, and its longest pause is shorter.
const STUCK_AFTER: Duration = Duration::from_mins(10);
/// So many of the generated requests are good and get as far as Stripe.
const PAYMENTS_MADE_AT_LEAST: usize = 5;

/// What localstripe signs its webhooks with.
const LOCALSTRIPE_SECRET: &str = "whsec_localstripe";

/// A running child, ended when it is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::create(log)?;
        let command = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn schemathesis(deployed: &Deployed) -> Result<()> {
    // Its own: what it asks of the carriers is all that they allow in an hour.
    deployed.on_a_stack_of_its_own(Options::named("e2e-schemathesis"), generated)
}

fn generated(beside: &Deployed) -> Result<()> {
    let stack = &beside.stack;
    let door = beside.runtime.block_on(Door::open(stack, To::Api))?;
    let mut command = stack.check_program("schemathesis")?;
    command.arg("--config-file").arg(project_file("tests/e2e/schemathesis.toml"));
    command.arg("run").arg(project_file("infra/openapi.yaml")).args(["--url", &door.url, "--no-color"]);
    // Where the configuration's hooks are; nothing is written there.
    command.env("PYTHONPATH", project_file("tests/e2e")).env("PYTHONDONTWRITEBYTECODE", "1");
    let log = stack.logs().join("schemathesis.log");
    let mut running = Running::start(&mut command, &log)?;
    let (mut asked, mut since) = (0, Instant::now());
    let status = loop {
        if let Some(status) = running.0.try_wait()? {
            break status;
        }
        if door.requests() > asked {
            (asked, since) = (door.requests(), Instant::now());
        }
        let idle = since.elapsed();
        ensure!(idle < STUCK_AFTER, "schemathesis asks for nothing after {asked} requests; see {}", log.display());
        std::thread::sleep(LOOK_EVERY);
    };
    if !status.success() {
        bail!("schemathesis found what infra/openapi.yaml does not allow:\n{}", std::fs::read_to_string(&log)?);
    }
    // Refusals alone would prove little.
    let made = payments_at_stripe(beside)?;
    ensure!(made >= PAYMENTS_MADE_AT_LEAST, "only {made} of {asked} generated requests made a payment");
    beside.dead_letter_queues_are_empty()
}

fn payments_at_stripe(deployed: &Deployed) -> Result<usize> {
    let state = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))?;
    Ok(state["stripe"]["payment_intents"].as_array().map_or(0, Vec::len))
}

pub(crate) fn localstripe(deployed: &Deployed) -> Result<()> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let parameters = vec![("StripeApiBase".to_owned(), format!("http://127.0.0.1:{port}"))];
    let options = Options { parameters, ..Options::named("e2e-localstripe") };
    deployed.on_a_stack_of_its_own(options, |beside| paid_at_localstripe(beside, port))
}

fn paid_at_localstripe(beside: &Deployed, port: u16) -> Result<()> {
    let (runtime, stack) = (&beside.runtime, &beside.stack);
    runtime.block_on(stack.put_secret("stripe", &json!({ "api_key": "sk_test_localstripe" })))?;
    let webhook = json!({ "webhook_secrets": [{ "secret": LOCALSTRIPE_SECRET }] });
    runtime.block_on(stack.put_secret("stripe-webhook", &webhook))?;
    let door = runtime.block_on(Door::open(stack, To::StripeReceiver))?;
    let mut command = stack.check_program("python")?;
    command.arg(project_file("tests/e2e/simulated_stripe.py")).args([&port.to_string(), &door.url, LOCALSTRIPE_SECRET]);
    let _running = Running::start(&mut command, &stack.logs().join("localstripe.log"))?;
    until("localstripe listens", SOON, || Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()))?;
    paid_declined_and_canceled(beside)
}

/// localstripe's tokens are Stripe's; it knows no Idempotency-Key, no `description`, no `return_url`, and a confirm
/// only of the payment method that the payment was created with.
fn paid_declined_and_canceled(beside: &Deployed) -> Result<()> {
    let paid = expect(&beside.post("/payments", &[], &confirmed_payment("ls-1", "pm_card_visa"))?, 201)?;
    ensure!(paid["status"] == "succeeded", "{paid}");
    beside.paid_and_mailed("ls-1", SOON)?;
    // Once by the answer to our call, once by the webhook.
    told(beside, "ls-1", "payment.succeeded", 2)?;

    // Its pm_card_visa_chargeDeclined fails only where a card is attached to a customer.
    let declined = beside.post("/payments", &[], &confirmed_payment("ls-2", "pm_card_chargeCustomerFail"))?;
    let declined = expect(&declined, 402)?;
    ensure!(declined["code"] == "card_declined", "{declined}");
    // Unlike Stripe it does not put the payment into the error. The order may be paid anew, so that the payment that its
    // webhook tells us of must not be paid as well: it is canceled.
    told(beside, "ls-2", "payment.requires_payment_method", 1)?;
    let order = until("the declined payment of ls-2 is canceled", SOON, || {
        let order = beside.runtime.block_on(beside.stack.order("ls-2"))?;
        Ok(order.filter(|order| order["payment"]["status"] == "canceled"))
    })?;
    ensure!(order["messages"] == json!([]), "a declined payment was confirmed by mail: {order}");

    let created = expect(&beside.post("/payments", &[], &payment("ls-3"))?, 201)?;
    let id = created["payment_id"].as_str().context("no payment_id")?;
    let cancel = format!("/payments/{id}/cancel");
    let canceled = beside.runtime.block_on(beside.stack.call(Method::POST, &cancel, &[], None))?;
    let canceled = expect(&canceled, 200)?;
    ensure!(canceled["status"] == "canceled", "{canceled}");
    Ok(())
}

/// Waits until Stripe has told us so often of `event`, by answers and webhooks; gives the order.
fn told(beside: &Deployed, order: &str, event: &str, times: usize) -> Result<Value> {
    until(&format!("{event} of {order} is told {times} times"), SOON, || {
        let Some(found) = beside.runtime.block_on(beside.stack.order(order))? else { return Ok(None) };
        let rows = found["timeline"].as_array().into_iter().flatten();
        let told = rows.filter(|row| row["event"] == event && row["source"] == "stripe").count();
        Ok((told >= times).then_some(found))
    })
}

fn project_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
