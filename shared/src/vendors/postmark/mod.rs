//! Postmark: mail, where SendGrid certainly did not take it. (postmarkapp.com/developer)

mod classify;
mod event;
mod resolve;
pub mod verify;
mod wire;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;

use self::classify::{classify, refusal};
use self::wire::{Mail, STREAM, mailbox, message_id, metadata, tracked_links};
use crate::domain::message::{MessageKind, MessageStatus, mail_text};
use crate::domain::{Correlation, OrderId, PrintedName, Private, StackId, Timestamp};
use crate::effects::contact::Contact;
use crate::effects::intent::Intent;
use crate::effects::message::Message;
use crate::effects::observation::{Observation, ObservedMessage};
use crate::effects::{Agent, Outcome, Reason, Subject, Verdict};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, OperationClass, Permit, Reply, Vendor, said_at};
use crate::vendors::rotated::{Rotated, passwords};
use crate::world::HttpRequest;

pub use event::{event_id, read_event};

/// The base URL in production.
pub const API_BASE: &str = "https://api.postmarkapp.com";

/// The secret `/crossdock/<Stage>/postmark`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// Opens one server's API.
    pub server_token: Private<String>,
}

/// The secret `/crossdock/<Stage>/postmark-webhook`, the only one that the receiver of its webhooks reads.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookKeys {
    /// What the webhooks' URLs carry; two while one is rolled.
    #[serde(default)]
    pub webhook_credentials: Vec<Rotated>,
}

impl WebhookKeys {
    /// The credentials that count now.
    ///
    /// # Errors
    /// `webhook_password_too_short`
    pub fn live_webhook_credentials(&self, now: Timestamp) -> Result<Vec<&str>> {
        passwords(&self.webhook_credentials, now, "postmark")
    }

    /// Whether nothing was put there yet.
    pub fn is_empty(&self) -> bool {
        self.webhook_credentials.is_empty()
    }
}

/// The header of the server's token.
const TOKEN: &str = "x-postmark-server-token";

/// Whom the mails come from.
#[derive(Clone, Debug)]
pub struct Sender {
    /// A confirmed sender address.
    pub address: String,
    /// Its display name.
    pub name: String,
    /// The shop's name in texts.
    pub shop: String,
    /// The mails of which it is watched whether they are opened and what is clicked.
    pub tracked: Vec<MessageKind>,
}

/// Postmark.
#[derive(Clone)]
pub struct Postmark {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
    sender: Sender,
    stack: StackId,
}

impl Postmark {
    /// Postmark at this base URL, with these keys, sending as this sender.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>, sender: Sender, stack: StackId) -> Self {
        Self { gateway, base, keys, sender, stack }
    }

    async fn send(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let Subject::Message { message, contact: Some(contact @ Contact { address: Some(address), .. }) } = subject
        else {
            // The address was erased or has expired: there is nobody to write to.
            return Outcome::of(Verdict::Refused { reason: Reason::NoAddress });
        };
        if message.kind.is_marketing() {
            // Postmark closes accounts that send marketing through its transactional stream.
            return Outcome::of(Verdict::Refused { reason: Reason::NotForMarketing });
        }
        let name = contact.printed_name(message.kind);
        let Ok(body) = self.mail(intent, message, address.expose(), name.as_ref()) else {
            return Outcome::of(Verdict::GivenUp { reason: Reason::UnwritableMail });
        };
        let call = Call {
            vendor: Vendor::Postmark,
            operation: "send_email",
            class: OperationClass::Effect,
            permit,
            attempt: intent.attempt,
            correlation: &intent.correlation_id,
        };
        let build = |keys: &Keys| self.request(keys, Method::POST, "/email", body.clone());
        self.outcome(&self.gateway.call(&call, &self.keys, &build, classify).await)
    }

    fn mail(
        &self,
        intent: &Intent,
        message: &Message,
        address: &str,
        name: Option<&PrintedName>,
    ) -> serde_json::Result<Bytes> {
        let order = message.order_id.as_ref();
        let text = mail_text(&message.content, order, &self.sender.shop, name, None);
        let is_tracked = message.kind.may_be_tracked() && self.sender.tracked.contains(&message.kind);
        let mail = Mail {
            from: mailbox(&self.sender.address, Some(&self.sender.name)),
            to: mailbox(address, name.map(PrintedName::as_str)),
            subject: &text.subject,
            text_body: &text.plain,
            html_body: &text.html,
            message_stream: STREAM,
            tag: message.kind.as_str(),
            track_opens: is_tracked,
            track_links: tracked_links(is_tracked),
            metadata: metadata(self.stack.as_str(), order.map(OrderId::as_str), intent.intent_id.as_str()),
        };
        serde_json::to_vec(&mail).map(Into::into)
    }

    fn request(&self, keys: &Keys, method: Method, path: &str, body: Bytes) -> Result<HttpRequest> {
        http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(TOKEN, keys.server_token.expose())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|_| Error::misconfigured("wrong_key", "the token's text is no header value"))
    }

    fn outcome(&self, reply: &Reply) -> Outcome {
        if let Some(turned_away) = Outcome::turned_away(reply) {
            return turned_away;
        }
        let now = self.gateway.world().now();
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => Outcome::done(Observation::Message(ObservedMessage {
                vendor_at: Some(said_at(response, now)),
                vendor_id: message_id(response.body()),
                ..ObservedMessage::ours(MessageStatus::Sent)
            })),
            (Class::Refused, Some(response)) => Outcome::of(Verdict::Refused { reason: refusal(response.body()) }),
            _ => resolve::ask_soon(now),
        }
    }
}

impl Agent for Postmark {
    fn vendor(&self) -> Vendor {
        Vendor::Postmark
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

    fn resolve<'a>(&'a self, intent: &'a Intent, _subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(self.resolved(intent, permit))
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
