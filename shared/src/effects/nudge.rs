//! Nudges: "look now". Losing or doubling one changes nothing, because the intent is in the due index.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::WorkList;
use super::intent::{Intent, Kind};
use crate::aws::queue::Outgoing;
use crate::domain::{Correlation, IntentId};
use crate::error::{Error, Result};

/// The message format's version.
const VERSION: u32 = 1;

/// Which queue works which kind of intent. A function knows only the queues that it may send to.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Whatever the payment provider does.
    pub payments: Option<String>,
    /// Transactional mail.
    pub email: Option<String>,
    /// Events, and publications.
    pub inbound_events: Option<String>,
    /// Domain events for other systems.
    pub domain_events: Option<String>,
}

impl Routes {
    /// The queue of a kind, if this function knows it.
    pub fn of(&self, kind: Kind) -> Option<&str> {
        match kind {
            Kind::PaymentCreate
            | Kind::PaymentConfirm
            | Kind::PaymentCancel
            | Kind::PaymentSettlement
            | Kind::RefundCreate
            | Kind::CustomerCreate => self.payments.as_deref(),
            Kind::MailSend => self.email.as_deref(),
            Kind::Publish => self.inbound_events.as_deref(),
        }
    }
}

/// A nudge to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nudge {
    /// The intent to look at.
    pub intent_id: IntentId,
    /// Decides the queue.
    pub kind: Kind,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
}

/// A nudge on the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    v: u32,
    intent_id: IntentId,
    correlation_id: Correlation,
}

impl Nudge {
    /// The nudge for an intent.
    pub fn of(intent: &Intent) -> Self {
        Self { intent_id: intent.intent_id.clone(), kind: intent.kind, correlation_id: intent.correlation_id.clone() }
    }

    fn message(&self) -> Result<Outgoing> {
        let wire = Wire { v: VERSION, intent_id: self.intent_id.clone(), correlation_id: self.correlation_id.clone() };
        let body = serde_json::to_string(&wire).map_err(|e| Error::bug("nudge", e))?;
        Ok(Outgoing::plain(body))
    }

    /// Reads a nudge.
    ///
    /// # Errors
    /// `unknown_message` (a bug: the record goes to the DLQ after its receives) when it is none of this version.
    pub fn parse(body: &str) -> Result<(IntentId, Correlation)> {
        let wire: Wire = serde_json::from_str(body)
            .map_err(|e| Error::bug("unknown_message", format!("not a nudge: column {}", e.column())))?;
        if wire.v != VERSION {
            return Err(Error::bug("unknown_message", format!("nudge of version {}", wire.v)));
        }
        Ok((wire.intent_id, wire.correlation_id))
    }
}

impl WorkList {
    /// Sends nudges, all queues side by side: one wait. A failure is logged and nothing more: the sweeper finds
    /// whatever is due.
    pub async fn nudge(&self, nudges: &[Nudge]) {
        if let Err(error) = self.try_nudge(nudges).await {
            tracing::warn!(error = %error, "nudges were not sent; the sweeper will find the intents");
        }
    }

    /// Sends nudges.
    pub async fn try_nudge(&self, nudges: &[Nudge]) -> Result<()> {
        let mut by_queue: HashMap<&str, Vec<Outgoing>> = HashMap::new();
        for nudge in nudges {
            let Some(url) = self.routes.of(nudge.kind) else {
                return Err(Error::misconfigured("queue_unknown", format!("no queue for {}", nudge.kind.as_str())));
            };
            by_queue.entry(url).or_default().push(nudge.message()?);
        }
        let mut queues: Vec<_> = by_queue.into_iter().collect();
        queues.sort_by_key(|(url, _)| *url);
        join_all(queues.into_iter().map(|(url, messages)| self.queues.send_all(url, messages)))
            .await
            .into_iter()
            .collect()
    }
}
