//! A mail that its provider could not bring, because the recipient's server did not take it from there, goes by the other
//! provider. It is a message of its own, with an intent of its own: what became of the first stays what it is.

use super::{Draft, Message, key};
use crate::aws::Write;
use crate::domain::message::{Channel, MessageStatus};
use crate::domain::{IntentId, MessageId};
use crate::effects::list::intent::Kind;
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::ObservedMessage;
use crate::effects::list::plan::{Context, Plan, Role};
use crate::error::Result;
use crate::gateway::Vendor;

impl Message {
    /// Whether it goes by the other provider after this: once, where there is one, and while anybody has a use for it. No
    /// marketing does: the other provider takes none.
    pub(super) fn goes_again(&self, after: &Self, observed: &ObservedMessage, context: &Context) -> bool {
        let has_ended = after.status == MessageStatus::Dropped && self.status != MessageStatus::Dropped;
        let began = self.send_at.unwrap_or(self.created_at);
        let good_until = began.plus(Kind::of_message(self.channel, self.kind).budget());
        observed.is_blocked
            && has_ended
            && context.other_mailer
            && self.channel == Channel::Email
            && self.again_of.is_none()
            && !self.kind.is_marketing()
            && (!self.kind.is_perishable() || context.now < good_until)
    }

    /// Adds the message that goes by the other provider, and its intent.
    pub(super) fn send_again(&self, plan: &mut Plan, context: &Context) -> Result<()> {
        let reached = MessageStatus::Dropped.as_str();
        let kind = Kind::of_message(self.channel, self.kind);
        let discriminator = format!("{reached}/{}", self.kind.as_str());
        let draft = Draft {
            message_id: MessageId::for_status(self.message_id.as_str(), reached, self.kind.as_str()),
            intent_id: IntentId::of(kind.as_str(), self.message_id.as_str(), &discriminator),
            contact_id: self.contact_id.clone(),
            content: self.content.clone(),
            order_id: self.order_id.clone(),
            instead: None,
            estimate: self.estimate,
            send_at: None,
            request_hash: None,
        };
        let (mut message, mut intent) = Self::of(draft, context);
        message.again_of = Some(self.message_id.clone());
        // Which provider makes a try is part of the generation (messages/mailer.rs).
        intent.generation = u32::from(context.source != Vendor::Postmark.as_str());
        plan.writes.push(message.queued_row(context)?);
        plan.writes.push((Role::Once, Write::put_new(key(&message.message_id), &message)?));
        plan.writes.push((Role::Once, Write::put_new(intent.key(), &intent)?));
        plan.nudges.push(Nudge::of(&intent));
        Ok(())
    }
}
