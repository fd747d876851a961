//! Where a shipment stands, and which way that may change.

use serde::{Deserialize, Serialize};

use crate::domain::status::Status;

/// Where a shipment stands. The HTTP contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentStatus {
    /// Asked for; the label is being bought, or nobody knows yet whether it was.
    Processing,
    /// The carrier is down; the work list does it later.
    Deferred,
    /// The carrier refused; nothing was bought.
    Failed,
    /// A person has to look.
    Manual,
    /// The label is there; the carrier has not seen the parcel.
    LabelCreated,
    /// The carrier has it.
    PickedUp,
    /// On its way.
    InTransit,
    /// On the last vehicle.
    OutForDelivery,
    /// Something holds it up. Not terminal: most arrive in the end.
    Exception,
    /// With the recipient. Terminal.
    Delivered,
    /// Back with the shipper. Terminal.
    Returned,
    /// The label was voided. Terminal.
    Voided,
}

impl ShipmentStatus {
    /// The name in JSON and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
            Self::Manual => "manual",
            Self::LabelCreated => "label_created",
            Self::PickedUp => "picked_up",
            Self::InTransit => "in_transit",
            Self::OutForDelivery => "out_for_delivery",
            Self::Exception => "exception",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Voided => "voided",
        }
    }

    /// Whether there is no label, and will be none: the parcel is sent anew under another `parcel_ref`.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Voided)
    }
}

impl Status for ShipmentStatus {
    fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Voided)
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Processing | Self::Deferred | Self::Failed | Self::Manual)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Processing | Self::Deferred | Self::Failed | Self::Manual => 0,
            Self::LabelCreated => 1,
            Self::PickedUp => 2,
            Self::InTransit => 3,
            Self::Exception => 4,
            Self::OutForDelivery => 5,
            Self::Delivered | Self::Returned | Self::Voided => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::status::{Move, Said, decide};

    const fn scanned(status: ShipmentStatus, second: i64) -> Said<ShipmentStatus> {
        Said { status, vendor_at: Some(Timestamp::from_seconds(second)) }
    }

    #[test]
    fn a_scan_that_comes_late_never_moves_a_shipment_back() {
        use ShipmentStatus::{Delivered, Exception, InTransit, OutForDelivery, PickedUp};
        assert_eq!(decide(scanned(OutForDelivery, 9), scanned(InTransit, 5)), Move::Stale);
        assert_eq!(decide(scanned(Delivered, 9), scanned(Exception, 10)), Move::Stale);
        assert_eq!(decide(scanned(OutForDelivery, 5), scanned(Exception, 9)), Move::Advance);
        assert_eq!(decide(scanned(PickedUp, 5), scanned(InTransit, 5)), Move::Advance);
    }
}
