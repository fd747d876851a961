//! An order as it stands: its payment, refunds, messages, shipments and timeline, read side by side.

use futures_util::future::try_join;
use serde_json::{Value, json};

use super::WorkList;
use super::intent::order_partition;
use super::message::Message;
use super::payment::Payment;
use super::refund::Refund;
use super::shipment::Shipment;
use crate::aws::Item;
use crate::aws::table::{Index, QUERY_LIMIT};
use crate::domain::OrderId;
use crate::domain::timeline::TimelineEntry;
use crate::error::Result;

impl WorkList {
    /// The order as the API shows it; `None` when nothing is known of it. No address and no client secret.
    pub async fn order(&self, order: &OrderId) -> Result<Option<Value>> {
        let partition = order_partition(order);
        let objects = self.table.query_index(Index::ByOrder, &partition, QUERY_LIMIT);
        let (objects, rows) = try_join(objects, self.table.query(&partition, "T#")).await?;
        let timeline = rows.iter().map(Item::parse::<TimelineEntry>).collect::<Result<Vec<_>>>()?;
        let mut payments: Vec<Payment> = Vec::new();
        let mut refunds: Vec<Refund> = Vec::new();
        let mut messages: Vec<Message> = Vec::new();
        let mut shipments: Vec<Shipment> = Vec::new();
        for object in &objects {
            match object.text("type") {
                Some("payment") => payments.push(object.parse()?),
                Some("refund") => refunds.push(object.parse()?),
                Some("message") => messages.push(object.parse()?),
                Some("shipment") => shipments.push(object.parse()?),
                _ => {}
            }
        }
        if timeline.is_empty() && payments.is_empty() {
            return Ok(None);
        }
        let mut body = json!({
            "order_id": order,
            "refunds": refunds.iter().map(Refund::view).collect::<Vec<_>>(),
            "messages": messages.iter().map(Message::view).collect::<Vec<_>>(),
            "shipments": shipments.iter().map(Shipment::view).collect::<Vec<_>>(),
            "timeline": timeline.iter().map(TimelineEntry::view).collect::<Vec<_>>(),
        });
        if let Some(payment) = payments.iter().max_by_key(|payment| payment.ordinal) {
            body["payment"] = payment.view(false);
        }
        Ok(Some(body))
    }
}
