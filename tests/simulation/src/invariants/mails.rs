//! Who was written to by mail, and what counts as canceled.

use std::collections::BTreeMap;
use std::sync::Arc;

use sandbox::sendgrid::Disposition;
use serde_json::Value;

use super::{of_type, text};
use crate::universe::Universe;

/// How long before a mail was accepted its recipient's wishes may have been read, in milliseconds: a lease, and the call.
const READ_BEFORE_MS: i64 = 60_000;
/// What somebody gets who has called a mail spam: what is about their orders and their account.
const OWED: [&str; 4] = ["order_confirmation", "shipping_notification", "password_reset", "account_notification"];

/// P(e): whoever had opted out by then is not written to. An address that bounced gets nothing, one whose owner called a mail
/// spam what they are owed, and nobody a promotion who did not ask for it last.
pub(super) fn the_opted_out_get_no_mail(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let messages: BTreeMap<&str, &Value> =
        of_type(items, "message").filter_map(|message| Some((text(message, "intent_id")?, message))).collect();
    let sandbox = universe.sandbox();
    let by_sendgrid = sandbox.sendgrid().mails().iter().map(|mail| (&mail.custom_args, mail.accepted_ms));
    let by_postmark = sandbox.postmark().mails().iter().map(|mail| (&mail.metadata, mail.submitted_ms));
    for (args, accepted_ms) in by_sendgrid.chain(by_postmark) {
        let Some(message) = args.get("crossdock_intent").and_then(|intent| messages.get(intent.as_str())) else {
            continue;
        };
        let (kind, contact) =
            (text(message, "kind").unwrap_or_default(), text(message, "contact_id").unwrap_or_default());
        let theirs = |row: &&Value| text(row, "pk") == Some(&format!("CONTACT#{contact}"));
        let known = |row: &&Value| row["received_at"].as_i64().is_some_and(|at| at + READ_BEFORE_MS < accepted_ms);
        // What is said of a complaint says nothing of a bounce, and the other way round.
        let newest = |changes: [&str; 2], of_complaint: bool| {
            let about = |row: &&Value| {
                text(row, "change").is_some_and(|change| changes.contains(&change))
                    && (text(row, "why") == Some("spam_reported")) == of_complaint
            };
            let rows = of_type(items, "consent").filter(theirs).filter(known).filter(about);
            rows.max_by_key(|row| row["at"].as_i64())
        };
        for of_complaint in [false, true] {
            let last = newest(["suppressed", "lifted"], of_complaint);
            let in_the_way = last.is_some_and(|row| text(row, "change") == Some("suppressed"));
            if in_the_way && !(of_complaint && OWED.contains(&kind)) {
                let why = last.and_then(|row| text(row, "why")).unwrap_or_default();
                wrong.push(format!("P(e): a mail ({kind}) was sent to somebody who is suppressed ({why})"));
            }
        }
        let last = newest(["opted_in", "opted_out"], false);
        if kind == "promotion" && last.is_some_and(|row| text(row, "change") == Some("opted_out")) {
            wrong.push("P(e): a promotion was sent to somebody who had opted out".to_owned());
        }
    }
}

/// P(f): nothing counts as canceled that was sent.
pub(super) fn nothing_canceled_was_sent(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let sandbox = universe.sandbox();
    let sent: Vec<&str> = sandbox
        .sendgrid()
        .mails()
        .iter()
        .filter(|mail| mail.disposition == Disposition::Sent)
        .filter_map(|mail| mail.custom_args.get("crossdock_intent").map(String::as_str))
        .collect();
    let canceled = of_type(items, "message").filter(|message| text(message, "status") == Some("canceled"));
    for intent in canceled.filter_map(|message| text(message, "intent_id")) {
        if sent.contains(&intent) {
            wrong.push(format!("P(f): the mail of {intent} was sent, and counts as canceled"));
        }
    }
}
