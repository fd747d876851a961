//! Stripe's events and the signature of their webhooks.

use super::{Moment, REFUND_EVENTS_SINCE, State};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::iter;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time between an event and its first delivery, in milliseconds.
const DELIVERY_DELAY_MS: i64 = 50;

/// The request that caused an event; both are null when the vendor itself did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// A webhook that Stripe wants to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) due_ms: i64,
    pub(crate) body: Bytes,
    /// The endpoint that it is for; none: the first one.
    pub(crate) endpoint: Option<String>,
}

impl State {
    /// Makes an event. It is delivered only if the endpoint is registered for its type.
    pub(super) fn emit(&mut self, now_ms: i64, kind: &'static str, object: &Value, origin: &Origin) {
        self.make_event(now_ms, kind, &json!({ "object": object }), origin);
    }

    /// Makes an event that says what was before the change.
    pub(super) fn emit_change(
        &mut self,
        now_ms: i64,
        kind: &'static str,
        object: &Value,
        previous: &Map<String, Value>,
        origin: &Origin,
    ) {
        self.make_event(now_ms, kind, &json!({ "object": object, "previous_attributes": previous }), origin);
    }

    fn make_event(&mut self, now_ms: i64, kind: &'static str, data: &Value, origin: &Origin) {
        if kind.starts_with("payment_intent.") {
            self.note_moment(now_ms, &data["object"]);
        }
        let event = json!({
            "id": format!("evt_{}", self.ids.next("evt", 24)),
            "object": "event",
            "api_version": self.endpoint_version,
            "created": now_ms / 1000,
            "data": data,
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": origin.request_id, "idempotency_key": origin.idempotency_key },
            "type": kind,
        });
        // Every refund here is one of a charge.
        let is_too_new = kind.starts_with("refund.") && self.endpoint_version.as_str() < REFUND_EVENTS_SINCE;
        if self.sends(kind) && !is_too_new {
            for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.wants(kind)) {
                let (due_ms, body) = (now_ms + DELIVERY_DELAY_MS, pretty(&event));
                self.outgoing.push(Outgoing { due_ms, body, endpoint: Some(endpoint.id.clone()) });
            }
        }
    }

    /// Every change of a payment intent makes an event, sent or not.
    fn note_moment(&mut self, at_ms: i64, object: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let error = &object["last_payment_error"];
        let error = error.is_object().then(|| (text(&error["code"]), text(&error["decline_code"])));
        let (payment_intent, status) = (text(&object["id"]), text(&object["status"]));
        self.moments.push(Moment { at_ms, payment_intent, status, error });
    }

    /// An event of the second generation: it has no object in it, and its time is a text. Always delivered.
    pub(crate) fn emit_thin(&mut self, now_ms: i64, kind: &str) {
        let created = OffsetDateTime::from_unix_timestamp(now_ms / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let event = json!({
            "id": format!("evt_test_{}", self.ids.next("thin", 30)),
            "object": "v2.core.event",
            "context": null,
            "created": created.format(&Rfc3339).unwrap_or_default(),
            "livemode": false,
            "reason": null,
            "related_object": null,
            "type": kind,
        });
        self.outgoing.push(Outgoing { due_ms: now_ms + DELIVERY_DELAY_MS, body: pretty(&event), endpoint: None });
    }

    /// Whether there is (still) an endpoint of this id.
    pub(crate) fn has_endpoint(&self, id: &str) -> bool {
        self.endpoint(id).is_some()
    }

    /// The headers of one delivery. The signature is made anew at each try, with every secret that is in force.
    pub(crate) fn webhook_headers(
        &self,
        now_ms: i64,
        body: &[u8],
        endpoint: Option<&str>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let now_s = now_ms / 1000;
        let sign = |secret: &str| hex_hmac(secret, now_s, body);
        let own = endpoint.and_then(|id| self.endpoint(id)).filter(|endpoint| !endpoint.secret.is_empty());
        let own = own.map(|endpoint| vec![(endpoint.secret.clone(), None)]);
        let secrets = own.as_ref().unwrap_or(&self.webhook_secrets);
        let in_force = secrets.iter().filter(|(_, until_ms)| until_ms.is_none_or(|until| now_ms < until));
        let v1 = in_force.map(|(secret, _)| format!("v1={}", sign(secret)));
        // v0 is a scheme of test mode that receivers must ignore: never a valid v1.
        let parts = iter::once(format!("t={now_s}")).chain(v1).chain(iter::once(format!("v0={}", sign("v0"))));
        let signature = parts.collect::<Vec<_>>().join(",");
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
            (header::USER_AGENT, HeaderValue::from_static("Stripe/1.0 (+https://stripe.com/docs/webhooks)")),
        ];
        if let Ok(signature) = HeaderValue::from_str(&signature) {
            headers.push((HeaderName::from_static("stripe-signature"), signature));
        }
        headers
    }
}

/// JSON as Stripe writes it: over several lines.
pub(super) fn pretty(value: &Value) -> Bytes {
    format!("{value:#}").into()
}

/// HMAC-SHA256 over `<seconds>.<body>`, lower-case hex. The secret is used as text.
fn hex_hmac(secret: &str, now_s: i64, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{now_s}.").as_bytes());
    mac.update(body);
    format!("{:x}", Bytes::copy_from_slice(&mac.finalize().into_bytes()))
}
