//! The second floor, what an intent is about: one file for each kind of object, and here what the floors above ask of any.
//!
//! Whoever adds a kind of object adds its file and a variant here; the compiler then names every question that it has to
//! answer.

pub(crate) mod campaign;
pub mod contact;
pub mod customer;
pub mod doubt;
pub(crate) mod may_be_sent;
pub mod message;
pub(crate) mod parcels;
pub mod payment;
pub mod pickup;
pub(crate) mod read;
pub mod refund;
pub mod shipment;
pub(crate) mod stop;

use crate::aws::Item;
use crate::domain::shipping::Carrier;
use crate::domain::{CampaignId, ContactId, Timestamp};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Data, Intent, Kind};
use crate::effects::list::observation::{Observation, PaymentStanding};
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::plan::{Context, Plan};
use crate::effects::list::reason::Reason;
use crate::effects::subject::contact::Contact;
use crate::effects::subject::customer::Customer;
use crate::effects::subject::doubt::Difference;
use crate::effects::subject::message::Message;
use crate::effects::subject::payment::Payment;
use crate::effects::subject::pickup::Pickup;
use crate::effects::subject::refund::Refund;
use crate::effects::subject::shipment::Shipment;
use crate::effects::subject::stop::Stop;
use crate::error::{Error, Result};
use crate::guard::{Guard, holds};

/// What an intent is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A payment.
    Payment(Box<Payment>),
    /// A refund.
    Refund(Box<Refund>),
    /// A customer.
    Customer(Box<Customer>),
    /// A message, and to whom (absent where only the status matters).
    Message {
        /// The message.
        message: Box<Message>,
        /// Its recipient.
        contact: Option<Contact>,
    },
    /// A shipment.
    Shipment(Box<Shipment>),
    /// A pickup.
    Pickup(Box<Pickup>),
    /// Somebody's wishes.
    Contact(ContactId),
}

impl Subject {
    /// Our id of it.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Payment(payment) => payment.payment_id.as_str(),
            Self::Refund(refund) => refund.refund_id.as_str(),
            Self::Customer(customer) => customer.customer_id.as_str(),
            Self::Message { message, .. } => message.message_id.as_str(),
            Self::Shipment(shipment) => shipment.shipment_id.as_str(),
            Self::Pickup(pickup) => pickup.pickup_id.as_str(),
            Self::Contact(id) => id.as_str(),
        }
    }

    /// The vendor's id of it, once known.
    pub fn vendor_id(&self) -> Option<&str> {
        match self {
            Self::Payment(payment) => payment.vendor_id.as_deref(),
            Self::Refund(refund) => refund.vendor_id.as_deref(),
            Self::Customer(customer) => customer.vendor_id.as_deref(),
            Self::Message { message, .. } => message.vendor_id.as_deref(),
            Self::Shipment(shipment) => shipment.vendor_id.as_deref(),
            Self::Pickup(pickup) => pickup.vendor_id.as_deref(),
            Self::Contact(_) => None,
        }
    }

    /// Whether this REF item names it.
    pub(crate) fn is_named_by(&self, item: &Item) -> bool {
        item.text("object") == Some(self.id())
    }

    /// Who carries it, if it is carried.
    pub fn carrier(&self) -> Option<Carrier> {
        match self {
            Self::Shipment(shipment) => Some(shipment.carrier),
            Self::Pickup(pickup) => Some(pickup.carrier),
            Self::Payment(_) | Self::Refund(_) | Self::Customer(_) | Self::Message { .. } | Self::Contact(_) => None,
        }
    }

    /// The partition of the order it belongs to, if it belongs to one.
    pub(crate) fn order_pk(&self) -> Option<&str> {
        match self {
            Self::Payment(payment) => Some(&payment.order_pk),
            Self::Refund(refund) => Some(&refund.order_pk),
            Self::Message { message, .. } => message.order_pk.as_deref(),
            Self::Shipment(shipment) => Some(&shipment.order_pk),
            Self::Customer(_) | Self::Pickup(_) | Self::Contact(_) => None,
        }
    }

    /// Its status; a dash for what has none.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Payment(payment) => payment.status.as_str(),
            Self::Refund(refund) => refund.status.as_str(),
            Self::Customer(_) | Self::Contact(_) => "-",
            Self::Message { message, .. } => message.status.as_str(),
            Self::Shipment(shipment) => shipment.status.as_str(),
            Self::Pickup(pickup) => pickup.status.as_str(),
        }
    }

    /// The object that an item of the table holds.
    pub(crate) fn stored(item: &Item) -> Result<Self> {
        match item.text("type") {
            Some("payment") => Ok(Self::Payment(item.parse()?)),
            Some("refund") => Ok(Self::Refund(item.parse()?)),
            Some("customer") => Ok(Self::Customer(item.parse()?)),
            Some("message") => Ok(Self::Message { message: item.parse()?, contact: None }),
            Some("shipment") => Ok(Self::Shipment(item.parse()?)),
            Some("pickup") => Ok(Self::Pickup(item.parse()?)),
            other => Err(Error::bug("subject_unknown", other.unwrap_or("an item without a type"))),
        }
    }

    /// Takes over how it is stored now.
    pub(crate) fn replace(&mut self, item: &Item) -> Result<()> {
        match self {
            Self::Payment(payment) => **payment = item.parse()?,
            Self::Refund(refund) => **refund = item.parse()?,
            Self::Customer(customer) => **customer = item.parse()?,
            Self::Message { message, .. } => **message = item.parse()?,
            Self::Shipment(shipment) => **shipment = item.parse()?,
            Self::Pickup(pickup) => **pickup = item.parse()?,
            Self::Contact(_) => {}
        }
        Ok(())
    }

    /// Says of a refund that it is of more than is left of its payment; false where that is known, or it is no refund.
    pub(crate) fn goes_beyond(&mut self) -> bool {
        match self {
            Self::Refund(refund) => !std::mem::replace(&mut refund.is_beyond, true),
            Self::Payment(_)
            | Self::Customer(_)
            | Self::Message { .. }
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => false,
        }
    }

    /// What follows when somebody says this of it, and the object as it will be.
    pub(crate) fn observe(&self, observed: &Observation, context: &Context) -> Result<(Plan, Self)> {
        if let Some(difference) = self.difference(observed) {
            return self.doubted(&difference, context);
        }
        match (self, observed) {
            (Self::Payment(payment), Observation::Payment(observed)) => {
                payment.observe(observed, context).map(|(plan, after)| (plan, Self::Payment(Box::new(after))))
            }
            (Self::Refund(refund), Observation::Refund(observed)) => {
                refund.observe(observed, context).map(|(plan, after)| (plan, Self::Refund(Box::new(after))))
            }
            (Self::Customer(customer), Observation::Customer(observed)) => {
                customer.observe(observed, context).map(|(plan, after)| (plan, Self::Customer(Box::new(after))))
            }
            (Self::Message { message, .. }, Observation::Message(observed)) => {
                let (plan, after) = message.observe(observed, context)?;
                Ok((plan, Self::Message { message: Box::new(after), contact: None }))
            }
            (Self::Shipment(shipment), Observation::Shipment(observed)) => {
                shipment.observe(observed, context).map(|(plan, after)| (plan, Self::Shipment(Box::new(after))))
            }
            (Self::Pickup(pickup), Observation::Pickup(observed)) => {
                pickup.observe(observed, context).map(|(plan, after)| (plan, Self::Pickup(Box::new(after))))
            }
            (Self::Contact(id), Observation::Contact(observed)) => {
                Ok((contact::observe(id, observed, context)?, Self::Contact(id.clone())))
            }
            _ => Err(Error::bug("observation_mismatch", "an observation of another kind of object")),
        }
    }

    /// What differs between it and what is said of it; nothing where nobody named an id or an amount.
    fn difference(&self, observed: &Observation) -> Option<Difference> {
        if !holds(Guard::OwnObject) {
            return None;
        }
        match self {
            Self::Payment(payment) => payment.difference(observed),
            Self::Refund(refund) => refund.difference(observed),
            Self::Customer(customer) => customer.difference(observed),
            Self::Message { .. } | Self::Shipment(_) | Self::Pickup(_) | Self::Contact(_) => None,
        }
    }

    /// The same for an event that says nothing of a status: only which object it is about, and what that is part of.
    pub(crate) fn difference_of_object(
        &self,
        kind: &str,
        vendor_id: Option<&str>,
        part_of: Option<&str>,
    ) -> Option<Difference> {
        if !holds(Guard::OwnObject) {
            return None;
        }
        match self {
            Self::Payment(payment) => Difference::of_ids(payment.vendor_id.as_deref(), vendor_id, kind),
            Self::Refund(refund) => refund.difference_of_object(kind, vendor_id, part_of),
            Self::Customer(customer) => customer.difference_of_object(kind, vendor_id),
            Self::Message { .. } | Self::Shipment(_) | Self::Pickup(_) | Self::Contact(_) => None,
        }
    }

    /// What is written when something is said of it that it cannot be, and the object as it will be.
    pub(crate) fn doubted(&self, difference: &Difference, context: &Context) -> Result<(Plan, Self)> {
        let plan = match self {
            Self::Payment(payment) => {
                let (plan, after) = payment.doubted(difference, context)?;
                return Ok((plan, Self::Payment(Box::new(after))));
            }
            Self::Refund(refund) => refund.doubted(difference, context)?,
            Self::Customer(customer) => customer.doubted(difference, context)?,
            Self::Message { .. } | Self::Shipment(_) | Self::Pickup(_) | Self::Contact(_) => {
                return Err(Error::bug("doubt", "of what only we say"));
            }
        };
        Ok((plan, self.clone()))
    }

    /// What a verdict says of it where the vendor has said nothing of the object.
    pub(crate) fn statement(&self, intent: &Intent, verdict: &Verdict) -> Option<Observation> {
        match self {
            Self::Payment(payment) => payment.statement(intent, verdict),
            Self::Refund(_) => Refund::statement(intent.kind, verdict),
            Self::Message { .. } => Message::statement(intent.kind, verdict),
            Self::Shipment(_) => Shipment::statement(intent.kind, verdict),
            Self::Pickup(_) => Pickup::statement(intent.kind, verdict),
            Self::Customer(_) | Self::Contact(_) => None,
        }
    }

    /// What a verdict means for it, where that is something else than the verdict says.
    pub(crate) fn meaning(&self, intent: &Intent, verdict: &Verdict) -> Option<Verdict> {
        match self {
            Self::Payment(payment) => payment.meaning(intent, verdict),
            Self::Message { message, .. } => message.meaning(verdict),
            Self::Refund(_) | Self::Customer(_) | Self::Shipment(_) | Self::Pickup(_) | Self::Contact(_) => None,
        }
    }

    /// What giving up an intent of it means; `certainly_not_done` when whatever was called did nothing.
    pub(crate) fn given_up(&self, kind: Kind, certainly_not_done: bool, reason: Reason) -> Verdict {
        let instead = match self {
            Self::Payment(payment) if certainly_not_done => payment.given_up(kind),
            Self::Message { message, .. } if certainly_not_done => message.given_up(reason.clone()),
            Self::Payment(_)
            | Self::Message { .. }
            | Self::Refund(_)
            | Self::Customer(_)
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => None,
        };
        instead.unwrap_or(Verdict::GivenUp { reason })
    }

    /// What is done instead of the call of this intent, if it is not to be made.
    pub(crate) fn stopped(&self, intent: &Intent) -> Option<Stop> {
        match self {
            Self::Payment(payment) => stop::stopped(intent, payment),
            Self::Refund(_)
            | Self::Customer(_)
            | Self::Message { .. }
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => None,
        }
    }

    /// Whether somebody wants nothing done any more that makes it or charges it.
    pub(crate) fn is_called_off(&self) -> bool {
        match self {
            Self::Payment(payment) => payment.cancel_requested && holds(Guard::CancelFirst),
            Self::Refund(_)
            | Self::Customer(_)
            | Self::Message { .. }
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => false,
        }
    }

    /// What stands in the way of sending it to its recipient, if it is a message.
    pub(crate) fn withheld(&self, now: Timestamp) -> Option<Outcome> {
        match self {
            Self::Message { message, contact } => may_be_sent::withheld(message, contact.as_ref(), now),
            Self::Payment(_)
            | Self::Refund(_)
            | Self::Customer(_)
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => None,
        }
    }

    /// The campaign that it is part of, if it is part of one.
    pub(crate) fn campaign(&self) -> Option<&CampaignId> {
        match self {
            Self::Message { message, .. } => message.campaign(),
            Self::Payment(_)
            | Self::Refund(_)
            | Self::Customer(_)
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => None,
        }
    }

    /// "It exists, under this id"; in which state it is, we do not say.
    pub(crate) fn named(&self, vendor_id: &str) -> Result<Observation> {
        Ok(match self {
            Self::Payment(_) => Payment::named(vendor_id),
            Self::Refund(_) => Refund::named(vendor_id),
            // A contact is the subject of events only, never of an intent.
            Self::Customer(_) | Self::Contact(_) => Customer::named(vendor_id),
            Self::Message { .. } => Message::named(vendor_id),
            Self::Shipment(_) => Shipment::named(vendor_id)?,
            Self::Pickup(_) => Pickup::named(vendor_id),
        })
    }

    /// Whether the vendor has to be asked which of two statuses is the later one: what it is known as, or this.
    pub(crate) fn ties_with(&self, observed: &Observation) -> bool {
        match (self, observed) {
            (Self::Payment(payment), Observation::Payment(observed)) => payment.ties_with(observed),
            _ => false,
        }
    }

    /// What the vendor says now, later than all that it has said before.
    pub(crate) fn said_last(&self, mut now: Observation) -> Observation {
        if let (Self::Payment(payment), Observation::Payment(observed)) = (self, &mut now) {
            payment.said_last(observed);
        }
        now
    }

    /// How it stands, where a later word of the vendor's is put in order by that.
    pub(crate) fn standing(&self) -> Option<PaymentStanding> {
        match self {
            Self::Payment(payment) => Some(payment.standing()),
            Self::Refund(_)
            | Self::Customer(_)
            | Self::Message { .. }
            | Self::Shipment(_)
            | Self::Pickup(_)
            | Self::Contact(_) => None,
        }
    }
}

impl WorkList {
    /// Reads what an intent is about: one read, whatever it is.
    pub(crate) async fn subject(&self, intent: &Intent) -> Result<Subject> {
        let key = match &intent.data {
            Data::Payment { payment_id, .. } => payment::key(payment_id),
            Data::Refund { refund_id, payment_id, .. } => refund::key(payment_id, refund_id),
            Data::Customer { customer_id, .. } => customer::key(customer_id),
            Data::Message { message_id, contact_id } => {
                let keys = [message::key(message_id), contact::key(contact_id)];
                let mut items = self.table.get_many(&keys).await?.into_iter();
                let message = items.next().flatten().ok_or_else(|| missing(intent))?.parse()?;
                let contact = items.next().flatten().map(|item| item.parse()).transpose()?;
                return Ok(Subject::Message { message, contact: self.as_one_person(contact).await? });
            }
            Data::Shipment { shipment_id } => shipment::key(shipment_id),
            Data::Pickup { pickup_id } => pickup::key(pickup_id),
            Data::Publish { .. } | Data::KeyStep { .. } => {
                return Err(Error::bug("subject_missing", "neither a publication nor a key's step has a subject"));
            }
        };
        Subject::stored(&self.table.get(&key).await?.ok_or_else(|| missing(intent))?)
    }
}

fn missing(intent: &Intent) -> Error {
    Error::bug("subject_missing", intent.intent_id.as_str())
}
