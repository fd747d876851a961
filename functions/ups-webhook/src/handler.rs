//! ups-webhook: check the credential, queue, acknowledge. One wait, and nothing parsed. And since Track Alert's second
//! version shows a token of ours, it gives UPS such tokens.

use crossdock::error::Result;
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use crossdock::lambda::receiver::{Message, Receiver, only_posts};
use crossdock::telemetry::metrics::Metric;
use crossdock::vendors::ups::{WebhookKeys, verify};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

/// The largest event, in bytes: with its attributes it must fit SQS's 1 MiB. One scan has less than 2 kB.
const EVENT_MAX_BYTES: usize = 900_000;
/// The same for an event that has to travel in base64, which is a third longer.
const EVENT_MAX_BYTES_IN_BASE64: usize = 650_000;

/// UPS's webhook and token endpoint.
pub struct UpsWebhook {
    receiver: Receiver,
    keys: Keyring<WebhookKeys>,
}

impl UpsWebhook {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        // Of a password nothing is kept.
        Ok(Self { receiver: system.receiver(Vendor::Ups, &[])?, keys: system.ups_webhook_keys()? })
    }

    /// What is worth doing before the first event.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let live = |keys: &WebhookKeys, now| keys.live_credentials(now).map(drop);
        vec![self.receiver.look_at(&self.keys, live).boxed()]
    }

    /// A token for the client id and secret that we gave UPS (RFC 6749, section 4.4).
    async fn token(&self, request: &ApiRequest) -> Result<Answer> {
        let authorization = request.header(verify::TOKEN_HEADER).unwrap_or_default();
        let issue = |keys: &WebhookKeys| {
            verify::issue(keys.live_credentials(request.received_at)?.into_iter(), authorization, request.received_at)
        };
        let refusal = match issue(&self.keys.get().await?) {
            Ok(issued) => return Ok(answer(&issued)),
            Err(refusal) => refusal,
        };
        // The credential may have been rolled a moment ago.
        if let Some(keys) = self.keys.refresh().await?
            && let Ok(issued) = issue(&keys)
        {
            return Ok(answer(&issued));
        }
        Metric::TokenRequestsRefused.count(request.received_at, &[]);
        Err(refusal)
    }

    async fn event(&self, request: &ApiRequest) -> Result<Answer> {
        self.receiver.check(request, EVENT_MAX_BYTES)?;
        let shown = verify::Shown {
            credential: request.header(verify::CREDENTIAL_HEADER),
            authorization: request.header(verify::TOKEN_HEADER),
        };
        let now = request.received_at;
        let check = |keys: &WebhookKeys| {
            verify::verify(keys.live_credentials(now)?.into_iter(), shown, now, request.body.clone())
        };
        let event = self.receiver.verify(&self.keys, check).await?;
        let message = Message::of_event(event.get(), EVENT_MAX_BYTES_IN_BASE64)?;
        self.receiver.accept(request, event.key_id(), vec![message]).await
    }
}

fn answer(issued: &verify::Issued) -> Answer {
    let (token, expires_in) = (issued.access_token.expose(), issued.expires_in);
    Answer::new(200, json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in }))
}

impl HttpFunction for UpsWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        only_posts(&request)?;
        match segments.as_slice() {
            // Behind a REST API the vendor's name stands before it.
            [.., "oauth", "token"] => self.token(&request).await,
            _ => self.event(&request).await,
        }
    }
}
