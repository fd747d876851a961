//! stripe-webhook: verify, queue, acknowledge. One wait, and nothing parsed.

use std::collections::BTreeMap;

use crossdock::error::Result;
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use crossdock::lambda::receiver::{Message, Receiver};
use crossdock::vendors::stripe::{WebhookKeys, verify};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The largest event, in bytes: with its attributes it must fit SQS's 1 MiB.
const EVENT_MAX_BYTES: usize = 900_000;
/// The same for an event that has to travel in base64, which is a third longer.
const EVENT_MAX_BYTES_IN_BASE64: usize = 650_000;

/// Stripe's webhook endpoint.
pub struct StripeWebhook {
    receiver: Receiver,
    keys: Keyring<WebhookKeys>,
}

impl StripeWebhook {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { receiver: system.receiver(Vendor::Stripe, &[verify::HEADER])?, keys: system.stripe_webhook_keys()? })
    }

    /// What is worth doing before the first event.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed()]
    }
}

impl HttpFunction for StripeWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        self.receiver.check_within(&request, EVENT_MAX_BYTES, verify::HEADER_MAX_BYTES)?;
        let signature = request.header(verify::HEADER).unwrap_or_default();
        let check = |keys: &WebhookKeys| {
            let now = request.received_at;
            verify::verify(keys.live_webhook_secrets(now), signature, request.body.clone(), now)
        };
        let event = self.receiver.verify(&self.keys, check).await?;
        let verify::Signed { body, header } = event.get();
        let message = Message::of_event(body, EVENT_MAX_BYTES_IN_BASE64)?;
        let kept = BTreeMap::from([(verify::HEADER.to_owned(), header.clone())]);
        self.receiver.accept_with(&request, event.key_id(), kept, vec![message]).await
    }
}
