//! An order as it stands: its payment, its messages and its timeline.

use crossdock::domain::OrderId;
use crossdock::effects::WorkList;
use crossdock::error::{Error, Result};
use crossdock::lambda::http::Answer;

/// `GET /orders/{order_id}`
pub(crate) async fn order(list: &WorkList, id: &str) -> Result<Answer> {
    let not_found = || Error::rejected(404, "order_not_found", "There is no such order.");
    let order = OrderId::parse(id).ok_or_else(not_found)?;
    Ok(Answer::new(200, list.order(&order).await?.ok_or_else(not_found)?))
}
