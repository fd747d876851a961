//! "That event can be matched now": events that waited for a vendor's id go back to the queue; and those that leave a question
//! open go to whoever may ask the vendor.

use serde::{Deserialize, Serialize};

use crate::aws::Key;
use crate::aws::queue::Outgoing;
use crate::effects::list::WorkList;
use crate::effects::list::reference::ref_key;
use crate::error::{Error, Result};
use crate::gateway::Vendor;

/// The message format's version for waiting events.
const VERSION: u32 = 1;

/// "That event can be matched now", on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Requeued {
    v: u32,
    /// Where the event is kept.
    pub(crate) waiting: Key,
}

impl Requeued {
    /// The kind of waiting events in the due index.
    pub(crate) const KIND: &str = "event.waiting";

    /// The message for the queue of event-processor's own work, or for that of what vendors are asked.
    pub(crate) fn message(waiting: Key) -> Result<Outgoing> {
        let body = serde_json::to_string(&Self { v: VERSION, waiting });
        body.map(Outgoing::plain).map_err(|e| Error::bug("requeue", "it cannot be written").caused_by(e))
    }

    /// Whose event it is.
    pub fn vendor(&self) -> Option<Vendor> {
        self.waiting.pk.strip_prefix("REF#")?.split('#').next().and_then(Vendor::parse)
    }

    /// Those that wait for one object go one after the other: the first that learns that it is somebody else's lets all go.
    pub fn group(&self) -> &str {
        &self.waiting.pk
    }

    /// Reads such a message; `None` when it is something else.
    pub fn parse(body: &str) -> Option<Self> {
        serde_json::from_str::<Self>(body).ok().filter(|message| message.v == VERSION)
    }
}

impl WorkList {
    /// Tells payment-worker of an event that waits for an answer of the vendor's. A failure is logged and nothing more: the
    /// event is in the due index.
    pub(crate) async fn hand_on(&self, waiting: Key) {
        let sent = async {
            let url = self.routes.payments.as_deref();
            let url =
                url.ok_or_else(|| Error::misconfigured("queue_unknown", "no queue for what vendors are asked"))?;
            self.queues.send(url, Requeued::message(waiting)?).await
        };
        if let Err(error) = sent.await {
            tracing::warn!(error = %error.chain(), "an event that leaves a question open was not handed on; the sweeper will find it");
        }
    }

    /// Sends the events that wait for a vendor id that has just become known back to the queue.
    pub(crate) async fn requeue_waiting(&self, learned: &[(&'static str, String)]) {
        for (vendor, vendor_id) in learned {
            self.requeue_waiting_for(vendor, vendor_id).await;
        }
    }

    async fn requeue_waiting_for(&self, vendor: &str, vendor_id: &str) {
        let result: Result<()> = async {
            let items = self.table.query(&ref_key(vendor, vendor_id).pk, "EVENT#").await?;
            let Some(url) = self.routes.inbound_work.as_deref().filter(|_| !items.is_empty()) else { return Ok(()) };
            let messages = items.iter().map(|item| Requeued::message(item.key())).collect::<Result<Vec<_>>>()?;
            self.queues.send_all(url, messages).await
        }
        .await;
        if let Err(error) = result {
            tracing::warn!(error = %error.chain(), "events that wait for this object were not re-queued");
        }
    }
}
