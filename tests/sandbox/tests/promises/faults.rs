//! The fault dial: what each fault does and what it leaves behind.

use crate::caller::{
    Answer, START_MS, a_mail, answered, get, mail_request, pay, post, send, stripe_request, take_events, types,
};
use sandbox::{CallFault, CallRule, RandomFaults, Reply, Sandbox, Settings, Vendor, WebhookFault, WebhookRule};

const CREATE: &str = "create_payment_intent";
const FORM: &str = "amount=1099&currency=eur&payment_method=pm_card_visa&confirm=true";

fn sandbox_with(operation: &str, fault: CallFault) -> Sandbox {
    let mut sandbox = Sandbox::new(Settings::default());
    sandbox.faults().next_calls(Vendor::Stripe, operation, 1, fault);
    sandbox
}

fn call(sandbox: &mut Sandbox, at_ms: i64) -> Reply {
    sandbox.call(Vendor::Stripe, at_ms, stripe_request("POST", "/v1/payment_intents", Some("k1"), FORM))
}

fn retry(sandbox: &mut Sandbox) -> Answer {
    answered(call(sandbox, START_MS + 60_000))
}

#[test]
fn an_error_before_the_work_leaves_nothing_behind() {
    let mut sandbox = sandbox_with(CREATE, CallFault::ErrorBefore { status: 503 });
    assert_eq!(answered(call(&mut sandbox, START_MS)).status, 503);
    assert!(sandbox.stripe().payment_intents().is_empty());
    assert_eq!((retry(&mut sandbox).status, sandbox.stripe().charges().len()), (200, 1));
}

#[test]
fn a_stored_500_has_charged_the_card_and_is_replayed() {
    let mut sandbox = sandbox_with(CREATE, CallFault::ErrorAfter { status: 500 });
    assert_eq!(answered(call(&mut sandbox, START_MS)).status, 500);
    let again = retry(&mut sandbox);
    assert_eq!((again.status, again.header("idempotent-replayed")), (500, "true"));
    assert_eq!(sandbox.stripe().charges().len(), 1);
    let found = get(&mut sandbox, START_MS, "/v1/payment_intents?limit=100");
    assert_eq!(found.text("/data/0/status"), "succeeded");
}

#[test]
fn an_error_during_the_work_is_replayed_though_nothing_was_done() {
    let mut sandbox = sandbox_with(CREATE, CallFault::ErrorDuring { status: 500 });
    call(&mut sandbox, START_MS);
    let again = retry(&mut sandbox);
    assert_eq!((again.status, again.header("idempotent-replayed")), (500, "true"));
    assert!(sandbox.stripe().payment_intents().is_empty());
}

#[test]
fn a_lost_answer_has_done_the_work_and_the_same_key_tells() {
    let mut sandbox = sandbox_with(CREATE, CallFault::LostAnswer);
    assert!(matches!(call(&mut sandbox, START_MS), Reply::Lost { .. }));
    let again = retry(&mut sandbox);
    assert_eq!((again.text("/status"), again.header("idempotent-replayed")), ("succeeded", "true"));
    assert_eq!(sandbox.stripe().charges().len(), 1);
    assert_eq!((sandbox.calls()[0].status, sandbox.calls()[1].status), (None, Some(200)));
}

#[test]
fn a_lost_request_and_a_refused_connection_have_done_nothing() {
    for fault in [CallFault::LostRequest, CallFault::Refused] {
        let mut sandbox = sandbox_with(CREATE, fault);
        let reply = call(&mut sandbox, START_MS);
        assert_eq!(matches!(reply, Reply::Refused), fault == CallFault::Refused);
        assert!(sandbox.stripe().payment_intents().is_empty());
        assert_eq!((sandbox.calls().len(), sandbox.calls()[0].status), (1, None));
        assert_eq!(retry(&mut sandbox).header("idempotent-replayed"), "");
    }
}

#[test]
fn a_throttled_call_says_when_to_come_back() {
    let mut sandbox = sandbox_with("*", CallFault::Throttled { retry_after_s: 7 });
    let throttled = answered(call(&mut sandbox, START_MS));
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, "7"));
    assert_eq!(throttled.header("stripe-rate-limited-reason"), "global-rate");
    assert_eq!(retry(&mut sandbox).header("idempotent-replayed"), "");
}

#[test]
fn a_locked_object_is_a_429_that_has_done_nothing_and_names_no_time() {
    for operation in ["create_customer", "create_refund", "*"] {
        let mut sandbox = Sandbox::new(Settings::default());
        let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
        sandbox.faults().next_calls(Vendor::Stripe, operation, 1, CallFault::LockTimeout);
        let refund = format!("payment_intent={}", paid.text("/id"));
        let (path, form) =
            if operation == "create_refund" { ("/v1/refunds", refund.as_str()) } else { ("/v1/customers", "name=Ada") };
        let locked = post(&mut sandbox, START_MS, path, Some("k2"), form);
        assert_eq!((locked.status, locked.text("/error/code")), (429, "lock_timeout"));
        assert_eq!((locked.header("retry-after"), locked.header("stripe-rate-limited-reason")), ("", ""));
        let again = post(&mut sandbox, START_MS, path, Some("k2"), form);
        assert_eq!((again.status, again.header("idempotent-replayed")), (200, ""));
    }
}

#[test]
fn while_a_slow_call_runs_its_key_is_in_use() {
    let mut sandbox = sandbox_with(CREATE, CallFault::Delay { ms: 10_000 });
    assert!(matches!(call(&mut sandbox, START_MS), Reply::Answer { delay_ms: 10_000, .. }));
    let early = answered(call(&mut sandbox, START_MS + 8000));
    assert_eq!((early.status, early.text("/error/code")), (409, "idempotency_key_in_use"));
    let late = answered(call(&mut sandbox, START_MS + 10_000));
    assert_eq!((late.status, late.header("idempotent-replayed")), (200, "true"));
    assert_eq!(sandbox.stripe().charges().len(), 1);
}

#[test]
fn a_rule_fits_its_operation_only_and_as_often_as_it_says() {
    let mut sandbox = Sandbox::new(Settings::default());
    sandbox.faults().next_calls(Vendor::Stripe, "list", 2, CallFault::ErrorBefore { status: 500 });
    assert_eq!(pay(&mut sandbox, START_MS, "k1", "pm_card_visa").status, 200);
    let statuses = [(); 3].map(|()| get(&mut sandbox, START_MS, "/v1/payment_intents").status);
    assert_eq!(statuses, [500, 500, 200]);
}

#[test]
fn an_outage_answers_503_to_every_call_of_one_vendor_until_it_ends() {
    let mut sandbox = Sandbox::new(Settings::default());
    sandbox.faults().outage(Vendor::SendGrid, true);
    assert_eq!(send(&mut sandbox, START_MS, &a_mail("ada@example.com")).status, 503);
    assert_eq!(pay(&mut sandbox, START_MS, "k1", "pm_card_visa").status, 200);
    sandbox.faults().clear();
    assert_eq!(send(&mut sandbox, START_MS, &a_mail("ada@example.com")).status, 202);
    assert_eq!(sandbox.sendgrid().mails().len(), 1);
}

#[test]
fn a_mail_whose_answer_was_lost_is_sent_and_its_repeat_is_a_second_mail() {
    let mut sandbox = Sandbox::new(Settings::default());
    sandbox.faults().next_calls(Vendor::SendGrid, "mail_send", 1, CallFault::LostAnswer);
    let mail = a_mail("ada@example.com");
    assert!(matches!(sandbox.call(Vendor::SendGrid, START_MS, mail_request(&mail)), Reply::Lost { .. }));
    send(&mut sandbox, START_MS, &mail);
    assert_eq!(sandbox.sendgrid().mails().len(), 2);
}

#[test]
fn a_rule_about_an_order_leaves_the_others_alone_and_can_be_cleared_alone() {
    let mut sandbox = Sandbox::new(Settings::default());
    let rule = |about: Option<&str>| CallRule {
        vendor: Vendor::Stripe,
        operation: "*".to_owned(),
        fault: CallFault::ErrorBefore { status: 503 },
        times: None,
        about: about.map(str::to_owned),
    };
    let status_of = |sandbox: &mut Sandbox, order: &str, key: &str| {
        let form = format!("{FORM}&metadata[crossdock_order]={order}");
        answered(sandbox.call(
            Vendor::Stripe,
            START_MS,
            stripe_request("POST", "/v1/payment_intents", Some(key), &form),
        ))
        .status
    };
    sandbox.faults().add_call_rule(rule(Some("o-7")));
    assert_eq!(status_of(&mut sandbox, "o-8", "k1"), 200);
    assert_eq!(status_of(&mut sandbox, "o-7", "k2"), 503);
    sandbox.faults().add_call_rule(rule(Some("o-8")));
    sandbox.faults().clear_about("o-7");
    assert_eq!(status_of(&mut sandbox, "o-7", "k2"), 200);
    assert_eq!(status_of(&mut sandbox, "o-8", "k3"), 503);
}

#[test]
fn a_rule_for_webhooks_about_an_order_leaves_those_of_others_alone() {
    let mut sandbox = Sandbox::new(Settings::default());
    let fault = WebhookFault::Dropped;
    let about = Some("o-7".to_owned());
    sandbox.faults().add_webhook_rule(WebhookRule { vendor: Vendor::Stripe, fault, times: None, about });
    for (order, told) in [("o-7", false), ("o-8", true)] {
        let form = format!("{FORM}&metadata[crossdock_order]={order}");
        post(&mut sandbox, START_MS, "/v1/payment_intents", Some(order), &form);
        let events = take_events(&mut sandbox, START_MS + 60_000);
        assert_eq!(types(&events).contains(&"payment_intent.succeeded"), told, "{order}: {events:?}");
    }
}

#[test]
fn chance_is_decided_by_the_seed() {
    let run = |seed| {
        let mut sandbox = Sandbox::new(Settings { seed, ..Settings::default() });
        let half = RandomFaults { error_before: 0.25, lost_answer: 0.25, delay: 0.1, ..RandomFaults::default() };
        sandbox.faults().random(half);
        for i in 0..200 {
            let key = format!("k{i}");
            let request = stripe_request("POST", "/v1/payment_intents", Some(&key), FORM);
            sandbox.call(Vendor::Stripe, START_MS, request);
        }
        sandbox.calls().iter().map(|call| call.status).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let lost = run(1).iter().filter(|status| status.is_none()).count();
    assert!((20..=80).contains(&lost), "{lost}");
}
