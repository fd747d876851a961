//! One promotion to many: one call for all who want it, one mail each, and a way to call it off.

use sandbox::sendgrid::Disposition;
use sandbox::{CallFault, Dial, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::universe::Universe;

use crate::{A_WHILE_MS, follow, mails_asked_for, wants};

const BEFORE: &str = "2024-04-01T00:00:00Z";

fn address(n: usize) -> String {
    format!("shopper{n}@example.com")
}

fn spring(recipients: usize) -> Value {
    let recipients = (0..recipients).map(|n| json!({ "email": address(n), "name": format!("Shopper {n}") }));
    json!({
        "name": "Spring",
        "recipients": recipients.collect::<Vec<_>>(),
        "data": { "subject": "Half price", "text": "Only today.", "url": "https://shop.example/spring" },
    })
}

/// A shop whose first so many shoppers have asked for marketing.
async fn asked_by(shoppers: usize) -> Universe {
    let mut universe = Universe::new(1);
    for n in 0..shoppers {
        wants(&mut universe, "email", &address(n), true, BEFORE).await;
    }
    universe
}

async fn send(universe: &mut Universe, body: &Value) -> String {
    let answer = universe.call("POST", "/campaigns", Some("c-1"), Some(body)).await;
    assert_eq!(answer.status(), 202, "{}", answer.body());
    answer.body()["campaign_id"].as_str().unwrap().to_owned()
}

async fn shown(universe: &mut Universe, id: &str) -> Value {
    universe.call("GET", &format!("/campaigns/{id}"), None, None).await.body()
}

async fn cancel(universe: &mut Universe, id: &str) -> Value {
    let answer = universe.call("POST", &format!("/campaigns/{id}/cancel"), None, None).await;
    assert_eq!(answer.status(), 200, "{}", answer.body());
    answer.body()
}

/// How many copies each address was sent.
fn copies(universe: &Universe) -> Vec<usize> {
    let sandbox = universe.sandbox();
    let mut copies = std::collections::BTreeMap::<String, usize>::new();
    for mail in sandbox.sendgrid().mails().iter().filter(|mail| mail.disposition == Disposition::Sent) {
        for to in &mail.to {
            *copies.entry(to.clone()).or_default() += 1;
        }
    }
    copies.into_values().collect()
}

#[tokio::test(start_paused = true)]
async fn a_campaign_is_one_call_with_everybody_who_asked_for_marketing_and_nobody_else() {
    let mut universe = asked_by(20).await;
    let id = send(&mut universe, &spring(25)).await;
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "queued": 25 }));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(violations(&universe), Vec::<String>::new());
    let calls = mails_asked_for(&universe);
    assert_eq!((calls.len(), calls[0]["personalizations"].as_array().unwrap().len()), (1, 20));
    assert_eq!(copies(&universe), [1; 20]);
    let campaign = shown(&mut universe, &id).await;
    assert_eq!(campaign["messages"], json!({ "delivered": 20, "suppressed": 5 }));
    assert_eq!((&campaign["status"], &campaign["recipients"]), (&json!("sent"), &json!(25)));
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_a_greeting_a_way_to_unsubscribe_and_events_of_their_own() {
    let mut universe = asked_by(3).await;
    send(&mut universe, &spring(3)).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    let sent = mails_asked_for(&universe).remove(0);
    let mut urls = Vec::new();
    for one in sent["personalizations"].as_array().unwrap() {
        let header = one["headers"]["List-Unsubscribe"].as_str().unwrap();
        let url = header.trim_matches(['<', '>']).to_owned();
        assert_eq!(one["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
        let said: Vec<&str> = one["substitutions"].as_object().unwrap().values().filter_map(Value::as_str).collect();
        assert!(said.contains(&url.as_str()) && said.iter().any(|text| text.starts_with("Hello Shopper")), "{said:?}");
        assert!(one["custom_args"]["crossdock_intent"].is_string());
        urls.push(url);
    }
    let content = sent["content"].as_array().unwrap();
    assert!(content.iter().all(|part| part["value"].as_str().unwrap().contains("-crossdock_unsubscribe-")));
    urls.dedup();
    assert_eq!(urls.len(), 3);
    assert_eq!(follow(&mut universe, "POST", &urls[1]).await.status(), 200);
    let items = universe.aws().table().items();
    let no_more = of_type(&items, "contact").filter(|contact| contact["marketing"] == json!(false)).count();
    assert_eq!(no_more, 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_recipients_are_one_call() {
    let mut universe = Universe::new(1);
    let body = spring(1_000);
    let system = universe.system(simulation::universe::Function::MessageInitiator, &simulation::Probe::new());
    let keys = system.app_keys().unwrap().get().await.unwrap();
    for n in 0..1_000 {
        let contact = crossdock::effects::contact::contact_id(&keys, &address(n)).unwrap();
        let pk = format!("CONTACT#{contact}");
        universe.aws().table().put(&pk, "CONTACT", &[("type", "contact"), ("contact_id", contact.as_str())]);
        universe.aws().table().set_attributes(&pk, "CONTACT", &[("marketing", &json!({ "BOOL": true }))]);
    }
    let id = send(&mut universe, &body).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(mails_asked_for(&universe).len(), 1);
    assert_eq!(copies(&universe), [1; 1_000]);
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "delivered": 1_000 }));
}

#[tokio::test(start_paused = true)]
async fn the_same_key_is_the_same_campaign_and_another_body_under_it_is_refused() {
    let mut universe = asked_by(3).await;
    let id = send(&mut universe, &spring(3)).await;
    let again = universe.call("POST", "/campaigns", Some("c-1"), Some(&spring(3))).await;
    assert_eq!((again.status(), &again.body()["campaign_id"]), (202, &json!(id)));
    assert!(matches!(again, simulation::universe::Response::Answer { replayed: true, .. }));
    let other = universe.call("POST", "/campaigns", Some("c-1"), Some(&spring(2))).await;
    assert_eq!((other.status(), &other.body()["code"]), (422, &json!("idempotency_key_reused")));
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(copies(&universe), [1; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_campaign_for_later_is_sent_together_when_it_is_due_to_those_who_want_it_then() {
    let mut universe = asked_by(10).await;
    let mut body = spring(10);
    body["send_at"] = json!("2024-04-30T08:00:00+02:00");
    let id = send(&mut universe, &body).await;
    universe.run_until_quiet(47 * 3_600_000).await;
    assert_eq!(
        (shown(&mut universe, &id).await["status"].clone(), mails_asked_for(&universe).len()),
        (json!("scheduled"), 0)
    );
    wants(&mut universe, "email", &address(4), false, "2024-04-28T10:00:00Z").await;
    universe.run_until_quiet(24 * 3_600_000).await;
    assert_eq!(mails_asked_for(&universe).len(), 1);
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "delivered": 9, "suppressed": 1 }));
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_is_called_off_before_its_time_reaches_nobody() {
    let mut universe = asked_by(3).await;
    let mut body = spring(3);
    body["send_at"] = json!("2024-04-28T08:00:00+02:00");
    let id = send(&mut universe, &body).await;
    assert_eq!(cancel(&mut universe, &id).await["status"], "canceled");
    universe.run_until_quiet(24 * 3_600_000).await;
    assert!(mails_asked_for(&universe).is_empty());
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "canceled": 3 }));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_campaign_that_sendgrid_holds_is_stopped_there() {
    for lost in [false, true] {
        let mut universe = asked_by(3).await;
        let id = send(&mut universe, &spring(3)).await;
        universe.run_until_quiet(60_000).await;
        assert_eq!((mails_asked_for(&universe).len(), copies(&universe).len()), (1, 0), "SendGrid holds it");
        if lost {
            // What became of the stop is asked for; when that is not answered either, nobody can say.
            universe.sandbox().faults().next_calls(Vendor::SendGrid, "stop_batch", 1, CallFault::LostAnswer);
            universe.sandbox().faults().next_calls(Vendor::SendGrid, "list_stops", 1, CallFault::LostAnswer);
            let answer = universe.call("POST", &format!("/campaigns/{id}/cancel"), None, None).await;
            assert_eq!((answer.status(), &answer.body()["code"]), (503, &json!("temporarily_unavailable")));
        }
        let canceled = cancel(&mut universe, &id).await;
        assert_eq!((&canceled["status"], &canceled["messages"]), (&json!("canceled"), &json!({ "canceled": 3 })));
        universe.run_until_quiet(24 * 3_600_000).await;
        assert_eq!(copies(&universe), [0; 0]);
        assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "canceled": 3 }));
        assert_eq!(violations(&universe), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_not_called_off() {
    let mut universe = asked_by(3).await;
    let id = send(&mut universe, &spring(3)).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(cancel(&mut universe, &id).await["messages"], json!({ "delivered": 3 }));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_sendgrid_does_not_take_costs_nobody_else_their_mail() {
    let mut universe = asked_by(0).await;
    let mut body = spring(3);
    // Ours is a good address by RFC 5321, and none for SendGrid.
    body["recipients"][1]["email"] = json!("a{b\"c@example.com");
    let strange = universe.call("POST", "/campaigns", Some("c-1"), Some(&body)).await;
    assert_eq!(strange.status(), 400, "{}", strange.body());
    body["recipients"][1]["email"] = json!("\"a b\"@example.com");
    for (n, recipient) in body["recipients"].as_array().unwrap().iter().enumerate() {
        let address = recipient["email"].as_str().unwrap();
        wants(&mut universe, "email", address, true, BEFORE).await;
        assert!(n < 3);
    }
    let id = send(&mut universe, &body).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "delivered": 2, "failed": 1 }));
    assert_eq!(copies(&universe), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_is_not_repeated_and_its_events_tell_that_it_was_sent() {
    let mut universe = asked_by(3).await;
    universe.sandbox().faults().next_calls(Vendor::SendGrid, "mail_send", 1, CallFault::LostAnswer);
    let id = send(&mut universe, &spring(3)).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((mails_asked_for(&universe).len(), copies(&universe)), (1, vec![1; 3]));
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "delivered": 3 }));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nothing_is_heard_of_is_given_up_and_wakes_nobody() {
    let mut universe = asked_by(3).await;
    universe.sandbox().faults().next_calls(Vendor::SendGrid, "mail_send", 1, CallFault::ErrorBefore { status: 500 });
    let id = send(&mut universe, &spring(3)).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((mails_asked_for(&universe).len(), copies(&universe).len()), (1, 0));
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "failed": 3 }));
    let items = universe.aws().table().items();
    assert!(of_type(&items, "intent").all(|intent| text(intent, "phase") != Some("MANUAL")));
}

#[tokio::test(start_paused = true)]
async fn a_campaign_of_an_outage_is_sent_together_when_it_is_over() {
    let mut universe = asked_by(8).await;
    universe.sandbox().faults().every_call(Vendor::SendGrid, "*", CallFault::Refused);
    let id = send(&mut universe, &spring(8)).await;
    universe.run_until_quiet(1_800_000).await;
    universe.sandbox().faults().clear();
    universe.run_until_quiet(4 * A_WHILE_MS).await;
    assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "delivered": 8 }));
    assert_eq!(copies(&universe), [1; 8]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_campaign_is_named_and_nothing_is_written() {
    let mut universe = Universe::new(1);
    let mut body = spring(3);
    body["recipients"][1]["email"] = json!("nobody");
    let answer = universe.call("POST", "/campaigns", Some("c-1"), Some(&body)).await;
    assert_eq!((answer.status(), &answer.body()["errors"][0]["field"]), (400, &json!("recipients.1.email")));
    let keyless = universe.call("POST", "/campaigns", None, Some(&spring(1))).await;
    assert_eq!(keyless.body()["code"], "idempotency_key_required");
    for path in ["/campaigns/cmp_00000000000000000000000000", "/campaigns/x"] {
        assert_eq!(universe.call("GET", path, None, None).await.body()["code"], "campaign_not_found");
        let path = format!("{path}/cancel");
        assert_eq!(universe.call("POST", &path, None, None).await.body()["code"], "campaign_not_found");
    }
    assert!(universe.aws().table().items().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_whose_answer_is_lost_is_looked_up() {
    let mut universe = asked_by(3).await;
    let id = send(&mut universe, &spring(3)).await;
    universe.run_until_quiet(60_000).await;
    universe.sandbox().faults().next_calls(Vendor::SendGrid, "stop_batch", 1, CallFault::LostAnswer);
    let canceled = cancel(&mut universe, &id).await;
    assert_eq!((&canceled["status"], &canceled["messages"]), (&json!("canceled"), &json!({ "canceled": 3 })));
    universe.run_until_quiet(24 * 3_600_000).await;
    assert_eq!(copies(&universe), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_called_off_too_late_is_not_said_to_be_canceled_however_sendgrid_takes_it() {
    // Mails are held for 15 minutes, and SendGrid stops none in the last ten.
    for accepted in [false, true] {
        for minutes in [6, 14] {
            let mut universe = asked_by(3).await;
            if accepted {
                universe.sandbox().dials().turn(Dial::LateStopsAreAccepted);
            }
            let id = send(&mut universe, &spring(3)).await;
            universe.run_until_quiet(minutes * 60_000).await;
            assert_eq!((mails_asked_for(&universe).len(), copies(&universe).len()), (1, 0), "SendGrid holds it");
            let late = cancel(&mut universe, &id).await;
            assert_eq!((&late["status"], &late["messages"]), (&json!("sent"), &json!({ "sent": 3 })));
            universe.run_until_quiet(24 * 3_600_000).await;
            assert_eq!(copies(&universe), [1; 3]);
            assert_eq!(shown(&mut universe, &id).await["messages"], json!({ "delivered": 3 }));
            assert_eq!(violations(&universe), Vec::<String>::new());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_campaign_can_be_called_off_for_five_minutes_after_it_has_left() {
    let mut universe = asked_by(3).await;
    let id = send(&mut universe, &spring(3)).await;
    universe.run_until_quiet(4 * 60_000 + 30_000).await;
    assert_eq!(cancel(&mut universe, &id).await["messages"], json!({ "canceled": 3 }));
    universe.run_until_quiet(24 * 3_600_000).await;
    assert_eq!(copies(&universe), [0; 0]);
}
