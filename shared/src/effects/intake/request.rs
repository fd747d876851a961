//! A request that may be repeated: its record, its answer, and the intent that it works itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{Key, Write};
use crate::domain::{Private, Timestamp, id};
use crate::effects::list::intent::{Intent, Phase};
use crate::effects::subject::payment::Payment;
use crate::effects::work::claim::Lease;
use crate::error::{Error, Result};
use crate::guard::{Guard, holds};

/// How long the answer to an API request is kept for repeats. The thing itself keeps key and hash for good.
const ANSWER_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// The route in the record of requests for payments that came without a key. Its own, so that nobody's key is one of them.
const WITHOUT_A_KEY: &str = "POST /payments without a key";

/// A request that may be repeated.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// `POST /payments`
    pub route: &'static str,
    /// The caller's Idempotency-Key, if there is one.
    pub key: Option<String>,
    /// Hash of method, concrete path and body.
    pub hash: String,
}

/// The record of an API request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    #[serde(rename = "type")]
    item_type: String,
    /// Hash of method, concrete path and body.
    pub hash: String,
    /// What it made.
    pub thing: String,
    /// The final answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<StoredAnswer>,
    pub(super) expires: i64,
}

/// An answer as it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: Private<Value>,
}

impl Repeatable {
    /// Whether a message asks, and no HTTP request.
    pub(super) fn is_command(&self) -> bool {
        !self.route.starts_with("POST ")
    }
}

impl Request {
    /// Where the record of a request lives.
    pub(super) fn key(route: &str, key: &str) -> Key {
        Key::new(format!("REQUEST#{route}#{key}"), "REQUEST")
    }

    fn of(hash: &str, thing: &str, answer: Option<StoredAnswer>, now: Timestamp) -> Self {
        Self {
            item_type: "request".to_owned(),
            hash: hash.to_owned(),
            thing: thing.to_owned(),
            answer,
            expires: now.plus(ANSWER_KEPT).seconds(),
        }
    }

    /// The write that records a request, unless it is recorded already. Expiry is compared, never inferred from
    /// absence: TTL deletes hours late.
    pub(super) fn record(at: Key, hash: &str, thing: &str, now: Timestamp) -> Result<Write> {
        let free = if holds(Guard::AnswerExpiry) {
            "attribute_not_exists(#pk) OR #expires < :now_s"
        } else {
            "attribute_not_exists(#pk) OR (attribute_not_exists(#pk) AND #expires < :now_s)"
        };
        Write::put(at, &Self::of(hash, thing, None, now))?.when(free).bind(":now_s", &now.seconds())
    }

    /// The write that keeps a final answer for repeats: the first one counts.
    pub fn answered(
        route: &str,
        key: &str,
        hash: &str,
        thing: &str,
        (status, body): (u16, Value),
        now: Timestamp,
    ) -> Result<Write> {
        let answer = StoredAnswer { status, body: body.into() };
        let write = Write::put(Self::key(route, key), &Self::of(hash, thing, Some(answer), now))?;
        Ok(write.when("attribute_not_exists(#answer)"))
    }

    /// The write that keeps the final answer to the request that made this payment.
    ///
    /// # Errors
    /// A bug when it is no JSON.
    pub fn payment_answered(route: &str, payment: &Payment, answer: (u16, Value), now: Timestamp) -> Result<Write> {
        let route = if payment.keyless { WITHOUT_A_KEY } else { route };
        let (key, hash) = (&payment.request_key, &payment.request_hash);
        Self::answered(route, key, hash, payment.payment_id.as_str(), answer, now)
    }
}

impl Payment {
    /// Where the request that makes it is recorded.
    pub(super) fn request_record(&self, route: &str) -> Key {
        Request::key(if self.keyless { WITHOUT_A_KEY } else { route }, &self.request_key)
    }
}

/// A new intent that its own request works at once: born CALLING, as a claim would have made it.
pub(super) fn claim_at_birth(intent: &mut Intent, lease: &Lease, now: Timestamp) {
    intent.phase = Phase::Calling;
    intent.owner = Some(lease.owner.clone());
    intent.epoch = 1;
    intent.claims = 1;
    intent.lease_until = Some(lease.until());
    intent.due = lease.until();
    intent.called_until = Some(lease.until());
    intent.first_called_at = Some(now);
    intent.asked_by.clone_from(&lease.asked_by);
}

pub(super) fn same_request(before: &str, now: &str) -> Result<()> {
    if before == now || !holds(Guard::RequestHash) {
        return Ok(());
    }
    let detail = "This Idempotency-Key was used for another request.";
    Err(Error::rejected(422, "idempotency_key_reused", detail))
}

/// The hash that tells whether a repeat is the same request.
pub fn request_hash(method: &str, path: &str, body: &[u8]) -> String {
    id::digest(&[method, path, &String::from_utf8_lossy(body)])
}
