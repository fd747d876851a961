//! Whether a mail of unknown outcome was accepted. SendGrid cannot be asked; it tells us, in an event that carries
//! our intent's id. (Such an event settles the intent by itself; what is left here is the waiting.)

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::message::Content;
use crate::effects::campaign::HELD_FOR;
use crate::effects::intent::{Intent, Kind};
use crate::effects::{Outcome, Reason, Subject, Verdict};

/// How long to wait for an event before concluding that the mail was not accepted. "processed" comes within seconds;
/// a webhook that failed once is redelivered within minutes.
pub const EVENT_WINDOW: Duration = Duration::from_secs(600);
/// The same for a link that somebody waits for: two of them do less harm than none.
const EVENT_WINDOW_URGENT: Duration = Duration::from_secs(120);
/// An order mail is sent once more when no event came; a second silence is for a person to look at. Requests that SendGrid said it
/// turned away are not among the two.
const GENERATIONS_MAX: u32 = 2;

/// What to do right after an unknown outcome. Who was told that the service is not available was most likely turned away:
/// silence confirms it, and then the mail is sent again however often that happens. Whatever else is followed by silence may
/// have been lost on the way out.
pub(super) fn wait_for_events(kind: Kind, event_window: Duration, now: Timestamp, is_turned_away: bool) -> Outcome {
    Outcome::of(Verdict::Unknown { look_at: now.plus(window(kind, event_window)), ask_the_list: is_turned_away })
}

fn window(kind: Kind, event_window: Duration) -> Duration {
    match kind {
        Kind::MailPasswordReset => event_window.min(EVENT_WINDOW_URGENT),
        _ => event_window,
    }
}

/// A campaign's mails are held for a while before anything happens to them.
fn held_for(subject: &Subject) -> Duration {
    match subject {
        Subject::Message { message, .. } if matches!(message.content, Content::OfCampaign { .. }) => HELD_FOR,
        _ => Duration::ZERO,
    }
}

/// What to conclude when nothing has settled the intent by now.
pub(super) fn resolved(intent: &Intent, subject: &Subject, event_window: Duration, now: Timestamp) -> Outcome {
    let called_until = intent.called_until.unwrap_or(intent.created_at);
    let window_ends = called_until.plus(window(intent.kind, event_window)).plus(held_for(subject));
    // Nobody minds an offer that did not come; two of the same are one too many.
    let lost_before = intent.generation.saturating_sub(intent.turned_away);
    let repeats = intent.kind != Kind::MailPromotion && lost_before + 1 < GENERATIONS_MAX;
    Outcome::of(if now < window_ends {
        Verdict::Unknown { look_at: window_ends, ask_the_list: intent.ask_the_list }
    } else if repeats || intent.ask_the_list {
        Verdict::Absent
    } else {
        Verdict::GivenUp { reason: Reason::NoEventOfProvider }
    })
}
