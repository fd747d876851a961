//! Events that came before their object: each is kept beside the place where the vendor's id of that object would be,
//! and whoever writes that place looks for it. Who learns the id and dies before it has looked is made up for by the
//! due index.
//!
//! The same for events that leave a question open which only the vendor can answer: they wait, and go to payment-worker.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aws::{Key, Transacted, Write};
use crate::domain::{Correlation, IntentId, Timestamp};
use crate::effects::inbound::event::{Applied, Event};
use crate::effects::inbound::mark::{self, Once};
use crate::effects::inbound::provider::Lookup;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, KEPT_AFTER};
use crate::effects::list::observation::Observation;
use crate::effects::list::reference::ref_key;
use crate::effects::list::requeue::Requeued;
use crate::effects::subject::doubt;
use crate::error::Result;
use crate::gateway::Vendor;
use crate::guard::{Guard, holds};
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;

/// How long an event that matches nothing is kept waiting: as long as any vendor redelivers.
const WAITING_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);
/// A waiting event is looked at again after this, and then each time after as long as it has waited by then: whoever
/// learns the vendor's id fetches it at once, and this is for those who die in between.
const WAITING_LOOK: Duration = Duration::from_secs(60);
/// What is known to be ours is looked at this often at least: it waits for an answer of the vendor's, and an outage or a key
/// that lacks a permission ends without telling anybody.
const WAITING_LOOK_MAX: Duration = Duration::from_secs(3_600);

/// An event that waits for its object to become known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WaitingEvent {
    #[serde(rename = "type")]
    item_type: String,
    pub(super) vendor: String,
    pub(super) event: Event,
    pub(super) correlation_id: Correlation,
    kept_at: Timestamp,
    /// What the due index shows of it.
    kind: String,
    due: Timestamp,
    due_pk: String,
    /// The vendor says that its payment is this deployment's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_ours: bool,
    expires: i64,
}

impl WorkList {
    /// Whether the payment that it waits for is this deployment's: what somebody else does on the same account costs one
    /// look. `None` when the vendor cannot be asked, or has said so before.
    pub(super) async fn owner(
        &self,
        vendor: Vendor,
        waiting: &WaitingEvent,
        provider: Option<&dyn Lookup>,
    ) -> Option<bool> {
        let provider = provider.filter(|provider| provider.vendor() == vendor && waiting.may_be_anybodys())?;
        let payment = waiting.event.part_of.as_ref().or(waiting.event.vendor_id.as_ref())?;
        provider.is_ours(payment, &self.stack, &waiting.correlation_id).await
    }

    /// It is somebody else's on the same account, and so is all else that waits for the same payment without being marked as
    /// ours. That they came is recorded.
    pub(super) async fn let_go(&self, vendor: Vendor, requeued: &Requeued) -> Result<Applied> {
        for item in self.table.query(&requeued.waiting.pk, "EVENT#").await? {
            if !item.parse::<WaitingEvent>()?.may_be_anybodys() {
                continue;
            }
            // Lost means that somebody else has let it go.
            self.table.transact(&[Write::delete(item.key()).when("attribute_exists(#pk)")]).await?;
        }
        Metric::EventsOfOthers.count(self.world.now(), &[]);
        tracing::info!(
            { fields::VENDOR } = vendor.as_str(),
            "an event is of a payment that others made on this account"
        );
        Ok(Applied::Foreign)
    }

    /// Nothing matches yet: looks again later.
    pub(super) async fn wait_on(&self, requeued: &Requeued, waiting: &WaitingEvent, is_ours: bool) -> Result<Applied> {
        let now = self.world.now();
        let longest = if is_ours { WAITING_LOOK_MAX } else { WAITING_KEPT };
        let due = now.plus(now.since(waiting.kept_at).clamp(WAITING_LOOK, longest));
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

    /// Keeps an event that matches nothing; `None` when it matches by now.
    pub(super) async fn keep_waiting(
        &self,
        vendor: Vendor,
        event: &Event,
        correlation: &Correlation,
    ) -> Result<Option<Applied>> {
        let now = self.world.now();
        let mut writes = vec![mark::once(&Once::Mark, vendor, event, None, &[], now)?.1];
        // Customers do not wait: one that matches nothing is somebody else's on the same account, and none of our data. Nor
        // do people's wishes, which are about an address and no object of the vendor's.
        // A refund that is part of no payment intent is none of ours: all of ours are.
        let waits = match &event.observed {
            None | Some(Observation::Customer(_) | Observation::Contact(_)) => false,
            Some(Observation::Refund(_)) => event.part_of.is_some() || event.intent_id.is_some(),
            // What exists and does not bear our mark is none of ours.
            Some(_) if event.introduces => event.intent_id.is_some(),
            Some(_) => true,
        } || event.refunded.is_some();
        if let (true, Some(vendor_id)) = (waits, &event.vendor_id) {
            let place = place(vendor, event, vendor_id);
            writes.push(WaitingEvent::of(vendor, event, correlation, now).put(&place)?);
            writes.push(Write::check(place).when("attribute_not_exists(#pk)"));
        }
        match self.table.transact(&writes).await? {
            Transacted::Done if waits => {
                Metric::EventsWaiting.count(now, &[]);
                Ok(Some(Applied::Waiting))
            }
            Transacted::Done => Ok(Some(Applied::Recorded)),
            Transacted::Lost(obstacles) if obstacles.iter().any(|o| o.index == 0) => Ok(Some(Applied::Duplicate)),
            Transacted::Lost(_) => Ok(None),
        }
    }

    /// Keeps an event whose object is known, but which leaves a question open, and tells payment-worker.
    pub(super) async fn keep_for_later(
        &self,
        vendor: Vendor,
        event: &Event,
        correlation: &Correlation,
    ) -> Result<Applied> {
        let now = self.world.now();
        let mark = mark::once(&Once::Mark, vendor, event, None, &[], now)?.1;
        let place = place(vendor, event, event.vendor_id.as_deref().unwrap_or_default());
        let waiting = WaitingEvent { is_ours: true, ..WaitingEvent::of(vendor, event, correlation, now) };
        let waiting = waiting.put(&place)?;
        let key = waiting.key().clone();
        match self.table.transact(&[mark, waiting]).await? {
            Transacted::Done => {
                Metric::EventsWaiting.count(now, &[]);
                self.hand_on(key).await;
                Ok(Applied::Waiting)
            }
            Transacted::Lost(_) => Ok(Applied::Duplicate),
        }
    }
}

/// Whether it is about a payment, or about what has gone back of one.
const fn is_of_payment(event: &Event) -> bool {
    matches!(event.observed, Some(Observation::Payment(_) | Observation::Refund(_))) || event.refunded.is_some()
}

/// Where an event waits. A refund of the vendor's own waits for its payment: nobody will ever name the refund.
fn place(vendor: Vendor, event: &Event, vendor_id: &str) -> Key {
    ref_key(vendor.as_str(), event.part_of.as_deref().unwrap_or(vendor_id))
}

impl WaitingEvent {
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

    /// Whether it is about a payment that nobody has said to be this deployment's. What bears our mark needs no second proof.
    pub(super) fn may_be_anybodys(&self) -> bool {
        is_of_payment(&self.event) && !self.is_ours && self.event.intent_id.is_none()
    }

    fn put(&self, place: &Key) -> Result<Write> {
        let event = &self.event;
        Write::put(Key::new(&place.pk, format!("EVENT#{:013}#{}", event.occurred_at.ms(), event.event_id)), self)
    }
}
