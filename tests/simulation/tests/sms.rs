//! SMS at Twilio: sent once, found again when the answer was lost, followed by their callbacks, and stopped by who gets
//! them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::domain::input::CreateMessage;
use crossdock::domain::message::{Content, DeliveryStep, Estimate, MessageStatus};
use crossdock::domain::{Correlation, IntentId, OrderId};
use crossdock::effects::contact::contact_id;
use crossdock::effects::intake::{MessageCreated, MessageRequest};
use crossdock::effects::observation::{MessageFact, Observation};
use crossdock::effects::{Agent as _, Lease, WorkList};
use crossdock::gateway::{Lane, Vendor as OurVendor};
use crossdock::lambda::System;
use crossdock::vendors::twilio::Twilio;
use sandbox::{CallFault, Course, Vendor, WebhookFault};
use serde_json::Value;
use simulation::Probe;
use simulation::invariants::{of_type, text};
use simulation::universe::{Function, Universe};

/// A phone in Australia, where it is day when the simulation begins.
const ADA: &str = "+61412345678";
const SHOP: &str = "+15005550006";
const A_DAY_MS: i64 = 24 * 3_600_000;

/// A shop that sends SMS. It works its list itself, turn by turn.
struct Sender {
    universe: Universe,
    system: System,
    list: WorkList,
    twilio: Twilio,
    turns: u32,
}

impl Sender {
    fn new() -> Self {
        let universe = Universe::new(1);
        let system = universe.system(Function::EmailSender, &Probe::new());
        let (list, twilio) = (system.work_list().unwrap(), system.twilio().unwrap());
        Self { universe, system, list, twilio, turns: 0 }
    }

    fn lease(&mut self) -> Lease {
        self.turns += 1;
        let call_by = self.list.world().now().plus(Duration::from_secs(10));
        Lease { owner: format!("turn {}", self.turns), call_by, lane: Lane::Background, asked_by: None }
    }

    /// Queues "your order is out for delivery".
    async fn queue(&mut self, key: &str) -> IntentId {
        let content = Content::DeliveryNotification { step: DeliveryStep::OutForDelivery, tracking_url: None };
        let order_id = Some(OrderId::parse("o-1").unwrap());
        let input = CreateMessage { to: ADA.to_owned().into(), content, order_id, customer_id: None, send_at: None };
        let contact = contact_id(&self.system.app_keys().unwrap().get().await.unwrap(), ADA).unwrap();
        let correlation = Correlation::generate(self.list.world().now(), 1);
        let lease = self.lease();
        let estimate = Estimate { segments: Some(1), micros: 0 };
        let (contact_id, correlation, lease) = (&contact, &correlation, &lease);
        let asked = MessageRequest { key, hash: "h", estimate, contact_id, also: &[], correlation, lease };
        match self.list.create_message(&input, &asked).await.unwrap() {
            MessageCreated::Queued(_, nudge) => nudge.intent_id,
            other => panic!("{other:?}"),
        }
    }

    async fn turn(&mut self, intent: &IntentId) {
        let lease = self.lease();
        self.list.work(intent, &lease, &self.twilio, 1).await.unwrap();
    }

    /// Turn after turn, a minute apart, until the intent is settled for good.
    async fn turns(&mut self, intent: &IntentId) -> String {
        for _ in 0..30 {
            self.turn(intent).await;
            let phase = self.phase(intent);
            if ["DONE", "REFUSED", "MANUAL"].contains(&phase.as_str()) {
                return phase;
            }
            self.universe.sleep_ms(60_000).await;
        }
        panic!("never settled: {}", self.phase(intent));
    }

    fn phase(&self, intent: &IntentId) -> String {
        let item = self.universe.aws().table().item(&format!("INTENT#{intent}"), "INTENT").unwrap();
        text(&item, "phase").unwrap().to_owned()
    }

    fn item(&self, item_type: &'static str) -> Value {
        let items = self.universe.aws().table().items();
        of_type(&items, item_type).next().unwrap().clone()
    }

    fn status(&self) -> String {
        text(&self.item("message"), "status").unwrap().to_owned()
    }

    fn sent(&self) -> usize {
        self.universe.sandbox().twilio().messages().len()
    }

    /// Questions for one message.
    fn looks(&self) -> usize {
        let sandbox = self.universe.sandbox();
        sandbox.calls().iter().filter(|call| call.operation == "retrieve_message").count()
    }

    async fn quiet(&mut self) {
        self.universe.run_until_quiet(A_DAY_MS).await;
    }

    async fn texts(&mut self, body: &str) {
        let now_ms = self.universe.now_ms();
        assert!(self.universe.sandbox().recipient_texts(now_ms, ADA, SHOP, body));
        self.quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_sms_is_sent_and_its_callbacks_say_that_it_arrived() {
    let mut sender = Sender::new();
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    assert_eq!((sender.phase(&intent).as_str(), sender.status().as_str()), ("DONE", "sent"));
    sender.quiet().await;
    assert_eq!((sender.sent(), sender.status().as_str()), (1, "delivered"));
    let told = sender.universe.sandbox().deliveries(Vendor::Twilio);
    assert!(told.accepted > 0 && told.given_up == 0, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_sms_whose_answer_was_lost_is_found_in_the_list_and_not_sent_again() {
    for silent in [true, false] {
        let mut sender = Sender::new();
        if silent {
            sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
        }
        sender.universe.sandbox().faults().next_calls(Vendor::Twilio, "*", 1, CallFault::LostAnswer);
        let intent = sender.queue("k-1").await;
        sender.turn(&intent).await;
        assert_eq!(sender.phase(&intent), "UNKNOWN");
        if !silent {
            sender.quiet().await;
        }
        assert_eq!(sender.turns(&intent).await, "DONE", "silent: {silent}");
        assert_eq!(sender.sent(), 1, "silent: {silent}");
        let sid = sender.universe.sandbox().twilio().messages()[0].sid.clone();
        assert_eq!(text(&sender.item("message"), "vendor_id"), Some(sid.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_sms_that_twilio_failed_to_take_is_sent_again_once_the_list_does_not_have_it() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().next_calls(Vendor::Twilio, "*", 1, CallFault::ErrorBefore { status: 500 });
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    assert_eq!((sender.phase(&intent).as_str(), sender.sent()), ("UNKNOWN", 0));
    assert_eq!(sender.turns(&intent).await, "DONE");
    assert_eq!(sender.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_sms_that_would_have_to_be_sought_among_more_than_a_page_of_others_is_left_to_a_person() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
    sender.universe.sandbox().faults().next_calls(Vendor::Twilio, "*", 1, CallFault::LostRequest);
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    assert_eq!(sender.phase(&intent), "UNKNOWN");
    // Somebody else uses the account, too.
    let account = sandbox::Settings::default();
    let user = format!("{}:{}", account.twilio_account_sid, account.twilio_auth_tokens[0]);
    let now_ms = sender.universe.now_ms();
    for n in 0..101 {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("To", ADA), ("From", SHOP), ("Body", &format!("text {n}"))])
            .finish();
        let request = http::Request::post(format!("/2010-04-01/Accounts/{}/Messages.json", account.twilio_account_sid))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Basic {}", STANDARD.encode(&user)));
        let reply = sender.universe.sandbox().call(Vendor::Twilio, now_ms, request.body(form.into()).unwrap());
        assert!(matches!(reply, sandbox::Reply::Answer { response, .. } if response.status() == 201));
    }
    sender.turns(&intent).await;
    let item = sender.item("intent");
    assert_eq!(text(&item, "refusal"), Some("too_many_objects_to_search"), "{item}");
    assert_eq!(sender.sent(), 101, "it was sent without knowing");
}

#[tokio::test(start_paused = true)]
async fn two_sms_with_the_same_words_are_two_and_neither_is_taken_for_the_other() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
    let first = sender.queue("k-1").await;
    sender.turn(&first).await;
    sender.universe.sleep_ms(600_000).await;
    sender.universe.sandbox().faults().next_calls(Vendor::Twilio, "*", 1, CallFault::ErrorBefore { status: 500 });
    let second = sender.queue("k-2").await;
    assert_eq!(sender.turns(&second).await, "DONE");
    assert_eq!(sender.sent(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_sms_that_does_not_arrive_is_bounced() {
    for (course, status, code) in [
        (Course::Bounced, "bounced", 30_005),
        (Course::Failed { code: 30_001 }, "dropped", 30_001),
        (Course::Undelivered { code: 30_003 }, "bounced", 30_003),
    ] {
        let mut sender = Sender::new();
        sender.universe.sandbox().faults().next_messages(Vendor::Twilio, 1, course);
        let intent = sender.queue("k-1").await;
        sender.turn(&intent).await;
        sender.quiet().await;
        assert_eq!((sender.status().as_str(), sender.sent()), (status, 1), "{course:?}");
        assert_eq!(sender.item("message")["error_code"], code, "{course:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_answers_stop_gets_no_sms_until_they_answer_start() {
    let mut sender = Sender::new();
    sender.texts("Stop").await;
    assert_eq!(text(&sender.item("contact"), "suppressed"), Some("stopped"));
    sender.texts("What is this?").await;
    let stopped = sender.queue("k-1").await;
    assert_eq!((sender.turns(&stopped).await.as_str(), sender.sent()), ("REFUSED", 0));
    sender.texts("START").await;
    assert_eq!(text(&sender.item("contact"), "suppressed"), None);
    let lifted = sender.queue("k-2").await;
    assert_eq!((sender.turns(&lifted).await.as_str(), sender.sent()), ("DONE", 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_only_twilio_knows_of_is_learned_from_its_refusal() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
    sender.texts("STOP").await;
    let intent = sender.queue("k-1").await;
    assert_eq!((sender.turns(&intent).await.as_str(), sender.sent()), ("REFUSED", 0));
    assert_eq!(text(&sender.item("contact"), "suppressed"), Some("stopped"));
}

#[tokio::test(start_paused = true)]
async fn a_message_can_be_asked_for_when_its_callbacks_are_lost() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    sender.quiet().await;
    let sid = text(&sender.item("message"), "vendor_id").unwrap().to_owned();
    let correlation = Correlation::generate(sender.list.world().now(), 1);
    let Some(Observation::Message(observed)) = sender.twilio.fetch(OurVendor::Twilio, &sid, &correlation).await else {
        panic!("unreadable")
    };
    assert_eq!(observed.what, MessageFact::Status(MessageStatus::Delivered));
    assert!(sender.twilio.fetch(OurVendor::Twilio, "SM00000000000000000000000000000000", &correlation).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn with_a_key_that_twilio_does_not_take_the_sms_waits_for_another() {
    let mut sender = Sender::new();
    sender.universe.sandbox().set_api_key(Vendor::Twilio, "a new one");
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    assert_eq!((sender.phase(&intent).as_str(), sender.sent()), ("READY", 0));
    sender.universe.aws().secrets().put(
        "twilio",
        &serde_json::json!({
            "account_sid": "AC00000000000000000000000000000001",
            "api_key": { "sid": "SK00000000000000000000000000000001", "secret": "a new one" },
            "from": SHOP,
        }),
    );
    sender.universe.sleep_ms(300_000).await;
    assert_eq!(sender.turns(&intent).await, "DONE");
    assert_eq!(sender.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_sms_whose_callbacks_are_all_lost_is_asked_for_after_an_hour_and_once() {
    for (course, status) in [(Course::Delivered, "delivered"), (Course::Undelivered { code: 30_003 }, "bounced")] {
        let mut sender = Sender::new();
        sender.universe.sandbox().faults().next_messages(Vendor::Twilio, 1, course);
        sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
        let intent = sender.queue("k-1").await;
        sender.turn(&intent).await;
        sender.universe.run_until_quiet(3_540_000).await;
        assert_eq!((sender.status().as_str(), sender.looks()), ("sent", 0));
        sender.quiet().await;
        assert_eq!((sender.status().as_str(), sender.looks(), sender.sent()), (status, 1, 1));
        assert_eq!(simulation::invariants::violations(&sender.universe), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn an_sms_of_which_all_is_known_is_not_asked_for() {
    let mut sender = Sender::new();
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    sender.quiet().await;
    assert_eq!((sender.status().as_str(), sender.looks()), ("delivered", 0));
    assert!(sender.universe.is_quiet(), "nothing waits for a status that is there");
}

#[tokio::test(start_paused = true)]
async fn of_a_carrier_that_never_reports_nobody_asks_for_longer_than_a_day_and_nobody_is_woken() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().next_messages(Vendor::Twilio, 1, Course::Silent);
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    sender.quiet().await;
    assert!(sender.universe.is_quiet());
    // After 1, 2, 4, 8 and 16 hours.
    assert_eq!((sender.status().as_str(), sender.looks()), ("sent", 5));
    let items = sender.universe.aws().table().items();
    assert!(of_type(&items, "intent").all(|intent| text(intent, "phase") != Some("MANUAL")));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_cannot_be_asked_for_a_day_wakes_nobody() {
    let mut sender = Sender::new();
    sender.universe.sandbox().faults().every_webhook(Vendor::Twilio, WebhookFault::Dropped);
    let intent = sender.queue("k-1").await;
    sender.turn(&intent).await;
    sender.universe.sandbox().faults().outage(Vendor::Twilio, true);
    sender.universe.run_until_quiet(30 * 3_600_000).await;
    assert!(sender.universe.is_quiet());
    let items = sender.universe.aws().table().items();
    let phases: Vec<_> = of_type(&items, "intent").filter_map(|intent| text(intent, "phase")).collect();
    assert!(phases.contains(&"REFUSED") && !phases.contains(&"MANUAL"), "{phases:?}");
}
