//! SendGrid's mail that waits for its time, and the batches that stop it.

use crate::caller::{Answer, START_MS, a_mail, event_kinds as kinds, events, send, sendgrid};
use crate::spec;
use sandbox::sendgrid::Disposition;
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;
const STOPS: &str = "/v3/user/scheduled_sends";

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn batch(sandbox: &mut Sandbox) -> String {
    let made = sendgrid(sandbox, START_MS, "POST", "/v3/mail/batch", None);
    assert_eq!(made.status, 201);
    spec::check_at("sendgrid_mail_v3.json", "/components/schemas/MailBatchResponse", &made.json);
    made.text("/batch_id").to_owned()
}

/// A mail for one hour later.
fn later(batch_id: &str) -> Value {
    let mut mail = a_mail("ada@example.com");
    mail["send_at"] = ((START_MS + HOUR_MS) / 1000).into();
    mail["batch_id"] = batch_id.into();
    mail
}

fn stop(sandbox: &mut Sandbox, id: &str, status: &str) -> Answer {
    let body = json!({ "batch_id": id, "status": status });
    sendgrid(sandbox, START_MS + 60_000, "POST", STOPS, Some(&body))
}

#[test]
fn a_scheduled_mail_has_no_event_before_its_time() {
    let mut sandbox = sandbox();
    let id = batch(&mut sandbox);
    assert_eq!(send(&mut sandbox, START_MS, &later(&id)).status, 202);
    assert!(events(&mut sandbox, START_MS + HOUR_MS - 1).is_empty());
    assert_eq!(sandbox.sendgrid().mails()[0].disposition, Disposition::Scheduled);
    let told = events(&mut sandbox, START_MS + 2 * HOUR_MS);
    assert_eq!(kinds(&told), ["processed", "delivered"]);
    assert_eq!(told[0]["timestamp"], (START_MS + HOUR_MS) / 1000);
}

#[test]
fn a_canceled_batch_is_never_sent_and_others_are() {
    let mut sandbox = sandbox();
    let (stopped, other) = (batch(&mut sandbox), batch(&mut sandbox));
    send(&mut sandbox, START_MS, &later(&stopped));
    send(&mut sandbox, START_MS, &later(&other));
    let said = stop(&mut sandbox, &stopped, "cancel");
    assert_eq!((said.status, said.text("/status")), (201, "cancel"));
    spec::check_at("sendgrid_scheduled_sends_v3.json", "/components/schemas/ScheduledSendStatus", &said.json);
    assert_eq!(events(&mut sandbox, START_MS + 3 * HOUR_MS).len(), 2);
    let dispositions: Vec<Disposition> = sandbox.sendgrid().mails().iter().map(|mail| mail.disposition).collect();
    assert_eq!(dispositions, [Disposition::Canceled, Disposition::Sent]);
}

#[test]
fn a_paused_batch_waits_until_it_is_resumed_or_canceled() {
    let mut sandbox = sandbox();
    let id = batch(&mut sandbox);
    send(&mut sandbox, START_MS, &later(&id));
    assert_eq!(stop(&mut sandbox, &id, "pause").status, 201);
    assert!(events(&mut sandbox, START_MS + 3 * HOUR_MS).is_empty());
    assert_eq!(sandbox.next_delivery_at(), None);
    let resume = sendgrid(&mut sandbox, START_MS + 4 * HOUR_MS, "DELETE", &format!("{STOPS}/{id}"), None);
    assert_eq!((resume.status, resume.bytes.len()), (204, 0));
    let told = events(&mut sandbox, START_MS + 5 * HOUR_MS);
    assert_eq!(told[0]["timestamp"], (START_MS + 4 * HOUR_MS) / 1000);

    let id = batch(&mut sandbox);
    send(&mut sandbox, START_MS, &later(&id));
    stop(&mut sandbox, &id, "pause");
    let body = json!({ "status": "cancel" });
    assert_eq!(sendgrid(&mut sandbox, START_MS, "PATCH", &format!("{STOPS}/{id}"), Some(&body)).status, 204);
    assert!(events(&mut sandbox, START_MS + 9 * HOUR_MS).is_empty());
    assert_eq!(sandbox.sendgrid().mails()[1].disposition, Disposition::Canceled);
}

#[test]
fn stops_are_listed_and_are_said_once() {
    let mut sandbox = sandbox();
    let ids = [batch(&mut sandbox), batch(&mut sandbox)];
    stop(&mut sandbox, &ids[0], "cancel");
    assert_eq!(stop(&mut sandbox, &ids[0], "pause").status, 400);
    stop(&mut sandbox, &ids[1], "pause");
    let all = sendgrid(&mut sandbox, START_MS, "GET", STOPS, None);
    let schema = "/paths/~1v3~1user~1scheduled_sends/get/responses/200/content/application~1json/schema";
    spec::check_at("sendgrid_scheduled_sends_v3.json", schema, &all.json);
    assert_eq!(all.json.as_array().unwrap().len(), 2);
    let one = sendgrid(&mut sandbox, START_MS, "GET", &format!("{STOPS}/{}", ids[0]), None);
    assert_eq!(one.json, json!([{ "batch_id": ids[0], "status": "cancel" }]));
}

#[test]
fn an_id_that_nobody_reserved_is_refused() {
    let mut sandbox = sandbox();
    let id = batch(&mut sandbox);
    assert_eq!(sendgrid(&mut sandbox, START_MS, "GET", &format!("/v3/mail/batch/{id}"), None).text("/batch_id"), id);
    assert_eq!(sendgrid(&mut sandbox, START_MS, "GET", "/v3/mail/batch/nobody", None).status, 400);
    assert_eq!(send(&mut sandbox, START_MS, &later("nobody")).text("/errors/0/field"), "batch_id");
    assert_eq!(stop(&mut sandbox, "nobody", "cancel").status, 400);
    assert_eq!(stop(&mut sandbox, &id, "stop").text("/errors/0/field"), "status");
}

#[test]
fn each_personalization_may_have_its_own_time_at_most_three_days_ahead() {
    let mut sandbox = sandbox();
    let mut mail = a_mail("ada@example.com");
    mail["personalizations"] = json!([
        { "to": [{ "email": "now@example.com" }] },
        { "to": [{ "email": "then@example.com" }], "send_at": START_MS / 1000 + 72 * 3600 },
    ]);
    assert_eq!(send(&mut sandbox, START_MS, &mail).status, 202);
    assert_eq!(events(&mut sandbox, START_MS + HOUR_MS).len(), 2);
    assert_eq!(events(&mut sandbox, START_MS + 73 * HOUR_MS).len(), 2);
    mail["personalizations"][1]["send_at"] = (START_MS / 1000 + 72 * 3600 + 1).into();
    assert_eq!(send(&mut sandbox, START_MS, &mail).text("/errors/0/field"), "personalizations.1.send_at");
}
