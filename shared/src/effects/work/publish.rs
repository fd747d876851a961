//! Publishing domain events: at least once, consumers deduplicate on the CloudEvents id. A publication needs no
//! claim, because repeating it does no harm; it is marked DONE after the queue has it, never before.

use futures_util::future::join_all;

use crate::aws::Write;
use crate::aws::queue::Outgoing;
use crate::domain::IntentId;
use crate::domain::event::CloudEvent;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Data, Intent, KEPT_AFTER, Phase};
use crate::error::{Error, Result};
use crate::guard::{Guard, holds};

impl WorkList {
    /// Publishes whatever of these intents is not published yet. Waits: one read, one wave of sends, one of marks.
    pub async fn publish(&self, ids: &[IntentId]) -> Result<()> {
        let Some(url) = self.routes.domain_events.as_deref() else {
            return Err(Error::misconfigured("queue_unknown", "no queue for domain events"));
        };
        let keys: Vec<_> = ids.iter().map(intent::key).collect();
        let mut open: Vec<Intent> = Vec::new();
        for item in self.table.get_many(&keys).await?.into_iter().flatten() {
            let intent: Intent = item.parse()?;
            if !intent.phase.is_settled() {
                open.push(intent);
            }
        }
        let messages =
            open.iter().filter_map(|intent| self.envelope(intent).transpose()).collect::<Result<Vec<_>>>()?;
        if !holds(Guard::PublishBeforeMark) {
            for intent in &open {
                self.mark_published(intent).await?;
            }
        }
        self.queues.send_all(url, messages).await?;
        join_all(open.iter().map(|intent| self.mark_published(intent))).await.into_iter().collect()
    }

    fn envelope(&self, intent: &Intent) -> Result<Option<Outgoing>> {
        let Data::Publish { event_id, at, event } = &intent.data else { return Ok(None) };
        let correlation = intent.correlation_id.as_str();
        let envelope = CloudEvent::wrap(&self.stage, event_id.clone(), *at, correlation, event.clone());
        let body = serde_json::to_string(&envelope)
            .map_err(|e| Error::bug("domain_event", "it cannot be written").caused_by(e))?;
        Ok(Some(Outgoing::plain(body)))
    }

    async fn mark_published(&self, intent: &Intent) -> Result<()> {
        let write = Write::update(intent.key())
            .set("phase", &Phase::Done)?
            .set("expires", &self.world.now().plus(KEPT_AFTER).seconds())?
            .remove("due_pk")
            .when("attribute_exists(#pk)");
        self.table.update(write).await.map(drop)
    }
}
