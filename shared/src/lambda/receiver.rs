//! What all receivers do: verify with the cached keys, and once more with freshly read keys, then write the webhook to
//! the queue, then answer 2xx. Nothing is parsed before it is verified, and nothing is acknowledged before the queue
//! has it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::http::{Answer, ApiRequest};
use crate::aws::Queues;
use crate::aws::queue::Outgoing;
use crate::domain::{Correlation, Timestamp};
use crate::effects::archive::{Delivery, Part};
use crate::error::{Error, Result};
use crate::gateway::{Keyring, Vendor};
use crate::guard::{Guard, holds};
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;
use crate::vendors::Verified;
use crate::world::World;

/// Bytes of the header fields, and of the URL, that are kept with a webhook, together: they travel with it as a message's
/// attribute and stay with it as an object's metadata, which takes 2 kB. A callback's URL of Twilio's is 250 bytes, a signature
/// of SendGrid's 100; of Stripe's header, which may be longer, a time and one signature are kept.
const HEADERS_MAX_BYTES: usize = 1_000;

/// A receiver's way to the queue.
#[derive(Clone)]
pub struct Receiver {
    /// The vendor whose webhooks it receives.
    pub vendor: Vendor,
    /// The header fields that the signature needs, in lower case. They are archived with the bytes.
    pub headers: &'static [&'static str],
    /// Whether the signature covers the URL too. Then the URL is archived as well.
    pub signs_url: bool,
    /// The queues.
    pub queues: Queues,
    /// The URL of the queue InboundEvents.
    pub queue_url: String,
    /// For time and metrics.
    pub world: World,
}

impl Receiver {
    /// Refuses a request that cannot be a webhook or is too large, before anything else happens.
    ///
    /// # Errors
    /// 405 `method_not_allowed`; 413 `body_too_large`; 400 `invalid_signature` for header fields or a URL that nobody's
    /// signature needs.
    pub fn check(&self, request: &ApiRequest, most_bytes: usize) -> Result<()> {
        self.check_within(request, most_bytes, HEADERS_MAX_BYTES)
    }

    /// The same for a vendor whose header fields may be longer than what is archived of them.
    ///
    /// # Errors
    /// As above.
    pub fn check_within(&self, request: &ApiRequest, most_bytes: usize, most_header_bytes: usize) -> Result<()> {
        only_posts(request)?;
        if request.body.len() > most_bytes {
            self.count(Metric::WebhooksRefused);
            return Err(Error::rejected(413, "body_too_large", "The event is too large."));
        }
        let headers = self.headers.iter().filter_map(|name| request.header(name)).map(str::len);
        let url = self.url(request).map_or(0, str::len);
        if headers.sum::<usize>() + url > most_header_bytes {
            self.count(Metric::WebhooksRefused);
            let refusal = Error::rejected(400, "invalid_signature", "The signature is not valid.");
            return Err(refusal.because("longer than any signature"));
        }
        Ok(())
    }

    /// Reads the keys before the first webhook needs them. What is wrong with them is told then, and not by the first webhook
    /// that nobody can verify.
    pub async fn look_at<K: DeserializeOwned>(
        &self,
        keyring: &Keyring<K>,
        live: impl Fn(&K, Timestamp) -> Result<()> + Send,
    ) {
        if let Err(error) = keyring.get().await.and_then(|keys| live(&keys, self.world.now())) {
            tracing::error!({ fields::VENDOR } = self.vendor.as_str(), error = %error.chain(), "webhooks cannot be verified");
        }
    }

    /// Verifies with the cached keys. If none matches, reads the keys again and tries once more: they may just have
    /// been rotated.
    ///
    /// # Errors
    /// The check's own refusal.
    pub async fn verify<K: DeserializeOwned, T>(
        &self,
        keyring: &Keyring<K>,
        check: impl Fn(&K) -> Result<Verified<T>>,
    ) -> Result<Verified<T>> {
        let refusal = match check(&keyring.get().await?) {
            Ok(verified) => return Ok(verified),
            Err(refusal) => refusal,
        };
        if let Some(keys) = keyring.refresh().await?
            && let Ok(verified) = check(&keys)
        {
            return Ok(verified);
        }
        self.count(Metric::WebhooksRefused);
        Err(refusal)
    }

    /// Sends the parts of a verified webhook to the queue, in order and in one wait, and acknowledges it. `key_id`
    /// names the key that verified it. Each message carries what the archive keeps beside the bytes.
    ///
    /// # Errors
    /// What the queue answers. The vendor gets a 5xx and sends the webhook again.
    pub async fn accept(&self, request: &ApiRequest, key_id: &str, parts: Vec<Message>) -> Result<Answer> {
        let field = |name: &&str| Some(((*name).to_owned(), request.header(name)?.to_owned()));
        self.accept_with(request, key_id, self.headers.iter().filter_map(field).collect(), parts).await
    }

    /// The same where only a part of the header fields is kept.
    ///
    /// # Errors
    /// As above.
    pub async fn accept_with(
        &self,
        request: &ApiRequest,
        key_id: &str,
        headers: BTreeMap<String, String>,
        parts: Vec<Message>,
    ) -> Result<Answer> {
        let mut delivery = Delivery {
            received_at: request.received_at,
            verified_by: key_id.to_owned(),
            headers,
            url: self.url(request).map(str::to_owned),
            part: Part { number: 0, of: parts.len() },
        };
        let mut messages = Vec::with_capacity(parts.len());
        for message in parts {
            delivery.part.number += 1;
            messages.push(message.outgoing(self.vendor, &request.correlation, &delivery)?);
        }
        match (messages.pop(), messages.is_empty()) {
            (Some(only), true) if holds(Guard::DurableBeforeAck) => self.queues.send(&self.queue_url, only).await?,
            (Some(only), true) => drop(self.queues.send(&self.queue_url, only).await),
            (Some(last), false) => {
                messages.push(last);
                self.queues.send_all(&self.queue_url, messages).await?;
            }
            (None, _) => {}
        }
        self.count(Metric::WebhooksReceived);
        Ok(Answer::new(200, Value::Null))
    }

    fn url<'a>(&self, request: &'a ApiRequest) -> Option<&'a str> {
        self.signs_url.then_some(request.url.as_str())
    }

    fn count(&self, metric: Metric) {
        metric.count(self.world.now(), &[self.vendor.as_str()]);
    }
}

/// Refuses every method but POST; nothing is verified then.
///
/// # Errors
/// 405 `method_not_allowed`.
pub fn only_posts(request: &ApiRequest) -> Result<()> {
    if request.method == Method::POST {
        return Ok(());
    }
    Err(Error::rejected(405, "method_not_allowed", "Webhooks are posted."))
}

/// 400 for an empty webhook: SQS takes no empty message, and the vendor must know that it was not accepted.
pub fn empty_body() -> Error {
    Error::rejected(400, "empty_body", "The body is empty.")
}

/// A message for the queue, not sent yet.
#[derive(Clone, Debug)]
pub struct Message {
    body: String,
    base64: bool,
}

impl Message {
    /// The one message of a webhook that is neither empty nor too large.
    ///
    /// # Errors
    /// 400 `empty_body`, 413 `body_too_large`.
    pub fn of_event(bytes: &[u8], most_bytes_in_base64: usize) -> Result<Self> {
        if bytes.is_empty() {
            return Err(empty_body());
        }
        let too_large = || Error::rejected(413, "body_too_large", "The event is too large.");
        Self::verbatim(bytes, most_bytes_in_base64).ok_or_else(too_large)
    }

    /// Verified bytes: as they are if SQS allows every character, else in base64. `None` if they are too large.
    pub fn verbatim(bytes: &[u8], most_bytes_in_base64: usize) -> Option<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.is_empty() && is_allowed(text) => Some(Self { body: text.to_owned(), base64: false }),
            _ if bytes.len() > most_bytes_in_base64 => None,
            _ => Some(Self { body: STANDARD.encode(bytes), base64: true }),
        }
    }

    /// The message with all that the other side needs.
    pub(super) fn outgoing(self, vendor: Vendor, correlation: &Correlation, delivery: &Delivery) -> Result<Outgoing> {
        let delivery =
            serde_json::to_string(delivery).map_err(|e| Error::bug("delivery", "it cannot be written").caused_by(e))?;
        let mut attributes = vec![
            ("type".to_owned(), vendor.as_str().to_owned()),
            ("correlation".to_owned(), correlation.to_string()),
            ("delivery".to_owned(), delivery),
        ];
        attributes.extend(self.base64.then(|| ("encoding".to_owned(), "base64".to_owned())));
        Ok(Outgoing { body: self.body, attributes, delay: Duration::ZERO })
    }
}

/// Whether SQS allows all of these characters (those of XML 1.0: no control characters but tab and line ends, no U+FFFE
/// and U+FFFF). It compares bytes, which costs less than half of decoding them; every webhook passes here.
fn is_allowed(text: &str) -> bool {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    !text.bytes().any(is_control) && !text.contains('\u{FFFE}') && !text.contains('\u{FFFF}')
}

/// The bytes of a queue message, base64 undone.
///
/// # Errors
/// `unknown_message` (a bug) when it says that it is base64 and is not.
pub fn decoded(body: &str, encoding: Option<&str>) -> Result<Vec<u8>> {
    match encoding {
        Some("base64") => STANDARD.decode(body).map_err(|_| Error::bug("unknown_message", "the body is not base64")),
        _ => Ok(body.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_exactly_the_characters_that_xml_allows() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let xml = matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
            assert_eq!(is_allowed(&format!("a{c}a")), xml, "{c:?}");
        }
    }
}
