//! End to end: `template.yaml` as it is deployed, on an AWS emulator that enforces IAM, with real HTTP and real
//! processes, and simulated vendors that sign as the real ones do.
//!
//! The first run makes three Python environments; everything that is started is built and installed before the first
//! trial. [`side_by_side`] says which trials run at the same time. The drill, the strangers and those who look at the roles
//! have stacks of their own beside the one that the others share. `CROSSDOCK_E2E=off` leaves this tier out; each of its
//! tests is then shown as ignored.
//!
//! No trial fails because a machine is slow: what is waited for is looked for so and so often, and each look is a call of
//! the same emulator, which takes the longer the busier the machine is.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "outside of the system: reads its own switch, waits in real time, says what it does"
)]

mod alerts;
mod answers;
mod archive;
mod door;
mod drill;
mod messages;
mod operator;
mod payments;
mod refusals;
mod roles;
mod scenarios;
mod shipments;
mod side_by_side;
mod strangers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use libtest_mimic::{Arguments, Failed, Trial};
use local::{Answer, Options, Progress, Stack};
use serde_json::{Value, json};
use side_by_side::Needs::{self, Alone, Beside, OwnStack};
use side_by_side::{SideBySide, TRIALS_AT_ONCE};
use tokio::runtime::Runtime;

/// How often something that should happen soon is looked for before it counts as missing: two and a half minutes and more
/// (see [`LOOK_EVERY`]), for what takes five seconds, with a cold start of every function on the way.
const SOON: usize = 600;
/// The same after the sweeper's minute, the longest first backoff, and the way of the order after them: ten minutes and
/// more, for what takes two.
const AFTER_A_SWEEP: usize = 2_400;
/// The wait between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Said before anything happens.
const WHAT_COMES: &str = "
End-to-end tests: the whole system on an AWS emulator, with orders, outages and killed processes.
About six minutes on a quiet machine of two cores, ten where others compile; the first run installs Python programs into
.local/ (two minutes more). To leave them out: CROSSDOCK_E2E=off. A line comes with each trial that is done, the first
ones after about two minutes.
";

/// What a test gets.
#[derive(Clone)]
struct Deployed {
    runtime: Arc<Runtime>,
    stack: Arc<Stack>,
}

type Test = (&'static str, Needs, fn(&Deployed) -> Result<()>);

/// In the order in which they begin: the longest first, then those that need the stack alone (before anybody holds it up by
/// waiting), then those that wait longest.
const TESTS: [Test; 38] = [
    ("an_outage_of_both_vendors_and_killed_functions_cost_no_order_and_few_calls", OwnStack, drill::outage),
    ("whatever_is_generated_from_the_contract_is_answered_as_the_contract_says", OwnStack, strangers::schemathesis),
    ("a_webhook_that_failed_comes_again_and_copies_of_it_change_nothing", Alone, scenarios::webhooks_that_fail),
    ("an_operator_sees_breakers_and_quotas_and_holds_one_open_only_on_purpose", Alone, operator::breakers),
    ("an_operator_sees_why_messages_are_dead_and_sends_back_those_that_are_meant", Alone, operator::redrives),
    ("a_forged_webhook_is_refused_and_nothing_is_queued", Alone, refusals::forged_webhooks),
    ("a_payment_is_deferred_while_stripe_is_down_and_made_when_the_sweeper_finds_it_due", Beside, payments::deferred),
    ("a_label_whose_answer_was_lost_is_found_and_not_bought_again", Beside, shipments::found_after_a_lost_answer),
    ("a_payment_whose_answers_are_lost_is_found_out_about_and_charged_once", Beside, scenarios::slow_answer),
    ("the_payment_flow_works_against_a_stripe_that_no_one_here_wrote", OwnStack, strangers::localstripe),
    (
        "with_one_statement_removed_from_a_role_the_webhook_is_refused_and_nothing_is_acknowledged",
        OwnStack,
        roles::webhook_not_queued,
    ),
    (
        "with_one_statement_removed_from_a_role_events_are_not_archived_and_not_applied",
        OwnStack,
        roles::event_not_archived,
    ),
    (
        "a_parcel_is_quoted_by_three_carriers_bought_once_and_followed_to_the_door",
        Beside,
        shipments::quoted_bought_and_followed,
    ),
    ("a_payment_made_in_the_browser_ends_paid_mailed_and_published", Beside, payments::made_in_the_browser),
    ("a_declined_card_is_followed_by_another_and_one_charge", Beside, payments::declined_then_paid),
    ("the_same_request_three_times_is_one_payment_and_a_replayed_answer", Beside, payments::submitted_three_times),
    ("a_payment_that_is_canceled_is_never_charged", Beside, payments::canceled),
    ("each_decline_has_a_stable_code_and_a_message_for_the_shopper", Beside, scenarios::cards),
    ("a_payment_with_3_d_secure_waits_for_the_shopper_and_takes_yes_or_no", Beside, scenarios::three_d_secure),
    ("a_payment_is_refunded_in_parts_once_for_each_key_and_never_beyond_what_was_paid", Beside, scenarios::refunds),
    ("what_is_open_cannot_be_refunded_and_what_is_canceled_not_confirmed", Beside, scenarios::refusals_after_the_end),
    ("a_saved_card_is_charged_without_its_owner_and_by_nobody_else", Beside, scenarios::saved_card),
    ("amounts_with_0_2_and_3_decimals_are_charged_and_settled_in_the_shops_currency", Beside, scenarios::currencies),
    ("commands_on_the_queue_pay_and_refund_once", Beside, scenarios::commands),
    ("the_webhooks_of_a_paid_order_are_in_the_archive_as_they_were_signed", Beside, archive::as_they_were_signed),
    ("an_sms_arrives_or_a_mail_of_the_same_meaning_does", Beside, messages::sms_or_mail),
    ("a_code_leaves_with_its_request_and_stop_is_heard_until_start", Beside, messages::code_and_stop),
    ("an_offer_reaches_who_asked_for_it_until_they_follow_its_link", Beside, messages::unsubscribed_by_link),
    ("an_address_is_looked_at_and_a_pickup_ordered_once", Beside, shipments::addresses_and_pickups),
    ("an_alarm_and_its_end_are_told_in_slack_and_as_an_incident", Beside, alerts::alarm_and_its_end),
    ("a_test_of_alerts_reaches_everybody", Beside, alerts::test_to_the_end),
    ("a_monitor_learns_whether_everything_can_be_reached", Beside, alerts::readiness_and_heartbeat),
    ("an_operator_sees_an_order_and_its_intents", Beside, operator::looks),
    ("an_operator_retries_and_resolves_what_waits_for_a_person_once", Beside, operator::decides),
    ("an_operator_replays_an_archived_webhook_and_sees_before_what_it_would_change", Beside, operator::replays),
    ("the_health_check_needs_no_signature_and_everything_else_does", Beside, refusals::signatures),
    ("bad_input_is_refused_with_the_fields_name", Beside, refusals::bad_input),
    ("an_unknown_payment_and_an_unknown_order_are_404", Beside, refusals::unknown_ids),
];

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(TRIALS_AT_ONCE);
    let off = std::env::var("CROSSDOCK_E2E").is_ok_and(|value| value == "off");
    if off || arguments.list {
        println!("end-to-end tests are left out: CROSSDOCK_E2E=off");
        let trials = TESTS.map(|(name, ..)| Trial::test(name, || Ok(())).with_ignored_flag(true)).into();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    println!("{WHAT_COMES}");
    answers::judge();
    let deployed = match deploy() {
        Ok(deployed) => deployed,
        Err(error) => {
            println!("the stack did not come up: {error:#}");
            println!("(CROSSDOCK_E2E=off leaves the end-to-end tests out)");
            return std::process::ExitCode::FAILURE;
        }
    };
    let side_by_side = Arc::new(SideBySide::default());
    side_by_side.say_what_runs();
    let trials = TESTS.map(|(name, needs, test)| {
        let (deployed, side_by_side) = (deployed.clone(), Arc::clone(&side_by_side));
        Trial::test(name, move || {
            side_by_side.run(name, needs, || test(&deployed)).map_err(|error| Failed::from(format!("{error:#}")))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    println!("{}", side_by_side.slowest());
    if conclusion.has_failed() {
        deployed.runtime.block_on(deployed.stack.save_logs());
        println!("the logs of every part are in {}", deployed.stack.logs().display());
    }
    // The stack ends with its last owner, before the process does.
    drop(deployed);
    conclusion.exit_code()
}

fn deploy() -> Result<Deployed> {
    let runtime = Runtime::new()?;
    let options = Options { checks: true, progress: Progress::shown(), ..Options::named("e2e") };
    let stack = runtime.block_on(Stack::up(options))?;
    Ok(Deployed { runtime: Arc::new(runtime), stack: Arc::new(stack) })
}

impl Deployed {
    fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Answer> {
        self.runtime.block_on(self.stack.call(Method::POST, path, headers, Some(body)))
    }

    fn get(&self, path: &str) -> Result<Answer> {
        self.runtime.block_on(self.stack.call(Method::GET, path, &[], None))
    }

    /// Waits until the order is paid and its confirmation delivered; gives the order.
    fn paid_and_mailed(&self, order: &str, looks: usize) -> Result<Value> {
        let what = format!("order {order} paid and its mail delivered");
        until(&what, looks, || {
            let Some(found) = self.runtime.block_on(self.stack.order(order))? else { return Ok(None) };
            let paid = found["payment"]["status"] == "succeeded";
            let mailed = found["messages"][0]["status"] == "delivered";
            Ok((paid && mailed).then_some(found))
        })
    }

    /// Runs a trial on a stack of its own, started from the programs that are there. An error says where its logs are.
    fn on_a_stack_of_its_own(&self, options: Options, trial: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let stack = Arc::new(self.runtime.block_on(self.stack.beside(options))?);
        let beside = Self { runtime: Arc::clone(&self.runtime), stack };
        trial(&beside).with_context(|| {
            self.runtime.block_on(beside.stack.save_logs());
            format!("on the stack whose logs are in {}", beside.stack.logs().display())
        })
    }

    fn dead_letter_queues_are_empty(&self) -> Result<()> {
        for queue in
            ["InboundEvents", "InboundWork", "Payments", "Email", "EmailBulk", "Sms", "SmsBulk", "DomainEvents"]
        {
            let depth = self.runtime.block_on(self.stack.queue(&format!("{queue}DlqUrl")))?;
            ensure!(depth.visible + depth.in_flight == 0, "{} dead messages of {queue}", depth.visible);
        }
        Ok(())
    }

    /// The sandbox's payment objects of one order.
    fn charged(&self, order: &str) -> Result<Vec<Value>> {
        let state = self.runtime.block_on(self.stack.sandbox().admin(Method::GET, "state", None))?;
        let payments = state["stripe"]["payment_intents"].as_array().context("the sandbox shows no payments")?;
        Ok(payments.iter().filter(|p| p["metadata"]["crossdock_order"] == order).cloned().collect())
    }
}

/// Looks until `done` finds what it looks for, at most so often.
fn until<T>(what: &str, looks: usize, mut done: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    for _ in 0..looks {
        if let Some(found) = done()? {
            return Ok(found);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    bail!("{what} did not happen; it was looked for {looks} times in {} s", begun.elapsed().as_secs())
}

/// A valid request for a payment.
fn payment(order: &str) -> Value {
    json!({
        "order_id": order,
        "amount": { "value": 1099, "currency": "EUR" },
        "customer": { "id": "c-1", "email": "ada@example.com", "name": "Ada Lovelace" },
    })
}

fn confirmed_payment(order: &str, payment_method: &str) -> Value {
    let mut body = payment(order);
    body["payment_method"] = json!(payment_method);
    body["confirm"] = json!(true);
    body
}

fn expect(answer: &Answer, status: u16) -> Result<Value> {
    let body = answer.json();
    ensure!(answer.status.as_u16() == status, "expected {status}, got {}: {body}", answer.status);
    Ok(body)
}
