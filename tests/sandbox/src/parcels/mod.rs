//! What the carriers have in common: labels that were bought, parcels on their way, collections that were ordered.
//!
//! A bought label is an effect: each one counts, whether or not the buyer ever saw the answer. How a carrier words all
//! this stands in its own folder; here is only what happened.

pub(crate) mod checks;
mod dial;
mod journey;
pub(crate) mod label;
mod moment;
pub(crate) mod places;
pub(crate) mod tariff;
mod tokens;

pub use dial::{OddRate, ParcelRule, RateRule};
pub use journey::{ParcelCourse, Scan, Scanned};
pub use tariff::Money;
pub use tokens::Tokens;

pub(crate) use dial::Rules;
pub(crate) use moment::Moment;
pub(crate) use tokens::BadToken;

use journey::Plan;
use serde::Serialize;

/// One end of a way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Who is there.
    pub name: String,
    /// The first line of the address.
    pub street: String,
    /// The city.
    pub city: String,
    /// State or province; may be empty.
    pub province: String,
    /// May be empty where a country has none.
    pub postcode: String,
    /// ISO 3166-1, two letters.
    pub country: String,
}

/// One parcel of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Its own number; the first piece's is often the shipment's.
    pub tracking_number: String,
    /// Grams.
    pub weight_g: i64,
    /// The caller's references of this piece and of its shipment.
    pub references: Vec<String>,
    /// The bytes of its label.
    #[serde(skip)]
    pub label: Vec<u8>,
}

/// A label that was bought: one effect, whatever the buyer heard of it.
#[derive(Clone, Debug, Serialize)]
pub struct Shipment {
    /// The number of the whole shipment.
    pub tracking_number: String,
    /// One or more.
    pub pieces: Vec<Piece>,
    /// The carrier's code of the service.
    pub service: String,
    /// Where it starts.
    pub from: Place,
    /// Where it goes.
    pub to: Place,
    /// What the account is billed, unless the label is voided.
    pub price: Money,
    /// When it was bought, epoch milliseconds.
    pub bought_ms: i64,
    /// When it was voided, epoch milliseconds.
    pub voided_ms: Option<i64>,
    /// What happened to it, oldest first; the first is always that the label was made.
    pub scans: Vec<Scanned>,
    #[serde(skip)]
    plan: Plan,
}

impl Shipment {
    /// A label that is bought just now; its parcels take this course.
    pub(crate) fn bought(now_ms: i64, draft: Draft, pieces: Vec<Piece>, course: ParcelCourse) -> Self {
        let Draft { service, from, to, price, .. } = draft;
        let abroad = from.country != to.country;
        Self {
            tracking_number: pieces.first().map(|piece| piece.tracking_number.clone()).unwrap_or_default(),
            pieces,
            service,
            from,
            to,
            price,
            bought_ms: now_ms,
            voided_ms: None,
            scans: vec![Scanned { at_ms: now_ms, scan: Scan::Created }],
            plan: Plan::new(now_ms, course, abroad),
        }
    }

    /// Whether it, or one of its pieces, has this number.
    pub fn has_number(&self, number: &str) -> bool {
        self.tracking_number == number || self.pieces.iter().any(|piece| piece.tracking_number == number)
    }

    /// Whether it, or one of its pieces, carries this reference of the caller's.
    pub fn has_reference(&self, reference: &str) -> bool {
        self.pieces.iter().any(|piece| piece.references.iter().any(|own| own == reference))
    }

    /// The last thing that happened to it.
    pub fn last_scan(&self) -> Scanned {
        self.scans.last().copied().unwrap_or(Scanned { at_ms: self.bought_ms, scan: Scan::Created })
    }

    /// Whether the carrier has it: then it can no longer be voided.
    pub fn is_collected(&self) -> bool {
        self.scans.len() > 1
    }
}

/// A label that is asked for and can be sold.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) service: String,
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) price: Money,
    pub(crate) parcels: Vec<tariff::Parcel>,
    /// For each parcel, the caller's references.
    pub(crate) references: Vec<Vec<String>>,
}

/// A collection that was ordered.
#[derive(Clone, Debug, Serialize)]
pub struct Pickup {
    /// The carrier's confirmation.
    pub number: String,
    /// From when on the parcels are ready, epoch milliseconds.
    pub ready_ms: i64,
    /// When it was ordered, epoch milliseconds.
    pub ordered_ms: i64,
    /// When it was cancelled, epoch milliseconds.
    pub cancelled_ms: Option<i64>,
}

/// Why something cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotUndone {
    Unknown,
    Already,
    /// The parcel is with the carrier.
    TooLate,
}

/// Everything that one carrier has sold, carries and is to collect.
#[derive(Debug, Default)]
pub struct Parcels {
    shipments: Vec<Shipment>,
    pickups: Vec<Pickup>,
    /// How long after it was bought a label is found by tracking, in milliseconds.
    shown_after_ms: i64,
}

impl Parcels {
    /// Every label that was ever bought, voided ones included, oldest first.
    pub fn shipments(&self) -> &[Shipment] {
        &self.shipments
    }

    /// The labels with this reference of the caller's, voided ones included. Two that are not voided are one too many.
    pub fn bought_for(&self, reference: &str) -> Vec<&Shipment> {
        self.shipments.iter().filter(|shipment| shipment.has_reference(reference)).collect()
    }

    /// The labels with this reference that are not voided: what is billed.
    pub fn billed_for(&self, reference: &str) -> Vec<&Shipment> {
        self.bought_for(reference).into_iter().filter(|shipment| shipment.voided_ms.is_none()).collect()
    }

    /// One shipment by its own number or that of a piece.
    pub fn shipment(&self, number: &str) -> Option<&Shipment> {
        self.shipments.iter().find(|shipment| shipment.has_number(number))
    }

    /// Every collection that was ever ordered, cancelled ones included, oldest first.
    pub fn pickups(&self) -> &[Pickup] {
        &self.pickups
    }

    pub(crate) fn show_after(&mut self, ms: i64) {
        self.shown_after_ms = ms;
    }

    /// Whether tracking finds it by now.
    pub(crate) fn is_shown(&self, now_ms: i64, shipment: &Shipment) -> bool {
        shipment.bought_ms + self.shown_after_ms <= now_ms
    }

    pub(crate) fn buy(&mut self, shipment: Shipment) {
        self.shipments.push(shipment);
    }

    pub(crate) fn void(&mut self, now_ms: i64, number: &str) -> Result<&Shipment, NotUndone> {
        let found = self.shipments.iter_mut().find(|shipment| shipment.has_number(number));
        let shipment = found.ok_or(NotUndone::Unknown)?;
        if shipment.voided_ms.is_some() {
            return Err(NotUndone::Already);
        }
        if shipment.is_collected() {
            return Err(NotUndone::TooLate);
        }
        shipment.voided_ms = Some(now_ms);
        Ok(shipment)
    }

    pub(crate) fn order_pickup(&mut self, pickup: Pickup) {
        self.pickups.push(pickup);
    }

    /// Cancels every collection that fits.
    pub(crate) fn cancel_pickups(&mut self, now_ms: i64, fits: impl Fn(&Pickup) -> bool) -> Result<(), NotUndone> {
        let mut found = Err(NotUndone::Unknown);
        for pickup in self.pickups.iter_mut().filter(|pickup| fits(pickup)) {
            if pickup.cancelled_ms.is_none() {
                pickup.cancelled_ms = Some(now_ms);
                found = Ok(());
            } else if found.is_err() {
                found = Err(NotUndone::Already);
            }
        }
        found
    }
}
