//! Whether a mail of unknown outcome was accepted: Postmark finds messages by the metadata that they were sent with.
//! (postmarkapp.com/support/article/1125-custom-metadata-faq.)

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::classify::classify_read;
use super::wire::Found;
use super::{Keys, Postmark};
use crate::domain::Timestamp;
use crate::domain::message::MessageStatus;
use crate::effects::intent::Intent;
use crate::effects::observation::{Observation, ObservedMessage};
use crate::effects::{Outcome, Verdict};
use crate::gateway::{Call, Class, OperationClass, Permit, Vendor, said_at};

/// "Did not happen" is concluded at earliest so long after the last call may have been running. The search is fed by what
/// was accepted, with some delay that nobody names.
const ABSENT_AFTER: Duration = Duration::from_secs(300);

/// What to do right after an unknown outcome.
pub(super) fn ask_soon(now: Timestamp) -> Outcome {
    Outcome::of(Verdict::Unknown { look_at: now.plus(ABSENT_AFTER), ask_the_list: true })
}

impl Postmark {
    pub(super) async fn resolved(&self, intent: &Intent, permit: &Permit) -> Outcome {
        let now = self.gateway.world().now();
        let call = Call {
            vendor: Vendor::Postmark,
            operation: "search_messages",
            class: OperationClass::Read,
            permit,
            attempt: intent.attempt,
            correlation: &intent.correlation_id,
        };
        // Our ids are letters, digits and underscores.
        let path = format!("/messages/outbound?count=1&offset=0&metadata_crossdock_intent={}", intent.intent_id);
        let build = |keys: &Keys| self.request(keys, Method::GET, &path, Bytes::new());
        let reply = self.gateway.call(&call, &self.keys, &build, classify_read).await;
        let (Class::Done, Some(response)) = (reply.class, &reply.response) else { return ask_soon(now) };
        let Ok(found) = serde_json::from_slice::<Found>(response.body()) else { return ask_soon(now) };
        let may_conclude_at = intent.called_until.unwrap_or(intent.created_at).plus(ABSENT_AFTER);
        match found.messages.into_iter().next() {
            Some(found) => Outcome::done(Observation::Message(ObservedMessage {
                vendor_at: Some(said_at(response, now)),
                vendor_id: Some(found.message_id),
                ..ObservedMessage::ours(MessageStatus::Sent)
            })),
            None if now < may_conclude_at => {
                Outcome::of(Verdict::Unknown { look_at: may_conclude_at, ask_the_list: true })
            }
            None => Outcome::of(Verdict::Absent),
        }
    }
}
