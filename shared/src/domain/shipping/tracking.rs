//! Where a parcel was seen.

use serde::{Deserialize, Serialize};

use super::ShipmentStatus;
use crate::domain::Timestamp;
use crate::domain::status::Status as _;

/// One scan of a parcel by its carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// When, by the carrier's clock.
    pub at: Timestamp,
    /// What it means to us; `None` for a code that we do not know: it is recorded and moves nothing.
    pub status: Option<ShipmentStatus>,
    /// The carrier's own code.
    pub code: String,
    /// The carrier's own words, at most 200 characters.
    pub description: String,
    /// Where: city and country, no street.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Which of several parcels, by the carrier's number; none where there is one only, or where it is told of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel: Option<String>,
    /// Whether it says that the parcel goes back, of a carrier that calls the delivery to the shipper a delivery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_back: bool,
}

/// All that a carrier tells of one parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// The carrier's number.
    pub tracking_number: String,
    /// Oldest first.
    pub scans: Vec<Scan>,
}

impl Tracking {
    /// Puts the scans into their order; those of one moment stay as they are told.
    pub fn of(tracking_number: &str, mut scans: Vec<Scan>) -> Self {
        scans.sort_by_key(|scan| scan.at);
        Self { tracking_number: tracking_number.to_owned(), scans }
    }

    /// The scans, each with the parcel that it is of.
    pub fn of_parcel(self) -> impl Iterator<Item = Scan> {
        let number = self.tracking_number;
        self.scans.into_iter().map(move |scan| Scan { parcel: Some(number.clone()), ..scan })
    }

    /// The scan that tells where it is: one after which nothing comes, else the newest; of those of one moment, which is a
    /// second with all carriers, the furthest along.
    pub fn latest(&self) -> Option<&Scan> {
        let meant = self.scans.iter().filter_map(|scan| Some((scan.status?, scan)));
        let latest = meant.max_by_key(|(status, scan)| (status.is_terminal(), scan.at, status.rank()));
        latest.map(|(_, scan)| scan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(second: i64, status: Option<ShipmentStatus>) -> Scan {
        let at = Timestamp::from_seconds(second);
        Scan {
            at,
            status,
            code: "X".to_owned(),
            description: String::new(),
            place: None,
            parcel: None,
            sends_back: false,
        }
    }

    fn latest(scans: &[(i64, Option<ShipmentStatus>)]) -> Option<ShipmentStatus> {
        let scans = scans.iter().map(|(second, status)| scan(*second, *status)).collect();
        Tracking::of("1", scans).latest().and_then(|scan| scan.status)
    }

    #[test]
    fn what_a_parcel_s_scans_say_of_it_does_not_depend_on_their_order() {
        use ShipmentStatus::{Delivered, InTransit, OutForDelivery};
        assert_eq!(latest(&[(5, Some(Delivered)), (5, Some(OutForDelivery)), (5, Some(InTransit))]), Some(Delivered));
        assert_eq!(latest(&[(5, Some(OutForDelivery)), (5, Some(InTransit))]), Some(OutForDelivery));
        assert_eq!(latest(&[(5, Some(Delivered)), (9, Some(InTransit))]), Some(Delivered));
        assert_eq!(latest(&[(9, None), (3, Some(InTransit))]), Some(InTransit));
        assert_eq!(latest(&[(9, None)]), None);
    }
}
