//! An SMS that does not arrive becomes a mail of the same meaning, once; and one of unknown outcome is never sent twice.

use sandbox::{CallFault, Course, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::shop::confirmed_payment;
use simulation::universe::Universe;

use crate::{A_WHILE_MS, ask_and_wait, parcel_today, shown, sms, status, texts};

/// A shop whose customer c-1 has paid order o-1, so that a mailbox is known.
async fn paid() -> Universe {
    let mut universe = Universe::new(1);
    let answer = universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    assert_eq!(answer.status(), 201, "{}", answer.body());
    universe.run_until_quiet(A_WHILE_MS).await;
    universe
}

fn subjects(universe: &Universe) -> Vec<String> {
    universe.sandbox().sendgrid().mails().iter().map(|mail| mail.subject.clone()).collect()
}

async fn messages(universe: &mut Universe) -> Vec<Value> {
    universe.call("GET", "/orders/o-1", None, None).await.body()["messages"].as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn an_sms_that_fails_for_good_becomes_a_mail() {
    for course in [Course::Undelivered { code: 30_005 }, Course::Failed { code: 30_001 }] {
        let mut universe = paid().await;
        universe.sandbox().faults().next_messages(Vendor::Twilio, 1, course);
        let id = ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
        assert_eq!(status(&mut universe, &id).await, "fell_back", "{course:?}");
        assert_eq!(subjects(&universe), ["Your order o-1 at Shop", "Your parcel comes today"]);
        let statuses: Vec<_> = messages(&mut universe).await.iter().map(|message| message["status"].clone()).collect();
        assert_eq!(statuses, ["delivered", "fell_back", "delivered"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_sms_that_the_provider_refuses_becomes_a_mail() {
    let mut universe = paid().await;
    let mut body = parcel_today();
    body["to"] = json!("+15005550001"); // Twilio's number for "is no valid number"
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    assert_eq!(status(&mut universe, &id).await, "fell_back");
    assert_eq!((texts(&universe).len(), subjects(&universe).len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn an_sms_that_arrives_after_all_is_delivered_and_there_is_one_mail() {
    let mut universe = paid().await;
    let late = Course::DeliveredAfterAll { code: 30_008 };
    universe.sandbox().faults().next_messages(Vendor::Twilio, 1, late);
    let id = ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    assert_eq!(subjects(&universe).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_no_mailbox_is_known_a_lost_sms_is_lost() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().next_messages(Vendor::Twilio, 1, Course::Undelivered { code: 30_005 });
    let id = ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
    assert_eq!(status(&mut universe, &id).await, "bounced");
    assert!(subjects(&universe).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_sms_whose_answer_is_lost_is_found_at_the_provider_and_not_sent_again() {
    for silent in [false, true] {
        let mut universe = paid().await;
        if silent {
            universe.sandbox().faults().next_messages(Vendor::Twilio, 1, Course::Silent);
        }
        universe.sandbox().faults().next_calls(Vendor::Twilio, "create_message", 1, CallFault::LostAnswer);
        let id = crate::ask(&mut universe, "m-1", &parcel_today()).await;
        // Of a carrier that never reports nobody asks for longer than a day.
        universe.run_until_quiet(26 * 3_600_000).await;
        assert_eq!(violations(&universe), Vec::<String>::new());
        assert_eq!(texts(&universe).len(), 1);
        assert_eq!(subjects(&universe).len(), 1, "no mail stands in for one that was sent");
        assert_eq!(status(&mut universe, &id).await, if silent { "sent" } else { "delivered" });
    }
}

#[tokio::test(start_paused = true)]
async fn an_sms_of_an_outage_is_sent_when_it_is_over_and_beyond_its_budget_a_mail_is() {
    for hours in [1, 30] {
        let mut universe = paid().await;
        // Nobody answers the door, so nothing can have happened behind it.
        universe.sandbox().faults().every_call(Vendor::Twilio, "*", CallFault::Refused);
        let id = crate::ask(&mut universe, "m-1", &parcel_today()).await;
        universe.run_until_quiet(hours * 3_600_000).await;
        universe.sandbox().faults().clear();
        universe.run_until_quiet(A_WHILE_MS).await;
        let expected = if hours == 1 { ("delivered", 1, 1) } else { ("fell_back", 0, 2) };
        let found = (status(&mut universe, &id).await, texts(&universe).len(), subjects(&universe).len());
        assert_eq!((found.0.as_str(), found.1, found.2), expected, "{hours} h: {}", shown(&mut universe, &id).await);
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_sms_that_may_have_been_sent_nobody_gets_a_mail_and_a_person_looks() {
    let mut universe = paid().await;
    // An answer of 503 does not say that nothing was done, and the list is behind the same door.
    universe.sandbox().faults().outage(Vendor::Twilio, true);
    let id = crate::ask(&mut universe, "m-1", &parcel_today()).await;
    universe.run_until_quiet(30 * 3_600_000).await;
    assert_eq!((status(&mut universe, &id).await, subjects(&universe).len()), ("failed".to_owned(), 1));
    let items = universe.aws().table().items();
    let manual = of_type(&items, "intent").filter(|intent| text(intent, "phase") == Some("MANUAL"));
    assert_eq!(manual.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_promotion_never_becomes_a_mail() {
    let mut universe = paid().await;
    crate::wants(&mut universe, "sms", crate::PHONE, true, "2024-04-01T00:00:00Z").await;
    universe.sandbox().faults().next_messages(Vendor::Twilio, 1, Course::Undelivered { code: 30_005 });
    // Past nine in all of Oceania.
    universe.run_until_quiet(1).await;
    let id = ask_and_wait(&mut universe, "m-1", &sms("promotion", json!({ "text": "20 % off" }))).await;
    assert_eq!((status(&mut universe, &id).await, subjects(&universe).len()), ("bounced".to_owned(), 1));
}

#[tokio::test(start_paused = true)]
async fn the_code_with_which_the_provider_refuses_is_kept() {
    let mut universe = Universe::new(1);
    let mut body = sms("order_status", json!({ "text": "Packed." }));
    // What Twilio's test mode has for a number that is no mobile.
    body["to"] = json!("+15005550009");
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    let shown = shown(&mut universe, &id).await;
    assert_eq!((&shown["status"], &shown["error_code"]), (&json!("failed"), &json!(21_614)), "{shown}");
}
