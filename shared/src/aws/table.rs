//! The one table: reads and single conditional writes. Transactions are in transact.rs.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde::Serialize;

use super::client::{Clients, failure};
use super::expression::Write;
use super::item::{Item, Key, attribute};
use crate::error::{Error, Result};
use crate::world::World;

/// Rows that one query page returns at most: what an order's timeline can hold without being cut.
pub const QUERY_LIMIT: i32 = 500;

/// Whether these rows may be only the first: a page of them was full.
pub fn there_may_be_more(rows: &[Item]) -> bool {
    usize::try_from(QUERY_LIMIT).is_ok_and(|limit| rows.len() >= limit)
}

/// Pages that one search reads at most: 16 shards × 20 pages × 500 rows are a backlog of 160,000.
const PAGES_MAX: u32 = 20;

/// Reads of unprocessed keys in one batch read, before it counts as throttled.
const BATCH_READ_ROUNDS_MAX: u8 = 5;
/// Longest wait before keys are asked for that were left unprocessed; doubles each time, with full jitter. Asked at once
/// they would be refused again (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
const BATCH_READ_BACKOFF: Duration = Duration::from_millis(50);

/// The indexes of template.yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// `ORDER#<order>` / `<created_at>#<id>`
    ByOrder,
    /// `DUE#<shard>` / `<due>`; sparse: intents that are not final.
    ByDue,
}

impl Index {
    const fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ByOrder => ("by-order", "order_pk", "order_sk"),
            Self::ByDue => ("by-due", "due_pk", "due"),
        }
    }
}

/// The result of a conditional write.
#[derive(Debug)]
pub enum Written {
    /// Written; the item as it is now.
    Done(Item),
    /// The condition did not hold; the item as it is (`None`: there is none).
    Lost(Option<Item>),
}

/// The table.
#[derive(Clone)]
pub struct Table {
    pub(super) client: aws_sdk_dynamodb::Client,
    pub(super) name: String,
    pub(super) world: World,
}

impl Table {
    /// The table of that name.
    pub fn new(clients: &Clients, name: String, world: World) -> Self {
        Self { client: clients.dynamodb(), name, world }
    }

    /// Reads one item, consistently.
    pub async fn get(&self, key: &Key) -> Result<Option<Item>> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| failure("GetItem", e))?;
        Ok(answer.item.map(Item))
    }

    /// Reads up to 100 items in one call, consistently. Missing ones are `None`, in the order of `keys`.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>> {
        let mut found: HashMap<Key, Item> = HashMap::new();
        let mut wanted: Vec<HashMap<String, AttributeValue>> = keys.iter().map(Key::attributes).collect();
        let mut backoff = BATCH_READ_BACKOFF;
        for round in 1..=BATCH_READ_ROUNDS_MAX {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .map_err(|e| Error::bug("batch_read", "it cannot be built").caused_by(e))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .send()
                .await
                .map_err(|e| failure("BatchGetItem", e))?;
            for attributes in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                let item = Item(attributes);
                found.insert(item.key(), item);
            }
            wanted = answer
                .unprocessed_keys
                .and_then(|mut unprocessed| unprocessed.remove(&self.name))
                .map(|rest| rest.keys)
                .unwrap_or_default();
            if wanted.is_empty() {
                return Ok(keys.iter().map(|key| found.remove(key)).collect());
            }
            if round < BATCH_READ_ROUNDS_MAX {
                self.world.clock.sleep(backoff.mul_f64(self.world.fraction())).await;
                backoff *= 2;
            }
        }
        Err(Error::transient("aws_unavailable", "BatchGetItem left keys unprocessed"))
    }

    /// Reads a partition, consistently, in sort order: items whose sort key starts with `prefix`.
    pub async fn query(&self, pk: &str, prefix: &str) -> Result<Vec<Item>> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .consistent_read(true)
            .limit(QUERY_LIMIT)
            .send()
            .await
            .map_err(|e| failure("Query", e))?;
        Ok(answer.items.unwrap_or_default().into_iter().map(Item).collect())
    }

    /// Reads an index partition in sort order (eventually consistent, as indexes are).
    pub async fn query_index(&self, index: Index, pk: &str, limit: i32) -> Result<Vec<Item>> {
        let (name, pk_name, _) = index.parts();
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(name)
            .key_condition_expression(format!("{pk_name} = :pk"))
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .limit(limit)
            .send()
            .await
            .map_err(|e| failure("Query", e))?;
        Ok(answer.items.unwrap_or_default().into_iter().map(Item).collect())
    }

    /// Reads a partition page by page, consistently, in sort order: items whose sort key starts with `prefix` and comes
    /// after `after`. And whether there are more than it reads.
    pub async fn query_pages(&self, pk: &str, prefix: &str, after: Option<&str>) -> Result<(Vec<Item>, bool)> {
        let query = self
            .client
            .query()
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .consistent_read(true);
        self.pages(query, after.map(|sk| Key::new(pk, sk).attributes())).await
    }

    /// Reads an index partition page by page, in sort order; and whether there are more than it reads.
    pub async fn query_index_pages(&self, index: Index, pk: &str) -> Result<(Vec<Item>, bool)> {
        let (name, pk_name, _) = index.parts();
        let query = self
            .client
            .query()
            .index_name(name)
            .key_condition_expression(format!("{pk_name} = :pk"))
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        self.pages(query, None).await
    }

    /// Pages of a query from a place on, as many as are read at once; and whether there are more.
    async fn pages(
        &self,
        query: QueryFluentBuilder,
        mut next: Option<HashMap<String, AttributeValue>>,
    ) -> Result<(Vec<Item>, bool)> {
        let mut rows = Vec::new();
        for _ in 0..PAGES_MAX {
            let page = query.clone().table_name(&self.name).set_exclusive_start_key(next).limit(QUERY_LIMIT);
            let answer = page.send().await.map_err(|e| failure("Query", e))?;
            rows.extend(answer.items.unwrap_or_default().into_iter().map(Item));
            next = answer.last_evaluated_key;
            if next.is_none() {
                break;
            }
        }
        Ok((rows, next.is_some()))
    }

    /// The same, only rows whose sort key is at most `until`, read page by page until `enough` of them are `wanted`. What
    /// `read` leaves out is left out.
    pub async fn find_in_index<T: Serialize + Sync, R>(
        &self,
        index: Index,
        pk: &str,
        until: &T,
        enough: usize,
        read: impl Fn(&Item) -> Option<R>,
        mut wanted: impl FnMut(&R) -> bool,
    ) -> Result<Vec<R>> {
        let (name, pk_name, sk_name) = index.parts();
        let (mut rows, mut next, mut found) = (Vec::new(), None, 0);
        for _ in 0..PAGES_MAX {
            let answer = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(name)
                .key_condition_expression(format!("{pk_name} = :pk AND {sk_name} <= :until"))
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .expression_attribute_values(":until", attribute(until)?)
                .set_exclusive_start_key(next)
                .limit(QUERY_LIMIT)
                .send()
                .await
                .map_err(|e| failure("Query", e))?;
            for row in answer.items.unwrap_or_default().into_iter().filter_map(|item| read(&Item(item))) {
                found += usize::from(wanted(&row));
                rows.push(row);
            }
            next = answer.last_evaluated_key;
            if found >= enough || next.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// One conditional update, answering with the item as it is afterwards or, when the condition did not hold, as
    /// it is instead.
    pub async fn update(&self, write: Write) -> Result<Written> {
        let parts = write.parts();
        let result = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(parts.key))
            .set_update_expression(parts.update)
            .set_condition_expression(parts.condition)
            .set_expression_attribute_names(parts.names)
            .set_expression_attribute_values(parts.values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(answer) => Ok(Written::Done(Item(answer.attributes.unwrap_or_default()))),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                match error.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(lost) => Ok(Written::Lost(lost.item.map(Item))),
                    _ => Err(Error::bug("aws_request_invalid", "UpdateItem")),
                }
            }
            Err(error) => Err(failure("UpdateItem", error)),
        }
    }
}
