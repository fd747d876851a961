//! Transactions: all writes or none. For each failed condition, the item that was there.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

use super::client::failure;
use super::expression::Write;
use super::item::{Item, Key};
use super::table::Table;
use crate::domain::id::ulid;
use crate::error::{Error, Result};

/// The most items in one transaction. DynamoDB allows 100. Each item costs twice a plain write and makes conflicts more
/// likely, so more than this is a design error. The most are in the one that gives a shipment of twenty parcels its
/// numbers: one each, and some ten for what follows. Next comes the one that finds an order paid and calls off what was begun
/// since: ten or eleven of the charge, and six of each open payment, of which there is one.
pub const WRITES_MAX: usize = 32;

/// Tries of a transaction that conflicts with another one on the same item.
const CONFLICT_TRIES_MAX: u32 = 6;
/// Longest wait before the first retry after a conflict; doubles each time, with full jitter.
const CONFLICT_BACKOFF: Duration = Duration::from_millis(20);

/// The result of a transaction.
#[derive(Debug)]
pub enum Transacted {
    /// Everything is written.
    Done,
    /// Nothing is written: these conditions did not hold.
    Lost(Vec<Obstacle>),
}

/// The result of one try.
enum Tried {
    /// It is decided.
    Over(Transacted),
    /// It met another transaction, and nothing of it was written.
    Canceled,
    /// An earlier try under the same token, whose answer was lost, is still at work.
    InProgress,
}

/// A write whose condition did not hold.
#[derive(Debug)]
pub struct Obstacle {
    /// Which write, counted from 0.
    pub index: usize,
    /// Its key.
    pub key: Key,
    /// The item that it met, if there is one.
    pub item: Option<Item>,
}

impl Table {
    /// Writes all or nothing. Conflicts with other transactions are retried here; a lost reply is retried by the SDK
    /// under the same token, so it is never done twice. When a lost try is still in progress, the token is kept, too: under
    /// another one our own commit would look like somebody else's.
    pub async fn transact(&self, writes: &[Write]) -> Result<Transacted> {
        self.transact_all(&writes.iter().collect::<Vec<_>>()).await
    }

    /// The same of writes that stand in different places.
    pub async fn transact_all(&self, writes: &[&Write]) -> Result<Transacted> {
        if writes.len() > WRITES_MAX {
            return Err(Error::bug("transaction_too_large", writes.len()));
        }
        let mut backoff = CONFLICT_BACKOFF;
        let mut token = self.new_token();
        for _ in 0..CONFLICT_TRIES_MAX {
            match self.try_transact(writes, &token).await? {
                Tried::Over(outcome) => return Ok(outcome),
                Tried::Canceled => token = self.new_token(),
                Tried::InProgress => {}
            }
            self.world.clock.sleep(backoff.mul_f64(self.world.fraction())).await;
            backoff *= 2;
        }
        Err(Error::transient("aws_unavailable", "TransactWriteItems kept meeting other transactions"))
    }

    fn new_token(&self) -> String {
        ulid(self.world.now(), self.world.rng.next())
    }

    async fn try_transact(&self, writes: &[&Write], token: &str) -> Result<Tried> {
        let items = writes
            .iter()
            .map(|write| Write::clone(write).into_transact_item(&self.name))
            .collect::<Result<Vec<_>>>()?;
        let result =
            self.client.transact_write_items().set_transact_items(Some(items)).client_request_token(token).send().await;
        let Err(error) = result else { return Ok(Tried::Over(Transacted::Done)) };
        if let SdkError::ServiceError(service) = &error {
            match service.err() {
                TransactWriteItemsError::TransactionCanceledException(canceled) => {
                    return obstacles(writes, canceled.cancellation_reasons());
                }
                TransactWriteItemsError::TransactionInProgressException(_) => return Ok(Tried::InProgress),
                _ => {}
            }
        }
        Err(failure("TransactWriteItems", error))
    }
}

/// A failed condition counts more than a conflict: a write that lost will lose again.
fn obstacles(writes: &[&Write], reasons: &[CancellationReason]) -> Result<Tried> {
    let mut lost = Vec::new();
    let mut retry = false;
    for (index, (write, reason)) in writes.iter().zip(reasons).enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => {
                let item = reason.item.clone().filter(|item| !item.is_empty()).map(Item);
                lost.push(Obstacle { index, key: write.key().clone(), item });
            }
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => retry = true,
            other => return Err(Error::bug("aws_request_invalid", format!("TransactWriteItems: {other}"))),
        }
    }
    match (lost.is_empty(), retry) {
        (false, _) => Ok(Tried::Over(Transacted::Lost(lost))),
        (true, true) => Ok(Tried::Canceled),
        (true, false) => Err(Error::bug("aws_request_invalid", "a transaction was canceled without a reason")),
    }
}
