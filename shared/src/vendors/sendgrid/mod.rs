//! SendGrid: mail. (www.twilio.com/docs/sendgrid/api-reference)

pub mod batch;
mod campaign;
mod classify;
mod event;
mod mail;
mod resolve;
mod stats;
mod template;
pub mod verify;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;

use self::batch::Batches;
use self::classify::classify;
use crate::domain::message::{MessageKind, MessageStatus, Prices};
use crate::domain::{Correlation, PrintedName, Private, StackId, Timestamp};
use crate::effects::contact::{Contact, UnsubscribeLinks};
use crate::effects::intent::{Intent, Kind};
use crate::effects::observation::{Observation, ObservedMessage};
use crate::effects::template::Templates;
use crate::effects::{Agent, Outcome, Reason, Subject, Verdict};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, OperationClass, Permit, Reply, Vendor, said_at};
use crate::vendors::rotated::{Rotated, live};
use crate::world::HttpRequest;

pub use event::{read_events, slices};
pub use resolve::EVENT_WINDOW;
pub use stats::{DayStats, Stats};
pub use template::{Library, Pushed};

/// The base URL in production.
pub const API_BASE: &str = "https://api.sendgrid.com";
/// The header that carries the message's id.
const MESSAGE_ID: &str = "x-message-id";

/// The secret `/crossdock/<Stage>/sendgrid`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// For transactional mail.
    pub transactional_api_key: Private<String>,
    /// For marketing: another key, so that the one for orders lives when this one is blocked.
    #[serde(default)]
    pub marketing_api_key: Private<String>,
}

/// The secret `/crossdock/<Stage>/sendgrid-webhook`, the only one that the receiver of its webhooks reads.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookKeys {
    /// The event webhook's public keys; two while one is rolled.
    #[serde(default)]
    pub webhook_public_keys: Vec<Rotated>,
}

impl WebhookKeys {
    /// The public keys that count now.
    pub fn live_webhook_keys(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        live(&self.webhook_public_keys, now)
    }

    /// Whether nothing was put there yet.
    pub fn is_empty(&self) -> bool {
        self.webhook_public_keys.is_empty()
    }
}

/// Whom the mails come from.
#[derive(Clone, Debug)]
pub struct Sender {
    /// A verified sender address.
    pub address: String,
    /// Its display name.
    pub name: String,
    /// The shop's name in texts.
    pub shop: String,
    /// How long to wait for an event of a mail whose outcome is not known, before it counts as not accepted.
    pub event_window: Duration,
    /// Where the shop is, in letters, for marketing mail; none where none is sent.
    pub postal_address: Option<String>,
    /// The mails of which it is watched whether they are opened and what is clicked.
    pub tracked: Vec<MessageKind>,
    /// Whether SendGrid only checks what it is given and sends nothing.
    pub sandbox: bool,
    /// What a mail is estimated to cost.
    pub prices: Prices,
    /// Where the links to unsubscribe lead; none where no marketing is sent.
    pub unsubscribe: Option<UnsubscribeLinks>,
    /// The templates that are kept at SendGrid; what has none is sent as it is written here.
    pub templates: Templates,
}

/// SendGrid.
#[derive(Clone)]
pub struct SendGrid {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
    marketing_keys: Keyring<Keys>,
    sender: Sender,
    stack: StackId,
    batches: Batches,
}

impl SendGrid {
    /// SendGrid at this base URL, with these keys, sending as this sender.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>, sender: Sender, stack: StackId) -> Self {
        let batches = Batches::new(gateway.clone(), base.clone(), &keys);
        let marketing_keys = keys.for_marketing();
        Self { gateway, base, keys, marketing_keys, sender, stack, batches }
    }

    async fn send(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let Subject::Message { message, contact: Some(contact @ Contact { address: Some(address), .. }) } = subject
        else {
            // The address was erased or has expired: there is nobody to write to.
            return Outcome::of(Verdict::Refused { reason: Reason::NoAddress });
        };
        if message.kind.is_marketing() && self.sender.postal_address.is_none() {
            return Outcome::of(Verdict::Refused { reason: Reason::PostalAddressMissing });
        }
        let name = contact.printed_name(message.kind);
        let body = match self.mail(intent, message, address.expose(), name.as_ref()).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(error = %error.chain(), "a mail cannot be written");
                return Outcome::not_done(Reason::VendorCredentials, None, false);
            }
        };
        let is_marketing = message.kind.is_marketing();
        let call = Call {
            vendor: Vendor::SendGrid,
            operation: "mail_send",
            class: OperationClass::Effect,
            permit,
            attempt: intent.attempt,
            correlation: &intent.correlation_id,
        };
        let build = |keys: &Keys| {
            let key = if is_marketing { &keys.marketing_api_key } else { &keys.transactional_api_key };
            json_request(key, &format!("{}/v3/mail/send", self.base), body.clone())
        };
        let keyring = if is_marketing { &self.marketing_keys } else { &self.keys };
        self.outcome(intent.kind, &self.gateway.call(&call, keyring, &build, classify).await)
    }

    fn outcome(&self, kind: Kind, reply: &Reply) -> Outcome {
        if let Some(turned_away) = Outcome::turned_away(reply) {
            return turned_away;
        }
        let now = self.gateway.world().now();
        match (reply.class, &reply.response) {
            // In sandbox mode 200 is a yes: checked, and nothing will be sent.
            (Class::Refused, Some(response)) if self.sender.sandbox && response.status() == StatusCode::OK => {
                Outcome::done(Observation::Message(ObservedMessage::ours(MessageStatus::Sent)))
            }
            (Class::Done, Some(response)) => Outcome::done(Observation::Message(ObservedMessage {
                vendor_at: Some(said_at(response, now)),
                vendor_id: response.headers().get(MESSAGE_ID).and_then(|id| id.to_str().ok()).map(str::to_owned),
                estimate: Some(self.sender.prices.of_mail()),
                ..ObservedMessage::ours(MessageStatus::Sent)
            })),
            (Class::Refused, Some(_)) => Outcome::of(Verdict::Refused { reason: Reason::VendorRefused }),
            (_, response) => {
                let is_turned_away = response.as_ref().is_some_and(|r| r.status() == StatusCode::SERVICE_UNAVAILABLE);
                resolve::wait_for_events(kind, self.sender.event_window, now, is_turned_away)
            }
        }
    }
}

impl Agent for SendGrid {
    fn vendor(&self) -> Vendor {
        Vendor::SendGrid
    }

    fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    fn is_repeatable(&self, _intent: &Intent) -> bool {
        false
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(self.send(intent, subject, permit))
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, _permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(resolve::resolved(
            intent,
            subject,
            self.sender.event_window,
            self.gateway.world().now(),
        )))
    }

    fn fetch<'a>(
        &'a self,
        _vendor: Vendor,
        _vendor_id: &'a str,
        _correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>> {
        Box::pin(std::future::ready(None))
    }
}

/// The header that shows this key. Without one nothing is sent: SendGrid would refuse it, and that would stop those who
/// have one.
fn bearer(key: &Private<String>) -> Result<String> {
    if key.expose().trim().is_empty() {
        return Err(Error::misconfigured("wrong_key", "the secret has no key for these mails"));
    }
    Ok(format!("Bearer {}", key.expose()))
}

/// A POST of JSON with this key.
fn json_request(key: &Private<String>, url: &str, body: Bytes) -> Result<HttpRequest> {
    let mut request = http::Request::post(url).header(AUTHORIZATION, bearer(key)?);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(body).map_err(|_| unusable())
}

/// A GET with this key.
fn get_request(key: &Private<String>, url: &str) -> Result<HttpRequest> {
    let request = http::Request::get(url).header(AUTHORIZATION, bearer(key)?);
    request.body(Bytes::new()).map_err(|_| unusable())
}

fn unusable() -> Error {
    Error::misconfigured("wrong_key", "the key's text is no header value")
}

/// SendGrid refuses `;` and `,` in the names of recipients.
fn recipient_name(name: &PrintedName) -> String {
    name.as_str().chars().map(|c| if matches!(c, ';' | ',') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_there_is_no_request() {
        for none in ["", " "] {
            let key = Private::new(none.to_owned());
            assert!(json_request(&key, API_BASE, Bytes::new()).is_err());
            assert!(get_request(&key, API_BASE).is_err());
        }
        assert!(get_request(&Private::new("SG.key".to_owned()), API_BASE).is_ok());
    }

    #[test]
    fn a_recipients_name_has_none_of_the_characters_that_sendgrid_refuses() {
        let name = PrintedName::of(&Private::new("Lovelace, Ada, Dr.".to_owned())).expect("a name");
        assert_eq!(recipient_name(&name), "Lovelace  Ada  Dr.");
    }
}
