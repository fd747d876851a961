//! What must hold at rest in every run, whatever was stopped, lost or doubled. What must hold at every change is
//! [`crate::Watch`]'s.

mod labels;
mod mails;
mod marks;
mod wishes;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sandbox::Dial;
use sandbox::stripe::Refund;
use serde_json::Value;

use crate::universe::{Function, Universe};
use crate::watch::Watch;

/// Violations of one run that are shown: one mistake can break a rule a thousand times.
const VIOLATIONS_MAX: usize = 20;
/// How a violation begins that is the simulated table's own.
pub const DIFFERENT: &str = "W: DynamoDB answers this otherwise than our table";
/// How long SendGrid's events are awaited before a mail of unknown outcome is sent once more, in milliseconds from the end
/// of the lease under which it was sent.
const MAIL_WINDOW_MS: i64 = 600_000;

/// Checks a run that has come to rest; the list of what is wrong is empty when nothing is.
pub fn violations(universe: &Universe) -> Vec<String> {
    let items = universe.aws().table().shared_items();
    let mut wrong = universe.watch.violations.clone();
    wrong.extend(universe.told.violations.iter().cloned());
    wrong.extend(
        universe.aws().table().differences.lock().unwrap().iter().map(|request| format!("{DIFFERENT}: {request}")),
    );
    wrong.truncate(VIOLATIONS_MAX);
    effects_happen_once(universe, &mut wrong);
    nothing_is_lost(&items, &mut wrong);
    effects_and_intents_agree(universe, &items, &mut wrong);
    refunds_add_up(universe, &items, &mut wrong);
    wishes::cancels_are_kept(universe, &items, &mut wrong);
    wishes::paid_orders_are_paid_once(&items, &mut wrong);
    wishes::the_opted_out_are_not_written_to(universe, &items, &mut wrong);
    mails::the_opted_out_get_no_mail(universe, &items, &mut wrong);
    mails::nothing_canceled_was_sent(universe, &items, &mut wrong);
    marks::objects_are_known(universe, &items, &mut wrong);
    marks::failures_are_told_once(universe, &items, &mut wrong);
    labels::agree(universe, &items, &mut wrong);
    labels::one_each(universe, &items, &mut wrong);
    events_are_published_once_known(universe, &items, &mut wrong);
    webhooks_are_archived(universe, &items, &mut wrong);
    what_follows_is_there(&items, &mut wrong);
    timelines_tell_everything_once(&items, &mut wrong);
    dead_letters_are_our_own(universe, &items, &mut wrong);
    events_are_applied_without_vendors(universe, &mut wrong);
    wrong
}

/// I10: whoever applies events calls no vendor: an outage of one must not hold up the events of all.
fn events_are_applied_without_vendors(universe: &Universe, wrong: &mut Vec<String>) {
    let of_processor = universe.invocations.iter().filter(|made| made.function == Function::EventProcessor);
    let requests = of_processor.flat_map(|made| made.waves.iter().flatten());
    let calls = requests.filter(|request| !["DynamoDB.", "SQS.", "S3."].iter().any(|ours| request.starts_with(ours)));
    let calls: BTreeSet<&String> = calls.filter(|request| !request.starts_with("SecretsManager.")).collect();
    if !calls.is_empty() {
        wrong.push(format!("I10: event-processor called {calls:?}"));
    }
}

/// I7: what is in a dead-letter queue was not to be understood, or was refused; and that is there, each of it.
fn dead_letters_are_our_own(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    // A command that was put off is gone when Stripe refuses it: then the nudge that found that out ends there.
    let is_refused_command = |body: &str| {
        let nudge: Value = serde_json::from_str(body).unwrap_or_default();
        of_type(items, "intent").any(|intent| {
            intent["by_command"] == true
                && text(intent, "phase") == Some("REFUSED")
                && intent["intent_id"] == nudge["intent_id"]
        })
    };
    for queue in ["inbound-events-dlq", "inbound-work-dlq", "payments-dlq", "email-dlq", "sms-dlq", "shipments-dlq"] {
        let dead = universe.aws().sqs().messages(queue);
        for message in &dead {
            let expected = universe.expected_dead.iter().any(|(at, body)| at == queue && *body == message.body);
            if !expected && !universe.may_die.contains(&message.body) && !is_refused_command(&message.body) {
                wrong.push(format!("I7: in {queue}: {}", message.body.chars().take(200).collect::<String>()));
            }
        }
        for (_, body) in universe.expected_dead.iter().filter(|(at, _)| at == queue) {
            if !dead.iter().any(|message| message.body == *body) {
                wrong.push(format!("I7: not in {queue}: {body}"));
            }
        }
    }
}

/// I2: what a status sends is in the list with it: mails, publications, the look at the fee.
fn what_follows_is_there(items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let intents =
        |kind: &'static str| of_type(items, "intent").filter(move |intent| text(intent, "kind") == Some(kind));
    let published = |object: &str, event: &str| {
        intents("publish").any(|intent| {
            let data = &intent["data"]["event"];
            data.to_string().contains(object) && data.to_string().contains(event)
        })
    };
    for payment in of_type(items, "payment").filter(|payment| text(payment, "status") == Some("succeeded")) {
        let (id, order) = (text(payment, "payment_id").unwrap_or_default(), text(payment, "order_id"));
        let mailed = of_type(items, "message")
            .any(|m| text(m, "order_id") == order && text(m, "kind") == Some("order_confirmation"));
        let looked = intents("payment.settlement").any(|intent| intent["data"]["payment_id"] == payment["payment_id"]);
        for (there, what) in [
            (mailed, "its mail"),
            (looked, "the look at its fee"),
            (published(id, "payment.requested"), "the event that it was asked for"),
            (published(id, "payment.succeeded"), "the event that it succeeded"),
        ] {
            if !there {
                wrong.push(format!("I2: payment {id} has succeeded without {what}"));
            }
        }
    }
    for refund in of_type(items, "refund").filter(|refund| text(refund, "status") == Some("succeeded")) {
        let id = text(refund, "refund_id").unwrap_or_default();
        if !published(id, "refund.processed") {
            wrong.push(format!("I2: refund {id} has succeeded without its event"));
        }
    }
    for message in of_type(items, "message") {
        let id = text(message, "intent_id").unwrap_or_default();
        if !of_type(items, "intent").any(|intent| text(intent, "intent_id") == Some(id)) {
            wrong.push(format!("I2: message {} has no intent", text(message, "message_id").unwrap_or_default()));
        }
    }
}

/// One occasion makes one row of a kind.
fn timelines_tell_everything_once(items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let mut rows: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for item in items {
        let (Some(pk), Some(sk)) = (text(item, "pk"), text(item, "sk")) else { continue };
        if let Some((_, id)) = sk.strip_prefix("T#").and_then(|rest| rest.split_once('#')) {
            *rows.entry((pk, id)).or_default() += 1;
        }
    }
    for ((order, id), count) in rows.iter().filter(|(_, count)| **count > 1) {
        wrong.push(format!("I1: {count} rows of one occasion in {order}: {id}"));
    }
}

/// I1: at most one payment object and one charge an order, at most one mail an intent.
fn effects_happen_once(universe: &Universe, wrong: &mut Vec<String>) {
    let mut sandbox = universe.sandbox();
    let before = wrong.len();
    let mut payments: BTreeMap<String, usize> = BTreeMap::new();
    let mut charges: BTreeMap<String, usize> = BTreeMap::new();
    for payment in sandbox.stripe().payment_intents() {
        let order = payment.metadata.get("crossdock_order").cloned().unwrap_or_default();
        if payment.status.name() != "canceled" {
            *payments.entry(order.clone()).or_default() += 1;
        }
        *charges.entry(order).or_default() += sandbox.stripe().succeeded_charges(&payment.id).count();
    }
    for (order, count) in payments.iter().filter(|(_, count)| **count > 1) {
        wrong.push(format!("I1: {count} payment objects for order {order}"));
    }
    for (order, count) in charges.iter().filter(|(_, count)| **count > 1) {
        wrong.push(format!("I1: {count} charges for order {order}"));
    }
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for refund in sandbox.stripe().refunds() {
        if let Some(intent) = refund.metadata.get("crossdock_intent") {
            *others.entry(format!("refunds of intent {intent}")).or_default() += 1;
        }
    }
    for customer in sandbox.stripe().customers().iter().filter(|customer| !customer.is_deleted) {
        let id = customer.metadata.get("crossdock_customer").cloned().unwrap_or_default();
        *others.entry(format!("vendor customers for {id}")).or_default() += 1;
    }
    for (what, count) in others.iter().filter(|(_, count)| **count > 1) {
        wrong.push(format!("I1: {count} {what}"));
    }
    // Where Stripe forgets a key, a repeat of what it did makes a second object: that nobody here can prevent. Such an object
    // has to be known to us or to a person.
    if sandbox.dials().is_turned(Dial::LostAnswersForgetTheirKey) {
        wrong.truncate(before);
    }
    drop(sandbox);
    for (intent, first_ms, again_ms) in repeated_mails(universe) {
        if !is_promised(&universe.watch, &intent, first_ms, again_ms) {
            wrong.push(format!("I1: a mail of intent {intent} once more after {} ms", again_ms - first_ms));
        }
    }
}

/// The one repetition that is promised: nothing was heard of the first mail within its time, nor when the second was
/// claimed. (How far a mail is from its claim is Lambda's to say: a process may stand still in between.)
fn is_promised(watch: &Watch, intent: &str, first_ms: i64, again_ms: i64) -> bool {
    let claim_of = |sent_ms| {
        let calls = watch.calls.get(intent)?;
        calls.iter().rev().find(|call| call.claimed_ms <= sent_ms)
    };
    let (Some(first), Some(again)) = (claim_of(first_ms), claim_of(again_ms)) else { return false };
    let known_ms = watch.accepted_ms.get(intent).copied().unwrap_or(i64::MAX);
    again.claimed_ms >= first.lease_until_ms + MAIL_WINDOW_MS - watch.clocks_wrong_by_ms && known_ms >= again.claimed_ms
}

/// Mails that were accepted once more: the intent, and when the one before and this one were.
pub(crate) fn repeated_mails(universe: &Universe) -> impl Iterator<Item = (String, i64, i64)> {
    let mut accepted: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for mail in universe.sandbox().sendgrid().mails() {
        let intent = mail.custom_args.get("crossdock_intent").cloned().unwrap_or_default();
        accepted.entry(intent).or_default().push(mail.accepted_ms);
    }
    accepted.into_iter().flat_map(|(intent, times)| {
        let pairs: Vec<_> = times.windows(2).map(|pair| (intent.clone(), pair[0], pair[1])).collect();
        pairs
    })
}

/// I2: at rest every intent is final or waits for a person.
fn nothing_is_lost(items: &[Arc<Value>], wrong: &mut Vec<String>) {
    for intent in of_type(items, "intent") {
        let phase = text(intent, "phase").unwrap_or_default();
        if !matches!(phase, "DONE" | "REFUSED" | "MANUAL") {
            let kind = text(intent, "kind").unwrap_or_default();
            wrong.push(format!("I2: intent {kind} {} rests in {phase}", text(intent, "pk").unwrap_or_default()));
        }
    }
}

/// I4: what is known to us is there, with the same status, and every DONE message was accepted.
fn effects_and_intents_agree(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let sandbox = universe.sandbox();
    for payment in of_type(items, "payment") {
        let Some(vendor_id) = text(payment, "vendor_id") else { continue };
        let Some(object) = sandbox.stripe().payment_intent(vendor_id) else {
            wrong.push(format!("I4: {vendor_id} does not exist"));
            continue;
        };
        let (ours, theirs) = (text(payment, "status").unwrap_or_default(), object.status.name());
        let theirs = if theirs == "requires_confirmation" { "requires_payment_method" } else { theirs };
        if ours != theirs {
            wrong.push(format!("I4: {vendor_id} is {theirs} there and {ours} here"));
        }
    }
    let sends = |kind: &str| kind.starts_with("sms.") && kind != "sms.status";
    for intent in of_type(items, "intent").filter(|intent| text(intent, "kind").is_some_and(sends)) {
        let id = text(intent, "intent_id").unwrap_or_default();
        let names_it = |callback: &String| callback.contains(&format!(".{id}#"));
        let texts =
            sandbox.twilio().messages().iter().filter(|text| text.status_callback.as_ref().is_some_and(names_it));
        let (done, sent) = (text(intent, "phase") == Some("DONE"), texts.count());
        if done && sent == 0 {
            wrong.push(format!("I4: SMS intent {id} is DONE, and no SMS was accepted"));
        }
        // A code is sent again when nobody knows: two of them do less harm than none.
        if sent > 1 && text(intent, "kind") != Some("sms.two_factor_code") {
            wrong.push(format!("I1: {sent} SMS of intent {id}"));
        }
    }
    for intent in of_type(items, "intent").filter(|intent| text(intent, "kind").is_some_and(|k| k.starts_with("mail.")))
    {
        let id = text(intent, "intent_id").unwrap_or_default();
        let mails = sandbox
            .sendgrid()
            .mails()
            .iter()
            .filter(|mail| mail.custom_args.get("crossdock_intent").is_some_and(|i| i == id));
        let elsewhere = sandbox.postmark().mails().iter();
        let elsewhere = elsewhere.filter(|mail| mail.metadata.get("crossdock_intent").is_some_and(|i| i == id));
        let (done, sent) = (text(intent, "phase") == Some("DONE"), mails.count() + elsewhere.count());
        if done && sent == 0 {
            wrong.push(format!("I4: mail intent {id} is DONE, and no mail was accepted"));
        }
    }
}

/// I4 and I8: every refund at the vendor is one of ours with the same status, and the sums of its payment say so.
fn refunds_add_up(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let mut sandbox = universe.sandbox();
    // Where Stripe forgets a key, one intent of ours may have two refunds. One is ours; of the other a person was told, who
    // decides what it is: it is not taken for another refund that somebody asked for.
    let forgets = sandbox.dials().is_turned(Dial::LostAnswersForgetTheirKey);
    let is_told = |id: &str| of_type(items, "doubt").any(|doubt| text(doubt, "vendor_id") == Some(id));
    let is_second = |theirs: &Refund| {
        let intent = theirs.metadata.get("crossdock_intent");
        intent.is_some()
            && sandbox.stripe().refunds().iter().filter(|r| r.metadata.get("crossdock_intent") == intent).count() > 1
    };
    for theirs in sandbox.stripe().refunds() {
        let ours: Vec<_> =
            of_type(items, "refund").filter(|ours| text(ours, "vendor_id") == Some(theirs.id.as_str())).collect();
        let statuses: Vec<_> = ours.iter().filter_map(|ours| text(ours, "status")).collect();
        let expected = if theirs.status == "pending" { "processing" } else { theirs.status };
        if ours.is_empty() && forgets && is_second(theirs) && is_told(&theirs.id) {
            continue;
        }
        if statuses != [expected] {
            wrong.push(format!("I4: {} is {} there and {statuses:?} here", theirs.id, theirs.status));
        }
    }
    for payment in of_type(items, "payment").filter(|payment| text(payment, "status") == Some("succeeded")) {
        let number = |item: &Value, name: &str| item.pointer(name).and_then(Value::as_i64).unwrap_or(0);
        let refunds = || of_type(items, "refund").filter(|r| text(r, "pk") == text(payment, "pk"));
        let sum_of = |counts: fn(&str) -> bool| -> i64 {
            refunds()
                .filter(|r| counts(text(r, "status").unwrap_or_default()))
                .map(|r| number(r, "/amount/value"))
                .sum()
        };
        let left = number(payment, "/amount/value") - sum_of(|status| !matches!(status, "failed" | "canceled"));
        if number(payment, "/refundable") != left {
            wrong.push(format!("I8: refundable is {} and should be {left}", number(payment, "/refundable")));
        }
        let back = sum_of(|status| status == "succeeded");
        if number(payment, "/amount_refunded") != back {
            wrong.push(format!("I8: amount_refunded is {} and should be {back}", number(payment, "/amount_refunded")));
        }
    }
}

/// Every publication that is DONE left at least one message, all copies with the same id.
fn events_are_published_once_known(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let published: Vec<Value> = universe
        .aws()
        .sqs()
        .messages("domain-events")
        .iter()
        .map(|message| serde_json::from_str(&message.body).unwrap_or_default())
        .collect();
    for intent in of_type(items, "intent").filter(|intent| text(intent, "kind") == Some("publish")) {
        let id = intent.pointer("/data/event_id").and_then(Value::as_str).unwrap_or_default();
        let there = published.iter().any(|event| text(event, "id") == Some(id));
        if text(intent, "phase") == Some("DONE") && !there {
            wrong.push(format!("I2: event {id} is marked as published, and no message has it"));
        }
    }
}

/// The table, but for the vendors' quotas: asking for a call uses one up, whether it is made or not.
pub fn without_quota(universe: &Universe) -> Vec<Value> {
    let items = universe.aws().table().items();
    items.into_iter().filter(|item| text(item, "type") != Some("quota")).collect()
}

/// I8: every webhook that was acknowledged is in the archive byte for byte, with what its signature needs; and every
/// event that was applied names where.
fn webhooks_are_archived(universe: &Universe, items: &[Arc<Value>], wrong: &mut Vec<String>) {
    let objects = universe.aws().s3().objects();
    // All parts that came in one request are next to each other, in order.
    let mut kept: BTreeMap<(&str, String, String), Vec<u8>> = BTreeMap::new();
    for (key, object) in &objects {
        let note: Value = serde_json::from_str(&object.note).unwrap_or_default();
        if text(&note, "verified_by").is_some_and(|key| !key.is_empty()) {
            let vendor = key.split('/').next().unwrap_or_default();
            let request = (vendor, note["headers"].to_string(), note["received_at"].to_string());
            kept.entry(request).or_default().extend(&object.bytes);
        }
    }
    let kept: BTreeSet<(&str, &str, &[u8])> =
        kept.iter().map(|((vendor, headers, _), bytes)| (*vendor, headers.as_str(), bytes.as_slice())).collect();
    for (function, request) in &universe.acknowledged {
        let (vendor, names): (_, &[&str]) = match function {
            Function::StripeWebhook => ("stripe", &["stripe-signature"]),
            Function::TwilioWebhook => ("twilio", &["x-twilio-signature"]),
            Function::PostmarkWebhook => ("postmark", &[]),
            Function::FedexWebhook => ("fedex", &["fdx-signature"]),
            Function::UpsWebhook => ("ups", &[]),
            _ => ("sendgrid", &["x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"]),
        };
        let came = |name: &&str| {
            let value = request.headers().get(*name).and_then(|value| value.to_str().ok());
            ((*name).to_owned(), value.map(str::to_owned))
        };
        let came: BTreeMap<String, Option<String>> = names.iter().map(came).collect();
        let mut may_be_kept = vec![serde_json::json!(came).to_string()];
        if *function == Function::StripeWebhook {
            // Its time, and the one signature that matched.
            let header = came.values().flatten().next().cloned().unwrap_or_default();
            let part = |name: &'static str| header.split(',').map(str::trim).filter(move |part| part.starts_with(name));
            let time = part("t=").next().unwrap_or_default();
            let kept = |v1: &str| serde_json::json!({ "stripe-signature": format!("{time},{v1}") }).to_string();
            may_be_kept = part("v1=").map(kept).collect();
        }
        let holds_nothing = request.body().iter().all(|byte| b"[] \r\n".contains(byte));
        let is_kept =
            may_be_kept.iter().any(|headers| kept.contains(&(vendor, headers.as_str(), request.body().as_ref())));
        if !holds_nothing && !is_kept {
            wrong.push(format!("I8: a webhook of {vendor} is not in the archive as it came"));
        }
    }
    for event in of_type(items, "event") {
        if !text(event, "archive_key").is_some_and(|key| objects.contains_key(key)) {
            wrong.push(format!("I8: {} names no object of the archive", text(event, "pk").unwrap_or_default()));
        }
    }
}

/// The items of one type.
pub fn of_type<'a, V: Borrow<Value>>(items: &'a [V], item_type: &'static str) -> impl Iterator<Item = &'a Value> {
    items.iter().map(Borrow::borrow).filter(move |item| text(item, "type") == Some(item_type))
}

/// A text attribute.
pub fn text<'a>(item: &'a Value, name: &str) -> Option<&'a str> {
    item.get(name).and_then(Value::as_str)
}
