//! An order as it stands: its payment, refunds, messages and shipments, and its timeline by pages.

use crossdock::domain::OrderId;
use crossdock::effects::WorkList;
use crossdock::effects::order::{Cursor, TimelinePage};
use crossdock::error::{Error, Result};
use crossdock::lambda::http::{Answer, ApiRequest};

use crate::customers::limit;

/// Entries of a timeline on a page, unless the caller says otherwise: more than most orders have.
const LIMIT_DEFAULT: u8 = 100;

/// `GET /orders/{order_id}`
pub(crate) async fn order(list: &WorkList, request: &ApiRequest, id: &str) -> Result<Answer> {
    let not_found = || Error::rejected(404, "order_not_found", "There is no such order.");
    let asked = |name: &str| request.query.get(name).map(String::as_str);
    let limit = usize::from(limit(asked("limit"), LIMIT_DEFAULT)?);
    let page = TimelinePage { limit, after: asked("cursor").map(Cursor::parse).transpose()? };
    let order = OrderId::parse(id).ok_or_else(not_found)?;
    Ok(Answer::new(200, list.order(&order, &page).await?.ok_or_else(not_found)?))
}
