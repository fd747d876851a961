//! Parcels: what is sent from where to where, what a carrier asks for it, and how it gets there.
//!
//! Weights are grams, lengths millimetres, prices minor units, all integers: each carrier's adapter turns them into what
//! its API counts in, and rounds up, so that a parcel is never declared lighter or smaller than it is.

pub mod address;
pub mod carrier;
pub mod country;
pub mod customs;
pub mod day;
pub mod parcel;
pub mod pickup;
pub mod quote;
pub mod status;
pub mod tracking;

use serde::{Deserialize, Serialize};

pub use self::address::{Address, AddressCheck, Classification, Party};
pub use self::carrier::Carrier;
pub use self::customs::{Customs, CustomsItem, Incoterm};
pub use self::day::Day;
pub use self::parcel::{Dimensions, Parcel};
pub use self::pickup::{PickupRequest, PickupStatus};
pub use self::quote::{Rate, consignment_hash};
pub use self::status::ShipmentStatus;
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
    /// For the customs; `None` within one customs area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customs: Option<Customs>,
}

impl Consignment {
    /// Parcels in one shipment: FedEx takes 30 or more in one request depending on the service, UPS 200, DHL 999; more
    /// than a small shop sends to one address at once.
    pub const PARCELS_MAX: usize = 20;

    /// The weight of all parcels, in grams.
    pub fn weight_g(&self) -> u64 {
        self.parcels.iter().map(|parcel| u64::from(parcel.weight_g)).sum()
    }

    /// Whether it crosses a border between countries (the European Union counts as many, for the carriers ask for the
    /// value of the goods there, too, or do not mind getting it).
    pub fn is_cross_border(&self) -> bool {
        self.shipper.address.country != self.recipient.address.country
    }

    /// Whether it leaves its customs area, so that it needs a declaration.
    pub fn is_declarable(&self) -> bool {
        !customs::is_one_customs_area(&self.shipper.address.country, &self.recipient.address.country)
    }
}
