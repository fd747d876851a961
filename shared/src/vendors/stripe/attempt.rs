//! A confirm of ours is an attempt, and what its shopper is told is how that one went: not how an earlier one did in the
//! same second of Stripe's clock, and not how it went when it was first made, in an answer that Stripe repeats.

use std::time::Duration;

use super::Stripe;
use super::answer::parse;
use super::classify::is_replay;
use super::request::path_segment;
use super::wire::{Object as _, PaymentIntent};
use crate::effects::intent::{Intent, Kind};
use crate::effects::observation::Observation;
use crate::effects::{Outcome, Subject, Verdict};
use crate::gateway::{Class, Permit, Reply, said_at};
use crate::guard::{Guard, holds};

/// When the payment could not be read: look again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Stripe {
    /// What the reply to a confirm means. One that Stripe repeats is as old as the attempt, and the bank may have asked or
    /// answered since: the payment itself is looked at, once.
    pub(super) async fn attempted(
        &self,
        outcome: Outcome,
        reply: &Reply,
        intent: &Intent,
        subject: &Subject,
        permit: &Permit,
    ) -> Outcome {
        let is_repeated = reply.response.as_ref().is_some_and(|response| is_replay(response.headers()));
        match subject.vendor_id() {
            Some(vendor_id) if is_repeated && outcome.observed.is_some() && holds(Guard::NewestAttempt) => {
                self.as_it_stands(vendor_id, intent, permit).await
            }
            _ => outcome,
        }
    }

    async fn as_it_stands(&self, vendor_id: &str, intent: &Intent, permit: &Permit) -> Outcome {
        let path = format!("/v1/payment_intents/{}", path_segment(vendor_id));
        let reply = self.get("retrieve_payment_intent", &path, intent.attempt, &intent.correlation_id, permit).await;
        let now = self.gateway.world().now();
        let found = match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => {
                parse::<PaymentIntent>(response).map(|found| found.observation(said_at(response, now)))
            }
            _ => None,
        };
        let again = || Outcome::of(Verdict::Unknown { look_at: now.plus(LOOK_AGAIN), ask_the_list: true });
        found.map_or_else(again, Outcome::done)
    }
}

/// Says of an answer to a confirm what was known when Stripe was asked.
pub(super) fn dated(mut outcome: Outcome, intent: &Intent, subject: &Subject) -> Outcome {
    if let (Kind::PaymentConfirm, Subject::Payment(payment), Some(Observation::Payment(observed))) =
        (intent.kind, subject, &mut outcome.observed)
        && holds(Guard::NewestAttempt)
    {
        observed.asked_when = Some(payment.standing());
    }
    outcome
}
