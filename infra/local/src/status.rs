//! What runs, and how to call it.

use anyhow::Result;

use crate::aws::{ACCESS_KEY, REGION, SECRET_KEY};
use crate::stack::Stack;

/// The queues whose depth is shown, by the name that their outputs begin with.
const QUEUES: [&str; 8] =
    ["InboundEvents", "InboundWork", "Payments", "Email", "EmailBulk", "Sms", "SmsBulk", "DomainEvents"];

/// The state of each part, a line each.
pub async fn describe(stack: &Stack) -> Result<String> {
    let mut lines = vec![];
    let health = stack.health().await;
    let works = |works: bool| if works { "✓" } else { "✗" };
    let api = health.as_ref().is_ok_and(|answer| answer.status.is_success());
    lines.push(format!("{} REST API            {}", works(api), stack.api_url()?));
    let sandbox = stack.sandbox().admin(http::Method::GET, "state", None).await;
    lines.push(format!("{} simulated Stripe    {}", works(sandbox.is_ok()), stack.sandbox().vendor_base("stripe")));
    lines.push(format!("{} simulated SendGrid  {}", works(sandbox.is_ok()), stack.sandbox().vendor_base("sendgrid")));
    for queue in QUEUES {
        let depth = stack.queue(&format!("{queue}QueueUrl")).await?;
        let dead = stack.queue(&format!("{queue}DlqUrl")).await?;
        lines.push(format!(
            "{} queue {queue:<13} {} waiting, {} in work, {} delayed, {} in the dead-letter queue",
            works(dead.visible == 0),
            depth.visible,
            depth.in_flight,
            depth.delayed,
            dead.visible,
        ));
    }
    lines.push(format!("  logs                {}", stack.logs().display()));
    Ok(lines.join("\n"))
}

/// URLs, and calls that can be pasted into a shell.
pub fn how_to_call(stack: &Stack) -> Result<String> {
    let api = stack.api_url()?;
    let signed = format!("curl -s --aws-sigv4 aws:amz:{REGION}:execute-api --user {ACCESS_KEY}:{SECRET_KEY}");
    let sandbox = stack.sandbox().vendor_base("_sandbox");
    let (webhook, stripe_host) = stack.webhook_url("Stripe")?;
    let (_, sendgrid_host) = stack.webhook_url("SendGrid")?;
    let order = r#"{"order_id":"o-1","amount":{"value":1099,"currency":"EUR"},"customer":{"id":"c-1","email":"ada@shopper.example"}}"#;
    Ok(format!(
        "\
REST API          {api}
Stripe webhook    {webhook}  (Host: {stripe_host})
SendGrid webhook  {webhook}  (Host: {sendgrid_host})

Is it there?
  curl -s {api}/health
Create a payment (the answer has a client_secret):
  {signed} {api}/payments -H 'content-type: application/json' -d '{order}'
Pay it, as the shopper's browser does at Stripe:
  curl -s {sandbox}/shopper/confirm -H 'content-type: application/json' \
-d '{{\"client_secret\":\"PASTE_IT_HERE\",\"payment_method\":\"pm_card_visa\"}}'
Look at the order:
  {signed} {api}/orders/o-1
  cargo local timeline o-1
End everything:
  cargo local down"
    ))
}
