//! Flows of messages: an SMS that arrives, one whose answer is lost, one that becomes a mail, and a code.

use sandbox::{CallFault, Course, Vendor, WebhookFault};
use serde_json::{Value, json};

use super::{Flow, REST_WITHIN_MS, RETRIES_MAX, RETRY_AFTER_MS, confirmed_payment, create};
use crate::universe::Universe;

/// Somebody's phone.
const PHONE: &str = "+61412345678";

pub(super) async fn run(flow: Flow, universe: &mut Universe) {
    // The order is paid before: what is swept is the message's own part.
    create(universe, &confirmed_payment("o-1", "pm_card_visa")).await;
    universe.run_until_quiet(REST_WITHIN_MS).await;
    universe.own_part_from = universe.invocations.len();
    match flow {
        Flow::SmsAnswerLost | Flow::CodeAnswerLost => {
            universe.sandbox().faults().next_calls(Vendor::Twilio, "create_message", 1, CallFault::LostAnswer);
        }
        Flow::SmsCallbacksLost => {
            universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
        }
        Flow::SmsBecomesMail => {
            universe.sandbox().faults().next_messages(Vendor::Twilio, 1, Course::Undelivered { code: 30_005 });
        }
        _ => {}
    }
    for _ in 0..RETRIES_MAX {
        if universe.call("POST", "/messages", Some("m-1"), Some(&body(flow))).await.status() == 202 {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
    }
    universe.run_until_quiet(REST_WITHIN_MS).await;
}

fn body(flow: Flow) -> Value {
    let (kind, data) = match flow {
        Flow::CodeAnswerLost => ("two_factor_code", json!({ "code": "918273" })),
        _ => ("delivery_notification", json!({ "status": "out_for_delivery" })),
    };
    json!({ "channel": "sms", "kind": kind, "to": PHONE, "order_id": "o-1", "customer_id": "c-1", "data": data })
}

/// What is wrong at rest, besides the invariants: one SMS (of a code that nobody could find out about perhaps two), and
/// one mail where it did not arrive.
pub(super) async fn unmet(flow: Flow, universe: &mut Universe) -> Vec<String> {
    let (texts, mails) = {
        let sandbox = universe.sandbox();
        (sandbox.twilio().messages().len(), sandbox.sendgrid().mails().len())
    };
    let order = super::order(universe, "o-1").await;
    let messages = order["messages"].as_array().into_iter().flatten();
    let sms = messages.filter(|message| message["channel"] == "sms").filter_map(|message| message["status"].as_str());
    let statuses: Vec<&str> = sms.collect();
    let fits = match flow {
        Flow::SmsBecomesMail => statuses == ["fell_back"] && texts == 1 && mails == 2,
        // A crash may cost a code its two minutes: then it is not sent, or not known to be.
        Flow::CodeAnswerLost => matches!(statuses[..], ["delivered" | "sent" | "failed"]) && texts <= 2 && mails == 1,
        _ => statuses == ["delivered"] && texts == 1 && mails == 1,
    };
    if fits { vec![] } else { vec![format!("SMS {statuses:?}, {texts} texts, {mails} mails")] }
}
