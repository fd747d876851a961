//! Events that came before their object: each is kept beside the place where the vendor's id of that object would be,
//! and whoever writes that place looks for it. Who learns the id and dies before it has looked is made up for by the
//! due index.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aws::queue::Outgoing;
use crate::aws::{Key, Transacted, Write};
use crate::domain::{Correlation, IntentId, Timestamp};
use crate::effects::WorkList;
use crate::effects::inbound::provider::Provider;
use crate::effects::inbound::{Applied, Event, Once};
use crate::effects::list::intent::{self, KEPT_AFTER};
use crate::effects::list::observation::Observation;
use crate::effects::subject::doubt;
use crate::effects::subject::payment::ref_key;
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::guard::{Guard, holds};
use crate::telemetry::fields;

/// How long an event that matches nothing is kept waiting: as long as any vendor redelivers.
const WAITING_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// A waiting event is looked at again after this, and then each time after as long as it has waited by then: whoever
/// learns the vendor's id fetches it at once, and this is for those who die in between.
const WAITING_LOOK: Duration = Duration::from_secs(60);
/// The message format's version for waiting events.
const VERSION: u32 = 1;

/// An event that waits for its object to become known.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    #[serde(rename = "type")]
    item_type: String,
    vendor: String,
    event: Event,
    correlation_id: Correlation,
    kept_at: Timestamp,
    /// What the due index shows of it.
    kind: String,
    due: Timestamp,
    due_pk: String,
    /// The vendor says that its payment is this deployment's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_ours: bool,
    expires: i64,
}

/// "That event can be matched now", on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Requeued {
    v: u32,
    waiting: Key,
}

impl Requeued {
    /// The kind of waiting events in the due index.
    pub(crate) const KIND: &str = "event.waiting";

    /// The message for the queue of inbound events.
    pub(crate) fn message(waiting: Key) -> Result<Outgoing> {
        let body = serde_json::to_string(&Self { v: VERSION, waiting });
        body.map(Outgoing::plain).map_err(|e| Error::bug("requeue", e))
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
    /// Applies an event that was kept waiting, now that its object is known.
    pub async fn apply_waiting(&self, requeued: &Requeued, provider: &dyn Provider) -> Result<Applied> {
        let Some(item) = self.table.get(&requeued.waiting).await? else { return Ok(Applied::Duplicate) };
        let waiting: Waiting = item.parse()?;
        let vendor = Vendor::parse(&waiting.vendor).ok_or_else(|| Error::bug("vendor_unknown", &waiting.vendor))?;
        let Some(target) = self.target(vendor, &waiting.event).await? else {
            return match self.owner(vendor, &waiting, provider).await {
                Some(false) => self.let_go(vendor, requeued).await,
                owner => self.wait_on(requeued, &waiting, owner.unwrap_or(waiting.is_ours)).await,
            };
        };
        let taken = self.refunds_taken(vendor, &waiting.event, &target, &waiting.correlation_id, provider);
        if !taken.await? {
            return self.wait_on(requeued, &waiting, true).await;
        }
        let once = Once::Waiting(&requeued.waiting);
        self.apply_to(vendor, &waiting.event, target, &waiting.correlation_id, once, provider).await
    }

    /// Whether the payment that it waits for is this deployment's: what somebody else does on the same account costs one
    /// look. `None` when the vendor cannot be asked, or has said so before.
    async fn owner(&self, vendor: Vendor, waiting: &Waiting, provider: &dyn Provider) -> Option<bool> {
        let event = &waiting.event;
        // What bears our mark needs no second proof.
        let asks = is_of_payment(event) && !waiting.is_ours && event.intent_id.is_none() && provider.vendor() == vendor;
        let payment = event.part_of.as_ref().or(event.vendor_id.as_ref()).filter(|_| asks)?;
        provider.is_ours(payment, &self.stack, &waiting.correlation_id).await
    }

    /// It is somebody else's on the same account, and so is all else that waits for the same payment. That they came is
    /// recorded.
    async fn let_go(&self, vendor: Vendor, requeued: &Requeued) -> Result<Applied> {
        for item in self.table.query(&requeued.waiting.pk, "EVENT#").await? {
            // Lost means that somebody else has let it go.
            self.table.transact(&[Write::delete(item.key()).when("attribute_exists(#pk)")]).await?;
        }
        fields::count(self.world.now(), "events_of_others", &[("vendor", vendor.as_str())]);
        Ok(Applied::Foreign)
    }

    /// Nothing matches yet: looks again later.
    async fn wait_on(&self, requeued: &Requeued, waiting: &Waiting, is_ours: bool) -> Result<Applied> {
        let now = self.world.now();
        let due = now.plus(now.since(waiting.kept_at).max(WAITING_LOOK));
        let write = Write::update(requeued.waiting.clone())
            .set("due", &due)?
            .set("is_ours", &is_ours)?
            .when("attribute_exists(#pk)");
        self.table.update(write).await?;
        let bears_our_mark = is_ours || waiting.event.stack.is_some();
        if due.seconds() >= waiting.expires && bears_our_mark && is_of_payment(&waiting.event) {
            // Nobody looks again, and money may have moved.
            doubt::alarm(now, &waiting.vendor, "waited_in_vain");
            tracing::error!(
                { fields::CORRELATION } = waiting.correlation_id.as_str(),
                event.id = waiting.event.event_id,
                "an event of a payment of ours has waited in vain: a person has to look, and may replay it from the archive"
            );
        }
        Ok(Applied::Waiting)
    }

    /// Sends the events that wait for a vendor id that has just become known back to the queue.
    pub(crate) async fn requeue_waiting(&self, learned: Option<&(&'static str, String)>) {
        let Some((vendor, vendor_id)) = learned else { return };
        let result: Result<()> = async {
            let items = self.table.query(&ref_key(vendor, vendor_id).pk, "EVENT#").await?;
            let Some(url) = self.routes.inbound_events.as_deref().filter(|_| !items.is_empty()) else { return Ok(()) };
            let messages = items.iter().map(|item| Requeued::message(item.key())).collect::<Result<Vec<_>>>()?;
            self.queues.send_all(url, messages).await
        }
        .await;
        if let Err(error) = result {
            tracing::warn!(error = %error, "events that wait for this object were not re-queued");
        }
    }

    /// Keeps an event that matches nothing; `None` when it matches by now.
    pub(crate) async fn keep_waiting(
        &self,
        vendor: Vendor,
        event: &Event,
        correlation: &Correlation,
    ) -> Result<Option<Applied>> {
        let now = self.world.now();
        let mut writes = vec![Self::once(&Once::Mark, vendor, event, None, &[], now)?.1];
        // Customers do not wait: one that matches nothing is somebody else's on the same account, and none of our data. Nor
        // do people's wishes, which are about an address and no object of the vendor's.
        // A refund that is part of no payment intent is none of ours: all of ours are.
        let waits = match &event.seen {
            None | Some(Observation::Customer(_) | Observation::Contact(_)) => false,
            Some(Observation::Refund(_)) => event.part_of.is_some() || event.intent_id.is_some(),
            // What exists and does not bear our mark is none of ours.
            Some(_) if event.introduces => event.intent_id.is_some(),
            Some(_) => true,
        } || event.refunded.is_some();
        if let (true, Some(vendor_id)) = (waits, &event.vendor_id) {
            let place = place(vendor, event, vendor_id);
            writes.push(Waiting::of(vendor, event, correlation, now).put(&place)?);
            writes.push(Write::check(place).when("attribute_not_exists(#pk)"));
        }
        match self.table.transact(&writes).await? {
            Transacted::Done if waits => {
                fields::count(now, "events_waiting", &[("vendor", vendor.as_str())]);
                Ok(Some(Applied::Waiting))
            }
            Transacted::Done => Ok(Some(Applied::Recorded)),
            Transacted::Lost(obstacles) if obstacles.iter().any(|o| o.index == 0) => Ok(Some(Applied::Duplicate)),
            Transacted::Lost(_) => Ok(None),
        }
    }

    /// Keeps an event whose object is known, and of which more has to be asked than the vendor says now.
    pub(crate) async fn keep_for_later(
        &self,
        vendor: Vendor,
        event: &Event,
        correlation: &Correlation,
    ) -> Result<Applied> {
        let now = self.world.now();
        let mark = Self::once(&Once::Mark, vendor, event, None, &[], now)?.1;
        let place = place(vendor, event, event.vendor_id.as_deref().unwrap_or_default());
        let waiting = Waiting { is_ours: true, ..Waiting::of(vendor, event, correlation, now) };
        match self.table.transact(&[mark, waiting.put(&place)?]).await? {
            Transacted::Done => {
                fields::count(now, "events_waiting", &[("vendor", vendor.as_str())]);
                Ok(Applied::Waiting)
            }
            Transacted::Lost(_) => Ok(Applied::Duplicate),
        }
    }
}

/// Whether it is about a payment, or about what has gone back of one.
const fn is_of_payment(event: &Event) -> bool {
    matches!(event.seen, Some(Observation::Payment(_) | Observation::Refund(_))) || event.refunded.is_some()
}

/// Where an event waits. A refund of the vendor's own waits for its payment: nobody will ever name the refund.
fn place(vendor: Vendor, event: &Event, vendor_id: &str) -> Key {
    ref_key(vendor.as_str(), event.part_of.as_deref().unwrap_or(vendor_id))
}

impl Waiting {
    fn of(vendor: Vendor, event: &Event, correlation: &Correlation, now: Timestamp) -> Self {
        Self {
            item_type: "waiting_event".to_owned(),
            vendor: vendor.as_str().to_owned(),
            event: event.clone(),
            correlation_id: correlation.clone(),
            kept_at: now,
            kind: Requeued::KIND.to_owned(),
            due: now.plus(if holds(Guard::WaitingDue) { WAITING_LOOK } else { 100 * KEPT_AFTER }),
            due_pk: intent::due_partition(IntentId::from_stored(&event.event_id).due_shard()),
            is_ours: false,
            expires: now.plus(WAITING_KEPT).seconds(),
        }
    }

    fn put(&self, place: &Key) -> Result<Write> {
        let event = &self.event;
        Write::put(Key::new(&place.pk, format!("EVENT#{:013}#{}", event.occurred_at.ms(), event.event_id)), self)
    }
}
