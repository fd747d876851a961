//! What an event is about: matched by our own id in the vendor's metadata, then by the vendor's id.

use crate::aws::Item;
use crate::domain::{Correlation, IntentId, PaymentId, RefundId};
use crate::effects::inbound::event::Event;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Data, Intent};
use crate::effects::list::observation::Observation;
use crate::effects::list::plan::Context;
use crate::effects::list::reference::{VendorRef, ref_key};
use crate::effects::subject::payment::{self, FIRST_ORDINAL, Payment};
use crate::effects::subject::refund::Refund;
use crate::effects::subject::{Subject, doubt};
use crate::error::Result;
use crate::gateway::Vendor;

/// What an event is about: the object, and the intent that it settles when nobody else can.
pub(super) struct Target {
    pub(super) subject: Subject,
    pub(super) intent: Option<Intent>,
}

impl WorkList {
    /// The object that an event is about, and the intent that it names; `None` when it matches nothing.
    pub(super) async fn target(&self, vendor: Vendor, event: &Event) -> Result<Option<Target>> {
        if let Some(intent_id) = &event.intent_id
            && let (Some(item), guessed) = self.with_guess(intent_id, event).await?
        {
            let intent: Intent = item.parse()?;
            if is_of(vendor, &intent) {
                let subject = match (&intent.data, guessed) {
                    (Data::Payment { payment_id, .. }, Some(item)) if item.key() == payment::key(payment_id) => {
                        Subject::stored(&item)?
                    }
                    _ => self.subject(&intent).await?,
                };
                return Ok(Some(Target { subject, intent: Some(intent) }));
            }
            // An event moves only what is its own vendor's.
            doubt::alarm_of_vendor(self.world.now(), vendor);
        }
        if let Some(Observation::Contact(observed)) = &event.observed {
            let contact = observed.contact_id.clone().map(Subject::Contact);
            return Ok(contact.map(|subject| Target { subject, intent: None }));
        }
        let Some(vendor_id) = &event.vendor_id else { return Ok(None) };
        let Some(named) = self.table.get(&ref_key(vendor.as_str(), vendor_id)).await? else {
            return self.adopted(vendor, event).await;
        };
        let named: VendorRef = named.parse()?;
        let Some(item) = self.table.get(&named.at).await? else { return Ok(None) };
        Ok(Some(Target { subject: Subject::stored(&item)?, intent: None }))
    }

    /// The intent that an event names, and in the same wait what is most likely its object: the first payment of its order,
    /// which most payments are.
    async fn with_guess(&self, intent_id: &IntentId, event: &Event) -> Result<(Option<Item>, Option<Item>)> {
        let key = intent::key(intent_id);
        let Some(order) = event.order_id.as_ref().filter(|_| event.part_of.is_none()) else {
            return Ok((self.table.get(&key).await?, None));
        };
        let first = PaymentId::nth(&self.stack, order, FIRST_ORDINAL);
        let mut found = self.table.get_many(&[key, payment::key(&first)]).await?.into_iter();
        Ok((found.next().flatten(), found.next().flatten()))
    }

    /// A refund that was made at the vendor, of a payment of ours: it becomes one of ours.
    async fn adopted(&self, vendor: Vendor, event: &Event) -> Result<Option<Target>> {
        let (Some(Observation::Refund(observed)), Some(vendor_id), Some(part_of)) =
            (&event.observed, &event.vendor_id, &event.part_of)
        else {
            return Ok(None);
        };
        let Some(amount) = observed.amount else { return Ok(None) };
        let Some(named) = self.table.get(&ref_key(vendor.as_str(), part_of)).await? else { return Ok(None) };
        let Some(item) = self.table.get(&named.parse::<VendorRef>()?.at).await? else { return Ok(None) };
        let payment: Payment = item.parse()?;
        if amount.currency != payment.amount.currency {
            // None of its sums can move by it: a person has to look.
            return Ok(Some(Target { subject: Subject::Payment(Box::new(payment)), intent: None }));
        }
        let context = self.context(vendor, event, payment.correlation_id.clone());
        let refund_id = RefundId::of_vendor(&payment.payment_id, vendor.as_str(), vendor_id);
        let mut refund = Refund::of(&payment, refund_id, amount, &context);
        refund.is_beyond = payment.refundable.is_some_and(|left| left < amount.value);
        Ok(Some(Target { subject: Subject::Refund(Box::new(refund)), intent: None }))
    }

    /// What an event says it with.
    pub(super) fn context(&self, vendor: Vendor, event: &Event, correlation: Correlation) -> Context {
        Context {
            now: self.world.now(),
            correlation,
            source: vendor.as_str(),
            occasion: event.event_id.clone(),
            settles_confirm: false,
            is_cancel: false,
            gives_cancel_up: false,
            asker_hears: false,
            other_mailer: self.routes.other_mailer,
            asked_by: None,
        }
    }
}

/// Whether this intent's effect is one of this vendor's, or of one that stands in for it.
fn is_of(vendor: Vendor, intent: &Intent) -> bool {
    match intent.kind.vendor() {
        Some(own) => own == vendor || (intent.kind.falls_back() && vendor == Vendor::Postmark),
        // Parcels: their object says which carrier's. Publications are nobody's.
        None => matches!(vendor, Vendor::Fedex | Vendor::Ups | Vendor::Dhl),
    }
}

/// Whether it tells of a refund that we have asked for, and all that has gone back by then is known: most refunds are so, and
/// nobody has to ask for a list of them.
///
/// What somebody else makes has an event of its own that no request of ours caused, so that a refund of ours which has failed
/// since and counts as known for another moment never stands in for it.
pub(super) fn is_all_known(event: &Event, payment: &Payment) -> bool {
    event
        .refunded_by_us
        .is_some_and(|back| back.currency == payment.amount.currency && back.value <= payment.amount_refunded)
}
