//! Whether an SMS of unknown outcome was accepted. Twilio has no idempotency key and keeps nothing of ours that could be
//! asked for, so its list is looked through for what we would have sent: the same text, to the same number, at that time.
//! (A callback that carries our intent's id settles the intent by itself, mostly before anybody asks.)

use std::time::Duration;

use super::wire::{Message, Page, list_query};
use super::{Keys, Twilio, observed, recipient};
use crate::domain::Timestamp;
use crate::effects::intent::{Intent, Kind};
use crate::effects::observation::Observation;
use crate::effects::{Outcome, Reason, Subject, Verdict};
use crate::gateway::{Class, Permit, said_at};

/// "Did not happen" is concluded at earliest so long after the last call may have been running.
const ABSENT_AFTER: Duration = Duration::from_secs(60);
/// The same for a code that is good for two minutes: two of them do less harm than none.
const ABSENT_AFTER_URGENT: Duration = Duration::from_secs(5);
/// How far around the calls a message counts as theirs: Twilio's times are whole seconds, and clocks differ.
const LIST_MARGIN: Duration = Duration::from_secs(60);
/// Messages looked at: what one person may have got in the minutes that matter, many times over.
const LIST_MAX: usize = 100;

/// What to do right after an unknown outcome.
pub(super) fn ask_soon(kind: Kind, now: Timestamp) -> Outcome {
    Outcome::of(Verdict::Unknown { look_at: now.plus(absent_after(kind)), ask_the_list: true })
}

const fn absent_after(kind: Kind) -> Duration {
    match kind {
        Kind::SmsTwoFactorCode => ABSENT_AFTER_URGENT,
        _ => ABSENT_AFTER,
    }
}

impl Twilio {
    pub(super) async fn resolved(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let now = self.gateway.world().now();
        let Some((message, number)) = recipient(subject) else {
            // The number was erased meanwhile: nobody can find out, and nobody would be written to.
            return Outcome::of(Verdict::GivenUp { reason: Reason::NoAddress });
        };
        let first = intent.first_called_at.unwrap_or(intent.created_at);
        let last = intent.called_until.unwrap_or(first);
        let path = |keys: &Keys| format!("Messages.json?{}", list_query(number, keys.from.expose(), LIST_MAX));
        let reply = self.ask("list_messages", intent.attempt, &intent.correlation_id, permit, path).await;
        let again = ask_soon(intent.kind, now);
        let (Class::Done, Some(response)) = (reply.class, &reply.response) else { return again };
        let Ok(page) = serde_json::from_slice::<Page>(response.body()) else { return again };
        let Ok(text) = self.text(message).await else { return again };
        let (from, to) = (first.minus(LIST_MARGIN), last.plus(LIST_MARGIN));
        // The list has the newest first: when its end is older than the first call, nothing of ours is further on.
        let goes_on = page.next_page_uri.is_some()
            && page.messages.last().is_none_or(|oldest| oldest.created_at().is_none_or(|at| at >= from));
        let may_conclude_at = last.plus(absent_after(intent.kind));
        match found(page.messages, &text, from, to) {
            Some(found) => Outcome::done(Observation::Message(observed(found, said_at(response, now)))),
            None if goes_on => Outcome::of(Verdict::GivenUp { reason: Reason::TooManyToSearch }),
            None if now < may_conclude_at => {
                Outcome::of(Verdict::Unknown { look_at: may_conclude_at, ask_the_list: true })
            }
            None => Outcome::of(Verdict::Absent),
        }
    }
}

/// The first message with this text that was created in that time. One that does not say when counts too: sending twice
/// is worse than a doubtful match.
fn found(messages: Vec<Message>, text: &str, from: Timestamp, to: Timestamp) -> Option<Message> {
    let in_time = |message: &Message| message.created_at().is_none_or(|at| from <= at && at <= to);
    let candidates = messages.into_iter().filter(|message| message.says(text) && in_time(message));
    candidates.min_by_key(Message::created_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sid: &str, body: &str, second: u32) -> Message {
        let json = format!(
            r#"{{"sid":"{sid}","status":"sent","body":"{body}","date_created":"Thu, 01 May 2025 10:00:{second:02} +0000"}}"#
        );
        serde_json::from_str(&json).expect("a message")
    }

    #[test]
    fn the_message_with_our_text_in_our_time_is_ours_and_the_first_of_several() {
        let at = |second: i64| Timestamp::from_seconds(1_746_093_600 + second);
        let list = || {
            vec![
                message("SM4", "Hi", 50),
                message("SM3", "Hi", 20),
                message("SM2", "Hi", 10),
                message("SM1", "Bye", 10),
            ]
        };
        let sid = |from, to| found(list(), "Hi", at(from), at(to)).map(|message| message.sid);
        assert_eq!(sid(0, 30).as_deref(), Some("SM2"));
        assert_eq!(sid(15, 30).as_deref(), Some("SM3"));
        assert_eq!(sid(51, 60), None);
        assert_eq!(sid(0, 9), None);
    }

    #[test]
    fn a_code_is_asked_for_at_once_and_anything_else_a_minute_later() {
        let look_at = |kind| match ask_soon(kind, Timestamp::default()).verdict {
            Verdict::Unknown { look_at, ask_the_list: true } => look_at.seconds(),
            other => panic!("{other:?}"),
        };
        assert_eq!((look_at(Kind::SmsTwoFactorCode), look_at(Kind::SmsSend)), (5, 60));
    }
}
