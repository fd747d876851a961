//! fedex-webhook: verify, queue, acknowledge. One wait, and nothing parsed.

use crossdock::error::Result;
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use crossdock::lambda::receiver::{Message, Receiver};
use crossdock::vendors::fedex::{WebhookKeys, verify};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The largest event, in bytes: with its attributes it must fit SQS's 1 MiB. One parcel's whole history has some 50 kB.
const EVENT_MAX_BYTES: usize = 900_000;
/// The same for an event that has to travel in base64, which is a third longer.
const EVENT_MAX_BYTES_IN_BASE64: usize = 650_000;

/// FedEx's webhook endpoint.
pub struct FedexWebhook {
    receiver: Receiver,
    keys: Keyring<WebhookKeys>,
}

impl FedexWebhook {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { receiver: system.receiver(Vendor::Fedex, &[verify::HEADER])?, keys: system.fedex_webhook_keys()? })
    }

    /// What is worth doing before the first event.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let live = |keys: &WebhookKeys, now| keys.live_webhook_tokens(now).map(drop);
        vec![self.receiver.look_at(&self.keys, live).boxed()]
    }
}

impl HttpFunction for FedexWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        self.receiver.check(&request, EVENT_MAX_BYTES)?;
        let signature = request.header(verify::HEADER).unwrap_or_default();
        let check = |keys: &WebhookKeys| {
            verify::verify(keys.live_webhook_tokens(request.received_at)?.into_iter(), signature, request.body.clone())
        };
        let event = self.receiver.verify(&self.keys, check).await?;
        let message = Message::of_event(event.get(), EVENT_MAX_BYTES_IN_BASE64)?;
        self.receiver.accept(&request, event.key_id(), vec![message]).await
    }
}
