//! Batches: the names under which SendGrid holds mails that have not gone out, and by which it stops them. (POST
//! /v3/mail/batch makes a name and sends nothing; POST /v3/user/scheduled_sends stops what bears it, also what comes later.)

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{Keys, json_request};
use crate::domain::{Correlation, Timestamp};
use crate::effects::Outcome;
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, OperationClass, Permit, Reply, Vendor, retry_after, said_at};

/// SendGrid's batches.
#[derive(Clone)]
pub struct Batches {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
}

#[derive(Deserialize)]
struct Named {
    batch_id: String,
}

impl Batches {
    /// Batches at this base URL, with these keys.
    pub fn new(gateway: Gateway, base: String, keys: &Keyring<Keys>) -> Self {
        Self { gateway, base, keys: keys.for_marketing() }
    }

    /// A new name. One that is lost on the way names nothing.
    pub(super) async fn make(
        &self,
        correlation: &Correlation,
        permit: &Permit,
    ) -> std::result::Result<String, Outcome> {
        let reply = self.post("create_batch", "/v3/mail/batch", Bytes::new(), correlation, permit).await;
        if let Some(turned_away) = Outcome::turned_away(&reply) {
            return Err(turned_away);
        }
        let body = reply.response.filter(|_| reply.class == Class::Done);
        let named = body.and_then(|response| serde_json::from_slice::<Named>(response.body()).ok());
        // Nothing was sent, whatever happened.
        named.map(|named| named.batch_id).ok_or_else(|| Outcome::not_done("vendor_unavailable", None, false))
    }

    /// Stops whatever bears this name, and says since when.
    ///
    /// # Errors
    /// `vendor_unavailable` (transient) when nobody can say whether it is stopped: to be asked for again.
    pub async fn stop(&self, batch_id: &str, correlation: &Correlation, permit: &Permit) -> Result<Timestamp> {
        let body = serde_json::json!({ "batch_id": batch_id, "status": "cancel" }).to_string();
        let reply = self.post("stop_batch", "/v3/user/scheduled_sends", body.into(), correlation, permit).await;
        match (reply.class, &reply.response) {
            // A second word about a batch is refused: then somebody has stopped it before.
            (Class::Done | Class::Refused, Some(response)) => Ok(said_at(response, self.gateway.world().now())),
            _ => Err(Error::transient("vendor_unavailable", "nobody can say whether the campaign is stopped")),
        }
    }

    async fn post(
        &self,
        operation: &'static str,
        path: &str,
        body: Bytes,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Reply {
        let (vendor, class) = (Vendor::SendGrid, OperationClass::Effect);
        let call = Call { vendor, operation, class, permit, attempt: 0, correlation };
        let build = |keys: &Keys| json_request(&keys.marketing_api_key, &format!("{}{path}", self.base), body.clone());
        self.gateway.call(&call, &self.keys, &build, classify).await
    }
}

fn classify(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        201 => Class::Done,
        400 | 404 | 405 => Class::Refused,
        401 | 403 => Class::Credentials,
        429 => Class::Throttled { after: retry_after(headers) },
        503 => Class::Transient,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_answer_has_its_class() {
        for (status, expected) in [
            (201, Class::Done),
            (400, Class::Refused),
            (401, Class::Credentials),
            (403, Class::Credentials),
            (404, Class::Refused),
            (429, Class::Throttled { after: None }),
            (500, Class::Unknown),
            (503, Class::Transient),
            (200, Class::Unknown),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(classify(status, &HeaderMap::new(), b""), expected, "{status}");
        }
    }
}
