//! An order as it stands: its payment, its messages and its timeline.

use crossdock::aws::Item;
use crossdock::aws::table::{Index, QUERY_LIMIT};
use crossdock::domain::OrderId;
use crossdock::domain::timeline::TimelineEntry;
use crossdock::effects::WorkList;
use crossdock::effects::intent::order_partition;
use crossdock::effects::message::Message;
use crossdock::effects::payment::Payment;
use crossdock::effects::refund::Refund;
use crossdock::error::{Error, Result};
use crossdock::lambda::http::Answer;
use futures_util::future::try_join;
use serde_json::json;

/// `GET /orders/{order_id}`: the objects and the timeline, read side by side.
pub(crate) async fn order(list: &WorkList, id: &str) -> Result<Answer> {
    let not_found = || Error::rejected(404, "order_not_found", "There is no such order.");
    let order = OrderId::parse(id).ok_or_else(not_found)?;
    let partition = order_partition(&order);
    let objects = list.table().query_index(Index::ByOrder, &partition, QUERY_LIMIT);
    let (objects, rows) = try_join(objects, list.table().query(&partition, "T#")).await?;
    let timeline = rows.iter().map(Item::parse::<TimelineEntry>).collect::<Result<Vec<_>>>()?;
    let mut payments: Vec<Payment> = Vec::new();
    let mut refunds: Vec<Refund> = Vec::new();
    let mut messages: Vec<Message> = Vec::new();
    for object in &objects {
        match object.text("type") {
            Some("payment") => payments.push(object.parse()?),
            Some("refund") => refunds.push(object.parse()?),
            Some("message") => messages.push(object.parse()?),
            _ => {}
        }
    }
    if timeline.is_empty() && payments.is_empty() {
        return Err(not_found());
    }
    let mut body = json!({
        "order_id": order,
        "refunds": refunds.iter().map(Refund::view).collect::<Vec<_>>(),
        "messages": messages.iter().map(Message::view).collect::<Vec<_>>(),
        "shipments": [],
        "timeline": timeline.iter().map(TimelineEntry::view).collect::<Vec<_>>(),
    });
    if let Some(payment) = payments.iter().max_by_key(|payment| payment.ordinal) {
        body["payment"] = payment.view(false);
    }
    Ok(Answer::new(200, body))
}
