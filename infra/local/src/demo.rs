//! Orders that happen before your eyes: paid, declined, submitted twice, deferred, authenticated, refunded, charged to a
//! saved card, written to, shipped. Each promise is checked; one that does not come true ends the demonstration with an error.

mod afterwards;
mod paying;
mod shipping;
mod writing;

use std::time::Duration;

use anyhow::{Result, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use timeline::Style;
use tokio::time::Instant;

use crate::aws::Answer;
use crate::progress::Progress;
use crate::stack::{Options, Stack};

/// How long an order may take to be paid and its mail to be delivered: a cold start of every function on the way, which
/// takes 3 s, and ten times that where others compile.
const DONE_WITHIN: Duration = Duration::from_mins(5);
/// How often an order is looked at while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the sweeper is called while a deferred payment waits. By itself it runs every minute.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// Stripe's test payment methods.
const GOOD_CARD: &str = "pm_card_visa";
const EMPTY_CARD: &str = "pm_card_visa_chargeDeclinedInsufficientFunds";
const SECURED_CARD: &str = "pm_card_threeDSecure2Required";
/// Who buys.
const CUSTOMER: &str = "c-ada";

/// Starts a stack, lets the orders happen, shows their timelines and ends the stack.
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
        ("Order 5: paid with 3-D Secure", Story::Authenticated),
        ("Order 6: paid and refunded", Story::Refunded),
        ("Order 7: paid and partly refunded", Story::PartlyRefunded),
        ("Order 8: charged to a saved card, nobody there", Story::OffSession),
        ("Order 9: confirmed by a mail that is opened", Story::Read),
        ("Order 10: an SMS that does not arrive becomes a mail", Story::ToldByMail),
        ("Order 11: STOP holds back a promotion", Story::Stopped),
        ("Order 12: quoted by three carriers, shipped, delivered", Story::Shipped),
        ("Order 13: the answer to a label is lost, and it is bought once", Story::LabelFound),
    ] {
        let order = Order { stack, id: format!("demo-{run}-{}", story as u8) };
        let done = progress.step(title, order.tell(story)).await?;
        let quotes = shipping::quotes(&done);
        drawings.push(format!("\n{title}\n{quotes}{}", timeline::draw(&done, style).trim_end()));
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
    Authenticated = 5,
    Refunded = 6,
    PartlyRefunded = 7,
    OffSession = 8,
    Read = 9,
    ToldByMail = 10,
    Stopped = 11,
    Shipped = 12,
    LabelFound = 13,
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
            Story::Authenticated => self.is_authenticated().await,
            Story::Refunded => self.is_refunded().await,
            Story::PartlyRefunded => self.is_partly_refunded().await,
            Story::OffSession => self.is_charged_off_session().await,
            Story::Read => self.is_read().await,
            Story::ToldByMail => self.is_told_by_mail_instead().await,
            Story::Stopped => self.is_stopped().await,
            Story::Shipped => self.is_shipped().await,
            Story::LabelFound => self.is_labelled_once().await,
        }
    }

    async fn create(&self, more: &Value) -> Result<Answer> {
        let mut body = json!({
            "order_id": self.id,
            "amount": { "value": 1099, "currency": "EUR" },
            "customer": { "id": CUSTOMER, "email": "ada@shopper.example", "name": "Ada Example" },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let key = [("idempotency-key", self.id.as_str())];
        self.stack.call(Method::POST, "/payments", &key, Some(&body)).await
    }

    /// Waits until the payment has succeeded and the confirmation mail is delivered.
    async fn until_confirmed_by_mail(&self, within: Duration) -> Result<Value> {
        self.until("paid and confirmed by mail", within, |order| {
            let mails = order["messages"].as_array().into_iter().flatten();
            let delivered = mails.filter(|mail| mail["status"] == "delivered").count();
            order["payment"]["status"] == "succeeded" && delivered == 1
        })
        .await
    }

    /// Looks at the order until it is as it should be.
    async fn until(&self, what: &str, within: Duration, done: impl Fn(&Value) -> bool) -> Result<Value> {
        let since = Instant::now();
        loop {
            let order = self.stack.order(&self.id).await?.unwrap_or_default();
            if done(&order) {
                return Ok(order);
            }
            ensure!(
                since.elapsed() < within,
                "order {} is not {what} after {} s. It stands like this:\n\n{}",
                self.id,
                within.as_secs(),
                timeline::draw(&order, Style::Plain),
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn expect(answer: &Answer, status: StatusCode, call: &str) -> Result<()> {
    let body = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == status, "{call} was answered {}, not {status}: {body}", answer.status);
    Ok(())
}
