//! Flows of campaigns: one that is sent, and one that is called off while the provider holds it.

use std::collections::BTreeMap;

use sandbox::sendgrid::Disposition;
use serde_json::{Value, json};

use super::{Flow, REST_WITHIN_MS, RETRIES_MAX, RETRY_AFTER_MS};
use crate::invariants::{of_type, text};
use crate::universe::{Response, Universe};

/// Who gets the campaign, or would: only the last one did not ask for it.
const RECIPIENTS: usize = 5;

pub(super) async fn run(flow: Flow, universe: &mut Universe) {
    for n in 0..RECIPIENTS - 1 {
        let wish = json!({ "channel": "email", "address": address(n), "marketing": true,
            "proof": { "source": "checkout", "at": "2024-04-01T00:00:00Z" } });
        universe.call("PUT", "/contacts/preferences", None, Some(&wish)).await;
    }
    universe.own_part_from = universe.invocations.len();
    let recipients: Vec<Value> = (0..RECIPIENTS).map(|n| json!({ "email": address(n) })).collect();
    let data = json!({ "subject": "Half price", "text": "Only today." });
    let body = json!({ "name": "Spring", "recipients": recipients, "data": data });
    let created = repeat(universe, "/campaigns", Some("c-1"), Some(&body)).await;
    if flow == Flow::CampaignCanceled {
        universe.run_until_quiet(30_000).await;
        let id = created.body()["campaign_id"].as_str().unwrap_or_default().to_owned();
        repeat(universe, &format!("/campaigns/{id}/cancel"), None, None).await;
    }
    universe.run_until_quiet(REST_WITHIN_MS).await;
}

async fn repeat(universe: &mut Universe, path: &str, key: Option<&str>, body: Option<&Value>) -> Response {
    let mut response = universe.call("POST", path, key, body).await;
    for _ in 0..RETRIES_MAX {
        if matches!(response.status(), 200 | 202) {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
        response = universe.call("POST", path, key, body).await;
    }
    response
}

fn address(n: usize) -> String {
    format!("shopper{n}@example.com")
}

/// What is wrong at rest, besides the invariants: who was written to was written to once, and their message says so. A
/// promotion of which nobody knows whether it left is not sent again.
pub(super) fn unmet(flow: Flow, universe: &Universe) -> Vec<String> {
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    for mail in universe.sandbox().sendgrid().mails() {
        if mail.disposition != Disposition::Canceled {
            *copies.entry(mail.custom_args["crossdock_intent"].clone()).or_default() += 1;
        }
    }
    let items = universe.aws().table().items();
    let messages: Vec<&Value> = of_type(&items, "message").collect();
    let mut wrong = Vec::new();
    if messages.len() != RECIPIENTS {
        wrong.push(format!("{} messages", messages.len()));
    }
    let has_crashed = universe.invocations.iter().any(|invocation| invocation.crashed);
    let mut suppressed = 0;
    for message in messages {
        let status = text(message, "status").unwrap_or_default();
        let got = copies.get(text(message, "intent_id").unwrap_or_default()).copied().unwrap_or(0);
        suppressed += usize::from(status == "suppressed");
        let fits = match (flow, status) {
            (_, "suppressed") | (Flow::CampaignCanceled, "canceled") => got == 0,
            (Flow::Campaign, "delivered") => got == 1,
            // Who dies around the call leaves it unsaid; or it is called off at SendGrid before its acceptance was written
            // down.
            (_, "failed") | (Flow::CampaignCanceled, "sent") => got == 0 && has_crashed,
            _ => false,
        };
        if !fits {
            wrong.push(format!("a message is {status}, with {got} mails"));
        }
    }
    if suppressed > 1 || suppressed == 0 && flow == Flow::Campaign && !has_crashed {
        wrong.push(format!("{suppressed} are suppressed"));
    }
    wrong
}
