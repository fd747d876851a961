//! Leave to send: whether the recipient may get this message, looked at right before it is sent. The contact was read
//! with the message, so it costs no wait; and an opt-out holds for whatever is still queued.

use super::contact::Contact;
use super::message::Message;
use super::outcome::{HELD_BACK, Outcome, Verdict};
use crate::domain::message::Channel;
use crate::domain::{Timestamp, quiet_hours};
use crate::guard::{Guard, holds};

/// The code of a message that the recipient does not want, or cannot get.
pub(super) const SUPPRESSED: &str = "suppressed";

/// What stands in the way of sending; `None` when nothing does.
pub(super) fn withheld(message: &Message, contact: Option<&Contact>, now: Timestamp) -> Option<Outcome> {
    let contact = contact?;
    let is_marketing = message.kind.is_marketing();
    if let Some(why) = contact.consent().forbids(is_marketing).filter(|_| holds(Guard::ConsentHolds)) {
        tracing::info!(message.id = message.message_id.as_str(), reason = why, "a message was not sent");
        return Some(Outcome::of(Verdict::Refused { code: SUPPRESSED }));
    }
    let number = contact.address.as_ref().filter(|_| is_marketing && message.channel == Channel::Sms)?;
    let wait = quiet_hours::wait(number.expose(), now);
    let later = Verdict::NotDone { code: HELD_BACK, after: Some(wait), answered: false };
    (!wait.is_zero()).then(|| Outcome::of(later))
}
