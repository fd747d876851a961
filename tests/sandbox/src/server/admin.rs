//! `/_sandbox/…`: looking inside, turning the fault dial, acting as shopper, bank, shopkeeper and recipient.

use super::{Shared, now_ms};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::{StatusCode, header};
use sandbox::on_call::Next;
use sandbox::parcels::Parcels;
use sandbox::{
    CallLimit, CallRule, MessageRule, ParcelRule, RandomFaults, RateRule, RecordedCall, Sandbox, Scan, Vendor,
    WebhookRule,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The routes below `/_sandbox`.
pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/state", get(state))
        .route("/calls", get(calls))
        .route("/keys", get(keys))
        .route("/faults", post(add_faults).delete(clear_faults))
        .route("/faults/{about}", delete(clear_faults_about))
        .route("/webhook-urls", put(set_webhook_urls))
        .route("/shopper/confirm", post(shopper_confirms))
        .route("/shopper/authenticate", post(shopper_authenticates))
        .route("/bank/answer", post(bank_answers))
        .route("/bank/answer-refund", post(bank_answers_refund))
        .route("/merchant/refund", post(merchant_refunds))
        .route("/stripe/thin-event", post(stripe_sends_thin_event))
        .route("/recipient/open", post(recipient_opens))
        .route("/recipient/click", post(recipient_clicks))
        .route("/recipient/spam", post(recipient_reports_spam))
        .route("/recipient/unsubscribe", post(recipient_unsubscribes))
        .route("/recipient/text", post(recipient_texts))
        .route("/merchant/reactivate", post(merchant_reactivates))
        .route("/postmark/refusal", put(postmark_refuses_all))
        .route("/parcel/scan", post(parcel_is_scanned))
        .route("/tokens", delete(tokens_are_revoked))
        .route("/on-call", get(on_call).put(on_call_answers_next))
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let sandbox = shared.sandbox();
    let stripe = sandbox.stripe();
    let of_each = |value: &dyn Fn(Vendor) -> Value| -> Map<String, Value> {
        Vendor::ALL.into_iter().map(|vendor| (vendor.name().to_owned(), value(vendor))).collect()
    };
    Json(json!({
        "stripe": {
            "payment_intents": stripe.payment_intents(),
            "charges": stripe.charges(),
            "refunds": stripe.refunds(),
            "customers": stripe.customers(),
            "payment_methods": stripe.payment_methods(),
            "balance_transactions": stripe.balance_transactions(),
        },
        "sendgrid": { "mails": sandbox.sendgrid().mails(), "templates": sandbox.sendgrid().templates() },
        "twilio": { "messages": sandbox.twilio().messages(), "received": sandbox.twilio().received() },
        "postmark": { "mails": sandbox.postmark().mails() },
        "fedex": parcels(&sandbox, Vendor::FedEx),
        "ups": parcels(&sandbox, Vendor::Ups),
        "dhl": parcels(&sandbox, Vendor::Dhl),
        "deliveries": of_each(&|vendor| json!(sandbox.deliveries(vendor))),
        "calls": of_each(&|vendor| sandbox.calls().iter().filter(|call| call.vendor == vendor).count().into()),
    }))
}

/// What people on call were told.
async fn on_call(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let on_call = &shared.sandbox().on_call;
    Json(json!({
        "slack": on_call.slack.messages(),
        "incidents": on_call.betterstack.incidents(),
        "heartbeats": on_call.betterstack.beats(),
    }))
}

/// What Slack and Better Stack answer next.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnCallAnswers {
    #[serde(default)]
    slack: Vec<Next>,
    #[serde(default)]
    betterstack: Vec<Next>,
}

async fn on_call_answers_next(State(shared): State<Arc<Shared>>, Json(next): Json<OnCallAnswers>) -> StatusCode {
    let on_call = &mut shared.sandbox().on_call;
    on_call.slack.answer_next(next.slack);
    on_call.betterstack.answer_next(next.betterstack);
    StatusCode::NO_CONTENT
}

/// The labels and collections of a carrier.
fn parcels(sandbox: &Sandbox, carrier: Vendor) -> Value {
    let parcels = sandbox.parcels(carrier);
    json!({ "shipments": parcels.map(Parcels::shipments), "pickups": parcels.map(Parcels::pickups) })
}

async fn calls(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.sandbox().calls().iter().map(recorded_call).collect())
}

/// The operations whose body has a secret in it.
const SECRET_BODIES: [&str; 2] = ["token", "subscribe"];

/// A call without its credentials; bodies that are not text are shown as far as they are.
fn recorded_call(call: &RecordedCall) -> Value {
    let body: &[u8] = if SECRET_BODIES.contains(&call.operation) { b"" } else { &call.body };
    let headers: Map<String, Value> = call
        .headers
        .iter()
        .filter(|(name, _)| **name != header::AUTHORIZATION && *name != "x-postmark-server-token")
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    json!({
        "vendor": call.vendor,
        "operation": call.operation,
        "at_ms": call.at_ms,
        "method": call.method.as_str(),
        "path_and_query": call.path_and_query,
        "headers": headers,
        "body": String::from_utf8_lossy(body),
        "status": call.status,
    })
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "sendgrid_public_key": shared.sandbox().sendgrid_public_key() }))
}

/// What to add to the dial.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    #[serde(default)]
    calls: Vec<CallRule>,
    #[serde(default)]
    webhooks: Vec<WebhookRule>,
    #[serde(default)]
    messages: Vec<MessageRule>,
    #[serde(default)]
    parcels: Vec<ParcelRule>,
    #[serde(default)]
    rates: Vec<RateRule>,
    /// How many calls are answered from now on.
    #[serde(default)]
    limits: BTreeMap<Vendor, CallLimit>,
    /// Vendors that are down from now on.
    #[serde(default)]
    outages: Vec<Vendor>,
    random: Option<RandomFaults>,
}

async fn add_faults(State(shared): State<Arc<Shared>>, Json(faults): Json<Faults>) -> StatusCode {
    let mut sandbox = shared.sandbox();
    let dial = sandbox.faults();
    faults.calls.into_iter().for_each(|rule| dial.add_call_rule(rule));
    faults.webhooks.into_iter().for_each(|rule| dial.add_webhook_rule(rule));
    faults.messages.into_iter().for_each(|rule| dial.add_message_rule(rule));
    faults.parcels.into_iter().for_each(|rule| dial.add_parcel_rule(rule));
    faults.rates.into_iter().for_each(|rule| dial.add_rate_rule(rule));
    faults.limits.into_iter().for_each(|(vendor, limit)| dial.limit(vendor, Some(limit)));
    faults.outages.into_iter().for_each(|vendor| dial.outage(vendor, true));
    if let Some(random) = faults.random {
        dial.random(random);
    }
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.sandbox().faults().clear();
    StatusCode::NO_CONTENT
}

/// Takes away the rules about one text only.
async fn clear_faults_about(State(shared): State<Arc<Shared>>, Path(text): Path<String>) -> StatusCode {
    shared.sandbox().faults().clear_about(&text);
    StatusCode::NO_CONTENT
}

/// Where a vendor posts its webhooks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookUrl {
    /// Empty: the endpoint is taken away.
    url: String,
    /// Replaces the Host header.
    host: Option<String>,
}

async fn set_webhook_urls(
    State(shared): State<Arc<Shared>>,
    Json(urls): Json<BTreeMap<Vendor, WebhookUrl>>,
) -> Response {
    let mut sandbox = shared.sandbox();
    for (vendor, wanted) in urls {
        let registered = sandbox.set_webhook(vendor, &wanted.url, wanted.host.as_deref());
        if !registered && !wanted.url.is_empty() {
            return (StatusCode::BAD_REQUEST, format!("not a URL: {}\n", wanted.url)).into_response();
        }
    }
    shared.changed.notify_one();
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Debug, Deserialize)]
struct Confirmation {
    client_secret: String,
    payment_method: String,
}

async fn shopper_confirms(State(shared): State<Arc<Shared>>, Json(wanted): Json<Confirmation>) -> Response {
    let outcome = shared.sandbox().shopper_confirms(now_ms(), &wanted.client_secret, &wanted.payment_method);
    stripes_answer(&shared, outcome)
}

#[derive(Debug, Deserialize)]
struct Verdict {
    payment_intent: String,
    success: bool,
}

async fn shopper_authenticates(State(shared): State<Arc<Shared>>, Json(verdict): Json<Verdict>) -> Response {
    let outcome = shared.sandbox().shopper_authenticates(now_ms(), &verdict.payment_intent, verdict.success);
    stripes_answer(&shared, outcome)
}

async fn bank_answers(State(shared): State<Arc<Shared>>, Json(verdict): Json<Verdict>) -> Response {
    let outcome = shared.sandbox().bank_answers(now_ms(), &verdict.payment_intent, verdict.success);
    stripes_answer(&shared, outcome)
}

#[derive(Debug, Deserialize)]
struct RefundVerdict {
    refund: String,
    success: bool,
}

async fn bank_answers_refund(State(shared): State<Arc<Shared>>, Json(verdict): Json<RefundVerdict>) -> Response {
    let outcome = shared.sandbox().bank_answers_refund(now_ms(), &verdict.refund, verdict.success);
    stripes_answer(&shared, outcome)
}

#[derive(Debug, Deserialize)]
struct RefundByHand {
    payment_intent: String,
    /// In smallest units; left out: all that is left.
    amount: Option<u64>,
}

async fn merchant_refunds(State(shared): State<Arc<Shared>>, Json(wanted): Json<RefundByHand>) -> Response {
    let outcome = shared.sandbox().merchant_refunds(now_ms(), &wanted.payment_intent, wanted.amount);
    stripes_answer(&shared, outcome)
}

#[derive(Debug, Deserialize)]
struct ThinEvent {
    #[serde(rename = "type")]
    kind: String,
}

async fn stripe_sends_thin_event(State(shared): State<Arc<Shared>>, Json(event): Json<ThinEvent>) -> StatusCode {
    shared.sandbox().stripe_sends_thin_event(now_ms(), &event.kind);
    shared.changed.notify_one();
    StatusCode::NO_CONTENT
}

fn stripes_answer(shared: &Shared, outcome: Result<Value, Value>) -> Response {
    shared.changed.notify_one();
    match outcome {
        Ok(object) => Json(object).into_response(),
        Err(error) => (StatusCode::PAYMENT_REQUIRED, Json(error)).into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct Message {
    message_id: String,
    #[serde(default)]
    url: String,
}

async fn recipient_opens(State(shared): State<Arc<Shared>>, Json(message): Json<Message>) -> StatusCode {
    let known = shared.sandbox().recipient_opens(now_ms(), &message.message_id);
    recipients_answer(&shared, known)
}

async fn recipient_clicks(State(shared): State<Arc<Shared>>, Json(message): Json<Message>) -> StatusCode {
    let known = shared.sandbox().recipient_clicks(now_ms(), &message.message_id, &message.url);
    recipients_answer(&shared, known)
}

async fn recipient_reports_spam(State(shared): State<Arc<Shared>>, Json(message): Json<Message>) -> StatusCode {
    let known = shared.sandbox().recipient_reports_spam(now_ms(), &message.message_id);
    recipients_answer(&shared, known)
}

async fn recipient_unsubscribes(State(shared): State<Arc<Shared>>, Json(message): Json<Message>) -> StatusCode {
    let known = shared.sandbox().recipient_unsubscribes(now_ms(), &message.message_id);
    recipients_answer(&shared, known)
}

/// An SMS from somebody's phone.
#[derive(Debug, Deserialize)]
struct Text {
    from: String,
    to: String,
    body: String,
}

async fn recipient_texts(State(shared): State<Arc<Shared>>, Json(text): Json<Text>) -> StatusCode {
    let known = shared.sandbox().recipient_texts(now_ms(), &text.from, &text.to, &text.body);
    recipients_answer(&shared, known)
}

#[derive(Debug, Deserialize)]
struct Address {
    address: String,
}

async fn merchant_reactivates(State(shared): State<Arc<Shared>>, Json(wanted): Json<Address>) -> StatusCode {
    let was_inactive = shared.sandbox().merchant_reactivates(now_ms(), &wanted.address);
    recipients_answer(&shared, was_inactive)
}

#[derive(Debug, Deserialize)]
struct PostmarksRefusal {
    /// Null: mails are taken again.
    error_code: Option<u32>,
}

async fn postmark_refuses_all(State(shared): State<Arc<Shared>>, Json(wanted): Json<PostmarksRefusal>) -> StatusCode {
    shared.sandbox().postmark_refuses_all(wanted.error_code);
    StatusCode::NO_CONTENT
}

/// What happens to a parcel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParcelScan {
    carrier: Vendor,
    tracking_number: String,
    /// Left out: what is next on its way.
    scan: Option<Scan>,
}

async fn parcel_is_scanned(State(shared): State<Arc<Shared>>, Json(wanted): Json<ParcelScan>) -> Response {
    let (carrier, number) = (wanted.carrier, wanted.tracking_number.as_str());
    let happened = {
        let mut sandbox = shared.sandbox();
        match wanted.scan {
            None => sandbox.parcel_moves(carrier, now_ms(), number),
            Some(scan) => sandbox.parcel_is_scanned(carrier, now_ms(), number, scan).then_some(scan),
        }
    };
    shared.changed.notify_one();
    match happened {
        Some(scan) => Json(json!({ "scan": scan })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn tokens_are_revoked(State(shared): State<Arc<Shared>>) -> StatusCode {
    let mut sandbox = shared.sandbox();
    for carrier in Vendor::CARRIERS {
        sandbox.revoke_tokens(carrier);
    }
    StatusCode::NO_CONTENT
}

fn recipients_answer(shared: &Shared, known: bool) -> StatusCode {
    shared.changed.notify_one();
    if known { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
