//! Batches: the names under which SendGrid holds mails that have not gone out, and by which it stops them. (POST
//! /v3/mail/batch makes a name and sends nothing; POST /v3/user/scheduled_sends stops what bears it, also what comes later.)

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;

use super::{Keys, get_request, json_request};
use crate::domain::{Correlation, Timestamp};
use crate::effects::Outcome;
use crate::effects::Reason;
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, OperationClass, Permit, Reply, Vendor, retry_after, said_at};
use crate::world::HttpRequest;

/// Where batches are stopped.
const SCHEDULED_SENDS: &str = "/v3/user/scheduled_sends";
/// The word that stops a batch for good.
const CANCEL: &str = "cancel";

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
        named.map(|named| named.batch_id).ok_or_else(|| Outcome::not_done(Reason::VendorUnavailable, None, false))
    }

    /// Stops whatever bears this name, and says since when at the latest; `None` when SendGrid does not stop it. A refusal may
    /// mean that it is stopped already, that it is too late, or that ten other batches are stopped; and an answer that is lost
    /// means anything: in doubt SendGrid is asked what it has stopped.
    ///
    /// # Errors
    /// `vendor_unavailable` (transient) when nobody can say whether it is stopped: to be asked for again.
    pub async fn stop(&self, batch_id: &str, correlation: &Correlation, permit: &Permit) -> Result<Option<Timestamp>> {
        let body = serde_json::json!({ "batch_id": batch_id, "status": CANCEL }).to_string();
        let reply = self.post("stop_batch", SCHEDULED_SENDS, body.into(), correlation, permit).await;
        if let (Class::Done, Some(response)) = (reply.class, &reply.response) {
            return Ok(Some(said_at(response, self.gateway.world().now())));
        }
        let own = Permit::until(permit.call_by(), permit.lane());
        let (word, at) = self.said_of(batch_id, correlation, &own).await?;
        match word.as_deref() {
            Some(CANCEL) => Ok(Some(at)),
            // Somebody has paused it by hand. What is paused goes out when they resume it.
            Some(_) => self.stop_for_good(batch_id, correlation, permit).await.map(Some),
            None if reply.class == Class::Refused => Ok(None),
            None => Err(in_doubt()),
        }
    }

    /// What somebody has said of this batch, if anything, and when SendGrid told so. (GET …/scheduled_sends/{batch_id}: its
    /// answer is a list, which in the specification's example has other batches, too.)
    async fn said_of(
        &self,
        batch_id: &str,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Result<(Option<String>, Timestamp)> {
        #[derive(Deserialize)]
        struct Said {
            batch_id: String,
            status: String,
        }
        let url = self.url_of(batch_id);
        let build = |keys: &Keys| get_request(&keys.marketing_api_key, &url);
        let reply = self.call("list_stops", OperationClass::Read, &build, correlation, permit).await;
        let now = self.gateway.world().now();
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => {
                let all: Vec<Said> = serde_json::from_slice(response.body()).map_err(|_| in_doubt())?;
                let said = all.into_iter().find(|said| said.batch_id == batch_id).map(|said| said.status);
                Ok((said, said_at(response, now)))
            }
            (Class::Refused, Some(response)) if response.status() == StatusCode::NOT_FOUND => {
                Ok((None, said_at(response, now)))
            }
            _ => Err(in_doubt()),
        }
    }

    /// Cancels what is paused. (PATCH …/scheduled_sends/{batch_id}.)
    async fn stop_for_good(&self, batch_id: &str, correlation: &Correlation, permit: &Permit) -> Result<Timestamp> {
        let own = Permit::until(permit.call_by(), permit.lane());
        let url = self.url_of(batch_id);
        let body = Bytes::from(serde_json::json!({ "status": CANCEL }).to_string());
        let build = |keys: &Keys| {
            let mut request = json_request(&keys.marketing_api_key, &url, body.clone())?;
            *request.method_mut() = Method::PATCH;
            Ok(request)
        };
        let reply = self.call("update_stop", OperationClass::Effect, &build, correlation, &own).await;
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => Ok(said_at(response, self.gateway.world().now())),
            _ => Err(in_doubt()),
        }
    }

    /// SendGrid's ids are letters, digits, `-` and `_`; anything else is encoded rather than trusted.
    fn url_of(&self, batch_id: &str) -> String {
        let id: String = form_urlencoded::byte_serialize(batch_id.as_bytes()).collect();
        format!("{}{SCHEDULED_SENDS}/{id}", self.base)
    }

    async fn post(
        &self,
        operation: &'static str,
        path: &str,
        body: Bytes,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Reply {
        let build = |keys: &Keys| json_request(&keys.marketing_api_key, &format!("{}{path}", self.base), body.clone());
        self.call(operation, OperationClass::Effect, &build, correlation, permit).await
    }

    async fn call(
        &self,
        operation: &'static str,
        class: OperationClass,
        build: &(dyn Fn(&Keys) -> Result<HttpRequest> + Sync),
        correlation: &Correlation,
        permit: &Permit,
    ) -> Reply {
        let call = Call { vendor: Vendor::SendGrid, operation, class, permit, attempt: 0, correlation };
        self.gateway.call(&call, &self.keys, build, classify).await
    }
}

fn in_doubt() -> Error {
    Error::transient("vendor_unavailable", "nobody can say whether the campaign is stopped")
}

fn classify(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        200 | 201 | 204 => Class::Done,
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
            (200, Class::Done),
            (204, Class::Done),
            (202, Class::Unknown),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(classify(status, &HeaderMap::new(), b""), expected, "{status}");
        }
    }
}
