//! What a person does by hand: to intents that wait for one, and with what the archive has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use crossdock::domain::{Correlation, IntentId, PaymentId, Timestamp};
use crossdock::effects::audit::Operator;
use crossdock::effects::payment::key;
use crossdock::effects::{
    Claim, Finding, Intent, Lease, Outcome, Phase, Preview, Reason, Settled, Subject, Verdict, WorkList,
};
use crossdock::error::Error;
use crossdock::gateway::Lane;
use crossdock::gateway::Vendor as Whose;
use crossdock::lambda::{Replay, System, Webhook};
use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, payment};
use simulation::universe::{Function, Universe};
use simulation::{Fault, Plan, Probe};

/// Longer than any payment's budget.
const BEYOND_THE_BUDGET_MS: i64 = 26 * 3_600_000;

fn system(universe: &Universe) -> System {
    universe.system(Function::EventProcessor, &Probe::new())
}

fn list(universe: &Universe) -> WorkList {
    system(universe).work_list().unwrap()
}

fn ada() -> Operator {
    Operator { who: "arn:aws:iam::1:user/ada".to_owned(), why: Some("asked the bank".to_owned()) }
}

/// The one intent of a kind.
fn intent(universe: &Universe, kind: &str) -> Value {
    let items = universe.aws().table().items();
    of_type(&items, "intent").find(|intent| text(intent, "kind") == Some(kind)).unwrap().clone()
}

fn id(intent: &Value) -> IntentId {
    IntentId::from_stored(text(intent, "intent_id").unwrap())
}

/// It, as a person sees it.
async fn seen(list: &WorkList, id: &IntentId) -> Intent {
    list.intent(id).await.unwrap().unwrap()
}

fn status(universe: &Universe, item_type: &'static str) -> String {
    let items = universe.aws().table().items();
    text(of_type(&items, item_type).next().unwrap(), "status").unwrap().to_owned()
}

fn audits(universe: &Universe) -> Vec<Value> {
    of_type(&universe.aws().table().items(), "audit").cloned().collect()
}

fn timeline(universe: &Universe, event: &str) -> usize {
    universe.aws().table().items().iter().filter(|item| text(item, "event") == Some(event)).count()
}

/// A payment whose request or answers were lost, and that was given up. Stripe works again, and tells of whatever happens
/// from now on.
async fn given_up(body: Value, lost: CallFault) -> Universe {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().every_call(Vendor::Stripe, "*", lost);
    universe.sandbox().faults().every_webhook(Vendor::Stripe, sandbox::WebhookFault::Dropped);
    universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    universe.sleep_ms(120_000).await;
    let list = list(&universe);
    let lease = Lease {
        owner: "a worker".to_owned(),
        call_by: Timestamp::from_ms(universe.now_ms()),
        lane: Lane::Background,
        asked_by: None,
    };
    let Claim::Mine(claimed) = list.claim(&id(&intent(&universe, "payment.create")), &lease).await.unwrap() else {
        panic!("not claimed");
    };
    let items = universe.aws().table().items();
    let payment_id = text(of_type(&items, "payment").next().unwrap(), "payment_id").unwrap();
    let key = key(&PaymentId::from_stored(payment_id));
    let subject = Subject::Payment(Box::new(list.table().get(&key).await.unwrap().unwrap().parse().unwrap()));
    let outcome = Outcome::of(Verdict::GivenUp { reason: Reason::BudgetOver });
    list.settle(&claimed, Whose::Stripe, subject, outcome, |_, _| Ok(None)).await.unwrap();
    assert_eq!(text(&intent(&universe, "payment.create"), "phase"), Some("MANUAL"));
    assert_eq!(status(&universe, "payment"), "manual");
    universe.sandbox().faults().clear();
    // Nobody looked for longer than its budget is.
    universe.sleep_ms(u64::try_from(BEYOND_THE_BUDGET_MS).unwrap()).await;
    universe
}

/// Stripe took the payment, and nobody heard of it.
async fn unheard_of(body: Value) -> Universe {
    given_up(body, CallFault::LostAnswer).await
}

#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("refused").code
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_is_found_without_reading_the_table_and_nobody_is_nudged_for_it() {
    let mut universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    let waiting = list(&universe).manual().await.unwrap().intents;
    assert_eq!(waiting.iter().map(|intent| intent.kind.as_str()).collect::<Vec<_>>(), ["payment.create"]);
    assert_eq!(waiting[0].refusal, Some(Reason::BudgetOver));
    let calls = universe.sandbox().calls().len();
    universe.sweep().await;
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(universe.sandbox().calls().len(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_retry_asks_the_vendor_first_and_the_charge_that_was_made_is_found_and_never_made_again() {
    let mut universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let list = list(&universe);
    assert_eq!(list.retry(&seen(&list, &intent_id).await, &ada()).await.unwrap(), Phase::Unknown);
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(status(&universe, "payment"), "succeeded");
    assert_eq!(text(&intent(&universe, "payment.create"), "phase"), Some("DONE"));
    assert_eq!(universe.sandbox().stripe().payment_intents().len(), 1);
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
    let audits = audits(&universe);
    assert_eq!(audits.len(), 1);
    assert_eq!(text(&audits[0], "who"), Some("arn:aws:iam::1:user/ada"));
    assert_eq!(text(&audits[0], "detail"), Some("payment.create as UNKNOWN"));
    assert_eq!(timeline(&universe, "operator.manual.retry"), 1);
    let of_today = list.audits(Timestamp::from_ms(universe.now_ms())).await.unwrap();
    assert_eq!(of_today.audits.iter().map(|audit| audit.action.as_str()).collect::<Vec<_>>(), ["manual.retry"]);
    assert_eq!(of_today.audits[0].why.as_deref(), Some("asked the bank"));
    assert_eq!((of_today.unreadable, of_today.there_may_be_more), (0, false));

    // A newer version keeps it in another way.
    let key = crossdock::aws::Key::new(text(&audits[0], "pk").unwrap(), text(&audits[0], "sk").unwrap());
    list.table().update(crossdock::aws::Write::update(key).remove("who")).await.unwrap();
    let of_today = list.audits(Timestamp::from_ms(universe.now_ms())).await.unwrap();
    assert_eq!((of_today.audits.len(), of_today.unreadable), (0, 1), "nobody is told that nothing was done");
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_is_simply_done_by_a_retry() {
    let mut universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let key = crossdock::effects::intent::key(&intent_id);
    let never = crossdock::aws::Write::update(key).remove("first_called_at").remove("called_until");
    list(&universe).table().update(never).await.unwrap();
    let list = list(&universe);
    assert_eq!(list.retry(&seen(&list, &intent_id).await, &ada()).await.unwrap(), Phase::Ready);
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(status(&universe, "payment"), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_retry_has_a_budget_of_its_own_and_its_end_is_for_a_person_again() {
    let mut universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    let intent_id = id(&intent(&universe, "payment.create"));
    list(&universe).retry(&seen(&list(&universe), &intent_id).await, &ada()).await.unwrap();
    universe.run_until_quiet(3_600_000).await;
    assert_ne!(text(&intent(&universe, "payment.create"), "phase"), Some("MANUAL"));
    universe.run_until_quiet(BEYOND_THE_BUDGET_MS).await;
    assert_eq!(text(&intent(&universe, "payment.create"), "phase"), Some("MANUAL"));
    universe.sandbox().faults().clear();
    list(&universe).retry(&seen(&list(&universe), &intent_id).await, &ada()).await.unwrap();
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(status(&universe, "payment"), "succeeded");
    assert_eq!(audits(&universe).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_people_is_told_that_it_does_not_wait_any_more() {
    let universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let list = list(&universe);
    let grace = Operator { who: "grace".to_owned(), why: None };
    let (ada, grace) = (ada(), grace);
    let refused = Finding::Refused { reason: Reason::Other("fraud".to_owned()) };
    let waiting = seen(&list, &intent_id).await;
    let (first, second) = futures_util::join!(list.retry(&waiting, &ada), list.resolve(&waiting, &refused, &grace));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    for looked_at in [waiting, seen(&list, &intent_id).await] {
        assert_eq!(code(list.retry(&looked_at, &ada).await), "not_manual");
        assert_eq!(code(list.resolve(&looked_at, &refused, &grace).await), "not_manual");
    }
    assert_eq!(audits(&universe).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_what_a_person_does_leaves_it_done_once() {
    for fault in [Fault::AnswerLost, Fault::RequestLost, Fault::Conflict, Fault::Throttled] {
        for n in 1..=4 {
            let universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
            let intent_id = id(&intent(&universe, "payment.create"));
            let waiting = seen(&list(&universe), &intent_id).await;
            let probe = Probe::with(Plan::fault(n, fault));
            let list = universe.system(Function::EventProcessor, &probe).work_list().unwrap();
            list.retry(&waiting, &ada()).await.unwrap_or_else(|e| panic!("{fault:?} at {n}: {e}"));
            assert_eq!(text(&intent(&universe, "payment.create"), "phase"), Some("UNKNOWN"));
            assert_eq!(audits(&universe).len(), 1, "{fault:?} at {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_touches_an_intent_that_is_not_manual() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.run_until_quiet(3_600_000).await;
    let before = universe.aws().table().items();
    let list = list(&universe);
    let done = id(&intent(&universe, "payment.create"));
    let finding = Finding::Refused { reason: Reason::Other("fraud".to_owned()) };
    let done = seen(&list, &done).await;
    assert_eq!(code(list.retry(&done, &ada()).await), "not_manual");
    assert_eq!(code(list.resolve(&done, &finding, &ada()).await), "not_manual");
    assert_eq!(universe.aws().table().items(), before);
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_a_person_found_at_the_vendor_goes_on_with_the_vendors_next_event() {
    let mut universe = unheard_of(payment("o-1")).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let object = universe.sandbox().stripe().payment_intents()[0].clone();
    let done = Finding::Done { vendor_id: object.id.clone() };
    let waiting = seen(&list(&universe), &intent_id).await;
    assert!(matches!(list(&universe).resolve(&waiting, &done, &ada()).await.unwrap(), Settled::Written(..)));
    let settled = intent(&universe, "payment.create");
    assert_eq!((text(&settled, "phase"), text(&settled, "vendor_id")), (Some("DONE"), Some(object.id.as_str())));
    assert!(settled.get("due_pk").is_none());
    assert_eq!(status(&universe, "payment"), "processing");
    assert_eq!(timeline(&universe, "operator.manual.resolve"), 1);
    let secret = object.to_json()["client_secret"].as_str().unwrap().to_owned();
    let now_ms = universe.now_ms();
    universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(status(&universe, "payment"), "succeeded");
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_a_person_found_refused_is_over_and_the_order_can_be_paid_anew() {
    let mut universe = given_up(confirmed_payment("o-1", "pm_card_visa"), CallFault::LostRequest).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let list = list(&universe);
    let waiting = seen(&list, &intent_id).await;
    list.resolve(&waiting, &Finding::Refused { reason: Reason::Other("not_at_the_vendor".to_owned()) }, &ada())
        .await
        .unwrap();
    let settled = intent(&universe, "payment.create");
    assert_eq!((text(&settled, "phase"), text(&settled, "refusal")), (Some("REFUSED"), Some("not_at_the_vendor")));
    assert_eq!(status(&universe, "payment"), "failed");
    let again = universe.call("POST", "/payments", Some("k-2"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    assert_eq!(again.status(), 201, "{}", again.body());
}

#[tokio::test(start_paused = true)]
async fn what_a_person_knows_not_to_have_happened_is_done_once_as_another_request() {
    let mut universe = given_up(confirmed_payment("o-1", "pm_card_visa"), CallFault::LostRequest).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let waiting = seen(&list(&universe), &intent_id).await;
    list(&universe).resolve(&waiting, &Finding::NotDone, &ada()).await.unwrap();
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(status(&universe, "payment"), "succeeded");
    assert_eq!(intent(&universe, "payment.create")["generation"], 1);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_belongs_to_another_payment_is_never_taken_for_this_one() {
    let mut universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    universe.call("POST", "/payments", Some("k-2"), Some(&confirmed_payment("o-2", "pm_card_visa"))).await;
    universe.run_until_quiet(3_600_000).await;
    let items = universe.aws().table().items();
    let other = of_type(&items, "payment").find(|payment| text(payment, "order_id") == Some("o-2")).unwrap();
    let done = Finding::Done { vendor_id: text(other, "vendor_id").unwrap().to_owned() };
    let waiting = list(&universe).manual().await.unwrap().intents;
    assert_eq!(code(list(&universe).resolve(&waiting[0], &done, &ada()).await), "vendor_object_taken");
    assert_eq!(
        list(&universe).manual().await.unwrap().intents.len(),
        waiting.len(),
        "what was refused changes nothing"
    );
    assert_eq!(audits(&universe), Vec::<Value>::new(), "what was not done is not in the audit");
}

#[tokio::test(start_paused = true)]
async fn who_looked_before_somebody_else_acted_decides_nothing() {
    let mut universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    let intent_id = id(&intent(&universe, "payment.create"));
    let long_ago = seen(&list(&universe), &intent_id).await;
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    list(&universe).retry(&long_ago, &ada()).await.unwrap();
    universe.run_until_quiet(BEYOND_THE_BUDGET_MS).await;
    assert_eq!(text(&intent(&universe, "payment.create"), "phase"), Some("MANUAL"), "it waits once more");
    assert_eq!(code(list(&universe).resolve(&long_ago, &Finding::NotDone, &ada()).await), "intent_changed");
    assert_eq!(code(list(&universe).retry(&long_ago, &ada()).await), "intent_changed");
    assert_eq!(audits(&universe).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_this_version_cannot_read_hides_nothing_else_that_waits() {
    let universe = unheard_of(confirmed_payment("o-1", "pm_card_visa")).await;
    let (pk, sk, table) = ("INTENT#int_tomorrow", "INTENT", universe.aws().table());
    table.put(pk, sk, &[("kind", "payment.teleport")]);
    table.set_attributes(pk, sk, &[("due_pk", &json!({ "S": "DUE#MANUAL" })), ("due", &json!({ "N": "1" }))]);
    let waiting = list(&universe).manual().await.unwrap();
    assert_eq!(waiting.intents.len(), 1);
    assert_eq!(waiting.unreadable, ["INTENT#int_tomorrow"]);
}

/// Everything of Stripe's in the archive, to be replayed under this nonce.
async fn replayed(universe: &Universe, nonce: &str) -> Vec<Webhook> {
    let archive = system(universe).archive().unwrap();
    let now = Timestamp::from_ms(universe.now_ms());
    let mut webhooks = Vec::new();
    for key in archive.received(Whose::Stripe, Timestamp::from_ms(simulation::universe::START_MS), now).await.unwrap() {
        let (bytes, delivery) = archive.read(&key).await.unwrap();
        let replay = Replay { nonce: nonce.to_owned(), archive_key: key.clone(), event_id: None, kind: None };
        webhooks.push(Webhook::archived(&key, bytes.to_vec(), delivery, Some(replay)).unwrap());
    }
    webhooks
}

fn send(universe: &Universe, webhook: &Webhook) {
    let message = webhook.again(&Correlation::parse("replay-0001").unwrap()).unwrap();
    let attributes = message.attributes.into_iter().map(|(name, value)| (name, simulation::Attribute::string(value)));
    universe.aws().sqs().send("inbound-events", &message.body, attributes.collect(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_everything_changes_nothing_where_nothing_is_missing() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.run_until_quiet(3_600_000).await;
    let (objects, mails) = (universe.aws().s3().objects(), universe.sandbox().sendgrid().mails().len());
    let before = status(&universe, "payment");
    for nonce in ["first", "second", "second"] {
        let webhooks = replayed(&universe, nonce).await;
        assert!(webhooks.len() >= 2);
        for webhook in &webhooks {
            send(&universe, webhook);
        }
        universe.run_until_quiet(3_600_000).await;
    }
    assert_eq!(status(&universe, "payment"), before);
    assert_eq!(universe.sandbox().sendgrid().mails().len(), mails);
    assert_eq!(universe.aws().s3().objects(), objects, "what is replayed is not archived again");
    assert_eq!(violations(&universe), Vec::<String>::new());
    // Each nonce has left its own mark once.
    let items = universe.aws().table().items();
    let marks =
        |nonce: &str| of_type(&items, "event").filter(|mark| text(mark, "pk").unwrap().ends_with(nonce)).count();
    assert_eq!((marks("~first"), marks("~second")), (marks("~first").max(1), marks("~first")));
}

#[tokio::test(start_paused = true)]
async fn a_replay_writes_what_was_lost_and_says_beforehand_what_that_is() {
    let mut universe = Universe::new(1);
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.run_until_quiet(3_600_000).await;
    // An older copy of the payment was restored.
    let items = universe.aws().table().items();
    let payment = of_type(&items, "payment").next().unwrap();
    let (pk, sk) = (text(payment, "pk").unwrap(), text(payment, "sk").unwrap());
    let older = crossdock::aws::Write::update(crossdock::aws::Key::new(pk, sk))
        .set("status", &"requires_payment_method")
        .unwrap();
    let older = older.set("vendor_at", &1).unwrap().remove("refundable").remove("settlement");
    list(&universe).table().update(older).await.unwrap();

    let before = universe.aws().table().items();
    let would = previews(&universe).await;
    assert_eq!(universe.aws().table().items(), before, "a shadow run changes nothing");
    assert!(
        would.iter().any(|preview| matches!(
            preview,
            Preview::Applied { from: "requires_payment_method", to: "succeeded", .. }
        )),
        "{would:?}"
    );
    for webhook in replayed(&universe, "real").await {
        send(&universe, &webhook);
    }
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(status(&universe, "payment"), "succeeded");
    assert_eq!(universe.sandbox().sendgrid().mails().len(), 1, "its mail was in the work list already");
}

/// What a replay of all of Stripe's webhooks would do.
async fn previews(universe: &Universe) -> Vec<Preview> {
    let correlation = Correlation::parse("replay-0001").unwrap();
    let mut would = Vec::new();
    for webhook in replayed(universe, "shadow").await {
        for event in webhook.events(Timestamp::from_ms(universe.now_ms())).unwrap() {
            would.push(list(universe).preview(Whose::Stripe, &event.unwrap(), &correlation).await.unwrap());
        }
    }
    would
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_only_the_vendor_can_explain_is_said_to_ask_it() {
    let mut universe = Universe::new(1);
    let paid = universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.run_until_quiet(3_600_000).await;
    assert!(!previews(&universe).await.contains(&Preview::Asked));
    assert_eq!(paid.status(), 201);
    let (now_ms, id) = (universe.now_ms(), universe.sandbox().stripe().payment_intents()[0].id.clone());
    universe.sandbox().merchant_refunds(now_ms, &id, None).unwrap();
    universe.run_until_quiet(3_600_000).await;
    assert!(previews(&universe).await.contains(&Preview::Asked), "charge.refunded tells of no refund by its id");
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_the_event_that_is_meant_is_replayed() {
    let mut universe = Universe::new(1);
    for n in 1..=3 {
        let key = format!("o-{n}");
        universe.call("POST", "/payments", Some(&key), Some(&confirmed_payment(&key, "pm_card_visa"))).await;
    }
    universe.run_until_quiet(3_600_000).await;
    let items = universe.aws().table().items();
    let mark = of_type(&items, "event").find(|mark| text(mark, "vendor") == Some("sendgrid")).unwrap();
    let event_id = text(mark, "pk").unwrap().trim_start_matches("EVENT#sendgrid#").to_owned();
    let archive_key = list(&universe).recorded(Whose::SendGrid, &event_id).await.unwrap().unwrap().unwrap();
    let (bytes, delivery) = system(&universe).archive().unwrap().read(&archive_key).await.unwrap();
    let replay =
        Replay { nonce: "one".to_owned(), archive_key: archive_key.clone(), event_id: Some(event_id), kind: None };
    let webhook = Webhook::archived(&archive_key, bytes.to_vec(), delivery, Some(replay)).unwrap();
    send(&universe, &webhook);
    universe.run_until_quiet(3_600_000).await;
    let items = universe.aws().table().items();
    let marks = of_type(&items, "event").filter(|mark| text(mark, "pk").unwrap().ends_with("~one"));
    assert_eq!(marks.count(), 1);
}
