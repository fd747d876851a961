//! The carriers of this stack.

use crate::domain::StackId;
use crate::domain::shipping::Carrier;
use crate::effects::Lease;
use crate::gateway::{Gateway, Permit, Vendor};
use crate::vendors::carrier::CarrierApi;
use crate::vendors::dhl::Dhl;
use crate::vendors::fedex::Fedex;
use crate::vendors::ups::Ups;

use super::labels::Labels;

/// All carriers, and where their labels are kept.
#[derive(Clone)]
pub struct Carriers {
    pub(super) fedex: Fedex,
    pub(super) ups: Ups,
    pub(super) dhl: Dhl,
    pub(super) labels: Labels,
    pub(super) gateway: Gateway,
    pub(super) stack: StackId,
}

impl Carriers {
    /// These carriers, behind this gateway.
    pub const fn new(fedex: Fedex, ups: Ups, dhl: Dhl, labels: Labels, gateway: Gateway, stack: StackId) -> Self {
        Self { fedex, ups, dhl, labels, gateway, stack }
    }

    /// One of them.
    pub fn get(&self, carrier: Carrier) -> &dyn CarrierApi {
        match carrier {
            Carrier::Fedex => &self.fedex,
            Carrier::Ups => &self.ups,
            Carrier::Dhl => &self.dhl,
        }
    }

    /// Leave to call one of them, asked for beside something else: for one call of its quota.
    pub async fn permit_of(&self, carrier: Carrier, lease: &Lease) -> Permit {
        self.gateway.permit(Vendor::from(carrier), lease.lane, lease.call_by).await
    }

    /// Where labels are kept.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }
}
