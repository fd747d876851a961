//! twilio-webhook: verify, queue, acknowledge: statuses of messages, and messages that people write. One wait, and
//! nothing parsed.

use crossdock::error::Result;
use crossdock::gateway::{Keyring, Vendor};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use crossdock::lambda::receiver::{Message, Receiver};
use crossdock::vendors::twilio::{WebhookKeys, verify};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The largest form, in bytes: a text of 1,600 characters, ten links to pictures and forty short fields are a quarter.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// Twilio's webhook endpoint.
pub struct TwilioWebhook {
    receiver: Receiver,
    keys: Keyring<WebhookKeys>,
}

impl TwilioWebhook {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { receiver: system.receiver(Vendor::Twilio, &[verify::HEADER])?, keys: system.twilio_webhook_keys()? })
    }

    /// What is worth doing before the first callback.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.keys.get().map(drop).boxed()]
    }
}

impl HttpFunction for TwilioWebhook {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        self.receiver.check(&request, FORM_MAX_BYTES)?;
        let signature = request.header(verify::HEADER).unwrap_or_default();
        let check = |keys: &WebhookKeys| {
            verify::verify(keys.live_tokens(request.received_at), signature, &request.url, request.body.clone())
        };
        let form = self.receiver.verify(&self.keys, check).await?;
        let message = Message::of_event(form.get(), FORM_MAX_BYTES)?;
        let answer = self.receiver.accept(&request, form.key_id(), vec![message]).await?;
        // What stood in a body would be sent to whoever wrote to us.
        Ok(Answer { status: 204, ..answer })
    }
}
