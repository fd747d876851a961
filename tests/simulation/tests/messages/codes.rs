//! Codes: sent by the request itself, good for two minutes, and not for whoever wants to make us pay.

use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::universe::{Function, Universe};

use crate::{A_WHILE_MS, ask, ask_and_wait, status, texts};

fn code(number: &str) -> Value {
    json!({ "channel": "sms", "kind": "two_factor_code", "to": number, "data": { "code": "918273" } })
}

#[tokio::test(start_paused = true)]
async fn a_code_leaves_with_the_request_and_waits_behind_nobody() {
    let mut universe = Universe::new(1);
    let answer = universe.call("POST", "/messages", Some("m-1"), Some(&code(crate::PHONE))).await;
    assert_eq!((answer.status(), &answer.body()["status"]), (202, &json!("sent")));
    assert_eq!(texts(&universe), ["918273 is your code at Shop. Tell it to nobody."]);
    assert!(universe.invocations.iter().all(|invocation| invocation.function == Function::MessageInitiator));
    let again = universe.call("POST", "/messages", Some("m-1"), Some(&code(crate::PHONE))).await;
    assert_eq!((again.status(), texts(&universe).len()), (202, 1));
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_turned_away_is_sent_within_its_two_minutes() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(
        Vendor::Twilio,
        "create_message",
        1,
        CallFault::Throttled { retry_after_s: 1 },
    );
    let asked_ms = universe.now_ms();
    let id = ask_and_wait(&mut universe, "m-1", &code(crate::PHONE)).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    let sent_ms = universe.sandbox().twilio().messages()[0].created_ms;
    assert!(sent_ms - asked_ms < 30_000, "{} ms", sent_ms - asked_ms);
}

#[tokio::test(start_paused = true)]
async fn a_code_whose_request_was_lost_is_sent_while_it_is_good_for_something() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_calls(Vendor::Twilio, "create_message", 1, CallFault::LostRequest);
    let asked_ms = universe.now_ms();
    let id = ask_and_wait(&mut universe, "m-1", &code(crate::PHONE)).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    let sent_ms = universe.sandbox().twilio().messages()[0].created_ms;
    assert!(sent_ms - asked_ms < 75_000, "{} ms", sent_ms - asked_ms);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_never_sent_when_its_time_is_over_and_nobody_has_to_look_after_it() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().outage(Vendor::Twilio, true);
    let id = ask(&mut universe, "m-1", &code(crate::PHONE)).await;
    universe.run_until_quiet(10 * 60_000).await;
    universe.sandbox().faults().outage(Vendor::Twilio, false);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((status(&mut universe, &id).await, texts(&universe).len()), ("failed".to_owned(), 0));
    let items = universe.aws().table().items();
    assert!(of_type(&items, "intent").all(|intent| text(intent, "phase") == Some("REFUSED")));
}

#[tokio::test(start_paused = true)]
async fn a_number_gets_at_most_five_codes_an_hour_and_others_are_not_touched() {
    let mut universe = Universe::new(1);
    for n in 1..=5 {
        ask(&mut universe, &format!("m-{n}"), &code(crate::PHONE)).await;
    }
    let sixth = universe.call("POST", "/messages", Some("m-6"), Some(&code(crate::PHONE))).await;
    assert_eq!((sixth.status(), &sixth.body()["code"]), (429, &json!("too_many_codes")));
    let repeat = universe.call("POST", "/messages", Some("m-5"), Some(&code(crate::PHONE))).await;
    assert_eq!(repeat.status(), 202, "a repeat is no further code");
    ask(&mut universe, "m-7", &code("+61487654321")).await;
    assert_eq!(texts(&universe).len(), 6);
    universe.sleep_ms(3_600_000).await;
    ask(&mut universe, "m-8", &code(crate::PHONE)).await;
    assert_eq!(texts(&universe).len(), 7);
}
