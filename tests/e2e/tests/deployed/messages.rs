//! Messages over the deployed stack: SMS, codes, wishes, links.

use anyhow::{Context as _, Result, ensure};
use http::Method;
use local::phone::awake;
use serde_json::{Value, json};

use crate::{Deployed, SOON, confirmed_payment, expect, until};

/// Somebody's phone, and ours.
const PHONE: &str = "+4798765432";
/// How another's number ends, and that of one that cannot be reached: in the code that the simulated Twilio reports.
const ANOTHER_PHONE: &str = "65431";
const SWITCHED_OFF: &str = "30005";
const OUR_NUMBER: &str = "+15005550006";

fn ask(deployed: &Deployed, key: &str, body: &Value) -> Result<String> {
    let asked = expect(&deployed.post("/messages", &[("idempotency-key", key)], body)?, 202)?;
    asked["message_id"].as_str().map(str::to_owned).context("no message_id")
}

fn until_it_is(deployed: &Deployed, id: &str, status: &str) -> Result<Value> {
    until(&format!("message {id} {status}"), SOON, || {
        let message = expect(&deployed.get(&format!("/messages/{id}"))?, 200)?;
        Ok((message["status"] == status).then_some(message))
    })
}

fn admin(deployed: &Deployed, path: &str, body: &Value) -> Result<()> {
    deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::POST, path, Some(body))).map(drop)
}

fn sandbox(deployed: &Deployed) -> Result<Value> {
    deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))
}

fn prefer(deployed: &Deployed, channel: &str, address: &str) -> Result<Value> {
    let body = json!({ "channel": channel, "address": address, "marketing": true,
        "proof": { "source": "checkout", "at": "2026-01-01T00:00:00Z" } });
    let put = deployed.stack.call(Method::PUT, "/contacts/preferences", &[], Some(&body));
    expect(&deployed.runtime.block_on(put)?, 200)
}

pub(crate) fn sms_or_mail(deployed: &Deployed) -> Result<()> {
    expect(&deployed.post("/payments", &[], &confirmed_payment("e2e-sms", "pm_card_visa"))?, 201)?;
    deployed.paid_and_mailed("e2e-sms", SOON)?;
    let mut body = json!({ "channel": "sms", "kind": "delivery_notification", "to": awake(ANOTHER_PHONE),
        "order_id": "e2e-sms", "data": { "status": "out_for_delivery" } });
    let arrives = ask(deployed, "e2e-sms-1", &body)?;
    until_it_is(deployed, &arrives, "delivered")?;
    body["to"] = json!(awake(SWITCHED_OFF));
    let lost = ask(deployed, "e2e-sms-2", &body)?;
    until_it_is(deployed, &lost, "fell_back")?;
    until("the mail in its place delivered", SOON, || {
        let order = expect(&deployed.get("/orders/e2e-sms")?, 200)?;
        let messages = order["messages"].as_array().into_iter().flatten();
        let mails = messages.filter(|message| message["channel"] == "email" && message["status"] == "delivered");
        Ok((mails.count() == 2).then_some(()))
    })
}

pub(crate) fn code_and_stop(deployed: &Deployed) -> Result<()> {
    let code = json!({ "channel": "sms", "kind": "two_factor_code", "to": PHONE, "data": { "code": "918273" } });
    let sent = expect(&deployed.post("/messages", &[("idempotency-key", "e2e-code")], &code)?, 202)?;
    ensure!(sent["status"] == "sent", "the request did not send the code itself: {sent}");
    let text = |word: &str| json!({ "from": PHONE, "to": OUR_NUMBER, "body": word });
    for (word, suppressed) in [("STOP", true), ("START", false)] {
        admin(deployed, "recipient/text", &text(word))?;
        until(&format!("{word} heard"), SOON, || {
            Ok((prefer(deployed, "sms", PHONE)?["suppressed"] == suppressed).then_some(()))
        })?;
    }
    Ok(())
}

pub(crate) fn unsubscribed_by_link(deployed: &Deployed) -> Result<()> {
    let address = "grace@example.com";
    let body = json!({ "channel": "email", "kind": "promotion", "to": address,
        "data": { "subject": "Half price", "text": "Only today." } });
    let unasked = ask(deployed, "e2e-offer-1", &body)?;
    until_it_is(deployed, &unasked, "suppressed")?;
    prefer(deployed, "email", address)?;
    let wanted = ask(deployed, "e2e-offer-2", &body)?;
    until_it_is(deployed, &wanted, "delivered")?;
    let state = sandbox(deployed)?;
    let mut mails = state["sendgrid"]["mails"].as_array().into_iter().flatten();
    let mail = mails.rfind(|mail| mail["to"][0] == address).context("SendGrid has no such mail")?;
    let link = mail["headers"]["List-Unsubscribe"].as_str().context("no List-Unsubscribe")?;
    let url = link.trim_matches(['<', '>']);
    let answer = deployed.runtime.block_on(deployed.stack.function_url(Method::POST, url))?;
    ensure!(answer.status.is_success(), "the link is answered {}", answer.status);
    let again = ask(deployed, "e2e-offer-3", &body)?;
    until_it_is(deployed, &again, "suppressed").map(drop)
}
