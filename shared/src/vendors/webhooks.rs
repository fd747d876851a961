//! How the webhooks of each vendor are read: one table, and the only place besides the vendor's own receiver that has to
//! know a new vendor's events.

use super::carrier::Push;
use super::{fedex, postmark, sendgrid, stripe, twilio, ups};
use crate::domain::Timestamp;
use crate::effects::archive::Delivery;
use crate::effects::inbound::Event;
use crate::effects::observation::{Observation, ObservedShipment};
use crate::error::{Error, Result};
use crate::gateway::Vendor;

/// A webhook to be read.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedWebhook<'a> {
    /// The bytes, as they were signed.
    pub bytes: &'a [u8],
    /// How they came.
    pub delivery: &'a Delivery,
    /// Now, for events that have no time of their own.
    pub now: Timestamp,
}

/// How the webhooks of one vendor are read.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    /// The id of the one event in a webhook, also where nothing else of it can be read; `None` where one tells of many.
    pub event_id: fn(&[u8]) -> Option<String>,
    /// What keeps events in order.
    pub order: Order,
    /// Its events, each on its own.
    pub read: fn(&ReceivedWebhook<'_>) -> Result<Vec<Result<Event>>>,
}

/// Which webhooks of a batch are read one after the other.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Those about one object.
    ByObject(fn(&[u8]) -> Option<String>),
    /// All of the vendor's: one tells of many objects, or the vendor sends few.
    OfVendor,
}

/// The table.
pub const fn parser(vendor: Vendor) -> Parser {
    match vendor {
        Vendor::Stripe => Parser {
            event_id: stripe::event_id,
            order: Order::ByObject(stripe::object_id),
            read: |told| Ok(vec![Ok(stripe::read_event(told.bytes, told.now)?)]),
        },
        // A slice has the events of many messages; slices of one batch are in the vendor's order.
        Vendor::SendGrid => Parser {
            event_id: none,
            order: Order::OfVendor,
            read: |told| {
                let part = &told.delivery.part;
                sendgrid::read_events(told.bytes, part.number, part.of, told.now)
            },
        },
        // Twilio's has no time of its own: it is as old as its delivery, however late it is read.
        Vendor::Twilio => Parser {
            event_id: twilio::event_id,
            order: Order::ByObject(twilio::object_id),
            read: |told| {
                let url = told.delivery.url.as_deref().unwrap_or_default();
                Ok(vec![Ok(twilio::read_event(url, told.bytes, told.delivery.received_at)?)])
            },
        },
        Vendor::Postmark => Parser {
            event_id: postmark::event_id,
            order: Order::OfVendor,
            read: |told| Ok(vec![Ok(postmark::read_event(told.bytes, told.delivery.received_at)?)]),
        },
        // FedEx may tell all scans of a parcel at once.
        Vendor::Fedex => Parser {
            event_id: none,
            order: Order::OfVendor,
            read: |told| Ok(fedex::read_pushes(told.bytes)?.into_iter().map(|push| Ok(scanned(push))).collect()),
        },
        Vendor::Ups => Parser {
            event_id: ups::event_id,
            order: Order::ByObject(ups::object_id),
            read: |told| Ok(vec![Ok(scanned(ups::read_event(told.bytes, told.delivery.received_at)?))]),
        },
        Vendor::Dhl => Parser {
            event_id: none,
            order: Order::OfVendor,
            read: |_| Err(Error::bug("unknown_message", "DHL tells nothing unasked")),
        },
    }
}

const fn none(_bytes: &[u8]) -> Option<String> {
    None
}

/// A carrier's scan as an event: of a shipment that is ours by its number.
fn scanned(mut push: Push) -> Event {
    // Where a shipment has several parcels, it is one of them.
    push.scan.parcel = Some(push.tracking_number.clone());
    Event {
        event_id: push.event_id,
        kind: push.scan.code.clone(),
        occurred_at: push.scan.at,
        stack: None,
        intent_id: None,
        order_id: None,
        vendor_id: Some(push.tracking_number),
        part_of: None,
        refunded: None,
        refunded_by_us: None,
        introduces: false,
        otherwise: None,
        observed: Some(Observation::Shipment(ObservedShipment::Scanned(vec![push.scan]))),
        archive_key: None,
    }
}
