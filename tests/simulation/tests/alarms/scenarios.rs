//! What goes wrong, and is put right again: the shipping functions write the lines.

use std::collections::BTreeMap;
use std::time::Duration;

use crossdock::domain::Timestamp;
use crossdock::effects::audit::Operator;
use crossdock::error::{Error, Result};
use crossdock::gateway::breaker::{Forced, State, Switch};
use crossdock::gateway::{Gateway, Lane, Memory, OperationClass, Vendor, force};
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use crossdock::telemetry::metrics::Metric;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sandbox::{CallFault, Course, Vendor as There, WebhookFault};
use serde_json::json;
use sha2::Sha256;
use simulation::shop::confirmed_payment;
use simulation::shop::shipping::within_europe;
use simulation::universe::{Function, Universe};
use simulation::{Fault, Plan, Probe};

use super::drivers::assert_drives;
use super::{minutes, recorded, universe};

/// Orders that are paid at once.
async fn orders(universe: &mut Universe, name: &str, count: usize, card: &str) {
    for n in 0..count {
        let order = format!("{name}-{n}");
        universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, card))).await;
        universe.sleep_ms(500).await;
    }
}

/// Stripe is down for ten minutes.
#[tokio::test(start_paused = true)]
async fn stripe_is_down() {
    let mut universe = universe();
    minutes(&mut universe, 10).await;
    universe.sandbox().faults().outage(There::Stripe, true);
    orders(&mut universe, "down", 12, "pm_card_visa").await;
    minutes(&mut universe, 10).await;
    universe.sandbox().faults().outage(There::Stripe, false);
    minutes(&mut universe, 40).await;
    assert_drives("stripe_is_down", &recorded());
}

/// A confirm of which nobody finds out what it did, and that a person decides on.
#[tokio::test(start_paused = true)]
async fn nobody_knows() {
    let mut universe = universe();
    minutes(&mut universe, 10).await;
    let body = simulation::shop::payment("o-1");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
    universe.sandbox().faults().every_webhook(There::Stripe, WebhookFault::Dropped);
    universe.sandbox().faults().every_call(There::Stripe, "*", CallFault::LostAnswer);
    universe.call("POST", &path, None, Some(&json!({ "payment_method": "pm_card_visa" }))).await;
    minutes(&mut universe, 40).await;
    universe.sandbox().faults().clear();
    let system = universe.system(Function::PaymentWorker, &Probe::new());
    let list = system.work_list().unwrap();
    let operator = Operator { who: "ada".to_owned(), why: None };
    let items = universe.aws().table().items();
    let waits = simulation::invariants::of_type(&items, "intent")
        .find(|intent| intent["phase"] == "MANUAL")
        .expect("nothing waits for a person");
    let id = crossdock::domain::IntentId::from_stored(waits["intent_id"].as_str().unwrap());
    let found = list.intent(&id).await.unwrap().unwrap();
    list.retry(&found, &operator).await.unwrap();
    minutes(&mut universe, 30).await;
    assert_drives("nobody_knows", &recorded());
}

/// Somebody refunds at Stripe's dashboard what we had promised already.
#[tokio::test(start_paused = true)]
async fn refunded_beyond() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let created =
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    minutes(&mut universe, 5).await;
    let path = format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap());
    let id = universe.sandbox().stripe().payment_intents()[0].id.clone();
    universe.sandbox().faults().outage(There::Stripe, true);
    let part = json!({ "amount": { "value": 800, "currency": "EUR" } });
    assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&part)).await.status(), 202);
    let now_ms = universe.now_ms();
    universe.sandbox().merchant_refunds(now_ms, &id, Some(600)).unwrap();
    minutes(&mut universe, 3).await;
    universe.sandbox().faults().outage(There::Stripe, false);
    minutes(&mut universe, 30).await;
    assert_drives("refunded_beyond", &recorded());
}

/// Whoever canceled was answered 202, and the charge is known before the cancel.
#[tokio::test(start_paused = true)]
async fn charged_unexpectedly() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.sandbox().faults().next_calls(There::Stripe, "create_payment_intent", 2, CallFault::LostAnswer);
    universe.sandbox().faults().next_webhooks(There::Stripe, 1, WebhookFault::Duplicate { copies: 0 });
    universe.sandbox().faults().every_webhook(There::Stripe, WebhookFault::Late { ms: 3_600_000 });
    let created =
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
    assert_eq!(universe.call("POST", &path, None, None).await.status(), 202);
    minutes(&mut universe, 90).await;
    assert_drives("charged_unexpectedly", &recorded());
}

/// Calls of a carrier's, near what it allows in an hour.
#[tokio::test(start_paused = true)]
async fn quota_in_use() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let system = universe.system(Function::RateQuoter, &Probe::new());
    let gateway = Gateway::new(system.world().clone(), system.work_list().unwrap().table().clone(), Memory::default());
    for _ in 0..60 {
        // The burst first, more than there is, and then at the rate: 500 an hour.
        for _ in 0..16 {
            let call_by = Timestamp::from_ms(universe.now_ms() + 5_000);
            let _ = gateway.permit(Vendor::Ups, Lane::Interactive, call_by).await;
        }
        minutes(&mut universe, 1).await;
    }
    minutes(&mut universe, 90).await;
    assert_drives("quota_in_use", &recorded());
}

/// The endpoint's secret as the sandbox's account begins.
const SECRET: &str = "whsec_sandbox";

/// The header of an event that Stripe signs. (docs.stripe.com/webhooks#verify-manually)
fn signed(t: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{t}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("t={t},v1={hex}")
}

/// An event of our payment with another amount.
#[tokio::test(start_paused = true)]
async fn in_doubt() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.call("POST", "/payments", Some("k-1"), Some(&simulation::shop::payment("o-1"))).await;
    minutes(&mut universe, 2).await;
    let mut object = universe.sandbox().stripe().payment_intents()[0].to_json();
    object["status"] = json!("succeeded");
    object["amount"] = json!(1);
    object["amount_received"] = json!(1);
    let t = universe.now_ms() / 1_000;
    let event = json!({
        "id": "evt_1", "object": "event", "api_version": "2024-10-28.acacia", "created": t, "livemode": false,
        "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null },
        "type": "payment_intent.succeeded", "data": { "object": object },
    });
    let body = event.to_string();
    let request = http::Request::post("https://webhook.sim/").header("Stripe-Signature", signed(t, &body));
    universe.call_raw(Function::StripeWebhook, request.body(body.into()).unwrap(), "/").await;
    minutes(&mut universe, 15).await;
    let list = universe.system(Function::PaymentWorker, &Probe::new()).work_list().unwrap();
    let operator = Operator { who: "ada".to_owned(), why: None };
    for doubt in list.manual().await.unwrap().doubts {
        list.looked_at(&doubt, &operator).await.unwrap();
    }
    minutes(&mut universe, 10).await;
    assert_drives("in_doubt", &recorded());
}

/// An operator holds calls to every vendor for ten minutes.
#[tokio::test(start_paused = true)]
async fn an_operator_shuts_every_vendor() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let list = universe.system(Function::Sweeper, &Probe::new()).work_list().unwrap();
    let until = Timestamp::from_ms(universe.now_ms()).plus(Duration::from_secs(600));
    for vendor in Vendor::ALL {
        let forced = Some(Forced { state: State::Open, until });
        force(list.table(), vendor, Switch::Class(OperationClass::Effect), forced).await.unwrap();
    }
    minutes(&mut universe, 20).await;
    assert_drives("an_operator_shuts_every_vendor", &recorded());
}

/// A dozen shoppers are declined, and nobody else buys anything.
#[tokio::test(start_paused = true)]
async fn a_small_shop_sells_nothing() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    orders(&mut universe, "declined", 12, "pm_card_visa_chargeDeclined").await;
    minutes(&mut universe, 30).await;
    assert_drives("a_small_shop_sells_nothing", &recorded());
}

/// The table refuses every request of a dozen invocations.
#[tokio::test(start_paused = true)]
async fn the_table_does_not_answer() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let all: BTreeMap<usize, Fault> = (1..=60).map(|n| (n, Fault::Throttled)).collect();
    for n in 0..12 {
        let plan = Plan { faults: all.clone(), ..Plan::default() };
        universe.plans.insert(universe.invocations.len(), plan);
        let answer = universe.call("GET", &format!("/orders/o-{n}"), None, None).await;
        assert!(answer.status() >= 500, "{answer:?}");
        universe.call("GET", &format!("/orders/o-{n}"), None, None).await;
    }
    minutes(&mut universe, 40).await;
    assert_drives("the_table_does_not_answer", &recorded());
}

struct Panics;

impl HttpFunction for Panics {
    const NAME: &str = "payment-initiator";

    async fn handle(&self, _: ApiRequest) -> Result<Answer> {
        panic!("a test's");
    }
}

/// A handler panics behind the edge that all functions have. (None of ours does, as far as anybody knows.)
#[tokio::test(start_paused = true)]
async fn a_handler_panics() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let system = universe.system(Function::PaymentInitiator, &Probe::new());
    let request = http::Request::get("https://api.sim/orders/o-1").body(lambda_http::Body::Empty).unwrap();
    let answer = crossdock::lambda::http::respond(&Panics, request, system.world()).await;
    assert_eq!(answer.status(), 500);
    minutes(&mut universe, 10).await;
    assert_drives("a_handler_panics", &recorded());
}

/// Each vendor's webhooks are signed with another secret.
#[tokio::test(start_paused = true)]
async fn a_wrong_webhook_secret() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let receivers = [
        Function::StripeWebhook,
        Function::SendGridWebhook,
        Function::TwilioWebhook,
        Function::PostmarkWebhook,
        Function::FedexWebhook,
        Function::UpsWebhook,
    ];
    for receiver in receivers {
        for _ in 0..6 {
            let request = http::Request::post("https://webhook.sim/").body(lambda_http::Body::Text("{}".to_owned()));
            let answer = universe.call_raw(receiver, request.unwrap(), "/").await;
            assert!((400..500).contains(&answer.status()), "{receiver:?}: {answer:?}");
        }
    }
    minutes(&mut universe, 30).await;
    assert_drives("a_wrong_webhook_secret", &recorded());
}

/// Stripe takes seven seconds for each payment.
#[tokio::test(start_paused = true)]
async fn the_checkout_is_slow() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.sandbox().faults().every_call(There::Stripe, "*", CallFault::Delay { ms: 7_000 });
    orders(&mut universe, "slow", 6, "pm_card_visa").await;
    universe.sandbox().faults().clear();
    minutes(&mut universe, 40).await;
    assert_drives("the_checkout_is_slow", &recorded());
}

/// Of a hundred and ten mails of a day five bounce, and one is called spam.
#[tokio::test(start_paused = true)]
async fn mails_bounce() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.sandbox().faults().next_messages(There::SendGrid, 5, Course::Bounced);
    universe.sandbox().faults().next_messages(There::SendGrid, 1, Course::SpamReported);
    for n in 0..110 {
        let body = json!({ "channel": "email", "kind": "welcome", "to": format!("ada{n}@example.com"), "data": {} });
        let answer = universe.call("POST", "/messages", Some(&format!("m-{n}")), Some(&body)).await;
        assert_eq!(answer.status(), 202, "{}", answer.body());
    }
    minutes(&mut universe, 60).await;
    assert_drives("mails_bounce", &recorded());
}

/// Of a hundred and twenty SMS of a day a tenth does not arrive; at a dollar each they cost more than the budget.
#[tokio::test(start_paused = true)]
async fn sms_fail() {
    let mut universe = universe();
    universe.variables.push(("SMS_PRICES".to_owned(), "*=1000000".to_owned()));
    minutes(&mut universe, 5).await;
    universe.sandbox().faults().next_messages(There::Twilio, 12, Course::Undelivered { code: 30_003 });
    for n in 0..120 {
        let body = json!({ "channel": "sms", "kind": "delivery_notification", "to": format!("+614{n:08}"),
            "order_id": format!("o-{n}"), "data": { "status": "out_for_delivery" } });
        let answer = universe.call("POST", "/messages", Some(&format!("m-{n}")), Some(&body)).await;
        assert_eq!(answer.status(), 202, "{}", answer.body());
    }
    minutes(&mut universe, 90).await;
    assert_drives("sms_fail", &recorded());
}

/// SendGrid refuses a mail as it is.
#[tokio::test(start_paused = true)]
async fn a_mail_is_refused() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    universe.sandbox().faults().next_calls(There::SendGrid, "mail_send", 1, CallFault::ErrorBefore { status: 400 });
    orders(&mut universe, "refused", 1, "pm_card_visa").await;
    minutes(&mut universe, 20).await;
    assert_drives("a_mail_is_refused", &recorded());
}

/// Every vendor takes some seconds for each call, for forty minutes.
#[tokio::test(start_paused = true)]
async fn vendors_are_slow() {
    let mut universe = universe();
    universe.has_mail_fallback = true;
    for vendor in There::ALL {
        universe.sandbox().faults().every_call(vendor, "*", CallFault::Delay { ms: 4_000 });
    }
    for minute in 0..70_i32 {
        if minute == 35 {
            // From now on Postmark has the mails.
            universe.sandbox().faults().outage(There::SendGrid, true);
        }
        let order = format!("o-{minute}");
        universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, "pm_card_visa"))).await;
        let sms = json!({ "channel": "sms", "kind": "delivery_notification", "to": format!("+614{minute:08}"),
            "order_id": order, "data": { "status": "out_for_delivery" } });
        universe.call("POST", "/messages", Some(&order), Some(&sms)).await;
        let mut rates = within_europe();
        rates["packages"][0]["weight"]["value"] = json!(f64::from(minute) + 1.5);
        universe.call("POST", "/rates", None, Some(&rates)).await;
        minutes(&mut universe, 1).await;
    }
    universe.sandbox().faults().clear();
    for minute in 70..110_i32 {
        let order = format!("o-{minute}");
        universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, "pm_card_visa"))).await;
        minutes(&mut universe, 1).await;
    }
    assert_drives("vendors_are_slow", &recorded());
}

struct Deaf;

impl crossdock::lambda::sns::Listener for Deaf {
    async fn hear(&self, _: &crossdock::alerts::Delivery, _: &str) -> Result<()> {
        Err(Error::transient("slack_unavailable", "a test's"))
    }

    async fn look(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

/// An alert reaches nobody.
#[tokio::test(start_paused = true)]
async fn an_alert_reaches_nobody() {
    let mut universe = universe();
    minutes(&mut universe, 5).await;
    let system = universe.system(Function::Sweeper, &Probe::new());
    let event = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "MessageId": "m", "Message": "{}" } }] });
    assert!(crossdock::lambda::sns::respond(&Deaf, event, "r", system.world()).await.is_err());
    minutes(&mut universe, 20).await;
    assert_drives("an_alert_reaches_nobody", &recorded());
}

/// Somebody asks for SMS to a country to which the shop sends none.
#[tokio::test(start_paused = true)]
async fn a_country_that_gets_no_sms() {
    let mut universe = universe();
    universe.variables.push(("SMS_DESTINATIONS".to_owned(), "+61".to_owned()));
    minutes(&mut universe, 5).await;
    for n in 0..20 {
        let body = json!({ "channel": "sms", "kind": "delivery_notification", "to": "+4798765432",
            "order_id": format!("o-{n}"), "data": { "status": "out_for_delivery" } });
        let answer = universe.call("POST", "/messages", Some(&format!("m-{n}")), Some(&body)).await;
        assert_eq!(answer.status(), 422, "{}", answer.body());
    }
    minutes(&mut universe, 30).await;
    assert_drives("a_country_that_gets_no_sms", &recorded());
}

/// A key is ninety days old, and then new. The simulation has no dates of secrets: the line is the one that secret-rotator writes.
#[tokio::test(start_paused = true)]
async fn a_key_grows_old() {
    let universe = universe();
    let days = |days: u32| f64::from(days) * 86_400.0;
    for day in 0..10_u32 {
        let age = if day < 5 { days(86 + day) } else { days(day - 5) };
        Metric::KeyAgeSeconds.record(Timestamp::from_ms(universe.now_ms()), age, &[]);
        universe.sleep_ms(86_400_000).await;
    }
    assert_drives("a_key_grows_old", &recorded());
}
