//! What people do at the vendors, past the shop: shoppers, banks, the shopkeeper, recipients.

use crate::Sandbox;
use serde_json::{Value, json};

impl Sandbox {
    /// The shopper's browser confirms a payment with its client secret. Returns the payment intent, or Stripe's error
    /// body.
    pub fn shopper_confirms(&mut self, now_ms: i64, client_secret: &str, payment_method: &str) -> Result<Value, Value> {
        let outcome = self.stripe.shopper_confirms(now_ms, client_secret, payment_method);
        self.post_outgoing();
        outcome
    }

    /// The shopper passes or fails the bank's check of a payment intent (`pi_…`) that requires action. Returns the
    /// payment intent, or Stripe's error body.
    pub fn shopper_authenticates(&mut self, now_ms: i64, payment_intent: &str, success: bool) -> Result<Value, Value> {
        let outcome = self.stripe.shopper_authenticates(now_ms, payment_intent, success);
        self.post_outgoing();
        outcome
    }

    /// The bank answers at last for a payment intent that is `processing`. Returns the payment intent, or Stripe's
    /// error body.
    pub fn bank_answers(&mut self, now_ms: i64, payment_intent: &str, charged: bool) -> Result<Value, Value> {
        let outcome = self.stripe.bank_answers(now_ms, payment_intent, charged);
        self.post_outgoing();
        outcome
    }

    /// The bank answers at last for a refund (`re_…`): the money arrived, or it came back, even if it seemed to have
    /// arrived. Returns the refund, or Stripe's error body.
    pub fn bank_answers_refund(&mut self, now_ms: i64, refund: &str, arrived: bool) -> Result<Value, Value> {
        let outcome = self.stripe.bank_answers_refund(now_ms, refund, arrived);
        self.post_outgoing();
        outcome
    }

    /// Somebody refunds a payment (`pi_…`) by hand in the dashboard: `amount` in smallest units, none for all that is
    /// left. Returns the refund, or Stripe's error body.
    pub fn merchant_refunds(&mut self, now_ms: i64, payment_intent: &str, amount: Option<u64>) -> Result<Value, Value> {
        let outcome = self.stripe.merchant_refunds(now_ms, payment_intent, amount);
        self.post_outgoing();
        outcome
    }

    /// Somebody changes what is to be paid of an open payment (`pi_…`), in smallest units, by hand in Stripe's dashboard.
    pub fn merchant_changes_amount(&mut self, payment_intent: &str, amount: u64) {
        self.stripe.merchant_changes_amount(payment_intent, amount);
    }

    /// Somebody deletes a customer (`cus_…`) by hand in Stripe's dashboard. Returns the customer, or Stripe's error body.
    pub fn merchant_deletes_customer(&mut self, now_ms: i64, customer: &str) -> Result<Value, Value> {
        let outcome = self.stripe.merchant_deletes_customer(now_ms, customer);
        self.post_outgoing();
        outcome
    }

    /// Stripe's endpoint is of this API version from now on, and gets what such endpoints get.
    pub fn set_stripe_endpoint_version(&mut self, version: &str) {
        self.stripe.set_endpoint_version(version);
    }

    /// Stripe's charges do not say from now on what they brought in.
    pub fn set_stripe_books_late(&mut self) {
        self.stripe.set_books_late();
    }

    /// Somebody takes permissions away from Stripe's key, and gives back all others: `payment_intents`, `charges`, `balance`,
    /// `refunds`, `customers`, `payment_methods`.
    pub fn set_stripe_key_lacking(&mut self, resources: &[&str]) {
        self.stripe.set_lacking(resources);
    }

    /// Stripe sends an event of its second generation, which has no object in it.
    pub fn stripe_sends_thin_event(&mut self, now_ms: i64, kind: &str) {
        self.stripe.emit_thin(now_ms, kind);
        self.post_outgoing();
    }

    /// Somebody texts `body` from their phone to a number of the Twilio account (both in E.164). STOP opts them out, START
    /// in again. False when the number is not the account's.
    pub fn recipient_texts(&mut self, now_ms: i64, from: &str, to: &str, body: &str) -> bool {
        let known = self.twilio.receive_text(now_ms, from, to, body);
        self.post_outgoing();
        known
    }

    /// The recipients of a message (its `X-Message-Id` at SendGrid, its `MessageID` at Postmark) open it. False when there is no such message.
    pub fn recipient_opens(&mut self, now_ms: i64, message_id: &str) -> bool {
        let extra = json!({ "useragent": "Mozilla/5.0", "ip": "192.0.2.1" });
        self.recipient_acts(now_ms, message_id, "open", &extra)
    }

    /// The recipients of a message follow a link in it. False when there is no such message.
    pub fn recipient_clicks(&mut self, now_ms: i64, message_id: &str, url: &str) -> bool {
        let extra = json!({ "useragent": "Mozilla/5.0", "ip": "192.0.2.1", "url": url });
        self.recipient_acts(now_ms, message_id, "click", &extra)
    }

    /// The recipients of a message call it spam. False when there is no such message.
    pub fn recipient_reports_spam(&mut self, now_ms: i64, message_id: &str) -> bool {
        self.recipient_acts(now_ms, message_id, "spamreport", &json!({}))
    }

    /// The recipients of a message want no more mail from this sender. False when there is no such message.
    pub fn recipient_unsubscribes(&mut self, now_ms: i64, message_id: &str) -> bool {
        self.recipient_acts(now_ms, message_id, "unsubscribe", &json!({}))
    }

    /// The recipients of a message want no more mail of its group (`false`), or want it again (`true`). False when there
    /// is no such message.
    pub fn recipient_changes_group(&mut self, now_ms: i64, message_id: &str, wanted: bool) -> bool {
        let kind = if wanted { "group_resubscribe" } else { "group_unsubscribe" };
        self.recipient_acts(now_ms, message_id, kind, &json!({}))
    }

    /// The shopkeeper makes an address active again at Postmark. False when it is active.
    pub fn merchant_reactivates(&mut self, now_ms: i64, address: &str) -> bool {
        let was_inactive = self.postmark.reactivate(now_ms, address);
        self.post_outgoing();
        was_inactive
    }

    fn recipient_acts(&mut self, now_ms: i64, message_id: &str, kind: &str, extra: &Value) -> bool {
        let known = self.sendgrid.recipient_acts(now_ms, message_id, kind, extra)
            || self.postmark.recipient_acts(now_ms, message_id, kind, extra);
        self.post_outgoing();
        known
    }
}
