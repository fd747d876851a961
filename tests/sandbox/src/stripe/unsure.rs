//! What Stripe does where nobody outside knows: see [`crate::Dial`].

use super::State;
use super::events::Outgoing;
use crate::answer::header_text;
use crate::dials::{Dial, Dials, LIST_LAG_MS};
use bytes::Bytes;
use http::Request;
use serde_json::Value;

impl State {
    pub(crate) fn dials(&mut self) -> &mut Dials {
        &mut self.dials
    }

    /// Nobody has had the answer to this request.
    pub(crate) fn answer_was_lost(&mut self, request: &Request<Bytes>) {
        if let Some(key) = header_text(request, "idempotency-key")
            && self.dials.is_turned(Dial::LostAnswersForgetTheirKey)
        {
            self.keys.forget(key);
        }
    }

    /// Whether events of this type are sent at all.
    pub(super) fn sends(&self, kind: &str) -> bool {
        kind != "refund.created" || !self.dials.is_turned(Dial::RefundsComeUntold)
    }

    /// Whether a payment in `processing` cannot be canceled.
    pub(super) fn keeps_what_is_processing(&self) -> bool {
        self.dials.is_turned(Dial::ProcessingIsKept)
    }

    /// Webhooks of one moment, as they leave.
    pub(super) fn in_the_order_of_delivery(&self, mut outgoing: Vec<Outgoing>) -> Vec<Outgoing> {
        if self.dials.is_turned(Dial::SecondsAreTurnedRound) {
            outgoing.reverse();
        }
        outgoing
    }

    /// Takes what was made a moment ago out of a list.
    pub(super) fn leave_out_what_is_too_new(&self, now_ms: i64, answer: &mut Value) {
        if answer["object"] != "list" || !self.dials.is_turned(Dial::ListsLag) {
            return;
        }
        if let Some(data) = answer["data"].as_array_mut() {
            data.retain(|object| {
                object["created"].as_i64().is_none_or(|created_s| (created_s * 1000 + LIST_LAG_MS) <= now_ms)
            });
        }
    }
}
