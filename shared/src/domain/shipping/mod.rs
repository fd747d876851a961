//! Parcels: what is sent from where to where, what a carrier asks for it, and how it gets there.
//!
//! Weights are milligrams, lengths micrometres, prices minor units, all integers: each carrier's adapter turns them into
//! what its API counts in, and rounds up, once, so that a parcel is never declared lighter or smaller than it is, nor a
//! step heavier or larger.

pub mod address;
pub mod carrier;
pub mod country;
pub mod customs;
pub mod day;
pub mod latin;
pub mod parcel;
pub mod pickup;
pub mod quote;
pub mod status;
pub mod territory;
pub mod tracking;
pub mod zone;

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

pub use self::address::{Address, AddressCheck, Classification, Party};
pub use self::carrier::Carrier;
pub use self::customs::{Customs, CustomsItem, Incoterm};
pub use self::day::Day;
pub use self::parcel::{Dimensions, Parcel};
pub use self::pickup::{PickupRequest, PickupStatus};
pub use self::quote::{Rate, consignment_hash};
pub use self::status::ShipmentStatus;
pub use self::territory::Territory;
pub use self::tracking::{Scan, Tracking};

/// What is to be sent: one or more parcels from one party to another on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consignment {
    /// Who sends it; also where it is fetched.
    pub shipper: Party,
    /// Who gets it.
    pub recipient: Party,
    /// At least one, at most [`Consignment::PARCELS_MAX`].
    pub parcels: Vec<Parcel>,
    /// The day on which it is handed over, at the shipper's.
    pub ship_date: Day,
    /// When on that day, where the shop says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_at: Option<Timestamp>,
    /// For the customs: always where they are due, and wherever else the shop declares something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customs: Option<Customs>,
}

impl Consignment {
    /// Parcels in one shipment: FedEx takes 30 or more in one request depending on the service, UPS 200, DHL 999; more
    /// than a small shop sends to one address at once.
    pub const PARCELS_MAX: usize = 20;

    /// The weight of all parcels, in milligrams.
    pub fn weight_mg(&self) -> u64 {
        self.parcels.iter().map(Parcel::weight_mg).sum()
    }

    /// Where it comes from, and where it goes to.
    pub fn territories(&self) -> [Territory<'_>; 2] {
        [Territory::of(&self.shipper.address), Territory::of(&self.recipient.address)]
    }

    /// Whether it crosses a border between countries (the European Union counts as many, for the carriers ask for the
    /// value of the goods there, too, or do not mind getting it), or one of the customs within one.
    pub fn is_cross_border(&self) -> bool {
        let [from, to] = self.territories();
        from.code != to.code || self.customs_are_due()
    }

    /// The same as a carrier prints it, with lines and a city of so many characters; `None` where something is too long for it.
    pub fn printed(&self, line_chars: usize, city_chars: usize) -> Option<Self> {
        let shipper = self.shipper.printed(line_chars, city_chars)?;
        let recipient = self.recipient.printed(line_chars, city_chars)?;
        let customs = self.customs.as_ref().map(|customs| customs.printed().unwrap_or_else(|| customs.clone()));
        Some(Self { shipper, recipient, customs, ..self.clone() })
    }

    /// The day on which it can be handed over: its own, or today at the shipper's where that is past, since a purchase may wait.
    pub fn ship_date_at(&self, now: Timestamp) -> Day {
        let today = zone::day(&self.shipper.address, now);
        today.map_or(self.ship_date, |today| self.ship_date.max(today))
    }

    /// Whether it leaves its customs area, so that it needs a declaration.
    pub fn customs_are_due(&self) -> bool {
        let [from, to] = self.territories();
        !from.shares_customs_with(to)
    }

    /// Whether something is declared: where it has to be, and where the shop does so.
    pub fn is_declarable(&self) -> bool {
        self.customs.is_some() || self.customs_are_due()
    }
}
