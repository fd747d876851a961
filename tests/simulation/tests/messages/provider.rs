//! Two mail providers: the second one sends what the first certainly did not take, and never what it may have sent.

use sandbox::{CallFault, Dial, Vendor};
use serde_json::json;
use simulation::invariants::violations;
use simulation::universe::Universe;

use crate::{A_WHILE_MS, ask, ask_and_wait, mail, promotion_by_mail, status, wants};

fn with_both() -> Universe {
    let mut universe = Universe::new(1);
    universe.has_mail_fallback = true;
    universe
}

/// Mails that SendGrid and Postmark have accepted.
fn sent(universe: &Universe) -> (usize, usize) {
    let sandbox = universe.sandbox();
    (sandbox.sendgrid().mails().len(), sandbox.postmark().mails().len())
}

#[tokio::test(start_paused = true)]
async fn a_mail_goes_by_the_second_provider_while_the_first_is_down() {
    let mut universe = with_both();
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    for n in 0..8 {
        let id = ask_and_wait(&mut universe, &format!("m-{n}"), &mail("welcome", json!({}))).await;
        assert_eq!(status(&mut universe, &id).await, "delivered");
    }
    assert_eq!(sent(&universe), (0, 8));
    universe.sandbox().faults().clear();
    universe.run_until_quiet(A_WHILE_MS).await;
    ask_and_wait(&mut universe, "m-9", &mail("welcome", json!({}))).await;
    assert_eq!(sent(&universe).0 + sent(&universe).1, 9);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn mails_that_come_due_while_the_first_provider_is_down_go_by_the_second_at_once() {
    const DUE_MS: i64 = 1_714_269_600_000;
    let mut universe = with_both();
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    for n in 0..8 {
        ask(&mut universe, &format!("m-{n}"), &mail("welcome", json!({}))).await;
    }
    universe.run_until_quiet(3_600_000).await;
    let mut later = mail("welcome", json!({}));
    later["send_at"] = json!("2024-04-28T02:00:00Z");
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(ask(&mut universe, &format!("later-{n}"), &later).await);
    }
    // Nobody but the sweeper nudges them, within a minute, and nothing but its own minutes may pass.
    universe.run_until_quiet(DUE_MS + 90_000 - universe.now_ms()).await;
    let mut at_once = 0;
    for id in &ids {
        at_once += usize::from(status(&mut universe, id).await == "delivered");
    }
    // One tried whether the first is back. Of that one it is not known that it was not taken before its events have not come.
    assert!(at_once >= 4, "{at_once}");
    universe.run_until_quiet(15 * 60_000).await;
    for id in &ids {
        assert_eq!(status(&mut universe, id).await, "delivered");
    }
    assert_eq!(sent(&universe), (0, 13));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn mails_that_neither_provider_took_go_by_the_first_of_them_that_is_back() {
    const BACK_WITHIN_MS: i64 = 15 * 60_000;
    let mut universe = with_both();
    for vendor in [Vendor::SendGrid, Vendor::Postmark] {
        universe.sandbox().faults().outage(vendor, true);
    }
    for n in 0..8 {
        ask(&mut universe, &format!("m-{n}"), &mail("welcome", json!({}))).await;
    }
    universe.run_until_quiet(3_600_000).await;
    assert_eq!(sent(&universe), (0, 0));
    universe.sandbox().faults().outage(Vendor::Postmark, false);
    // Its breaker is looked at again after ten minutes at most, and the sweeper comes each minute.
    universe.run_until_quiet(BACK_WITHIN_MS).await;
    assert_eq!(sent(&universe), (0, 8));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_first_provider_refuses_stops_no_mail() {
    let mut universe = with_both();
    universe.change_secret("sendgrid", |keys| keys["transactional_api_key"] = json!("SG.withdrawn"));
    let id = ask_and_wait(&mut universe, "m-1", &mail("welcome", json!({}))).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("delivered", (0, 1)));
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_the_first_provider_may_have_sent_never_goes_by_the_second() {
    let mut universe = with_both();
    universe.sandbox().faults().next_calls(Vendor::SendGrid, "mail_send", 1, CallFault::LostAnswer);
    let id = ask_and_wait(&mut universe, "m-1", &mail("welcome", json!({}))).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("delivered", (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn marketing_waits_for_the_first_provider() {
    let mut universe = with_both();
    wants(&mut universe, "email", "ada@example.com", true, "2024-04-01T00:00:00Z").await;
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    let id = ask(&mut universe, "m-1", &promotion_by_mail()).await;
    universe.run_until_quiet(3_600_000).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("queued", (0, 0)));
    universe.sandbox().faults().clear();
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("delivered", (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_blocks_from_one_provider_goes_by_the_other_once() {
    for (to, expected) in [("blocked@example.com", (1, 1)), ("bounce@example.com", (1, 0))] {
        let mut universe = with_both();
        let mut body = mail("order_confirmation", json!({ "amount": { "value": 1099, "currency": "EUR" } }));
        body["to"] = json!(to);
        let id = ask_and_wait(&mut universe, "m-1", &body).await;
        let shown = status(&mut universe, &id).await;
        assert_eq!(shown, if to.starts_with("blocked") { "dropped" } else { "bounced" });
        assert_eq!(sent(&universe), expected, "{to}");
        let order = universe.call("GET", "/orders/o-1", None, None).await.body();
        let messages = order["messages"].as_array().unwrap();
        assert_eq!(messages.len(), expected.0 + expected.1, "{order}");
        if expected.1 == 1 {
            assert!(messages.iter().any(|message| message["again_of"] == json!(id)), "{order}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_server_blocks_is_dropped_where_there_is_no_other_provider_and_so_is_marketing() {
    let mut universe = Universe::new(1);
    let mut body = mail("welcome", json!({}));
    body["to"] = json!("blocked@example.com");
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("dropped", (1, 0)));
    let mut universe = with_both();
    wants(&mut universe, "email", "blocked@example.com", true, "2024-04-01T00:00:00Z").await;
    let mut body = promotion_by_mail();
    body["to"] = json!("blocked@example.com");
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("dropped", (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_postmarks_that_has_an_id_and_no_code_is_a_yes() {
    let mut universe = with_both();
    universe.sandbox().dials().turn(Dial::TakenWithoutCode);
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    let mut body = mail("welcome", json!({}));
    // Nobody tells what becomes of it: the answer is all there is.
    body["to"] = json!("silent@example.com");
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("sent", (0, 1)));
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_was_taken_though_the_answer_was_503_is_sent_once() {
    for both in [false, true] {
        let mut universe = if both { with_both() } else { Universe::new(1) };
        universe.sandbox().dials().turn(Dial::UnavailableYetTaken);
        let fault = CallFault::ErrorBefore { status: 503 };
        universe.sandbox().faults().next_calls(Vendor::SendGrid, "mail_send", 1, fault);
        let id = ask_and_wait(&mut universe, "m-1", &mail("welcome", json!({}))).await;
        assert_eq!((status(&mut universe, &id).await.as_str(), sent(&universe)), ("delivered", (1, 0)));
    }
}
