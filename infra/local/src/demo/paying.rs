//! Ways to pay: in the browser, after a decline, with a double click, after Stripe was down, with 3-D Secure.

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{DONE_WITHIN, EMPTY_CARD, GOOD_CARD, Order, SECURED_CARD, SWEEP_EVERY, expect};

impl Order<'_> {
    /// The storefront creates the payment; the shopper's browser pays at Stripe.
    pub(super) async fn is_paid(&self) -> Result<Value> {
        let created = self.create(&json!({})).await?;
        expect(&created, StatusCode::CREATED, "POST /payments")?;
        let created = created.json();
        let secret = created["client_secret"].as_str().context("the payment has no client_secret")?;
        self.stack.sandbox().shopper_pays(secret, GOOD_CARD).await?;
        self.until_confirmed_by_mail(DONE_WITHIN).await
    }

    /// The first card has no money on it, the second one has.
    pub(super) async fn is_declined_then_paid(&self) -> Result<Value> {
        let declined = self.create(&json!({ "payment_method": EMPTY_CARD, "confirm": true })).await?;
        expect(&declined, StatusCode::PAYMENT_REQUIRED, "POST /payments with an empty card")?;
        let declined = declined.json();
        let payment = declined["payment_id"].as_str().context("the problem names no payment_id")?;
        let path = format!("/payments/{payment}/confirm");
        let body = json!({ "payment_method": GOOD_CARD });
        let confirmed = self.stack.call(Method::POST, &path, &[], Some(&body)).await?;
        expect(&confirmed, StatusCode::OK, "POST /payments/{payment_id}/confirm with a good card")?;
        self.until_confirmed_by_mail(DONE_WITHIN).await
    }

    /// A double click and a retry afterwards.
    pub(super) async fn is_submitted_three_times(&self) -> Result<Value> {
        let card = json!({ "payment_method": GOOD_CARD, "confirm": true });
        let (one, other) = tokio::join!(self.create(&card), self.create(&card));
        let (one, other) = (one?, other?);
        ensure!(
            [one.status, other.status].contains(&StatusCode::CREATED),
            "neither of two simultaneous POST /payments was answered 201: {} and {}",
            one.status,
            other.status,
        );
        let again = self.create(&card).await?;
        expect(&again, StatusCode::CREATED, "the same POST /payments afterwards")?;
        ensure!(again.header("idempotent-replayed") == "true", "the repeat was not answered from the first one");
        for answer in [&one, &other] {
            ensure!(answer.json()["payment_id"] == again.json()["payment_id"], "two payments were made");
        }
        let done = self.until_confirmed_by_mail(DONE_WITHIN).await?;
        let payment_intents = self.payment_intents().await?.len();
        ensure!(payment_intents == 1, "Stripe has {payment_intents} payment intents for the order, not one");
        Ok(done)
    }

    /// Stripe answers 503 to everything; the payment is taken in, and made when Stripe is back. Its next try is due at
    /// a random time within a minute; so that nobody has to wait for it, the demonstration puts it forward.
    pub(super) async fn is_deferred(&self) -> Result<Value> {
        self.stack.sandbox().outage("stripe").await?;
        let deferred = self.create(&json!({ "payment_method": GOOD_CARD, "confirm": true })).await;
        self.stack.sandbox().heal().await?;
        let deferred = deferred?;
        expect(&deferred, StatusCode::ACCEPTED, "POST /payments while Stripe is down")?;
        let status = deferred.json()["status"].clone();
        ensure!(status == "deferred", "the payment is {status}, not deferred");
        self.put_due_times_forward().await?;
        self.while_sweeping(self.until_confirmed_by_mail(DONE_WITHIN)).await
    }

    /// Waits for something that the sweeper has to find, without its minute.
    pub(super) async fn while_sweeping<T>(&self, done: impl Future<Output = Result<T>>) -> Result<T> {
        let sweeping = async {
            loop {
                if let Err(error) = self.stack.invoke("sweeper", &json!({})).await {
                    return error;
                }
                tokio::time::sleep(SWEEP_EVERY).await;
            }
        };
        tokio::select! {
            done = done => done,
            error = sweeping => Err(error),
        }
    }

    /// Makes every intent of the order that waits for its due time due now, as an operator could.
    async fn put_due_times_forward(&self) -> Result<()> {
        let table = self.stack.output("TableName")?;
        let query = json!({
            "TableName": table,
            "IndexName": "by-order",
            "KeyConditionExpression": "order_pk = :order",
            "ExpressionAttributeValues": { ":order": { "S": format!("ORDER#{}", self.id) } },
        });
        let items = self.stack.aws_json("dynamodb", "DynamoDB_20120810.Query", &query).await?;
        let items = items["Items"].as_array().into_iter().flatten();
        for intent in items.filter(|item| item["phase"]["S"] == "READY") {
            let update = json!({
                "TableName": table,
                "Key": { "pk": intent["pk"], "sk": intent["sk"] },
                "UpdateExpression": "SET due = :now",
                "ConditionExpression": "phase = :ready",
                "ExpressionAttributeValues": {
                    ":now": { "N": time::UtcDateTime::now().unix_timestamp().saturating_mul(1000).to_string() },
                    ":ready": { "S": "READY" },
                },
            });
            self.stack.aws_json("dynamodb", "DynamoDB_20120810.UpdateItem", &update).await?;
        }
        Ok(())
    }

    /// The bank wants to see the shopper, and the shopper passes.
    pub(super) async fn is_authenticated(&self) -> Result<Value> {
        let back = "https://shop.example/return";
        let card = json!({ "payment_method": SECURED_CARD, "confirm": true, "return_url": back });
        let created = self.create(&card).await?;
        expect(&created, StatusCode::CREATED, "POST /payments with a card that wants 3-D Secure")?;
        let status = created.json()["status"].clone();
        ensure!(status == "requires_action", "the payment is {status}, not requires_action");
        ensure!(created.json()["next_action"].is_object(), "the payment does not say what to do next");
        for payment in self.payment_intents().await? {
            let id = payment["id"].as_str().context("a payment intent without an id")?;
            self.stack.sandbox().shopper_authenticates(id).await?;
        }
        self.until_confirmed_by_mail(DONE_WITHIN).await
    }

    /// The payment intents that Stripe has for this order.
    async fn payment_intents(&self) -> Result<Vec<Value>> {
        let state = self.stack.sandbox().admin(Method::GET, "state", None).await?;
        let intents = state["stripe"]["payment_intents"].as_array().context("the sandbox shows no payment intents")?;
        Ok(intents.iter().filter(|intent| intent["metadata"]["crossdock_order"] == self.id.as_str()).cloned().collect())
    }
}
