//! An order as it stands: its payment, refunds, messages and shipments, all of them, and a page of its timeline, read side
//! by side.
//!
//! Anybody can open a mail five hundred times, and each time is a row. Rows that say the same of a message are folded into
//! the first of them, with how often and when last, so that they hide nothing.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join;
use serde_json::{Value, json};

use crate::aws::Item;
use crate::aws::table::Index;
use crate::domain::OrderId;
use crate::domain::payment::PaymentStatus;
use crate::domain::timeline::TimelineEntry;
use crate::effects::list::WorkList;
use crate::effects::list::intent::order_partition;
use crate::effects::subject::message::Message;
use crate::effects::subject::payment::Payment;
use crate::effects::subject::refund::Refund;
use crate::effects::subject::shipment::Shipment;
use crate::error::{Error, Result};

/// How the sort key of every row of a timeline begins.
const ROW: &str = "T#";

/// Which part of a timeline is asked for.
#[derive(Clone, Debug)]
pub struct TimelinePage {
    /// Entries at most.
    pub limit: usize,
    /// What comes after this.
    pub after: Option<Cursor>,
}

/// A place in a timeline: two sort keys of rows, which need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Rows up to this one are not read again.
    read_from: Option<String>,
    /// The first row of the last entry that was shown; none when all that begins before `read_from` was.
    shown: Option<String>,
}

impl Cursor {
    /// Reads a cursor that this list gave.
    ///
    /// # Errors
    /// 400 `invalid_input` naming `cursor`.
    pub fn parse(text: &str) -> Result<Self> {
        let none = || Error::invalid_field("cursor", "is none that this list gave");
        let text = URL_SAFE_NO_PAD.decode(text).map_err(|_| none())?;
        let text = String::from_utf8(text).map_err(|_| none())?;
        let (read_from, shown) = text.split_once('|').ok_or_else(none)?;
        let row = |sk: &str| match sk {
            "" => Ok(None),
            sk if sk.starts_with(ROW) && sk.len() <= ROW_KEY_MAX_BYTES => Ok(Some(sk.to_owned())),
            _ => Err(none()),
        };
        Ok(Self { read_from: row(read_from)?, shown: row(shown)? })
    }

    fn text(&self) -> String {
        let part = |sk: &Option<String>| sk.clone().unwrap_or_default();
        URL_SAFE_NO_PAD.encode(format!("{}|{}", part(&self.read_from), part(&self.shown)))
    }
}

/// Longest sort key of a row, in bytes: a time of 13 digits and a hash of 26 characters have 43.
const ROW_KEY_MAX_BYTES: usize = 64;

/// Rows that say the same, as one.
struct Folded {
    sk: String,
    first: TimelineEntry,
    last: Option<TimelineEntry>,
    times: usize,
}

impl WorkList {
    /// The order as the API shows it; `None` when nothing is known of it. No address and no client secret.
    pub async fn order(&self, order: &OrderId, page: &TimelinePage) -> Result<Option<Value>> {
        let partition = order_partition(order);
        let read_from = page.after.as_ref().and_then(|after| after.read_from.as_deref());
        let objects = self.table.query_index_pages(Index::ByOrder, &partition);
        let rows = self.table.query_pages(&partition, ROW, read_from);
        let ((objects, are_cut), (rows, is_cut)) = try_join(Box::pin(objects), Box::pin(rows)).await?;
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
        // Behind the last row there is none, of an order that is known by its objects.
        let is_known = page.after.is_some() && !objects.is_empty();
        if rows.is_empty() && payments.is_empty() && !is_known {
            return Ok(None);
        }
        let (timeline, next) = entries(&rows, is_cut, page)?;
        let mut body = json!({
            "order_id": order,
            "refunds": refunds.iter().map(Refund::view).collect::<Vec<_>>(),
            "messages": messages.iter().map(Message::view).collect::<Vec<_>>(),
            "shipments": shipments.iter().map(Shipment::view).collect::<Vec<_>>(),
            "timeline": timeline,
        });
        // The one that paid it counts, also where another was begun after we had taken it for over.
        let counts = |payment: &&Payment| (payment.status == PaymentStatus::Succeeded, payment.ordinal);
        if let Some(payment) = payments.iter().max_by_key(counts) {
            body["payment"] = payment.view(false);
        }
        if let Some(next) = next {
            body["next_cursor"] = json!(next.text());
        }
        if are_cut {
            body["incomplete"] = json!(true);
        }
        Ok(Some(body))
    }
}

/// A page of entries, and where the next one begins.
fn entries(rows: &[Item], is_cut: bool, page: &TimelinePage) -> Result<(Vec<Value>, Option<Cursor>)> {
    let shown = page.after.as_ref().and_then(|after| after.shown.as_deref());
    // By place, not by name: a row that was written since may be the first of the entry that was the last one shown.
    let mut folded = fold(rows)?.into_iter().skip_while(|entry| shown.is_some_and(|shown| entry.sk.as_str() <= shown));
    let mut shown: Vec<Folded> = folded.by_ref().take(page.limit).collect();
    let has_more = folded.next().is_some();
    let read_from = page.after.as_ref().and_then(|after| after.read_from.clone());
    let next = match shown.last() {
        Some(last) if has_more => Some(Cursor { read_from, shown: Some(last.sk.clone()) }),
        // Whoever reads on folds anew: ten thousand rows are read at a time.
        _ if is_cut => {
            let last = rows.last().and_then(|row| row.text("sk"));
            Some(Cursor { read_from: last.map(str::to_owned), shown: None })
        }
        _ => None,
    };
    Ok((shown.drain(..).map(|entry| entry.view()).collect(), next))
}

fn fold(rows: &[Item]) -> Result<Vec<Folded>> {
    let mut folded: Vec<Folded> = Vec::new();
    let mut places: HashMap<(String, String, Option<String>, String), usize> = HashMap::new();
    for row in rows {
        let entry: TimelineEntry = row.parse()?;
        let sk = row.text("sk").unwrap_or_default().to_owned();
        // A payment's and a parcel's rows are its history, each in its place. Of a message only its recipient makes many.
        if !entry.object.starts_with("msg_") {
            folded.push(Folded { sk, first: entry, last: None, times: 1 });
            continue;
        }
        let says = (entry.event.clone(), entry.object.clone(), entry.detail.clone(), entry.source.clone());
        if let Some(before) = places.get(&says).and_then(|place| folded.get_mut(*place)) {
            before.times += 1;
            before.last = Some(entry);
        } else {
            places.insert(says, folded.len());
            folded.push(Folded { sk, first: entry, last: None, times: 1 });
        }
    }
    Ok(folded)
}

impl Folded {
    fn view(&self) -> Value {
        let mut view = json!(self.first.view());
        if let Some(last) = &self.last {
            view["times"] = json!(self.times);
            view["last_at"] = json!(last.at.to_rfc3339());
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_again_as_it_was_and_nothing_else_is_one() {
        let row = || Some("T#0001714265330000#0ABC".to_owned());
        for cursor in [
            Cursor { read_from: None, shown: row() },
            Cursor { read_from: row(), shown: None },
            Cursor { read_from: row(), shown: row() },
        ] {
            assert_eq!(Cursor::parse(&cursor.text()).expect("a cursor"), cursor);
        }
        let long = format!("|T#{}", "0".repeat(100));
        for text in ["", "no", "T#1", "|PAYMENT#1", &long] {
            assert!(Cursor::parse(&URL_SAFE_NO_PAD.encode(text)).is_err(), "{text}");
        }
        assert!(Cursor::parse("!").is_err());
    }
}
