//! Four orders that happen before your eyes: paid, declined and then paid, submitted twice, and paid after Stripe was
//! down. Each promise is checked; one that does not come true ends the demonstration with an error.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::aws::Answer;
use crate::progress::Progress;
use crate::stack::{Options, Stack};
use crate::timeline::{self, Style};

/// How long an order may take to be paid and its mail to be delivered: a cold start of every function on the way.
const DONE_WITHIN: Duration = Duration::from_secs(30);
/// How often an order is looked at while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the sweeper is called while a deferred payment waits. By itself it runs every minute.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// Stripe's test payment methods.
const GOOD_CARD: &str = "pm_card_visa";
const EMPTY_CARD: &str = "pm_card_visa_chargeDeclinedInsufficientFunds";

/// Starts a stack, lets the four orders happen, shows their timelines and ends the stack.
pub async fn run(options: Options, style: Style) -> Result<()> {
    let begun = Instant::now();
    let progress = options.progress.clone();
    let stack = Stack::up(options).await?;
    let orders = orders(&stack, &progress, style).await;
    if orders.is_err() {
        stack.save_logs().await;
        progress.line(format_args!("\nThe logs of every part are in {}", stack.logs().display()));
    }
    progress.step("End everything", async { stack.down() }).await?;
    orders?;
    progress.line(format_args!("\nDone in {:.0} s; nothing is left running.", begun.elapsed().as_secs_f64()));
    Ok(())
}

async fn orders(stack: &Stack, progress: &Progress, style: Style) -> Result<()> {
    // Each run has its own ids, so that a person can tell the runs in the logs apart.
    let run = std::process::id();
    progress.line("");
    let mut drawings = vec![];
    for (title, story) in [
        ("Order 1: paid", Story::Paid),
        ("Order 2: declined, then paid with another card", Story::DeclinedThenPaid),
        ("Order 3: submitted three times, charged once", Story::SubmittedTwice),
        ("Order 4: Stripe down, deferred, then paid (*)", Story::Deferred),
    ] {
        let order = Order { stack, id: format!("demo-{run}-{}", story as u8) };
        let done = progress.step(title, order.tell(story)).await?;
        drawings.push(format!("\n{title}\n{}", timeline::draw(&done, style).trim_end()));
    }
    for drawing in drawings {
        progress.line(drawing);
    }
    progress.line("\n(*) The next try was due within a minute; the demonstration put it forward.");
    Ok(())
}

/// What happens to an order.
#[derive(Clone, Copy)]
enum Story {
    Paid = 1,
    DeclinedThenPaid = 2,
    SubmittedTwice = 3,
    Deferred = 4,
}

/// One order of the storefront.
struct Order<'a> {
    stack: &'a Stack,
    id: String,
}

impl Order<'_> {
    /// Lets the story happen and gives the order as it is at its end.
    async fn tell(&self, story: Story) -> Result<Value> {
        match story {
            Story::Paid => self.is_paid().await,
            Story::DeclinedThenPaid => self.is_declined_then_paid().await,
            Story::SubmittedTwice => self.is_submitted_three_times().await,
            Story::Deferred => self.is_deferred().await,
        }
    }

    /// The storefront creates the payment; the shopper's browser pays at Stripe.
    async fn is_paid(&self) -> Result<Value> {
        let created = self.create(&json!({})).await?;
        expect(&created, StatusCode::CREATED, "POST /payments")?;
        let created = created.json();
        let secret = created["client_secret"].as_str().context("the payment has no client_secret")?;
        self.stack.sandbox().shopper_pays(secret, GOOD_CARD).await?;
        self.until_confirmed_by_mail(DONE_WITHIN).await
    }

    /// The first card has no money on it, the second one has.
    async fn is_declined_then_paid(&self) -> Result<Value> {
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
    async fn is_submitted_three_times(&self) -> Result<Value> {
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
        let payment_intents = self.payment_intents().await?;
        ensure!(payment_intents == 1, "Stripe has {payment_intents} payment intents for the order, not one");
        Ok(done)
    }

    /// Stripe answers 503 to everything; the payment is taken in, and made when Stripe is back. Its next try is due at
    /// a random time within a minute; so that nobody has to wait for it, the demonstration puts it forward.
    async fn is_deferred(&self) -> Result<Value> {
        self.stack.sandbox().outage("stripe").await?;
        let deferred = self.create(&json!({ "payment_method": GOOD_CARD, "confirm": true })).await;
        self.stack.sandbox().heal().await?;
        let deferred = deferred?;
        expect(&deferred, StatusCode::ACCEPTED, "POST /payments while Stripe is down")?;
        let status = deferred.json()["status"].clone();
        ensure!(status == "deferred", "the payment is {status}, not deferred");
        self.put_due_times_forward().await?;
        let sweeping = async {
            loop {
                if let Err(error) = self.stack.invoke("sweeper", &json!({})).await {
                    return error;
                }
                tokio::time::sleep(SWEEP_EVERY).await;
            }
        };
        tokio::select! {
            done = self.until_confirmed_by_mail(DONE_WITHIN) => done,
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

    async fn create(&self, more: &Value) -> Result<Answer> {
        let mut body = json!({
            "order_id": self.id,
            "amount": { "value": 1099, "currency": "EUR" },
            "customer": { "id": "c-ada", "email": "ada@shopper.example", "name": "Ada Example" },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let key = [("idempotency-key", self.id.as_str())];
        self.stack.call(Method::POST, "/payments", &key, Some(&body)).await
    }

    /// Waits until the payment has succeeded and the confirmation mail is delivered.
    async fn until_confirmed_by_mail(&self, within: Duration) -> Result<Value> {
        let since = Instant::now();
        loop {
            let order = self.stack.order(&self.id).await?.unwrap_or_default();
            let paid = order["payment"]["status"] == "succeeded";
            let mails = order["messages"].as_array().into_iter().flatten();
            let delivered = mails.filter(|mail| mail["status"] == "delivered").count();
            if paid && delivered > 0 {
                ensure!(delivered == 1, "{delivered} mails were delivered, not one");
                return Ok(order);
            }
            ensure!(
                since.elapsed() < within,
                "order {} is not paid and confirmed by mail after {} s. It stands like this:\n\n{}",
                self.id,
                within.as_secs(),
                timeline::draw(&order, Style::Plain),
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How many payment intents Stripe has for this order.
    async fn payment_intents(&self) -> Result<usize> {
        let state = self.stack.sandbox().admin(Method::GET, "state", None).await?;
        let intents = state["stripe"]["payment_intents"].as_array().context("the sandbox shows no payment intents")?;
        Ok(intents.iter().filter(|intent| intent["metadata"]["crossdock_order"] == self.id.as_str()).count())
    }
}

fn expect(answer: &Answer, status: StatusCode, call: &str) -> Result<()> {
    let body = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == status, "{call} was answered {}, not {status}: {body}", answer.status);
    Ok(())
}
