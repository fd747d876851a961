//! The webhook: what tracking would say, at every scan, signed with the account's security token.

use super::{State, track};
use crate::deliveries::Posting;
use crate::parcels::Scanned;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, header};
use serde_json::json;
use sha2::Sha256;

/// How long a webhook is tried, in milliseconds (24 h; FedEx does not say).
const RETRY_WINDOW_MS: i64 = 24 * 3_600_000;

impl State {
    /// Tells of one scan, once for each piece.
    pub(super) fn tell(&mut self, position: usize, scanned: Scanned) {
        let Some(shipment) = self.parcels.shipments().get(position) else { return };
        let until_then = {
            let mut shipment = shipment.clone();
            shipment.scans.retain(|scan| scan.at_ms <= scanned.at_ms);
            shipment
        };
        for piece in &shipment.pieces {
            let number = &piece.tracking_number;
            let mut result = track::result(&until_then, number, false);
            result["scanEvents"] = json!([track::scan_event(&until_then, scanned)]);
            let body = json!({
                "output": { "completeTrackResults": [{ "trackingNumber": number, "trackResults": [result] }] },
            });
            self.outgoing.push(Posting::to_endpoint(body.to_string().into(), scanned.at_ms, RETRY_WINDOW_MS));
        }
    }

    /// The headers of one delivery: base64 of the HMAC-SHA256 of the body.
    pub(crate) fn webhook_headers(&self, body: &[u8]) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.webhook_token.as_bytes()) {
            mac.update(body);
            let signature = HeaderValue::from_str(&STANDARD.encode(mac.finalize().into_bytes()));
            headers.extend(signature.map(|signature| (HeaderName::from_static("fdx-signature"), signature)));
        }
        headers
    }
}
