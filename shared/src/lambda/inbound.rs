//! The two queues of event-processor. Who may send to a queue decides what its messages are believed: raw webhooks come from
//! receivers and replays, over `InboundEvents`; ids of what is in the table come from everybody else, over `InboundWork`. What
//! comes over the other queue is refused, whatever it says, and ends in that queue's dead letters.

use super::batch::Record;
use super::webhook::Webhook;
use crate::error::{Error, Result};

/// The queues, by ARN, as Lambda names them in each record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundQueues {
    /// `InboundEvents`.
    pub events_arn: String,
    /// `InboundWork`.
    pub work_arn: String,
}

/// What event-processor is told.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// A vendor's webhook, or a part of one.
    Webhook(Box<Webhook>),
    /// Ids only: an event that can be matched now, or what is to be published.
    Work,
}

impl InboundQueues {
    /// Reads a record that came over the queue of its kind.
    ///
    /// # Errors
    /// `wrong_queue` (a bug) when it came over another; `unknown_message` (a bug) when it cannot be read.
    pub fn read(&self, record: &Record) -> Result<Inbound> {
        let is_raw = record.attributes.contains_key("type");
        let right = if is_raw { &self.events_arn } else { &self.work_arn };
        if record.queue_arn != *right {
            let what = if is_raw { "a webhook" } else { "an id" };
            let came = if record.queue_arn == self.events_arn || record.queue_arn == self.work_arn {
                "over the other queue"
            } else {
                "over an unknown queue"
            };
            return Err(Error::bug("wrong_queue", format!("{what} {came}")));
        }
        Ok(Webhook::of(record)?.map_or(Inbound::Work, |webhook| Inbound::Webhook(Box::new(webhook))))
    }
}
