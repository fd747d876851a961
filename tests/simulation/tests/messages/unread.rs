//! A message that is claimed, and cannot be read then: nothing was sent, so it waits for no news of a sending.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::universe::{Function, Universe};
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

/// The number of the invocation that works, and of its last request of this name before it calls a vendor.
async fn read_before_call(path: &str, body: &Value, name: &str) -> (usize, usize) {
    let mut universe = asked(path, body).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let works = |function| matches!(function, Function::EmailSender | Function::SmsSender);
    let number = universe.invocations.iter().position(|invocation| works(invocation.function)).unwrap();
    let requests: Vec<&String> = universe.invocations[number].waves.iter().flatten().collect();
    let is_call = |request: &&String| request.starts_with("sendgrid.") || request.starts_with("twilio.");
    let before: Vec<_> = requests.iter().take_while(|request| !is_call(request)).collect();
    let read = before.iter().rposition(|request| request.starts_with(name)).unwrap();
    (number, read + 1)
}

fn sent(universe: &Universe) -> usize {
    mails_asked_for(universe).len() + texts(universe).len()
}

fn phases(universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().items();
    of_type(&items, "intent").map(|intent| text(intent, "phase").unwrap().to_owned()).collect()
}

async fn is_sent_soon_and_once(path: &str, body: Value, name: &str) {
    let (number, read) = read_before_call(path, &body, name).await;
    let mut universe = asked(path, &body).await;
    let faults: BTreeMap<usize, Fault> = (read..read + EVERY_TRY).map(|n| (n, Fault::Throttled)).collect();
    universe.plans.insert(number, Plan { faults, ..Plan::default() });
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
