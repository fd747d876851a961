//! How an SMS stands whose callbacks have said nothing final. A read: whatever comes of it, asking again does no harm.

use std::time::Duration;

use super::{Twilio, segment, told};
use crate::domain::message::MessageStatus;
use crate::domain::status::Status as _;
use crate::effects::intent::Intent;
use crate::effects::message::Message;
use crate::effects::observation::{MessageFact, Observation};
use crate::effects::{Outcome, Reason, Subject, Verdict};
use crate::gateway::{Class, Permit};

/// How long until the next look, after the first; it doubles with each one that found nothing final: 1, 2, 4 hours …
/// until the intent's budget is over.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

impl Twilio {
    /// Asks how a message stands, unless a callback has told it meanwhile.
    pub(super) async fn status(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let Some(vendor_id) = open_at_the_provider(subject) else { return Outcome::of(Verdict::Done) };
        let path = |_: &super::Keys| format!("Messages/{}.json", segment(vendor_id));
        let reply = self.ask("fetch_message", intent.attempt, &intent.correlation_id, permit, path).await;
        if let Some(turned_away) = Outcome::turned_away(&reply) {
            return turned_away;
        }
        let now = self.gateway.world().now();
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => match told(response, now) {
                Some(observed) if is_final(observed.what) => Outcome::done(Observation::Message(observed)),
                _ => self.look_again(intent),
            },
            // Twilio knows it no more, and will not know it later.
            (Class::Refused, Some(_)) => Outcome::of(Verdict::Refused { reason: Reason::VendorRefused }),
            _ => Outcome::not_done(Reason::VendorUnavailable, None, false),
        }
    }

    fn look_again(&self, intent: &Intent) -> Outcome {
        let wait = LOOK_AGAIN.saturating_mul(1 << intent.attempt.min(16));
        if intent.give_up_at.since(self.gateway.world().now()) < wait {
            // Carriers that never report are many, and no case for a person.
            return Outcome::of(Verdict::Refused { reason: Reason::NoFinalStatus });
        }
        Outcome::not_done(Reason::NotFinalYet, Some(wait), true)
    }
}

/// Twilio's id of a message that was sent, and of which nothing final is known.
fn open_at_the_provider(subject: &Subject) -> Option<&str> {
    let Subject::Message { message, .. } = subject else { return None };
    let Message { status: MessageStatus::Sent, vendor_id, .. } = &**message else { return None };
    vendor_id.as_deref()
}

fn is_final(what: MessageFact) -> bool {
    matches!(what, MessageFact::OptedOut) || matches!(what, MessageFact::Status(status) if status.is_terminal())
}
