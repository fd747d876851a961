//! The way of a message after it was accepted. Time passes when somebody calls or looks for callbacks.

use super::State;
use super::message::Status;
use crate::Course;

/// How long after it was accepted each step of a message happens, in milliseconds.
const QUEUED_AFTER_MS: i64 = 100;
const SENDING_AFTER_MS: i64 = 300;
const SENT_AFTER_MS: i64 = 600;
const REPORTED_AFTER_MS: i64 = 2000;

/// How long a message waits in the queue when it is deferred, in milliseconds (10 min).
const DEFERRAL_MS: i64 = 600_000;

/// How long after a failure the carrier may say that the message arrived, in milliseconds.
const CORRECTION_MS: i64 = 60_000;

/// What a message fails with that waited longer than it may.
const VALIDITY_EXPIRED: u32 = 30036;

/// What a message fails with whose recipient has opted out since.
const OPTED_OUT: u32 = 21610;

/// Codes of messages that never leave Twilio: queue overflow, account suspended, price above the limit.
const NEVER_SENT: [u32; 3] = [30001, 30002, 30010];

/// A change of status that is to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Where the message stands among the account's.
    message: usize,
    status: Status,
    code: Option<u32>,
}

/// The course of a message to this number: one that ends in five digits from 30001 to 30999 is the error code that it
/// ends with.
pub(super) fn course_of(number: &str) -> Course {
    let last_five = number.len().checked_sub(5).and_then(|start| number.get(start..));
    match last_five.and_then(|digits| digits.parse().ok()) {
        Some(code) if NEVER_SENT.contains(&code) => Course::Failed { code },
        Some(code @ 30_001..=30_999) => Course::Undelivered { code },
        _ => Course::Delivered,
    }
}

impl State {
    /// Plans all that becomes of a message that was accepted just now.
    pub(super) fn plan_journey(&mut self, message: usize, course: Course) {
        let Some(accepted) = self.messages.get(message) else { return };
        let (start_ms, by_service) = (accepted.created_ms, accepted.status == Status::Accepted);
        let last_chance_ms = start_ms + accepted.validity_period_s * 1000;
        let mut steps: Vec<(i64, Status, Option<u32>)> = Vec::new();
        if by_service {
            steps.push((QUEUED_AFTER_MS, Status::Queued, None));
        }
        let waits_ms = if course == Course::Deferred { DEFERRAL_MS } else { 0 };
        let sent =
            [(SENDING_AFTER_MS + waits_ms, Status::Sending, None), (SENT_AFTER_MS + waits_ms, Status::Sent, None)];
        let reported_ms = REPORTED_AFTER_MS + waits_ms;
        let never_sent = match course {
            Course::Dropped => Some(30001),
            Course::Failed { code } => Some(code),
            _ => None,
        };
        if let Some(code) = never_sent {
            steps.push((SENDING_AFTER_MS, Status::Failed, Some(code)));
        } else if start_ms + SENDING_AFTER_MS + waits_ms > last_chance_ms {
            steps.push((last_chance_ms - start_ms, Status::Failed, Some(VALIDITY_EXPIRED)));
        } else {
            steps.extend(sent);
            match course {
                Course::Silent => {}
                Course::Bounced => steps.push((reported_ms, Status::Undelivered, Some(30005))),
                Course::Blocked => steps.push((reported_ms, Status::Undelivered, Some(30008))),
                Course::Undelivered { code } => steps.push((reported_ms, Status::Undelivered, Some(code))),
                Course::DeliveredAfterAll { code } => {
                    steps.push((reported_ms, Status::Undelivered, Some(code)));
                    steps.push((reported_ms + CORRECTION_MS, Status::Delivered, None));
                }
                _ => steps.push((reported_ms, Status::Delivered, None)),
            }
        }
        for (after_ms, status, code) in steps {
            self.last_step += 1;
            self.planned.insert((start_ms + after_ms, self.last_step), Step { message, status, code });
        }
    }

    /// When the next message moves on, in epoch milliseconds.
    pub(crate) fn next_planned_ms(&self) -> Option<i64> {
        self.planned.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// Everything that has happened by `now_ms`, earliest first.
    pub(crate) fn pass_time(&mut self, now_ms: i64) {
        while let Some(entry) = self.planned.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let ((at_ms, _), step) = entry.remove_entry();
            self.take_step(at_ms, step);
        }
    }

    fn take_step(&mut self, at_ms: i64, step: Step) {
        let sender = self.numbers.first().cloned();
        let Some(message) = self.messages.get_mut(step.message) else { return };
        if message.status == Status::Failed {
            return;
        }
        let (mut status, mut code) = (step.status, step.code);
        if status == Status::Queued {
            message.from = message.from.take().or(sender);
        }
        let pair = (message.to.clone(), message.from.clone().unwrap_or_default());
        if status == Status::Sending && self.opted_out.contains(&pair) {
            (status, code) = (Status::Failed, Some(OPTED_OUT));
        }
        message.status = status;
        message.error_code = code;
        message.updated_ms = at_ms;
        if status == Status::Sent {
            message.sent_ms = Some(at_ms);
        }
        self.tell_status(step.message, at_ms);
    }
}
