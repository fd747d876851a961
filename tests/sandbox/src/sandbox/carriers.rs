//! What happens at the carriers, past the shop: parcels that move, tokens that are revoked, secrets that are rolled.

use crate::parcels::{Parcels, Scan};
use crate::{Sandbox, Vendor};

impl Sandbox {
    /// The parcels of a carrier; none for who is no carrier.
    pub fn parcels(&self, carrier: Vendor) -> Option<&Parcels> {
        match carrier {
            Vendor::FedEx => Some(self.fedex.parcels()),
            Vendor::Ups => Some(self.ups.parcels()),
            Vendor::Dhl => Some(self.dhl.parcels()),
            Vendor::Stripe | Vendor::SendGrid | Vendor::Twilio | Vendor::Postmark => None,
        }
    }

    /// The next thing on its way happens to a shipment (by its number or that of a piece), now. None when there is no
    /// such shipment, or nothing is to come: it has arrived, or it is voided.
    pub fn parcel_moves(&mut self, carrier: Vendor, now_ms: i64, number: &str) -> Option<Scan> {
        let scanned = match carrier {
            Vendor::FedEx => self.fedex.advance(now_ms, number),
            Vendor::Ups => self.ups.advance(now_ms, number),
            Vendor::Dhl => self.dhl.advance(now_ms, number),
            _ => None,
        };
        self.post_outgoing();
        scanned.map(|scanned| scanned.scan)
    }

    /// Something that was not on its way happens to a shipment now, such as [`Scan::Unknown`]. False when there is no such
    /// shipment.
    pub fn parcel_is_scanned(&mut self, carrier: Vendor, now_ms: i64, number: &str, scan: Scan) -> bool {
        let known = match carrier {
            Vendor::FedEx => self.fedex.scan(now_ms, number, scan),
            Vendor::Ups => self.ups.scan(now_ms, number, scan),
            Vendor::Dhl => self.dhl.scan(now_ms, number, scan),
            _ => false,
        };
        self.post_outgoing();
        known
    }

    /// Every token that FedEx or UPS has given out is refused from now on.
    pub fn revoke_tokens(&mut self, carrier: Vendor) {
        match carrier {
            Vendor::FedEx => self.fedex.revoke_tokens(),
            Vendor::Ups => self.ups.revoke_tokens(),
            _ => {}
        }
    }

    /// Tracking at this carrier, by number and by reference, finds a label only so many milliseconds after it was bought.
    pub fn labels_show_after(&mut self, carrier: Vendor, ms: i64) {
        match carrier {
            Vendor::FedEx => self.fedex.show_labels_after(ms),
            Vendor::Ups => self.ups.show_labels_after(ms),
            Vendor::Dhl => self.dhl.show_labels_after(ms),
            _ => {}
        }
    }

    /// FedEx signs its webhooks with this token from now on, retries included.
    pub fn set_fedex_webhook_token(&mut self, token: &str) {
        self.fedex.set_webhook_token(token.to_owned());
    }

    /// The `credential` that goes with the events of subscriptions without a destination from now on, retries included.
    pub fn set_ups_webhook_credential(&mut self, credential: &str) {
        self.ups.set_webhook_credential(credential.to_owned());
    }

    /// When something happens to a parcel that this carrier tells its endpoint; epoch milliseconds.
    pub(super) fn next_told_of_parcel_ms(&self, carrier: Vendor) -> Option<i64> {
        let told = self.endpoints.contains_key(&carrier);
        self.parcels(carrier).filter(|_| told).and_then(Parcels::next_planned_ms)
    }
}
