//! sendgrid-webhook: verify, cut at element boundaries, queue, acknowledge. One wait for any number of events.

use crossdock::error::Result;
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use crossdock::lambda::receiver::{Message, Receiver};
use crossdock::vendors::sendgrid::{WebhookKeys, slices, verify};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The largest batch, in bytes: Lambda takes 6 MB, and a body in base64 is a third longer.
const BATCH_MAX_BYTES: usize = 4_500_000;

/// SendGrid's event webhook endpoint.
pub struct SendGridWebhook {
    receiver: Receiver,
    keys: Keyring<WebhookKeys>,
}

impl SendGridWebhook {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let headers = &[verify::SIGNATURE_HEADER, verify::TIMESTAMP_HEADER];
        Ok(Self { receiver: system.receiver(Vendor::SendGrid, headers)?, keys: system.sendgrid_webhook_keys()? })
    }

    /// What is worth doing before the first batch.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed()]
    }
}

impl HttpFunction for SendGridWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        self.receiver.check(&request, BATCH_MAX_BYTES)?;
        let signature = request.header(verify::SIGNATURE_HEADER).unwrap_or_default();
        let timestamp = request.header(verify::TIMESTAMP_HEADER).unwrap_or_default();
        let check = |keys: &WebhookKeys| {
            let live = keys.live_webhook_keys(request.received_at);
            verify::verify(live, signature, timestamp, request.body.clone())
        };
        let batch = self.receiver.verify(&self.keys, check).await?;
        let verbatim = |slice: &&str| Message::verbatim(slice.as_bytes(), slice.len());
        let messages = slices(&batch)?.iter().filter_map(verbatim).collect();
        self.receiver.accept(&request, batch.key_id(), messages).await
    }
}
