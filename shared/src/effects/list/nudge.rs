//! Nudges: "look now". Losing or doubling one changes nothing, because the intent is in the due index.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::aws::queue::Outgoing;
use crate::domain::{Correlation, IntentId};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Intent, Kind};
use crate::error::{Error, Result};

/// The message format's version.
const VERSION: u32 = 1;
/// The attribute of a nudge that says whose part of the vendor's quota its call uses.
pub const LANE: &str = "lane";
/// The longest delay of one message (SQS).
const DELAY_MAX: Duration = Duration::from_secs(900);
/// Intents of one nudge at most: as many as share a call (SendGrid: 1,000 recipients).
const GROUP_MAX: usize = 1_000;
/// Its value for marketing.
pub const BULK: &str = "bulk";

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

/// A nudge for many at once: one message for a whole campaign.
#[derive(Debug, Serialize, Deserialize)]
struct WireGroup {
    v: u32,
    intent_ids: Vec<IntentId>,
    correlation_id: Correlation,
}

impl Nudge {
    /// The nudge for an intent.
    pub fn of(intent: &Intent) -> Self {
        Self { intent_id: intent.intent_id.clone(), kind: intent.kind, correlation_id: intent.correlation_id.clone() }
    }

    /// Whether its call may be made together with others of the same request.
    pub(crate) const fn shares_a_call(&self) -> bool {
        matches!(self.kind, Kind::MailPromotion)
    }

    fn message(&self) -> Result<Outgoing> {
        let wire = Wire { v: VERSION, intent_id: self.intent_id.clone(), correlation_id: self.correlation_id.clone() };
        let body =
            serde_json::to_string(&wire).map_err(|e| Error::bug("nudge", "it cannot be written").caused_by(e))?;
        let mut outgoing = Outgoing::plain(body);
        if matches!(self.kind, Kind::MailPromotion | Kind::SmsPromotion) {
            outgoing.attributes.push((LANE.to_owned(), BULK.to_owned()));
        }
        Ok(outgoing)
    }

    /// One message for many that can share a call.
    fn group(intent_ids: Vec<IntentId>, correlation_id: Correlation) -> Result<Outgoing> {
        let wire = WireGroup { v: VERSION, intent_ids, correlation_id };
        let body =
            serde_json::to_string(&wire).map_err(|e| Error::bug("nudge", "it cannot be written").caused_by(e))?;
        Ok(Outgoing { attributes: vec![(LANE.to_owned(), BULK.to_owned())], ..Outgoing::plain(body) })
    }

    /// Reads a nudge for one or for many.
    ///
    /// # Errors
    /// `unknown_message`, as [`Nudge::parse`].
    pub fn parse_all(body: &str) -> Result<Vec<IntentId>> {
        match serde_json::from_str::<WireGroup>(body) {
            Ok(wire) if wire.v == VERSION => Ok(wire.intent_ids),
            _ => Ok(vec![Self::parse(body)?.0]),
        }
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

/// Which nudges share a message: promotions by mail that one request asked for, at most as many as share a call.
fn groups(nudges: &[Nudge]) -> Vec<Vec<&Nudge>> {
    let mut groups: Vec<Vec<&Nudge>> = Vec::new();
    let mut open: HashMap<&Correlation, usize> = HashMap::new();
    for nudge in nudges {
        let group = open.get(&nudge.correlation_id).filter(|_| nudge.shares_a_call());
        if let Some(group) = group.and_then(|at| groups.get_mut(*at)).filter(|group| group.len() < GROUP_MAX) {
            group.push(nudge);
            continue;
        }
        if nudge.shares_a_call() {
            open.insert(&nudge.correlation_id, groups.len());
        }
        groups.push(vec![nudge]);
    }
    groups
}

impl WorkList {
    /// Sends nudges, all queues side by side: one wait. A failure is logged and nothing more: the sweeper finds
    /// whatever is due.
    pub async fn nudge(&self, nudges: &[Nudge]) {
        if let Err(error) = self.try_nudge(nudges).await {
            tracing::warn!(error = %error.chain(), "nudges were not sent; the sweeper will find the intents");
        }
    }

    /// Nudges after a wait, where the sweeper's minute is too long. SQS waits at most a quarter of an hour.
    pub(crate) async fn nudge_later(&self, nudge: &Nudge, wait: Duration) {
        let sent = async {
            let Some(url) = self.routes.of(nudge.kind) else { return Ok(()) };
            self.queues.send(url, Outgoing { delay: wait.min(DELAY_MAX), ..nudge.message()? }).await
        };
        if let Err(error) = sent.await {
            tracing::warn!(error = %error.chain(), "a nudge was not sent; the sweeper will find the intent");
        }
    }

    /// Sends nudges.
    pub async fn try_nudge(&self, nudges: &[Nudge]) -> Result<()> {
        let mut by_queue: HashMap<&str, Vec<Outgoing>> = HashMap::new();
        for group in groups(nudges) {
            let [nudge, more @ ..] = group.as_slice() else { continue };
            let Some(url) = self.routes.of(nudge.kind) else {
                return Err(Error::misconfigured("queue_unknown", format!("no queue for {}", nudge.kind.as_str())));
            };
            let message = if more.is_empty() {
                nudge.message()?
            } else {
                let ids = group.iter().map(|nudge| nudge.intent_id.clone()).collect();
                Nudge::group(ids, nudge.correlation_id.clone())?
            };
            by_queue.entry(url).or_default().push(message);
        }
        let mut queues: Vec<_> = by_queue.into_iter().collect();
        queues.sort_by_key(|(url, _)| *url);
        join_all(queues.into_iter().map(|(url, messages)| self.queues.send_all(url, messages)))
            .await
            .into_iter()
            .collect()
    }
}
