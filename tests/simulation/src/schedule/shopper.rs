//! A shopper and the shop that acts for them: they create, pay, change their minds, ask again and want money back.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::basket::Basket;
use super::chance::one_of;
use super::stage::Stage;
use super::{limits, parcel};
use crate::invariants::text;
use crate::universe::Response;

/// How often a storefront asks again before it leaves the rest to the webhooks.
const REPEATS_MAX: usize = 4;
/// Customers of the shop: orders share them.
const CUSTOMERS: usize = 3;

/// Cards that a shopper may have, the good one several times.
const CARDS: [&str; 10] = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_threeDSecure2Required",
    "pm_sandbox_processingThenSucceeds",
    "pm_sandbox_processingThenDeclined",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
];

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    InTheBrowser,
    AtOnce,
    Commanded,
    Canceled,
    Saved,
}

/// The shopper of one order.
pub(super) struct Shopper {
    stage: Rc<Stage>,
    rng: fastrand::Rng,
    number: u64,
    order: String,
    customer: String,
    name: String,
    basket: Basket,
}

impl Shopper {
    pub(super) fn new(stage: Rc<Stage>, number: u64) -> Self {
        let mut rng = stage.chance.stream("order", number);
        let customer = format!("c-{}", rng.usize(0..CUSTOMERS));
        let basket = Basket::of(&mut stage.chance.stream("basket", number));
        // A customer of the shop has one name, whatever they buy.
        let name = limits::name(&mut stage.chance.stream(&customer, 0));
        Self { stage, rng, number, order: format!("o-{number}"), customer, name, basket }
    }

    fn key(&self) -> String {
        format!("checkout-{}", self.order)
    }

    fn body(&self) -> Value {
        json!({
            "order_id": self.order,
            "amount": self.basket.amount(),
            "customer": { "id": self.customer, "email": format!("{}@example.com", self.customer), "name": self.name },
        })
    }

    async fn think(&mut self, most_ms: u64) {
        let ms = self.rng.u64(0..=most_ms);
        self.stage.sleep_ms(ms).await;
    }

    /// From the first click to the last refund.
    pub(super) async fn shop(mut self) {
        let most_ms = one_of(&mut self.rng, [1_000, 10_000, 60_000]);
        self.think(most_ms).await;
        let ways = [
            Way::InTheBrowser,
            Way::InTheBrowser,
            Way::AtOnce,
            Way::AtOnce,
            Way::AtOnce,
            Way::Commanded,
            Way::Canceled,
            Way::Saved,
        ];
        let way = one_of(&mut self.rng, ways);
        let mut body = self.body();
        // What is canceled would have been charged at once, half of the time.
        let at_once = way == Way::Canceled && self.rng.bool();
        if at_once || matches!(way, Way::AtOnce | Way::Commanded | Way::Saved) {
            let cards = if way == Way::Saved { &CARDS[..3] } else { &CARDS[..] };
            body["payment_method"] = json!(cards[self.rng.usize(0..cards.len())]);
            body["confirm"] = json!(true);
            body["return_url"] = json!("https://shop.example/return");
        }
        if way == Way::Saved {
            body["save_payment_method"] = json!(true);
        }
        if way == Way::Commanded {
            self.command("payment.requested", &format!("c-{}", self.order), &body);
            self.think(20_000).await;
        } else {
            self.create(&body).await;
        }
        let Some(payment_id) = self.payment_id() else { return };
        match way {
            Way::InTheBrowser => self.pay_in_the_browser().await,
            Way::Canceled => self.cancel(&payment_id).await,
            Way::AtOnce | Way::Commanded | Way::Saved => self.pay_the_rest(&payment_id).await,
        }
        if way == Way::Saved {
            self.pay_again_with_what_was_saved().await;
        }
        let (stage, order, customer) = (Rc::clone(&self.stage), self.order.clone(), self.customer.clone());
        let is_paid = self.status().as_deref() == Some("succeeded");
        let number = self.number;
        let sent = async {
            if is_paid {
                parcel::send(&stage, number, &order, &customer).await;
            }
        };
        futures_util::join!(sent, self.want_money_back(&payment_id));
        if self.rng.usize(0..8) == 0 {
            self.ask_again_a_day_later(&body).await;
        }
    }

    /// Creates, doubly now and then, and with another body or key under which it must be refused.
    async fn create(&mut self, body: &Value) {
        let key = self.key();
        let (doubles, tries_other_body, tries_other_key) =
            (self.rng.usize(0..4) == 0, self.rng.usize(0..4) == 0, self.rng.usize(0..4) == 0);
        let (stage, other_key) = (Rc::clone(&self.stage), format!("other-{}", self.order));
        let first = settle(&stage, "/payments", Some(&key), body);
        let most_ms = one_of(&mut self.rng, [3, 50, 9_000]);
        let wait_ms = self.rng.u64(0..=most_ms);
        let second = async {
            if doubles {
                stage.sleep_ms(wait_ms).await;
                settle(&stage, "/payments", Some(&key), body).await;
            }
        };
        let other = async {
            if tries_other_key {
                stage.sleep_ms(wait_ms / 2).await;
                settle(&stage, "/payments", Some(&other_key), body).await;
            }
        };
        futures_util::join!(first, second, other);
        if tries_other_body && self.payment_id().is_some() {
            let mut cheaper = body.clone();
            cheaper["amount"] = self.basket.cheaper();
            let made_with_key = self.payment().is_some_and(|payment| text(&payment, "request_key") == Some(&key));
            let answer = self.stage.call("POST", "/payments", Some(&key), Some(&cheaper)).await;
            if made_with_key && (200..300).contains(&answer.status()) {
                self.stage.complain(format!("R: {key} with another body was answered {}", answer.status()));
            }
        }
    }

    async fn pay_in_the_browser(&mut self) {
        for _ in 0..3 {
            self.think(20_000).await;
            let Some(secret) = self.payment().and_then(|p| p["client_secret"].as_str().map(str::to_owned)) else {
                continue;
            };
            let card = one_of(&mut self.rng, CARDS);
            let now_ms = self.stage.now_ms();
            self.stage.note(|| format!("the shopper of {} pays with {card}", self.order));
            let _ = self.stage.with(|universe| universe.sandbox().shopper_confirms(now_ms, &secret, card));
            self.stage.news.notify_one();
            self.pass_the_bank().await;
        }
    }

    /// The bank asks whether it is really them.
    async fn pass_the_bank(&mut self) {
        self.think(10_000).await;
        let (order, passes) = (self.order.clone(), self.rng.usize(0..4) > 0);
        let now_ms = self.stage.now_ms();
        self.stage.with(|universe| {
            let mut sandbox = universe.sandbox();
            let waiting = sandbox.stripe().payment_intents().iter().filter(|payment| {
                payment.metadata.get("crossdock_order") == Some(&order) && payment.status.name() == "requires_action"
            });
            for id in waiting.map(|payment| payment.id.clone()).collect::<Vec<_>>() {
                let _ = sandbox.shopper_authenticates(now_ms, &id, passes);
            }
        });
        self.stage.news.notify_one();
    }

    /// What create left unpaid is confirmed, by two clicks now and then.
    /// In one of four nobody thinks, and one card follows the other within a second of the vendor's clock.
    async fn pay_the_rest(&mut self, payment_id: &str) {
        let hurries = self.rng.usize(0..4) == 0;
        for _ in 0..3 {
            if !hurries {
                self.pass_the_bank().await;
            }
            if self.status().as_deref() == Some("succeeded") {
                return;
            }
            let path = format!("/payments/{payment_id}/confirm");
            let body =
                json!({ "payment_method": one_of(&mut self.rng, CARDS), "return_url": "https://shop.example/return" });
            let (stage, twice) = (Rc::clone(&self.stage), self.rng.usize(0..3) == 0);
            let again = async {
                if twice {
                    stage.sleep_ms(20).await;
                    settle(&stage, &path, None, &body).await;
                }
            };
            futures_util::join!(settle(&stage, &path, None, &body), again);
        }
    }

    /// Cancels, while a browser is still open in which somebody pays, or a confirm is under way, now and then. Soon, or hours
    /// later.
    async fn cancel(&mut self, payment_id: &str) {
        let most_ms = one_of(&mut self.rng, [0, 100, 30_000, 30_000, 3 * 3_600_000]);
        self.think(most_ms).await;
        let secret = self.payment().and_then(|payment| payment["client_secret"].as_str().map(str::to_owned));
        let (stage, pays, wait_ms) = (Rc::clone(&self.stage), self.rng.bool(), self.rng.u64(0..200));
        let path = format!("/payments/{payment_id}/cancel");
        let meanwhile = async {
            if let (true, Some(secret)) = (pays, secret) {
                stage.sleep_ms(wait_ms).await;
                let now_ms = stage.now_ms();
                let _ = stage.with(|universe| universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa"));
                stage.news.notify_one();
            }
        };
        let (confirms, confirm_ms) = (self.rng.usize(0..3) == 0, self.rng.u64(0..400));
        let confirm = async {
            if confirms {
                stage.sleep_ms(confirm_ms).await;
                let body = json!({ "payment_method": "pm_card_visa", "return_url": "https://shop.example/return" });
                stage.call("POST", &format!("/payments/{payment_id}/confirm"), None, Some(&body)).await;
            }
        };
        let cancel = async {
            for _ in 0..REPEATS_MAX {
                if !matches!(stage.call("POST", &path, None, None).await.status(), 202 | 500..) {
                    break;
                }
                stage.sleep_ms(3_000).await;
            }
        };
        futures_util::join!(cancel, confirm, meanwhile);
        // Another payment of the same order, under a key of its own.
        if self.rng.bool() {
            let mut body = self.body();
            body["payment_method"] = json!("pm_card_visa");
            body["confirm"] = json!(true);
            settle(&self.stage, "/payments", Some(&format!("again-{}", self.order)), &body).await;
        }
    }

    async fn pay_again_with_what_was_saved(&mut self) {
        let path = format!("/customers/{}/payment-methods", self.customer);
        let listed = self.stage.call("GET", &path, None, None).await;
        let Some(saved) = listed.body().pointer("/data/0/payment_method").cloned() else { return };
        let mut body = self.body();
        body["order_id"] = json!(format!("{}-renewal", self.order));
        body["payment_method"] = saved;
        body["confirm"] = json!(true);
        body["off_session"] = json!(true);
        settle(&self.stage, "/payments", Some(&format!("renewal-{}", self.order)), &body).await;
    }

    /// Refunds in parts, side by side, more than there is, by hand at the vendor, and by command.
    async fn want_money_back(&mut self, payment_id: &str) {
        self.think(30_000).await;
        if self.status().as_deref() != Some("succeeded") {
            return;
        }
        let path = format!("/payments/{payment_id}/refunds");
        for part in 0..self.rng.usize(0..4) {
            self.think(20_000).await;
            let percent = one_of(&mut self.rng, [9, 36, 64, 100]);
            let amount = self.basket.part(percent);
            let body = json!({ "amount": self.basket.worth(amount) });
            let key = format!("refund-{part}");
            match self.rng.usize(0..8) {
                0 => {
                    let vendor_id = self.payment().and_then(|p| p["vendor_id"].as_str().map(str::to_owned));
                    let (now_ms, cents) = (self.stage.now_ms(), u64::try_from(amount).unwrap_or(0));
                    self.stage.with(|universe| {
                        if let Some(id) = vendor_id {
                            let _ = universe.sandbox().merchant_refunds(now_ms, &id, Some(cents));
                        }
                    });
                    self.stage.note(|| format!("somebody refunds {amount} of {} at the vendor", self.order));
                    self.stage.news.notify_one();
                }
                1 => {
                    let mut data = body.clone();
                    data["payment_id"] = json!(payment_id);
                    self.command("refund.requested", &format!("{}-{key}", self.order), &data);
                }
                2 | 3 => {
                    // Two at once, under keys of their own: together they may be more than there is.
                    let (stage, other) = (Rc::clone(&self.stage), format!("{key}-other"));
                    let first = settle(&stage, &path, Some(&key), &body);
                    futures_util::join!(first, settle(&stage, &path, Some(&other), &body));
                }
                _ => {
                    let stage = Rc::clone(&self.stage);
                    let again = async {
                        if percent == 36 {
                            settle(&stage, &path, Some(&key), &body).await;
                        }
                    };
                    futures_util::join!(settle(&stage, &path, Some(&key), &body), again);
                }
            }
        }
    }

    /// The first request once more, when its kept answer has expired: the answer is the payment as it is by then.
    async fn ask_again_a_day_later(&mut self, body: &Value) {
        self.stage.sleep_ms(25 * 3_600_000).await;
        let key = self.key();
        let Some(before) = self.payment().filter(|payment| text(payment, "request_key") == Some(&key)) else { return };
        let answer = self.stage.call("POST", "/payments", Some(&key), Some(body)).await;
        let Some(after) = self.payment() else { return };
        let told = answer.body();
        // Only where nothing moved meanwhile is it known what the answer must say.
        let moved = before["status"] != after["status"] || before["amount_refunded"] != after["amount_refunded"];
        let refunded = told.pointer("/amount_refunded/value").cloned().unwrap_or_default();
        if matches!(answer.status(), 200 | 201) && !moved && refunded != after["amount_refunded"] {
            self.stage.complain(format!(
                "R: a day later {key} was answered with {refunded} refunded, not {}",
                after["amount_refunded"]
            ));
        }
    }

    /// Puts a command on the queue, twice now and then.
    fn command(&mut self, kind: &str, id: &str, data: &Value) {
        let at = "2024-04-28T01:02:10.000Z";
        let message = json!({ "v": 1, "id": id, "kind": kind, "occurred_at": at, "data": data }).to_string();
        let copies = if self.rng.usize(0..3) == 0 { 2 } else { 1 };
        self.stage.note(|| format!("{kind} {id} is commanded, {copies} times"));
        self.stage.with(|universe| {
            for _ in 0..copies {
                universe.aws().sqs().send("payments", &message, BTreeMap::new(), 0);
            }
            // One that is refused goes to the dead-letter queue, where a person sees it.
            universe.may_die.push(message);
        });
        self.stage.news.notify_one();
    }

    /// The order's newest payment, as it is in the table.
    fn payment(&self) -> Option<Value> {
        let items = self.stage.with(|universe| universe.aws().table().shared_items());
        let own = items.iter().filter(|item| {
            text(item, "type") == Some("payment") && text(item, "order_id") == Some(self.order.as_str())
        });
        own.max_by_key(|payment| payment["ordinal"].as_i64()).map(|payment| Value::clone(payment))
    }

    fn payment_id(&self) -> Option<String> {
        self.payment().and_then(|payment| payment["payment_id"].as_str().map(str::to_owned))
    }

    fn status(&self) -> Option<String> {
        self.payment().and_then(|payment| payment["status"].as_str().map(str::to_owned))
    }
}

/// Asks until there is a final answer: same key, same body, a while later. Every answer names the same thing.
pub(super) async fn settle(stage: &Stage, path: &str, key: Option<&str>, body: &Value) -> Response {
    let mut names: Option<String> = None;
    let mut answer = stage.call("POST", path, key, Some(body)).await;
    for _ in 0..REPEATS_MAX {
        let told = answer.body();
        let id = ["refund_id", "payment_id", "shipment_id"].into_iter().find_map(|name| told[name].as_str());
        let id = id.map(str::to_owned);
        if let (Some(before), Some(now)) = (&names, &id)
            && before != now
        {
            stage.complain(format!("R: {path} {} was answered with {before} and then with {now}", key.unwrap_or("-")));
        }
        names = names.or(id);
        if !matches!(answer.status(), 202 | 500..) {
            break;
        }
        stage.sleep_ms(3_000).await;
        answer = stage.call("POST", path, key, Some(body)).await;
    }
    answer
}
