//! Cancels: of what was not sent, of what may have been, and of what the vendor does not cancel yet.

use crossdock::aws::Write;
use crossdock::domain::{IntentId, OrderId, PaymentId, StackId, Timestamp};
use crossdock::effects::audit::Operator;
use crossdock::effects::intent::key;
use crossdock::effects::{Claim, Lease, Outcome, Reason, Subject, Verdict, WorkList};
use crossdock::gateway::{Lane, Vendor as Whose};
use sandbox::{CallFault, Dial, Vendor, WebhookFault};
use serde_json::{Value, json};

use super::in_a_run;
use crate::Probe;
use crate::invariants::{of_type, text, violations};
use crate::shop::{confirmed_payment, order, payment, shopper_pays};
use crate::universe::{Function, Response, Universe};

/// Longer than whatever is due takes.
const A_WHILE_MS: i64 = 4 * 3_600_000;
/// Long enough to look, and before a late webhook comes.
const AN_HOUR_MS: i64 = 3_600_000;
/// Longer than any budget.
const BEYOND_THE_BUDGET_MS: i64 = 26 * 3_600_000;
/// Payments of others that were made after ours: more than a page of the list holds.
const OTHERS: usize = 130;
/// More than is looked through at once.
const TOO_MANY: usize = 5_100;

const LOST_REQUEST: CallFault = CallFault::LostRequest;
const LOST_ANSWER: CallFault = CallFault::LostAnswer;
/// Stripe did it, answered 503, and keeps that under the key.
const DONE_YET_503: CallFault = CallFault::ErrorAfter { status: 503 };

/// What is not as it should be, in words.
fn unless(holds: bool, what: impl FnOnce() -> String) -> Vec<String> {
    if holds { Vec::new() } else { vec![format!("P: {}", what())] }
}

fn next_calls(universe: &Universe, operation: &str, times: u32, fault: CallFault) {
    universe.sandbox().faults().next_calls(Vendor::Stripe, operation, times, fault);
}

/// Nobody hears of anything by a webhook before hours have passed.
fn webhooks_are_late(universe: &Universe) {
    universe.sandbox().faults().every_webhook(Vendor::Stripe, WebhookFault::Late { ms: 2 * 3_600_000 });
}

async fn create(universe: &mut Universe, body: &Value) -> (Response, String) {
    let created = universe.call("POST", "/payments", Some("k-1"), Some(body)).await;
    let path = format!("/payments/{}", created.body()["payment_id"].as_str().unwrap_or_default());
    (created, path)
}

async fn cancel(universe: &mut Universe, path: &str) -> Response {
    universe.call("POST", &format!("{path}/cancel"), None, None).await
}

async fn confirm(universe: &mut Universe, path: &str) -> Response {
    let body = json!({ "payment_method": "pm_card_visa" });
    universe.call("POST", &format!("{path}/confirm"), None, Some(&body)).await
}

fn charges(universe: &Universe) -> usize {
    universe.sandbox().stripe().charges().iter().filter(|charge| charge.succeeded).count()
}

fn status(universe: &Universe) -> String {
    let items = universe.aws().table().items();
    of_type(&items, "payment").next().and_then(|payment| text(payment, "status")).unwrap_or_default().to_owned()
}

fn intents(universe: &Universe, kind: &str) -> Vec<Value> {
    let items = universe.aws().table().items();
    of_type(&items, "intent").filter(|intent| text(intent, "kind") == Some(kind)).cloned().collect()
}

fn rows(universe: &Universe, event: &str) -> usize {
    universe.aws().table().items().iter().filter(|item| text(item, "event") == Some(event)).count()
}

/// What is wrong at rest, and whether the payment ended like this with so many charges.
fn ended(universe: &Universe, wanted: &str, charged: usize) -> Vec<String> {
    let mut wrong = violations(universe);
    let (is, charges) = (status(universe), charges(universe));
    wrong.extend(unless(is == wanted && charges == charged, || {
        format!("it ended {is} with {charges} charges, and not {wanted} with {charged}")
    }));
    wrong
}

/// Stripe is down, a payment with confirm is deferred, the shop cancels, Stripe comes back.
pub fn what_was_deferred_is_never_charged() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        let turned_away = [CallFault::ErrorBefore { status: 503 }, CallFault::Refused, CallFault::LockTimeout];
        for fault in turned_away {
            let mut universe = Universe::new(1);
            universe.sandbox().faults().every_call(Vendor::Stripe, "*", fault);
            let (created, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
            wrong.extend(unless(created.body()["status"] == "deferred", || format!("created: {}", created.body())));
            let asked = cancel(&mut universe, &path).await;
            // A 503 is no proof that nothing was done; the other two are.
            let expected = if fault == turned_away[0] { 202 } else { 200 };
            wrong.extend(unless(asked.status() == expected, || format!("{fault:?}: canceled with {}", asked.status())));
            universe.sandbox().faults().clear();
            universe.run_until_quiet(A_WHILE_MS).await;
            wrong.extend(ended(&universe, "canceled", 0));
        }
        wrong
    })
}

/// The same, with a cancel that comes while the request is being tried for the second time.
pub fn a_cancel_between_two_tries_is_the_last_word() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        next_calls(&universe, "create_payment_intent", 1, CallFault::LockTimeout);
        let body = confirmed_payment("o-1", "pm_card_visa");
        let id = PaymentId::nth(&StackId::from_stored(crate::universe::STACK_ID), &OrderId::from_stored("o-1"), 1);
        let meanwhile = async |universe: &mut Universe| {
            // The first try is over, and the second one comes after a second.
            universe.sleep_ms(300).await;
            cancel(universe, &format!("/payments/{id}")).await;
        };
        universe.call_while("POST", "/payments", Some("k-1"), Some(&body), meanwhile).await;
        universe.run_until_quiet(A_WHILE_MS).await;
        ended(&universe, "canceled", 0)
    })
}

/// The request is lost, nobody knows what became of it, the shop cancels: it is looked for, and not sent again.
pub fn what_is_unknown_is_looked_for_and_never_sent_again() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        next_calls(&universe, "create_payment_intent", 2, LOST_REQUEST);
        let (created, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        let mut wrong = unless(created.body()["status"] == "processing", || format!("created: {}", created.body()));
        cancel(&mut universe, &path).await;
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "canceled", 0));
        wrong
    })
}

/// What charges nothing may be sent again, and is canceled then.
pub fn what_charges_nothing_is_made_and_canceled() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        next_calls(&universe, "create_payment_intent", 2, LOST_REQUEST);
        let (_, path) = create(&mut universe, &payment("o-1")).await;
        cancel(&mut universe, &path).await;
        universe.run_until_quiet(A_WHILE_MS).await;
        ended(&universe, "canceled", 0)
    })
}

/// A person gives what was given up back to the workers: what was to be canceled is looked for, and not sent again.
pub fn a_retry_by_hand_charges_nothing_that_was_canceled() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        next_calls(&universe, "create_payment_intent", 2, LOST_REQUEST);
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        universe.sleep_ms(120_000).await;
        let list = universe.system(Function::EventProcessor, &Probe::new()).work_list().unwrap();
        give_up(&universe, &list).await;
        let mut wrong = unless(status(&universe) == "manual", || format!("it is {}", status(&universe)));
        cancel(&mut universe, &path).await;
        let ada = Operator { who: "ada".to_owned(), why: None };
        for intent in list.manual().await.unwrap().intents {
            list.retry(&intent, &ada).await.unwrap();
        }
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "canceled", 0));
        wrong
    })
}

/// Somebody takes the create, finds out nothing, and leaves it to a person.
async fn give_up(universe: &Universe, list: &WorkList) {
    let create = intents(universe, "payment.create").remove(0);
    let id = IntentId::from_stored(text(&create, "intent_id").unwrap());
    let call_by = Timestamp::from_ms(universe.now_ms());
    let lease = Lease { owner: "a worker".to_owned(), call_by, lane: Lane::Background, asked_by: None };
    let Claim::Mine(claimed) = list.claim(&id, &lease).await.unwrap() else { return };
    let items = universe.aws().table().items();
    let payment_id = text(of_type(&items, "payment").next().unwrap(), "payment_id").unwrap();
    let payment = list.payment(&PaymentId::from_stored(payment_id)).await.unwrap();
    let subject = Subject::Payment(Box::new(payment));
    let given_up = Outcome::of(Verdict::GivenUp { reason: Reason::BudgetOver });
    list.settle(&claimed, Whose::Stripe, subject, given_up, |_, _| Ok(None)).await.unwrap();
}

/// Nobody ever called, a person was asked to look, and the shop cancels.
pub fn what_waits_for_a_person_and_was_never_called_is_canceled_at_once() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_call(Vendor::Stripe, "*", CallFault::LockTimeout);
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        universe.run_until_quiet(BEYOND_THE_BUDGET_MS).await;
        let create = intents(&universe, "payment.create").remove(0);
        let mut wrong = unless(text(&create, "phase") == Some("MANUAL"), || format!("not given up: {create}"));
        let id = IntentId::from_stored(text(&create, "intent_id").unwrap());
        let list = universe.system(Function::EventProcessor, &Probe::new()).work_list().unwrap();
        list.table().update(Write::update(key(&id)).remove("first_called_at")).await.unwrap();
        let canceled = cancel(&mut universe, &path).await;
        wrong.extend(unless(canceled.status() == 200, || format!("canceled with {}", canceled.status())));
        universe.sandbox().faults().clear();
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "canceled", 0));
        wrong
    })
}

/// The card was charged after all: it is shown, and somebody is told.
pub fn a_charge_that_nobody_wanted_is_shown_and_told() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        next_calls(&universe, "create_payment_intent", 2, LOST_ANSWER);
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        cancel(&mut universe, &path).await;
        universe.run_until_quiet(A_WHILE_MS).await;
        let mut wrong = ended(&universe, "succeeded", 1);
        let told = rows(&universe, "payment.charged_unexpectedly");
        wrong.extend(unless(told == 1, || format!("it was told {told} times")));
        wrong
    })
}

/// Stripe answers 503 and has done it all the same: that is no proof where a cancel asks for one.
pub fn a_503_is_no_proof() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        universe.sandbox().dials().turn(Dial::UnavailableYetDone);
        next_calls(&universe, "create_payment_intent", 2, CallFault::ErrorBefore { status: 503 });
        let (created, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        let mut wrong = unless(created.status() == 202, || format!("created with {}", created.status()));
        let asked = cancel(&mut universe, &path).await;
        wrong.extend(unless(asked.status() == 202, || format!("canceled with {}, and charged", asked.status())));
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "succeeded", 1));
        wrong
    })
}

/// A 503 that Stripe has kept under the key says that it began: only the list can tell.
pub fn a_503_that_is_repeated_is_of_unknown_outcome() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        next_calls(&universe, "create_payment_intent", 1, DONE_YET_503);
        let (created, _) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        let mut wrong = unless(created.body()["status"] == "processing", || format!("created: {}", created.body()));
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "succeeded", 1));
        wrong
    })
}

/// Payments of somebody else on the same account.
fn others_pay(universe: &Universe, count: usize) {
    for n in 0..count {
        let request = http::Request::builder()
            .method("POST")
            .uri("https://api.stripe.com/v1/payment_intents")
            .header("authorization", format!("Bearer {}", sandbox::Settings::default().stripe_api_key))
            .header("content-type", "application/x-www-form-urlencoded");
        let body = format!("amount=100&currency=eur&metadata[crossdock_stack]=another&metadata[n]={n}");
        let now_ms = universe.now_ms();
        universe.sandbox().call(Vendor::Stripe, now_ms, request.body(body.into()).unwrap());
    }
}

/// What is looked for is behind what others have made since: on the second page.
pub fn every_page_is_looked_through() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        next_calls(&universe, "create_payment_intent", 1, CallFault::ErrorAfter { status: 500 });
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        others_pay(&universe, OTHERS);
        cancel(&mut universe, &path).await;
        // Before any webhook tells of it. The others' payments are known to nobody here.
        universe.run_until_quiet(AN_HOUR_MS).await;
        let charged = charges(&universe);
        unless(status(&universe) == "succeeded" && charged == 1, || {
            format!("it ended {} with {charged} charges", status(&universe))
        })
    })
}

/// More than can be looked through at once: a person is asked to look.
pub fn what_cannot_be_looked_through_is_for_a_person() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        next_calls(&universe, "create_payment_intent", 1, CallFault::ErrorAfter { status: 500 });
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        others_pay(&universe, TOO_MANY);
        cancel(&mut universe, &path).await;
        universe.run_until_quiet(AN_HOUR_MS).await;
        let create = intents(&universe, "payment.create").remove(0);
        let given_up = text(&create, "phase") == Some("MANUAL");
        let why = text(&create, "refusal") == Some("too_many_objects_to_search");
        unless(given_up && why && status(&universe) == "manual", || format!("it is {}: {create}", status(&universe)))
    })
}

/// A confirm waits to be sent, and the shop cancels: both are settled in one transaction, and the card is not charged.
pub fn a_confirm_that_was_not_sent_is_canceled_with_its_payment() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let (_, path) = create(&mut universe, &payment("o-1")).await;
        universe.run_until_quiet(60_000).await;
        universe.sandbox().faults().every_call(Vendor::Stripe, "*", CallFault::LockTimeout);
        let asked = confirm(&mut universe, &path).await;
        let mut wrong = unless(asked.status() == 202, || format!("confirmed with {}", asked.status()));
        cancel(&mut universe, &path).await;
        let phase = text(&intents(&universe, "payment.confirm")[0], "phase").unwrap_or_default().to_owned();
        wrong.extend(unless(phase == "REFUSED", || format!("the confirm is {phase}")));
        let again = confirm(&mut universe, &path).await;
        wrong.extend(unless(again.body()["code"] == "payment_canceled", || format!("confirmed: {}", again.body())));
        universe.sandbox().faults().clear();
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "canceled", 0));
        wrong
    })
}

/// The same of a confirm that was turned away with a 503, and of one whose request was lost: they are not sent again.
pub fn a_confirm_in_doubt_is_not_sent_again() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        for fault in [CallFault::ErrorBefore { status: 503 }, LOST_REQUEST] {
            let mut universe = Universe::new(1);
            let (_, path) = create(&mut universe, &payment("o-1")).await;
            universe.run_until_quiet(60_000).await;
            next_calls(&universe, "confirm", 2, fault);
            // Until the confirm's time has come, the cancel does not come through.
            next_calls(&universe, "cancel", 12, CallFault::LockTimeout);
            confirm(&mut universe, &path).await;
            cancel(&mut universe, &path).await;
            universe.run_until_quiet(A_WHILE_MS).await;
            wrong.extend(ended(&universe, "canceled", 0));
        }
        wrong
    })
}

/// Stripe fails at the cancel and keeps that under the key: an open object means that the cancel did not happen.
pub fn a_cancel_that_failed_is_made_in_the_end() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        for fault in [CallFault::ErrorDuring { status: 500 }, CallFault::ErrorAfter { status: 500 }] {
            let mut universe = Universe::new(1);
            let (_, path) = create(&mut universe, &payment("o-1")).await;
            universe.run_until_quiet(60_000).await;
            next_calls(&universe, "cancel", 1, fault);
            cancel(&mut universe, &path).await;
            universe.run_until_quiet(A_WHILE_MS).await;
            wrong.extend(ended(&universe, "canceled", 0));
        }
        wrong
    })
}

/// A cancel comes to nothing within its budget, and a person is asked to look: the next cancel is another one.
pub fn a_cancel_that_came_to_nothing_can_be_asked_for_again() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let (_, path) = create(&mut universe, &payment("o-1")).await;
        universe.run_until_quiet(60_000).await;
        universe.sandbox().faults().every_call(Vendor::Stripe, "cancel", CallFault::LockTimeout);
        cancel(&mut universe, &path).await;
        universe.run_until_quiet(BEYOND_THE_BUDGET_MS).await;
        universe.sandbox().faults().clear();
        let phase = text(&intents(&universe, "payment.cancel")[0], "phase").unwrap_or_default().to_owned();
        let mut wrong = unless(phase == "MANUAL", || format!("the cancel is {phase}"));
        let again = cancel(&mut universe, &path).await;
        wrong.extend(unless(again.status() == 200, || format!("canceled again with {}", again.status())));
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "canceled", 0));
        wrong
    })
}

/// Stripe does not cancel what the bank is at: the cancel waits, and is another one when the bank has answered.
pub fn what_the_bank_is_at_is_canceled_when_that_is_possible() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        for (is_charged, wanted, charged) in [(false, "canceled", 0), (true, "succeeded", 1)] {
            let mut universe = Universe::new(1);
            universe.sandbox().dials().turn(Dial::ProcessingIsKept);
            let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_sandbox_processing")).await;
            let asked = cancel(&mut universe, &path).await;
            wrong.extend(unless(asked.status() == 202, || format!("canceled with {}", asked.status())));
            universe.run_until_quiet(600_000).await;
            let phase = text(&intents(&universe, "payment.cancel")[0], "phase").unwrap_or_default().to_owned();
            wrong.extend(unless(phase == "READY", || format!("the cancel is {phase}")));
            let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().payment_intents()[0].id.clone());
            universe.sandbox().bank_answers(now_ms, &id, is_charged).unwrap();
            universe.run_until_quiet(90_000).await;
            wrong.extend(unless(status(&universe) == wanted, || format!("soon after it is {}", status(&universe))));
            universe.run_until_quiet(A_WHILE_MS).await;
            wrong.extend(ended(&universe, wanted, charged));
        }
        wrong
    })
}

/// What was made a moment ago is on no list yet: it is not said to be not there while it may still be under way.
pub fn what_is_on_no_list_yet_is_waited_for() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        universe.sandbox().dials().turn(Dial::ListsLag);
        next_calls(&universe, "create_payment_intent", 2, LOST_ANSWER);
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        cancel(&mut universe, &path).await;
        // The worker looks at once, and not when the next tick of the schedule comes.
        let nudge = intents(&universe, "payment.create").remove(0);
        universe.sleep_ms(6_000).await;
        let body = json!({ "v": 1, "intent_id": nudge["intent_id"], "correlation_id": nudge["correlation_id"] });
        universe.aws().sqs().send("payments", &body.to_string(), std::collections::BTreeMap::new(), 0);
        universe.run_until_quiet(AN_HOUR_MS).await;
        let mut wrong =
            unless(status(&universe) == "succeeded", || format!("before a webhook it is {}", status(&universe)));
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "succeeded", 1));
        wrong
    })
}

/// A payment that we took for canceled, of certainty, is charged all the same: shown, told, and never paid a second time.
pub fn our_own_word_gives_way_to_stripe_s() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        next_calls(&universe, "create_payment_intent", 2, CallFault::LockTimeout);
        let (_, path) = create(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        let canceled = cancel(&mut universe, &path).await;
        let mut wrong = unless(canceled.status() == 200, || format!("canceled with {}", canceled.status()));
        // Stripe has done it although it said that it had not.
        let (now_ms, sent) = {
            let sandbox = universe.sandbox();
            let call = sandbox.calls().iter().rfind(|call| call.operation == "create_payment_intent").cloned();
            (universe.now_ms(), call.unwrap())
        };
        let mut request =
            http::Request::builder().method("POST").uri(format!("https://api.stripe.com{}", sent.path_and_query));
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        // Meanwhile the shop has begun another payment of the order.
        universe.call("POST", "/payments", Some("k-2"), Some(&payment("o-1"))).await;
        universe.sandbox().call(Vendor::Stripe, now_ms, request.body(sent.body.clone()).unwrap());
        universe.run_until_quiet(A_WHILE_MS).await;
        let items = universe.aws().table().items();
        let nth =
            |n: i64| of_type(&items, "payment").find(|payment| payment["ordinal"] == n).cloned().unwrap_or_default();
        let (first, second) = (nth(1), nth(2));
        let is_paid = first["status"] == "succeeded" && first["refundable"] == 1_099;
        wrong.extend(unless(is_paid, || format!("it is {} with {} to refund", first["status"], first["refundable"])));
        wrong.extend(unless(second["status"] == "canceled", || format!("the second one is {}", second["status"])));
        let told = rows(&universe, "payment.charged_unexpectedly");
        wrong.extend(unless(told == 1, || format!("it was told {told} times")));
        let shown = order(&mut universe, "o-1").await;
        let shows_it = shown["payment"]["payment_id"] == first["payment_id"];
        wrong.extend(unless(shows_it, || format!("the order, which is paid, shows {}", shown["payment"])));
        let body = confirmed_payment("o-1", "pm_card_visa");
        let again = universe.call("POST", "/payments", Some("k-3"), Some(&body)).await;
        wrong.extend(unless(again.body()["code"] == "order_already_has_payment", || format!("{}", again.body())));
        wrong
    })
}

/// A shopper was faster: whoever asks for the cancel hears so at once, and nobody is woken.
pub fn who_cancels_too_late_is_told_at_once() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        webhooks_are_late(&universe);
        let (created, path) = create(&mut universe, &payment("o-1")).await;
        shopper_pays(&universe, &created);
        let canceled = cancel(&mut universe, &path).await;
        let mut wrong =
            unless(canceled.body()["code"] == "payment_already_succeeded", || format!("{}", canceled.body()));
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(ended(&universe, "succeeded", 1));
        let told = rows(&universe, "payment.charged_unexpectedly");
        wrong.extend(unless(told == 0, || format!("it was told {told} times")));
        wrong
    })
}
