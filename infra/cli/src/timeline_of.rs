//! `crossdock timeline <order>`

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};
use crossdock::domain::OrderId;
use crossdock::effects::order::TimelinePage;
use timeline::Style;

use crate::stack::Stack;

/// Draws the order's timeline.
pub(crate) async fn run(stack: &Stack, order: &str) -> Result<()> {
    let id = OrderId::parse(order).context("An order id has 1 to 64 characters of A-Z a-z 0-9 . _ : ~ -")?;
    // All of it, as far as one reading goes; what is drawn says when there is more.
    let found = stack.list()?.order(&id, &TimelinePage { limit: usize::MAX, after: None }).await?;
    let found = found.with_context(|| format!("There is no order {order}."))?;
    let style = if std::io::stdout().is_terminal() { Style::Coloured } else { Style::Plain };
    println!("{}", timeline::draw(&found, style));
    Ok(())
}
