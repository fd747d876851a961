//! Leave to send: whether the recipient may get this message, looked at right before it is sent. The contact was read
//! with the message, so it costs no wait; and an opt-out holds for whatever is still queued.

use crate::domain::message::{Channel, MessageKind};
use crate::domain::{Timestamp, quiet_hours};
use crate::effects::list::outcome::{Outcome, Verdict};
use crate::effects::list::reason::Reason;
use crate::effects::subject::contact::Contact;
use crate::effects::subject::message::Message;
use crate::guard::{Guard, holds};

/// What stands in the way of sending; `None` when nothing does.
pub(crate) fn withheld(message: &Message, contact: Option<&Contact>, now: Timestamp) -> Option<Outcome> {
    let contact = contact?;
    if let Some(why) = contact.consent().forbids(message.kind).filter(|_| holds(Guard::ConsentHolds)) {
        tracing::info!(message.id = message.message_id.as_str(), reason = why, "a message was not sent");
        return Some(Outcome::of(Verdict::Refused { reason: Reason::Suppressed }));
    }
    let number = contact.address.as_ref().filter(|_| message.channel == Channel::Sms)?;
    let wait = match message.kind {
        MessageKind::Promotion => quiet_hours::wait(number.expose(), now),
        // What follows from a scan at night, or is asked for then. A code is waited for, and of its own text the shop
        // knows how urgent it is.
        MessageKind::DeliveryNotification => quiet_hours::wait_for_notice(number.expose(), now),
        _ => return None,
    };
    let later = Verdict::NotDone { reason: Reason::HeldBack, after: Some(wait), answered: false };
    (!wait.is_zero()).then(|| Outcome::of(later))
}
