//! What the log says: routes and our own ids. No address, no customer's id, no token, nothing that somebody wrote. Each function
//! is run with marked values, and each line that it writes is read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crossdock::telemetry;
use lambda_http::Body;
use sandbox::{CallFault, RandomFaults, Vendor};
use serde_json::{Value, json};
use simulation::shop::{confirmed_payment, payment, shipping, shopper_pays};
use simulation::universe::{Function, Universe};

use crate::signing::{post_stripe, stripe_says};
use crate::{A_WHILE_MS, mails_asked_for};

/// Everything that is written on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Listens as a function writes, at the level that writes most.
    pub(crate) fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        telemetry::captured::begin("sim");
        let guard = tracing::subscriber::set_default(telemetry::logs("trace", move || writer.clone()));
        (log, guard)
    }

    /// The lines so far, those of metrics too.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let metrics = telemetry::captured::take().into_iter().map(|line| line.to_string());
        text.lines().map(str::to_owned).chain(metrics).collect()
    }
}

/// What must not be in any line. The order's id is the shop's, and may be.
const MARKS: [&str; 17] = [
    "mark-customer",
    "mark-address",
    "Markname",
    "61412345678",
    "mark-description",
    "mark-metadata",
    "mark-return",
    "mark-reset",
    "918273",
    "mark-text",
    "mark-idempotency",
    "mark-source",
    "Markstreet",
    "mark-password",
    "mark-path",
    "MARK-PATH",
    "unsubscribe/con_",
];

fn with_marks(mut body: Value) -> Value {
    body["customer"] = json!({ "id": "mark-customer@mark-address.example", "email": "mark-address@mark-address.example",
        "name": "Markname Ada", "phone": "+61412345678" });
    body["description"] = json!("mark-description");
    body["metadata"] = json!({ "mark-metadata": "mark-metadata" });
    body["return_url"] = json!("https://shop.example/mark-return?token=mark-return");
    body
}

async fn ask(universe: &mut Universe, method: &str, path: &str, body: &Value) -> Value {
    let key = format!("mark-idempotency-{}", universe.invocations.len());
    universe.call(method, path, Some(&key), Some(body)).await.body()
}

/// Everything that a shop, its shoppers and its vendors do, right and wrong.
async fn everything(universe: &mut Universe) {
    let mut body = with_marks(confirmed_payment("o-1", "pm_card_visa"));
    body["save_payment_method"] = json!(true);
    let paid = ask(universe, "POST", "/payments", &body).await;
    let declined = with_marks(confirmed_payment("o-2", "pm_card_chargeDeclined"));
    ask(universe, "POST", "/payments", &declined).await;
    let open = universe.call("POST", "/payments", Some("mark-idempotency"), Some(&with_marks(payment("o-3")))).await;
    shopper_pays(universe, &open);
    let mut wrong = with_marks(payment("o-4"));
    wrong["metadata"] = json!({ "mark-metadata@x": 1 });
    ask(universe, "POST", "/payments", &wrong).await;
    wrong["metadata"] = json!({ "mark-metadata": "4242424242424242" });
    ask(universe, "POST", "/payments", &wrong).await;
    ask(universe, "POST", "/customers", &body["customer"]).await;
    ask(universe, "GET", "/customers/mark-customer@mark-address.example/payment-methods", &Value::Null).await;
    ask(universe, "GET", "/customers/mark-customer@nobody/payment-methods?cursor=mark-path", &Value::Null).await;
    for path in
        ["/payments/mark-path", "/orders/mark-path@", "/messages/mark-path", "/mark-path/x", "/shipments/mark-path"]
    {
        ask(universe, "GET", path, &Value::Null).await;
    }
    let refund = format!("/payments/{}/refunds", paid["payment_id"].as_str().unwrap_or("mark-path"));
    universe.run_until_quiet(A_WHILE_MS).await;
    ask(universe, "POST", &refund, &json!({ "amount": { "value": 100, "currency": "EUR" } })).await;
    let to = "mark-address@mark-address.example";
    for (kind, data) in [
        ("password_reset", json!({ "reset_url": "https://shop.example/mark-reset" })),
        ("account_notification", json!({ "subject": "mark-text", "text": "mark-text" })),
        ("promotion", json!({ "subject": "mark-text", "text": "mark-text", "url": "https://shop.example/mark-reset" })),
    ] {
        ask(universe, "POST", "/messages", &json!({ "channel": "email", "kind": kind, "to": to, "data": data })).await;
    }
    for (kind, data) in
        [("two_factor_code", json!({ "code": "918273" })), ("order_status", json!({ "text": "mark-text" }))]
    {
        let body = json!({ "channel": "sms", "kind": kind, "to": "+61412345678", "order_id": "o-1", "data": data,
            "customer_id": "mark-customer@mark-address.example" });
        ask(universe, "POST", "/messages", &body).await;
    }
    let wish = json!({ "channel": "email", "address": to, "marketing": true,
        "proof": { "source": "mark-source", "at": "2024-04-01T00:00:00Z" } });
    ask(universe, "PUT", "/contacts/preferences", &wish).await;
    ask(universe, "POST", "/contacts/lookup", &json!({ "channel": "email", "address": to })).await;
    ask(universe, "POST", "/contacts/lift", &wish).await;
    let campaign = json!({ "name": "mark-text", "recipients": [{ "email": to, "name": "Markname" }],
        "data": { "subject": "mark-text", "text": "mark-text" } });
    ask(universe, "POST", "/campaigns", &campaign).await;
    let mut parcel = shipping::shipment("o-1", "ups", "03");
    parcel["recipient"]["name"] = json!("Markname Ada");
    parcel["recipient"]["email"] = json!(to);
    parcel["recipient"]["phone"] = json!("+61412345678");
    parcel["recipient"]["address"]["street_lines"] = json!(["12 Markstreet"]);
    ask(universe, "POST", "/shipments", &parcel).await;
    ask(universe, "POST", "/rates", &parcel).await;
    universe.run_until_quiet(A_WHILE_MS).await;
}

/// Forged and broken webhooks at each door, and links of mails.
async fn strangers(universe: &mut Universe) {
    let doors = [
        Function::StripeWebhook,
        Function::SendGridWebhook,
        Function::TwilioWebhook,
        Function::PostmarkWebhook,
        Function::FedexWebhook,
        Function::UpsWebhook,
    ];
    for door in doors {
        let body = r#"{"mark-text":"mark-address@mark-address.example"}"#;
        let request = http::Request::post("https://webhook.sim/mark-path?mark-path=1")
            .header("authorization", "Basic mark-password")
            .header("credential", "mark-password")
            .header("stripe-signature", "t=1,v1=mark-password")
            .header("x-twilio-signature", "mark-password");
        universe.call_raw(door, request.body(Body::from(body)).unwrap(), "/mark-path?mark-path=1").await;
    }
    let token = http::Request::post("https://webhook.sim/oauth/token").header("authorization", "Basic mark-password");
    universe.call_raw(Function::UpsWebhook, token.body(Body::Empty).unwrap(), "/oauth/token").await;
    post_stripe(universe, Some("mark-password"), "mark-text").await;
    // Signed, and not what it should be.
    for object in [
        json!(null),
        json!({ "object": "payment_intent", "id": "pi_1", "amount": "mark-text", "receipt_email": "mark-address@x" }),
    ] {
        let event = json!({ "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1_714_265_330,
            "data": { "object": object } });
        stripe_says(universe, &event).await;
    }
    let now_ms = universe.now_ms();
    let ours =
        universe.sandbox().twilio().messages().first().and_then(|message| message.from.clone()).unwrap_or_default();
    for text in ["STOP", "mark-text"] {
        universe.sandbox().recipient_texts(now_ms, "+61412345678", &ours, text);
    }
    let links: Vec<String> = mails_asked_for(universe)
        .iter()
        .filter_map(|mail| mail.to_string().split("https://unsubscribe.sim").nth(1).map(str::to_owned))
        .map(|rest| rest.split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c))).next().unwrap().to_owned())
        .collect();
    for path in links.iter().map(String::as_str).chain(["/unsubscribe/con_1.mark-path", "/unsubscribe/mark-path"]) {
        for method in ["GET", "POST", "MARK-PATH"] {
            let request = http::Request::builder().method(method).uri(format!("https://unsubscribe.sim{path}"));
            universe.call_raw(Function::Unsubscriber, request.body(Body::Empty).unwrap(), path).await;
        }
    }
    universe.run_until_quiet(A_WHILE_MS).await;
}

#[tokio::test(start_paused = true)]
async fn no_line_of_any_function_says_who_somebody_is_or_lets_anybody_in() {
    let (log, guard) = Log::listen();
    for vendor_is_ill in [false, true] {
        let mut universe = Universe::new(1);
        universe.has_mail_fallback = true;
        if vendor_is_ill {
            let chance = 0.3;
            let random =
                RandomFaults { error_after: chance, lost_answer: chance, throttled: chance, ..RandomFaults::default() };
            universe.sandbox().faults().random(random);
            for vendor in [Vendor::Twilio, Vendor::Ups] {
                universe.sandbox().faults().next_calls(vendor, "*", 3, CallFault::Garbled);
            }
        }
        everything(&mut universe).await;
        strangers(&mut universe).await;
        universe.sweep().await;
        universe.report().await;
        universe.keep_dead_letters().await;
    }
    drop(guard);
    let lines = log.lines();
    assert!(lines.len() > 200, "{} lines", lines.len());
    for route in ["/unsubscribe/{link}", "/customers/{customer_id}/payment-methods", "\"none\"", "/oauth/token"] {
        assert!(lines.iter().any(|line| line.contains(route)), "nothing was said of {route}");
    }
    for line in &lines {
        let found: Vec<&str> = MARKS.into_iter().filter(|mark| line.contains(mark)).collect();
        assert!(found.is_empty(), "{found:?} in {line}");
        let read: Result<Value, _> = serde_json::from_str(line);
        assert!(read.is_ok(), "no JSON: {line}");
    }
}

#[test]
fn every_route_of_the_api_has_its_name_in_the_log() {
    let page = std::fs::read_to_string(contract::workspace_root().join("infra/openapi.yaml")).unwrap();
    let paths: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("  /")?.strip_suffix(':')).collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        assert!(crossdock::lambda::http::ROUTES.contains(&&*format!("/{path}")), "/{path}");
    }
}
