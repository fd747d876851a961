//! Whether a mail of unknown outcome was accepted. SendGrid cannot be asked; it tells us, in an event that carries
//! our intent's id. (Such an event settles the intent by itself; what is left here is the waiting.)

use std::time::Duration;

use crate::domain::Timestamp;
use crate::effects::intent::Intent;
use crate::effects::{Outcome, Verdict};

/// How long to wait for an event before concluding that the mail was not accepted. "processed" comes within seconds;
/// a webhook that failed once is redelivered within minutes.
const EVENT_WINDOW: Duration = Duration::from_secs(600);
/// An order mail is sent once more when no event came; a second silence is for a person to look at.
const GENERATIONS_MAX: u32 = 2;

/// What to do right after an unknown outcome.
pub(super) fn wait_for_events(now: Timestamp) -> Outcome {
    Outcome::of(Verdict::Unknown { look_at: now.plus(EVENT_WINDOW), ask_the_list: false })
}

/// What to conclude when nothing has settled the intent by now.
pub(super) fn resolved(intent: &Intent, now: Timestamp) -> Outcome {
    let window_ends = intent.called_until.unwrap_or(intent.created_at).plus(EVENT_WINDOW);
    Outcome::of(if now < window_ends {
        Verdict::Unknown { look_at: window_ends, ask_the_list: false }
    } else if intent.generation + 1 < GENERATIONS_MAX {
        Verdict::Absent
    } else {
        Verdict::GivenUp { code: "no_event_of_the_provider" }
    })
}
