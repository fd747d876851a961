//! The parcels of one shipment: each has its number, its scans and its status, and the shipment's status is made of theirs.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::domain::shipping::{Scan, ShipmentStatus};
use crate::domain::status::{Move, Said, Status as _, decide};

/// One of several parcels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelState {
    /// The carrier's number of it.
    pub number: String,
    /// Where it stands.
    pub status: ShipmentStatus,
    /// The carrier's time of that; absent before its first scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// The newest scan of it that is in the timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_until: Option<Timestamp>,
    /// Whether it was sent back: its delivery is then the shipper's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent_back: bool,
}

impl ParcelState {
    /// One of which nothing is known but what is known of its shipment.
    pub(super) const fn of(number: String, said: Said<ShipmentStatus>) -> Self {
        Self { number, status: said.status, vendor_at: said.vendor_at, scanned_until: None, sent_back: false }
    }

    const fn said(&self) -> Said<ShipmentStatus> {
        Said { status: self.status, vendor_at: self.vendor_at }
    }

    /// Takes a scan of it, whatever order they come in.
    pub(super) fn take(&mut self, scan: &Scan) {
        let Some(status) = scan.status else { return };
        let incoming = Said { status, vendor_at: Some(scan.at) };
        if decide(self.said(), incoming) == Move::Advance {
            (self.status, self.vendor_at) = (status, Some(scan.at));
        }
    }
}

/// Where a shipment of these parcels stands: it has arrived when all of them have, is held up when one of them is, and is
/// else where the last of them is. Of those whose way is over, one that is back makes the shipment one that came back.
pub(super) fn status_of(parcels: &[ParcelState]) -> Option<Said<ShipmentStatus>> {
    let on_their_way = || parcels.iter().filter(|parcel| !parcel.status.is_terminal());
    let held_up = on_their_way().find(|parcel| parcel.status == ShipmentStatus::Exception);
    let last = held_up.or_else(|| on_their_way().min_by_key(|parcel| parcel.status.rank()));
    let over = || {
        let order = |status| match status {
            ShipmentStatus::Returned => 2,
            ShipmentStatus::Delivered => 1,
            _ => 0,
        };
        parcels.iter().max_by_key(|parcel| (order(parcel.status), parcel.vendor_at))
    };
    last.or_else(over).map(ParcelState::said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipment_of(statuses: &[ShipmentStatus]) -> Option<ShipmentStatus> {
        let parcel =
            |status: &ShipmentStatus| ParcelState::of(String::new(), Said { status: *status, vendor_at: None });
        status_of(&statuses.iter().map(parcel).collect::<Vec<_>>()).map(|said| said.status)
    }

    #[test]
    fn a_shipment_has_arrived_when_all_of_its_parcels_have() {
        use ShipmentStatus::{Delivered, Exception, InTransit, LabelCreated, OutForDelivery, Returned, Voided};
        for (parcels, expected) in [
            (&[Delivered, InTransit][..], InTransit),
            (&[Delivered, Delivered], Delivered),
            (&[OutForDelivery, InTransit], InTransit),
            (&[OutForDelivery, Exception, InTransit], Exception),
            (&[Delivered, LabelCreated], LabelCreated),
            (&[Delivered, Returned], Returned),
            (&[Returned, InTransit], InTransit),
            (&[Voided, Delivered], Delivered),
            (&[Voided, Voided], Voided),
        ] {
            assert_eq!(shipment_of(parcels), Some(expected), "{parcels:?}");
        }
        assert_eq!(shipment_of(&[]), None);
    }
}
