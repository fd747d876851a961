//! A message that is claimed, and cannot be read then: nothing was sent, so it waits for no news of a sending.

use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::universe::{Function, Invocation, Universe};
use simulation::{Fault, Plan};

use crate::{A_WHILE_MS, PHONE, mails_asked_for, parcel_today, promotion_by_mail, texts, wants};

const BEFORE: &str = "2024-04-01T00:00:00Z";
/// Time for a try, the sweeper's minute and another try: an outcome that is not known takes ten.
const SOON_MS: i64 = 180_000;
/// The SDK tries three times.
const EVERY_TRY: usize = 3;

/// A message or a campaign is asked for, by somebody who wants it; nobody has worked yet.
async fn asked(path: &str, body: &Value) -> Universe {
    let mut universe = Universe::new(1);
    for (channel, address) in [("email", "ada@example.com"), ("sms", PHONE)] {
        wants(&mut universe, channel, address, true, BEFORE).await;
    }
    let answer = universe.call("POST", path, Some("m-1"), Some(body)).await;
    assert_eq!(answer.status(), 202, "{}", answer.body());
    universe
}

/// The number of an invocation's last request of this name before it calls a vendor.
fn read_before_call(invocation: &Invocation, name: &str) -> usize {
    let is_call = |request: &&String| request.starts_with("sendgrid.") || request.starts_with("twilio.");
    let before: Vec<&String> = invocation.waves.iter().flatten().take_while(|request| !is_call(request)).collect();
    before.iter().rposition(|request| request.starts_with(name)).unwrap() + 1
}

/// From this request on, every try of it fails; what comes after works.
fn unread(read: usize) -> Plan {
    Plan { faults: (read..read + EVERY_TRY).map(|n| (n, Fault::Throttled)).collect(), ..Plan::default() }
}

fn sent(universe: &Universe) -> usize {
    mails_asked_for(universe).len() + texts(universe).len()
}

fn phases(universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().items();
    of_type(&items, "intent").map(|intent| text(intent, "phase").unwrap().to_owned()).collect()
}

async fn is_sent_soon_and_once(path: &str, body: Value, name: &str) {
    let mut undisturbed = asked(path, &body).await;
    undisturbed.run_until_quiet(A_WHILE_MS).await;
    let works = |function| matches!(function, Function::EmailSender | Function::SmsSender);
    let number = undisturbed.invocations.iter().position(|invocation| works(invocation.function)).unwrap();

    let mut universe = asked(path, &body).await;
    universe.plans.insert(number, unread(read_before_call(&undisturbed.invocations[number], name)));
    universe.run_until_quiet(SOON_MS).await;
    assert_eq!(sent(&universe), 1, "{body}: {:?}", phases(&universe));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(sent(&universe), 1, "{body}");
    assert!(phases(&universe).iter().all(|phase| phase == "DONE"), "{body}: {:?}", phases(&universe));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_be_read_for_a_moment_is_sent_soon_and_once() {
    for body in [promotion_by_mail(), parcel_today()] {
        is_sent_soon_and_once("/messages", body, "DynamoDB.BatchGetItem").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_could_not_be_read_for_a_moment_is_sent_soon_and_once() {
    let body = json!({
        "name": "Spring",
        "recipients": [{ "email": "ada@example.com", "name": "Ada" }],
        "data": { "subject": "Half price", "text": "Only today.", "url": "https://shop.example/spring" },
    });
    is_sent_soon_and_once("/campaigns", body, "DynamoDB.GetItem").await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_could_not_be_read_for_a_moment_is_sent_while_it_is_good() {
    let body = json!({ "channel": "sms", "kind": "two_factor_code", "to": PHONE, "data": { "code": "918273" } });
    let mut undisturbed = Universe::new(1);
    assert_eq!(undisturbed.call("POST", "/messages", Some("m-1"), Some(&body)).await.status(), 202);

    let mut universe = Universe::new(1);
    universe.plans.insert(0, unread(read_before_call(&undisturbed.invocations[0], "DynamoDB.BatchGetItem")));
    assert_eq!(universe.call("POST", "/messages", Some("m-1"), Some(&body)).await.status(), 503);
    assert_eq!(phases(&universe), ["READY"], "nobody has called");
    universe.run_until_quiet(15_000).await;
    assert_eq!(sent(&universe), 1);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(sent(&universe), 1);
    assert!(phases(&universe).iter().all(|phase| phase == "DONE"), "{:?}", phases(&universe));
    assert_eq!(violations(&universe), Vec::<String>::new());
}
