//! What people do without the shop's API: shoppers, their banks, the shop's staff in the dashboard. An error is Stripe's
//! error body.

use super::State;
use super::command::{Command, Confirmation};
use super::events::Origin;
use super::failure::Failure;
use super::refunds::RefundOrder;
use serde_json::Value;

impl State {
    /// The shopper's browser confirms with the client secret.
    pub(crate) fn shopper_confirms(
        &mut self,
        now_ms: i64,
        client_secret: &str,
        payment_method: &str,
    ) -> Result<Value, Value> {
        self.pass_time(now_ms);
        let confirmation = Confirmation {
            payment_method: Some(payment_method.to_owned()),
            return_url: Some("https://shop.example/return".to_owned()),
            ..Confirmation::default()
        };
        let origin = self.shoppers_origin();
        let id = self.payment_intents.iter().find(|intent| intent.client_secret == client_secret).map(|i| i.id.clone());
        id.ok_or_else(|| Failure::no_such("payment_intent", client_secret, "client_secret", 404))
            .and_then(|id| {
                let command = Command::Confirm { id, confirmation };
                self.look_up(&command)?;
                self.execute(now_ms, command, &origin)
            })
            .map_err(|failure| failure.body(origin.request_id.as_deref().unwrap_or_default()))
    }

    /// The shopper passes or fails the bank's check.
    pub(crate) fn shopper_authenticates(&mut self, now_ms: i64, id: &str, passed: bool) -> Result<Value, Value> {
        self.pass_time(now_ms);
        self.move_by_id(id, |state, position| state.authenticate(now_ms, position, passed))
    }

    /// The bank answers for an intent in `processing`.
    pub(crate) fn bank_answers(&mut self, now_ms: i64, id: &str, charged: bool) -> Result<Value, Value> {
        self.pass_time(now_ms);
        self.move_by_id(id, |state, position| state.settle_processing(now_ms, position, charged))
    }

    /// The bank answers for a refund: the money arrived, or it came back (even if it seemed to have arrived).
    pub(crate) fn bank_answers_refund(&mut self, now_ms: i64, id: &str, arrived: bool) -> Result<Value, Value> {
        self.pass_time(now_ms);
        self.settle_refund(now_ms, id, arrived).map_err(|failure| failure.body(""))
    }

    /// Somebody changes what is to be paid, by hand in the dashboard.
    pub(crate) fn merchant_changes_amount(&mut self, id: &str, amount: u64) {
        if let Some(intent) = self.payment_intents.iter_mut().find(|intent| intent.id == id) {
            intent.amount = amount;
        }
    }

    /// Somebody deletes a customer by hand in the dashboard.
    pub(crate) fn merchant_deletes_customer(&mut self, now_ms: i64, id: &str) -> Result<Value, Value> {
        self.pass_time(now_ms);
        self.delete_customer(now_ms, id).map_err(|failure| failure.body(""))
    }

    /// Somebody refunds a payment by hand in the dashboard: no metadata, no idempotency key, no request.
    pub(crate) fn merchant_refunds(&mut self, now_ms: i64, id: &str, amount: Option<u64>) -> Result<Value, Value> {
        self.pass_time(now_ms);
        let order = RefundOrder::by_hand(id, amount);
        self.look_up_refund(&order)
            .and_then(|()| self.make_refund(now_ms, order, &Origin::default()))
            .map_err(|failure| failure.body(""))
    }

    fn move_by_id(
        &mut self,
        id: &str,
        step: impl FnOnce(&mut Self, usize) -> Result<(), Failure>,
    ) -> Result<Value, Value> {
        self.position(id)
            .and_then(|position| {
                step(self, position)?;
                Ok(self.payment_intents[position].to_json())
            })
            .map_err(|failure| failure.body(""))
    }

    /// A browser's request has an id, and no idempotency key of the shop.
    pub(super) fn shoppers_origin(&mut self) -> Origin {
        Origin { request_id: Some(format!("req_{}", self.ids.next("req", 14))), idempotency_key: None }
    }
}
