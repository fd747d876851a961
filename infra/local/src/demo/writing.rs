//! Messages: a mail that is opened, an SMS that does not arrive, and somebody who wants no more of them.

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CUSTOMER, DONE_WITHIN, GOOD_CARD, Order, expect};

/// The shopper's phone, and ours.
const PHONE: &str = "+4798765432";
const OUR_NUMBER: &str = "+15005550006";

impl Order<'_> {
    /// The confirmation arrives, and Ada reads it.
    pub(super) async fn is_read(&self) -> Result<Value> {
        let created = self.create(&json!({ "payment_method": GOOD_CARD, "confirm": true })).await?;
        expect(&created, StatusCode::CREATED, "POST /payments with a good card")?;
        self.until_confirmed_by_mail(DONE_WITHIN).await?;
        let sandbox = self.stack.sandbox();
        let state = sandbox.admin(Method::GET, "state", None).await?;
        let mut mails = state["sendgrid"]["mails"].as_array().into_iter().flatten();
        let ours = mails.rfind(|mail| mail["custom_args"]["crossdock_order"] == json!(self.id));
        let mail = ours.context("the mail provider has no mail of this order")?;
        sandbox.admin(Method::POST, "recipient/open", Some(&json!({ "message_id": mail["message_id"] }))).await?;
        self.until("read", DONE_WITHIN, |order| order["messages"][0]["opened_at"].is_string()).await
    }

    /// The phone is off for good, so the parcel is announced by mail.
    pub(super) async fn is_told_by_mail_instead(&self) -> Result<Value> {
        let unreachable = json!({ "vendor": "twilio", "course": "undelivered", "code": 30_005, "times": 1 });
        self.stack.sandbox().admin(Method::POST, "faults", Some(&json!({ "messages": [unreachable] }))).await?;
        self.send(
            "parcel",
            &json!({
                "channel": "sms", "kind": "delivery_notification", "to": crate::phone::awake("65432"), "order_id": self.id,
                "customer_id": CUSTOMER, "data": { "status": "out_for_delivery" },
            }),
        )
        .await?;
        self.until("told by mail", DONE_WITHIN, |order| {
            let messages = order["messages"].as_array().into_iter().flatten();
            let mut statuses: Vec<_> = messages.filter_map(|message| message["status"].as_str()).collect();
            statuses.sort_unstable();
            statuses == ["delivered", "fell_back"]
        })
        .await
    }

    /// Ada once asked for offers; her STOP holds back the next.
    pub(super) async fn is_stopped(&self) -> Result<Value> {
        let proof = json!({ "source": "checkout", "at": "2026-01-01T00:00:00Z" });
        let wish = json!({ "channel": "sms", "address": PHONE, "marketing": true, "proof": proof });
        let answer = self.stack.call(Method::PUT, "/contacts/preferences", &[], Some(&wish)).await?;
        expect(&answer, StatusCode::OK, "PUT /contacts/preferences")?;
        let text = |body: &str| json!({ "from": PHONE, "to": OUR_NUMBER, "body": body });
        let sandbox = self.stack.sandbox();
        sandbox.admin(Method::POST, "recipient/text", Some(&text("STOP"))).await?;
        let since = tokio::time::Instant::now();
        loop {
            let answer = self.stack.call(Method::PUT, "/contacts/preferences", &[], Some(&wish)).await?;
            if answer.json()["suppressed"] == json!(true) {
                break;
            }
            ensure!(since.elapsed() < DONE_WITHIN, "STOP was not heard");
            tokio::time::sleep(super::LOOK_EVERY).await;
        }
        self.send("offer", &json!({
            "channel": "sms", "kind": "promotion", "to": PHONE, "order_id": self.id, "data": { "text": "20 % off." },
        }))
        .await?;
        let order =
            self.until("held back", DONE_WITHIN, |order| order["messages"][0]["status"] == "suppressed").await?;
        sandbox.admin(Method::POST, "recipient/text", Some(&text("START"))).await?;
        Ok(order)
    }

    async fn send(&self, key: &str, body: &Value) -> Result<()> {
        let key = format!("{}-{key}", self.id);
        let answer = self.stack.call(Method::POST, "/messages", &[("idempotency-key", &key)], Some(body)).await?;
        expect(&answer, StatusCode::ACCEPTED, "POST /messages")
    }
}
