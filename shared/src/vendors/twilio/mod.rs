//! Twilio: SMS. (www.twilio.com/docs/messaging/api)

mod classify;
mod event;
mod resolve;
mod status;
pub mod verify;
mod wire;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;

use self::classify::{classify, classify_read, is_ours_to_fix, refusal};
use self::wire::Sms;
use crate::domain::message::{Estimate, MessageStatus, Prices, WayToStop, sms_text};
use crate::domain::sms::segments;
use crate::domain::{Correlation, Private, StackId, Timestamp};
use crate::effects::contact::{Contact, UnsubscribeLinks};
use crate::effects::intent::{Intent, Kind};
use crate::effects::message::Message;
use crate::effects::observation::{MessageFact, Observation, ObservedMessage};
use crate::effects::{Agent, Outcome, Reason, Subject, Verdict};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, Lane, OperationClass, Permit, Reply, Vendor, said_at};
use crate::vendors::rotated::{Rotated, live};
use crate::world::{HttpRequest, HttpResponse};

pub use event::{event_id, object_id, read_event};

/// The base URL in production.
pub const API_BASE: &str = "https://api.twilio.com";

/// The secret `/crossdock/<Stage>/twilio`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// `AC…`
    pub account_sid: String,
    /// The API key that we call with: `SK…` and its secret. (www.twilio.com/docs/iam/api-keys)
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// What was called with before there were API keys: the first that counts. It is read for one release more.
    #[serde(default)]
    pub auth_tokens: Vec<Rotated>,
    /// A number of ours in E.164, a name, or a messaging service (`MG…`).
    pub from: Private<String>,
}

/// An API key of an account's.
#[derive(Clone, Debug, Deserialize)]
pub struct ApiKey {
    /// `SK…`
    pub sid: String,
    /// Its secret.
    pub secret: Private<String>,
}

impl Keys {
    /// The user and password of each call.
    fn credential(&self, now: Timestamp) -> Option<(&str, &str)> {
        match &self.api_key {
            Some(ApiKey { sid, secret }) => Some((sid, secret.expose())),
            None => Some((&self.account_sid, live(&self.auth_tokens, now).next()?)),
        }
    }
}

/// The secret `/crossdock/<Stage>/twilio-webhook`, the only one that the receiver of its webhooks reads.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookKeys {
    /// The auth tokens of the account that sends; two while one is rolled. They sign callbacks, and they open the account: see
    /// infra/docs/keys.md.
    #[serde(default)]
    pub auth_tokens: Vec<Rotated>,
}

impl WebhookKeys {
    /// The tokens that count now.
    pub fn live_tokens(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        live(&self.auth_tokens, now)
    }

    /// Whether nothing was put there yet.
    pub fn is_empty(&self) -> bool {
        self.auth_tokens.is_empty()
    }
}

/// Time for a look at one message.
const FETCH_TIME: Duration = Duration::from_secs(8);

/// Twilio.
#[derive(Clone)]
pub struct Twilio {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
    /// Where its callbacks go.
    callback_base: String,
    wording: Wording,
    stack: StackId,
}

/// What texts are made with.
#[derive(Clone, Debug)]
pub struct Wording {
    /// The shop's name.
    pub shop: String,
    /// What texts are estimated at.
    pub prices: Prices,
    /// Where promotions of a sender with a name are stopped; none where none are sent.
    pub unsubscribe: Option<UnsubscribeLinks>,
}

impl Twilio {
    /// Twilio at this base URL, with these keys, telling statuses to the receiver at this URL; texts are in this shop's
    /// name, and estimated at these prices.
    pub fn new(
        gateway: Gateway,
        base: String,
        keys: Keyring<Keys>,
        callback_base: String,
        wording: Wording,
        stack: StackId,
    ) -> Self {
        Self { gateway, base, keys, callback_base, wording, stack }
    }

    async fn send(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let Some((message, number)) = recipient(subject) else {
            // The number was erased or has expired: there is nobody to write to.
            return Outcome::of(Verdict::Refused { reason: Reason::NoAddress });
        };
        let text = match self.text(message).await {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(error = %error.chain(), "an SMS cannot be written");
                return Outcome::not_done(Reason::VendorCredentials, None, false);
            }
        };
        let counted = segments(&text);
        if text.is_empty() || !counted.fits {
            return Outcome::of(Verdict::Refused { reason: Reason::UnwritableSms });
        }
        let callback = wire::callback(&self.callback_base, &self.stack, &intent.intent_id);
        // A code that lies in a queue for longer than it is good for only confuses.
        let validity =
            (intent.kind == Kind::SmsTwoFactorCode).then(|| intent.give_up_at.since(self.gateway.world().now()));
        let call = Call {
            vendor: Vendor::Twilio,
            operation: "create_message",
            class: OperationClass::Effect,
            permit,
            attempt: intent.attempt,
            correlation: &intent.correlation_id,
        };
        let build = |keys: &Keys| {
            let sms = Sms { to: number, from: keys.from.expose(), text: &text, callback: &callback, validity };
            self.request(keys, Method::POST, "Messages.json", Some(sms.form()))
        };
        let estimate = self.wording.prices.of_segments(counted.count, number);
        self.outcome(intent, estimate, &self.gateway.call(&call, &self.keys, &build, classify).await)
    }

    /// What a message says. Nobody can answer a sender with a name: its promotions have a link in the place of STOP.
    async fn text(&self, message: &Message) -> Result<String> {
        let Wording { shop, unsubscribe, .. } = &self.wording;
        let link = if message.kind.is_marketing() && !can_be_answered(self.keys.get().await?.from.expose()) {
            let missing = || Error::misconfigured("setting_missing", "no unsubscribe URL for an SMS promotion");
            Some(unsubscribe.as_ref().ok_or_else(missing)?.of(&message.contact_id).await?)
        } else {
            None
        };
        let stop = link.as_deref().map_or(WayToStop::Reply, WayToStop::Link);
        Ok(sms_text(&message.content, message.order_id.as_ref(), shop, stop))
    }

    /// A question, which is built with the keys.
    async fn ask(
        &self,
        operation: &'static str,
        attempt: u32,
        correlation: &Correlation,
        permit: &Permit,
        path: impl Fn(&Keys) -> String + Sync,
    ) -> Reply {
        let class = OperationClass::Read;
        let call = Call { vendor: Vendor::Twilio, operation, class, permit, attempt, correlation };
        let build = |keys: &Keys| self.request(keys, Method::GET, &path(keys), None);
        self.gateway.call(&call, &self.keys, &build, classify_read).await
    }

    /// A request for something of our account's.
    fn request(&self, keys: &Keys, method: Method, path: &str, form: Option<String>) -> Result<HttpRequest> {
        let unusable = |what: &str| Error::misconfigured("wrong_key", what.to_owned());
        let credential = keys.credential(self.gateway.world().now());
        let (user, password) = credential.ok_or_else(|| unusable("there is no API key"))?;
        let account = segment(&keys.account_sid);
        let credential = STANDARD.encode(format!("{user}:{password}"));
        let mut builder = http::Request::builder()
            .method(method)
            .uri(format!("{}/2010-04-01/Accounts/{account}/{path}", self.base))
            .header(AUTHORIZATION, format!("Basic {credential}"));
        if form.is_some() {
            builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        builder
            .body(form.unwrap_or_default().into_bytes().into())
            .map_err(|_| unusable("the account's id is no part of a URL"))
    }

    fn outcome(&self, intent: &Intent, estimate: Estimate, reply: &Reply) -> Outcome {
        if let Some(turned_away) = Outcome::turned_away(reply) {
            return turned_away;
        }
        let now = self.gateway.world().now();
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => match told(response, now) {
                Some(observed) => {
                    Outcome::done(Observation::Message(ObservedMessage { estimate: Some(estimate), ..observed }))
                }
                None => resolve::ask_soon(intent.kind, now),
            },
            (Class::Refused, Some(response)) => {
                if is_ours_to_fix(response.body()) {
                    tracing::error!(
                        code = classify::code(response.body()),
                        "Twilio refuses our SMS for how the account or the sender is set up: see twilio.com/docs/api/errors"
                    );
                }
                refused(response.body())
            }
            _ => resolve::ask_soon(intent.kind, now),
        }
    }

    /// How a message stands now, for those whose statuses have not come.
    async fn fetched(&self, vendor_id: &str, correlation: &Correlation) -> Option<Observation> {
        let now = self.gateway.world().now();
        let permit = Permit::until(now.plus(FETCH_TIME), Lane::Background);
        let path = |_: &Keys| format!("Messages/{}.json", segment(vendor_id));
        let reply = self.ask("fetch_message", 0, correlation, &permit, path).await;
        let response = reply.response.filter(|_| reply.class == Class::Done)?;
        told(&response, now).map(Observation::Message)
    }
}

impl Agent for Twilio {
    fn vendor(&self) -> Vendor {
        Vendor::Twilio
    }

    fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    fn is_repeatable(&self, _intent: &Intent) -> bool {
        false
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        match intent.kind {
            Kind::SmsStatus => Box::pin(self.status(intent, subject, permit)),
            _ => Box::pin(self.send(intent, subject, permit)),
        }
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        match intent.kind {
            Kind::SmsStatus => Box::pin(self.status(intent, subject, permit)),
            _ => Box::pin(self.resolved(intent, subject, permit)),
        }
    }

    fn fetch<'a>(
        &'a self,
        _vendor: Vendor,
        vendor_id: &'a str,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>> {
        Box::pin(self.fetched(vendor_id, correlation))
    }
}

/// Whether somebody can answer what this sender sends: a number, a short code, or a messaging service, which is asked to
/// have one. (twilio.com/docs/glossary/what-alphanumeric-sender-id: a name has letters, and is one-way.)
fn can_be_answered(from: &str) -> bool {
    wire::is_service(from) || !from.contains(|c: char| c.is_ascii_alphabetic())
}

/// A message and the number that it goes to, while that is known.
fn recipient(subject: &Subject) -> Option<(&Message, &str)> {
    let Subject::Message { message, contact: Some(Contact { address: Some(number), .. }) } = subject else {
        return None;
    };
    Some((message, number.expose()))
}

/// What an answer that holds a message says of it; `None` when it cannot be read.
fn told(response: &HttpResponse, now: Timestamp) -> Option<ObservedMessage> {
    let message: wire::Message = serde_json::from_slice(response.body()).ok()?;
    Some(observed(message, said_at(response, now)))
}

/// A refusal, with Twilio's code.
fn refused(body: &[u8]) -> Outcome {
    let reason = refusal(body);
    let what =
        if reason == Reason::OptedOut { MessageFact::OptedOut } else { MessageFact::Status(MessageStatus::Failed) };
    let observed = ObservedMessage { error_code: classify::code(body), ..ObservedMessage::of(what) };
    Outcome { verdict: Verdict::Refused { reason }, observed: Some(Observation::Message(observed)) }
}

/// Where the message stands. That Twilio holds it says at least that it was accepted.
fn observed(message: wire::Message, vendor_at: Timestamp) -> ObservedMessage {
    let what = event::fact(&message.status, message.error_code);
    ObservedMessage {
        vendor_at: Some(vendor_at),
        vendor_id: Some(message.sid),
        error_code: message.error_code,
        ..ObservedMessage::of(what.unwrap_or(MessageFact::Status(MessageStatus::Sent)))
    }
}

/// Twilio's ids are letters and digits; anything else is encoded rather than trusted.
fn segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
