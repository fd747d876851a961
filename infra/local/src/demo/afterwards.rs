//! What happens to a paid order: refunds, and a later charge of the card that was saved.

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{DONE_WITHIN, GOOD_CARD, Order, expect};

impl Order<'_> {
    /// Paid, and all of it refunded.
    pub(super) async fn is_refunded(&self) -> Result<Value> {
        let payment = self.pay_at_once(&json!({})).await?;
        self.refund(&payment, "all", &json!({ "reason": "requested_by_customer" })).await?;
        self.until("refunded and told so by mail", DONE_WITHIN, |order| {
            order["payment"]["status"] == "refunded" && delivered(order) == 2
        })
        .await
    }

    /// Paid, and a part of it refunded; the clerk's double click is one refund.
    pub(super) async fn is_partly_refunded(&self) -> Result<Value> {
        let payment = self.pay_at_once(&json!({})).await?;
        let part = json!({ "amount": { "value": 400, "currency": "EUR" } });
        let one = self.refund(&payment, "the vase", &part).await?;
        let again = self.refund(&payment, "the vase", &part).await?;
        ensure!(one["refund_id"] == again["refund_id"], "one key made two refunds");
        let done = self
            .until("partly refunded and told so by mail", DONE_WITHIN, |order| {
                order["payment"]["status"] == "partially_refunded" && delivered(order) == 2
            })
            .await?;
        ensure!(done["payment"]["amount_refunded"]["value"] == 400, "not 4.00 EUR went back: {}", done["payment"]);
        Ok(done)
    }

    /// A customer saves a card with one order; this one is charged to it while nobody is there.
    pub(super) async fn is_charged_off_session(&self) -> Result<Value> {
        let first = Order { stack: self.stack, id: format!("{}-before", self.id) };
        first.pay_at_once(&json!({ "save_payment_method": true })).await?;
        let path = format!("/customers/{}/payment-methods", super::CUSTOMER);
        let listed = self.stack.call(Method::GET, &path, &[], None).await?;
        expect(&listed, StatusCode::OK, "GET /customers/{customer_id}/payment-methods")?;
        let listed = listed.json();
        let saved = listed["data"][0]["payment_method"].as_str().context("no payment method was saved")?;
        let card = json!({ "payment_method": saved, "confirm": true, "off_session": true });
        expect(&self.create(&card).await?, StatusCode::CREATED, "POST /payments off session")?;
        self.until_confirmed_by_mail(DONE_WITHIN).await
    }

    /// Pays within the request and waits for the confirmation mail; gives the payment's id.
    async fn pay_at_once(&self, more: &Value) -> Result<String> {
        let mut body = json!({ "payment_method": GOOD_CARD, "confirm": true });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let created = self.create(&body).await?;
        expect(&created, StatusCode::CREATED, "POST /payments with a good card")?;
        self.until_confirmed_by_mail(DONE_WITHIN).await?;
        let created = created.json();
        created["payment_id"].as_str().map(str::to_owned).context("the payment has no payment_id")
    }

    async fn refund(&self, payment: &str, key: &str, body: &Value) -> Result<Value> {
        let path = format!("/payments/{payment}/refunds");
        let answer = self.stack.call(Method::POST, &path, &[("idempotency-key", key)], Some(body)).await?;
        expect(&answer, StatusCode::CREATED, "POST /payments/{payment_id}/refunds")?;
        Ok(answer.json())
    }
}

fn delivered(order: &Value) -> usize {
    let mails = order["messages"].as_array().into_iter().flatten();
    mails.filter(|mail| mail["status"] == "delivered").count()
}
